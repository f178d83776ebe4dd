"""Block-wise computation over all pairs of two sets, when the matrix of all pairs does not fit in memory.

A block of `|x|^2 + |y|^2 - 2 x.y` is computed on the device in float32, from centred and scaled points. Its rounding error is
at most

  (min(d, 16 sqrt d) + 16) 2^-24 (|x|^2 + |y|^2)

and the part of this bound due to one point is its `slack`. (A sum over d features has an error of at most d units in any order
of summation, and of at most 16 sqrt d with probability 1 - exp(-128) if the errors are independent.) A comparison outside the
bound is decided in float32, the others are repeated in float64.

References:
  Higham and Mary, "A new approach to probabilistic rounding error analysis" (2019), https://doi.org/10.1137/18M1226312
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float64, Int

from jgan.metrics import checks

Progress = Callable[[int, int], None]
"""Called as progress(samples done, samples in total)."""

ROWS, COLUMNS = 1024, 4096
"""The largest block: 16 MiB for each intermediate float32 array."""

PAIRS = 512
"""The number of pairs whose differences are computed at once."""

FAR = 1e30
"""The squared norm assigned to padding; those of real points are at most 1."""


class Block(NamedTuple):
    """Points in the coordinates of a `Frame`.

    Attributes:
      points: `[b, d]`.
      squares: `[b]`, their squared norms.
      slack: `[b]`, their part of the bound on the rounding error.
      reach: `[b]`, the squared radii of the balls around them; 0 without balls.
    """

    points: Any
    squares: Any
    slack: Any
    reach: Any


class Frame(NamedTuple):
    """Coordinates in which norms are at most 1 and a common offset loses no digits.

    Attributes:
      centre: `[d]` float64.
      scale: the largest distance from the centre.
    """

    centre: Float64[np.ndarray, " d"]
    scale: float

    def block(self, points: np.ndarray, size: int, dtype: Any, radii: np.ndarray | None = None) -> Block:
        """Points in the coordinates of this frame, as NumPy arrays, padded to `size` with points far from all others."""
        d, short = points.shape[1], size - len(points)
        seen = ((points.astype(np.float64) - self.centre) / self.scale).astype(dtype)
        squares = np.einsum("ij,ij->i", seen, seen, dtype=np.float64)
        unit = float(np.finfo(dtype).eps) / 2
        slack = (min(d, 16 * math.sqrt(d)) + 16) * unit * squares + 1e-36  # the last term covers underflow
        reach = np.zeros(len(points)) if radii is None else np.minimum(np.square(radii.astype(np.float64) / self.scale), 1e20)
        fill = lambda values, value: np.pad(values, (0, short), constant_values=value).astype(dtype)  # noqa: E731
        return Block(np.pad(seen, ((0, short), (0, 0))), fill(squares, FAR), fill(slack, 0), fill(reach, 0))


def frame(*sets: Float[np.ndarray, "_ d"]) -> Frame:
    """The frame of several sets: centred on their common mean.

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
    """The size of equal blocks of at most about `most` samples, chosen to minimise the padding.

    Args:
      n: the number of samples.
      most: the maximum size.
      multiple: the size is a multiple of this.

    Returns:
      The block size.

    Example:
      >>> from jgan.metrics import blocks
      >>> blocks.size(10_000, 4096), blocks.size(5, 4096)
      (3360, 32)
    """
    return math.ceil(n / math.ceil(n / most) / multiple) * multiple


def cut(n: int, size: int) -> Iterator[slice]:
    """Slices that cut n samples into blocks; the last may be smaller.

    Args:
      n: the number of samples.
      size: the block size.

    Yields:
      The slices.

    Example:
      >>> from jgan.metrics import blocks
      >>> list(blocks.cut(5, 3))
      [slice(0, 3, None), slice(3, 5, None)]
    """
    return (slice(first, min(first + size, n)) for first in range(0, n, size))


def put(block: Any, devices: Sequence[jax.Device] | None, *, split: bool) -> Any:
    """Copies a block to the devices.

    Args:
      block: arrays `[b, ...]`.
      devices: the devices; None for the default one.
      split: whether to shard the points over the devices; otherwise the block is replicated.

    Returns:
      The same tree of JAX arrays.
    """
    if devices is None:
        return jax.device_put(block)
    mesh = jax.sharding.Mesh(np.asarray(devices), ("rows",))
    return jax.device_put(block, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows" if split else None)))


def floats(name: str, points: Any, least: int, like: Any = None) -> Float[np.ndarray, "n d"]:
    """Checks features and converts them to float32 if that is exact, else to float64.

    Args:
      name: the name of the array in error messages.
      points: `[N, d]`, of any real type.
      least: the minimum number of samples.
      like: features whose dimension these must match, or None.

    Returns:
      `[N, d]`, a NumPy array.

    Raises:
      ValueError: see `checks.features`.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import blocks
      >>> blocks.floats("x", np.ones((1, 2), np.float16), 1).dtype
      dtype('float32')
    """
    found = checks.features(name, points, least, like=like)
    exact = found.dtype == np.float32 or (found.dtype.kind not in "iub" and found.dtype.itemsize < 4)
    return found.astype(np.float32 if exact else np.float64, copy=False)


def squared_distances(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], rows: Int[np.ndarray, " p"], columns: Int[np.ndarray, " p"]
) -> Float64[np.ndarray, " p"]:
    """Squared distances of selected pairs, from differences in float64: exactly 0 for equal points.

    Args:
      x: `[N, d]` floats.
      y: `[M, d]` floats.
      rows: `[P]` int, indices into x.
      columns: `[P]` int, indices into y.

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
