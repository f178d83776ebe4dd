"""SSIM of restored images whose originals are known: per image, of any sizes, of the luma or of all channels.

With a Gaussian window of 11x11 pixels and sigma 1.5 that lies in the image, c1 = (0.01 255)^2 and c2 = (0.03 255)^2: see
`jgan.metrics.msssim`, which computes the same in float32 for batches of one size. Here it is float64.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jgan.metrics import filters, msssim
from jgan.metrics.restored import Channel, pairs

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class SSIM(NamedTuple):
    """The SSIM of restored images, and how it was computed.

    Attributes:
      mean: the mean over images.
      values: `[N]` float64, of each image, from -1 to 1: the mean over positions and channels.
      channel: `rgb` or `y`.
      border: pixels left out on each side.
      caution: always "".
    """

    mean: float
    values: np.ndarray
    channel: str
    border: int
    caution: str = ""


def ssim(restored: Sequence[Any] | Any, truth: Sequence[Any] | Any, *, channel: Channel = "rgb", border: int = 0) -> SSIM:
    """The SSIM of each image.

    Args:
      restored: images `[height, width, 1 or 3]`, uint8 or float in [0, 1] (which are not rounded); a list of any sizes, or one
        array `[N, height, width, 1 or 3]`.
      truth: as many, each of the shape of its partner.
      channel: `"rgb"`, the mean over all channels; `"y"`, that of the luma of BT.601.
      border: pixels left out on each side; papers on super-resolution leave out as many as the scale.

    Returns:
      The `SSIM`.

    Raises:
      ValueError: if the numbers or shapes differ, less than 11x11 pixels are left, or values are out of range.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.ssim import ssim
      >>> image = np.random.default_rng(0).random((16, 20, 3))
      >>> round(ssim([image], [image]).mean, 6), ssim([image], [1 - image], channel="y").mean < 0
      (1.0, True)

    References:
      Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004)
    """
    values = np.array([_ssim(*pair) for pair in pairs(restored, truth, channel, border)])
    return SSIM(float(values.mean()), values, channel, border)


def _ssim(first: np.ndarray, second: np.ndarray) -> float:
    least = msssim.least_size(1)
    if min(first.shape[:2]) < least:
        raise ValueError(f"expected images of at least {least}x{least} pixels within the border, found {first.shape[:2]}")
    rows, columns = (filters.inside(length, msssim.window(), np.float64) for length in first.shape[:2])

    def smooth(image: np.ndarray) -> np.ndarray:
        return np.moveaxis(np.tensordot(columns, np.tensordot(rows, image, (1, 0)), (1, 1)), 0, 1)

    mean, other = smooth(first), smooth(second)
    variances = smooth(first**2) - mean**2 + smooth(second**2) - other**2
    covariance = smooth(first * second) - mean * other
    luminance = (2 * mean * other + C1) / (mean**2 + other**2 + C1)
    return float(np.mean(luminance * (2 * covariance + C2) / (variances + C2)))
