"""Gram matrices of feature maps, whose distance is that of the style of two images."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Float


def gram(maps: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b c c"]:
    """The inner products of the channels of feature maps, divided by the number of their values.

    Args:
      maps: `[B, h, w, c]` float.

    Returns:
      `[B, c, c]`, the sums over the pixels divided by `c h w`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.losses import grams
      >>> grams.gram(jnp.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2))[0].tolist()
      [[2.5, 3.5], [3.5, 5.0]]

    References:
      Gatys et al., "Image Style Transfer Using Convolutional Neural Networks" (2016), section 2.2, here normalised as in
      Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution" (2016), equation 3,
      https://arxiv.org/abs/1603.08155
    """
    b, h, w, c = maps.shape
    flat = maps.reshape(b, h * w, c)
    return jnp.einsum("bpi,bpj->bij", flat, flat) / (c * h * w)


def distance(fake: Sequence[jax.Array], real: Sequence[jax.Array], weights: Sequence[float]) -> jax.Array:
    """The weighted sum of the mean absolute differences of Gram matrices.

    Args:
      fake: maps `[B, h, w, c]`, one for each layer.
      real: those of the images to be like.
      weights: the weight of each layer; a layer of weight 0 costs nothing.

    Returns:
      A scalar.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.losses import grams
      >>> maps = jnp.ones((2, 3, 3, 4))
      >>> float(grams.distance([2 * maps], [maps], [0.5]))
      0.375
    """
    total = jnp.zeros(())
    for ours, theirs, weight in zip(fake, real, weights, strict=True):
        if weight:
            total = total + weight * jnp.mean(jnp.abs(gram(ours) - gram(theirs)))
    return total
