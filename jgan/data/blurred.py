"""Pairs for sharpening: an image, and its blurred version as the condition.

`blurred:SOURCE` takes any set of images. The blur is a Gaussian of sigma 1.5 pixels, cut off at 4 sigma; beyond its edges an
image goes on in a mirror that repeats the edge. Unpaired: `unpaired:blurred:SOURCE`, domain "a" blurred and domain "b" sharp.
"""

from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset

SIGMA = 1.5
"""Standard deviation of the blur, in pixels."""

BLOCK = 1000
"""Images that are blurred at a time, in float32."""


def blur(images: Any) -> np.ndarray:
    """Blurs images.

    Args:
      images: `[N, height, width, channels]` float.

    Returns:
      float32 of the same shape, in the range of `images`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import blurred
      >>> image = np.zeros((1, 15, 15, 1))
      >>> image[0, 7, 7] = 1
      >>> round(float(blurred.blur(image)[0, 7, 7, 0]) * 2 * np.pi * blurred.SIGMA**2, 2)
      1.0
    """
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.asarray(images, np.float32), (0, SIGMA, SIGMA, 0), mode="reflect", truncate=4.0)


def as_stored(images: np.ndarray) -> np.ndarray:
    """`blur` of images as a data set holds them.

    Args:
      images: `[N, height, width, channels]`, uint8 or float in [0, 1].

    Returns:
      The same shape and dtype; uint8 is rounded.

    Example:
      >>> import numpy as np
      >>> from jgan.data import blurred
      >>> blurred.as_stored(np.full((1, 2, 2, 1), 9, np.uint8)).ravel().tolist()
      [9, 9, 9, 9]
    """
    found = np.empty_like(images)
    for first in range(0, len(images), BLOCK):
        part = blur(images[first : first + BLOCK])
        found[first : first + BLOCK] = np.rint(part) if images.dtype == np.uint8 else np.clip(part, 0, 1)
    return found


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Images with their blurred versions.

    Args:
      name: `blurred:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `x` the images, `c` their blurred versions of the same shape, `y` the source's; `truth` is `blur`.

    Raises:
      ValueError: if the source is not one set of images, or already has conditions.

    Example:
      >>> from jgan import data
      >>> data.load("blurred:digits").train.c.shape
      (1204, 8, 8, 1)
    """
    source = pairs.images_of(name, "blurred:cifar10", data_dir, held_out)
    return pairs.made(name, source, lambda batch, _: batch._replace(c=as_stored(batch.x)), truth=blur)


sources.register(
    "blurred",
    load,
    "pairs for sharpening: the images of SOURCE and, as c, their versions blurred by a Gaussian of 1.5 pixels",
    usage="blurred:SOURCE",
    holds_out=True,
)
