"""The azimuthally averaged power spectrum of images, which shows the high-frequency artefacts of a generator's upsampling.

With F the discrete Fourier transform of an image of H by W pixels, the power at a frequency is |F|^2 / (H W). Its mean over all
frequencies is the mean square of the pixels (Parseval); for white noise it equals the variance at every frequency.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float64, Int64, Real

from jgan.metrics import checks
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray


class RadialPower(NamedTuple):
    """The power of images as a function of frequency.

    Attributes:
      frequency: `[R]` float64, the centres of the rings, in cycles per pixel: from 0 (the mean of the image) through 0.5 (the
        finest stripes) to 0.71 (the corner of the spectrum, a chequerboard).
      power: `[R]` float64, the mean over a ring, over images and channels; in squared units of a pixel, with white as 1.
      counts: `[R]` int64, the number of frequencies per ring: `sum(power counts) / sum(counts)` is the pixels' mean square.
    """

    frequency: Float64[np.ndarray, " r"]
    power: Float64[np.ndarray, " r"]
    counts: Int64[np.ndarray, " r"]


def radial_power(images: Real[AnyArray, "n h w c"], *, batch: int = 256) -> RadialPower:
    """The azimuthally averaged power spectrum of a set of images.

    No window is applied: the jump between opposite edges adds power, for real and for generated images alike.

    Args:
      images: `[N, H, W, C]` uint8, or float in [0, 1]; at least one.
      batch: the number of images processed at once; it does not change the result.

    Returns:
      The `RadialPower`, with rings one frequency step of the longer side wide.

    Raises:
      ValueError: if the shape is wrong, there is no image, or a value is out of range.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import spectrum
      >>> stripes = np.tile([0.0, 1.0], 8)[None, None, :, None] * np.ones((1, 16, 1, 1))  # two pixels per cycle
      >>> found = spectrum.radial_power(stripes)
      >>> found.frequency[found.power > 1e-6].tolist()
      [0.0, 0.5]

    References:
      Durall et al., "Watch your up-convolution: CNN based generative deep neural networks are failing to reproduce spectral
      distributions" (2020), section 3, https://arxiv.org/abs/2003.01826
    """
    images = checks.images("images", images)
    batch = whole("batch", batch, 1)
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
    """`[H, W]`: the power at each frequency, summed over images and averaged over channels."""
    white = 255.0 if images.dtype == jnp.uint8 else 1.0
    transformed = jnp.fft.fft2(images.astype(jnp.float32) / white, axes=(1, 2), norm="ortho")
    return jnp.sum(jnp.mean(jnp.square(transformed.real) + jnp.square(transformed.imag), axis=3), axis=0)


def _rings(height: int, width: int) -> np.ndarray:
    """`[H, W]` the ring of each frequency: its distance from 0 in frequency steps, rounded."""
    distance = np.hypot(*np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij"))
    return np.rint(distance * max(height, width)).astype(np.int64)
