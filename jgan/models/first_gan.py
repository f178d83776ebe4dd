"""The fully connected GANs of "Make Your First GAN With PyTorch" (Rashid, 2020): one hidden layer in each network.

Leaky ReLU, layer normalisation, a sigmoid output, the cross-entropy, Adam at 1e-4 and latents that are drawn anew for the
generator's update. The same networks make 28x28 digits, digits by label (one-hot vectors joined to both inputs) and colour
faces of 218x178 pixels from an HDF5 file. Code: https://github.com/makeyourownneuralnetwork/gan

One thing differs: the book trains on one image at a time at a rate of 1e-4, these presets on minibatches of 20 at 5e-4, with a
first moment of Adam that forgets faster.
"""

import dataclasses
from typing import Any

import jax.numpy as jnp

from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import Training, network_of, play
from jgan.models.model import Model, Preset
from jgan.models.options import EMA
from jgan.networks import FirstDiscriminator, FirstGenerator
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    width: int = 200
    """units of the hidden layer of the generator"""
    d_width: int = 0
    """units of the hidden layer of the discriminator; 0: as many"""
    activation: str = "leaky_relu"
    """activation of the hidden layers: leaky_relu, gelu or sigmoid"""
    slope: float = 0.02
    """slope of leaky_relu below 0"""
    layer_norm: bool = True
    """normalise the hidden layers"""
    labels: bool = False
    """join the class label to the inputs of both networks"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule(fresh_latents=True)
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=5e-4, b1=0.5)
    """the optimiser of both players"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a GAN with one hidden layer in each network.

    Args:
      config: the options of the model.
      spec: the shape of the images and, with labels, the number of classes.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of range, or labels are asked for and the data have none.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import first_gan
      >>> gan = first_gan.make(first_gan.Config(), DataSpec.images((28, 28, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 28, 28, 1)
    """
    shared: dict[str, Any] = {
        "classes": accepts.classes(spec, config.labels),
        "activation": config.activation,
        "slope": config.slope,
        "layer_norm": config.layer_norm,
        "dtype": jnp.dtype(config.dtype),
    }
    generator = FirstGenerator(spec.shape, config.width, **shared)
    discriminator = FirstDiscriminator(config.d_width or config.width, **shared)
    networks = (
        network_of(generator, (config.latent_size,), config.labels),
        network_of(discriminator, spec.shape, config.labels),
    )
    return play(config, spec, LOSSES[config.loss], networks, labels=config.labels)


PRESETS = {
    "first_gan": Preset(
        description="one hidden layer in each network, on MNIST: the digits of the book 'Make Your First GAN With PyTorch'",
        dataset="mnist",
        batch_size=20,
        steps=30_000,
        config=Config(),
    ),
    "first_gan_labels": Preset(
        description="the same with labels: a row of samples for each digit",
        dataset="mnist",
        batch_size=20,
        steps=30_000,
        config=Config(labels=True),
    ),
    "first_gan_faces": Preset(
        description="one hidden layer in each network, on colour faces in an HDF5 file, such as 20,000 of CelebA, 218x178",
        dataset="hdf5",
        batch_size=20,
        steps=10_000,
        config=Config(width=300, d_width=100, slope=0.01),
    ),
}
"""12 epochs of MNIST, where the book has 4, and 12 with labels; 200,000 faces, where the book has one epoch of 20,000."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(config, latent_size=6, width=8, d_width=8, ema=EMA(0.9))


MODEL = Model(Config, make, PRESETS, accepts.images, small, DataSpec.images((8, 8, 1), steps_per_epoch=2, n_classes=3))
