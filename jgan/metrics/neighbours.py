"""Nearest neighbours, and membership in balls around points: the basis of precision, recall, density, coverage, authenticity.

Nearly all comparisons are certain in float32 (`jgan.metrics.blocks`); the others are repeated on differences in float64. The
results are those of float64 arithmetic, and no array of size N x M is formed.

Squared distances, and then their square roots, are rounded to the dtype of the features, as in scikit-learn: for float32
features, two distances that round to the same float32 are tied.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int64

from jgan.metrics import blocks
from jgan.metrics.blocks import Block, Frame, Progress
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

SPARE = 4
"""Candidates beyond the k nearest by float32: more candidates make it more likely that they include the k nearest."""

TIES = 2.0**-20
"""Relative difference below which two squared distances may have equal square roots in float32."""


class Nearest(NamedTuple):
    """The nearest neighbours of some points.

    Attributes:
      distances: `[N, k]` in the dtype of the features (float32, or else float64), ascending.
      indices: `[N, k]` int64, the indices of the neighbours; the order of neighbours at equal distances is arbitrary.
    """

    distances: Float[np.ndarray, "n k"]
    indices: Int64[np.ndarray, "n k"]


class Inside(NamedTuple):
    """Membership counts for the balls around the points of two sets.

    Attributes:
      held_by_x: `[N]` int64, for each x the number of y in its ball.
      x_held: `[N]` int64, for each x the number of balls of y that contain it.
      y_held: `[M]` int64, for each y the number of balls of x that contain it.
    """

    held_by_x: Int64[np.ndarray, " n"]
    x_held: Int64[np.ndarray, " n"]
    y_held: Int64[np.ndarray, " m"]


def nearest(
    points: Float[AnyArray, "n d"],
    references: Float[AnyArray, "m d"] | None = None,
    *,
    k: int = 1,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
) -> Nearest:
    """The k nearest neighbours of each point, in a set of references or in its own set.

    Args:
      points: `[N, d]` float.
      references: `[M, d]` float; None to search among the points themselves, each without itself.
      k: the number of neighbours.
      devices: the devices over which a block of points is sharded; None for the default device.
      progress: called after each block as progress(points done, N).

    Returns:
      The `Nearest`.

    Raises:
      ValueError: if there are fewer than k neighbours, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import neighbours
      >>> found = neighbours.nearest(np.array([[0.0], [1.0], [5.0]]))
      >>> found.distances.ravel().tolist(), found.indices.ravel().tolist()
      ([1.0, 1.0, 4.0], [1, 0, 1])
    """
    itself, k = references is None, whole("k", k, 1)
    x = blocks.floats("points", points, k + 1 if itself else 1)
    y = x if itself else blocks.floats("references", references, k, x)
    frame = blocks.frame(x) if itself else blocks.frame(x, y)
    others = len(y) - itself
    count = min(k + SPARE, others)
    sizes = blocks.size(len(x), blocks.ROWS, 32 * len(devices or [0])), blocks.size(len(y), blocks.COLUMNS)
    columns = [
        blocks.put(frame.block(y[part], sizes[1], np.float32), devices, split=False) for part in blocks.cut(len(y), sizes[1])
    ]
    squared, indices = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    for part in blocks.cut(len(x), sizes[0]):
        rows = blocks.put(frame.block(x[part], sizes[0], np.float32), devices, split=True)
        best = jnp.full((sizes[0], count), blocks.FAR, jnp.float32), jnp.zeros((sizes[0], count), jnp.int32)
        for number, column in enumerate(columns):
            best = _merge(best, rows, column, part.start, number * sizes[1], itself=itself)
        bounds, candidates = (np.asarray(values)[: part.stop - part.start] for values in best)
        squared[part], indices[part] = _measured(x[part], y, candidates, k)
        # All other points are at least as far as the last candidate's bound: check whether this proves the k nearest.
        found = squared[part, -1]
        unsure = (found / frame.scale**2 >= bounds[:, -1]) & (found > 0) & (count < others)
        again = part.start + np.flatnonzero(unsure)
        for some in blocks.cut(len(again), max(1, 2**22 // len(y))):
            squared[again[some]], indices[again[some]] = _nearest_in_float64(frame, x, again[some], y, k, itself=itself)
        if progress:
            progress(part.stop, len(x))
    return Nearest(np.sqrt(squared.astype(np.result_type(x, y))), indices)


def inside(
    x: Float[AnyArray, "n d"],
    y: Float[AnyArray, "m d"],
    x_radii: Float[np.ndarray, " n"],
    y_radii: Float[np.ndarray, " m"],
    *,
    closed: bool = False,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
) -> Inside:
    """Counts the points of each set in the balls around the points of the other.

    Args:
      x: `[N, d]` float.
      y: `[M, d]` float.
      x_radii: `[N]` float, the radii of the balls around x.
      y_radii: `[M]` float, the radii of the balls around y.
      closed: whether the boundary of a ball belongs to it.
      devices: the devices over which a block of x is sharded; None for the default device.
      progress: called after each block as progress(points of x done, N).

    Returns:
      The counts, `Inside`.

    Raises:
      ValueError: if there is not one radius per point, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import neighbours
      >>> x, y = np.array([[0.0], [1.0]]), np.array([[0.5], [2.0], [9.0]])
      >>> counts = neighbours.inside(x, y, np.array([1.0, 1.0]), np.array([0.1, 1.5, 1.5]))
      >>> counts.held_by_x.tolist(), counts.x_held.tolist(), counts.y_held.tolist()
      ([1, 1], [0, 1], [2, 0, 0])
    """
    x = blocks.floats("x", x, 1)
    y = blocks.floats("y", y, 1, x)
    if np.shape(x_radii) != (len(x),) or np.shape(y_radii) != (len(y),):
        raise ValueError(f"expected {len(x)} and {len(y)} radii, found {np.shape(x_radii)} and {np.shape(y_radii)}")
    frame = blocks.frame(x, y)
    row_size = blocks.size(len(x), blocks.ROWS, 32 * len(devices or [0]))
    column_size = blocks.size(len(y), blocks.COLUMNS)
    parts = list(blocks.cut(len(y), column_size))
    balls = lambda points, radii, part, size, dtype: frame.block(points[part], size, dtype, radii[part])  # noqa: E731
    columns = [blocks.put(balls(y, y_radii, part, column_size, np.float32), devices, split=False) for part in parts]
    counts = Inside(np.zeros(len(x), np.int64), np.zeros(len(x), np.int64), np.zeros(len(y), np.int64))
    for some in blocks.cut(len(x), row_size):
        rows = blocks.put(balls(x, x_radii, some, row_size, np.float32), devices, split=True)
        for part, column in zip(parts, columns, strict=True):
            *certain, unsure, left = _compare_on_device(rows, column)
            if int(left) > unsure.size // 64:  # happens for clusters that are small compared with their distances
                here, there = balls(x, x_radii, some, row_size, np.float64), balls(y, y_radii, part, column_size, np.float64)
                *certain, unsure = _compare(here.points @ there.points.T, here, there)
            for total, where, number in zip(counts, (some, some, part), certain, strict=True):
                total[where] += np.asarray(number)[: where.stop - where.start]
            if int(left):
                i, j = np.nonzero(np.asarray(unsure))
                _decide(counts, x, y, x_radii, y_radii, i + some.start, j + part.start, closed=closed)
        if progress:
            progress(some.stop, len(x))
    return counts


@partial(jax.jit, static_argnames="itself")
def _merge(
    best: tuple[jax.Array, jax.Array], x: Block, y: Block, first_row: int, first_column: int, *, itself: bool
) -> tuple[jax.Array, jax.Array]:
    """Updates the candidates `[b, count]` of each x, those with the lowest lower bounds, with another block of y."""
    lower, _ = _bounds(jnp.matmul(x.points, y.points.T, precision=jax.lax.Precision.HIGHEST), x, y)
    if itself:
        row, column = first_row + jnp.arange(lower.shape[0]), first_column + jnp.arange(lower.shape[1])
        lower = jnp.where(row[:, None] == column[None, :], blocks.FAR, lower)
    count = best[0].shape[1]
    values, where = _lowest(lower, min(count, lower.shape[1]))
    values, where = jnp.concatenate([best[0], values], 1), jnp.concatenate([best[1], where + first_column], 1)
    least, kept = jax.lax.top_k(-values, count)
    return -least, jnp.take_along_axis(where, kept, axis=1)


def _lowest(values: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """The `count` lowest values of each row of `[b, c]`, and their columns.

    They lie in the `count` groups with the lowest minima, so only those groups are sorted: on CPU, `top_k` of whole rows takes
    three times as long.
    """
    (rows, columns), group = values.shape, 32
    if columns % group or columns < 4 * group * count:
        least, where = jax.lax.top_k(-values, count)
        return -least, where
    groups = values.reshape(rows, columns // group, group)
    _, chosen = jax.lax.top_k(-groups.min(axis=-1), count)
    members = jnp.take_along_axis(groups, chosen[:, :, None], axis=1).reshape(rows, count * group)
    least, where = jax.lax.top_k(-members, count)
    return -least, jnp.take_along_axis(chosen, where // group, axis=1) * group + where % group


def _nearest_in_float64(
    frame: Frame, x: np.ndarray, which: np.ndarray, y: np.ndarray, k: int, *, itself: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of some x, on the host: all pairs whose float64 bounds allow it are compared by their differences."""
    block = frame.block(x[which], len(which), np.float64)
    lower, upper = np.empty((2, len(which), len(y)))
    for part in blocks.cut(len(y), blocks.COLUMNS):
        other = frame.block(y[part], part.stop - part.start, np.float64)
        lower[:, part], upper[:, part] = _bounds(block.points @ other.points.T, block, other)
    if itself:
        lower[np.arange(len(which)), which] = upper[np.arange(len(which)), which] = blocks.FAR
    farthest = np.partition(upper, k - 1)[:, k - 1]
    i, j = np.nonzero(lower <= farthest[:, None])
    squared = blocks.squared_distances(x[which], y, i, j)
    order = np.lexsort((j, squared, i))
    best = order[np.searchsorted(i, np.arange(len(which)))[:, None] + np.arange(k)]
    return squared[best], j[best]


