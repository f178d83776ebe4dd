"""The fully connected generator and discriminator of the 2014 paper."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.networks.layers import Dense, Dropout, Maxout

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "sigmoid": nn.sigmoid,
    "linear": lambda x: x,
}


class MLPGenerator(nn.Module):
    """Latents through hidden layers to an image.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      units: the size of each hidden layer.
      activations: the name of each hidden layer's activation, `"relu"`, `"sigmoid"` or `"linear"`.
      output: the activation of the last layer.
      irange: every W ~ U(-irange, irange).
      output_irange: the same for the last layer, if another.
      output_bias_init: the initialiser of the last bias, of the shape `[height * width * channels]`.
      dtype: the dtype of the computation; the output is float32.

    References:
      Goodfellow et al. (2014), section 5, https://arxiv.org/abs/1406.2661
    """

    image_shape: Sequence[int]
    units: Sequence[int] = (1200, 1200)
    activations: Sequence[str] = ("relu", "relu")
    output: str = "sigmoid"
    irange: float = 0.05
    output_irange: float | None = None
    output_bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, z: jax.Array, *, train: bool = False, axis_name: str | None = None) -> jax.Array:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32."""
        del train, axis_name  # nothing here is random or looks across the batch
        h = z
        for index, (units, activation) in enumerate(zip(self.units, self.activations, strict=True)):
            h = ACTIVATIONS[activation](Dense(units, self.irange, dtype=self.dtype, name=f"hidden_{index}")(h))
        irange = self.irange if self.output_irange is None else self.output_irange
        pixels = math.prod(self.image_shape)
        h = Dense(pixels, irange, bias_init=self.output_bias_init, dtype=self.dtype, name="output")(h)
        return ACTIVATIONS[self.output](h.astype(jnp.float32)).reshape(-1, *self.image_shape)


class MLPDiscriminator(nn.Module):
    """An image through maxout layers to one logit, with dropout on the input of every layer.

    Attributes:
      units: the number of units of each maxout layer.
      pieces: the affine pieces of each unit.
      irange: every W ~ U(-irange, irange).
      input_keep: the probability that a pixel is kept.
      hidden_keep: the probability that an input of a later layer, the last included, is kept.
      dtype: the dtype of the computation; the logits are float32.

    References:
      Goodfellow et al. (2014), section 5, https://arxiv.org/abs/1406.2661
    """

    units: Sequence[int] = (240, 240)
    pieces: int = 5
    irange: float = 0.005
    input_keep: float = 0.8
    hidden_keep: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False, axis_name: str | None = None) -> jax.Array:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        h = x.reshape(x.shape[0], -1)
        keep = self.input_keep
        for index, units in enumerate(self.units):
            h = Dropout(keep, name=f"dropout_{index}")(h, train=train, axis_name=axis_name)
            h = Maxout(units, self.pieces, self.irange, self.dtype, name=f"maxout_{index}")(h)
            keep = self.hidden_keep
        h = Dropout(keep, name="dropout_output")(h, train=train, axis_name=axis_name)
        return Dense(1, self.irange, dtype=self.dtype, name="output")(h)[:, 0].astype(jnp.float32)
