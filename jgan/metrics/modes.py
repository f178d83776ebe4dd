"""Mode coverage: how many of the known modes of a toy set a generator finds, how often it hits one, how evenly.

Each sample belongs to the mode nearest to it, and is of high quality if it lies within `radius` standard deviations of that
mode's centre. A mode is covered if it has at least one such sample. So even perfect samples are not all of high quality: of a
Gaussian in two dimensions 1 - exp(-9/2) = 98.89 % lie within three standard deviations.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class ModeCoverage(NamedTuple):
    """How a generator's samples fall on the modes.

    Attributes:
      modes: `[...]` int32, the number of modes that are covered.
      high_quality: `[...]` float32, the share of samples of high quality, from 0 to 1.
      reverse_kl: `[...]` float32, `KL(q || uniform)` in nats, q being the shares of the modes among the samples of high
        quality: 0 if all are hit alike, log K if it is one of K alone, NaN if there is no such sample.
      counts: `[..., K]` int32, the samples of high quality of each mode.
    """

    modes: jax.Array
    high_quality: jax.Array
    reverse_kl: jax.Array
    counts: jax.Array


def mode_coverage(
    samples: jax.Array | np.ndarray, centres: jax.Array | np.ndarray, std: float, *, radius: float = 3.0
) -> ModeCoverage:
    """Counts the modes that samples cover. The literature draws 2,500 samples.

    Args:
      samples: `[..., N, d]` float; leading axes (seeds, steps) are measured one by one. One that is not finite is of low
        quality. The memory is `N * K * d` float32 for each.
      centres: `[K, d]` float, the modes: `jgan.data.toys.centres`.
      std: the standard deviation of each mode.
      radius: how near a sample of high quality is to its mode, in standard deviations.

    Returns:
      The `ModeCoverage`, its leading axes those of `samples`.

    Raises:
      ValueError: if the shapes do not fit, there is no sample or no mode, or `std` or `radius` is not positive.

    Example:
      >>> from jgan.data import toys
      >>> from jgan.metrics import modes
      >>> real = toys.load("ring8").test.x[:2500]
      >>> found = modes.mode_coverage(real, toys.centres("ring8"), toys.std("ring8"))
      >>> int(found.modes), round(float(found.high_quality), 2)
      (8, 0.99)

    References:
      Lin et al., "PacGAN: The power of two samples in generative adversarial networks" (2017), section 4.1,
      https://arxiv.org/abs/1712.04086, and its authors' code, whose samples of low quality count for no mode.
    """
    points, means = jnp.asarray(samples, jnp.float32), jnp.asarray(centres, jnp.float32)
    if points.ndim < 2 or means.ndim != 2 or points.shape[-1] != means.shape[-1] or 0 in (*points.shape, *means.shape):
        raise ValueError(
            f"expected samples [..., N, d] and centres [K, d], at least one of each, found {points.shape} and {means.shape}"
        )
    if not (std > 0 and radius > 0):
        raise ValueError(f"std and radius must be positive, found {std} and {radius}")
    # The differences themselves, not |a|^2 + |b|^2 - 2 a.b: the modes are small beside their distance from the origin.
    squared = jnp.sum(jnp.square(jnp.expand_dims(points, -2) - means.reshape((1,) * (points.ndim - 1) + means.shape)), axis=-1)
    nearest = jnp.argmin(squared, axis=-1)
    good = jnp.min(squared, axis=-1) <= (radius * std) ** 2
    belongs = jnp.expand_dims(nearest, -1) == jnp.arange(len(means)).reshape((1,) * nearest.ndim + (-1,))
    counts = jnp.sum(belongs & jnp.expand_dims(good, -1), axis=-2, dtype=jnp.int32)
    return ModeCoverage(
        modes=jnp.sum(counts > 0, axis=-1, dtype=jnp.int32),
        high_quality=jnp.mean(good, axis=-1, dtype=jnp.float32),
        reverse_kl=_kl_to_uniform(counts),
        counts=counts,
    )


def _kl_to_uniform(counts: jax.Array) -> jax.Array:
    """`sum_k q_k log(K q_k)`, `q` being the shares of `counts` `[..., K]`; a share of 0 adds nothing."""
    numbers = counts.astype(jnp.float32)
    shares = numbers / jnp.sum(numbers, axis=-1, keepdims=True)
    return jnp.sum(jax.scipy.special.xlogy(shares, counts.shape[-1] * shares), axis=-1)
