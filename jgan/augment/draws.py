"""ADA's random parameters of one image: which transformations are applied, and with which values.

Each function draws the Bernoulli variables of all its transformations in one call, and their values in another, because every
random draw adds to compile time.

References:
  Karras et al., "Training Generative Adversarial Networks with Limited Data" (2020), appendix B,
  https://arxiv.org/abs/2006.06676
"""

import math

import jax
import jax.numpy as jnp

from jgan.augment.affine import Geometry
from jgan.augment.colour import Colour
from jgan.types import Key


def draw_blit(key: Key, p: jax.Array | float, height: int, width: int) -> Geometry:
    """Draws one image's pixel blitting: horizontal flip, quarter turns, and integer translation by at most 1/8.

    Args:
      key: the key of this image's blitting.
      p: the probability of each of the three.
      height: the height of the image, in pixels.
      width: the width of the image, in pixels.

    Returns:
      The `Geometry`, with only `flip`, `turns` and `shift` set. If applied, the flip is 0 or 1 and the turns are 0 to 3, all
      equally likely, and the shift is U(-1/8, 1/8) of the width and of the height, rounded to pixels.

    Example:
      >>> import jax
      >>> from jgan.augment.draws import draw_blit
      >>> print(draw_blit(jax.random.key(0), 0.0, 16, 16).shift)
      [0. 0.]

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    coin, u = jnp.split(jax.random.uniform(key, (7,)), [3])
    side = jnp.array([width, height], jnp.float32)
    return Geometry(
        flip=jnp.where(coin[0] < p, jnp.floor(2 * u[0]), 0.0),
        turns=jnp.where(coin[1] < p, jnp.floor(4 * u[1]).astype(jnp.int32), 0),
        shift=jnp.where(coin[2] < p, jnp.round(side * (u[2:] - 0.5) / 4), 0.0),
    )


def draw_geometry(key: Key, p: jax.Array | float, height: int, width: int) -> Geometry:
    """Draws one image's general geometric transformations: scale, rotation, stretch, rotation, fractional translation.

    Args:
      key: the key of this image's geometry.
      p: the probability of each; for the rotations, the probability that at least one of the two is applied.
      height: the height of the image, in pixels.
      width: the width of the image, in pixels.

    Returns:
      The `Geometry`, without `flip`, `turns` and `shift`. The scale and the stretch are 2^N(0, 0.2^2), the angles U(-pi, pi),
      and the drift is N(0, 0.125^2) of the width and of the height.

    Example:
      >>> import jax
      >>> from jgan.augment.draws import draw_geometry
      >>> print(draw_geometry(jax.random.key(0), 0.0, 16, 16).scale)
      1.0

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    coin_key, normal_key, angle_key = jax.random.split(key, 3)
    p_rotation = 1.0 - jnp.sqrt(1.0 - p)  # for each of two rotations: P(neither) = 1 - p
    made = jax.random.bernoulli(coin_key, jnp.array([p, p_rotation, p, p_rotation, p]))
    normal = jax.random.normal(normal_key, (4,))
    before, after = jax.random.uniform(angle_key, (2,), minval=-math.pi, maxval=math.pi)
    side = jnp.array([width, height], jnp.float32)
    return Geometry(
        scale=jnp.where(made[0], jnp.exp2(0.2 * normal[0]), 1.0),
        before=jnp.where(made[1], before, 0.0),
        stretch=jnp.where(made[2], jnp.exp2(0.2 * normal[1]), 1.0),
        after=jnp.where(made[3], after, 0.0),
        drift=jnp.where(made[4], 0.125 * side * normal[2:], 0.0),
    )


def draw_colour(key: Key, p: jax.Array | float) -> Colour:
    """Draws one image's colour transformations.

    Args:
      key: the key of this image's colours.
      p: the probability of each of the five.

    Returns:
      The `Colour`: brightness N(0, 0.2^2), contrast 2^N(0, 0.5^2), luma flip with probability 1/2, hue U(-pi, pi),
      saturation 2^N(0, 1^2).

    Example:
      >>> import jax
      >>> from jgan.augment.draws import draw_colour
      >>> print(draw_colour(jax.random.key(0), 0.0).contrast)
      1.0

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    coin_key, normal_key, uniform_key = jax.random.split(key, 3)
    made = jax.random.bernoulli(coin_key, p, (5,))
    normal, u = jax.random.normal(normal_key, (3,)), jax.random.uniform(uniform_key, (2,))
    return Colour(
        brightness=jnp.where(made[0], 0.2 * normal[0], 0.0),
        contrast=jnp.where(made[1], jnp.exp2(0.5 * normal[1]), 1.0),
        flip=jnp.where(made[2], jnp.floor(2 * u[0]), 0.0),
        hue=jnp.where(made[3], math.pi * (2 * u[1] - 1), 0.0),
        saturation=jnp.where(made[4], jnp.exp2(normal[2]), 1.0),
    )


def draw_amplitudes(key: Key, p: jax.Array | float) -> jax.Array:
    """Draws one image's amplification of the four frequency bands.

    Args:
      key: the key of this image's filter.
      p: the probability of each of the four.

    Returns:
      `[4]` float32, 2^N(0, 1^2): see `jgan.augment.filtering.band_gains`.

    Example:
      >>> import jax
      >>> from jgan.augment.draws import draw_amplitudes
      >>> print(draw_amplitudes(jax.random.key(0), 0.0))
      [1. 1. 1. 1.]

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    coin_key, value_key = jax.random.split(key)
    return jnp.where(jax.random.bernoulli(coin_key, p, (4,)), jnp.exp2(jax.random.normal(value_key, (4,))), 1.0)
