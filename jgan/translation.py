"""A user's own pictures through a model that makes images from images, for `python -m jgan.sample --input`.

Pictures are read, translated and passed on a few at a time, so that memory does not grow with their number.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots, tiles
from jgan.data import grey, reading
from jgan.evaluation.criteria import unit
from jgan.evaluation.named import Picture
from jgan.training.run import Snapshot, keys
from jgan.types import GAN, Field, Inputs
from jgan.utils import memory, text, xla

AT_ONCE = 1 << 20
"""The pixels that are translated together, but at least one picture and at most `MOST`."""

TILE, MARGIN = 192, 64
"""Larger pictures of a model that sees only so far around a pixel (`gan.whole.reach`) are translated in tiles of this side,
with at most this margin."""

MOST_PIXELS = 150_000_000
"""Pixels of a user's picture, more than of those that are read by the hundred: decoded with Pillow it takes up to 1.8 GB."""

MOST = 100

PROGRAMS = 8
"""The sizes whose compiled programs are kept."""

SHOWN, LARGEST = 12, 256
"""Of a sheet of several pictures: the columns, and the side to which larger pictures are reduced."""


class Translated(NamedTuple):
    """A picture as the model was given it, and what the model made of it, both uint8 `[height, width, 1 or 3]`."""

    name: str
    source: np.ndarray
    output: np.ndarray


def directions(gan: GAN) -> dict[str, Field]:
    """The images that a model is conditioned on, by direction.

    Args:
      gan: the model.

    Returns:
      Their fields; a single one has the name "".

    Example:
      >>> from jgan import DataSpec, models, translation
      >>> gan = models.make(models.presets()["digits"].config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> translation.directions(gan)
      {}
    """
    found = gan.condition if isinstance(gan.condition, dict) else {"": gan.condition}
    return {name: field for name, field in found.items() if isinstance(field, Field) and field.kind == "image"}


def default_name(path: Path) -> str:
    """The name of the picture that is written if no other is asked for.

    Args:
      path: the input.

    Returns:
      The name of a file.

    Example:
      >>> from pathlib import Path
      >>> from jgan import translation
      >>> translation.default_name(Path("photographs/lake.jpg"))
      'translated-lake.png'
    """
    path = reading.user_path(path).resolve()
    return f"translated-{path.name if path.is_dir() else path.stem}.png"


# -------------------------------------------------------------------------------------------------------------- fitting


