"""The Dirac-GAN: all data at 0, a generator with output theta, a discriminator D(x) = psi x.

Without regularisation it does not converge: linearised at the equilibrium (0, 0) it has the eigenvalues `+- i/2`. With R1 of
weight gamma they are `-gamma/2 +- sqrt(gamma^2/4 - 1/4)`, with instance noise of variance s^2 `-s^2/4 +- sqrt(s^4/16 - 1/4)`.
With the Wasserstein loss the players orbit the equilibrium. Games, losses and steps are those of the image GANs.

References:
  Mescheder et al., "Which Training Methods for GANs do actually Converge?" (2018), section 2, https://arxiv.org/abs/1801.04406
"""

import dataclasses

import jax.numpy as jnp

from jgan import augment, games
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the game."""

    loss: str = "minimax"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("sgd", learning_rate=0.1)
    """the optimiser of both players"""
    penalty: options.Penalty = options.Penalty()
    """penalty of the discriminator"""
    ema: options.EMA = options.EMA()
    """the average of the generator's weights"""
    instance_noise: float = 0.0
    """standard deviation of Gaussian noise on real and fake examples"""
    start: tuple[float, float] = (1.0, 1.0)
    """initial values of theta and psi"""


def networks(config: Config) -> tuple[Network, Network]:
    """The two players.

    Args:
      config: the options of the model.

    Returns:
      `(generator, discriminator)`: the generator maps `[B, 1]` latents of any value to `[B, 1]` copies of theta, the
      discriminator maps `[B, 1]` examples to `[B]` logits.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.models import dirac
      >>> generator, discriminator = dirac.networks(dirac.Config(start=(3.0, 2.0)))
      >>> fakes, _ = generator.apply(*generator.init(jax.random.key(0)), jnp.zeros((2, 1)))
      >>> print(discriminator.apply(*discriminator.init(jax.random.key(0)), fakes)[0])
      [6. 6.]
    """
    theta, psi = config.start

    def generate(params, model_state, *inputs, key=None, train=False, axis_name=None):
        return jnp.broadcast_to(params, inputs[0].shape), model_state

    def discriminate(params, model_state, *inputs, key=None, train=False, axis_name=None):
        return params * inputs[0][:, 0], model_state

    return (
        Network(lambda key: (jnp.float32(theta), {}), generate),
        Network(lambda key: (jnp.float32(psi), {}), discriminate),
    )


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds the game as a model.

    Args:
      config: the options of the model.
      spec: the data; all examples are expected at 0.

    Returns:
      The `GAN`; all its samples are theta.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.models import dirac
      >>> from jgan.types import DataSpec
      >>> from jgan.models.options import Rule
      >>> config = dirac.Config(rule=Rule("simultaneous"), loss="wasserstein")
      >>> gan = dirac.make(config, DataSpec.points((1,), steps_per_epoch=1))
      >>> state, _ = gan.step(jax.random.key(0), gan.init(jax.random.key(0)), Batch(jnp.zeros((4, 1))))
      >>> print(state.generator.params, state.discriminator.params)  # both were 1
      1.1 0.9
    """
    generator, discriminator = networks(config)
    game = games.Adversarial(
        generator,
        discriminator,
        lambda key, n, axis_name=None: jnp.zeros((n, 1)),
        LOSSES[config.loss],
        penalties=config.penalty.penalties(),
        augment=augment.instance_noise(config.instance_noise) if config.instance_noise else None,
    )
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec))
    return assemble(game, config.rule.steps(game, optimizers), optimizers, n_critic=config.rule.n_critic)


PRESETS = {
    "dirac": Preset(
        description="the Dirac-GAN, two numbers, drawn as a trajectory; try --model.penalty.name r1",
        dataset="origin",
        batch_size=2,
        steps=1000,
        sample_every=50,
        config=Config(),
    ),
}

MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.points,
    lambda config: config,
    DataSpec.points((1,), steps_per_epoch=2),
    evaluator="trajectory",
)
