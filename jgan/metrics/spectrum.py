"""The power spectrum of images, averaged over directions: what a generator's upsampling leaves in the high frequencies.

With F the discrete Fourier transform of an image of H by W pixels, the power at a frequency is |F|^2 / (H W): its mean over all
frequencies is the mean square of the pixels (Parseval), and white noise has its variance at each.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics import checks
from jgan.metrics.parzen import Images


class RadialPower(NamedTuple):
    """The power of images at rising frequencies.

    Attributes:
      frequency: `[R]` float64, cycles a pixel, the middles of rings: from 0, the mean of the image, past 0.5, the finest
        stripes, to 0.71, the corner of the spectrum: a chequerboard.
      power: `[R]` float64, the mean over a ring, over images and channels; the square of a pixel's unit, white being 1.
      counts: `[R]` int64, the frequencies in each ring: `sum(power counts) / sum(counts)` is the mean square of the pixels.
    """

    frequency: np.ndarray
    power: np.ndarray
    counts: np.ndarray


def radial_power(images: Images, *, batch: int = 256) -> RadialPower:
    """The azimuthally averaged power spectrum of a set of images.

    No window is applied: what jumps from one edge to the opposite one adds its share, alike for real and for generated images.

    Args:
      images: `[N, H, W, C]` uint8, or float in [0, 1]; at least one.
      batch: images at once; it does not change the result.

    Returns:
      The `RadialPower`, in rings as wide as the steps of frequency along the longer side.

    Raises:
      ValueError: if the shape is another, there is no image, or a value is out of range.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import spectrum
      >>> stripes = np.tile([0.0, 1.0], 8)[None, None, :, None] * np.ones((1, 16, 1, 1))  # two pixels a cycle
      >>> found = spectrum.radial_power(stripes)
      >>> found.frequency[found.power > 1e-6].tolist()
      [0.0, 0.5]

    References:
      Durall et al., "Watch your up-convolution: CNN based generative deep neural networks are failing to reproduce spectral
      distributions" (2020), section 3, https://arxiv.org/abs/2003.01826
    """
    images = checks.images("images", images)
    n, height, width = images.shape[:3]
    total = np.zeros((height, width))
    for first in range(0, n, batch):
        total += np.asarray(_power(images[first : first + batch]), np.float64)
    ring = _rings(height, width).ravel()
    counts = np.bincount(ring)
    power = np.bincount(ring, weights=(total / n).ravel())
    there = counts > 0
    return RadialPower(np.flatnonzero(there) / max(height, width), power[there] / counts[there], counts[there])


@jax.jit
def _power(images: jax.Array) -> jax.Array:
    """`[H, W]`: the sum over images, and the mean over channels, of the power at each frequency."""
    white = 255.0 if images.dtype == jnp.uint8 else 1.0
    transformed = jnp.fft.fft2(images.astype(jnp.float32) / white, axes=(1, 2), norm="ortho")
    return jnp.sum(jnp.mean(jnp.square(transformed.real) + jnp.square(transformed.imag), axis=3), axis=0)


def _rings(height: int, width: int) -> np.ndarray:
    """`[H, W]` the number of the ring of each frequency: its distance from 0 in steps, rounded."""
    distance = np.hypot(*np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij"))
    return np.rint(distance * max(height, width)).astype(np.int64)
