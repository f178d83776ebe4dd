"""The generator of FastGAN, in the variant of Projected GAN: gated convolutions, and gates from images of low resolution."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan import rng
from jgan.networks import resample
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.norms import BatchNorm
from jgan.networks.spectral import applied

SMALLEST_BASE, LARGEST_BASE = 4, 7

MULTIPLES = (16, 8, 4, 2, 2, 1, 0.5, 0.25, 0.125)
"""The channels at each resolution from the lowest on, as multiples of the width."""

SKIP = 4
"""Images are gated by those of a resolution this many doublings lower."""


def stages(image_shape: Sequence[int]) -> tuple[int, int]:
    """How often the side of a square image can be halved, and what is left of it.

    Args:
      image_shape: `(height, width, channels)`; the sides must be equal, and 4, 5, 6 or 7 times a power of two, from 8 to 1792.

    Returns:
      `(number of doublings, base)`; the base is 4, 5, 6 or 7.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import fastgan
      >>> fastgan.stages((28, 28, 1)), fastgan.stages((256, 256, 3))
      ((2, 7), (6, 4))
    """
    height, width, _ = image_shape
    fitting = _fitting()
    if height != width or height not in fitting:
        side = min(height, width)
        nearest = sorted(fitting, key=lambda size: abs(size - side))[:2]
        raise ValueError(
            f"FastGAN makes square images whose sides are {SMALLEST_BASE} to {LARGEST_BASE} times a power of two, at least 8, "
            f"found {height}x{width}; the nearest are " + " and ".join(f"{size}x{size}" for size in sorted(nearest))
        )
    return fitting[height]


def nearest(size: tuple[int, int]) -> tuple[int, int]:
    """The square size nearest to a given one that the network makes.

    Args:
      size: height and width.

    Returns:
      The height and the width, which are equal: in ratio nearest to those asked for.

    Example:
      >>> from jgan.networks import fastgan
      >>> fastgan.nearest((28, 28)), fastgan.nearest((300, 200)), fastgan.nearest((3, 3))
      ((28, 28), (256, 256), (8, 8))
    """
    side = min(_fitting(), key=lambda side: abs(math.log(side * side / (size[0] * size[1]))))
    return side, side


def _fitting() -> dict[int, tuple[int, int]]:
    """The sides that fit, with the number of doublings and the base."""
    bases = range(SMALLEST_BASE, LARGEST_BASE + 1)
    return {base << count: (count, base) for base in bases for count in range(1, len(MULTIPLES))}


class _Noise(nn.Module):
    """Adds noise, one value a pixel, times a learnt number that starts at 0; only in training."""

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool, axis_name: str | None) -> jax.Array:
        strength = self.param("strength", nn.initializers.zeros, ())
        if not train:
            return x
        draw = lambda key: jax.random.normal(key, (*x.shape[1:3], 1))  # noqa: E731
        noise = rng.one_each(self.make_rng("dropout"), len(x), draw, axis_name)
        return x + (strength * noise).astype(x.dtype)


class _Gated(nn.Module):
    """A convolution to twice the channels, noise if asked for, batch normalisation; one half gates the other.

    The convolution keeps the sides of an image; `first` is one that makes an image of `size` pixels a side from one pixel.
    """

    features: int
    size: int = 3
    first: bool = False
    noise: bool = False
    spectral: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool, axis_name: str | None) -> jax.Array:
        channels = 2 * self.features
        shared: dict[str, Any] = {"use_bias": False, "dtype": self.dtype, "name": "conv"}
        made = ConvTranspose(channels, self.size, padding=0, **shared) if self.first else Conv(channels, self.size, **shared)
        h = applied(made, x, spectral=self.spectral, train=train)
        if self.noise:
            h = _Noise(name="noise")(h, train=train, axis_name=axis_name)
        h = BatchNorm(dtype=self.dtype, name="norm")(h, train=train, axis_name=axis_name)
        values, gates = jnp.split(h, 2, axis=-1)
        return values * nn.sigmoid(gates)


class _Excitation(nn.Module):
    """Gates the channels of a large image by a small one: averaged to `base` pixels a side, two convolutions, a sigmoid."""

    base: int
    spectral: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, small: jax.Array, large: jax.Array, *, train: bool) -> jax.Array:
        b, side, _, c = small.shape
        cell = side // self.base
        h = small.reshape(b, self.base, cell, self.base, cell, c).mean((2, 4))

        def conv(h: jax.Array, size: int, name: str) -> jax.Array:
            layer = Conv(large.shape[-1], size, padding=0, use_bias=False, dtype=self.dtype, name=name)
            return applied(layer, h, spectral=self.spectral, train=train)

        return large * nn.sigmoid(conv(nn.swish(conv(h, self.base, "squeeze")), 1, "excite"))


class FastGANGenerator(nn.Module):
    """Maps latents to images; the range is not bounded, [0, 1] are black and white.

    The latent is scaled to a second moment of 1. A transposed convolution makes an image of 4 to 7 pixels a side; each doubling
    is nearest neighbours, one gated 3x3 convolution, and after every other doubling a second one, with noise. From the fourth
    doubling on, the channels are gated by the image 16 times smaller. All convolutions have spectral normalisation.

    The authors' code makes images of 128 pixels a side or more; here the doublings end at the size of the image. Noise is drawn
    in training only, so that a latent has one image.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `stages` for the sizes that fit.
      width: the unit of the channels, see `MULTIPLES`; 128 in the authors' code.
      spectral: whether the convolutions have spectral normalisation.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FastGANGenerator((8, 8, 1), width=2), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.ones((3, 16)))[0].shape
      (3, 8, 8, 1)

    References:
      Liu et al., "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis" (2021),
      https://arxiv.org/abs/2101.04775; Sauer et al., "Projected GANs Converge Faster" (2021), https://arxiv.org/abs/2111.01007
    """

    image_shape: Sequence[int]
    width: int = 128
    spectral: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32."""
        count, base = stages(self.image_shape)
        widths = [max(int(self.width * multiple), 1) for multiple in MULTIPLES[: count + 1]]
        z = z * jax.lax.rsqrt(jnp.mean(jnp.square(z), axis=1, keepdims=True) + 1e-8)

        def gated(h: jax.Array, index: int, name: str, **options: Any) -> jax.Array:
            layer = _Gated(widths[index], spectral=self.spectral, dtype=self.dtype, name=name, **options)
            return layer(h, train=train, axis_name=axis_name)

        images = [gated(z[:, None, None, :].astype(self.dtype), 0, "first", size=base, first=True)]
        for index in range(1, count + 1):
            twice = index % 2 == 1
            h = gated(resample.nearest(images[-1]), index, f"up_{index}", noise=twice)
            if twice:
                h = gated(h, index, f"refine_{index}", noise=True)
            if index >= SKIP:
                excitation = _Excitation(base, self.spectral, self.dtype, name=f"excite_{index}")
                h = excitation(images[index - SKIP], h, train=train)
            images.append(h)
        output = Conv(self.image_shape[-1], 3, dtype=self.dtype, name="output")
        image = applied(output, images[-1], spectral=self.spectral, train=train)
        return (image.astype(jnp.float32) + 1) / 2
