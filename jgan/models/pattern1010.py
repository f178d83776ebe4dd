"""A minimal GAN: rows of four numbers, two networks with one hidden layer of three sigmoids.

The losses at equilibrium are known. If the discriminator's output is always 1/2, a squared error is 0.25 and a cross-entropy is
ln 2 = 0.693. `d_loss` is the mean of the discriminator's two terms, so it converges to 0.25 or 0.693; `g_loss` to 0.125 (the
squared loss of `jgan.losses` has a factor 1/2) or 0.693.
"""

import dataclasses
from typing import Literal

import optax

from jgan import games, rng, steps
from jgan.losses import LOSSES
from jgan.models import accepts
from jgan.models.assembly import assemble, unit_interval
from jgan.models.model import Model, Preset
from jgan.networks import MLPGenerator, SigmoidDiscriminator, from_module
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    latent_size: int = 1
    """dimension of the noise z, uniform and of unit variance"""
    g_units: tuple[int, ...] = (3,)
    """hidden sigmoid layers of the generator"""
    d_units: tuple[int, ...] = (3,)
    """hidden sigmoid layers of the discriminator"""
    irange: float = 0.5
    """weights start in U(-irange, irange)"""
    loss: Literal["least_squares", "non_saturating"] = "least_squares"
    """the squared error of a probability, or the cross-entropy"""
    learning_rate: float = 3.0
    """learning rate of plain gradient descent"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a GAN of sigmoid layers with alternating updates: the discriminator, then the generator.

    Args:
      config: the options of the model.
      spec: the shape of the examples.

    Returns:
      The `GAN`.

    Example:
      >>> import jax
      >>> from jgan.models import pattern1010
      >>> from jgan.types import DataSpec
      >>> gan = pattern1010.make(pattern1010.Config(), DataSpec.images((1, 4, 1), steps_per_epoch=80))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 1, 4, 1)
    """
    squared = config.loss == "least_squares"
    generator = from_module(
        MLPGenerator(spec.shape, config.g_units, ("sigmoid",) * len(config.g_units), irange=config.irange),
        (config.latent_size,),
    )
    discriminator = from_module(
        SigmoidDiscriminator(config.d_units, "sigmoid" if squared else "linear", config.irange), spec.shape
    )
    game = games.Adversarial(
        generator,
        discriminator,
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, "uniform", axis_name),
        LOSSES[config.loss],
        discriminator_weight=1.0 if squared else 0.5,  # in both cases the mean of the two terms
    )
    optimizers = steps.Optimizers(optax.sgd(config.learning_rate), optax.sgd(config.learning_rate))
    return assemble(game, steps.alternating(game, optimizers), optimizers, output=unit_interval)


PRESETS = {
    "pattern1010": Preset(
        description="rows of 1 0 1 0 and two networks of three sigmoids: reaches the known equilibrium in seconds",
        dataset="pattern1010",
        batch_size=100,
        steps=10000,
        config=Config(),
    ),
}

MODEL = Model(Config, make, PRESETS, accepts.images, lambda config: config, DataSpec.images((1, 4, 1), steps_per_epoch=2))
