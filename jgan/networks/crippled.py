"""The small networks of ProGAN's test of mode coverage: 32x32 images, a discriminator far weaker than the generator."""

import flax.linen as nn
import jax
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit
from jgan.networks.resample import average_pool, nearest


class CrippledGenerator(nn.Module):
    """Maps latents to 32x32 images in [0, 1] by enlarging 64 maps of 4x4 three times.

    A linear layer makes the maps; nearest neighbours and 3x3 convolutions make 32, 16 and 8 maps of 8x8, 16x16 and 32x32, none
    with a bias, each with batch normalisation and LeakyReLU of slope 0.2. A 3x3 convolution and `(tanh + 1) / 2` make the
    image. For 64 latents and 3 channels it has 90,187 parameters.

    Attributes:
      channels: those of the images.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.CrippledGenerator(), (64,))
      >>> params, _ = jax.eval_shape(network.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      90187

    References:
      Karras et al., "Progressive Growing of GANs" (2018), appendix on discrete modes, https://arxiv.org/abs/1710.10196
    """

    channels: int = 3

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b 32 32 channels"]:
        """Maps `[B, latent_size]` to `[B, 32, 32, channels]` float32 in [0, 1]."""

        def hidden(h: jax.Array, index: int) -> jax.Array:
            return nn.leaky_relu(BatchNorm(name=f"norm_{index}")(h, train=train, axis_name=axis_name), 0.2)

        project = nn.Dense(4 * 4 * 64, use_bias=False, kernel_init=normal(0.02), name="project")
        h = hidden(project(z).reshape(-1, 4, 4, 64), 0)
        for index, features in enumerate((32, 16, 8), 1):
            up = Conv(features, 3, use_bias=False, kernel_init=normal(0.02), name=f"up_{index}")
            h = hidden(up(nearest(h)), index)
        return tanh_to_unit(Conv(self.channels, 3, kernel_init=normal(0.02), name="output")(h))


class CrippledDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit through three 3x3 convolutions, each followed by the mean of 2x2 pixels.

    They have `width`, 2 `width` and 4 `width` maps, no biases, batch normalisation and LeakyReLU of slope 0.2. For 32x32x3
    images it has 1,861 parameters with a width of 4 (the paper's K = 2), and 571 with 2 (K = 4).

    Attributes:
      width: the maps of the first convolution.
      batch_norm: whether the convolutions have batch normalisation. Without it, as penalties on input gradients need, they have
        biases, and the kernels start with the variance `2 / fan_in`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.CrippledDiscriminator(), (32, 32, 3))
      >>> params, _ = jax.eval_shape(network.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      1861

    References:
      Karras et al. (2018), appendix on discrete modes, https://arxiv.org/abs/1710.10196
    """

    width: int = 4
    batch_norm: bool = True

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits; the sides must be multiples of 8."""
        init = normal(0.02) if self.batch_norm else nn.initializers.he_normal()
        h = 2 * x - 1
        for index in range(3):
            conv = Conv(self.width << index, 3, use_bias=not self.batch_norm, kernel_init=init, name=f"conv_{index}")
            h = conv(h)
            if self.batch_norm:
                h = BatchNorm(name=f"norm_{index}")(h, train=train, axis_name=axis_name)
            h = average_pool(nn.leaky_relu(h, 0.2))
        return nn.Dense(1, kernel_init=init, name="output")(h.reshape(len(h), -1))[:, 0]
