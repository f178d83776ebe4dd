"""A filter of one image by its own kernel."""

import jax
import jax.numpy as jnp
from scipy.fft import next_fast_len

from jgan.degradations.sized import Sized, reflected


def filtered(image: Sized, kernel: jax.Array) -> Sized:
    """Correlates every channel of an image with a kernel, with reflect padding at its true border.

    It multiplies Fourier transforms: a kernel of 21x21 for each image of a batch costs 441 products for a pixel otherwise.

    Args:
      image: the image.
      kernel: `[side, side]` float, of odd side.

    Returns:
      The filtered image, of the same size, not clipped.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import filtering, sized
      >>> step = sized.whole(jnp.array([0.0, 0.0, 1.0, 1.0]).reshape(1, 4, 1))
      >>> filtering.filtered(step, jnp.full((3, 3), 1 / 9)).pixels.ravel().round(3).tolist()
      [0.0, 0.3330000042915344, 0.6669999957084656, 1.0]
    """
    height, width, _ = image.pixels.shape
    padded = jnp.moveaxis(reflected(image, kernel.shape[0] // 2), -1, 0)
    lengths = tuple(next_fast_len(length, real=True) for length in padded.shape[1:])
    product = jnp.fft.rfft2(padded, s=lengths) * jnp.conj(jnp.fft.rfft2(kernel, s=lengths))[None]
    return Sized(jnp.moveaxis(jnp.fft.irfft2(product, s=lengths)[:, :height, :width], 0, -1), image.size)
