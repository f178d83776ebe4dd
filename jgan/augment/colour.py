"""ADA's colour transformations: five transformations of an image's pixels as one 4x4 matrix."""

import math
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.augment import operations

LUMA = np.full(3, 1 / math.sqrt(3), np.float32)
"""The grey axis, of unit length."""

# Projection on the grey axis, and the cross product with it: v v^T, and [v]_x w = v x w.
GREY = np.full((3, 3), 1 / 3, np.float32)
TURN = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.float32(math.sqrt(3))
EYE = np.eye(3, dtype=np.float32)


class Colour(NamedTuple):
    """The parameters of one image's colour transformations, in the order in which they act; the defaults change nothing.

    Attributes:
      brightness: the offset of every channel, for a range [-1, 1].
      contrast: the factor on the distance from mid grey, above 0.
      flip: 1.0 to reflect luma (white becomes black, hues are kept), else 0.0.
      hue: the angle of the rotation about the grey axis, in radians.
      saturation: the factor on the distance from the grey axis, above 0.
    """

    brightness: Any = 0.0
    contrast: Any = 1.0
    flip: Any = 0.0
    hue: Any = 0.0
    saturation: Any = 1.0


def _homogeneous(linear: Any, offset: Any = 0.0) -> jax.Array:
    return jnp.zeros((4, 4)).at[:3, :3].set(linear).at[:3, 3].set(offset).at[3, 3].set(1.0)


def colour_matrix(colour: Colour) -> jax.Array:
    """All five transformations as one matrix on colours in [-1, 1].

    Args:
      colour: the parameters of one image.

    Returns:
      `[4, 4]` float32, on homogeneous `(red, green, blue, 1)`.

    Example:
      >>> from jgan.augment import colour
      >>> print(colour.colour_matrix(colour.Colour(brightness=0.25, contrast=2.0)))  # brightness first
      [[2.  0.  0.  0.5]
       [0.  2.  0.  0.5]
       [0.  0.  2.  0.5]
       [0.  0.  0.  1. ]]

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    c = colour
    cosine, sine = jnp.cos(c.hue), jnp.sin(c.hue)
    factors = (
        _homogeneous(c.saturation * EYE + (1.0 - c.saturation) * GREY),
        _homogeneous(cosine * EYE + (1.0 - cosine) * GREY + sine * TURN),  # Rodrigues' formula
        _homogeneous(EYE - 2.0 * c.flip * GREY),  # Householder's
        _homogeneous(c.contrast * EYE),
        _homogeneous(EYE, c.brightness),
    )
    return reduce(lambda a, b: jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST), factors)


def recolour(image: jax.Array, matrix: jax.Array, *, low: float = 0.0, high: float = 1.0) -> jax.Array:
    """Applies a colour matrix to every pixel.

    A grey image is treated as RGB with three equal channels, whose results are averaged: hue and saturation leave it unchanged.

    Args:
      image: `[height, width, channels]` float, of 1 or 3 channels.
      matrix: `[4, 4]` float, on colours in [-1, 1]: see `colour_matrix`.
      low: the value of black.
      high: the value of white.

    Returns:
      The same shape, not clipped.

    Raises:
      ValueError: if the image has neither 1 nor 3 channels, or `low` is not below `high`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import colour
      >>> negative = colour.colour_matrix(colour.Colour(flip=1.0))
      >>> image = jnp.array([[[0.0], [0.25], [0.75]]])
      >>> print(jnp.round(colour.recolour(image, negative), 4)[0, :, 0])
      [1.   0.75 0.25]
    """
    middle, half = operations.middle_and_half(low, high)
    # With x = middle + half u, the map u -> M u + t is x -> M x + half t + middle (1 - M 1).
    linear = matrix[:3, :3]
    offset = half * matrix[:3, 3] + middle * (1.0 - jnp.sum(linear, axis=1))
    channels = image.shape[-1]
    if channels == 3:
        return jnp.matmul(image, linear.T, precision=jax.lax.Precision.HIGHEST) + offset[None, None]
    if channels == 1:
        return jnp.sum(linear) / 3 * image + jnp.mean(offset)
    raise ValueError(f"colour transformations need images of 1 or 3 channels, found {channels}")
