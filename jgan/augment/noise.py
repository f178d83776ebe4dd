"""Instance noise: Gaussian noise on both real and fake examples."""

import jax

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
