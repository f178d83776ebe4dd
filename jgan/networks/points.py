"""Small networks for data that are points: a generator and a discriminator of fully connected layers."""

from collections.abc import Sequence

import flax.linen as nn
import jax
from jaxtyping import Float, Float32

from jgan.networks.activations import ACTIVATIONS
from jgan.networks.layers import symmetric_uniform


class PointGenerator(nn.Module):
    """Maps latents to a point through hidden layers.

    Attributes:
      size: the dimension of the points.
      units: the size of each hidden layer.
      activation: that of the hidden layers, by its name in `ACTIVATIONS`.
      bias_range: hidden biases ~ U(-bias_range, bias_range).
    """

    size: int
    units: Sequence[int] = (128, 128)
    activation: str = "relu"
    bias_range: float = 1.0

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b size"]:
        """Maps `[B, latent_size]` to `[B, size]` float32."""
        del train, axis_name  # nothing here is random or looks across the batch
        h = z
        for units in self.units:
            h = ACTIVATIONS[self.activation](nn.Dense(units, bias_init=symmetric_uniform(self.bias_range))(h))
        return nn.Dense(self.size)(h)


class PointDiscriminator(nn.Module):
    """Maps a point to one logit through hidden layers, and optionally returns the last hidden layer for feature matching.

    Attributes:
      units: the size of each hidden layer.
      activation: that of the hidden layers, by its name in `ACTIVATIONS`.
      bias_range: hidden biases ~ U(-bias_range, bias_range): with all biases 0, a ReLU network is linear along every ray from
        the origin.
      features: whether to return the last hidden layer as well.
    """

    units: Sequence[int] = (128, 128)
    activation: str = "relu"
    bias_range: float = 1.0
    features: bool = False

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b size"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"] | tuple[Float32[jax.Array, " b"], Float32[jax.Array, "b features"]]:
        """Maps `[B, size]` to `[B]` float32 logits, or to a pair of them and `[B, units[-1]]` features."""
        del train, axis_name
        h = x
        for units in self.units:
            h = ACTIVATIONS[self.activation](nn.Dense(units, bias_init=symmetric_uniform(self.bias_range))(h))
        logits = nn.Dense(1)(h)[:, 0]
        return (logits, h) if self.features else logits
