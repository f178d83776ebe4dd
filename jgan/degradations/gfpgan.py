"""GFP-GAN's degradation of faces: blur, downsampling, noise, JPEG, back to the full size, and changes of colour."""

import dataclasses
import math

import jax
import jax.numpy as jnp

from jgan.degradations import colour
from jgan.degradations.degradation import Degradation
from jgan.degradations.resizing import resized
from jgan.degradations.sized import cropped, whole
from jgan.degradations.stages import Blur, Jpeg, RandomNoise, between
from jgan.types import Key

SIDE = 512
"""The side of the images for which the published options are made."""

SMALLEST = 16
"""The side, in pixels, to which `scaled` lets a downsampled image shrink at most."""


@dataclasses.dataclass(frozen=True)
class GFPGAN(Degradation):
    """The pipeline of GFP-GAN; its defaults are those of the published training file, for faces of 512x512.

    The published code makes the target grey too where it makes the input grey; here only the input is.

    Attributes:
      blur: the blur.
      downsample: the range of the factor by which the sides are divided.
      noise: the noise.
      jpeg: the compression.
      shift_probability: that a constant is added to each channel.
      shift: the largest absolute value of that constant, in grey levels of 255.
      jitter_probability: that brightness, contrast, saturation and hue are changed.
      brightness: the range of the factor.
      contrast: the range of the factor.
      saturation: the range of the factor.
      hue: the range of the turn, 1 for the whole circle.
      grey_probability: that the image becomes grey.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import GFPGAN
      >>> jax.eval_shape(GFPGAN(), jax.random.key(0), jnp.zeros((2, 64, 48, 3))).shape
      (2, 64, 48, 3)

    References:
      Wang et al., "Towards Real-World Blind Face Restoration with Generative Facial Prior" (2021),
      https://arxiv.org/abs/2101.04061, and the authors' code, https://github.com/TencentARC/GFPGAN
    """

    blur: Blur = Blur(sizes=(41, 41), sigma=(0.1, 10.0), kinds=(0.5, 0.5, 0.0, 0.0, 0.0, 0.0), sinc=0.0)
    downsample: tuple[float, float] = (0.8, 8.0)
    noise: RandomNoise = RandomNoise(gaussian=1.0, sigma=(0.0, 20.0), in_grey=0.0)
    jpeg: Jpeg = Jpeg(quality=(60.0, 100.0))
    shift_probability: float = 0.3
    shift: float = 20.0
    jitter_probability: float = 0.3
    brightness: tuple[float, float] = (0.5, 1.5)
    contrast: tuple[float, float] = (0.5, 1.5)
    saturation: tuple[float, float] = (0.0, 1.5)
    hue: tuple[float, float] = (-0.1, 0.1)
    grey_probability: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.downsample[0] <= self.downsample[1]:
            raise ValueError(f"expected an increasing range of factors above 0, found {self.downsample}")

    def one(self, key: Key, image: jax.Array) -> jax.Array:
        """See `Degradation`."""
        number_key, blur_key, noise_key, jpeg_key, shift_key, jitter_key = jax.random.split(key, 6)
        u, *coins = jax.random.uniform(number_key, (4,))
        full = image.shape[:2]
        found = self.blur.apply(blur_key, whole(image))
        factor = between(u, *self.downsample)
        size = jnp.maximum(jnp.floor(jnp.array(full, jnp.float32) / factor), 1).astype(jnp.int32)
        largest = tuple(max(1, math.floor(length / self.downsample[0])) for length in full)
        found = resized(found, jnp.minimum(size, jnp.array(largest)), largest, ("bilinear",))
        found = self.jpeg.apply(jpeg_key, self.noise.apply(noise_key, found))
        found = resized(found, jnp.array(full), full, ("bilinear",))
        image = cropped(found, full)
        if self.shift_probability:
            shifted = colour.shifted(shift_key, image, self.shift / 255)
            image = jnp.where(coins[0] < self.shift_probability, shifted, image)
        if self.grey_probability:
            image = jnp.where(coins[1] < self.grey_probability, colour.grey(image), image)
        if self.jitter_probability:
            amounts = self.brightness, self.contrast, self.saturation, self.hue
            image = jnp.where(coins[2] < self.jitter_probability, colour.jittered(jitter_key, image, *amounts), image)
        return colour.rounded(image)


def scaled(options: GFPGAN, factor: float) -> GFPGAN:
    """The pipeline for smaller images, so that a face is blurred as much as in the large image.

    Deviations of the blur and sides of kernels are multiplied by the factor. Downsampling is not: a small image has fewer pixels
    to lose, so it keeps at least 16 of 64. Noise and compression, which act on single pixels, stay.

    Args:
      options: the pipeline for 512x512.
      factor: the side of the images, divided by 512; at most 1.

    Returns:
      The pipeline. For 64x64: kernels of 7x7 with deviations up to 1.25, and factors of downsampling from 1 to 4.

    Raises:
      ValueError: if the factor is not above 0 and at most 1.

    Example:
      >>> from jgan.degradations import GFPGAN, gfpgan
      >>> small = gfpgan.scaled(GFPGAN(), 64 / 512)
      >>> small.blur.sizes, small.blur.sigma, small.downsample
      ((7, 7), (0.1, 1.25), (1.0, 4.0))
    """
    if not 0 < factor <= 1:
        raise ValueError(f"the images' side divided by {SIDE} must be above 0 and at most 1, found {factor}")
    if factor == 1:
        return options
    odd = lambda side: max(3, 2 * math.ceil(factor * side / 2) + 1)  # noqa: E731
    low, high = options.blur.sigma
    blur = dataclasses.replace(
        options.blur, sizes=tuple(map(odd, options.blur.sizes)), sigma=(min(low, factor * high), factor * high)
    )
    most = max(1.0, min(options.downsample[1], factor * SIDE / SMALLEST))
    return dataclasses.replace(options, blur=blur, downsample=(min(most, max(1.0, options.downsample[0])), most))
