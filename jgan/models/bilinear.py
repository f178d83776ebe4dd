"""The bilinear game `min_x max_y x y`, on which gradient descent diverges and each update rule has a known rate.

The generator is the number x, the discriminator the number y, the equilibrium (0, 0). With step size eta, each step multiplies
the distance from the equilibrium by `sqrt(1 + eta^2)` under simultaneous descent (it diverges) and by `sqrt(1 - eta^2 + eta^4)`
under the extragradient method; under alternating descent the distance stays constant on average.
"""

import dataclasses

import jax.numpy as jnp

from jgan import games
from jgan.models import accepts, options
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the game."""

    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("sgd", learning_rate=0.1)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA()
    """the average of the generator's weights"""
    start: tuple[float, float] = (1.0, 1.0)
    """initial values of x and y"""


def game() -> games.Functions:
    """The game: the generator minimises `x y`, the discriminator `-x y`. It uses no data and no random numbers.

    Returns:
      The game; its metrics are the two losses.

    Example:
      See `make`.
    """

    def fakes(key, x, state, batch, axis_name):
        return x, state.generator.model_state

    def g_loss(key, own, state, batch, x, axis_name):
        value = x * state.discriminator.params
        return value, (state.memory, {"g_loss": value})

    def d_loss(key, y, state, batch, x, axis_name):
        return -x * y, (state.discriminator.model_state, state.memory, {"d_loss": -x * y})

    return games.Functions(fakes, g_loss, d_loss)


def number(start: float) -> Network:
    """A network whose only parameter is one number.

    Args:
      start: its initial value.

    Returns:
      The `Network`; its output is that number, repeated for each input.

    Example:
      >>> import jax
      >>> from jgan.models import bilinear
      >>> print(*bilinear.number(2.0).init(jax.random.key(0)))
      2.0 {}
    """

    def apply(params, model_state, *inputs, key=None, train=False, axis_name=None):
        return jnp.broadcast_to(params, (inputs[0].shape[0], 1)), model_state

    return Network(lambda key: (jnp.float32(start), {}), apply)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds the game as a model.

    Args:
      config: the options of the model.
      spec: the data, which the game does not use.

    Returns:
      The `GAN`; it generates x.

    Example:
      >>> import jax
      >>> from jgan.models import bilinear
      >>> from jgan.models.options import Rule
      >>> from jgan.types import DataSpec
      >>> gan = bilinear.make(bilinear.Config(rule=Rule("simultaneous")), DataSpec.points((1,), steps_per_epoch=1))
      >>> state, _ = gan.step(jax.random.key(0), gan.init(jax.random.key(0)), None)
      >>> print(state.generator.params, state.discriminator.params)
      0.9 1.1
    """
    x, y = map(number, config.start)
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec))
    gan = assemble(
        game(),
        config.rule.steps(game(), optimizers),
        optimizers,
        generator=x,
        discriminator=y,
        latents=lambda key, n, axis_name=None: jnp.zeros((n, 1)),
        n_critic=config.rule.n_critic,
    )
    return gan._replace(logits=None)


PRESETS = {
    "bilinear": Preset(
        description="the bilinear game min_x max_y x y, drawn as a trajectory; try --model.rule.name extragradient",
        dataset="origin",
        batch_size=2,
        steps=400,
        sample_every=20,
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
