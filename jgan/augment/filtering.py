"""ADA's image-space filtering: an image is split into four octave bands, which are amplified separately.

The bands are made from the wavelet sym2, Daubechies' wavelet with four taps. Its power |H|^2 / 2 is the half-band low-pass

  L(z) = 1/2 + 9/32 (z + 1/z) - 1/32 (z^3 + 1/z^3),    L(z) + L(-z) = 1,

so L(-z) is the complementary high-pass. With L stretched by 2 and by 4 (z^2, z^4), the four bands sum to the identity:
`L(z) L(z^2) L(z^4)`, `L(z) L(z^2) L(-z^4)`, `L(z) L(-z^2)`, `L(-z)`, from the lowest octave to the highest.
"""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.signal import convolve

LOW_PASS = np.array([-1, 0, 9, 16, 9, 0, -1]) / 32
POWER = np.array([10, 1, 1, 1], np.float32) / 13
"""The fraction of each band in the power of a natural image, about 1 / f."""


def _stretched(taps: np.ndarray, factor: int) -> np.ndarray:
    """`taps(z^factor)`: zeros between the taps."""
    result = np.zeros(factor * (len(taps) - 1) + 1)
    result[::factor] = taps
    return result


def _bank() -> np.ndarray:
    high_pass = np.array([0, 0, 0, 1, 0, 0, 0]) - LOW_PASS
    lows = [np.ones(1), *(reduce(np.convolve, [_stretched(LOW_PASS, 2**i) for i in range(n)]) for n in (1, 2, 3))]
    bands = [lows[3], *(np.convolve(lows[n], _stretched(high_pass, 2**n)) for n in (2, 1, 0))]
    size = len(lows[3])
    return np.stack([np.pad(band, (size - len(band)) // 2) for band in bands]).astype(np.float32)


BANK = _bank()
"""`[4, 43]` the taps of the four bands, from low to high. They are symmetric and sum to a unit impulse."""


def band_gains(amplitudes: jax.Array) -> jax.Array:
    """The gains of the four bands after amplifying each band in turn, with the total power restored after each.

    Args:
      amplitudes: `[4]` float, the factor on each band; 1 leaves the band unchanged.

    Returns:
      `[4]` float32: the product over i of `t_i / sqrt(sum POWER t_i^2)`, where `t_i` is `amplitudes[i]` in band i and 1
      elsewhere.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import filtering
      >>> gains = filtering.band_gains(jnp.array([1.0, 1.0, 1.0, 2.0]))
      >>> round(float(gains[3] / gains[0]), 5), round(float(filtering.POWER @ gains**2), 5)
      (2.0, 1.0)

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    single = jnp.where(jnp.eye(4, dtype=bool), amplitudes[:, None], 1.0)
    power = jnp.sum(POWER[None] * jnp.square(single), axis=1, keepdims=True)
    return jnp.prod(single / jnp.sqrt(power), axis=0)


def amplify(image: jax.Array, gains: jax.Array) -> jax.Array:
    """Filters an image along both axes by the sum of the four bands, weighted with their gains.

    Args:
      image: `[height, width, channels]` float.
      gains: `[4]` float, from the lowest octave to the highest.

    Returns:
      The same shape. Linear in `image`, with reflect padding.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import filtering
      >>> flat = filtering.amplify(jnp.ones((8, 8, 1)), jnp.array([0.5, 3.0, 3.0, 3.0]))  # only the lowest band is present
      >>> bool(abs(flat - 0.25).max() < 1e-6)
      True

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    taps = jnp.sum(gains[:, None] * BANK, axis=0)
    reach = len(taps) // 2
    padded = jnp.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    rows = convolve(padded, taps[:, None, None], mode="valid", precision=jax.lax.Precision.HIGHEST)
    return convolve(rows, taps[None, :, None], mode="valid", precision=jax.lax.Precision.HIGHEST)
