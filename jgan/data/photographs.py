"""Whole photographs of different sizes, of which a step cuts crops, alone or in pairs with their low resolution.

  FOLDER/*.png                               a sixth for validation, a sixth for testing
  FOLDER/train/, validation/, test/          each as above; a missing part is a fifth of the training images; `val` will do too

`photographs:x4` makes pairs for super-resolution: `x` the photograph, its right and lower edge cut off to multiples of 4
pixels, and `c` its quarter by MATLAB's bicubic resizing, rounded to 8 bits, as the benchmarks of the field make it.

All have the same channels: if some are grey and others coloured, the grey ones get three equal channels, which `Dataset.note`
says. The formats are those of `jgan.data.pictures`.
"""

import functools
import re
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import image_files, layout, pictures, reading, sources
from jgan.data.dataset import Dataset, complete
from jgan.ragged import Ragged
from jgan.resize import eight_bits, matlab_bicubic
from jgan.types import Batch


def asked_scale(name: str) -> int:
    """Parses what follows the colon of a data set's name.

    Args:
      name: `photographs`, or `photographs:xSCALE` with a whole scale of at least 2.

    Returns:
      The scale; 1 if the name has none.

    Raises:
      ValueError: if it is anything else.

    Example:
      >>> from jgan.data import photographs
      >>> photographs.asked_scale("photographs"), photographs.asked_scale("photographs:x4")
      (1, 4)
    """
    base, colon, asked = name.partition(":")
    if not colon:
        return 1
    match = re.fullmatch(r"x([2-9]|1[0-6])", asked)
    if match is None:
        raise ValueError(f"expected a scale from x2 to x16 after the colon, as in {base}:x4, found {name!r}")
    return int(match[1])


def read(path: Path, scale: int = 1) -> list[np.ndarray]:
    """Reads all photographs of a folder.

    Args:
      path: the folder.
      scale: their right and lower edges are cut off to a multiple of this number of pixels.

    Returns:
      `[height, width, 1 or 3]` uint8 each, in the order of the names.

    Raises:
      ValueError: if a file cannot be read or is smaller than `scale`, the folder holds anything else, or all together do not
        fit into the memory.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import photographs
      >>> with tempfile.TemporaryDirectory() as path:
      ...     Image.new("RGB", (13, 9)).save(Path(path) / "a.png")
      ...     Image.new("L", (4, 8)).save(Path(path) / "b.png")
      ...     [image.shape for image in photographs.read(Path(path), 4)]
      [(8, 12, 3), (8, 4, 1)]
    """
    files, pixels = layout.images(path), 0
    for file in files:
        reading.regular(file, "an image")
        with file.open("rb") as opened:
            height, width = pictures.header(opened, str(file), pictures.formats_of(file.suffix))[0]
        if min(height, width) < scale:
            raise ValueError(f"{file}: expected at least {scale}x{scale} pixels, found {height}x{width}: remove it")
        pixels += height * width
    reading.check_size(f"{path}, {len(files)} images", 3 * pixels)
    return [_whole(image_files.read_image(file), scale) for file in files]


def _whole(image: np.ndarray, scale: int) -> np.ndarray:
    height, width = (length - length % scale for length in image.shape[:2])
    return image[:height, :width]


def quarter(image: np.ndarray, scale: int = 4) -> np.ndarray:
    """The low resolution of a photograph.

    Args:
      image: `[height, width, channels]` uint8, whose sides are multiples of `scale`.
      scale: pixels to one of the result along each side.

    Returns:
      `[height / scale, width / scale, channels]` uint8: `jgan.resize.matlab_bicubic`, rounded.

    Example:
      >>> import numpy as np
      >>> from jgan.data import photographs
      >>> photographs.quarter(np.full((8, 4, 1), 7, np.uint8)).ravel().tolist()
      [7, 7]
    """
    return eight_bits(matlab_bicubic(image, 1 / scale)).astype(np.uint8)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a folder of photographs.

    Args:
      name: see `asked_scale`.
      data_dir: the folder.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`: `x`, and with a scale `c`, are `Ragged`s; the whole photographs of a part are `dataset.test.x.images()`.
      With a scale `truth` is the function from `x` to `c`, of arrays `[..., height, width, channels]`.

    Raises:
      FileNotFoundError: if there is no such folder.
      ValueError: if a file is not an image.

    Example:
      >>> from jgan.data import photographs
      >>> photographs.load("photographs:x4", Path("no/such/folder"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected a folder of images, found nothing there
    """
    scale = asked_scale(name)
    with layout.opened(data_dir, name) as root:
        folders = layout.parts(root) if layout.is_divided(root) else {"train": root}
        parts = {part: read(path, scale) for part, path in folders.items()}
    everything = [image for images in parts.values() for image in images]
    grey = sum(image.shape[2] == 1 for image in everything)
    note = ""
    if 0 < grey < len(everything):
        note = f"{grey} of the {len(everything)} photographs {'is' if grey == 1 else 'are'} grey and read as coloured"
        parts = {part: [np.broadcast_to(image, (*image.shape[:2], 3)) for image in images] for part, images in parts.items()}
    truth = functools.partial(matlab_bicubic, scale=1 / scale) if scale > 1 else None
    batches = {part: _batch(images, scale) for part, images in parts.items()}
    return complete(name, batches, held_out=held_out, truth=truth, note=note)


def _batch(images: list[np.ndarray], scale: int) -> Batch:
    c: Any = Ragged.of([quarter(image, scale) for image in images]) if scale > 1 else ()
    return Batch(Ragged.of(images), c=c)


sources.register(
    "photographs",
    load,
    "whole photographs of different sizes in --data-dir, for models that train on crops; x4: pairs with their bicubic quarters",
    usage="photographs, photographs:x4",
    holds_out=True,
)
