"""Pairs for colouring: a colour image, and its grey version as the condition.

`grey:SOURCE` takes any set of colour images. Grey is the luma of ITU-R BT.601, `0.299 R + 0.587 G + 0.114 B`.
"""

from pathlib import Path

import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.degradations.colour import luma as luma


def as_stored(images: np.ndarray) -> np.ndarray:
    """`luma` of images as a data set holds them.

    Args:
      images: `[..., 3]`, uint8 or float in [0, 1].

    Returns:
      `[..., 1]` of the same dtype; uint8 is rounded.

    Example:
      >>> import numpy as np
      >>> from jgan.data import grey
      >>> grey.as_stored(np.array([[255, 255, 255], [0, 1, 0]], np.uint8)).tolist()
      [[255], [1]]
    """
    found = luma(images.astype(np.float32))
    return np.rint(found).astype(np.uint8) if images.dtype == np.uint8 else found.astype(images.dtype)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Colour images with their grey versions.

    Args:
      name: `grey:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `x` the images, `c` their grey versions `[N, height, width, 1]`, `y` the source's; `truth` is `luma`.

    Raises:
      ValueError: if the source is not one set of colour images, or already has conditions.

    Example:
      >>> from jgan import data
      >>> data.load("grey:stacked:digits").train.c.shape
      (1204, 8, 8, 1)
    """
    source = pairs.images_of(name, "grey:cifar10", data_dir, held_out, channels=3)
    return pairs.made(name, source, lambda batch, _: batch._replace(c=as_stored(batch.x)), truth=luma)


sources.register(
    "grey",
    load,
    "pairs for colouring: the colour images of SOURCE and, as c, their grey versions",
    usage="grey:SOURCE",
    holds_out=True,
)
