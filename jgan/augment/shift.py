"""Shifts of whole batches by a few pixels, so that strided networks judge all pixels alike.

The gradient of a network with strides depends on where a pixel lies in the stride: averaged over images it is a pattern that
repeats with the stride. A generator that enlarges by the same factor, trained on crops that begin at whole small pixels, can
learn this pattern, and its images have a visible grid. After a random shift the average pattern is flat.
"""

import jax
import jax.numpy as jnp

from jgan.types import Augmentation, Key


def shifted(key: Key, images: jax.Array, below: int) -> jax.Array:
    """Shifts all images of a batch by the same random number of whole pixels down, and another to the right.

    Args:
      key: the PRNG key; equal keys give equal shifts, also of batches of different sizes.
      images: `[B, height, width, channels]`.
      below: the shifts are uniform from 0 to `below - 1`; from 1 to the sides of the images.

    Returns:
      Images of the same shape; what comes in at the upper and the left edge is their reflection.

    Raises:
      ValueError: if `below` does not fit the images, or they have not four axes.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> augment.shifted(jax.random.key(0), jnp.zeros((2, 16, 16, 3)), 4).shape
      (2, 16, 16, 3)
    """
    if images.ndim != 4:
        raise ValueError(f"images must have the shape [B, height, width, channels], found {images.shape}")
    if not 1 <= below <= min(images.shape[1:3]):
        raise ValueError(f"below must be from 1 to the sides of the images, {images.shape[1:3]}, found {below}")
    margin = below - 1
    padded = jnp.pad(images, ((0, 0), (margin, 0), (margin, 0), (0, 0)), mode="reflect")
    down, right = jax.random.randint(key, (2,), 0, below)
    return jax.lax.dynamic_slice(padded, (0, margin - down, margin - right, 0), images.shape)


def shift(below: int) -> Augmentation:
    """`shifted`, for a game's `augment` option.

    Args:
      below: as for `shifted`.

    Returns:
      The `Augmentation`, without memory.

    Raises:
      ValueError: when applied, as `shifted`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> augmentation = augment.shift(4)
      >>> augmentation.apply(jax.random.key(0), augmentation.init(), jnp.zeros((2, 16, 16, 3)), None).shape
      (2, 16, 16, 3)
    """

    def apply(key: Key, memory: tuple, images: jax.Array, axis_name: str | None) -> jax.Array:
        return shifted(key, images, below)

    return Augmentation(init=lambda: (), apply=apply, update=lambda memory, real_logits, axis_name: memory)
