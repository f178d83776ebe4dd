"""The one-dimensional residual networks of WGAN-GP for characters: the softmax of the generator goes straight to the critic."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.layers import glorot_uniform

BLOCKS, KERNEL, SHARE = 5, 5, 0.3
"""Residual blocks, the width of their convolutions, and the share of a block's convolutions in its output."""


class TextBlock(nn.Module):
    """A residual block: `x + 0.3 conv(relu(conv(relu(x))))`, both convolutions of width 5.

    Attributes:
      width: the number of channels.
    """

    width: int

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b length width"]) -> Float32[jax.Array, "b length width"]:
        """Maps `[B, L, width]` to the same shape."""
        h = x
        for index in range(2):
            init = glorot_uniform(2**0.5)
            h = nn.Conv(self.width, (KERNEL,), kernel_init=init, name=f"conv_{index}")(jax.nn.relu(h))
        return x + SHARE * h


class TextGenerator(nn.Module):
    """Maps latents to a distribution over characters at each place.

    Attributes:
      length: the number of characters.
      size: the number of different ones.
      width: the number of channels.

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), section 5.2, https://arxiv.org/abs/1704.00028
    """

    length: int
    size: int
    width: int = 512

    @nn.compact
    def __call__(self, z: Float[jax.Array, "b latent"]) -> Float32[jax.Array, "b length size"]:
        """Maps `[B, latent_size]` to probabilities `[B, L, V]`."""
        h = nn.Dense(self.length * self.width, kernel_init=glorot_uniform(), name="input")(z)
        h = h.reshape(-1, self.length, self.width)
        for index in range(BLOCKS):
            h = TextBlock(self.width, name=f"block_{index}")(h)
        return jax.nn.softmax(nn.Conv(self.size, (1,), kernel_init=glorot_uniform(2**0.5), name="output")(h))


class TextCritic(nn.Module):
    """Maps distributions over characters at each place to one value.

    Attributes:
      width: the number of channels.
    """

    width: int = 512

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b length size"]) -> Float32[jax.Array, " b"]:
        """Maps `[B, L, V]` to `[B]`."""
        h = nn.Conv(self.width, (1,), kernel_init=glorot_uniform(2**0.5), name="input")(x)
        for index in range(BLOCKS):
            h = TextBlock(self.width, name=f"block_{index}")(h)
        return nn.Dense(1, kernel_init=glorot_uniform(), name="output")(jnp.reshape(h, (len(h), -1)))[:, 0]
