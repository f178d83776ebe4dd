"""Noise on examples: Gaussian on real and fake ones alike; that which makes 8-bit images continuous, on real ones."""

import jax
from jaxtyping import Float

from jgan import rng
from jgan.types import Augmentation, Key, PyTree


def instance_noise(deviation: float) -> Augmentation:
    """Adds N(0, deviation^2) to every coordinate of the discriminator's inputs.

    Args:
      deviation: the standard deviation, in units of the data.

    Returns:
      The `Augmentation`, for examples of any shape and without memory.

    Raises:
      ValueError: if `deviation` is negative.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.augment import instance_noise
      >>> noise = instance_noise(0.1)
      >>> noise.apply(jax.random.key(0), noise.init(), jnp.zeros((2, 3)), None).shape
      (2, 3)

    References:
      Sønderby et al., "Amortised MAP Inference for Image Super-resolution" (2017), section 3.2,
      https://arxiv.org/abs/1610.04490
    """
    if deviation < 0:
        raise ValueError(f"a standard deviation must not be negative, found {deviation}")

    def apply(key: Key, memory: PyTree, examples: jax.Array, axis_name: str | None) -> jax.Array:
        draw = lambda key: jax.random.normal(key, examples.shape[1:])  # noqa: E731
        return examples + deviation * rng.one_each(key, len(examples), draw, axis_name)

    return Augmentation(tuple, apply, lambda memory, real_logits, axis_name: memory)


def dequantised(key: Key, x: Float[jax.Array, " n *shape"], axis_name: str | None = None) -> Float[jax.Array, " n *shape"]:
    """8-bit images with uniform noise in place of the grey levels' rounding: `(255 x + u) / 256`, u in U(0, 1).

    In images in [-1, 1] that is `level / 128 - 1 + U(0, 1/128)`, as WGAN-GP's, SN-GAN's and later code has it.

    Args:
      key: the key of the whole batch.
      x: `[n, ...]` float in [0, 1], the grey levels divided by 255.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `[n, ...]` in [0, 1), of the dtype of `x`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.augment import dequantised
      >>> levels = jnp.array([0.0, 7.0, 255.0]).reshape(3, 1)
      >>> jnp.floor(256 * dequantised(jax.random.key(0), levels / 255)).ravel().tolist()
      [0.0, 7.0, 255.0]

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), the authors' code,
      https://github.com/igul222/improved_wgan_training
    """
    noise = rng.one_each(key, len(x), lambda key: jax.random.uniform(key, x.shape[1:], x.dtype), axis_name)
    return (255 * x + noise) / 256
