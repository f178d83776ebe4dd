"""Pairs for sharpening: an image, and the same blurred by a Gaussian as the condition.

`blurred:SOURCE` takes any set of images; the standard deviation is 1.5 pixels, and images are continued by reflection.
"""

from pathlib import Path

import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset

SIGMA = 1.5
"""The standard deviation of the Gaussian, in pixels."""

AT_ONCE = 1000
"""Images blurred at a time, so that those in float32 take little memory."""


def blur(images: np.ndarray) -> np.ndarray:
    """Blurs images.

    Args:
      images: `[N, height, width, channels]`, uint8 or float in [0, 1].

    Returns:
      The same shape and dtype; uint8 is rounded.

    Example:
      >>> import numpy as np
      >>> from jgan.data import blurred
      >>> blurred.blur(np.full((1, 4, 4, 1), 9, np.uint8)).ravel()[:3].tolist()
      [9, 9, 9]
    """
    from scipy.ndimage import gaussian_filter

    out = np.empty_like(images)
    for first in range(0, len(images), AT_ONCE):
        part = gaussian_filter(images[first : first + AT_ONCE].astype(np.float32), (0, SIGMA, SIGMA, 0))
        out[first : first + AT_ONCE] = np.rint(part) if images.dtype == np.uint8 else part
    return out


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Images with blurred ones.

    Args:
      name: `blurred:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `x` the images, `c` the blurred ones, `y` the source's; without `truth`, since it is known of 8 bits only.

    Raises:
      ValueError: if the source is not one set of images, or already has conditions.

    Example:
      >>> from jgan import data
      >>> data.load("blurred:digits").train.c.shape
      (1204, 8, 8, 1)
    """
    source = pairs.images_of(name, "blurred:mnist", data_dir, held_out)
    return pairs.made(name, source, lambda batch, _: batch._replace(c=blur(batch.x)))


sources.register(
    "blurred",
    load,
    "pairs for sharpening: the images of SOURCE and, as c, the same blurred by a Gaussian of 1.5 pixels",
    usage="blurred:SOURCE",
    holds_out=True,
)