def fitted(picture: Picture, field: Field, gan: GAN) -> tuple[Picture, str]:
    """A picture as a model takes it.

    Args:
      picture: the picture.
      field: the images of the model's training.
      gan: the model; `gan.whole` says whether it takes pictures of other sizes.

    Returns:
      The picture, and what was done to it, "" if nothing.

    Raises:
      ValueError: if it is too small for the model.

    Example:
      >>> import numpy as np
      >>> from jgan import models, translation
      >>> from jgan.evaluation.named import Picture
      >>> from jgan.models import pix2pix
      >>> gan = models.make(pix2pix.small(pix2pix.Config()), pix2pix.MODEL.small_spec)
      >>> coloured = Picture("a", "a.png", np.zeros((30, 20, 3), np.uint8))
      >>> picture, done = translation.fitted(coloured, gan.condition, gan)
      >>> picture.pixels.shape, done
      ((30, 20, 1), 'the model takes grey: colours converted to their luma')
    """
    pixels, done = picture.pixels, []
    wanted, found = field.shape[-1], pixels.shape[-1]
    if (wanted, found) == (3, 1):
        pixels, done = np.repeat(pixels, 3, axis=-1), ["the model takes RGB: grey converted to it"]
    elif (wanted, found) == (1, 3):
        pixels, done = grey.as_stored(pixels), ["the model takes grey: colours converted to their luma"]
    size, height, width = pixels.shape[:2], *field.shape[:2]
    if gan.whole is not None and min(size) < gan.whole.smallest:
        least = f"{gan.whole.smallest}x{gan.whole.smallest}"
        raise ValueError(f"{picture.where}: expected at least {least} pixels, found {size[0]}x{size[1]} (height x width)")
    if gan.whole is None and size != (height, width):
        pixels = _resized(pixels, height, width)
        done.append(f"cropped and resized to {height}x{width} (height x width), the only size that the model takes")
    return picture._replace(pixels=pixels), "; ".join(done)


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest centred crop of the aspect ratio of a size, resized to it with antialiasing."""
    from PIL import Image, ImageOps

    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)).reshape(height, width, -1)


# ---------------------------------------------------------------------------------------------------------- translating


def translate(
    found: Snapshot,
    given: Iterable[Picture],
    *,
    direction: str = "",
    seed: int = 0,
    ema: bool = True,
    note: Callable[[str], None] = lambda line: None,
) -> Iterator[Translated]:
    """Translates pictures.

    Args:
      found: the checkpoint.
      given: the pictures.
      direction: the direction, of a model that has several; "" for the first.
      seed: of the latents, if the model has any: those of each picture follow from it and the picture's number.
      ema: whether to use the averaged weights.
      note: is called at the end, with a line for each kind of change that pictures needed.

    Yields:
      Each picture with its translation, in the same order.

    Raises:
      ValueError: if a picture is too small, or too large for the memory.
    """
    gan, done = found.run.gan, dict[str, list[str]]()
    name = direction or next(iter(directions(gan)))
    key = keys(seed).samples
    program = _programs(found, ema)

    def taken() -> Iterator[Picture]:
        for picture in given:
            changed, what = fitted(picture, directions(gan)[name], gan)
            if what:
                done.setdefault(what, []).append(picture.where)
            yield changed

    for first, group in _groups(taken()):
        if _is_tiled(gan, group[0]):
            for picture in group:
                yield Translated(picture.name, picture.pixels, _in_tiles(found, picture, name, ema))
            continue
        images = jnp.asarray(unit(np.stack([picture.pixels for picture in group])))
        own = [gan.inputs(jax.random.fold_in(key, first + index), 1).z for index in range(len(group))]
        inputs = Inputs(jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *own), {name: images} if name else images)
        outputs = np.asarray(program(inputs, group[0].where)(found.state, inputs))
        if not np.isfinite(outputs).all():
            raise ValueError(f"the generator's outputs are not finite at step {found.step:,}: its training has diverged")
        for picture, output in zip(group, plots.to_uint8(outputs), strict=True):
            yield Translated(picture.name, picture.pixels, output)
    for what, names in done.items():
        note(f"{text.listed(names, 3)}: {what}")


def _is_tiled(gan: GAN, picture: Picture) -> bool:
    """Whether a picture is translated in tiles: by a model without noise that sees only its surroundings."""
    local = gan.whole is not None and gan.whole.reach is not None
    without_noise = not jax.tree.leaves(jax.eval_shape(lambda: gan.inputs(jax.random.key(0), 1)).z)
    return local and without_noise and min(picture.pixels.shape[:2]) > TILE + 2 * MARGIN


def _in_tiles(found: Snapshot, picture: Picture, direction: str, ema: bool) -> np.ndarray:
    """The translation of one picture, uint8, in the memory of a tile and of the picture itself."""
    whole, (height, width, channels) = found.run.gan.whole, picture.pixels.shape
    assert whole is not None
    assert whole.reach is not None
    size = height * width * channels * (1 + whole.scale**2)
    memory.require(f"{picture.where}, {height}x{width} pixels (height x width): make it smaller", size)
    generate = xla.jit(functools.partial(found.run.gan.generate, ema=ema))

    def function(windows: np.ndarray) -> np.ndarray:
        images = jnp.asarray(unit(windows))
        outputs = np.asarray(generate(found.state, Inputs((), {direction: images} if direction else images)))
        if not np.isfinite(outputs).all():
            raise ValueError(f"the generator's outputs are not finite at step {found.step:,}: its training has diverged")
        return plots.to_uint8(outputs)

    margin = min(whole.reach, MARGIN)
    return tiles.apply(function, picture.pixels, scale=whole.scale, tile=TILE, margin=margin, align=4)


def _programs(found: Snapshot, ema: bool) -> Callable[[Inputs, str], Any]:
    """The compiled generator for inputs of one size after another, checked to fit into the memory before it runs."""
    generate, known = xla.jit(functools.partial(found.run.gan.generate, ema=ema)), dict[Any, Any]()

    def program(inputs: Inputs, where: str) -> Any:
        _, height, width, _ = shape = jax.tree.leaves(inputs.c)[0].shape
        if shape not in known:
            if len(known) >= PROGRAMS:
                known.clear()
            known[shape] = generate.lower(found.state, inputs).compile()
            used = known[shape].memory_analysis()
            if used is not None:
                size = used.temp_size_in_bytes + used.output_size_in_bytes
                memory.require(f"{where}, {height}x{width} pixels (height x width): make it smaller", size)
        return known[shape]

    return program


def _groups(given: Iterable[Picture]) -> Iterator[tuple[int, list[Picture]]]:
    """Successive pictures of one size, a few at a time, each with the number of the first."""
    group: list[Picture] = []
    number = 0
    for picture in given:
        room = min(MOST, max(1, AT_ONCE // (picture.pixels.shape[0] * picture.pixels.shape[1])))
        if group and (group[0].pixels.shape != picture.pixels.shape or len(group) >= room):
            yield number, group
            number, group = number + len(group), []
        group.append(picture)
    if group:
        yield number, group


# -------------------------------------------------------------------------------------------------------------- showing


def sheet(translated: Iterable[Translated], columns: int = 0) -> np.ndarray:
    """A picture of rows of sources and outputs.

    Args:
      translated: the pictures; large ones are reduced.
      columns: pictures side by side; 0 for `SHOWN`.

    Returns:
      uint8 `[height, width, channels]`.
    """
    shown = [(_reduced(each.source), _reduced(each.output)) for each in translated]
    sources, outputs = zip(*shown, strict=True)
    return plots.comparison(sources, outputs, columns=columns or SHOWN)


def of_one_size(translated: Iterable[Translated], out: Path) -> np.ndarray:
    """The outputs in one array.

    Args:
      translated: the pictures.
      out: the file that the array is for.

    Returns:
      uint8 `[N, height, width, channels]`.

    Raises:
      ValueError: if they differ in size.
    """
    images = [each.output for each in translated]
    if len({image.shape for image in images}) > 1:
        first, other = images[0].shape[:2], next(image.shape[:2] for image in images if image.shape != images[0].shape)
        found = f"{first[0]}x{first[1]} and {other[0]}x{other[1]}"
        raise ValueError(f"--out {out}: an array holds images of one size, found {found}: give a folder, a name without suffix")
    return np.stack(images)


def _reduced(pixels: np.ndarray) -> np.ndarray:
    larger = max(pixels.shape[:2])
    if larger <= LARGEST:
        return pixels
    height, width = (max(1, round(side * LARGEST / larger)) for side in pixels.shape[:2])
    return _resized(pixels, height, width)
