"""Blocks of two sets: what a measure of all their pairs is made of, when the matrix of the pairs would not fit in memory.

A block of `|x|^2 + |y|^2 - 2 x.y` is made on the device in float32, of points centred and scaled. Rounding takes at most

  (min(d, 16 sqrt d) + 16) 2^-24 (|x|^2 + |y|^2)

away, and each point's share of it is its `slack`. (A sum over d features is off by d units at most, whatever its order, and
by 16 sqrt d if its errors do not conspire, but for odds of exp(-128).) So it is known what float32 decides, and what is left
to float64.

References:
  Higham and Mary, "A new approach to probabilistic rounding error analysis" (2019), https://doi.org/10.1137/18M1226312
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan.metrics import checks

Progress = Callable[[int, int], None]
"""called with the number of samples done and the number there are"""

ROWS, COLUMNS = 1024, 4096
"""the largest block: 16 MiB for each intermediate array of float32"""

PAIRS = 512
"""how many pairs are measured at once by their differences"""

FAR = 1e30
"""the squared norm of what fills up a block; all others are at most 1"""


class Block(NamedTuple):
    """Points as a frame shows them.

    Attributes:
      points: `[b, d]`.
      squares: `[b]`, their squared norms.
      slack: `[b]`, their share of what rounding takes away.
      reach: `[b]`, the squared radii of the balls around them; 0 where there are none.
    """

    points: Any
    squares: Any
    slack: Any
    reach: Any


class Frame(NamedTuple):
    """Where points are seen from, so that their norms are at most 1 and no offset costs digits.

    Attributes:
      centre: `[d]` float64.
      scale: the largest distance from it.
    """

    centre: np.ndarray
    scale: float

    def block(self, points: np.ndarray, size: int, dtype: Any, radii: np.ndarray | None = None) -> Block:
        """Some points as seen from here, in NumPy, filled up to `size` with far ones that are near to nothing."""
        d, short = points.shape[1], size - len(points)
        seen = ((points.astype(np.float64) - self.centre) / self.scale).astype(dtype)
        squares = np.einsum("ij,ij->i", seen, seen, dtype=np.float64)
        unit = float(np.finfo(dtype).eps) / 2
        slack = (min(d, 16 * math.sqrt(d)) + 16) * unit * squares + 1e-36  # and what underflows
        reach = np.zeros(len(points)) if radii is None else np.minimum(np.square(radii.astype(np.float64) / self.scale), 1e20)
        fill = lambda values, value: np.pad(values, (0, short), constant_values=value).astype(dtype)  # noqa: E731
        return Block(np.pad(seen, ((0, short), (0, 0))), fill(squares, FAR), fill(slack, 0), fill(reach, 0))


def frame(*sets: np.ndarray) -> Frame:
    """The frame in which sets are seen best: around the mean of all.

    Args:
      *sets: `[N, d]` floats, each.

    Returns:
      The `Frame`.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import blocks
      >>> blocks.frame(np.array([[1.0, 1.0], [1.0, 5.0]]))
      Frame(centre=array([1., 3.]), scale=2.0)
    """
    centre = sum(points.sum(axis=0, dtype=np.float64) for points in sets) / sum(len(points) for points in sets)
    norms = [np.linalg.norm(points[some] - centre, axis=1).max() for points in sets for some in cut(len(points), ROWS)]
    return Frame(centre, float(max(norms)) or 1.0)


def size(n: int, most: int, multiple: int = 32) -> int:
    """The size of equal blocks of about `most`, with as little left over as there can be.

    Args:
      n: how many samples there are.
      most: the largest size.
      multiple: of which it is to be one.

    Returns:
      The size.

    Example:
      >>> from jgan.metrics import blocks
      >>> blocks.size(10_000, 4096), blocks.size(5, 4096)
      (3360, 32)
    """
    return math.ceil(n / math.ceil(n / most) / multiple) * multiple


def cut(n: int, size: int) -> Iterator[slice]:
    """The slices of n samples in blocks of a size, of which the last may be smaller.

    Args:
      n: how many samples there are.
      size: of a block.

    Yields:
      The slices.

    Example:
      >>> from jgan.metrics import blocks
      >>> list(blocks.cut(5, 3))
      [slice(0, 3, None), slice(3, 5, None)]
    """
    return (slice(first, min(first + size, n)) for first in range(0, n, size))


def put(block: Any, devices: Sequence[jax.Device] | None, *, split: bool) -> Any:
    """A block on the devices.

    Args:
      block: arrays `[b, ...]`.
      devices: which; None for the default one.
      split: whether its points are divided among them; otherwise all have all.

    Returns:
      The block of JAX arrays.
    """
    if devices is None:
        return jax.device_put(block)
    mesh = jax.sharding.Mesh(np.asarray(devices), ("rows",))
    return jax.device_put(block, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows" if split else None)))


def floats(name: str, points: Any, least: int, like: Any = None) -> np.ndarray:
    """Checked features, in float32 if that holds them all, else in float64.

    Args:
      name: what to call them in the message.
      points: `[N, d]`, of any real type.
      least: the smallest number of samples.
      like: other features, whose dimension these must have; None if there are none.

    Returns:
      `[N, d]` in NumPy.

    Raises:
      ValueError: as `checks.features` does.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import blocks
      >>> blocks.floats("x", np.ones((1, 2), np.float16), 1).dtype
      dtype('float32')
    """
    found = checks.features(name, points, least, like=like)
    exact = found.dtype == np.float32 or (found.dtype.kind not in "iub" and found.dtype.itemsize < 4)
    return found.astype(np.float32 if exact else np.float64, copy=False)


def squared_distances(x: np.ndarray, y: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Of some pairs, by their differences: that of a point to its copy is exactly 0, and what is alike comes out alike.

    Args:
      x: `[N, d]` floats.
      y: `[M, d]` floats.
      rows: `[P]` int, which of x.
      columns: `[P]` int, which of y.

    Returns:
      `[P]` float64.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import blocks
      >>> x = np.array([[0.0, 0.0], [3.0, 4.0]])
      >>> blocks.squared_distances(x, x, np.array([0, 1]), np.array([1, 1])).tolist()
      [25.0, 0.0]
    """
    found = np.empty(len(rows))
    for some in cut(len(rows), PAIRS):
        difference = np.subtract(x[rows[some]], y[columns[some]], dtype=np.float64)
        found[some] = np.einsum("ij,ij->i", difference, difference)
    return found
