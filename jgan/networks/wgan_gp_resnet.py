"""The residual critic of WGAN-GP for 64x64 images, with layer normalisation."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.dcgan import stages
from jgan.networks.layers import glorot_uniform
from jgan.networks.ranges import to_signed
from jgan.networks.residual import ResidualBlock


def channels(image_shape: Sequence[int], width: int = 64) -> tuple[int, ...]:
    """The channels of the generator for images of a size; those of the critic are the reverse.

    Args:
      image_shape: `(height, width, channels)`; see `jgan.networks.dcgan.stages` for the sizes that fit.
      width: the channels of the largest maps.

    Returns:
      Those of the smallest map and of each block: twice as many at half the sides, at most eight times `width`.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import wgan_gp_resnet
      >>> wgan_gp_resnet.channels((64, 64, 3))
      (512, 512, 256, 128, 64)
    """
    count, _ = stages(image_shape, "the residual WGAN-GP")
    return tuple(width * min(1 << index, 8) for index in reversed(range(count + 1)))


class LayerNormCritic(nn.Module):
    """Maps an image in [0, 1] to one number: a 3x3 convolution, residual blocks with layer normalisation, a linear layer.

    Each block halves the sides; its hidden channels are those of its input, and its first convolution has no bias. Nothing
    depends on other images of the batch, as the gradient penalty needs. The image is scaled to [-1, 1] first. For 64x64x3
    images it has 7,491,841 parameters; the generator, a `ResidualGenerator` of the same channels, 8,540,483.

    Attributes:
      channels: those of the first convolution and of each block: `channels` of this module in reverse.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.LayerNormCritic((2, 4, 4)), (8, 8, 1))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 8, 8, 1)))[0], jax.random.key(0)).shape
      (3,)

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), https://arxiv.org/abs/1704.00028, and its code,
      https://github.com/igul222/improved_wgan_training, `gan_64x64.py`
    """

    channels: Sequence[int]
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"], *, train: bool = False) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32."""
        h = to_signed(x, self.dtype)
        h = Conv(self.channels[0], 3, kernel_init=glorot_uniform(), dtype=self.dtype, name="input")(h)
        for index, features in enumerate(self.channels[1:], 1):
            block = ResidualBlock(
                features,
                "down",
                hidden=h.shape[-1],
                layer_norm=True,
                first_bias=False,
                dtype=self.dtype,
                name=f"block_{index}",
            )
            h = block(h, train=train)
        output = nn.Dense(1, kernel_init=glorot_uniform(), name="output")
        return output(h.astype(jnp.float32).reshape(len(h), -1))[:, 0]
