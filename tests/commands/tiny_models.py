"""Models whose answers are known in closed form and whose programs are small, for the tests of what surrounds a model.

`WALK`: two phases of a random walk. `CLASSES`: images of one brightness a class. `SHIFT`: a translation that adds a number.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jgan import phases
from jgan.models import Model
from jgan.training.evaluators import Evaluator
from jgan.types import GAN, DataSpec, Field, GANState, Inputs, Phase, PlayerState

NOISE = 0.01


def game(params, step, generate, condition=(), latent_size=2):
    """A GAN with a given update of its generator's parameters: `step(key, params, batch) -> params`."""

    def init(key):
        player = PlayerState(params(key), (), ())
        return GANState(jnp.int32(0), player, PlayerState({}, (), ()))

    def play(key, state, batch, *, axis_name=None):
        changed = step(jax.random.fold_in(key, state.step), state.generator.params, batch)
        loss = sum(jnp.sum(leaf) for leaf in jax.tree.leaves(changed)).astype(jnp.float32)
        generator = state.generator._replace(params=changed)
        return state._replace(step=state.step + 1, generator=generator), {"g_loss": loss, "d_loss": -loss}

    def inputs(key, n, c=()):
        return Inputs(jax.random.normal(key, (n, latent_size)) if latent_size else (), c)

    def sample(state, given, ema=True):
        player = state.generator
        averaged = ema and player.ema != ()
        return generate(player.ema.params if averaged else player.params, given)

    return GAN(init, play, play, play, inputs, sample, condition)


# ------------------------------------------------------------------------------------------------- a walk of two phases


@dataclasses.dataclass(frozen=True)
class Pull:
    """A group of options."""

    rate: float = 0.0
    """share of the way to the mean of the batch that a step goes"""


@dataclasses.dataclass(frozen=True)
class Walk:
    """The options of the walk."""

    first: int = 6
    """steps of the first phase"""
    pull: Pull = Pull()
    """drift"""


def _walked(config):
    def step(key, params, batch):
        towards = config.pull.rate * (jnp.mean(batch.x, axis=0) - params["w"])
        return {**params, "w": params["w"] + towards + NOISE * jax.random.normal(key, (2,))}

    return step


def make_walk(config, spec):
    """The second phase takes the place of the first, and adds a parameter that it draws from its own key."""
    one = game(
        lambda key: {"w": jax.random.normal(key, (2,))}, _walked(config), lambda params, given: params["w"][None] + given.z
    )
    two = game(
        lambda key: {"w": jnp.zeros(2), "v": jax.random.normal(key, (3,))},
        _walked(config),
        lambda params, given: params["w"][None] + given.z,
    )

    def enter(key, previous):
        begun = two.init(key)
        params = phases.graft(begun.generator.params, previous.generator.params["w"], "w")
        return begun._replace(generator=begun.generator._replace(params=params))

    return (
        Phase(one, steps=config.first, batch_size=8, name="coarse"),
        Phase(two, enter=enter, name="fine"),
    )


def judged(run):
    """Judges a walk by how near it ends to 0; draws one square."""

    def measure(run, state):
        return {"distance": float(jnp.linalg.norm(state.generator.params["w"])), "parameters": len(state.generator.params)}

    def sheet(run, state):
        return np.full((8, 8, 1), run.step_of(state), np.uint8)

    return Evaluator(
        "walk",
        "distance",
        False,
        measure,
        lambda row: f"distance {row['distance']:.3f}",
        sheet,
        lambda run, state: (measure(run, state), "the walk has ended"),
    )


def accepts_plane(spec):
    if spec.shape != (2,):
        raise ValueError(f"expected points of two coordinates, found {spec.shape}")


WALK = Model(
    Walk, make_walk, {}, accepts_plane, lambda config: config, DataSpec.points((2,), steps_per_epoch=2), evaluator=judged
)


# ------------------------------------------------------------------------------------------------------ images of classes


@dataclasses.dataclass(frozen=True)
class Classes:
    """No options."""


def make_classes(config, spec):
    """Class k of K makes images of the brightness (k + 1/2) / K; nothing is learned."""
    size = spec.n_classes

    def generate(params, given):
        brightness = (given.c.astype(jnp.float32) + params["offset"]) / size
        return (
            jnp.broadcast_to(brightness[:, None, None, None], (len(given.c), *spec.shape)) + 0.001 * given.z[:, :1, None, None]
        )

    return game(lambda key: {"offset": jnp.float32(0.5)}, lambda key, params, batch: params, generate, Field((), "label", size))


CLASSES = Model(
    Classes, make_classes, {}, lambda spec: None, lambda config: config, DataSpec.images((8, 8, 1), 2, n_classes=10)
)


# ------------------------------------------------------------------------------------------------------------ translation


@dataclasses.dataclass(frozen=True)
class Shift:
    """The options of the translation."""

    amount: float = 0.25
    """what is added to each pixel"""


def make_shift(config, spec):
    """Adds a number to each pixel: one direction for a single set, "ab" and "ba" for the sets a and b."""
    single = "" in spec.sets
    field = next(iter(spec.sets.values())).x

    def generate(params, given):
        return jnp.clip(jax.tree.leaves(given.c)[0] + params["amount"], 0, 1)

    return game(
        lambda key: {"amount": jnp.float32(config.amount)},
        lambda key, params, batch: params,
        generate,
        field if single else {"ab": field, "ba": field},
        latent_size=0,
    )


SHIFT = Model(
    Shift,
    make_shift,
    {},
    lambda spec: None,
    lambda config: config,
    DataSpec.images((8, 8, 1), steps_per_epoch=2),
    evaluator="pairs",
)
