"""The generator of StyleGAN2: a mapping network and a synthesis network, whose images of all levels are summed.

References:
  Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), https://arxiv.org/abs/1912.04958; the widths
  are those of "Training Generative Adversarial Networks with Limited Data" (2020), https://arxiv.org/abs/2006.06676
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan import rng
from jgan.losses import global_mean
from jgan.networks import pyramid, resample
from jgan.networks.equalised import EqualisedDense, add_bias, leaky
from jgan.networks.labels import one_hot
from jgan.networks.modulated import ModulatedConv
from jgan.networks.noise import NoiseInjection
from jgan.networks.norms import pixel_norm

OWNER = "StyleGAN2"

Changes = Sequence[tuple[jax.Array, jax.Array]]
"""Pairs of scale and shift, `[B, h, w, part]`, for the levels from 1 on: see `changed`."""


def width(level: int, channel_base: int, channel_max: int) -> int:
    """The channels at a level of the pyramid; level 0 counts as 4x4 pixels, whatever the base of the image.

    Args:
      level: the level, 0 for the base.
      channel_base: channels times sides: `channel_base / (4 2^level)` channels ...
      channel_max: ... but not more than this.

    Returns:
      The number of channels.

    Example:
      >>> from jgan.networks import stylegan2
      >>> [stylegan2.width(level, 16384, 512) for level in range(7)]
      [512, 512, 512, 512, 256, 128, 64]
    """
    return max(1, min((channel_base // 4) >> level, channel_max))


class Mapping(nn.Module):
    """Maps latents and labels to styles, `[B, features]`: linear layers with a hundredth of the learning rate.

    Attributes:
      features: the dimension of a style, of the hidden layers, and of the vector of a class.
      layers: the number of layers.
      n_classes: the number of classes; 0 without labels.
    """

    features: int = 512
    layers: int = 8
    n_classes: int = 0

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"] | None, labels: Int[jax.Array, "b ..."] | None = None
    ) -> Float32[jax.Array, "b features"]:
        """Maps latents (None: labels alone) and the vectors of labels, both scaled to a mean square of 1, to float32 styles."""
        parts = [] if z is None else [pixel_norm(z)]
        if self.n_classes:
            vectors = EqualisedDense(self.features, name="classes")(one_hot(labels, self.n_classes))
            parts.append(pixel_norm(vectors))
        h = jnp.concatenate(parts, axis=1)
        for index in range(self.layers):
            h = leaky(EqualisedDense(self.features, rate=0.01, name=f"layer_{index}")(h))
        return h


class StyledConv(nn.Module):
    """A modulated 3x3 convolution, noise, a bias and a leaky ReLU.

    Attributes:
      features: the number of output channels.
      up: whether the sides are doubled.
      noise: whether there is noise outside training.
      dtype: the dtype of the computation and of the output.
      bilinear: whether they are doubled bilinearly and before the convolution.
    """

    features: int
    up: bool = False
    noise: bool = True
    dtype: jnp.dtype = jnp.float32
    bilinear: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, w: jax.Array, *, train: bool = False, axis_name: str | None = None) -> jax.Array:
        """Maps `[B, h, w, inputs]` and `[B, style]` to `[B, h, w, features]`, or to twice the sides."""
        if self.up and self.bilinear:
            x = resample.bilinear(x, 2)
        y = ModulatedConv(self.features, up=self.up and not self.bilinear, dtype=self.dtype, name="conv")(x, w)
        y = NoiseInjection(self.noise, name="noise")(y, train=train, axis_name=axis_name)
        return leaky(add_bias(y, self.param("bias", nn.initializers.zeros, (self.features,))))


class Synthesis(nn.Module):
    """Maps one style for each layer to images in about [-1, 1]: the sum of the images of all levels, enlarged.

    Attributes:
      image_shape: `(height, width, channels)`.
      channel_base: see `width`.
      channel_max: see `width`.
      noise: whether there is noise outside training.
      dtype: the dtype of the convolutions; the images are float32.
      bilinear: see `StyleGAN2Generator`.
    """

    image_shape: Sequence[int]
    channel_base: int = 16384
    channel_max: int = 512
    noise: bool = True
    dtype: jnp.dtype = jnp.float32
    bilinear: bool = False

    @nn.compact
    def __call__(
        self,
        ws: Float[jax.Array, "b layers style"],
        changes: Changes = (),
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, layers, style]` and `changes` to `[B, height, width, channels]`; see `StyleGAN2Generator.images`."""
        top, base = pyramid.levels(self.image_shape, OWNER)
        options: dict[str, Any] = {"train": train, "axis_name": axis_name}
        constant = self.param("constant", nn.initializers.normal(1.0), (*base, self._width(0)))
        h = jnp.broadcast_to(constant.astype(self.dtype), (ws.shape[0], *constant.shape))
        h = self._conv(0, "conv_0")(h, ws[:, 0], **options)
        image = self._image(h, ws[:, 1], 0)
        for level in range(1, top + 1):
            # The image of a level and the first convolution of the next have the same style.
            h = self._conv(level, f"conv_{level}_0", up=True)(h, ws[:, 2 * level - 1], **options)
            if level <= len(changes):
                h = changed(h, *changes[level - 1])
            h = self._conv(level, f"conv_{level}_1")(h, ws[:, 2 * level], **options)
            enlarged = resample.bilinear(image, 2) if self.bilinear else resample.upsample(image)
            image = enlarged + self._image(h, ws[:, 2 * level + 1], level)
        return image

    def _width(self, level: int) -> int:
        return width(level, self.channel_base, self.channel_max)

    def _conv(self, level: int, name: str, up: bool = False) -> StyledConv:
        return StyledConv(self._width(level), up, self.noise, self.dtype, self.bilinear, name=name)

    def _image(self, h: jax.Array, w: jax.Array, level: int) -> jax.Array:
        channels = self.image_shape[-1]
        layer = ModulatedConv(channels, 1, demodulate=False, dtype=self.dtype, name=f"image_{level}")
        bias = self.param(f"image_{level}_bias", nn.initializers.zeros, (channels,))
        return add_bias(layer(h, w).astype(jnp.float32), bias)


