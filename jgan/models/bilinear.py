"""The bilinear game `min_x max_y x y`: the smallest game on which gradient descent fails, and every rule has a known factor.

The generator is the number x, the discriminator the number y, the equilibrium (0, 0). With steps of size eta the distance from
it changes, a step, by the factor `sqrt(1 + eta^2)` under simultaneous descent (it diverges), by `sqrt(1 - eta^2 + eta^4)` under
the extragradient, and not at all, on average, when the players move in turn.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jgan import optim, steps
from jgan.models import Preset
from jgan.models.options import Play, optimizers_of, steps_of
from jgan.types import GAN, DataSpec, Game, GANState, Key, Network


@dataclasses.dataclass(frozen=True)
class Config(Play):
    """The options of the game."""

    start: tuple[float, float] = (1.0, 1.0)
    """where x and y begin"""


def game() -> Game:
    """The game: the discriminator minimises `-x y`, the generator `x y`. No data, no chance.

    Returns:
      The `Game`; its metrics are the two losses.

    Example:
      See `make`.
    """

    def d_objective(key, y, state, batch, x, axis_name):
        return -x * y, (state.discriminator.model_state, state.memory, {"d_loss": -x * y})

    def g_objective(key, own, state, batch, x, axis_name):
        value = x * state.discriminator.params
        return value, {"g_loss": value}

    return Game(lambda key, x, state, batch, axis_name: (x, state.generator.model_state), d_objective, g_objective)


def number(start: float) -> Network:
    """A player that is one number.

    Args:
      start: where it begins.

    Returns:
      A `Network` to be initialised; it maps nothing.

    Example:
      >>> import jax
      >>> from jgan.models import bilinear
      >>> print(*bilinear.number(2.0).init(jax.random.key(0)))
      2.0 {}
    """
    return Network(lambda key: (jnp.float32(start), {}), lambda params, extra, *inputs, **options: (params, extra))


def make(config: Config, spec: DataSpec) -> GAN:
    """The game as a model like any other.

    Args:
      config: the options of the model.
      spec: the data, of which the game sees nothing.

    Returns:
      The `GAN`; what it generates is x, again and again.

    Example:
      >>> import jax
      >>> from jgan.models import bilinear
      >>> from jgan.types import DataSpec
      >>> gan = bilinear.make(bilinear.Config(rule="simultaneous"), DataSpec((1,), steps_per_epoch=1))
      >>> state, _ = gan.step(jax.random.key(0), gan.init(jax.random.key(0)), None)
      >>> print(state.generator.params, state.discriminator.params)
      0.9 1.1
    """
    del spec
    x, y = map(number, config.start)
    optimizers = optimizers_of(config)
    made = steps_of(config, game(), optimizers)

    def generate(state: GANState, z: jax.Array, averaged: bool = True) -> jax.Array:
        player = state.generator
        return jnp.broadcast_to(optim.ema_params(player) if averaged else player.params, (len(z), 1))

    def latents(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return jnp.zeros((n, 1))

    return GAN(lambda key: steps.init_state(key, x, y, optimizers), *made, latents, generate, n_critic=config.n_critic)


PRESETS = {
    "bilinear": Preset(
        description="min_x max_y x y, the smallest game: a picture of its trajectory; try --model.rule extragradient",
        dataset="origin",
        batch_size=2,
        steps=400,
        sample_every=20,
        model=Config(),
        display="trajectory",
    ),
}
