"""What R1 and R2 cost, as XLA counts it: the passes of the loss serve them, where others run the discriminator anew."""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
import pytest

from jgan import Batch, games, losses, networks, parallel, penalties, steps

B = 100
CRITIC = [(64, 96), (96, 80), (80, 1)]  # the (inputs, outputs) of each matrix product
FORWARD = sum(2 * B * inputs * outputs for inputs, outputs in CRITIC)  # a pass over a batch
FIRST, LAST = (2 * B * inputs * outputs for inputs, outputs in (CRITIC[0], CRITIC[-1]))


class Critic(nn.Module):
    """Smooth, so that its input gradient depends on its parameters throughout."""

    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        for _, units in CRITIC[:-1]:
            x = nn.tanh(nn.Dense(units)(x))
        return nn.Dense(1)(x)[:, 0]


def latents(key, n, axis_name=None):
    return jnp.zeros((n, 1))


def again(gamma):
    """The same as `r1_r2`, by passes of its own."""
    squares = lambda view, x: penalties.squared_norms(penalties.input_gradients(view, x))  # noqa: E731
    return penalties.Penalty(lambda view: gamma / 2 * (squares(view, view.real) + squares(view, view.fake)))


@functools.cache
def compiled(name):
    terms = {"none": (), "r1_r2": (penalties.r1_r2(),), "again": (again(10.0),)}[name]
    critic, generator = networks.from_module(Critic(), (64,)), networks.from_module(networks.PointGenerator(64, ()), (1,))
    game = games.Adversarial(generator, critic, latents, losses.non_saturating, penalties=terms)
    optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
    _, d_step = steps.player_steps(game, optimizers)
    key = jax.random.key(0)
    state = jax.jit(lambda key: steps.init_state(key, generator, critic, optimizers, game))(key)
    batch = Batch(jax.random.normal(key, (B, 64)))
    # In a loop, where XLA merges no equal passes by itself; of a loop, the body is counted once.
    program = jax.jit(parallel.scan(d_step, 2)).lower(key, state, batch).compile()
    return program.cost_analysis()["flops"], program(key, state, batch)[1]


def analytic(penalised):
    """Every matrix product that a discriminator update needs, and none twice."""
    products = 2 * FORWARD  # on reals and on fakes
    products += 2 * (2 * FORWARD - FIRST)  # their transposes: on the weights; on the inputs, but for the examples
    if penalised:
        products += 2 * FORWARD  # the input gradients of both: on the inputs, the examples included
        products += 2 * (2 * FORWARD - LAST)  # the transposes of those: on the weights; on all but the ones they begin with
    return products


@pytest.mark.parametrize("name", ["none", "r1_r2"])
def test_the_update_costs_what_it_must(name):
    flops, _ = compiled(name)
    assert math.isclose(flops, analytic(name == "r1_r2"), rel_tol=0.05)
    assert flops > analytic(name == "r1_r2")  # less would be an error in the count above


def test_a_penalty_with_passes_of_its_own_costs_two_more_and_says_the_same():
    (one_pass, metrics), (two_passes, expected) = compiled("r1_r2"), compiled("again")
    assert two_passes - one_pass > 0.95 * 2 * FORWARD
    assert jnp.allclose(metrics["d_penalty"], expected["d_penalty"], rtol=1e-5)
    assert metrics["d_penalty"][0] > 0
