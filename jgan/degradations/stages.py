"""The random stages of pipelines: options as frozen dataclasses, each drawing its numbers for one image.

Every range `(low, high)` is of a uniform distribution.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np

from jgan.degradations import kernels, noise, resizing
from jgan.degradations.filtering import filtered
from jgan.degradations.jpeg import jpeg
from jgan.degradations.resizing import Method
from jgan.degradations.sized import Sized
from jgan.types import Key

KINDS = (
    "isotropic",
    "anisotropic",
    "generalised isotropic",
    "generalised anisotropic",
    "plateau isotropic",
    "plateau anisotropic",
)
"""The kinds of kernels whose probabilities `Blur.kinds` gives, in this order."""

SINC_BREAK = 13
"""The side from which on a sinc kernel may have a lower cut-off."""


def between(u: jax.Array, low: jax.Array | float, high: jax.Array | float) -> jax.Array:
    """A number from a range.

    Args:
      u: uniform in [0, 1).
      low: the lower end of the range.
      high: the upper end.

    Returns:
      Of the shape of `u`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import stages
      >>> float(stages.between(jnp.float32(0.5), 1.0, 3.0))
      2.0
    """
    return low + u * (high - low)


def choice(u: jax.Array, probabilities: tuple[float, ...]) -> jax.Array:
    """An index with given probabilities.

    Args:
      u: float32 scalar, uniform in [0, 1).
      probabilities: their sum is 1, but for rounding.

    Returns:
      int32 scalar.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import stages
      >>> [int(stages.choice(jnp.float32(u), (0.25, 0.75, 0.0))) for u in (0.0, 0.2, 0.25, 0.99)]
      [0, 0, 1, 1]
    """
    ends = np.cumsum(probabilities)[:-1].astype(np.float32)
    return jnp.sum(u >= ends, dtype=jnp.int32)


def odd(u: jax.Array, sizes: tuple[int, int]) -> jax.Array:
    """An odd number between two others.

    Args:
      u: float32 scalar, uniform in [0, 1).
      sizes: the smallest and the largest, both odd.

    Returns:
      int32 scalar, each with the same probability.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import stages
      >>> [int(stages.odd(jnp.float32(u), (7, 11))) for u in (0.0, 0.5, 0.99)]
      [7, 9, 11]
    """
    low, high = sizes
    return low + 2 * jnp.floor(u * ((high - low) // 2 + 1)).astype(jnp.int32)


@dataclasses.dataclass(frozen=True)
class Blur:
    """A blur with a random kernel.

    Attributes:
      probability: that the image is blurred at all.
      sizes: the smallest and largest side of a kernel, odd; each odd number between is equally likely.
      sigma: the range of the deviations in pixels, of each of the two of an anisotropic kernel.
      kinds: the probabilities of `KINDS`, among kernels that are not sinc.
      gaussian_beta: the range of the generalised Gaussian's shape; below and above 1 are equally likely.
      plateau_beta: the same for the plateau.
      sinc: the probability of a sinc kernel, with a cut-off from pi / 3, or pi / 5 for sides from 13, to pi.
    """

    probability: float = 1.0
    sizes: tuple[int, int] = (7, 21)
    sigma: tuple[float, float] = (0.2, 3.0)
    kinds: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    gaussian_beta: tuple[float, float] = (0.5, 4.0)
    plateau_beta: tuple[float, float] = (1.0, 2.0)
    sinc: float = 0.1

    def __post_init__(self) -> None:
        if len(self.kinds) != len(KINDS) or abs(sum(self.kinds) - 1) > 1e-6:
            raise ValueError(f"expected the probabilities of {len(KINDS)} kinds of kernels with the sum 1, found {self.kinds}")
        low, high = self.sizes
        if not (1 <= low <= high and low % 2 and high % 2 and 0 < self.sigma[0] <= self.sigma[1]):
            raise ValueError(f"expected odd sizes of kernels and deviations above 0, found {self.sizes} and {self.sigma}")

    def kernel(self, key: Key) -> jax.Array:
        """Draws a kernel.

        Args:
          key: its key.

        Returns:
          `[side, side]` float32 of sum 1, where `side` is the largest of `sizes`; an impulse if the image is not blurred.

        Example:
          >>> import jax
          >>> from jgan.degradations import stages
          >>> kernel = stages.Blur().kernel(jax.random.key(0))
          >>> kernel.shape, round(float(kernel.sum()), 5)
          ((21, 21), 1.0)
        """
        coin, u_size, u_kind, u_first, u_second, u_angle, u_side, u_beta, sinc_coin, u_cutoff = jax.random.uniform(key, (10,))
        support = self.sizes[1]
        size, kind = odd(u_size, self.sizes), choice(u_kind, self.kinds)
        isotropic, is_plateau = kind % 2 == 0, kind >= 4
        sigma = between(jnp.stack([u_first, jnp.where(isotropic, u_first, u_second)]), *self.sigma)
        distance = kernels.quadratic(support, sigma, between(u_angle, -math.pi, math.pi))
        low, high = jnp.where(is_plateau, jnp.array(self.plateau_beta), jnp.array(self.gaussian_beta))
        beta = jnp.where(u_side < 0.5, between(u_beta, low, 1.0), between(u_beta, 1.0, high))
        found = jnp.where(
            is_plateau,
            kernels.plateau(distance, beta, size),
            kernels.generalised_gaussian(distance, jnp.where(kind < 2, 1.0, beta), size),
        )
        if self.sinc:
            cutoff = between(u_cutoff, jnp.where(size < SINC_BREAK, math.pi / 3, math.pi / 5), math.pi)
            found = jnp.where(sinc_coin < self.sinc, kernels.sinc(support, cutoff, size), found)
        return jnp.where(coin < self.probability, found, kernels.impulse(support))

    def apply(self, key: Key, image: Sized) -> Sized:
        """Blurs an image.

        Args:
          key: its key.
          image: the image.

        Returns:
          The blurred image.
        """
        return filtered(image, self.kernel(key))


@dataclasses.dataclass(frozen=True)
class Sinc:
    """A sinc filter with a random cut-off.

    Attributes:
      probability: that the image is filtered.
      sizes: the smallest and largest side of a kernel, odd.
      cutoff: the range of the cut-off, in radians for a pixel.
    """

    probability: float = 0.8
    sizes: tuple[int, int] = (7, 21)
    cutoff: tuple[float, float] = (math.pi / 3, math.pi)

    def apply(self, key: Key, image: Sized) -> Sized:
        """Filters an image.

        Args:
          key: its key.
          image: the image.

        Returns:
          The filtered image.
        """
        coin, u_size, u_cutoff = jax.random.uniform(key, (3,))
        kernel = kernels.sinc(self.sizes[1], between(u_cutoff, *self.cutoff), odd(u_size, self.sizes))
        return filtered(image, jnp.where(coin < self.probability, kernel, kernels.impulse(self.sizes[1])))


@dataclasses.dataclass(frozen=True)
class Resize:
    """A resize by a random factor, by a random method.

    Attributes:
      probabilities: of a larger, a smaller and an equal image.
      factor: the smallest and the largest factor; a smaller image has one from the smallest to 1, a larger one from 1 to the
        largest.
      methods: equally likely.
    """

    probabilities: tuple[float, float, float] = (0.2, 0.7, 0.1)
    factor: tuple[float, float] = (0.15, 1.5)
    methods: tuple[Method, ...] = ("area", "bilinear", "bicubic")

    def __post_init__(self) -> None:
        unknown = [method for method in self.methods if method not in resizing.MATRICES]
        if unknown or not self.methods or not 0 < self.factor[0] <= 1 <= self.factor[1]:
            raise ValueError(
                f"expected methods of {', '.join(resizing.MATRICES)} and factors on both sides of 1, "
                f"found {self.methods} and {self.factor}"
            )

    def draw(self, key: Key) -> tuple[jax.Array, jax.Array]:
        """Draws the factor and the method.

        Args:
          key: the key of this resize.

        Returns:
          `(factor, index of the method)`, float32 and int32 scalars.

        Example:
          >>> import jax
          >>> from jgan.degradations import stages
          >>> float(stages.Resize(probabilities=(0.0, 0.0, 1.0)).draw(jax.random.key(0))[0])
          1.0
        """
        u_way, u_factor, u_method = jax.random.uniform(key, (3,))
        way = choice(u_way, self.probabilities)
        low, high = jnp.array([1.0, self.factor[0], 1.0])[way], jnp.array([self.factor[1], 1.0, 1.0])[way]
        return between(u_factor, low, high), self.method(u_method)

    def method(self, u: jax.Array) -> jax.Array:
        """Draws a method.

        Args:
          u: float32 scalar, uniform in [0, 1).

        Returns:
          int32 scalar, an index of `methods`.

        Example:
          >>> import jax.numpy as jnp
          >>> from jgan.degradations import stages
          >>> int(stages.Resize().method(jnp.float32(0.5)))
          1
        """
        return jnp.floor(u * len(self.methods)).astype(jnp.int32)

    def size(self, factor: jax.Array, size: tuple[int, int]) -> jax.Array:
        """The size of the resized image.

        Args:
          factor: float32 scalar, from `draw`.
          size: the height and width that it multiplies.

        Returns:
          `[2]` int32, rounded down, at least 1 and at most `largest(size)`.

        Example:
          >>> import jax.numpy as jnp
          >>> from jgan.degradations import stages
          >>> stages.Resize().size(jnp.float32(0.15), (100, 5)).tolist()
          [15, 1]
        """
        floor = jnp.floor(factor * jnp.array(size, jnp.float32)).astype(jnp.int32)
        return jnp.clip(floor, 1, jnp.array(self.largest(size)))

    def largest(self, size: tuple[int, int]) -> tuple[int, int]:
        """The buffer that holds every resized image.

        Args:
          size: the height and width that the factor multiplies.

        Returns:
          `(rows, columns)`.

        Example:
          >>> from jgan.degradations import stages
          >>> stages.Resize().largest((400, 300))
          (600, 450)
        """
        return max(1, math.floor(size[0] * self.factor[1])), max(1, math.floor(size[1] * self.factor[1]))


@dataclasses.dataclass(frozen=True)
class RandomNoise:
    """Gaussian or Poisson noise.

    Attributes:
      gaussian: the probability of Gaussian noise, else Poisson noise.
      sigma: the range of the Gaussian's deviation, in grey levels of 255.
      scale: the range of the factor on Poisson noise.
      in_grey: the probability of the same noise on all channels.
    """

    gaussian: float = 0.5
    sigma: tuple[float, float] = (1.0, 30.0)
    scale: tuple[float, float] = (0.05, 3.0)
    in_grey: float = 0.4

    def apply(self, key: Key, image: Sized) -> Sized:
        """Adds noise to an image.

        Args:
          key: its key.
          image: the image.

        Returns:
          The noisy image in [0, 1].
        """
        number_key, noise_key = jax.random.split(key)
        coin, u, grey_coin = jax.random.uniform(number_key, (3,))
        normal, in_grey = jax.random.normal(noise_key, image.pixels.shape), grey_coin < self.in_grey
        bell = noise.gaussian(normal, image, between(u, *self.sigma), in_grey)
        if self.gaussian >= 1:
            return bell
        counts = noise.poisson(normal, image, between(u, *self.scale), in_grey)
        return image._replace(pixels=jnp.where(coin < self.gaussian, bell.pixels, counts.pixels))


@dataclasses.dataclass(frozen=True)
class Jpeg:
    """JPEG at a random quality.

    Attributes:
      quality: the range; the number is rounded down, as OpenCV's encoder does.
      subsampled: whether the chroma has half the resolution.
    """

    quality: tuple[float, float] = (30.0, 95.0)
    subsampled: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.quality[0] <= self.quality[1] <= 100:
            raise ValueError(f"the quality of JPEG must be from 1 to 100, found {self.quality}")

    def apply(self, key: Key, image: Sized) -> Sized:
        """Compresses an image.

        Args:
          key: its key.
          image: the image.

        Returns:
          The decompressed image, of 8 bits.
        """
        return jpeg(
            image, jnp.floor(between(jax.random.uniform(key), *self.quality)).astype(jnp.int32), subsampled=self.subsampled
        )
