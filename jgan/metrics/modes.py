"""Mode coverage: how many of the known modes of a data set a generator covers, and how evenly.

Where the modes have centres, each sample is assigned to the nearest mode, and is of high quality if it lies within `radius`
standard deviations of that mode's centre; of images, a classifier may say which mode a sample belongs to (`class_coverage`).
A mode is covered if it has at least one high-quality sample. Even perfect samples are not all of high quality: for a Gaussian
in two dimensions, 1 - exp(-9/2) = 98.89 % lie within three standard deviations.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int32

from jgan.utils.shapes import AnyArray


class ModeCoverage(NamedTuple):
    """The coverage of the modes by a generator's samples.

    Attributes:
      modes: `[...]` int32, the number of covered modes.
      high_quality: `[...]` float32, the fraction of high-quality samples.
      reverse_kl: `[...]` float32, `KL(q || uniform)` in nats, where q is the distribution of the high-quality samples over the
        modes: 0 if uniform, log K if all are in one of K modes, NaN if there are none.
      counts: `[..., K]` int32, the number of high-quality samples of each mode.
    """

    modes: Int32[jax.Array, " *lead"]
    high_quality: Float32[jax.Array, " *lead"]
    reverse_kl: Float32[jax.Array, " *lead"]
    counts: Int32[jax.Array, "*lead k"]


def mode_coverage(
    samples: Float[AnyArray, "*lead n d"], centres: Float[AnyArray, "k d"], std: float, *, radius: float = 3.0
) -> ModeCoverage:
    """Assigns samples to modes and computes the coverage. The literature uses 2,500 samples.

    Args:
      samples: `[..., N, d]` float; leading axes (seeds, steps) are evaluated separately. A sample that is not finite is not of
        high quality. Memory: `N * K * d` float32 for each.
      centres: `[K, d]` float, the centres of the modes: `jgan.data.toys.centres`.
      std: the standard deviation of each mode.
      radius: the maximum distance of a high-quality sample from its mode, in standard deviations.

    Returns:
      The `ModeCoverage`, with the leading axes of `samples`.

    Raises:
      ValueError: if the shapes do not match, there is no sample or no mode, or `std` or `radius` is not positive.

    Example:
      >>> from jgan.data import toys
      >>> from jgan.metrics import modes
      >>> real = toys.load("ring8").test.x[:2500]
      >>> found = modes.mode_coverage(real, toys.centres("ring8"), toys.std("ring8"))
      >>> int(found.modes), round(float(found.high_quality), 2)
      (8, 0.99)

    References:
      Lin et al., "PacGAN: The power of two samples in generative adversarial networks" (2017), section 4.1,
      https://arxiv.org/abs/1712.04086, and the authors' code, which counts samples of low quality for no mode.
    """
    if jnp.iscomplexobj(samples) or jnp.iscomplexobj(centres):
        raise ValueError("expected real samples and centres, found complex ones")
    points, means = jnp.asarray(samples, jnp.float32), jnp.asarray(centres, jnp.float32)
    if points.ndim < 2 or means.ndim != 2 or points.shape[-1] != means.shape[-1] or 0 in (*points.shape, *means.shape):
        raise ValueError(
            f"expected samples [..., N, d] and centres [K, d], at least one of each, found {points.shape} and {means.shape}"
        )
    if not (std > 0 and radius > 0):
        raise ValueError(f"std and radius must be positive, found {std} and {radius}")
    # Differences instead of |a|^2 + |b|^2 - 2 a.b, because the modes are small compared with their distance from the origin.
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


def class_coverage(classes: Int32[AnyArray, "*lead n"], count: int) -> ModeCoverage:
    """The coverage of modes that a classifier tells apart, as of Stacked MNIST: each sample belongs to the class it is given.

    Args:
      classes: `[..., N]` int, the class of each sample; leading axes (seeds, steps) are evaluated separately.
      count: the number of classes K.

    Returns:
      The `ModeCoverage`; all samples are of high quality.

    Raises:
      ValueError: if there is no sample, or a class is not from 0 to K - 1.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import modes
      >>> found = modes.class_coverage(np.array([0, 0, 2, 2]), 4)
      >>> int(found.modes), round(float(found.reverse_kl), 4)  # two of four modes, evenly: log 2
      (2, 0.6931)

    References:
      Metz et al., "Unrolled Generative Adversarial Networks" (2017), section 3.3.1, https://arxiv.org/abs/1611.02163;
      Srivastava et al., "VEEGAN" (2017), table 2, https://arxiv.org/abs/1705.07761
    """
    given = np.asarray(classes)
    if given.ndim < 1 or given.shape[-1] == 0 or given.dtype.kind not in "iu":
        raise ValueError(f"expected integer classes [..., N], at least one, found {given.dtype} of the shape {given.shape}")
    if given.min() < 0 or given.max() >= count:
        raise ValueError(f"expected classes from 0 to {count - 1}, found {given.min()} to {given.max()}")
    rows = [np.bincount(row, minlength=count) for row in given.reshape(-1, given.shape[-1])]
    counts = jnp.asarray(np.stack(rows).reshape(*given.shape[:-1], count), jnp.int32)
    return ModeCoverage(
        modes=jnp.sum(counts > 0, axis=-1, dtype=jnp.int32),
        high_quality=jnp.ones(given.shape[:-1], jnp.float32),
        reverse_kl=_kl_to_uniform(counts),
        counts=counts,
    )


def _kl_to_uniform(counts: jax.Array) -> jax.Array:
    """`sum_k q_k log(K q_k)`, where `q` is `counts` `[..., K]` normalised to sum 1; terms with q_k = 0 are 0."""
    numbers = counts.astype(jnp.float32)
    shares = numbers / jnp.sum(numbers, axis=-1, keepdims=True)
    return jnp.sum(jax.scipy.special.xlogy(shares, counts.shape[-1] * shares), axis=-1)
