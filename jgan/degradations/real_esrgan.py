"""Real-ESRGAN's degradation: blur, resize, noise and JPEG, twice, with a sinc filter before or after the last JPEG."""

import dataclasses

import jax
import jax.numpy as jnp

from jgan.degradations.colour import rounded
from jgan.degradations.degradation import Degradation
from jgan.degradations.resizing import resized
from jgan.degradations.sharpening import sharpened
from jgan.degradations.sized import Sized, cropped, whole
from jgan.degradations.stages import Blur, Jpeg, RandomNoise, Resize, Sinc
from jgan.types import Key


@dataclasses.dataclass(frozen=True)
class RealESRGAN(Degradation):
    """The pipeline of Real-ESRGAN; its defaults are those of the published training files for x4.

    A caller that trains on sharpened images, as the published code does, sharpens them first (`sharpened`) and may then leave
    out `sharpen`.

    Attributes:
      scale: how many times smaller the result is; the sides of an image must be multiples of it.
      blur: the first blur.
      resize: the first resize.
      noise: the first noise.
      jpeg: the first compression.
      blur2: the second blur.
      resize2: the second resize; its factor multiplies the size of the result.
      noise2: the second noise.
      jpeg2: the second compression.
      sinc: the last filter, after the resize to the size of the result.
      sinc_first: the probability that the last resize and filter come before the second compression.
      sharpen: whether the image is sharpened first.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import RealESRGAN
      >>> jax.eval_shape(RealESRGAN(), jax.random.key(0), jnp.zeros((2, 64, 48, 3))).shape
      (2, 16, 12, 3)

    References:
      Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data" (2021),
      https://arxiv.org/abs/2107.10833, and the authors' code, https://github.com/xinntao/Real-ESRGAN
    """

    scale: int = 4
    blur: Blur = Blur()
    resize: Resize = Resize()
    noise: RandomNoise = RandomNoise()
    jpeg: Jpeg = Jpeg()
    blur2: Blur = Blur(probability=0.8, sigma=(0.2, 1.5))
    resize2: Resize = Resize(probabilities=(0.3, 0.4, 0.3), factor=(0.3, 1.2))
    noise2: RandomNoise = RandomNoise(sigma=(1.0, 25.0), scale=(0.05, 2.5))
    jpeg2: Jpeg = Jpeg()
    sinc: Sinc = Sinc()
    sinc_first: float = 0.5
    sharpen: bool = True

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The size of the degraded image.

        Args:
          height: of the image.
          width: of the image.

        Returns:
          Both divided by the scale.

        Raises:
          ValueError: if they are not multiples of it.
        """
        if height % self.scale or width % self.scale:
            raise ValueError(
                f"expected images whose sides are multiples of {self.scale}, found {height}x{width}: crop them, or choose "
                "another scale"
            )
        return height // self.scale, width // self.scale

    def one(self, key: Key, image: jax.Array) -> jax.Array:
        """See `Degradation`."""
        keys = jax.random.split(key, 10)
        full = image.shape[:2]
        small = self.size(*full)
        found = whole(sharpened(image[None])[0] if self.sharpen else image)
        found = self.blur.apply(keys[0], found)
        factor, method = self.resize.draw(keys[1])
        found = resized(found, self.resize.size(factor, full), self.resize.largest(full), self.resize.methods, method, factor)
        found = self.jpeg.apply(keys[3], self.noise.apply(keys[2], found))
        found = self.blur2.apply(keys[4], found)
        factor, method = self.resize2.draw(keys[5])
        found = resized(found, self.resize2.size(factor, small), self.resize2.largest(small), self.resize2.methods, method)
        found = self.noise2.apply(keys[6], found)
        return rounded(cropped(self._last(keys[7:], found, small), small))

    def _last(self, keys: jax.Array, image: Sized, small: tuple[int, int]) -> Sized:
        """The second compression, and the resize to the final size with the sinc filter, in a random order."""
        number_key, sinc_key, jpeg_key = keys
        coin, u_method = jax.random.uniform(number_key, (2,))
        sinc_first = coin < self.sinc_first
        early = self.jpeg2.apply(jpeg_key, image)
        image = image._replace(pixels=jnp.where(sinc_first, image.pixels, early.pixels))
        image = resized(image, jnp.array(small), small, self.resize2.methods, self.resize2.method(u_method))
        image = self.sinc.apply(sinc_key, image)
        late = self.jpeg2.apply(jpeg_key, image)
        return image._replace(pixels=jnp.where(sinc_first, late.pixels, image.pixels))
