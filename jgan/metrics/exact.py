"""The scatter matrix of features without rounding errors on hardware that has only float32, from matrix products.

It uses the splitting of Ozaki et al. Each centred feature is split into digits of 8 bits, on a scale common to its column. The
products of `ROWS` such digits sum to less than 2^24, so float32 represents each sum exactly, in any order of summation, and
the faster TF32 and bfloat16 units represent each digit exactly. The digits dropped lie below the 47th bit of the column's
largest deviation in the batch.

References:
  Ozaki et al., "Error-free transformations of matrix multiplication by using fast routines of matrix multiplication and its
  applications" (2012), https://doi.org/10.1007/s11075-011-9478-1
"""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float32, Int32

from jgan.metrics import pairs
from jgan.metrics.pairs import Pair

DIGITS = 6
"""Number of digits, of 8 bits each: 48 bits in total."""

ROWS = 128
"""Rows summed in float32: with digits up to 128 in absolute value, and one up to 192, no sum reaches 2^24."""


def moments(x: Float32[jax.Array, "b d"], valid: Bool[jax.Array, " b"]) -> tuple[Int32[jax.Array, ""], Pair, Pair]:
    """The count, mean and scatter matrix of samples.

    Args:
      x: `[B, d]` float32. Deviations from the mean must be below 2^60; those below 2^-60 lose digits.
      valid: `[B]` bool, the rows to include; the other rows may hold anything.

    Returns:
      `(count, mean, scatter)`: int32 scalar, `[d]` and `[d, d]`, the sum of (x - mean)(x - mean)^T.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.metrics import exact, pairs
      >>> x = jnp.array([[1e6], [1e6 + 1], [1e6 + 2], [0]])
      >>> count, mean, scatter = jax.jit(exact.moments)(x, jnp.arange(4) < 3)
      >>> int(count), pairs.float64(mean).tolist(), pairs.float64(scatter).tolist()
      (3, [1000001.0], [[2.0]])
    """
    count = jnp.sum(valid, dtype=jnp.int32)
    number = jnp.maximum(count, 1).astype(jnp.float32)
    keep = lambda array: jnp.where(valid[:, None], array, 0)  # noqa: E731
    centre = pairs.rounded(jnp.sum(keep(x), axis=0) / number)
    high, low = pairs.two_sum(x, -centre[None, :])
    shift, unit = _scale(keep(high))
    sums, products = _sums(keep(high) * shift, keep(low) * shift)
    # `centre` is the mean up to its rounding error; the correction is so small that float32 is precise enough for it.
    total = sums.high * unit
    missing = pairs.rounded(total[:, None] * total[None, :] / number)
    scatter = products.scaled(unit[:, None]).scaled(unit[None, :]) - pairs.single(missing)
    return count, Pair(*pairs.two_sum(centre, pairs.rounded(total / number))), scatter


def _scale(offsets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The powers of two `[1, d]` that scale each column below 128, and their inverses `[d]`."""
    _, exponent = jnp.frexp(jnp.max(jnp.abs(offsets), axis=0))
    power = jnp.maximum(exponent, -60) - 7
    two_to = lambda exponent: jax.lax.bitcast_convert_type((127 + exponent) << 23, jnp.float32)  # noqa: E731
    return two_to(-power)[None, :], two_to(power)


def _sums(high: jax.Array, low: jax.Array) -> tuple[Pair, Pair]:
    """The sums `[d]` of the rows of high + low, and of their outer products `[d, d]`, block by block."""
    size, dim = high.shape
    blocks = [jnp.pad(part, ((0, -size % ROWS), (0, 0))).reshape(-1, ROWS, dim) for part in (high, low)]

    def add(held: tuple[jax.Array, Pair], block: list[jax.Array]) -> tuple[tuple[jax.Array, Pair], None]:
        digits = _digits(*block)
        sums = held[0] + jnp.sum(digits, axis=1).astype(jnp.int32)
        return (sums, held[1] + _value(pairs.single(_meetings(digits)))), None

    start = jnp.zeros_like(high, jnp.int32, (DIGITS, dim)), pairs.single(jnp.zeros_like(high, shape=(dim, dim)))
    (sums, products), _ = jax.lax.scan(add, start, blocks)
    return _value(pairs.whole(sums)), products


def _digits(high: jax.Array, low: jax.Array) -> jax.Array:
    """Splits high + low, below 128, into integer digits `[DIGITS, R, d]`: `sum_s digits[s] / 256^s`."""
    digits, rest = [], high
    for s in range(DIGITS):
        if s == 3:  # after three digits the rest of `high` is as small as `low` (half its last place), so they can be added
            rest = rest + low * 2.0**24
        digits.append(jnp.round(rest))
        rest = (rest - digits[-1]) * 256
    return jnp.stack(digits)


def _meetings(digits: jax.Array) -> jax.Array:
    """`[level, d, d]`: the products of digits s and t with s + t = level; higher levels are below 2^-48 and dropped."""
    flat = lambda some: some.reshape(-1, some.shape[-1])  # noqa: E731
    exactly = lambda a, b: jnp.matmul(flat(a).T, flat(b), precision=jax.lax.Precision.DEFAULT)  # noqa: E731
    return jnp.stack([exactly(digits[: level + 1], digits[level::-1]) for level in range(DIGITS)])


def _value(levels: Pair) -> Pair:
    """`sum_s levels[s] / 256^s`, summed from the smallest term.

    A scan, because XLA fuses an unrolled chain of pairs into one kernel whose code doubles with each pair.
    """
    add = lambda total, level: (total.scaled(2.0**-8) + level, None)  # noqa: E731
    return jax.lax.scan(add, levels[-1], levels[:-1], reverse=True)[0]
