"""The training images nearest to samples, to check whether a generator memorises its training set."""

from typing import Any

import numpy as np

from jgan.plots.sheets import BACKGROUND, lay_out, tiles_of, unit

YELLOW = (255, 210, 0)
"""Colour of the frame around training images in `nearest_sheet`, as in the paper."""


def nearest_neighbours(samples: Any, training: Any, *, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """The training image nearest to each sample, in Euclidean distance over pixels.

    Args:
      samples: `[N, ...]` uint8, or float in [0, 1].
      training: `[M, ...]` uint8, or float in [0, 1], of the same example shape.
      block: the number of training images compared at once. Memory: `block * N` float64.

    Returns:
      `(indices, distances)`, int64 and float64 `[N]`; the distances are in units of the pixel range [0, 1].

    Raises:
      ValueError: if the examples differ in shape, there is no training image, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> indices, distances = plots.nearest_neighbours(np.array([[0.9]]), np.array([[0.0], [1.0]]))
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
        # |x - y|^2 - |x|^2, since |x|^2 is the same for all candidates; float64, so that rounding does not decide.
        scores = np.sum(y**2, axis=1) - 2 * (x @ y.T)
        best = scores.argmin(axis=1)
        values = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
        indices = np.where(values < least, first + best, indices)
        least = np.minimum(values, least)
    return indices, np.sqrt(np.sum((x - _flat(training[indices])) ** 2, axis=1))


def nearest_sheet(samples: Any, training: Any, *, columns: int = 5, padding: int = 2, scale: int | None = None) -> np.ndarray:
    """The paper's figure 2: rows of samples, each followed by the training image nearest to its last sample, framed in yellow.

    If the generator has memorised its training set, the last two images of a row are equal.

    Args:
      samples: `[rows * columns, height, width, channels]` uint8 or float in [0, 1].
      training: `[M, height, width, channels]`, uint8 or float in [0, 1].
      columns: the number of samples per row.
      padding: the width of the frames, in pixels of the picture.
      scale: see `grid`.

    Returns:
      The picture, uint8 `[height, width, 3]`.

    Raises:
      ValueError: if the samples do not fill their rows; see also `grid` and `nearest_neighbours`.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> plots.nearest_sheet(np.zeros((20, 8, 8, 1)), np.ones((3, 8, 8, 1))).shape  # 4 rows of 5 + 1
      (208, 312, 3)

    References:
      Goodfellow et al. (2014), figure 2, https://arxiv.org/abs/1406.2661
    """
    if columns < 1 or len(samples) % columns:
        raise ValueError(f"expected full rows of {columns} samples, found {len(samples)} samples")

    indices, _ = nearest_neighbours(np.asarray(samples)[columns - 1 :: columns], training)
    rows = _coloured(samples, scale)
    rows = rows.reshape(-1, columns, *rows.shape[1:])
    return _framed(rows, _coloured(np.asarray(training)[indices], scale)[:, None], padding)


def neighbours_sheet(samples: Any, neighbours: Any, *, padding: int = 2, scale: int | None = None) -> np.ndarray:
    """Rows of a sample and its nearest real images in some feature space, the latter framed in yellow.

    Args:
      samples: `[N, height, width, channels]` uint8 or float in [0, 1].
      neighbours: `[N, K, height, width, channels]`, uint8 or float in [0, 1], the nearest first.
      padding: the width of the frames, in pixels of the picture.
      scale: see `grid`.

    Returns:
      The picture, uint8 `[height, width, 3]`.

    Raises:
      ValueError: if the shapes do not match.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> plots.neighbours_sheet(np.zeros((4, 8, 8, 1)), np.ones((4, 5, 8, 8, 1))).shape  # 4 rows of 1 + 5
      (208, 312, 3)
    """
    shape, found = np.shape(samples), np.shape(neighbours)
    if len(found) != 5 or found[:1] + found[2:] != shape or 0 in found:
        raise ValueError(f"expected samples [N, ...] and the neighbours [N, K, ...] of each, found {shape} and {found}")
    beside = _coloured(np.reshape(neighbours, (-1, *shape[1:])), scale)
    return _framed(_coloured(samples, scale)[:, None], beside.reshape(*found[:2], *beside.shape[1:]), padding)


def _coloured(images: Any, scale: int | None) -> np.ndarray:
    tiles = tiles_of(images, scale)
    return np.broadcast_to(tiles, (*tiles.shape[:3], 3))


def _framed(plain: np.ndarray, framed: np.ndarray, padding: int) -> np.ndarray:
    """Rows of tiles `[rows, columns, height, width, 3]`; those of the second array get yellow frames."""
    tiles = np.concatenate([plain, framed], axis=1)
    frames = np.full((*tiles.shape[:2], 3), BACKGROUND, np.uint8)
    frames[:, plain.shape[1] :] = YELLOW
    return lay_out(tiles.reshape(-1, *tiles.shape[2:]), tiles.shape[1], padding, frames.reshape(-1, 3))


def _flat(images: np.ndarray) -> np.ndarray:
    """`[N, pixels]` float64 in [0, 1]."""
    return unit(images).reshape(len(images), -1)
