"""What the fused step of the MNIST network costs, as XLA counts it, against the least that the algorithm needs."""

import functools
import math

import jax
import pytest

from jgan import Batch, DataSpec, parallel
from jgan.models import gan2014
from jgan.models.options import Rule

B = 100
GENERATOR = [(100, 1200), (1200, 1200), (1200, 784)]  # the (inputs, outputs) of each matrix product
DISCRIMINATOR = [(784, 240 * 5), (240, 240 * 5), (240, 1)]


def products(layers):
    """FLOPs of one pass of a batch: a multiplication and an addition for each weight and example."""
    return sum(2 * B * inputs * outputs for inputs, outputs in layers)


def analytic(schedule):
    """Every matrix product that one D + G update needs, and none twice."""
    g, d = products(GENERATOR), products(DISCRIMINATOR)
    g_forward = g  # once, for both players
    g_backward = g + products(GENERATOR[1:])  # on the weights; on the inputs, but for the noise
    d_forward = d + d  # on reals and on fakes
    d_backward = 2 * (d + products(DISCRIMINATOR[1:]))  # of D's loss: on the weights; on the inputs, but for the images
    d_for_g = d  # of G's loss: on the inputs, the images included
    judged_again = 0 if schedule == "simultaneous" else d  # the fakes, by the new D
    return g_forward + g_backward + d_forward + d_backward + d_for_g + judged_again


@functools.cache
def compiled_flops(schedule, step="step"):
    gan = gan2014.make(gan2014.Config(rule=Rule(schedule)), DataSpec.images((28, 28, 1), steps_per_epoch=500))
    key = jax.eval_shape(lambda: jax.random.key(0))
    batch = Batch(jax.ShapeDtypeStruct((B, 28, 28, 1), "float32"))
    step = getattr(gan, step)
    lowered = jax.jit(parallel.scan(step, 2)).lower(key, jax.eval_shape(gan.init, key), batch)
    return lowered.compile().cost_analysis()["flops"]  # of a loop, the body is counted once


@pytest.mark.parametrize("schedule", ["simultaneous", "alternating"])
def test_the_fused_step_costs_what_it_must(schedule):
    """On its own XLA finds what two composed steps have in common, but inside a scan it does not: 28 % more."""
    assert math.isclose(compiled_flops(schedule), analytic(schedule), rel_tol=0.05)
    assert compiled_flops(schedule) > analytic(schedule)  # less would be an error in the count above


def test_the_fused_steps_cost_less_than_their_parts():
    """Apart, the generator runs forward twice; and in `g_step` D judges the fakes again."""
    apart = compiled_flops("alternating", "d_step") + compiled_flops("alternating", "g_step")
    saved = apart - compiled_flops("alternating")
    assert math.isclose(saved, products(GENERATOR), rel_tol=0.05)
    assert compiled_flops("simultaneous") < compiled_flops("alternating") - 0.95 * products(DISCRIMINATOR)
