"""Pure transforms of image batches, which a model applies on the device.

The CIFAR-10 models of the 2014 paper see images under global contrast normalisation: every image is centred by its own mean
over pixels and channels and brought to one Euclidean norm, 55, which leaves 32x32x3 images with a standard deviation of
55 / sqrt(3072) = 0.992. Brightness and contrast are lost by it, so what such a generator makes has none until it is given some.
"""

import math

import jax
import jax.numpy as jnp


def global_contrast_normalize(x: jax.Array, *, scale: float = 55.0, min_norm: float = 1e-3) -> jax.Array:
    """Subtracts from each image its own mean, and divides it by its Euclidean norm over `scale`.

    An 8-bit image that is not constant has a norm above 0.0039 x sqrt((d - 1) / d), d the number of its values; the mean of a
    constant one is inexact in float32, and dividing would blow that rounding up. So norms below `min_norm` do not divide,
    and constant images give zeros to rounding, as in pylearn2, whose floor is meant for pixels in 0 ... 255.

    Args:
      x: `[B, ...]` float, images in [0, 1].
      scale: the norm of every image of the result.
      min_norm: images whose centred norm is below this are centred only.

    Returns:
      The shape and dtype of `x`; each image has mean 0 and norm `scale`.

    Raises:
      ValueError: if `x` is not float or has no axis but the batch's.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.data import transforms
      >>> x = jnp.array([[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]])
      >>> print(transforms.global_contrast_normalize(x, scale=2))
      [[-1. -1.  1.  1.]
       [ 0.  0.  0.  0.]]

    References:
      Goodfellow et al., "Pylearn2: a machine learning research library" (2013), https://arxiv.org/abs/1308.4214: its
      `global_contrast_normalize`, which the authors' CIFAR-10 configurations call with `gcn: 55`.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating) or x.ndim < 2:
        raise ValueError(f"expected float images in [0, 1] of the shape [batch, ...], found {x.dtype} {x.shape}")
    axes = tuple(range(1, x.ndim))
    centred = x - jnp.mean(x, axis=axes, keepdims=True)
    centred = centred - jnp.mean(centred, axis=axes, keepdims=True)  # a long float32 sum is off in its fifth digit
    squared = jnp.sum(jnp.square(centred), axis=axes, keepdims=True)
    divides = squared >= min_norm**2
    # The root is taken of a safe number where it is not used: its gradient at 0 is infinite.
    divisor = jnp.where(divides, jnp.sqrt(jnp.where(divides, squared, 1)) / scale, 1)
    return centred / divisor


def contrast_to_unit(x: jax.Array, *, scale: float = 55.0, brightness: float = 0.5, contrast: float = 0.25) -> jax.Array:
    """Gives contrast-normalised images a brightness and a contrast, so that they can be looked at.

    The inverse of `global_contrast_normalize` for images of just this brightness and contrast; the values beyond black and
    white are clipped.

    Args:
      x: `[B, ...]` float, images of mean 0 and norm about `scale`.
      scale: the norm that they were brought to.
      brightness: the mean of an image of the result, before clipping.
      contrast: its standard deviation over pixels and channels, before clipping.

    Returns:
      The shape and dtype of `x`, in [0, 1].

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.data import transforms
      >>> print(transforms.contrast_to_unit(jnp.array([[-1.0, -1.0, 1.0, 1.0]]), scale=2))
      [[0.25 0.25 0.75 0.75]]
    """
    size = math.prod(x.shape[1:])
    return jnp.clip(brightness + x * (contrast * math.sqrt(size) / scale), 0, 1)
