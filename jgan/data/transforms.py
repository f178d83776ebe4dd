"""Transforms of image batches: pure functions, applied on the device by a model.

The CIFAR-10 models of the 2014 paper are trained on images after global contrast normalisation: from every image its mean over
pixels and channels is subtracted, and the result is scaled to the Euclidean norm 55, which gives 32x32x3 images a standard
deviation of 55 / sqrt(3072) = 0.992. This removes brightness and contrast, so the images of such a generator have neither.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Float


def global_contrast_normalize(
    x: Float[jax.Array, " b *shape"], *, scale: float = 55.0, min_norm: float = 1e-3
) -> Float[jax.Array, " b *shape"]:
    """Subtracts its mean from each image, and scales it to the Euclidean norm `scale`.

    An 8-bit image of d values that is not constant has a norm above 0.0039 x sqrt((d - 1) / d). The mean of a constant image is
    rounded in float32, and a division would amplify the rounding error. So images with a norm below `min_norm` are not divided,
    and constant images become zeros up to rounding, as in pylearn2, whose threshold is for pixels in 0 ... 255.

    Args:
      x: `[B, ...]` float, images in [0, 1].
      scale: the norm of each resulting image.
      min_norm: images whose norm, after the mean is subtracted, is below this are not scaled.

    Returns:
      The shape and dtype of `x`; each image has mean 0 and norm `scale`.

    Raises:
      ValueError: if `x` is not float, or has only a batch axis.

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
    centred = centred - jnp.mean(centred, axis=axes, keepdims=True)  # removes the rounding error of the first mean
    squared = jnp.sum(jnp.square(centred), axis=axes, keepdims=True)
    divides = squared >= min_norm**2
    # Where the root is not used, its argument is set to 1: the gradient at 0 is infinite, and infinity times 0 is NaN.
    divisor = jnp.where(divides, jnp.sqrt(jnp.where(divides, squared, 1)) / scale, 1)
    return centred / divisor


def contrast_to_unit(
    x: Float[jax.Array, " b *shape"], *, scale: float = 55.0, brightness: float = 0.5, contrast: float = 0.25
) -> Float[jax.Array, " b *shape"]:
    """Maps contrast-normalised images to a given brightness and contrast, for display.

    This is the inverse of `global_contrast_normalize` for images of this brightness and contrast. Values beyond black and
    white are clipped.

    Args:
      x: `[B, ...]` float, images of mean 0 and norm about `scale`.
      scale: their norm.
      brightness: the mean of each resulting image, before clipping.
      contrast: the standard deviation over pixels and channels, before clipping.

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
