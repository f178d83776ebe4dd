"""ADA's controller: it sets the strength of augmentation from the discriminator's logits on real images.

`r_t = E[sign(D(real))]` is a heuristic for overfitting: 0 for none, 1 if the discriminator calls all training images real. The
controller raises the probability of augmentation p while r_t is above its target, and lowers it while r_t is below.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Memory(NamedTuple):
    """The controller's state between updates; arrays only.

    Attributes:
      p: float32 scalar, the probability of each augmentation.
      signs: float32 scalar, the sum of the signs of the real images' logits since the last adjustment of p.
      images: float32 scalar, the number of these images.
      updates: int32 scalar, the number of discriminator updates since the last adjustment of p.
    """

    p: jax.Array
    signs: jax.Array
    images: jax.Array
    updates: jax.Array


def start(p: float = 0.0) -> Memory:
    """The initial state.

    Args:
      p: the initial probability of augmentation, 0 in the paper.

    Returns:
      The `Memory`.

    Raises:
      ValueError: if `p` is not in [0, 1].

    Example:
      >>> from jgan.augment import controller
      >>> print(controller.start(0.25).p)
      0.25
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, in [0, 1], found {p}")
    return Memory(jnp.float32(p), jnp.float32(0), jnp.float32(0), jnp.int32(0))


def update(
    memory: Memory,
    real_logits: jax.Array,
    *,
    target: float = 0.6,
    images_to_full: float = 500_000,
    interval: int = 4,
    boundary: float = 0.0,
    axis_name: str | None = None,
) -> Memory:
    """Adds one minibatch to the statistics; at every `interval`-th update, adjusts p and resets the statistics.

    `p += sign(r_t - target) images / images_to_full`, clipped to [0, 1], where r_t is the mean sign over the `images` since the
    last adjustment of p.

    Args:
      memory: the controller's state.
      real_logits: `[B]` float, the discriminator's logits on this device's (augmented) real images.
      target: the target of r_t.
      images_to_full: the number of images in which p can go from 0 to 1.
      interval: the number of discriminator updates between adjustments of p.
      boundary: the logit between real and fake: `jgan.losses.Loss.boundary`.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The new `Memory`, the same on every device.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import controller
      >>> memory = controller.start()
      >>> for _ in range(8):  # two adjustments upwards of 4 x 100 images: every image is called real
      ...     memory = controller.update(memory, jnp.ones(100))
      >>> print(round(float(memory.p), 6))
      0.0016

    References:
      Karras et al. (2020), section 3, https://arxiv.org/abs/2006.06676
    """
    signs = jnp.sum(jnp.sign(real_logits.astype(jnp.float32) - boundary))
    images = jnp.float32(real_logits.size)
    if axis_name is not None:
        signs, images = jax.lax.psum((signs, images), axis_name)
    signs, images, updates = memory.signs + signs, memory.images + images, memory.updates + 1
    moved = jnp.clip(memory.p + jnp.sign(signs / images - target) * images / images_to_full, 0.0, 1.0)
    due = updates >= interval
    return Memory(
        p=jnp.where(due, moved, memory.p),
        signs=jnp.where(due, 0.0, signs),
        images=jnp.where(due, 0.0, images),
        updates=jnp.where(due, 0, updates),
    )