def _measured(x: np.ndarray, y: np.ndarray, candidates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest among the candidates `[b, count]` of each x: squared distances and indices, `[b, k]`."""
    rows = np.repeat(np.arange(len(x)), candidates.shape[1])
    squared = blocks.squared_distances(x, y, rows, candidates.ravel()).reshape(candidates.shape)
    order = np.lexsort((candidates, squared))[:, :k]
    return np.take_along_axis(squared, order, 1), np.take_along_axis(candidates, order, 1)


def _bounds(cross: Any, x: Block, y: Block) -> tuple[Any, Any]:
    """Lower and upper bounds `[b, c]` of the squared distances, given the inner products."""
    lower = (x.squares - x.slack)[:, None] + (y.squares - y.slack)[None, :] - 2 * cross
    upper = (x.squares + x.slack)[:, None] + (y.squares + y.slack)[None, :] - 2 * cross
    return lower, upper


def _compare(cross: Any, x: Block, y: Block) -> tuple[Any, Any, Any, Any]:
    """The counts of `Inside` over the decided pairs, `[b]`, `[b]`, `[c]`, and the mask `[b, c]` of undecided pairs."""
    lower, upper = _bounds(cross, x, y)
    lower, upper = lower * (1 - TIES), upper * (1 + TIES)
    in_x, in_y = upper < x.reach[:, None], upper < y.reach[None, :]
    unsure = ~((in_x | (lower > x.reach[:, None])) & (in_y | (lower > y.reach[None, :])))
    return (in_x & ~unsure).sum(1), (in_y & ~unsure).sum(1), (in_x & ~unsure).sum(0), unsure


@jax.jit
def _compare_on_device(x: Block, y: Block) -> tuple[jax.Array, ...]:
    *counts, unsure = _compare(jnp.matmul(x.points, y.points.T, precision=jax.lax.Precision.HIGHEST), x, y)
    return *counts, unsure, unsure.sum()


def _decide(
    counts: Inside,
    x: np.ndarray,
    y: np.ndarray,
    x_radii: np.ndarray,
    y_radii: np.ndarray,
    i: np.ndarray,
    j: np.ndarray,
    *,
    closed: bool,
) -> None:
    """Decides the pairs (i, j) by their distances in float64, and adds them to the counts."""
    apart = np.sqrt(blocks.squared_distances(x, y, i, j).astype(np.result_type(x, y)))
    in_x, in_y = (apart <= radii if closed else apart < radii for radii in (x_radii[i], y_radii[j]))
    for total, where in zip(counts, (i[in_x], i[in_y], j[in_x]), strict=True):
        total += np.bincount(where, minlength=len(total))
