"""The discriminator of StyleGAN2: residual blocks behind low-pass filters.

References:
  Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), https://arxiv.org/abs/1912.04958
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks import pyramid, resample
from jgan.networks.equalised import EqualisedConv, EqualisedDense, leaky
from jgan.networks.minibatch_std import minibatch_std
from jgan.networks.stylegan2 import OWNER, Mapping, width


class StyleGAN2Discriminator(nn.Module):
    """Maps images in [0, 1] to one logit.

    A 1x1 convolution reads the image; at each level two 3x3 convolutions, the second of stride 2 behind a low-pass filter, lead
    to the level below, with a linear shortcut; at the base the minibatch standard deviation, a convolution and two linear
    layers. With labels the logit is the inner product of the features and the image's class, mapped by `Mapping`, over the root
    of their number.

    Attributes:
      channel_base: the channels of a level are this number divided by its side ...
      channel_max: ... but not more than this.
      residual: whether there are shortcuts (`resnet`; the published configuration `cifar` has none, `orig`).
      group: the examples in a group of the minibatch standard deviation; 0 for the whole batch.
      dtype: the dtype of the computation; the logits are float32.
      n_classes: the number of classes; 0 without labels.
      mapping_layers: the layers of the mapping of labels.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.StyleGAN2Discriminator(channel_base=64), (8, 8, 1))
      >>> params, model_state = jax.eval_shape(network.init, jax.random.key(0))
      >>> jax.eval_shape(network.apply, params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3,)
    """

    channel_base: int = 16384
    channel_max: int = 512
    residual: bool = True
    group: int = 4
    dtype: jnp.dtype = jnp.float32
    n_classes: int = 0
    mapping_layers: int = 8

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], labels: Int[jax.Array, "b ..."] | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]`, and labels `[B]` if there are classes, to `[B]` float32 logits."""
        top, _ = pyramid.levels(x.shape[1:], OWNER)
        h = leaky(self._conv(top, "image", 1)(2 * x - 1))
        for level in range(top, 0, -1):
            h = self._block(h, level)
        h = leaky(self._conv(0, "conv_0")(minibatch_std(h, self.group)))
        features = width(0, self.channel_base, self.channel_max)
        h = leaky(EqualisedDense(features, dtype=self.dtype, name="hidden")(h.reshape(len(h), -1)))
        output = EqualisedDense(features if self.n_classes else 1, dtype=self.dtype, name="output")(h).astype(jnp.float32)
        if not self.n_classes:
            return output[:, 0]
        classes = Mapping(features, self.mapping_layers, self.n_classes, name="mapping")(None, labels)
        return jnp.sum(output * classes, axis=1) / math.sqrt(features)

    def _conv(self, level: int, name: str, size: int = 3, **options) -> EqualisedConv:
        return EqualisedConv(width(level, self.channel_base, self.channel_max), size, dtype=self.dtype, name=name, **options)

    def _block(self, x: jax.Array, level: int) -> jax.Array:
        """Halves the sides."""
        h = leaky(self._conv(level, f"conv_{level}_0")(x))
        last = self._conv(level - 1, f"conv_{level}_1", stride=2, padding=0)
        if not self.residual:
            return leaky(last(resample.filtered(h, padding=(2, 2))))
        return residual_down(x, h, last, self._conv(level - 1, f"shortcut_{level}", 1, use_bias=False))


def residual_down(
    x: jax.Array, h: jax.Array, last: Callable[[jax.Array], jax.Array], shortcut: Callable[[jax.Array], jax.Array]
) -> jax.Array:
    """The end of a residual block that halves the sides: both paths low-pass filtered, their sum divided by sqrt 2.

    Args:
      x: `[B, h, w, inputs]`, the input of the block.
      h: `[B, h, w, inputs]`, the output of its first convolution.
      last: its second convolution, of stride 2 and without padding.
      shortcut: its 1x1 convolution.

    Returns:
      `[B, h / 2, w / 2, outputs]`.
    """
    h = leaky(last(resample.filtered(h, padding=(2, 2))), 1.0)  # without the gain of sqrt 2, which the division takes away
    return h + shortcut(resample.downsample(x)) * math.sqrt(0.5)
