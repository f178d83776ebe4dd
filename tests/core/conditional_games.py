"""What the tests of conditions and terms share: a conditional game of networks written out, with a class head on D."""

import functools
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from jgan import Batch, Game, Network, games, losses, steps

KEY, B, LATENT, SIZE, CLASSES, HIDDEN, RATE = jax.random.key(0), 8, 3, 4, 3, 5, 0.5
OPTIMIZERS = steps.Optimizers(optax.sgd(RATE), optax.sgd(RATE))


def latents(key, n, axis_name=None):
    """The same for every key."""
    return jnp.sin(jnp.arange(n * LATENT, dtype=jnp.float32)).reshape(n, LATENT)


Z = latents(KEY, B)
LABELS = jnp.asarray([0, 2, 1, 1, 0, 2, 2, 0], jnp.int32)


def generate(p, z, y=None):
    """Fakes `[n, 4]`: tanh(z W + E[y])."""
    h = z @ p["w"]
    return jnp.tanh(h if y is None else h + p["e"][y])


def judge(p, x, y=None):
    """`(logits [n], class logits [n, 3])`: v . h and h U, h = tanh(x W + E[y]); a pack adds up its labels' embeddings."""
    h = x @ p["w"]
    if y is not None:
        h = h + (p["e"][y] if y.ndim == 1 else p["e"][y].sum(axis=1))
    h = jnp.tanh(h)
    return h @ p["v"], h @ p["u"]


def normal(key, sizes):
    keys = jax.random.split(key, len(sizes))
    return {name: 0.7 * jax.random.normal(key, size) for key, (name, size) in zip(keys, sizes.items(), strict=True)}


G_SIZES = {"w": (LATENT, SIZE), "e": (CLASSES, SIZE)}
GENERATOR = Network(
    lambda key: (normal(key, G_SIZES), {}),
    lambda params, model_state, *inputs, key=None, train=False, axis_name=None: (generate(params, *inputs), model_state),
)


def discriminator(*, pack=1, head=False):
    """The network of `judge`, with its class logits or without."""
    sizes = {"w": (SIZE * pack, HIDDEN), "e": (CLASSES, HIDDEN), "v": (HIDDEN,), "u": (HIDDEN, CLASSES)}

    def apply(params, model_state, *inputs, key=None, train=False, axis_name=None):
        found = judge(params, *inputs)
        return (found if head else found[0]), model_state

    return Network(lambda key: (normal(key, sizes), {}), apply)


class Played(NamedTuple):
    """A game, its first state, the steps of both schedules (jitted where they are used)."""

    game: Game
    state: Any
    alternating: steps.Steps
    simultaneous: steps.Steps


def played(loss=losses.non_saturating, *, head=False, condition=games.labels, **options):
    network = discriminator(pack=options.get("pack", 1), head=head)
    game = games.Adversarial(GENERATOR, network, latents, loss, condition=condition, **options)
    state = steps.init_state(jax.random.key(1), GENERATOR, network, OPTIMIZERS, game)
    return Played(game, state, steps.alternating(game, OPTIMIZERS), steps.simultaneous(game, OPTIMIZERS))


def a_batch(n=B):
    return Batch(jax.random.normal(jax.random.key(2), (n, SIZE)), LABELS[:n])


assert_close = functools.partial(chex.assert_trees_all_close, rtol=1e-4, atol=1e-5)


def assert_descends(game, batch, d_value, g_value):
    """Both schedules of a game against two losses written out, of the parameters of both players.

    Args:
      game: a `Played`.
      batch: its minibatch.
      d_value: `d_value(d, g) -> scalar`, all that the discriminator minimises.
      g_value: `g_value(g, d) -> scalar`, all that the generator minimises.

    Returns:
      `(state, metrics)` after the simultaneous step.
    """
    d, g = game.state.discriminator.params, game.state.generator.params
    descend = lambda params, grads: jax.tree.map(lambda p, s: p - RATE * s, params, grads)  # noqa: E731
    g_gradient = jax.jit(jax.grad(g_value))
    new_d, new_g = descend(d, jax.jit(jax.grad(d_value))(d, g)), descend(g, g_gradient(g, d))
    at_once, metrics = jax.jit(game.simultaneous.step)(KEY, game.state, batch)
    assert_close(at_once.discriminator.params, new_d)
    assert_close(at_once.generator.params, new_g)
    in_turn, others = jax.jit(game.alternating.step)(KEY, game.state, batch)
    assert_close(in_turn.discriminator.params, new_d)
    assert_close(in_turn.generator.params, descend(g, g_gradient(g, new_d)))
    assert set(metrics) == set(others)
    return at_once, metrics
