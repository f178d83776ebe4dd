"""The training image nearest to each sample: has the generator learnt its training set by heart?"""

from typing import Any

import numpy as np

from jgan.figures.sheets import BACKGROUND, lay_out, tiles_of, unit

YELLOW = (255, 210, 0)
"""frame of the training images in `nearest_sheet`, as in the paper"""


def nearest_neighbours(samples: Any, training: Any, *, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """The training image nearest to each sample, in Euclidean distance over pixels.

    Args:
      samples: `[N, ...]` uint8, or float in [0, 1].
      training: `[M, ...]` uint8, or float in [0, 1], of the same example shape.
      block: training images compared at once; the memory is `block * N` float64.

    Returns:
      `(indices, distances)`, int64 and float64 `[N]`; the distances are in units of the pixel range [0, 1].

    Raises:
      ValueError: if the examples differ in shape, there is no training image, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan import figures
      >>> indices, distances = figures.nearest_neighbours(np.array([[0.9]]), np.array([[0.0], [1.0]]))
      >>> int(indices[0]), round(float(distances[0]), 6)
      (1, 0.1)
    """
    if np.shape(samples)[1:] != np.shape(training)[1:] or len(training) == 0:
        raise ValueError(
            f"expected samples and at least one training image of one shape, found {np.shape(samples)} and {np.shape(training)}"
        )
    training, x = np.asarray(training), _flat(np.asarray(samples))
    indices, least = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
    for first in range(0, len(training), block):
        y = _flat(training[first : first + block])
        # |x - y|^2 less |x|^2, which is the same for all candidates; float64, so that rounding decides nothing.
        scores = np.sum(y**2, axis=1) - 2 * (x @ y.T)
        best = scores.argmin(axis=1)
        values = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
        indices = np.where(values < least, first + best, indices)
        least = np.minimum(values, least)
    return indices, np.sqrt(np.sum((x - _flat(training[indices])) ** 2, axis=1))


def nearest_sheet(samples: Any, training: Any, *, columns: int = 5, padding: int = 2, scale: int | None = None) -> np.ndarray:
    """The paper's figure 2: rows of samples, each ending in the training image nearest to its last one, framed in yellow.

    A generator that has learnt its training set by heart would show the same image twice.

    Args:
      samples: `[rows * columns, height, width, channels]` uint8 or float in [0, 1].
      training: `[M, height, width, channels]`, likewise.
      columns: samples in a row.
      padding: width of the frames in pixels of the picture.
      scale: as in `grid`.

    Returns:
      The picture, uint8 `[height, width, 3]`.

    Raises:
      ValueError: if the samples do not fill their rows, or as `grid` and `nearest_neighbours`.

    Example:
      >>> import numpy as np
      >>> from jgan import figures
      >>> figures.nearest_sheet(np.zeros((20, 8, 8, 1)), np.ones((3, 8, 8, 1))).shape  # 4 rows of 5 + 1
      (208, 312, 3)

    References:
      Goodfellow et al. (2014), figure 2, https://arxiv.org/abs/1406.2661
    """
    if columns < 1 or len(samples) % columns:
        raise ValueError(f"expected full rows of {columns} samples, found {len(samples)} samples")

    def coloured(images: Any) -> np.ndarray:
        tiles = tiles_of(images, scale)
        return np.broadcast_to(tiles, (*tiles.shape[:3], 3))

    indices, _ = nearest_neighbours(np.asarray(samples)[columns - 1 :: columns], training)
    rows = coloured(samples)
    rows = rows.reshape(-1, columns, *rows.shape[1:])
    tiles = np.concatenate([rows, coloured(np.asarray(training)[indices])[:, None]], axis=1)
    frames = np.full((*tiles.shape[:2], 3), BACKGROUND, np.uint8)
    frames[:, -1] = YELLOW
    return lay_out(tiles.reshape(-1, *tiles.shape[2:]), columns + 1, padding, frames.reshape(-1, 3))


def _flat(images: np.ndarray) -> np.ndarray:
    """`[N, pixels]` float64 in [0, 1]."""
    return unit(images).reshape(len(images), -1)
