"""The networks of autoencoders, variational or not: fully connected encoder and decoder."""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.activations import ACTIVATIONS


class VAE(nn.Module):
    """An encoder from images to the mean and the log variance of their latents, and a decoder from latents to pixel logits.

    The decoder's hidden layers are the encoder's in reverse. For 28x28 images, 400 units and 20 latents it has 652,824
    parameters, as in the examples of PyTorch and of Flax; for 500 tanh units 815,824, as in the paper.

    Attributes:
      image_shape: `(height, width, channels)`.
      latent_size: the number of latents.
      units: the encoder's hidden layers.
      activation: that of the hidden layers, by its name in `ACTIVATIONS`.
      dtype: the dtype of the computation; the outputs are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> module = networks.VAE((8, 8, 1), latent_size=2, units=(16,))
      >>> params, _ = networks.from_module(module, (8, 8, 1), (2,)).init(jax.random.key(0))
      >>> encoder = networks.from_module(module, (8, 8, 1), method="encode")
      >>> (mean, log_variance), _ = encoder.apply(params, {}, jnp.zeros((3, 8, 8, 1)))
      >>> decoder = networks.from_module(module, (2,), method="decode")
      >>> mean.shape, log_variance.shape, decoder.apply(params, {}, mean)[0].shape
      ((3, 2), (3, 2), (3, 8, 8, 1))

    References:
      Kingma and Welling, "Auto-Encoding Variational Bayes" (2014), https://arxiv.org/abs/1312.6114
    """

    image_shape: Sequence[int]
    latent_size: int = 20
    units: Sequence[int] = (400,)
    activation: str = "relu"
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        self.down = [nn.Dense(units, dtype=self.dtype) for units in self.units]
        self.mean = nn.Dense(self.latent_size, dtype=self.dtype)
        self.log_variance = nn.Dense(self.latent_size, dtype=self.dtype)
        self.up = [nn.Dense(units, dtype=self.dtype) for units in reversed(self.units)]
        self.pixels = nn.Dense(math.prod(self.image_shape), dtype=self.dtype)

    def _hidden(self, x: jax.Array) -> jax.Array:
        h = x.reshape(len(x), -1).astype(self.dtype)
        for layer in self.down:
            h = ACTIVATIONS[self.activation](layer(h))
        return h

    def encode(self, x: Float[jax.Array, "b h w c"]) -> tuple[Float32[jax.Array, "b latent"], Float32[jax.Array, "b latent"]]:
        """Maps `[B, height, width, channels]` to means and log variances, `[B, latent_size]` float32 each."""
        h = self._hidden(x)
        return self.mean(h).astype(jnp.float32), self.log_variance(h).astype(jnp.float32)

    def decode(self, z: Float[jax.Array, "b latent"]) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to float32 logits of pixels, `[B, height, width, channels]`."""
        h = z.astype(self.dtype)
        for layer in self.up:
            h = ACTIVATIONS[self.activation](layer(h))
        return self.pixels(h).astype(jnp.float32).reshape(-1, *self.image_shape)

    def __call__(self, x: Float[jax.Array, "b h w c"], z: Float[jax.Array, "b latent"]):
        """Both, for the initialisation."""
        return self.encode(x), self.decode(z)

    def reconstruct(
        self, x: Float[jax.Array, "b h w c"]
    ) -> tuple[Float32[jax.Array, "b latent"], Float32[jax.Array, "b h w c"]]:
        """Maps images to their means and the logits decoded from them; initialised so, there is no layer of log variances."""
        code = self.mean(self._hidden(x)).astype(jnp.float32)
        return code, self.decode(code)
