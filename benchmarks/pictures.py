"""Pictures of several rows of samples, for the benchmarks that train models."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw


def strip(pixels: np.ndarray) -> Image.Image:
    """One row of a picture.

    Args:
      pixels: uint8 `[height, width, 1 or 3]`.

    Returns:
      The row, in colour.

    Example:
      >>> import numpy as np
      >>> from benchmarks import pictures
      >>> pictures.strip(np.zeros((2, 3, 1), np.uint8)).size
      (3, 2)
    """
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def stacked(named: Sequence[tuple[str, Image.Image]], *, margin: int = 130) -> np.ndarray:
    """One picture of several rows, each with a name at its left.

    Args:
      named: the names and the rows, all of one size.
      margin: the width of the column of names, in pixels.

    Returns:
      uint8 `[height, width, 3]`.
    """
    width, height = named[0][1].size
    canvas = Image.new("RGB", (margin + width, height * len(named)), "white")
    pen = ImageDraw.Draw(canvas)
    for index, (name, strip) in enumerate(named):
        canvas.paste(strip, (margin, index * height))
        pen.text((4, index * height + height // 2), name, fill="black", anchor="lm")
    return np.asarray(canvas)
