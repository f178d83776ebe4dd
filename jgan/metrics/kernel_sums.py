"""Sums of kernels over all pairs of two sets, computed in blocks, precise enough for the differences of such sums in MMD.

A constant added to the kernel cancels in a maximum mean discrepancy, so we subtract one and float32 represents only the
variation of the kernel: around its value at the common mean (polynomials), or around 1, its value at distance 0 (Gaussians).
For a polynomial kernel with x = c + u, y = c + v and scale s,

  (s x.y + o)^p - a^p = sum_m C(p, m) a^(p - m) w^m,      a = s c.c + o,      w = s (c.u + c.v + u.v)

The row sums are added in float64.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics import blocks
from jgan.metrics.blocks import Frame


class Polynomial(NamedTuple):
    """`k(x, y) = (scale x.y + offset)^degree`.

    Attributes:
      degree: the degree, at least 1.
      offset: the constant added to the scaled product.
      scale: the factor of the product; None for 1 / d.
    """

    degree: int = 3
    offset: float = 1.0
    scale: float | None = None


class Gaussian(NamedTuple):
    """`k(x, y)` is the mean of `exp(-|x - y|^2 / 2 width^2)` over the widths.

    Attributes:
      widths: in units of the features; `median_width` computes a common choice.
    """

    widths: tuple[float, ...]


Kernel = Polynomial | Gaussian


class Part(NamedTuple):
    """Samples in the coordinates of a frame.

    Attributes:
      points: `[b, d]` float32.
      squares: `[b]`, their squared norms.
      along: `[b]`, s c.u in units of the kernel.
      counted: `[b]`, 1 for samples and 0 for padding.
    """

    points: Any
    squares: Any
    along: Any
    counted: Any


class Powers(NamedTuple):
    """A polynomial kernel in a frame: `sum_m coefficients[m - 1] w^m` plus a constant, `w = along + along + slope cross`."""

    coefficients: Any
    slope: Any


class Decays(NamedTuple):
    """A Gaussian kernel in a frame: the mean of `exp(-rates squared)`."""

    rates: Any


def form_of(kernel: Kernel, frame: Frame, d: int) -> tuple[Powers | Decays, float]:
    """The kernel in the coordinates of the frame, and the unit of its values."""
    if isinstance(kernel, Gaussian):
        if not kernel.widths or min(kernel.widths) <= 0:
            raise ValueError(f"expected positive widths of a Gaussian kernel, found {kernel.widths}")
        return Decays((np.square(frame.scale / np.asarray(kernel.widths, np.float64)) / 2).astype(np.float32)), 1.0
    if kernel.degree < 1:
        raise ValueError(f"expected a polynomial kernel of degree 1 or more, found {kernel.degree}")
    scale = 1 / d if kernel.scale is None else kernel.scale
    centre = scale * float(frame.centre @ frame.centre) + kernel.offset
    size = abs(centre) + abs(scale) * frame.scale**2 or 1.0  # (centre + w) / size is of order 1, so no power overflows
    powers = range(1, kernel.degree + 1)
    coefficients = [math.comb(kernel.degree, m) * (centre / size) ** (kernel.degree - m) for m in powers]
    return Powers(np.asarray(coefficients, np.float32), np.float32(scale * frame.scale**2 / size)), size**kernel.degree


def part_of(frame: Frame, points: np.ndarray, size: int, form: Powers | Decays) -> Part:
    """Samples in the coordinates of the frame, as NumPy arrays, padded to `size`."""
    block = frame.block(points, size, np.float32)
    counted = np.arange(size) < len(points)
    slope = form.slope if isinstance(form, Powers) else 0
    along = slope * (block.points @ (frame.centre / frame.scale))
    return Part(block.points, np.where(counted, block.squares, 0), along.astype(np.float32), counted.astype(np.float32))


def _values(form: Powers | Decays, cross: Any, x: Part, y: Part) -> Any:
    """The kernel minus a constant, given the inner products `cross`."""
    if isinstance(form, Powers):
        w = (x.along + y.along) + form.slope * cross
        value = form.coefficients[-1] * w
        for coefficient in form.coefficients[-2::-1]:  # Horner's rule
            value = (value + coefficient) * w
        return value
    squared = jnp.maximum(x.squares + y.squares - 2 * cross, 0)
    return sum(jnp.expm1(-rate * squared) for rate in form.rates) / len(form.rates)


@partial(jax.jit, static_argnames="itself")
def row_sums(form: Powers | Decays, x: Part, y: Part, first_row: int, first_column: int, *, itself: bool) -> jax.Array:
    """`[b]`, the sum of each row over a block of y, without the pairs of a sample with itself."""
    cross = jnp.matmul(x.points, y.points.T, precision=jax.lax.Precision.HIGHEST)
    rows, columns = jax.tree.map(lambda values: values[:, None], x), jax.tree.map(lambda values: values[None, :], y)
    values = _values(form, cross, rows, columns) * columns.counted
    if itself:
        row, column = first_row + jnp.arange(len(x.points)), first_column + jnp.arange(len(y.points))
        values = jnp.where(row[:, None] == column[None, :], 0, values)
    return values.sum(axis=1)


@jax.jit
def subset_sums(form: Powers | Decays, x: Part, y: Part, i: jax.Array, j: jax.Array) -> list[jax.Array]:
    """The row sums within a subset of x, within a subset of y, and between the two."""
    x, y = jax.tree.map(lambda values: values[i], x), jax.tree.map(lambda values: values[j], y)
    pairs = ((x, x, True), (y, y, True), (x, y, False))
    return [row_sums(form, first, second, 0, 0, itself=itself) for first, second, itself in pairs]


def summed(
    form: Powers | Decays,
    frame: Frame,
    x: np.ndarray,
    y: np.ndarray | None,
    devices: Sequence[jax.Device] | None,
    progress: Callable[[int], None] | None,
) -> tuple[float, float]:
    """`(total, diagonal)`: the sum over pairs of x and y; if y is None, over pairs of different x, and over x with itself."""
    itself, y = y is None, x if y is None else y
    row_size, column_size = blocks.size(len(x), blocks.ROWS, 32 * len(devices or [0])), blocks.size(len(y), blocks.COLUMNS)
    columns = [
        blocks.put(part_of(frame, y[part], column_size, form), devices, split=False) for part in blocks.cut(len(y), column_size)
    ]
    total, diagonal = 0.0, 0.0
    for part in blocks.cut(len(x), row_size):
        samples = part_of(frame, x[part], row_size, form)
        rows = blocks.put(samples, devices, split=True)
        for number, column in enumerate(columns):
            sums = row_sums(form, rows, column, part.start, number * column_size, itself=itself)
            total += float(np.asarray(sums, np.float64)[: part.stop - part.start].sum())
        if itself:
            samples = jax.tree.map(lambda values: values[: part.stop - part.start], samples)  # noqa: B023
            diagonal += float(np.asarray(_values(form, samples.squares, samples, samples), np.float64).sum())
        if progress:
            progress(part.stop)
    return total, diagonal
