"""The small networks of Unrolled GAN's test of mode coverage: 28x28 images, a discriminator weaker than the generator."""

import flax.linen as nn
import jax
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit


class UnrolledGenerator(nn.Module):
    """Maps latents to 28x28 images in [0, 1] through three transposed convolutions with batch normalisation.

    A linear layer makes 64 maps of 4x4. The transposed convolutions (3x3, stride 2) make 32, 16 and 8 maps of 7x7, 14x14 and
    28x28; each has batch normalisation and ReLU. A 3x3 convolution and `(tanh + 1) / 2` make the image. For 256 latents and
    3 channels it has 287,875 parameters, as published.

    Attributes:
      channels: those of the images.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.UnrolledGenerator(), (256,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      287875
      >>> network.apply(params, model_state, jnp.zeros((2, 256)))[0].shape
      (2, 28, 28, 3)

    References:
      Metz et al., "Unrolled Generative Adversarial Networks" (2017), appendix, https://arxiv.org/abs/1611.02163
    """

    channels: int = 3

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b 28 28 channels"]:
        """Maps `[B, latent_size]` to `[B, 28, 28, channels]` float32 in [0, 1]."""

        def hidden(h: jax.Array, index: int) -> jax.Array:
            return nn.relu(BatchNorm(name=f"norm_{index}")(h, train=train, axis_name=axis_name))

        h = hidden(nn.Dense(4 * 4 * 64, kernel_init=normal(0.02), name="project")(z).reshape(-1, 4, 4, 64), 0)
        for index, (features, uneven) in enumerate(((32, 0), (16, 1), (8, 1))):
            up = ConvTranspose(
                features, 3, stride=2, padding=1, output_padding=uneven, kernel_init=normal(0.02), name=f"up_{index}"
            )
            h = hidden(up(h), index + 1)  # 4 -> 7 -> 14 -> 28
        return tanh_to_unit(Conv(self.channels, 3, kernel_init=normal(0.02), name="output")(h))


class UnrolledDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit through three 3x3 convolutions of stride 2.

    The convolutions have `width`, 2 `width` and 4 `width` maps, batch normalisation and LeakyReLU of slope 0.3. For 28x28x3
    images it has 1,889 parameters with the published width of 4, half of the generator's, and 585 with 2, a quarter.

    Attributes:
      width: the maps of the first convolution.
      batch_norm: whether the convolutions have batch normalisation. Without it each logit depends on its own image alone, as
        penalties on input gradients need; the kernels then start with the variance `2 / fan_in`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.UnrolledDiscriminator(), (28, 28, 3))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      1889

    References:
      Metz et al., "Unrolled Generative Adversarial Networks" (2017), appendix, https://arxiv.org/abs/1611.02163
    """

    width: int = 4
    batch_norm: bool = True

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        init = normal(0.02) if self.batch_norm else nn.initializers.he_normal()
        h = 2 * x - 1
        for index in range(3):
            h = Conv(self.width << index, 3, stride=2, kernel_init=init, name=f"down_{index}")(h)
            if self.batch_norm:
                h = BatchNorm(name=f"norm_{index}")(h, train=train, axis_name=axis_name)
            h = nn.leaky_relu(h, 0.3)
        return nn.Dense(1, kernel_init=init, name="output")(h.reshape(h.shape[0], -1))[:, 0]
