"""Unsharp masking, which Real-ESRGAN applies to the images that it learns from."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.degradations.filtering import filtered
from jgan.degradations.sized import whole


def sharpened(images: jax.Array, radius: int = 50, threshold: float = 10.0, weight: float = 0.5) -> jax.Array:
    """Adds to images a part of what a Gaussian blur takes from them, where that is more than a threshold.

    Where the difference from the blurred image is larger than the threshold, a mask is 1; the mask is blurred as well, and the
    result goes from the image to the sharpened image by it.

    Args:
      images: `[B, height, width, channels]` float in [0, 1].
      radius: the side of the blur's window in pixels, raised to an odd number. The deviation is `0.15 side + 0.35`, as in OpenCV:
        8 for the default, whose side is 51.
      threshold: in grey levels of 255.
      weight: the part of the difference that is added.

    Returns:
      The same shape, in [0, 1].

    Raises:
      ValueError: if the images have another shape, or the radius is below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import sharpened
      >>> edge = jnp.repeat(jnp.array([0.25, 0.75]), 64).reshape(1, 1, 128, 1)
      >>> crisp = sharpened(edge)
      >>> bool(crisp.max() > 0.8), bool(abs(crisp - edge)[0, 0, 0, 0] < 1e-5)
      (True, True)

    References:
      `USMSharp` in BasicSR, https://github.com/XPixelGroup/BasicSR
    """
    if images.ndim != 4 or radius < 1:
        raise ValueError(
            f"expected images [B, height, width, channels] and a radius of at least 1, found {images.shape} and {radius}"
        )
    side = radius + 1 - radius % 2
    line = np.exp(-0.5 * np.square((np.arange(side) - side // 2) / (0.15 * side + 0.35)))
    kernel = jnp.asarray(np.outer(line, line) / line.sum() ** 2, jnp.float32)
    blurred = jax.vmap(lambda image: filtered(whole(image), kernel).pixels)
    residual = images - blurred(images)
    mask = blurred((255 * jnp.abs(residual) > threshold).astype(images.dtype))
    return images + mask * (jnp.clip(images + weight * residual, 0.0, 1.0) - images)
