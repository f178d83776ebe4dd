"""DCGAN's networks with spectral normalisation and self-attention: SAGAN as heykeetae/Self-Attention-GAN builds it."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.attention import SelfAttention
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed
from jgan.networks.spectral import applied

ATTENTIVE = 2
"""the last hidden layers of each network, whose maps have self-attention"""


def _attention(index: int, pooled: bool, dtype: jnp.dtype) -> SelfAttention:
    return SelfAttention(
        pooled=pooled, value_divisor=1, projected=False, use_bias=True, spectral=False, dtype=dtype, name=f"attention_{index}"
    )


class AttentionDCGANGenerator(nn.Module):
    """Maps latents to images in [0, 1] through transposed convolutions with spectral and batch normalisation.

    A linear layer makes a small image (see `jgan.networks.dcgan.stages`), and each stage doubles its sides and halves its
    channels, down to `width`; all with spectral normalisation, batch normalisation and ReLU. Self-attention follows the last
    two. A transposed convolution without normalisation and `(tanh + 1) / 2` make the image. For 128 latents and 64x64x3 images
    it has 3,832,885 parameters, as the published code.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      width: the channels before the last layer.
      pooled: whether the attention's keys and values are pooled; they are not in the published code.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.AttentionDCGANGenerator((64, 64, 3)), (128,))
      >>> params, _ = jax.eval_shape(network.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      3832885

    References:
      Zhang et al., "Self-Attention Generative Adversarial Networks" (2019), https://arxiv.org/abs/1805.08318;
      https://github.com/heykeetae/Self-Attention-GAN
    """

    image_shape: Sequence[int]
    width: int = 64
    pooled: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape, "SAGAN")
        channels = [self.width << (count - 1 - index) for index in range(count)]

        def hidden(h: jax.Array, index: int) -> jax.Array:
            h = nn.relu(BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name))
            return _attention(index, self.pooled, self.dtype)(h) if index >= count - ATTENTIVE else h

        project = nn.Dense(base[0] * base[1] * channels[0], use_bias=False, dtype=self.dtype, name="project")
        h = applied(project, z, spectral=True, train=train).reshape(-1, *base, channels[0])
        # A bias for each channel, as a transposed convolution of 1x1 maps has it.
        bias = self.param("bias", nn.initializers.zeros, (channels[0],))
        h = hidden(h + bias.astype(self.dtype).reshape(1, 1, 1, -1), 0)
        for index in range(1, count):
            up = ConvTranspose(channels[index], 4, stride=2, dtype=self.dtype, name=f"up_{index}")
            h = hidden(applied(up, h, spectral=True, train=train), index)
        return tanh_to_unit(ConvTranspose(self.image_shape[-1], 4, stride=2, dtype=self.dtype, name="output")(h))


class AttentionDCGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit through convolutions with spectral normalisation.

    Each stage halves the sides (4x4, stride 2; LeakyReLU of slope 0.1). The first has `width` channels, and each later one
    twice as many as the one before. Self-attention follows the last two; a linear layer without normalisation makes the logit.
    For 64x64x3 images it has 3,175,299 parameters, as the published code.

    Attributes:
      width: the channels after the first stage.
      pooled: whether the attention's keys and values are pooled; they are not in the published code.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.AttentionDCGANDiscriminator(), (64, 64, 3))
      >>> params, _ = jax.eval_shape(network.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      3175299

    References:
      Zhang et al. (2019), https://arxiv.org/abs/1805.08318; https://github.com/heykeetae/Self-Attention-GAN
    """

    width: int = 64
    pooled: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"], *, train: bool = False) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        count, _ = stages(x.shape[1:], "SAGAN")
        h = to_signed(x, self.dtype)
        for index in range(count):
            down = Conv(self.width << index, 4, stride=2, dtype=self.dtype, name=f"down_{index}")
            h = nn.leaky_relu(applied(down, h, spectral=True, train=train), 0.1)
            if index >= count - ATTENTIVE:
                h = _attention(index, self.pooled, self.dtype)(h)
        return nn.Dense(1, dtype=self.dtype, name="output")(h.reshape(len(h), -1))[:, 0].astype(jnp.float32)
