"""GANs for points: mixtures of Gaussians with countable modes, and the one-dimensional game of the 2014 paper's Fig. 1.

Small fully connected networks with any loss, penalty and update rule, and packing. The published mixtures test for mode
collapse: a collapsed generator covers few modes.
"""

import dataclasses

from jgan import augment, games, rng
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.networks import PointDiscriminator, PointGenerator, from_module
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-3)
    """the optimiser of both players"""
    penalty: options.Penalty = options.Penalty()
    """penalty of the discriminator"""
    ema: options.EMA = options.EMA()
    """the average of the generator's weights"""
    latent_size: int = 2
    """dimension of the noise z"""
    noise: rng.Noise = "gaussian"
    """distribution of z, of unit variance: gaussian or uniform"""
    g_units: tuple[int, ...] = (128, 128)
    """hidden layers of the generator"""
    d_units: tuple[int, ...] = (128, 128)
    """hidden layers of the discriminator"""
    activation: str = "relu"
    """activation of the hidden layers of both: relu or tanh"""
    bias_range: float = 1.0
    """hidden biases of both start in U(-bias_range, bias_range)"""
    pack: int = 1
    """examples per discriminator input (PacGAN)"""
    instance_noise: float = 0.0
    """standard deviation of Gaussian noise on real and fake examples"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a GAN for points.

    Args:
      config: the options of the model.
      spec: the data; its examples have one axis.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the examples are not points, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan.models import mixture
      >>> from jgan.types import DataSpec
      >>> gan = mixture.make(mixture.Config(), DataSpec.points((2,), steps_per_epoch=100))
      >>> gan.sample(jax.random.key(0), gan.init(jax.random.key(0)), 5).shape
      (5, 2)
    """
    (size,) = spec.shape
    game = games.Adversarial(
        from_module(PointGenerator(size, config.g_units, config.activation, config.bias_range), (config.latent_size,)),
        from_module(PointDiscriminator(config.d_units, config.activation, config.bias_range), (size * config.pack,)),
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, config.noise, axis_name),
        LOSSES[config.loss],
        penalties=config.penalty.penalties(),
        augment=augment.instance_noise(config.instance_noise) if config.instance_noise else None,
        pack=config.pack,
    )
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec))
    return assemble(game, config.rule.steps(game, optimizers), optimizers, n_critic=config.rule.n_critic)


# The objective of R3GAN; the rate and Adam's second decay are those of `python -m benchmarks.mode_coverage`.
_R3 = Config(
    loss="relativistic",
    penalty=options.Penalty("r1_r2", 0.1),
    optimizer=options.Optimizer("adam", learning_rate=4e-3, b2=0.99, decay_steps=10_000),
    ema=options.EMA(0.999),
)

PRESETS = {
    "ring8": Preset(
        description="eight Gaussians on a circle; counts the modes that the generator covers",
        dataset="ring8",
        batch_size=256,
        steps=10_000,
        config=_R3,
    ),
    "grid25": Preset(
        description="twenty-five Gaussians on a grid, with the relativistic loss, R1 and R2; try --model.pack 2",
        dataset="grid25",
        batch_size=256,
        steps=10_000,
        config=_R3,
    ),
    "gaussian1d": Preset(
        description="the one-dimensional Gaussian of the paper's Fig. 1, as an animation",
        dataset="gaussian1d",
        batch_size=512,
        steps=2_000,
        sample_every=25,
        # The theory assumes a nearly optimal discriminator, so it has a higher rate and four updates per step.
        config=Config(
            loss="minimax",
            rule=options.Rule(n_critic=4),
            optimizer=options.Optimizer("adam", learning_rate=1e-3, d_learning_rate=5e-3, decay_steps=2_000),
            latent_size=1,
            noise="uniform",
            g_units=(32, 32),
            d_units=(32, 32),
            activation="tanh",
            bias_range=4.0,
        ),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    rule = dataclasses.replace(config.rule, n_critic=1)
    ema = options.EMA(0.9) if config.ema.decay else config.ema
    return dataclasses.replace(config, g_units=(6, 6), d_units=(6, 6), rule=rule, ema=ema)


MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.points,
    small,
    DataSpec.points((2,), steps_per_epoch=2),
    evaluator="by_data",
)
