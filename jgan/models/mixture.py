"""GANs of points: mixtures of Gaussians whose modes can be counted, and the one-dimensional Gaussian of Fig. 1 of 2014.

Small fully connected networks, any of the losses, penalties and update rules, and packing. What the published sets are for: a
generator that covers few of the modes has collapsed.
"""

import dataclasses
from typing import Literal

import jax

from jgan import rng
from jgan.losses import LOSSES
from jgan.models import Preset
from jgan.models.options import Play, play
from jgan.networks import PointDiscriminator, PointGenerator, from_module
from jgan.types import GAN, DataSpec, Key

Objective = Literal[
    "minimax",
    "non_saturating",
    "least_squares",
    "wasserstein",
    "hinge",
    "relativistic",
    "relativistic_average",
    "relativistic_average_least_squares",
    "relativistic_average_hinge",
]


@dataclasses.dataclass(frozen=True)
class Config(Play):
    """The options of the model."""

    optimizer: Literal["sgd", "adam"] = "adam"
    """how a player descends"""
    learning_rate: float = 1e-3
    """learning rate"""
    loss: Objective = "non_saturating"
    """what the players minimise"""
    latent_size: int = 2
    """dimension of the noise z"""
    noise: rng.Noise = "gaussian"
    """its distribution, of unit variance"""
    g_units: tuple[int, ...] = (128, 128)
    """hidden layers of the generator"""
    d_units: tuple[int, ...] = (128, 128)
    """hidden layers of the discriminator"""
    activation: Literal["relu", "tanh"] = "relu"
    """activation of the hidden layers of both"""
    bias_range: float = 1.0
    """hidden biases of both start in U(-bias_range, bias_range)"""
    pack: int = 1
    """examples that the discriminator judges together (PacGAN)"""
    instance_noise: float = 0.0
    """standard deviation of Gaussian noise on real and fake examples"""


def make(config: Config, spec: DataSpec) -> GAN:
    """A GAN of points.

    Args:
      config: the options of the model.
      spec: the data; its examples have one axis.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the examples are not points, or an option is out of its range.

    Example:
      >>> import jax
      >>> from jgan.models import mixture
      >>> from jgan.types import DataSpec
      >>> gan = mixture.make(mixture.Config(), DataSpec((2,), steps_per_epoch=100))
      >>> gan.sample(jax.random.key(0), gan.init(jax.random.key(0)), 5).shape
      (5, 2)
    """
    if len(spec.image_shape) != 1:
        raise ValueError(f"expected points, examples of one axis, found examples of the shape {tuple(spec.image_shape)}")
    (size,) = spec.image_shape
    generator = from_module(PointGenerator(size, config.g_units, config.activation, config.bias_range), (config.latent_size,))
    discriminator = from_module(PointDiscriminator(config.d_units, config.activation, config.bias_range), (size * config.pack,))

    def latents(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.latents(key, n, config.latent_size, config.noise, axis_name)

    loss, noise = LOSSES[config.loss], config.instance_noise
    return play(config, generator, discriminator, latents, loss, instance_noise=noise, pack=config.pack)


# The objective of R3GAN; the rate and Adam's second decay are those of `python -m benchmarks.mode_coverage`.
_R3 = Config(
    loss="relativistic",
    penalty="r1_r2",
    penalty_weight=0.1,
    learning_rate=4e-3,
    b2=0.99,
    decay_steps=10_000,
    ema_decay=0.999,
)

PRESETS = {
    "ring8": Preset(
        description="eight Gaussians on a circle: which of them does the generator find?",
        dataset="ring8",
        batch_size=256,
        steps=10_000,
        model=_R3,
        display="points",
    ),
    "grid25": Preset(
        description="twenty-five Gaussians on a grid, by the relativistic loss with R1 and R2; try --model.pack 2",
        dataset="grid25",
        batch_size=256,
        steps=10_000,
        model=_R3,
        display="points",
    ),
    "gaussian1d": Preset(
        description="the one-dimensional Gaussian of the paper's Fig. 1, as an animation",
        dataset="gaussian1d",
        batch_size=512,
        steps=2_000,
        sample_every=25,
        # The theory wants a discriminator near its best: it learns faster, and four times as often.
        model=Config(
            loss="minimax",
            n_critic=4,
            d_learning_rate=5e-3,
            decay_steps=2_000,
            latent_size=1,
            noise="uniform",
            g_units=(32, 32),
            d_units=(32, 32),
            activation="tanh",
            bias_range=4.0,
        ),
        display="density",
    ),
}
