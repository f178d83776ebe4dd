"""Spectral normalisation of a discriminator in a game."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import Batch, games, losses, networks, penalties, steps
from jgan.networks import SpectralNorm


def the_vector(spectral):
    return next(np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(spectral) if leaf.ndim > 0).reshape(-1)


def unit(x):
    return x / np.linalg.norm(x)


class Critic(nn.Module):
    """One layer of spectral norm and a plain one."""

    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        h = nn.tanh(SpectralNorm(nn.Dense(6, name="hidden"))(x, train=train))
        return nn.Dense(1)(h)[:, 0]


@functools.cache
def game_of(*terms):
    critic = networks.from_module(Critic(), (3,))
    generator = networks.from_module(networks.PointGenerator(3, ()), (3,))
    game = games.Adversarial(generator, critic, lambda key, n, axis_name=None: jnp.ones((n, 3)), losses.hinge, penalties=terms)
    optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
    state = jax.jit(lambda key: steps.init_state(key, generator, critic, optimizers, game))(jax.random.key(0))
    return state, *map(jax.jit, steps.player_steps(game, optimizers))


def test_the_vector_moves_with_each_pass_of_the_discriminator_and_with_none_of_the_generators_step():
    """Two passes a discriminator update, on reals and on fakes: two power iterations on the old kernel. A penalty adds none."""
    batch = Batch(jax.random.normal(jax.random.key(5), (4, 3)))
    for terms in ((), (penalties.r1_r2(), penalties.gradient_penalty())):
        state, g_step, d_step = game_of(*terms)
        kernel = np.asarray(state.discriminator.params["hidden"]["kernel"], np.float64)
        u = the_vector(state.discriminator.model_state["spectral"])
        for _ in range(2):
            u = unit(unit(kernel @ u) @ kernel)
        after, _ = d_step(jax.random.key(1), state, batch)
        np.testing.assert_allclose(the_vector(after.discriminator.model_state["spectral"]), u, rtol=1e-4, atol=1e-5)
        after, _ = g_step(jax.random.key(1), state, batch)
        np.testing.assert_array_equal(
            the_vector(after.discriminator.model_state["spectral"]), the_vector(state.discriminator.model_state["spectral"])
        )


def test_finite_differences_compare_passes_over_the_same_kernel():
    """The passes over reals and over fakes are one power iteration apart. A difference of logits, divided by a small step, must
    not see that: it is the slope, here of a network whose exact slope R1 and R2 know."""
    batch = Batch(jax.random.normal(jax.random.key(5), (512, 3)))
    values = []
    for penalty in (penalties.r1_r2(2.0), penalties.finite_difference(2.0, sigma=1e-3)):
        state, _, d_step = game_of(penalty)
        values.append(float(d_step(jax.random.key(1), state, batch)[1]["d_penalty"]))
    exact, found = values
    assert abs(found / exact - 1) < 4 * np.sqrt(2 / 512) + 0.05
