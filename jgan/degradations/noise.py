"""Noise on one image, made from standard normal numbers: Gaussian and Poisson, of each channel or the same on all."""

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr

from jgan.degradations.colour import grey, rounded
from jgan.degradations.sized import Sized, inside

SMALL_MEAN = 8.0
"""The mean below which Poisson numbers are found by adding up probabilities."""
_TERMS = 32  # P(Poisson(8) >= 32) = 1e-10


def gaussian(normal: jax.Array, image: Sized, sigma: jax.Array | float, in_grey: jax.Array | bool) -> Sized:
    """Adds Gaussian noise and clips.

    Args:
      normal: float32 of the shape of the image's buffer, N(0, 1).
      image: the image.
      sigma: its standard deviation, in grey levels of 255.
      in_grey: whether all channels have the same noise.

    Returns:
      The noisy image in [0, 1].

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import noise, sized
      >>> flat = sized.whole(jnp.full((64, 64, 3), 0.5))
      >>> found = noise.gaussian(jax.random.normal(jax.random.key(0), (64, 64, 3)), flat, 10.0, False).pixels
      >>> bool(abs(255 * found.std() - 10) < 0.3), found.shape
      (True, (64, 64, 3))
    """
    normal = jnp.where(in_grey, normal[..., :1], normal)
    return image._replace(pixels=jnp.clip(image.pixels + sigma / 255 * normal, 0.0, 1.0))


def poisson(normal: jax.Array, image: Sized, scale: jax.Array | float, in_grey: jax.Array | bool) -> Sized:
    """Adds the noise of counting light, multiplied by a factor, and clips.

    White counts `2^k` quanta, the smallest power of 2 that is not below the number of different grey levels in the image. In
    grey, the noise is that of the grey version of the image.

    Args:
      normal: float32 of the shape of the image's buffer, N(0, 1), from which `poisson_numbers` makes the counts.
      image: the image.
      scale: the factor on the noise.
      in_grey: whether all channels have the same noise.

    Returns:
      The noisy image in [0, 1].

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import noise, sized
      >>> flat = sized.whole(jnp.full((64, 64, 1), 0.8))  # one grey level: one quantum is white
      >>> found = noise.poisson(jax.random.normal(jax.random.key(0), (64, 64, 1)), flat, 1.0, False)
      >>> sorted(set(found.pixels.ravel().round(3).tolist()))
      [0.0, 1.0]

    References:
      `random_generate_poisson_noise_pt` in BasicSR, https://github.com/XPixelGroup/BasicSR
    """
    normal = jnp.where(in_grey, normal[..., :1], normal)
    clean = rounded(image.pixels)
    clean = jnp.where(in_grey, rounded(grey(clean)), clean)
    quanta = jnp.exp2(jnp.ceil(jnp.log2(_levels(image._replace(pixels=clean)))))
    counted = poisson_numbers(normal, clean * quanta) / quanta
    return image._replace(pixels=jnp.clip(image.pixels + scale * (counted - clean), 0.0, 1.0))


def poisson_numbers(normal: jax.Array, mean: jax.Array) -> jax.Array:
    """Poisson numbers as a function of standard normal ones: the quantile at the same probability.

    For small means it compares with the distribution function. For others it rounds an asymptotic series of the quantile, which
    is off by 1 in fewer than 1 of 1,000 draws. `jax.random.poisson` is exact, but its loop waits for the slowest pixel of a
    batch and takes many times as long.

    Args:
      normal: float32 of any shape, N(0, 1).
      mean: the same shape, at least 0.

    Returns:
      float32 of the same shape, whole numbers.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import noise
      >>> noise.poisson_numbers(jnp.array([-1.0, 0.0, 1.0, 1.0]), jnp.array([4.0, 4.0, 100.0, 0.0])).tolist()
      [2.0, 4.0, 110.0, 0.0]

    References:
      Giles, "Algorithm 955: Approximation of the Inverse Poisson Cumulative Distribution Function" (2016)
    """
    few = jnp.minimum(mean, SMALL_MEAN)
    u = jnp.minimum(ndtr(normal), 1 - 1e-7)
    probability = jnp.exp(-few)
    cumulative, small = probability, jnp.zeros_like(mean)
    for k in range(1, _TERMS):
        small = small + (u > cumulative).astype(jnp.float32)
        probability = probability * few / k
        cumulative = cumulative + probability
    many, w = jnp.maximum(mean, SMALL_MEAN), normal
    root = jnp.sqrt(many)
    series = many + root * w + (1 / 3 + w**2 / 6) - (w / 36 + w**3 / 72) / root
    series = series + (-8 / 405 + 7 * w**2 / 810 + w**4 / 270) / many
    return jnp.where(mean < SMALL_MEAN, small, jnp.maximum(jnp.floor(series), 0.0))


def _levels(image: Sized) -> jax.Array:
    """The number of different grey levels in an image of 8 bits, over all its channels."""
    levels = jnp.round(255 * image.pixels).astype(jnp.int32)
    levels = jnp.where(inside(image), levels, 256)
    return jnp.sum(jnp.zeros(257, bool).at[levels.ravel()].set(True)[:256]).astype(jnp.float32)
