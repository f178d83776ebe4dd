"""PSNR, the peak signal-to-noise ratio: 10 log10(255^2 / MSE), for restored images whose originals are known.

It rewards the mean of all plausible images: a generator of sharp images scores lower than one trained on the squared error.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jgan.metrics.restored import Channel, pairs


class PSNR(NamedTuple):
    """The PSNR of restored images, and how it was computed.

    Attributes:
      mean: the mean over images, in decibels, as papers report it.
      values: `[N]` float64, of each image; infinite where it equals the truth.
      channel: `rgb` or `y`.
      border: pixels left out on each side.
      caution: why the mean says little, or "".
    """

    mean: float
    values: np.ndarray
    channel: str
    border: int
    caution: str = ""


def psnr(restored: Sequence[Any] | Any, truth: Sequence[Any] | Any, *, channel: Channel = "rgb", border: int = 0) -> PSNR:
    """The PSNR of each image.

    Args:
      restored: images `[height, width, 1 or 3]`, uint8 or float in [0, 1] (which are not rounded: round them first to measure
        what would be saved); a list of any sizes, or one array `[N, height, width, 1 or 3]`.
      truth: as many, each of the shape of its partner.
      channel: `"rgb"`, the mean squared error over all channels; `"y"`, that of the luma of BT.601.
      border: pixels left out on each side; papers on super-resolution leave out as many as the scale.

    Returns:
      The `PSNR`.

    Raises:
      ValueError: if the numbers or shapes differ, a border leaves nothing, or values are out of range.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.psnr import psnr
      >>> round(psnr([np.full((4, 4, 1), 10, np.uint8)], [np.full((4, 4, 1), 11, np.uint8)]).mean, 3)
      48.131
    """
    errors = np.array([np.mean(np.square(first - second)) for first, second in pairs(restored, truth, channel, border)])
    with np.errstate(divide="ignore"):
        values = 10 * np.log10(255**2 / errors)
    equal = int((errors == 0).sum())
    caution = f"{equal} of {len(errors)} images equal the truth: their PSNR, and the mean, are infinite" if equal else ""
    return PSNR(float(values.mean()), values, channel, border, caution)
