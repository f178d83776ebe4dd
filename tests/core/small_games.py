"""What the tests of `games.Adversarial` share: a game small enough to compute by hand, of networks written out."""

import functools
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import Batch, Game, Network, games, losses, steps

KEY, B, LATENT, SHAPE = jax.random.key(0), 8, 3, (2, 2)
HIDDEN = 5
RATE = 0.5
OPTIMIZERS = steps.Optimizers(optax.sgd(RATE), optax.sgd(RATE))


def latents(key, n, axis_name=None):
    """The same for every key."""
    del key, axis_name
    return jnp.sin(jnp.arange(n * LATENT, dtype=jnp.float32)).reshape(n, LATENT)


def judge(p, x):
    """v . tanh(W x + c), and the hidden layer."""
    h = jnp.tanh(x.reshape(len(x), -1) @ p["w"] + p["c"])
    return (h @ p["v"]), h


def judge_alone(p, x):
    """The logit of one example."""
    return judge(p, x[None])[0][0]


def generate(p, z):
    """Fakes `[n, 2, 2]`."""
    return jnp.tanh(z @ p["w"]).reshape(-1, *SHAPE)


def normal(key, *shape):
    return 0.7 * jax.random.normal(key, shape)


def discriminator(*, features=False, pack=1, calls=None):
    """The network of `judge`; `calls` hears the shape of what it is asked about."""

    def init(key):
        w, c, v = jax.random.split(key, 3)
        sizes = {"w": (int(np.prod(SHAPE)) * pack, HIDDEN), "c": (1, HIDDEN), "v": (HIDDEN,)}
        return {name: normal(key, *sizes[name]) for name, key in zip("wcv", (w, c, v), strict=True)}, {}

    def apply(params, model_state, x, *, key=None, train=False, axis_name=None):
        if calls is not None:
            calls.append(x)
        logits, h = judge(params, x)
        return ((logits, h) if features else logits), model_state

    return Network(init, apply)


GENERATOR = Network(
    lambda key: ({"w": normal(key, LATENT, int(np.prod(SHAPE)))}, {}),
    lambda params, model_state, z, *, key=None, train=False, axis_name=None: (generate(params, z), model_state),
)


class Played(NamedTuple):
    """A game, its first state, and its two updates, compiled."""

    game: Game
    state: Any
    g_step: Any
    d_step: Any


def played(loss=losses.non_saturating, *, features=False, calls=None, network=None, **options):
    """The game of the two networks with some options of `Adversarial`."""
    network = network or discriminator(features=features, pack=options.get("pack", 1), calls=calls)
    game = games.Adversarial(GENERATOR, network, latents, loss, **options)
    state = steps.init_state(jax.random.key(1), GENERATOR, network, OPTIMIZERS, game)
    return Played(game, state, *map(jax.jit, steps.player_steps(game, OPTIMIZERS)))


def a_batch(n=B, seed=2):
    return Batch(jax.random.normal(jax.random.key(seed), (n, *SHAPE)))


def descended(before, after):
    """The gradient that plain descent followed."""
    return jax.tree.map(lambda a, b: (a - b) / RATE, before.params, after.params)


assert_close = functools.partial(chex.assert_trees_all_close, rtol=1e-4, atol=1e-5)
