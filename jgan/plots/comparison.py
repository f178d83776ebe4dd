"""Sheets that show several versions of each image below each other: input, output, truth."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jgan.plots.sheets import BACKGROUND, LEGIBLE, grid, to_uint8


def comparison(*versions: Sequence[Any], columns: int | None = None) -> np.ndarray:
    """Draws a row for each version of the images and a column for each image.

    Images may differ in size and in channels. A smaller one is enlarged by the largest whole factor that fits, and centred.

    Args:
      *versions: each a sequence of as many images, uint8 or float in [0, 1], `[height, width, 1 or 3]`.
      columns: the images side by side; further images follow below, again with a row for each version. None for all.

    Returns:
      The picture, uint8 `[height, width, channels]`.

    Raises:
      ValueError: if the versions differ in number, or are not images.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> plots.comparison(np.zeros((6, 24, 24, 1)), np.ones((6, 48, 48, 3)), columns=3).shape  # four rows of three
      (200, 150, 3)
    """
    counts = {len(images) for images in versions}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(f"expected as many images of each version, at least one, found {', '.join(map(str, sorted(counts)))}")
    (n,) = counts
    shapes = [np.shape(image) for images in versions for image in images]
    wrong = [shape for shape in shapes if len(shape) != 3 or 0 in shape or shape[-1] not in (1, 3)]
    if wrong:
        raise ValueError(f"expected images of the shape [height, width, 1 or 3], found {wrong[0]}")
    height, width, channels = (max(sides) for sides in zip(*shapes, strict=True))
    columns = min(columns or n, n)
    blocks = math.ceil(n / columns)
    cells = np.full((blocks, len(versions), columns, height, width, channels), BACKGROUND, np.uint8)
    for row, images in enumerate(versions):
        for index, image in enumerate(images):
            cells[index // columns, row, index % columns] = _fitted(to_uint8(image), height, width)
    scale = max(1, math.ceil(LEGIBLE / max(height, width)))
    return grid(cells.reshape(-1, height, width, channels), columns=columns, scale=scale)


def _fitted(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The image enlarged by a whole factor, in the middle of a cell."""
    factor = min(height // image.shape[0], width // image.shape[1])
    large = image.repeat(factor, axis=0).repeat(factor, axis=1)
    margins = [(room // 2, room - room // 2) for room in (height - large.shape[0], width - large.shape[1])]
    return np.pad(large, (*margins, (0, 0)), constant_values=BACKGROUND)
