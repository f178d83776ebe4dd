"""The networks of ProGAN, which grow: all layers exist from the start, and a phase of the training uses the lower ones."""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks import pyramid
from jgan.networks.equalised import EqualisedConv, EqualisedDense, add_bias, leaky
from jgan.networks.minibatch_std import minibatch_std
from jgan.networks.norms import pixel_norm
from jgan.networks.resample import average_pool, nearest


class _Growing(nn.Module):
    """What the two networks share: sizes and layers.

    Level 0 is the base (4x4 pixels, or 5 to 7), and each level above it doubles the sides. Level l has
    `min(fmap_base / 2^(l + 1), fmap_max)` channels.
    """

    image_shape: Sequence[int]
    fmap_base: int = 8192
    fmap_max: int = 512
    level: int | None = None
    fading: bool = False
    dtype: jnp.dtype = jnp.float32

    def _in_use(self) -> tuple[int, int, bool]:
        """The level of the image, the level in use and whether it fades in; parameters are made for all levels."""
        top, _ = pyramid.levels(self.image_shape, "ProGAN")
        level = top if self.level is None else self.level
        if not self.fading <= level <= top:
            raise ValueError(f"level must be from {int(self.fading)} to {top} for these images, found {level}")
        return (top, top, False) if self.is_initializing() else (top, level, self.fading)

    def _width(self, stage: int) -> int:
        return max(1, min(self.fmap_base >> stage, self.fmap_max))

    def _conv(self, features: int, name: str, size: int = 3, gain: float = math.sqrt(2)) -> EqualisedConv:
        return EqualisedConv(features, size, gain=gain, dtype=self.dtype, name=name)


class ProGANGenerator(_Growing):
    """Maps latents to images in [0, 1], at the resolution of a level, enlarged to full size.

    A linear layer makes the base; each level doubles the sides by nearest neighbours and has two 3x3 convolutions. Every layer
    has an equalised learning rate, a leaky ReLU and pixel normalisation; a linear 1x1 convolution of each level makes its image
    in [-1, 1], which is mapped to [0, 1] without clipping. Latents are scaled to a mean square of 1 first.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `pyramid.levels` for the sizes that fit.
      fmap_base: the channels of level l are this number divided by 2^(l + 1) ...
      fmap_max: ... but not more than this.
      level: the highest level in use, 0 for the base; None for the whole network. The parameters are the same for all.
      fading: whether the image of this level is blended with that of the level below it.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ProGANGenerator((8, 8, 1), 32, 8, level=0), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape  # 4x4 pixels, each four times
      (3, 8, 8, 1)

    References:
      Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018),
      https://arxiv.org/abs/1710.10196
    """

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], progress: Float[jax.Array, ""] | float = 1.0
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]`, and the share of this level's image if it is `fading`, to images float32 in [0, 1]."""
        top, level, fading = self._in_use()
        _, base = pyramid.levels(self.image_shape, "ProGAN")
        width = self._width(1)
        first = EqualisedDense(math.prod(base) * width, gain=math.sqrt(2) / 4, use_bias=False, dtype=self.dtype, name="first")
        bias = self.param("first_bias", nn.initializers.zeros, (width,))
        h = add_bias(first(pixel_norm(z)).reshape(-1, *base, width), bias)
        h = self._layer(pixel_norm(leaky(h, 1.0)), 0, "conv_0")
        images = [self._image(h, 0)]
        for index in range(1, level + 1):
            h = self._layer(nearest(h), index, f"conv_{index}_0")
            h = self._layer(h, index, f"conv_{index}_1")
            images.append(self._image(h, index))  # XLA leaves out those that are not used
        image = images[level]
        if fading:
            image = progress * image + (1 - progress) * nearest(images[level - 1])
        for _ in range(top - level):
            image = nearest(image)
        return (image + 1) / 2

    def _layer(self, h: jax.Array, level: int, name: str) -> jax.Array:
        return pixel_norm(leaky(self._conv(self._width(level + 1), name)(h), 1.0))

    def _image(self, h: jax.Array, level: int) -> jax.Array:
        return self._conv(self.image_shape[-1], f"image_{level}", 1, gain=1.0)(h).astype(jnp.float32)


class ProGANDiscriminator(_Growing):
    """Maps images in [0, 1], reduced to the resolution of a level, to one logit.

    The generator mirrored: a 1x1 convolution of each level reads the image, two 3x3 convolutions and average pooling lead to
    the level below. The base has the minibatch standard deviation as an additional channel, a 3x3 convolution and two linear
    layers.

    Attributes:
      image_shape: `(height, width, channels)` of the images.
      fmap_base: the channels of level l are this number divided by 2^(l + 1) ...
      fmap_max: ... but not more than this.
      level: the highest level in use, 0 for the base; None for the whole network. The parameters are the same for all.
      fading: whether the first features of the level below are blended with those of this level.
      dtype: the dtype of the computation; the logits are float32.
      group: the examples in a group of the minibatch standard deviation; 0 for the whole batch.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ProGANDiscriminator((8, 8, 1), 32, 8), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3,)

    References:
      Karras et al. (2018), https://arxiv.org/abs/1710.10196
    """

    group: int = 4

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], progress: Float[jax.Array, ""] | float = 1.0
    ) -> Float32[jax.Array, " b"]:
        """Maps images, and the share of this level's features if it is `fading`, to `[B]` float32 logits."""
        top, level, fading = self._in_use()
        images = {top: 2 * x - 1}
        for index in range(top - 1, -1, -1):
            images[index] = average_pool(images[index + 1])
        if self.is_initializing():
            for index in range(level):
                self._read(images[index], index)
        h = self._read(images[level], level)
        for index in range(level, 0, -1):
            h = leaky(self._conv(self._width(index + 1), f"conv_{index}_0")(h), 1.0)
            h = average_pool(leaky(self._conv(self._width(index), f"conv_{index}_1")(h), 1.0))
            if index == level and fading:
                share = jnp.asarray(progress, h.dtype)
                h = share * h + (1 - share) * self._read(images[level - 1], level - 1)
        h = leaky(self._conv(self._width(1), "conv_0")(minibatch_std(h, self.group)), 1.0)
        hidden = EqualisedDense(self._width(0), gain=math.sqrt(2), dtype=self.dtype, name="hidden")
        h = leaky(hidden(h.reshape(h.shape[0], -1)), 1.0)
        return EqualisedDense(1, dtype=self.dtype, name="output")(h)[:, 0].astype(jnp.float32)

    def _read(self, image: jax.Array, level: int) -> jax.Array:
        return leaky(self._conv(self._width(level + 1), f"image_{level}", 1)(image), 1.0)
