"""The scatter of features on hardware that has only float32, by matrix products alone and without their rounding errors.

This is the splitting of Ozaki et al. A centred feature is cut into digits of 8 bits, on a scale common to its column. The
products of `ROWS` such digits add up to less than 2^24, so float32 holds each sum exactly, in whatever order the hardware and
the devices add, and TF32 and bfloat16 units, which are several times as fast, hold each digit. What is dropped is beyond the
48th binary digit of the greatest deviation in the block.

References:
  Ozaki et al., "Error-free transformations of matrix multiplication by using fast routines of matrix multiplication and its
  applications" (2012), https://doi.org/10.1007/s11075-011-9478-1
"""

import jax
import jax.numpy as jnp

from jgan.metrics import pairs
from jgan.metrics.pairs import Pair

DIGITS = 6
"""of 8 bits each: 48 in all"""

ROWS = 128
"""whose products are added in float32: of digits up to 128, and one up to 192, no sum reaches 2^24"""


def moments(x: jax.Array, valid: jax.Array) -> tuple[jax.Array, Pair, Pair]:
    """The number, the mean and the scatter of a block of samples.

    Args:
      x: `[ROWS, d]` float32. The deviations from the mean must be below 2^60; of those below 2^-60 digits are lost.
      valid: `[ROWS]` bool, which of them count; the others may be anything.

    Returns:
      `(count, mean, scatter)`: int32, `[d]`, and `[d, d]`, the sum of (x - mean)(x - mean)^T.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import exact, pairs
      >>> x = 1000 + jnp.arange(exact.ROWS, dtype=jnp.float32)[:, None]
      >>> count, mean, scatter = exact.moments(x, jnp.arange(exact.ROWS) < 3)
      >>> int(count), pairs.float64(mean).tolist(), pairs.float64(scatter).tolist()
      (3, [1001.0], [[2.0]])
    """
    count = jnp.sum(valid, dtype=jnp.int32)
    keep = lambda array: jnp.where(valid[:, None], array, 0)  # noqa: E731
    # About any centre near the mean, with few digits: see `pairs` on contraction.
    near = jnp.sum(keep(x), axis=0, keepdims=True) / jnp.maximum(count, 1).astype(jnp.float32)
    centre = jax.lax.reduce_precision(near, exponent_bits=8, mantissa_bits=15)
    offset, rest = pairs.two_sum(x, -centre)
    digits, unit = _digits(keep(offset), keep(rest))
    levels = [jnp.sum(digit, axis=0) for digit in digits]
    total = _horner(levels).scaled(unit)
    mean = total / pairs.whole(jnp.maximum(count, 1))
    flat = lambda some: some.reshape(-1, x.shape[1])  # noqa: E731

    def meeting(level: int) -> jax.Array:
        """The products of the digits s and t, s + t = level; a level beyond the last digit's is below 2^-48."""
        return jnp.matmul(flat(digits[: level + 1]).T, flat(digits[level::-1]), precision=jax.lax.Precision.DEFAULT)

    products = _horner([meeting(level) for level in range(DIGITS)]).scaled(unit[:, None]).scaled(unit[None, :])
    return count, mean + pairs.single(centre[0]), products - total[:, None] * mean[None, :]


def _digits(high: jax.Array, low: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cuts the columns of high + low into whole numbers: `x = unit * sum_s digits[s] / 256^s`, `[DIGITS, R, d]` and `[d]`."""
    _, exponent = jnp.frexp(jnp.max(jnp.abs(high), axis=0))
    power = jnp.maximum(exponent, -60) - 7  # the first digit is at most 128; 2^-67 squared is not 0 yet
    shift = jax.lax.bitcast_convert_type((127 - power) << 23, jnp.float32)[None, :]
    digits, rest = [], high * shift
    for s in range(DIGITS):
        if s == 3:
            rest = rest + low * shift * 2.0**24  # at most half a unit in the last place of `high`: what 3 digits leave
        digits.append(jnp.round(rest))
        rest = (rest - digits[-1]) * 256
    return jnp.stack(digits), jax.lax.bitcast_convert_type((127 + power) << 23, jnp.float32)


def _horner(levels: list[jax.Array]) -> Pair:
    """`sum_s levels[s] / 256^s`, from the smallest."""
    total = pairs.single(levels[-1])
    for level in levels[-2::-1]:
        total = total.scaled(2.0**-8) + pairs.single(level)
    return total
