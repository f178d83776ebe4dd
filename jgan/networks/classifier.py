"""A small convolutional classifier, whose last hidden layer serves the metrics as features."""

import flax.linen as nn
import jax
from jaxtyping import Float


class ConvClassifier(nn.Module):
    """Maps images to class logits through convolutions and a hidden layer.

    Convolutions of stride 2 are added until the grid is at most 4x4. The hidden layer sees the whole grid instead of its mean,
    so it knows positions.

    Attributes:
      classes: the number of classes.
      channels: of each convolution.
      features: units of the hidden layer.
    """

    classes: int
    channels: int = 32
    features: int = 64

    @nn.compact
    def __call__(
        self, images: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> tuple[Float[jax.Array, "b classes"], Float[jax.Array, "b features"]]:
        """Maps `[B, height, width, channels]` in [0, 1] to logits `[B, classes]` and features `[B, features]`."""
        del train, axis_name  # nothing here is random or looks across the batch
        h = nn.relu(nn.Conv(self.channels, (3, 3))(images - 0.5))
        h = nn.relu(nn.Conv(self.channels, (3, 3), strides=2)(h))
        h = nn.relu(nn.Conv(self.channels, (3, 3))(h))
        while max(h.shape[1:3]) > 4:
            h = nn.relu(nn.Conv(self.channels, (3, 3), strides=2)(h))
        features = nn.relu(nn.Dense(self.features)(h.reshape(len(h), -1)))
        return nn.Dense(self.classes)(features), features
