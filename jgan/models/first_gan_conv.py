"""The convolutional face GAN of "Make Your First GAN With PyTorch" (Rashid, 2020), for images of 128x128 and other sizes.

Three convolutions of 8x8 kernels in each network; the generator's output is batch-normalised too. The book's last version has
GELU in place of leaky ReLU: `--model.activation gelu`. Code: https://github.com/makeyourownneuralnetwork/gan

The book trains on one image at a time at a rate of 1e-4, and its batch normalisation is over the image's own pixels; here it is
over minibatches of 16, at 2e-4.
"""

import dataclasses

import jax.numpy as jnp

from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import Training, network_of, play
from jgan.models.model import Model, Preset
from jgan.models.options import EMA
from jgan.networks import FirstConvDiscriminator, FirstConvGenerator
from jgan.networks.first_gan import grid
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    width: int = 256
    """channels of the hidden images"""
    activation: str = "leaky_relu"
    """activation of the hidden layers: leaky_relu (slope 0.2) or gelu"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule(fresh_latents=True)
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.9)
    """the optimiser of both players"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images whose sides are multiples of 8 from 56; raises a `ValueError` for anything else."""
    accepts.images(spec)
    for side in spec.shape[:2]:
        grid(side)


def nearest(size: tuple[int, int]) -> tuple[int, int]:
    """The size nearest to a given one that the networks make.

    Args:
      size: height and width.

    Returns:
      Multiples of 8 from 56.

    Example:
      >>> from jgan.models import first_gan_conv
      >>> first_gan_conv.nearest((218, 178))
      (216, 176)
    """
    height, width = (max(56, round(side / 8) * 8) for side in size)
    return height, width


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds the convolutional face GAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import first_gan_conv
      >>> gan = first_gan_conv.make(first_gan_conv.Config(width=4), DataSpec.images((56, 64, 3), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 56, 64, 3)
    """
    dtype = jnp.dtype(config.dtype)
    generator = FirstConvGenerator(spec.shape, config.width, config.activation, dtype)
    discriminator = FirstConvDiscriminator(config.width, config.activation, dtype)
    networks = (
        network_of(generator, (config.latent_size,), False),
        network_of(discriminator, spec.shape, False),
    )
    return play(config, spec, LOSSES[config.loss], networks)


PRESETS = {
    "first_gan_conv": Preset(
        description="the convolutional face GAN of the same book, on an HDF5 file or a folder, cropped and resized to 128x128",
        dataset="hdf5:128",
        batch_size=16,
        steps=15_000,
        config=Config(),
    ),
}
"""240,000 faces are seen, half as many as in the book's saved run."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests.

    The biases before a batch normalisation have gradients of nothing but rounding, which Adam would enlarge; so it has SGD.
    """
    sgd = options.Optimizer("sgd", learning_rate=0.01, b1=0.0)
    return dataclasses.replace(config, latent_size=6, width=4, ema=EMA(0.9), optimizer=sgd)


MODEL = Model(
    Config, make, PRESETS, check, small, DataSpec.images((56, 64, 1), steps_per_epoch=2, batch_size=4), nearest=nearest
)
