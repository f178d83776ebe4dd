"""The degradation of super-resolution, with noise: bicubic downsampling, and back to the full size."""

import dataclasses

import jax
import jax.numpy as jnp

from jgan.degradations.degradation import Degradation
from jgan.resize import eight_bits, matlab_bicubic
from jgan.types import Key


@dataclasses.dataclass(frozen=True)
class Bicubic(Degradation):
    """Downsampling by MATLAB's bicubic, rounding to 8 bits, noise, rounding again, and bicubic upsampling to the full size.

    Attributes:
      scale: the sides are divided by it; the image's must be multiples of it.
      noise: the standard deviation of Gaussian noise on the small image, in grey levels of 255.

    Raises:
      ValueError: if the scale is below 1 or the noise negative; while tracing, if a side is not a multiple of the scale.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations.bicubic import Bicubic
      >>> Bicubic(4)(jax.random.key(0), jnp.ones((1, 8, 8, 1))).round(2).max().item()
      1.0
    """

    scale: int = 4
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.scale < 1 or self.noise < 0:
            raise ValueError(f"expected a scale of at least 1 and noise of at least 0, found {self.scale} and {self.noise}")

    def one(self, key: Key, image: jax.Array) -> jax.Array:
        """See `Degradation`."""
        if any(side % self.scale for side in image.shape[:2]):
            raise ValueError(f"expected sides that are multiples of {self.scale}, found {image.shape[0]}x{image.shape[1]}")
        small = eight_bits(matlab_bicubic(255 * image, 1 / self.scale))
        if self.noise:
            small = eight_bits(small + self.noise * jax.random.normal(key, small.shape))
        return jnp.clip(eight_bits(matlab_bicubic(small, self.scale)) / 255, 0, 1)
