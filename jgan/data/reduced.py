"""Pairs for super-resolution from images of one size: an image, and its low resolution as the condition.

`x4:SOURCE` takes any set of images whose sides are multiples of 4 and makes their quarters, `x2:SOURCE` and `x3:SOURCE` halves
and thirds, by MATLAB's bicubic resizing rounded to 8 bits. (`photographs:x4` does the same for whole photographs of any size.)
"""

import functools
from pathlib import Path

import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.resize import eight_bits, matlab_bicubic
from jgan.types import Batch


def reduce(images: np.ndarray, scale: int) -> np.ndarray:
    """The low resolution of images, as it is stored.

    Args:
      images: `[..., height, width, channels]`, uint8 or float in [0, 1], whose sides are multiples of `scale`.
      scale: the pixels to one of the result along each side.

    Returns:
      `[..., height / scale, width / scale, channels]` of the same dtype, rounded to what 8 bits hold.

    Example:
      >>> import numpy as np
      >>> from jgan.data import reduced
      >>> reduced.reduce(np.full((2, 8, 4, 1), 7, np.uint8), 4).ravel().tolist()
      [7, 7, 7, 7]
    """
    if images.dtype == np.uint8:
        return eight_bits(matlab_bicubic(images, 1 / scale)).astype(np.uint8)
    return (eight_bits(255 * matlab_bicubic(images, 1 / scale)) / 255).astype(images.dtype)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Images with their low resolutions.

    Args:
      name: `x4:SOURCE`, or `x2` or `x3`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `x` the images, `c` their low resolutions, `y` the source's; `truth` is the function from `x` to `c`.

    Raises:
      ValueError: if the source is not one set of images, already has conditions, or its sides are no multiples of the scale.

    Example:
      >>> from jgan import data
      >>> data.load("x4:digits").train.c.shape
      (1204, 2, 2, 1)
    """
    source = pairs.images_of(name, "x4:scenes", data_dir, held_out)
    scale = int(name.partition(":")[0].removeprefix("x"))
    height, width = source.fields.x.shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"{name}: expected images whose sides are multiples of {scale}, found {height}x{width}: resize them")

    def pair(batch: Batch, number: int) -> Batch:
        return batch._replace(c=reduce(batch.x, scale))

    return pairs.made(name, source, pair, truth=functools.partial(reduce, scale=scale))


for _scale in (2, 3, 4):
    sources.register(
        f"x{_scale}",
        load,
        f"pairs for super-resolution: the images of SOURCE and, as c, these at 1/{_scale} of the size (MATLAB's bicubic)",
        usage=f"x{_scale}:SOURCE",
        holds_out=True,
    )
