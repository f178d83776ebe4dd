"""The plain convolutional networks of SN-GAN, for images of many sizes."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed
from jgan.networks.spectral import applied

_INIT = normal(0.02)


class SNGANGenerator(nn.Module):
    """Maps latents to images in [0, 1] through transposed convolutions with batch normalisation.

    A linear layer makes a small image (see `jgan.networks.dcgan.stages`), each stage doubles its sides and halves its channels
    (4x4 kernels, stride 2) down to `width`, and a 3x3 convolution makes the image; all have biases. The output is
    `(tanh + 1) / 2`: the tanh of the paper, in the units of this library's images.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      width: the channels of the last stage.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SNGANGenerator((8, 8, 1), width=4), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape
      (3, 8, 8, 1)

    References:
      Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018), table 3,
      https://arxiv.org/abs/1802.05957
    """

    image_shape: Sequence[int]
    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape, "SN-GAN")

        def hidden(h: jax.Array, index: int) -> jax.Array:
            return nn.relu(BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name))

        channels = self.width << count
        project = nn.Dense(base[0] * base[1] * channels, kernel_init=_INIT, dtype=self.dtype, name="project")
        h = hidden(project(z.astype(self.dtype)).reshape(-1, *base, channels), 0)
        for index in range(1, count + 1):
            channels = self.width << (count - index)
            up = ConvTranspose(channels, 4, stride=2, padding=1, kernel_init=_INIT, dtype=self.dtype, name=f"up_{index}")
            h = hidden(up(h), index)
        image = Conv(self.image_shape[-1], 3, kernel_init=_INIT, dtype=self.dtype, name="output")(h)
        return tanh_to_unit(image)


class SNGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit through convolutions with spectral normalisation.

    Each stage is a 3x3 convolution of stride 1 and a 4x4 one of stride 2 that halves the sides; a last 3x3 convolution and a
    linear layer follow. All have biases and spectral normalisation; the activation is leaky ReLU of slope 0.1. The first
    convolution has `width` channels, the last `2**stages` times as many. The image is scaled to [-1, 1] first.

    Attributes:
      width: the channels of the first convolution.
      early: whether the channels double in a stage's convolution of stride 2, as in pytorch-gan-collections, which doubles the
        parameters; if not, in the convolution after it, as in the paper.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SNGANDiscriminator(width=4), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3,)

    References:
      Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018), table 3,
      https://arxiv.org/abs/1802.05957
    """

    width: int = 64
    early: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"], *, train: bool = False) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        count, _ = stages(x.shape[1:], "SN-GAN")

        def hidden(h: jax.Array, features: int, size: int, stride: int, name: str) -> jax.Array:
            layer = Conv(features, size, stride, padding=1, kernel_init=_INIT, dtype=self.dtype, name=name)
            return nn.leaky_relu(applied(layer, h, spectral=True, train=train), 0.1)

        h = to_signed(x, self.dtype)
        for index in range(count):
            h = hidden(h, self.width << index, 3, 1, f"conv_{index}")
            h = hidden(h, self.width << (index + 1 if self.early else index), 4, 2, f"down_{index}")
        h = hidden(h, self.width << count, 3, 1, f"conv_{count}")
        last = nn.Dense(1, kernel_init=_INIT, dtype=self.dtype, name="output")
        return applied(last, h.reshape(len(h), -1), spectral=True, train=train)[:, 0].astype(jnp.float32)
