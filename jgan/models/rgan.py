"""Relativistic GANs (Jolicoeur-Martineau, 2018), https://arxiv.org/abs/1807.00734: real images are compared with fakes.

`loss` chooses the game, with the formulas of the author's `GAN_losses_iter.py` (those of that repository's README have a sign
error in the averaged losses):

  RSGAN    `relativistic`, each real image against one fake
  RaSGAN   `relativistic_average`, each image against the mean of the other kind
  RaLSGAN  `relativistic_average_least_squares`
  RaHinge  `relativistic_average_hinge`

The networks are those of DCGAN; the noise has the author's 128 dimensions, Adam the rate 1e-4, and a minibatch 32 images.
"""

import dataclasses

from jgan.losses import LOSSES
from jgan.models.dcgan_options import Options, check, nearest, networks, presets, small
from jgan.models.images import SMALL_SPEC, play
from jgan.models.model import Model
from jgan.models.options import Optimizer
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    optimizer: Optimizer = Optimizer("adam", learning_rate=1e-4, b1=0.5)
    """the optimiser of both players"""
    loss: str = "relativistic"
    """a relativistic loss of jgan.losses.LOSSES: relativistic, relativistic_average, relativistic_average_hinge ..."""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a relativistic GAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the loss is not relativistic, the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import rgan
      >>> config = rgan.Config(width=4, loss="relativistic_average_least_squares")
      >>> gan = rgan.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """
    loss = LOSSES[config.loss]
    if not loss.relativistic:
        known = ", ".join(name for name, other in LOSSES.items() if other.relativistic)
        raise ValueError(f"loss must be relativistic, one of {known}, found {config.loss}")
    return play(config, spec, loss, networks(config, spec))


PRESETS = presets("rgan", "relativistic GAN", Config(), batch_size=32, rates=(5e-4, 1e-4))

MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=nearest)
