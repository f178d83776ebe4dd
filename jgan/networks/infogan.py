"""The networks of InfoGAN: a discriminator whose trunk also reads the latent codes off the image."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm


class InfoGANGenerator(nn.Module):
    """Maps latents to images in [0, 1] through two linear layers and 4x4 transposed convolutions.

    All layers but the last have batch normalisation (of each unit, for the linear ones) and a ReLU; the output is a sigmoid.
    For 28x28 images and 74 latents it has 6,652,481 parameters, as the authors' network.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      width: the channels before the last stage; each earlier stage has twice as many.
      units: those of the first linear layer.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.InfoGANGenerator((8, 8, 1), width=4, units=8), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape
      (3, 8, 8, 1)

    References:
      Chen et al., "InfoGAN" (2016), appendix, https://arxiv.org/abs/1606.03657; the authors' code, openai/InfoGAN.
    """

    image_shape: Sequence[int]
    width: int = 64
    units: int = 1024
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape, "InfoGAN")
        shared: dict[str, Any] = {"kernel_init": normal(0.02), "dtype": self.dtype}

        def hidden(h: jax.Array, index: int) -> jax.Array:
            return nn.relu(BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name))

        channels = self.width << (count - 1)
        h = hidden(nn.Dense(self.units, **shared, name="latent")(z), 0)
        h = hidden(nn.Dense(base[0] * base[1] * channels, **shared, name="project")(h), 1).reshape(-1, *base, channels)
        for index in range(1, count):
            up = ConvTranspose(self.width << (count - 1 - index), 4, stride=2, **shared, name=f"up_{index}")
            h = hidden(up(h), index + 1)
        image = ConvTranspose(self.image_shape[-1], 4, stride=2, **shared, name="output")(h)
        return nn.sigmoid(image.astype(jnp.float32))


class InfoGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit, and to the parameters of the distribution Q of the latent codes.

    4x4 convolutions of stride 2, the first of `width` channels, each later one of twice as many, and a linear layer are shared;
    the logit is a linear function of it, Q a network with one hidden layer. All hidden layers but the first have batch
    normalisation; the activation is leaky ReLU. For 28x28 images and 12 outputs of Q it has 6,692,173 parameters, as the
    authors' networks.

    Attributes:
      outputs: the number of outputs of Q.
      width: the channels of the first convolution.
      units: those of the shared linear layer.
      code_units: those of Q's hidden layer.
      slope: that of the leaky ReLU: 0.01 in the authors' code, 0.1 in the paper.
      dtype: the dtype of the computation; the outputs are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> module = networks.InfoGANDiscriminator(outputs=12, width=4, units=8, code_units=4)
      >>> network = networks.from_module(module, (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> logits, codes = network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0]
      >>> logits.shape, codes.shape
      ((3,), (3, 12))

    References:
      Chen et al. (2016), appendix, https://arxiv.org/abs/1606.03657; the authors' code, openai/InfoGAN.
    """

    outputs: int
    width: int = 64
    units: int = 1024
    code_units: int = 128
    slope: float = 0.01
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> tuple[Float32[jax.Array, " b"], Float32[jax.Array, "b outputs"]]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits and `[B, outputs]` float32."""
        count, _ = stages(x.shape[1:], "InfoGAN")
        shared: dict[str, Any] = {"kernel_init": normal(0.02), "dtype": self.dtype}

        def hidden(h: jax.Array, name: str) -> jax.Array:
            norm = BatchNorm(dtype=self.dtype, name=f"norm_{name}")
            return nn.leaky_relu(norm(h, train=train, axis_name=axis_name), self.slope)

        h = x.astype(self.dtype)
        for index in range(count):
            h = Conv(self.width << index, 4, stride=2, **shared, name=f"down_{index}")(h)
            h = hidden(h, str(index)) if index else nn.leaky_relu(h, self.slope)
        h = hidden(nn.Dense(self.units, **shared, name="trunk")(h.reshape(len(h), -1)), "trunk")
        logits = nn.Dense(1, **shared, name="output")(h)[:, 0].astype(jnp.float32)
        q = hidden(nn.Dense(self.code_units, **shared, name="codes")(h), "codes")
        return logits, nn.Dense(self.outputs, **shared, name="codes_output")(q).astype(jnp.float32)