def changed(
    h: Float[jax.Array, "b h w c"], scale: Float[jax.Array, "b h w part"], shift: Float[jax.Array, "b h w part"]
) -> Float[jax.Array, "b h w c"]:
    """A spatial feature transform of the last channels; the others pass unchanged (GFP-GAN's channel split).

    Args:
      h: `[B, h, w, c]` float.
      scale: `[B, h, w, part]`, the factors of the last `part` channels.
      shift: `[B, h, w, part]`, added to them.

    Returns:
      `[B, h, w, c]`, of the dtype of `h`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import stylegan2
      >>> one = jnp.ones((1, 1, 1, 1))
      >>> stylegan2.changed(jnp.ones((1, 1, 1, 2)), 3 * one, 2 * one).ravel().tolist()
      [1.0, 5.0]

    References:
      Wang et al., "Towards Real-World Blind Face Restoration with Generative Facial Prior" (2021), section 3.3,
      https://arxiv.org/abs/2101.04061
    """
    kept = h.shape[-1] - scale.shape[-1]
    return jnp.concatenate([h[..., :kept], h[..., kept:] * scale.astype(h.dtype) + shift.astype(h.dtype)], axis=-1)


class StyleGAN2Generator(nn.Module):
    """Maps latents to images: `Mapping`, then `Synthesis`.

    In training, the styles of an example are those of its latents up to a random layer and of other latents from there on, with
    the probability `mixing`; noise is drawn for each example; and the moving average of the styles is updated (the variable
    `w` of the collection `averages`). Outside training the noise is fixed or absent, and styles are truncated.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `pyramid.levels` for the sizes that fit.
      style_size: the dimension of a style w.
      mapping_layers: the layers of the mapping network.
      channel_base: the channels of a level are this number divided by its side ...
      channel_max: ... but not more than this.
      mixing: the probability of mixed styles, in training.
      truncation: psi outside training: styles are `average + psi (w - average)`.
      noise: whether there is noise outside training, the same for each image.
      dtype: the dtype of the convolutions; styles, the sum of the images and the output are float32.
      n_classes: the number of classes; 0 without labels.
      bilinear: whether images are enlarged by bilinear interpolation, before the convolution, instead of filters behind it.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> module = networks.StyleGAN2Generator((8, 8, 1), 16, 2, channel_base=64)
      >>> network = networks.from_module(module, (16,), rngs=("noise", "mixing"))
      >>> params, model_state = jax.eval_shape(network.init, jax.random.key(0))
      >>> jax.eval_shape(network.apply, params, model_state, jnp.ones((3, 16)))[0].shape
      (3, 8, 8, 1)
    """

    image_shape: Sequence[int]
    style_size: int = 512
    mapping_layers: int = 8
    channel_base: int = 16384
    channel_max: int = 512
    mixing: float = 0.9
    truncation: float = 1.0
    noise: bool = True
    dtype: jnp.dtype = jnp.float32
    n_classes: int = 0
    bilinear: bool = False

    def setup(self) -> None:
        self.mapping = Mapping(self.style_size, self.mapping_layers, self.n_classes)
        sizes = self.image_shape, self.channel_base, self.channel_max
        self.synthesis = Synthesis(*sizes, self.noise, self.dtype, self.bilinear)
        self.average = self.variable("averages", "w", jnp.zeros, (self.style_size,))

    @property
    def layers(self) -> int:
        """The number of styles of an image: two a level; the image of the last level has the last one."""
        return 2 * pyramid.levels(self.image_shape, OWNER)[0] + 2

    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]`, and labels `[B]` of classes, to `[B, height, width, channels]` float32, about in [0, 1]."""
        styles = self.styles(z, labels, train=train, axis_name=axis_name)
        return (self.images(styles, train=train, axis_name=axis_name) + 1) / 2

    def styles(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b layers style"]:
        """Maps the same inputs to the style of each layer, mixed in training and truncated otherwise."""
        w, average = self.mapping(z, labels), self.average.value
        if train and self.is_mutable_collection("averages"):
            new = global_mean(jax.lax.stop_gradient(w), axis=0, axis_name=axis_name)
            self.average.value = average + (1 - AVERAGE_DECAY) * (new - average)
        if train and self.mixing:
            return self._mixed(z, labels, w, axis_name)
        if not train and self.truncation != 1:
            w = average[None] + self.truncation * (w - average[None])
        return jnp.broadcast_to(w[:, None], (w.shape[0], self.layers, self.style_size))

    def images(
        self,
        styles: Float[jax.Array, "b layers style"],
        changes: Changes = (),
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps styles to images in about [-1, 1], the units of the published networks.

        `changes` act on the outputs of the first convolutions of the levels from 1 on, as many as there are.
        """
        return self.synthesis(styles, changes, train=train, axis_name=axis_name)

    def _mixed(self, z: jax.Array, labels: jax.Array | None, w: jax.Array, axis_name: str | None) -> jax.Array:
        def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            z_key, coin_key, place_key = jax.random.split(key, 3)
            place = jax.random.randint(place_key, (), 1, self.layers)
            first = jnp.where(jax.random.uniform(coin_key) < self.mixing, place, self.layers)
            return jax.random.normal(z_key, z.shape[1:]), first

        keys = rng.example_keys(self.make_rng("mixing"), len(z), axis_name)
        others, first = jax.vmap(draw)(keys)
        own = jnp.arange(self.layers)[None] < first[:, None]
        return jnp.where(own[:, :, None], w[:, None], self.mapping(others, labels)[:, None])


AVERAGE_DECAY = 0.995
"""The decay of the moving average of the styles, per batch."""
