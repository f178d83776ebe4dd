"""Sheets of images, and writing them as PNG."""

import math
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jgan.utils.files import replacing

LEGIBLE = 48
"""The minimum size of a tile's longer side in pixels; smaller tiles are enlarged unless a scale is given."""

BACKGROUND = 128
"""The grey level of frames, distinct from the black of digits and the white of photographs."""


def to_uint8(images: Any) -> np.ndarray:
    """Converts images to uint8: floats are clipped to [0, 1] and rounded to the nearest of 256 levels.

    Args:
      images: uint8, or float in [0, 1], of any shape; values outside are clipped.

    Returns:
      uint8 of the same shape.

    Raises:
      ValueError: if a value is not finite, or the dtype is neither uint8 nor float.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> print(plots.to_uint8(np.array([-0.1, 0.0, 0.5, 1.0])))
      [  0   0 128 255]
    """
    array = np.asarray(images)
    if array.dtype == np.uint8:
        return array
    return np.rint(np.clip(unit(array), 0, 1) * 255).astype(np.uint8)


def grid(images: Any, *, columns: int | None = None, padding: int = 1, scale: int | None = None) -> np.ndarray:
    """Lays images out in rows, each in a grey frame.

    Args:
      images: `[N, height, width, channels]` uint8 or float in [0, 1], of 1 or 3 channels.
      columns: the number of images per row; by default the sheet is as near to a square as N allows. The last row may be short.
      padding: the width of each image's frame, in pixels of the picture.
      scale: the integer factor by which images are enlarged, by repeating pixels; by default such that the longer side has at
        least 48 pixels.

    Returns:
      uint8 `[rows * (height * scale + 2 * padding), columns * (width * scale + 2 * padding), channels]`.

    Raises:
      ValueError: if the shape, the dtype or an option is invalid, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> plots.grid(np.zeros((64, 8, 8, 1))).shape  # 8 rows of 8, enlarged 6 times
      (400, 400, 1)
    """
    tiles = tiles_of(images, scale)
    if columns is None:
        columns = math.ceil(math.sqrt(len(tiles)))
    return lay_out(tiles, columns, padding, np.full((len(tiles), tiles.shape[-1]), BACKGROUND, np.uint8))


def tiles_of(images: Any, scale: int | None) -> np.ndarray:
    """The images as uint8, enlarged."""
    shape = np.shape(images)
    if len(shape) != 4 or 0 in shape or shape[-1] not in (1, 3):
        raise ValueError(f"expected images of the shape [N, height, width, 1 or 3], at least one, found {shape}")
    if scale is None:
        scale = max(1, math.ceil(LEGIBLE / max(shape[1:3])))
    if scale < 1:
        raise ValueError(f"scale must be at least 1, found {scale}")
    return to_uint8(images).repeat(scale, axis=1).repeat(scale, axis=2)


def lay_out(tiles: np.ndarray, columns: int, padding: int, frames: np.ndarray) -> np.ndarray:
    """Lays tiles out in rows; `frames` holds the colour of each tile's frame, `[N, channels]`."""
    if columns < 1 or padding < 0:
        raise ValueError(f"columns must be at least 1 and padding at least 0, found {columns} and {padding}")
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    cells = np.full((rows * columns, height + 2 * padding, width + 2 * padding, channels), BACKGROUND, np.uint8)
    cells[:n] = frames[:, None, None, :]
    cells[:n, padding : padding + height, padding : padding + width] = tiles
    rows_of_cells = cells.reshape(rows, columns, *cells.shape[1:])
    return rows_of_cells.swapaxes(1, 2).reshape(rows * cells.shape[1], columns * cells.shape[2], channels)


def save_png(path: str | Path, array: np.ndarray) -> None:
    """Writes a picture as a PNG file, atomically.

    Args:
      path: the file; its folder must exist. An existing file is replaced.
      array: uint8 `[height, width, channels]`, of 1 or 3 channels, as returned by the functions of this module.

    Raises:
      ValueError: if the array has another shape or dtype.
      OSError: if the file cannot be written; an existing file is then kept.

    Example:
      >>> import tempfile, numpy as np
      >>> from pathlib import Path
      >>> from jgan import plots
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     plots.save_png(Path(folder) / "black.png", np.zeros((4, 4, 1), np.uint8))
    """
    from PIL import Image

    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] not in (1, 3):
        raise ValueError(f"expected a uint8 picture [height, width, 1 or 3], found {array.dtype} {array.shape}")
    with replacing(path) as temporary:
        Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(temporary, format="PNG")


def unit(array: np.ndarray) -> np.ndarray:
    """Converts uint8 or float pixels to float64 in [0, 1]."""
    if array.dtype == np.uint8:
        return array / 255
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"expected images in uint8, or in float between 0 and 1, found {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"expected finite pixels, found {np.count_nonzero(~np.isfinite(array))} that are NaN or infinite")
    return array
