"""Small networks for data that are points: a generator and a discriminator of fully connected layers."""

from collections.abc import Sequence

import flax.linen as nn
import jax


class PointGenerator(nn.Module):
    """Latents through ReLU layers to a point.

    Attributes:
      size: the dimension of the points.
      units: the size of each hidden layer.
    """

    size: int
    units: Sequence[int] = (128, 128)

    @nn.compact
    def __call__(self, z: jax.Array, *, train: bool = False, axis_name: str | None = None) -> jax.Array:
        """Maps `[B, latent_size]` to `[B, size]` float32."""
        del train, axis_name  # nothing here is random or looks across the batch
        h = z
        for units in self.units:
            h = nn.relu(nn.Dense(units)(h))
        return nn.Dense(self.size)(h)


class PointDiscriminator(nn.Module):
    """A point through ReLU layers to one logit; optionally the last layer beside it, for feature matching.

    Attributes:
      units: the size of each hidden layer.
      features: whether to return the last hidden layer too.
    """

    units: Sequence[int] = (128, 128)
    features: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False, axis_name: str | None = None):
        """Maps `[B, size]` to `[B]` float32 logits, or to a pair of them and `[B, units[-1]]` features."""
        del train, axis_name
        h = x
        for units in self.units:
            h = nn.relu(nn.Dense(units)(h))
        logits = nn.Dense(1)(h)[:, 0]
        return (logits, h) if self.features else logits
