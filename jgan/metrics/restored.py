"""What the measures of restored images share: pairs of images of any sizes, the channel that is measured, the border."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from jgan.metrics import checks
from jgan.utils.checks import whole

Channel = Literal["rgb", "y"]
"""rgb: all channels as they are; y: the luma of ITU-R BT.601 in 16 ... 235, on which papers on super-resolution report."""

Y_WEIGHTS = (65.481, 128.553, 24.966)
"""Of red, green and blue in 0 ... 1, for a luma from 16 to 235, as in MATLAB's `rgb2ycbcr`."""


def luma(images: Any) -> np.ndarray:
    """The luma of ITU-R BT.601, not rounded.

    Args:
      images: `[..., 3]` in 0 ... 255, or `[..., 1]` grey, whose channel stands for all three.

    Returns:
      `[..., 1]` float64 from 16 to 235.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import restored
      >>> restored.luma(np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]])).round(3).tolist()
      [[16.0], [235.0], [81.481]]
    """
    rgb = np.broadcast_to(images, (*np.shape(images)[:-1], 3)).astype(np.float64)
    return (16 + rgb @ np.array(Y_WEIGHTS) / 255)[..., None]


def pairs(
    restored: Sequence[Any] | Any, truth: Sequence[Any] | Any, channel: Channel, border: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of restored images and what they should be, as they are measured.

    Args:
      restored: images `[height, width, 1 or 3]`, uint8 or float in [0, 1]; a list of any sizes, or one array.
      truth: as many, each of the shape of its partner.
      channel: see `Channel`.
      border: pixels left out on each side; papers leave out as many as the scale.

    Returns:
      `[height - 2 border, width - 2 border, 1 or 3]` float64 pairs, in units of 0 ... 255, not rounded.

    Raises:
      ValueError: if the numbers or shapes differ, a border leaves nothing, or values are out of range.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import restored
      >>> ((first, second),) = restored.pairs([np.ones((8, 9, 3))], [np.full((8, 9, 3), 255, np.uint8)], "rgb", 2)
      >>> first.shape, float(first.max()), float(second.max())
      ((4, 5, 3), 255.0, 255.0)
    """
    if channel not in ("rgb", "y"):
        raise ValueError(f"expected the channel rgb or y, found {channel!r}")
    border = whole("border", border, 0)
    if len(restored) != len(truth) or not len(truth):
        raise ValueError(f"expected as many restored images as true ones, at least 1, found {len(restored)} and {len(truth)}")
    found = []
    for number, images in enumerate(zip(restored, truth, strict=True)):
        names = (f"restored image {number}", f"true image {number}")
        first, second = (_levels(name, image) for name, image in zip(names, images, strict=True))
        if first.shape != second.shape:
            raise ValueError(f"{names[0]}: expected the shape of the true one, {second.shape}, found {first.shape}")
        if min(first.shape[:2]) <= 2 * border:
            raise ValueError(f"{names[0]}: expected more pixels than a border of {border} on each side, found {first.shape}")
        both = [luma(image) if channel == "y" else image for image in (first, second)]
        inner = slice(border, -border or None)
        found.append((both[0][inner, inner], both[1][inner, inner]))
    return found


def _levels(name: str, image: Any) -> np.ndarray:
    """One image as float64 in 0 ... 255."""
    values = checks.images(name, np.asarray(image)[None])[0]
    if values.shape[2] not in (1, 3):
        raise ValueError(f"{name}: expected 1 or 3 channels, found {values.shape[2]}")
    return values.astype(np.float64) * (1 if values.dtype == np.uint8 else 255)
