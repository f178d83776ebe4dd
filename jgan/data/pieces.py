"""Square pieces of large photographs, as examples; those without detail, plain sky and blurred background, are left out."""

import numpy as np

LEAST = 3.0
"""The mean difference between a pixel and its neighbour on the right, in grey levels, below which a piece is left out."""


def pieces(photograph: np.ndarray, side: int, stride: int) -> list[np.ndarray]:
    """All whole squares of a photograph that have some detail, from the upper left on.

    Args:
      photograph: uint8 `[height, width, channels]`.
      side: that of the squares, in pixels.
      stride: the distance between them; less than `side` if they overlap.

    Returns:
      uint8 `[side, side, channels]` each, views of the photograph.

    Example:
      >>> import numpy as np
      >>> from jgan.data import pieces
      >>> photograph = np.zeros((4, 8, 1), np.uint8)
      >>> photograph[:, 4:] = np.arange(4)[:, None] * 60
      >>> [piece.tolist() for piece in pieces.pieces(photograph, 2, 2)][:1]
      [[[[0], [60]], [[0], [60]]]]
    """
    rows, columns = (range(0, length - side + 1, stride) for length in photograph.shape[:2])
    found = [photograph[row : row + side, column : column + side] for row in rows for column in columns]
    return [piece for piece in found if np.abs(np.diff(piece.astype(np.int16), axis=1)).mean() >= LEAST]
