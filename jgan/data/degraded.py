"""Pairs for restoration: an image, and the same degraded as the condition.

`degraded:SOURCE` takes any set of images of one size and degrades them as GFP-GAN does, scaled to their size. Other pipelines come
first: `degraded:realesrgan:SOURCE`, whose `c` is a quarter as large, `degraded:x4:SOURCE` for bicubic downsampling by 4 and back,
and `degraded:x4noise10:SOURCE` for the same with noise of 10 grey levels.

In training, images are degraded anew at every step, by `Dataset.view`. The validation and the test part are degraded once, by fixed
seeds, so that all models are measured on the same pairs.
"""

import re
from pathlib import Path
from typing import Any

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.degradations import GFPGAN, Bicubic, Degradation, RealESRGAN, degraded, gfpgan
from jgan.types import Batch, Key


def pipeline(name: str) -> tuple[str, str]:
    """Divides the name of a set into the pipeline and the rest.

    Args:
      name: such as `degraded:x4:mnist`.

    Returns:
      `(pipeline, name without it)`; without a pipeline, GFP-GAN's.

    Example:
      >>> from jgan.data import degraded
      >>> degraded.pipeline("degraded:x4:mnist"), degraded.pipeline("degraded:mnist")
      (('x4', 'degraded:mnist'), ('gfpgan', 'degraded:mnist'))
    """
    base, _, rest = name.partition(":")
    first, colon, source = rest.partition(":")
    known = first in ("gfpgan", "realesrgan") or re.fullmatch(r"x\d+(noise\d+)?", first)
    return (first, f"{base}{colon}{source}") if known else ("gfpgan", name)


def degradation(kind: str, shape: tuple[int, ...]) -> Degradation:
    """The pipeline for images of a shape.

    Args:
      kind: `gfpgan`, `realesrgan`, or such as `x4` or `x4noise10`.
      shape: `(height, width, channels)`.

    Returns:
      The `Degradation`.

    Raises:
      ValueError: if the images' sides do not fit it.

    Example:
      >>> from jgan.data import degraded
      >>> degraded.degradation("x4noise10", (64, 64, 1))
      Bicubic(scale=4, noise=10.0)
    """
    if kind == "gfpgan":
        return gfpgan.scaled(GFPGAN(), min(1.0, max(shape[:2]) / gfpgan.SIDE))
    if kind == "realesrgan":
        made = RealESRGAN()
        made.size(*shape[:2])
        return made
    scale, _, noise = kind[1:].partition("noise")
    bicubic = Bicubic(int(scale), float(noise or 0))
    if any(side % bicubic.scale for side in shape[:2]):
        raise ValueError(f"expected images whose sides are multiples of {scale}, found {shape[0]}x{shape[1]}")
    return bicubic


def view_of(degradation: Degradation) -> Any:
    """The view of a minibatch whose sources are made anew from the images.

    Args:
      degradation: the pipeline.

    Returns:
      `view(key, batch, axis_name=None) -> batch`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.data import degraded
      >>> from jgan.degradations import Bicubic
      >>> degraded.view_of(Bicubic(2))(jax.random.key(0), Batch(jnp.zeros((3, 8, 8, 1)))).c.shape
      (3, 8, 8, 1)
    """

    def view(key: Key, batch: Batch, axis_name: str | None = None) -> Batch:
        return batch._replace(c=degradation(key, batch.x, axis_name))

    return view


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Images with degraded ones.

    Args:
      name: `degraded:SOURCE` or `degraded:PIPELINE:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `x` the images, `c` the degraded ones, `y` the source's. Its `view` degrades minibatches anew, unless nothing
      in the pipeline is random.

    Raises:
      ValueError: if the source is not one set of images, already has conditions, or does not fit the pipeline.

    Example:
      >>> from jgan import data
      >>> data.load("degraded:x4noise10:digits").test.c.shape
      (296, 8, 8, 1)
    """
    kind, rest = pipeline(name)
    source = pairs.images_of(rest, "degraded:mnist", data_dir, held_out)
    try:
        made = degradation(kind, source.fields.x.shape)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    pair = lambda batch, number: batch._replace(c=degraded(batch.x, number, made))  # noqa: E731
    fixed = isinstance(made, Bicubic) and not made.noise
    return pairs.made(name, source, pair, view=None if fixed else view_of(made))


sources.register(
    "degraded",
    load,
    "pairs for restoration: the images of SOURCE and, as c, degraded ones, anew at every training step (PIPELINE: gfpgan, realesrgan, x4, x4noise10)",
    usage="degraded:SOURCE, degraded:PIPELINE:SOURCE",
    holds_out=True,
)
