"""The networks of GFP-GAN: a U-Net that steers a trained StyleGAN2, and the discriminator of a part of a face.

The U-Net reads a degraded image. Its innermost features become a style for each layer of the prior, and its features on the way
up a scale and a shift for each level, which change half of the prior's channels there. Its own images of all levels serve the
pyramid loss alone.

References:
  Wang et al., "Towards Real-World Blind Face Restoration with Generative Facial Prior" (2021),
  https://arxiv.org/abs/2101.04061, and the authors' code, https://github.com/TencentARC/GFPGAN
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks import pyramid, resample
from jgan.networks.conv_layers import Conv
from jgan.networks.equalised import EqualisedConv, EqualisedDense, leaky
from jgan.networks.layers import symmetric_uniform
from jgan.networks.projected import FROZEN
from jgan.networks.stylegan2 import Changes, width
from jgan.networks.stylegan2_discriminator import residual_down
from jgan.types import Key, Network, PyTree

OWNER = "GFP-GAN"


class Steering(NamedTuple):
    """What the U-Net makes of a degraded image.

    Attributes:
      styles: `[B, layers, style]`, one style for each layer of the prior; None without style head.
      changes: a pair of scale and shift `[B, h, w, part]` for each level from 1 on; `()` without these heads.
      images: an image `[B, h, w, channels]` in [0, 1], about, for each level from 1 on.
    """

    styles: Any
    changes: Changes
    images: Sequence[jax.Array]


class Restored(NamedTuple):
    """A restored image.

    Attributes:
      image: `[B, height, width, channels]`, about in [0, 1].
      pyramid: the U-Net's images of all levels from 1 on.
    """

    image: jax.Array
    pyramid: Sequence[jax.Array]


class RestorationUNet(nn.Module):
    """Maps degraded images in [0, 1] to the styles and the changes of a StyleGAN2 prior, and to images of all levels.

    A 1x1 convolution, residual blocks down to the base of 4 to 7 pixels a side, a convolution, and residual blocks up again;
    before each, the features of the same size on the way down are added. The widths are half of the prior's.

    Attributes:
      image_shape: `(height, width, channels)`; see `pyramid.levels` for the sizes that fit.
      style_size: the dimension of the prior's styles; 0 for no styles.
      channel_base: the prior's channels of a level are this number divided by its side ...
      channel_max: ... but not more than this.
      changes: whether there are scales and shifts. Scales start near 1, shifts near 0.
      clean: whether the layers are plain convolutions and bilinear resizing, as in the released models 1.2 to 1.4, initialised
        as in PyTorch; otherwise those of StyleGAN2: equalised, behind low-pass filters on the way down, with gains of sqrt 2.
      dtype: the dtype of the convolutions; styles and images are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.RestorationUNet((8, 8, 1), 16, channel_base=64), (8, 8, 1))
      >>> params, model_state = jax.eval_shape(network.init, jax.random.key(0))
      >>> made, _ = jax.eval_shape(network.apply, params, model_state, jnp.ones((3, 8, 8, 1)))
      >>> made.styles.shape, [scale.shape for scale, _ in made.changes], [image.shape for image in made.images]
      ((3, 4, 16), [(3, 8, 8, 4)], [(3, 8, 8, 1)])
    """

    image_shape: Sequence[int]
    style_size: int = 512
    channel_base: int = 16384
    channel_max: int = 512
    changes: bool = True
    clean: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Steering:
        """Maps `[B, height, width, channels]` in [0, 1] to a `Steering`."""
        top, _ = pyramid.levels(self.image_shape, OWNER)
        h = self._active(self._conv(self._width(top), "image", 1)(2 * x - 1))
        skips = []
        for level in range(top, 0, -1):
            h = self._down(h, level)
            skips.append(h)
        h = self._active(self._conv(self._width(0), "inner")(h))
        styles = self._styles(h, 2 * top + 2) if self.style_size else None
        changes, images = [], []
        for level in range(1, top + 1):
            h = self._up(h + skips.pop(), level)
            if self.changes:
                changes.append((self._head(h, f"scale_{level}", 1.0), self._head(h, f"shift_{level}", 0.0)))
            image = self._conv(self.image_shape[-1], f"image_{level}", 1)(h)
            images.append((image.astype(jnp.float32) + 1) / 2)
        return Steering(styles, tuple(changes), tuple(images))

    def _width(self, level: int) -> int:
        return max(1, width(level, self.channel_base, self.channel_max) // 2)

    def _active(self, h: jax.Array) -> jax.Array:
        return leaky(h, 1.0 if self.clean else math.sqrt(2))

    def _conv(self, features: int, name: str, size: int = 3, bias: float = 0.0, **options: Any) -> nn.Module:
        if not self.clean:
            return EqualisedConv(features, size, bias=bias, dtype=self.dtype, name=name, **options)
        return _TorchConv(features, size, dtype=self.dtype, name=name, **options)

    def _down(self, x: jax.Array, level: int) -> jax.Array:
        inputs, outputs = self._width(level), self._width(level - 1)
        h = self._active(self._conv(inputs, f"down_{level}_0")(x))
        shortcut = self._conv(outputs, f"down_{level}_shortcut", 1, use_bias=False)
        if self.clean:
            h = self._active(self._conv(outputs, f"down_{level}_1")(resample.average_pool(h)))
            return h + shortcut(resample.average_pool(x))
        return residual_down(x, h, self._conv(outputs, f"down_{level}_1", stride=2, padding=0), shortcut)

    def _up(self, x: jax.Array, level: int) -> jax.Array:
        inputs, outputs = self._width(level - 1), self._width(level)
        h = self._active(self._conv(inputs, f"up_{level}_0")(x))
        h = self._active(self._conv(outputs, f"up_{level}_1")(resample.bilinear(h, 2)))
        # A 1x1 convolution before the enlargement is the same map as behind it, at a quarter of the cost.
        sum = h + resample.bilinear(self._conv(outputs, f"up_{level}_shortcut", 1, use_bias=False)(x), 2)
        return sum if self.clean else sum * math.sqrt(0.5)

    def _styles(self, h: jax.Array, layers: int) -> jax.Array:
        flat, features = h.reshape(h.shape[0], -1).astype(jnp.float32), layers * self.style_size
        if self.clean:
            init = symmetric_uniform(1 / math.sqrt(flat.shape[1]))
            styles = nn.Dense(features, kernel_init=init, bias_init=init, name="styles")(flat)
        else:
            styles = EqualisedDense(features, name="styles")(flat)
        return styles.reshape(h.shape[0], layers, self.style_size)

    def _head(self, h: jax.Array, name: str, bias: float) -> jax.Array:
        h = leaky(self._conv(h.shape[-1], f"{name}_0")(h), 1.0 if self.clean else math.sqrt(2))
        return self._conv(h.shape[-1], f"{name}_1", bias=bias)(h)


class _TorchConv(nn.Module):
    """A convolution with weights and biases from U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)), PyTorch's default."""

    features: int
    kernel_size: int
    use_bias: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        init = symmetric_uniform(1 / math.sqrt(self.kernel_size**2 * x.shape[-1]))
        options: dict[str, Any] = {"kernel_init": init, "bias_init": init, "use_bias": self.use_bias, "dtype": self.dtype}
        layer = Conv(self.features, self.kernel_size, **options)
        nn.share_scope(self, layer)
        return layer(x)


