"""Double-float arithmetic: numbers of about 46 bits as sums of two float32, for hardware that has no float64.

An accelerator without float64 still rounds each operation correctly, so the rounding error of a sum can be computed. XLA may
contract a product and a sum into one fused operation that rounds once. Every product whose error is needed is therefore made
exact in float32, so that contraction does not change it. There are no checks for NaN or overflow; those values propagate.

References:
  Dekker, "A floating-point technique for extending the available precision" (1971), https://doi.org/10.1007/BF01397083;
  Joldes, Muller and Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic" (2017),
  https://doi.org/10.1145/3121432
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, Float64, Int32


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pair:
    """An array of unevaluated sums `high + low`, where `high` is the sum rounded to float32.

    Attributes:
      high: `[...]` float32.
      low: `[...]` float32, the remainder.
    """

    high: Float32[jax.Array, " *shape"]
    low: Float32[jax.Array, " *shape"]

    def __add__(self, other: "Pair") -> "Pair":
        high, low = two_sum(self.high, other.high)
        below, lowest = two_sum(self.low, other.low)
        high, low = _two_sum_of_ordered(high, low + below)
        return Pair(*_two_sum_of_ordered(high, low + lowest))

    def __neg__(self) -> "Pair":
        return Pair(-self.high, -self.low)

    def __sub__(self, other: "Pair") -> "Pair":
        return self + -other

    def __mul__(self, other: "Pair") -> "Pair":
        (a, b), (c, d) = _halves(self.high), _halves(other.high)
        middle, middle_error = two_sum(a * d, b * c)
        high, error = two_sum(a * c, middle)
        low = (b * d + (error + middle_error)) + (self.high * other.low + self.low * other.high)
        return Pair(*_two_sum_of_ordered(high, low))

    def __truediv__(self, other: "Pair") -> "Pair":
        first = _quotient(self.high, other.high)
        rest = self - other * single(first)
        second = _quotient(rest.high, other.high)
        rest = rest - other * single(second)
        return Pair(*_two_sum_of_ordered(first, second)) + single(_quotient(rest.high, other.high))

    def __getitem__(self, index: Any) -> "Pair":
        return Pair(self.high[index], self.low[index])

    def scaled(self, power: jax.Array | float) -> "Pair":
        """The product with powers of two, which is exact."""
        return Pair(self.high * power, self.low * power)


def single(values: Float32[jax.Array, "..."]) -> Pair:
    """Converts float32 to pairs.

    Args:
      values: `[...]` float32.

    Returns:
      The `Pair`, of the same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import pairs
      >>> third = pairs.single(jnp.float32(1)) / pairs.single(jnp.float32(3))
      >>> abs(float(pairs.float64(third)) - 1 / 3) < 1e-14
      True
    """
    return Pair(values, jnp.zeros_like(values))


def whole(numbers: Int32[jax.Array, "..."]) -> Pair:
    """Converts integers to pairs: exact up to 2^30, where float32 alone is exact only up to 2^24.

    Args:
      numbers: `[...]` int32, below 2^30.

    Returns:
      The `Pair`, exactly equal.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import pairs
      >>> float(pairs.float64(pairs.whole(jnp.int32(2**24 + 1)))) - 2**24
      1.0
    """
    high = numbers.astype(jnp.float32)
    return Pair(high, (numbers - high.astype(jnp.int32)).astype(jnp.float32))


def float64(pair: Pair) -> Float64[np.ndarray, "..."]:
    """Converts pairs to float64 on the host.

    Args:
      pair: `[...]`.

    Returns:
      `[...]` float64.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import pairs
      >>> float(pairs.float64(pairs.Pair(jnp.float32(1), jnp.float32(2.0**-40)))) == 1 + 2**-40
      True
    """
    return np.asarray(pair.high, np.float64) + np.asarray(pair.low, np.float64)


def two_sum(
    a: Float32[jax.Array, "..."], b: Float32[jax.Array, "..."]
) -> tuple[Float32[jax.Array, " *shape"], Float32[jax.Array, " *shape"]]:
    """The sum of two numbers rounded to float32, and its rounding error (Knuth).

    Args:
      a: `[...]` float32.
      b: `[...]` float32.

    Returns:
      `(sum, error)`: `a + b = sum + error` exactly.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import pairs
      >>> total, error = pairs.two_sum(jnp.float32(2**24), jnp.float32(1))
      >>> float(total) - 2**24, float(error)
      (0.0, 1.0)
    """
    total = a + b
    added = total - a
    return total, (a - (total - added)) + (b - added)


def rounded(values: Float32[jax.Array, " *shape"]) -> Float32[jax.Array, " *shape"]:
    """Rounds to 23 bits of precision, which also stops XLA from rewriting the operation that made the values.

    XLA contracts a product with a later sum, and turns a division by a constant into a product. It does neither across this
    rounding, so `two_sum` sees the same number at each use.

    Args:
      values: `[...]` float32.

    Returns:
      `[...]` float32 with 23 significant bits.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import pairs
      >>> float(pairs.rounded(jnp.float32(1 / 3))) == float(jnp.float32(1 / 3))
      False
    """
    return jax.lax.reduce_precision(values, exponent_bits=8, mantissa_bits=22)


def _two_sum_of_ordered(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`two_sum` for |a| >= |b| (Dekker)."""
    total = a + b
    return total, b - (total - a)


def _halves(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Two numbers of 12 bits whose sum is x, so that products of them are exact.

    Veltkamp's splitting is not used: it multiplies with rounding, which contraction breaks.
    """
    high = jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=11)
    return high, x - high


def _quotient(a: jax.Array, b: jax.Array) -> jax.Array:
    return rounded(a / b)
