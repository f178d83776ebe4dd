"""Pictures of a trained generator's latent space: principal directions, latent arithmetic, projections of real images."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan import latents, plots
from jgan.training.evaluators import sampling
from jgan.training.run import Snapshot
from jgan.types import GAN, Inputs, Key

STUDIED = 2000
"""samples whose principal components give the directions"""
LARGEST = 32
"""the side to which larger images are reduced before their components are computed"""
STARTS = 8
"""random latents from which the projection of an image starts"""
SHIFT = 0.25
"""size of the random shifts of the result of latent arithmetic, as in the DCGAN paper"""


class Explored(NamedTuple):
    """Images, and the latents they were made from.

    Attributes:
      images: `[rows * columns, h, w, c]` float32 in [0, 1], row by row.
      columns: images in a row.
      z: `[rows * columns, latent_size]`; NaN where an image has no latents, or a tile is empty.
    """

    images: np.ndarray
    columns: int
    z: np.ndarray


def on_lines(gan: GAN, key: Key, n: int, c: Any = (), *, line: int = 1, path: latents.Path = "linear") -> Inputs:
    """Draws inputs with independent latents, or with latents interpolated between two random ones.

    Args:
      gan: the model.
      key: the key of the random latents.
      n: the number of inputs, a multiple of `line`.
      c: the condition of each; `()` if the model has none.
      line: the number of latents per line, including both ends; 1 for independent latents.
      path: the way between the ends: see `jgan.latents.interpolate`.

    Returns:
      The `Inputs`, line after line.

    Example:
      >>> import jax
      >>> from jgan import DataSpec, exploration, models
      >>> gan = models.make(models.presets()["digits"].config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> exploration.on_lines(gan, jax.random.key(0), 6, line=3).z.shape
      (6, 100)
    """
    if line == 1:
        return gan.inputs(key, n, c)
    ends = gan.inputs(key, 2 * math.ceil(n / line)).z
    start, end = jnp.split(ends, 2)
    return Inputs(latents.interpolate(start, end, line, path).reshape(n, *start.shape[1:]), c)


def terms(text: str) -> list[tuple[int, list[int]]]:
    """Reads a sum and difference of means of samples.

    Args:
      text: numbers of samples, separated by commas, and `+` or `-` between the terms.

    Returns:
      The sign of each term, and its numbers.

    Raises:
      ValueError: if the text is something else.

    Example:
      >>> from jgan import exploration
      >>> exploration.terms("3,7,9 - 1, 4 + 12")
      [(1, [3, 7, 9]), (-1, [1, 4]), (1, [12])]
    """
    number = r"\s*\d{1,9}\s*"
    group = rf"{number}(?:,{number})*"
    if not re.fullmatch(rf"\s*[+-]?{group}(?:[+-]{group})*", text):
        raise ValueError(f'--arithmetic must be numbers of samples such as "3,7,9 - 1,4 + 12", found {text!r}')
    found = re.findall(rf"([+-]?)({group})", text)
    return [(-1 if sign == "-" else 1, [int(word) for word in words.split(",")]) for sign, words in found]


def explorable(found: Snapshot) -> None:
    """Checks that a model's examples are images made from latents.

    Args:
      found: the checkpoint.

    Raises:
      ValueError: if they are not.
    """
    gan, name = found.run.gan, found.run.config.preset
    images = found.run.spec.sets.keys() == {""} and found.run.spec.one.x.kind == "image"
    conditioned_on_data = bool(jax.tree.leaves(gan.condition)) and not sampling.classes(gan)
    if not images or conditioned_on_data:
        raise ValueError(f"the latent space of {name} cannot be explored: its model does not make images from noise alone")


def traversal(found: Snapshot, key: Key, rows: int, columns: int, *, label: int | None = None, ema: bool = True) -> Explored:
    """Moves one image along the directions in which the model's images vary most, a row for each.

    The directions are principal components of the pixels of 2,000 samples, carried back to the latents
    (`jgan.latents.principal_directions`); a row reaches two standard deviations to either side.

    Args:
      found: the checkpoint.
      key: the key of the latents.
      rows: the number of directions.
      columns: images in a row; with an odd number the one in the middle is the same in all rows.
      label: the class of all images, for a model conditioned on labels.
      ema: whether to use the averaged weights.

    Returns:
      The `Explored`.

    Raises:
      ValueError: if there are not so many directions.
    """
    draw = _generator(found, label, ema)
    z = _latents(found, key, STUDIED + 1)
    made = draw(z[1:])
    size = (len(made), *(min(side, LARGEST) for side in made.shape[1:3]), made.shape[-1])
    small = jax.image.resize(jnp.asarray(made), size, "linear")
    directions = latents.principal_directions(z[1:], small.reshape(len(small), -1), rows)
    moved = latents.traversal(z[0], directions, columns).reshape(rows * columns, -1)
    return Explored(draw(moved), columns, np.asarray(moved))


def arithmetic(
    found: Snapshot,
    key: Key,
    num: int,
    terms: Sequence[tuple[int, Sequence[int]]],
    *,
    label: int | None = None,
    ema: bool = True,
) -> Explored:
    """Adds and subtracts means of the latents of samples, as in "smiling woman - neutral woman + neutral man".

    A row for each term: the image of its mean, then those of its members. The last row: the image of the result, then images
    of the result shifted at random.

    Args:
      found: the checkpoint.
      key: the key of the latents.
      num: the number of samples that the indices are of.
      terms: pairs of a sign and the indices of samples.
      label: the class of all images, for a model conditioned on labels.
      ema: whether to use the averaged weights.

    Returns:
      The `Explored`.

    Raises:
      ValueError: if an index is out of range.
    """
    z = _latents(found, key, num)
    columns = 1 + max(3, *(len(indices) for _, indices in terms))
    result = latents.combined(z, terms)
    shifts = jax.random.uniform(jax.random.fold_in(key, 1), (columns - 1, z.shape[1]), minval=-SHIFT, maxval=SHIFT)
    empty = jnp.full_like(z[0], jnp.nan)
    rows: list[jax.Array] = []
    for _, indices in terms:
        members = [z[index] for index in indices]
        rows += [latents.combined(z, [(1, indices)]), *members, *[empty] * (columns - 1 - len(members))]
    shown = jnp.stack([*rows, result, *(result[None] + shifts)])
    images = _generator(found, label, ema)(jnp.nan_to_num(shown))
    images[np.isnan(np.asarray(shown)).any(axis=1)] = plots.BACKGROUND / 255
    return Explored(images, columns, np.asarray(shown))


def projection(found: Snapshot, key: Key, images: Any, *, label: int | None = None, ema: bool = True) -> Explored:
    """Searches the latents from which the model makes given images most closely.

    A row for each image: the image, its projection, and the absolute difference of the two.

    Args:
      found: the checkpoint.
      key: the key of the latents to start from.
      images: `[N, h, w, c]` float in [0, 1].
      label: the class of all images, for a model conditioned on labels.
      ema: whether to use the averaged weights.

    Returns:
      The `Explored`.

    References:
      Zhu et al., "Generative Visual Manipulation on the Natural Image Manifold" (2016), section 3.1,
      https://arxiv.org/abs/1609.03552
    """
    images = jnp.asarray(images, jnp.float32)
    starts = _latents(found, key, len(images) * STARTS).reshape(len(images), STARTS, -1)

    def generate(z: jax.Array) -> jax.Array:
        return found.run.gan.generate(found.state, _inputs(found, z, label), ema=ema)

    best = latents.project(generate, images, starts)
    made = jnp.asarray(_generator(found, label, ema)(best.z))
    none = jnp.full_like(best.z, jnp.nan)
    rows = jnp.stack([images, made, jnp.abs(images - made)], axis=1)
    z = jnp.stack([none, best.z, none], axis=1)
    return Explored(np.array(rows.reshape(-1, *images.shape[1:])), 3, np.array(z.reshape(len(images) * 3, -1)))


def _inputs(found: Snapshot, z: jax.Array, label: int | None) -> Inputs:
    return Inputs(z, () if not sampling.classes(found.run.gan) else jnp.full((len(z),), label or 0, jnp.int32))


def _latents(found: Snapshot, key: Key, n: int) -> jax.Array:
    gan = found.run.gan
    c = jnp.zeros((n,), jnp.int32) if sampling.classes(gan) else ()
    return gan.inputs(key, n, c).z


def _generator(found: Snapshot, label: int | None, ema: bool) -> Any:
    def draw(z: jax.Array) -> np.ndarray:
        return np.array(sampling.draw(found.run.gan, found.state, _inputs(found, z, label), ema=ema))

    return draw