def guided(unet: Network, prior: Network, whole: Network) -> Network:
    """The restorer: the U-Net's styles and changes, given to a frozen prior.

    The prior's variables are the collection `frozen` of `model_state`, which no optimiser and no average changes (give the
    average the statistics `"latest"`). Its noise is new for each image in training, and fixed otherwise.

    Args:
      unet: the network of a `RestorationUNet`, whose parameters are those of the result.
      prior: the method `images` of the prior: its inputs are the styles and, if the U-Net has them, the changes.
      whole: the prior itself, of the same parameters; only its `init` is used.

    Returns:
      The `Network`: degraded images in [0, 1] to a `Restored`.

    Example:
      See `jgan.models.gfpgan`.
    """

    def init(key: Key) -> tuple[PyTree, PyTree]:
        own, other = jax.random.split(key)
        params, model_state = whole.init(other)
        return unet.init(own)[0], {FROZEN: {"params": params, "state": model_state}}

    def apply(
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Restored, PyTree]:
        made, _ = unet.apply(params, {}, *inputs)
        given = (made.styles, made.changes) if made.changes else (made.styles,)
        frozen = model_state[FROZEN]
        image, _ = prior.apply(frozen["params"], frozen["state"], *given, key=key, train=train, axis_name=axis_name)
        return Restored((image + 1) / 2, made.images), model_state

    return Network(init, apply)


def unguided(unet: Network) -> Network:
    """The U-Net alone: its largest image is the restored one.

    Args:
      unet: the network of a `RestorationUNet` without styles and changes.

    Returns:
      The `Network`: degraded images in [0, 1] to a `Restored`.

    Example:
      See `jgan.models.gfpgan`.
    """

    def apply(params: PyTree, model_state: PyTree, *inputs: Any, **options: Any) -> tuple[Restored, PyTree]:
        made, model_state = unet.apply(params, model_state, *inputs, **options)
        return Restored(made.images[-1], made.images), model_state

    return Network(unet.init, apply)


class ComponentDiscriminator(nn.Module):
    """Maps a part of a face, such as an eye, to the logits of patches, and to features of two depths.

    Attributes:
      width: the channels of the first convolution; the later ones have 2, 2, 4 and 4 times as many.
      dtype: the dtype of the computation; logits and features are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ComponentDiscriminator(), (80, 80, 3))
      >>> params, model_state = jax.eval_shape(network.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      1110785
      >>> logits, features = jax.eval_shape(network.apply, params, model_state, jnp.zeros((3, 80, 80, 3)))[0]
      >>> logits.shape, [each.shape for each in features]
      ((3, 20, 20), [(3, 40, 40, 128), (3, 20, 20, 256)])
    """

    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"]
    ) -> tuple[Float32[jax.Array, "b rows columns"], tuple[jax.Array, jax.Array]]:
        """Maps `[B, height, width, channels]` in [0, 1] to `(logits [B, h / 4, w / 4], (features, features))`."""
        h = self._conv(2 * x - 1, self.width, "conv_0")
        h = self._conv(self._conv(h, 2 * self.width, "conv_1", down=True), 2 * self.width, "conv_2")
        deeper = self._conv(self._conv(h, 4 * self.width, "conv_3", down=True), 4 * self.width, "conv_4")
        logits = EqualisedConv(1, dtype=self.dtype, name="output")(deeper)[..., 0]
        return logits.astype(jnp.float32), (h.astype(jnp.float32), deeper.astype(jnp.float32))

    def _conv(self, x: jax.Array, features: int, name: str, down: bool = False) -> jax.Array:
        if not down:
            return leaky(EqualisedConv(features, dtype=self.dtype, name=name)(x))
        x = resample.filtered(x, padding=(2, 2))
        return leaky(EqualisedConv(features, stride=2, padding=0, dtype=self.dtype, name=name)(x))
