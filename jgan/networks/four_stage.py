"""DCGAN with four stages and biases, for images of any size: the networks of VEEGAN's and PacGAN's test on stacked MNIST."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed

STAGES, KERNEL = 4, 5

_INIT = normal(0.02)


def _halved(side: int, times: int) -> int:
    """A side halved and rounded up some times."""
    return -(-side >> times)


class FourStageGenerator(nn.Module):
    """Maps latents to images in [0, 1] through four 5x5 transposed convolutions of stride 2.

    The sides of the image are halved and rounded up four times; from there a linear layer starts, with `8 width` channels. Each
    stage doubles the sides, crops what is too much and halves the channels. All layers have biases, all but the last batch
    normalisation and ReLU. The output is `(tanh + 1) / 2`. For 28x28x3 images and 100 latents it has 4,514,819 parameters: the
    stages are 2x2, 4x4, 7x7, 14x14 and 28x28.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      width: the channels before the last stage.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FourStageGenerator((9, 12, 1), width=2), (5,))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 5)))[0], jax.random.key(0)).shape
      (3, 9, 12, 1)

    References:
      Srivastava et al., "VEEGAN" (2017), https://arxiv.org/abs/1705.07761; Lin et al., "PacGAN" (2018),
      https://arxiv.org/abs/1712.04086, and its code, fjxmlzn/PacGAN
    """

    image_shape: Sequence[int]
    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        height, width, channels = self.image_shape
        sides = [(_halved(height, index), _halved(width, index)) for index in range(STAGES)]
        base = _halved(height, STAGES), _halved(width, STAGES)

        def hidden(h: jax.Array, index: int) -> jax.Array:
            return nn.relu(BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name))

        features = self.width << (STAGES - 1)
        project = nn.Dense(base[0] * base[1] * features, kernel_init=_INIT, dtype=self.dtype, name="project")
        h = hidden(project(z.astype(self.dtype)).reshape(-1, *base, features), 0)
        for index in range(1, STAGES):
            rows, columns = sides[STAGES - index]
            up = ConvTranspose(features >> index, KERNEL, 2, kernel_init=_INIT, dtype=self.dtype, name=f"up_{index}")
            h = hidden(up(h)[:, :rows, :columns], index)
        image = ConvTranspose(channels, KERNEL, 2, kernel_init=_INIT, dtype=self.dtype, name="output")(h)
        return tanh_to_unit(image[:, :height, :width])


class FourStageDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit through four 5x5 convolutions of stride 2, for images of any size.

    The convolutions have `width`, 2, 4 and 8 times as many channels, all but the first batch normalisation, and leaky ReLUs of
    slope 0.2; a linear layer makes the logit. All layers have biases. The image is scaled to [-1, 1] first. It has 4,310,401
    parameters for 28x28x3 images, and 4,333,441 for LSGAN's of 112x112.

    Attributes:
      width: the channels of the first convolution.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FourStageDiscriminator(width=2), (9, 12, 1))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 9, 12, 1)))[0], jax.random.key(0)).shape
      (3,)

    References:
      As for `FourStageGenerator`; Mao et al., "Least Squares Generative Adversarial Networks" (2017),
      https://arxiv.org/abs/1611.04076
    """

    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        h = to_signed(x, self.dtype)
        for index in range(STAGES):
            h = Conv(self.width << index, KERNEL, 2, kernel_init=_INIT, dtype=self.dtype, name=f"down_{index}")(h)
            if index > 0:
                h = BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name)
            h = nn.leaky_relu(h, 0.2)
        output = nn.Dense(1, kernel_init=_INIT, dtype=self.dtype, name="output")
        return output(h.reshape(len(h), -1))[:, 0].astype(jnp.float32)
