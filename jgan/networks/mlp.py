"""The fully connected generators and discriminators of the 2014 paper."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.activations import ACTIVATIONS
from jgan.networks.layers import Dense, Dropout, Maxout


class MLP(nn.Module):
    """Maps vectors to vectors through fully connected layers.

    Attributes:
      units: the size of each layer.
      activations: each layer's activation, by its name in `ACTIVATIONS`.
      biases: the initial value of each layer's biases; empty for 0.
      irange: every W ~ U(-irange, irange).
      dtype: the dtype of the computation and of the output.
    """

    units: Sequence[int]
    activations: Sequence[str]
    biases: Sequence[float] = ()
    irange: float = 0.05
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b inputs"]) -> Float[jax.Array, "b outputs"]:
        """Maps `[B, inputs]` to `[B, units[-1]]`."""
        return _layers(x, self.units, self.activations, self.biases, self.irange, self.dtype)


def _layers(
    h: jax.Array,
    units: Sequence[int],
    activations: Sequence[str],
    biases: Sequence[float],
    irange: float,
    dtype: jnp.dtype,
) -> jax.Array:
    """The layers `hidden_0`, `hidden_1` ... of the module whose compact method calls this."""
    layers = zip(units, activations, biases or (0.0,) * len(units), strict=True)
    for index, (size, activation, bias) in enumerate(layers):
        bias_init = nn.initializers.constant(bias)
        h = ACTIVATIONS[activation](Dense(size, irange, bias_init=bias_init, dtype=dtype, name=f"hidden_{index}")(h))
    return h


class MLPGenerator(nn.Module):
    """Maps latents to an image through hidden layers.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      units: the size of each hidden layer.
      activations: each hidden layer's activation, by its name in `ACTIVATIONS`.
      biases: the initial value of each hidden layer's biases; empty for 0.
      output: the activation of the last layer.
      irange: every W ~ U(-irange, irange).
      output_kernel_init: the initialiser of the last W; None for U(-irange, irange).
      output_bias_init: the initialiser of the last bias, of the shape `[height * width * channels]`.
      dtype: the dtype of the computation; the output is float32.

    References:
      Goodfellow et al. (2014), section 5, https://arxiv.org/abs/1406.2661
    """

    image_shape: Sequence[int]
    units: Sequence[int] = (1200, 1200)
    activations: Sequence[str] = ("relu", "relu")
    biases: Sequence[float] = ()
    output: str = "sigmoid"
    irange: float = 0.05
    output_kernel_init: Callable[..., jax.Array] | None = None
    output_bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32."""
        del train, axis_name  # nothing here is random or looks across the batch
        h = _layers(z, self.units, self.activations, self.biases, self.irange, self.dtype)
        output = Dense(
            math.prod(self.image_shape),
            self.irange,
            kernel_init=self.output_kernel_init,
            bias_init=self.output_bias_init,
            dtype=self.dtype,
            name="output",
        )
        return ACTIVATIONS[self.output](output(h).astype(jnp.float32)).reshape(-1, *self.image_shape)


class GrownGenerator(nn.Module):
    """New layers in front of a trained generator: they map new latents to the latents that it was trained on.

    The parameters are `{"under": ..., "pretrained": ...}`; `"pretrained"` has the structure of the generator's own parameters.

    Attributes:
      under: the new layers; their last size is the generator's latent size.
      pretrained: the generator.
    """

    under: MLP
    pretrained: MLPGenerator

    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32."""
        return self.pretrained(self.under(z), train=train, axis_name=axis_name)


class MLPDiscriminator(nn.Module):
    """Maps an image to one logit through maxout layers, with dropout on the input of every layer.

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
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        h = x.reshape(x.shape[0], -1)
        keep = self.input_keep
        for index, units in enumerate(self.units):
            h = Dropout(keep, name=f"dropout_{index}")(h, train=train, axis_name=axis_name)
            h = Maxout(units, self.pieces, self.irange, self.dtype, name=f"maxout_{index}")(h)
            keep = self.hidden_keep
        h = Dropout(keep, name="dropout_output")(h, train=train, axis_name=axis_name)
        return Dense(1, self.irange, dtype=self.dtype, name="output")(h)[:, 0].astype(jnp.float32)


class SigmoidDiscriminator(nn.Module):
    """Maps an example to one number through sigmoid layers.

    Attributes:
      units: the size of each hidden layer.
      output: `"linear"` for a logit, `"sigmoid"` for a probability, for a squared loss.
      irange: every W ~ U(-irange, irange).
    """

    units: Sequence[int] = (3,)
    output: str = "linear"
    irange: float = 0.5

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b ..."], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, ...]` to `[B]` float32."""
        del train, axis_name
        units, activations = (*self.units, 1), (*("sigmoid",) * len(self.units), self.output)
        return _layers(x.reshape(x.shape[0], -1), units, activations, (), self.irange, jnp.float32)[:, 0]
