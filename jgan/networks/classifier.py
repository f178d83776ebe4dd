"""Small classifiers, whose last hidden layer serves the metrics as features: convolutional, or with one hidden layer."""

import functools
import math
from typing import Any

import flax.linen as nn
import jax
from jaxtyping import Float

from jgan.networks.activations import ACTIVATIONS
from jgan.networks.layers import symmetric_uniform
from jgan.types import PyTree


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


def conv_maps(params: PyTree, images: Float[jax.Array, "b h w c"]) -> tuple[jax.Array, ...]:
    """The outputs of the convolutions of a `ConvClassifier`, before their ReLUs.

    Args:
      params: its parameters.
      images: `[B, height, width, channels]` in [0, 1]; the sides may differ from those that it classifies.

    Returns:
      One map `[B, height', width', channels']` for each convolution.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> from jgan.networks import classifier
      >>> params, _ = networks.from_module(networks.ConvClassifier(10), (8, 8, 1)).init(jax.random.key(0))
      >>> [found.shape[1:] for found in classifier.conv_maps(params, jnp.zeros((1, 20, 24, 1)))]
      [(20, 24, 32), (10, 12, 32), (10, 12, 32)]
    """
    h, maps = images - 0.5, []
    for index in range(sum(name.startswith("Conv_") for name in params)):
        layer = nn.Conv(params[f"Conv_{index}"]["bias"].shape[0], (3, 3), strides=2 if index == 1 or index > 2 else 1)
        output: Any = layer.apply({"params": params[f"Conv_{index}"]}, h)
        maps.append(output)
        h = nn.relu(output)
    return tuple(maps)


class DenseClassifier(nn.Module):
    """Maps images to class logits through one hidden layer.

    W and b of both layers are initially U(-a, a), a being one over the square root of the number of inputs, as in PyTorch. For
    28x28 images, 200 units and ten classes it has 159,010 parameters, with layer normalisation 159,410.

    Attributes:
      classes: the number of classes.
      units: of the hidden layer.
      activation: that of the hidden layer, by its name in `ACTIVATIONS`.
      slope: of `"leaky_relu"` below 0, in place of the registered one.
      layer_norm: whether the hidden layer's outputs are normalised for each example, with a learnt gain and shift.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.DenseClassifier(10), (28, 28, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      159410

    References:
      Rashid, "Make Your First GAN With PyTorch" (2020).
    """

    classes: int
    units: int = 200
    activation: str = "leaky_relu"
    slope: float = 0.02
    layer_norm: bool = True

    @nn.compact
    def __call__(
        self, images: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> tuple[Float[jax.Array, "b classes"], Float[jax.Array, "b units"]]:
        """Maps `[B, height, width, channels]` in [0, 1] to logits `[B, classes]` and features `[B, units]`."""
        del train, axis_name  # nothing here is random or looks across the batch
        leaky = self.activation == "leaky_relu"
        activate = functools.partial(nn.leaky_relu, negative_slope=self.slope) if leaky else ACTIVATIONS[self.activation]

        def affine(h: jax.Array, units: int, name: str) -> jax.Array:
            init = symmetric_uniform(1 / math.sqrt(h.shape[-1]))
            return nn.Dense(units, kernel_init=init, bias_init=init, name=name)(h)

        features = activate(affine(images.reshape(len(images), -1), self.units, "hidden"))
        if self.layer_norm:
            features = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, name="norm")(features)
        return affine(features, self.classes, "output"), features
