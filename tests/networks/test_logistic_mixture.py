"""The mixture of discretised logistics against SciPy in float64, its sums over all levels, and its samples."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax, logsumexp

from jgan.networks import logistic_mixture

RNG = np.random.default_rng(0)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
likely = jit(logistic_mixture.log_likelihood, static_argnums=2)


def formula(chosen, parameters, levels):
    """`[...]`: section 2 of the paper for three channels, in float64 and with differences of cumulative distributions."""
    n = parameters.shape[-1] // 10
    part = np.float64(parameters).reshape(-1, 10, n)
    logits, means, log_scales, coefficients = part[:, 0], part[:, 1:4], np.maximum(part[:, 4:7], -7), np.tanh(part[:, 7:])
    x, total = 2 * np.float64(chosen) / (levels - 1) - 1, log_softmax(logits, axis=-1)
    red, green = x[:, :1], x[:, 1:2]
    moved = (
        means[:, 0],
        means[:, 1] + coefficients[:, 0] * red,
        means[:, 2] + coefficients[:, 1] * red + coefficients[:, 2] * green,
    )
    for channel in range(3):
        k, scale, at = chosen[:, channel, None], np.exp(log_scales[:, channel]), x[:, channel, None]
        above = (at + 1 / (levels - 1) - moved[channel]) / scale
        below = (at - 1 / (levels - 1) - moved[channel]) / scale
        middle = (at - moved[channel]) / scale
        step = 2 / (levels - 1)
        difference = np.where(middle < 0, expit(above) - expit(below), expit(-below) - expit(-above))
        density = -np.logaddexp(0, middle) - np.logaddexp(0, -middle) - np.log(scale) + np.log(step)
        inside = np.where(difference > 1e-5, np.log(np.maximum(difference, 1e-300)), density)
        ends = np.where(k == 0, -np.logaddexp(0, -above), -np.logaddexp(0, below))
        total = total + np.where((k == 0) | (k == levels - 1), ends, inside)
    return logsumexp(total, axis=-1)


@pytest.mark.parametrize("levels", [256, 5])
@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_the_likelihood_is_that_of_the_paper(levels, spread):
    """With a spread of 4 most of the levels are far in the tails, or scales below the limit."""
    parameters = (spread * RNG.normal(size=(3_000, 40))).astype(np.float32)
    chosen = RNG.integers(0, levels, (3_000, 3))
    chosen[:500] = RNG.choice([0, levels - 1], (500, 3))
    found, expected = likely(jnp.asarray(chosen), parameters, levels), formula(chosen, parameters, levels)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_the_probabilities_of_the_256_levels_of_a_grey_pixel_sum_to_one():
    """Of mixtures whose scales are those of the paper's, and of ones of a tenth of a level."""
    parameters = RNG.normal(size=(50, 1, 12)).astype(np.float32)
    parameters[..., 8:] = RNG.uniform(-5, 1, (50, 1, 4))
    parameters[25:, :, 8:] = -7
    parameters[:, :, 4:8] = RNG.uniform(-1, 1, (50, 1, 4))
    every = jnp.broadcast_to(jnp.arange(256)[None, :, None], (50, 256, 1))
    found = jnp.exp(likely(every, jnp.broadcast_to(parameters, (50, 256, 12)), 256)).sum(1)
    np.testing.assert_allclose(found[:25], 1, atol=1e-4)
    np.testing.assert_allclose(found[25:], 1, atol=1e-3)  # far levels have the density times the step


def test_the_last_channel_sums_to_one_given_the_others():
    """Summed over blue, the probabilities are those of red and green, which are two channels of a mixture of their own."""
    parameters = RNG.normal(size=20).astype(np.float32)
    every = np.array(list(itertools.product(range(4), repeat=3)))
    joint = np.exp(likely(jnp.asarray(every), jnp.broadcast_to(parameters, (64, 20)), 4)).reshape(16, 4)
    assert joint.sum() == pytest.approx(1, abs=1e-5)
    part = parameters.reshape(10, 2)
    two = jnp.broadcast_to(part[[0, 1, 2, 4, 5, 7]].ravel(), (16, 12))
    np.testing.assert_allclose(joint.sum(1), np.exp(likely(jnp.asarray(every[::4, :2]), two, 4)), rtol=1e-5)


def test_extreme_parameters_give_finite_values_and_gradients():
    parameters = np.array(list(itertools.product((-300.0, 0.0, 300.0), repeat=3)), np.float32)
    levels = jnp.broadcast_to(jnp.array([0, 1, 128, 254, 255])[:, None, None], (5, 27, 1))
    gradient = jit(jax.value_and_grad(lambda p: logistic_mixture.log_likelihood(levels, p, 256).sum()))
    value, slope = gradient(jnp.broadcast_to(parameters, (5, 27, 3)))
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


def test_samples_follow_the_probabilities():
    """Colour pixels of three levels, of which there are 27, from 100,000 uniform numbers each."""
    rng = np.random.default_rng(1)
    parameters = jnp.asarray(rng.normal(size=20), jnp.float32)
    uniform = jnp.asarray(rng.random((100_000, 4)), jnp.float32)
    drawn = jit(logistic_mixture.drawn, static_argnums=2)(uniform, jnp.broadcast_to(parameters, (100_000, 20)), 3)
    assert drawn.dtype == jnp.int32
    counts = np.bincount(np.asarray(drawn) @ [9, 3, 1], minlength=27)
    every = jnp.array(list(itertools.product(range(3), repeat=3)))
    expected = 100_000 * np.exp(likely(every, jnp.broadcast_to(parameters, (27, 20)), 3))
    assert np.sum((counts - expected) ** 2 / expected) < 55  # chi-squared with 26 degrees of freedom: beyond 0.999


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_the_ends_of_the_uniform_numbers_give_a_level(number):
    drawn = jax.jit(logistic_mixture.drawn, static_argnums=2)(jnp.full((1, 4), number), jnp.zeros((1, 20)), 256)
    assert drawn.tolist() == [[255 * number] * 3]
