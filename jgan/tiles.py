"""A fully convolutional network on pictures of any size, in tiles that overlap: the memory of a tile, and no seams.

A window is a tile and a margin around it. Where the margin is as wide as the network sees, the output of the tile is that of
the whole picture. Windows at the edge of the picture end there, so that the zeros with which the network pads are in the same
place; all windows of a picture have one size, so that one program is compiled.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Shaped

from jgan.utils import xla
from jgan.utils.checks import whole

Function = Callable[[np.ndarray], np.ndarray]
"""`function(windows) -> outputs`: `[B, h, w, c]` to `[B, scale h, scale w, d]`."""


class Window(NamedTuple):
    """A part of a picture along one axis, in pixels of the input.

    Attributes:
      start: the first pixel of the window.
      first: the first pixel of the tile.
      last: the pixel after the tile.
    """

    start: int
    first: int
    last: int


def windows(length: int, tile: int, margin: int, align: int = 1) -> tuple[int, list[Window]]:
    """The windows along an axis.

    Args:
      length: the pixels along the axis.
      tile: the pixels of a tile.
      margin: the pixels on either side of a tile that the network also sees.
      align: windows start at multiples of this.

    Returns:
      `(size, windows)`: the length of all windows, at most `length`; the tiles cover the axis once.

    Example:
      >>> from jgan import tiles
      >>> tiles.windows(10, tile=4, margin=1)
      (6, [Window(start=0, first=0, last=4), Window(start=3, first=4, last=8), Window(start=4, first=8, last=10)])
    """
    tile, margin = (math.ceil(n / align) * align for n in (tile, margin))
    size = tile + 2 * margin + length % align  # so that the last window, which ends where the picture does, is aligned too
    if size >= length:
        return length, [Window(0, 0, length)]
    firsts = range(0, length, tile)
    return size, [Window(min(max(a - margin, 0), length - size), a, min(a + tile, length)) for a in firsts]


def apply(
    function: Function,
    picture: Shaped[np.ndarray, "h w c"],
    *,
    scale: int = 1,
    tile: int = 128,
    margin: int = 32,
    align: int = 1,
    block: int = 1,
    out: np.ndarray | None = None,
) -> Shaped[np.ndarray, "h_out w_out d"]:
    """Applies a network to a picture in tiles.

    Args:
      function: `function(windows) -> outputs`, `[block, h, w, c]` to `[block, scale h, scale w, d]`, for windows of at most
        `tile + 2 margin` pixels a side; it may convert its result, for instance to 8 bits.
      picture: `[height, width, c]`, of any size and dtype.
      scale: the pixels of the output to one of the input along each side.
      tile: the side of a tile, in pixels of the input.
      margin: the pixels around a tile that the network also sees. If its receptive field reaches no further, the result is that
        of the whole picture.
      align: windows start at multiples of this, for networks that shrink their input first.
      block: windows in one call.
      out: `[scale height, scale width, d]`, an array for the result, such as a file in memory (`numpy.memmap`); None for a new
        one of the dtype that the function returns.

    Returns:
      `[scale height, scale width, d]`; `out` if it was given.

    Raises:
      ValueError: if an argument is out of range, the picture is empty, or the function returns another shape.

    Example:
      >>> import numpy as np
      >>> from jgan import tiles
      >>> picture = np.arange(35.0).reshape(5, 7, 1)
      >>> doubled = tiles.apply(lambda x: x.repeat(2, axis=1).repeat(2, axis=2), picture, scale=2, tile=3, margin=1)
      >>> bool((doubled[::2, ::2] == picture).all()), doubled.shape
      (True, (10, 14, 1))
    """
    for name, value, least in (("scale", scale, 1), ("tile", tile, 1), ("margin", margin, 0), ("align", align, 1)):
        whole(name, value, least, 1 << 30)
    whole("block", block, 1, 1 << 20)
    if picture.ndim != 3 or 0 in picture.shape:
        raise ValueError(f"expected a picture [height, width, channels], not empty, found the shape {picture.shape}")
    height, width = picture.shape[:2]
    (h, rows), (w, columns) = (windows(length, tile, margin, align) for length in (height, width))
    places = [(row, column) for row in rows for column in columns]
    for some in _blocks(places, block):
        cut = np.stack([picture[r.start : r.start + h, c.start : c.start + w] for r, c in some])
        found = np.asarray(function(cut))
        if found.ndim != 4 or found.shape[:3] != (len(some), scale * h, scale * w):
            expected = (len(some), scale * h, scale * w)
            raise ValueError(f"expected outputs {expected} and channels for windows of {h}x{w}, found the shape {found.shape}")
        if out is None:
            out = np.empty((scale * height, scale * width, found.shape[3]), found.dtype)
        for (r, c), window in zip(some, found, strict=True):
            inside = window[_tile(r, scale), _tile(c, scale)]
            out[scale * r.first : scale * r.last, scale * c.first : scale * c.last] = inside
    assert out is not None
    return out


def _tile(window: Window, scale: int) -> slice:
    """The tile inside the output of its window."""
    return slice(scale * (window.first - window.start), scale * (window.last - window.start))


def _blocks(places: list, block: int) -> Iterator[list]:
    """Parts of equal length; the last repeats its last place, so that one program is compiled."""
    for start in range(0, len(places), block):
        part = places[start : start + block]
        yield part + part[-1:] * (min(block, len(places)) - len(part))


def compiled(function: Callable[[jax.Array], jax.Array]) -> Function:
    """A function of JAX as a function of windows: compiled for each size of windows.

    Args:
      function: `function(windows) -> outputs`, pure.

    Returns:
      The function of NumPy arrays, for `apply`.

    Example:
      >>> import numpy as np
      >>> from jgan import tiles
      >>> tiles.compiled(lambda x: x + 1)(np.zeros((1, 2, 2, 1))).shape
      (1, 2, 2, 1)
    """
    fast = xla.jit(function)
    return lambda windows: np.asarray(fast(windows))
