"""Latents and masks: their distributions, their independence, and that devices do not matter."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jgan import rng

KEY = jax.random.key(2014)
DISTRIBUTIONS = {"uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)), "gaussian": stats.norm()}


@functools.cache
def many_latents(noise):
    return np.asarray(jax.jit(lambda key: rng.latents(key, 2000, 10, noise))(KEY))


@functools.cache
def a_mask(keep):
    return np.asarray(jax.jit(lambda key: rng.bernoulli_mask(key, keep, (500, 100)))(KEY))


# -------------------------------------------------------------------------------------------------------------- latents


@pytest.mark.parametrize("noise", DISTRIBUTIONS)
def test_latents_have_zero_mean_unit_variance_and_the_named_distribution(noise):
    z = many_latents(noise)
    assert z.dtype == np.float32
    assert abs(z.mean()) < 5 / math.sqrt(z.size)
    # The variance of a mean of z^2 is (E z^4 - 1) / n.
    assert abs(np.mean(z**2) - 1) < 5 * math.sqrt((DISTRIBUTIONS[noise].moment(4) - 1) / z.size)
    assert stats.kstest(z.ravel(), DISTRIBUTIONS[noise].cdf).pvalue > 1e-3
    if noise == "uniform":
        assert np.abs(z).max() <= math.sqrt(3)


@pytest.mark.parametrize("noise", DISTRIBUTIONS)
def test_latents_are_independent_across_examples_and_dimensions(noise):
    z = many_latents(noise)
    correlation = np.corrcoef(z.T)[np.triu_indices(10, 1)]
    assert np.abs(correlation).max() < 5 / math.sqrt(len(z))
    neighbours = np.mean(z[:-1] * z[1:])  # examples whose keys are folded from consecutive numbers
    assert abs(neighbours) < 5 / math.sqrt(z.size)
    assert len(np.unique(z, axis=0)) == len(z)


def test_another_key_draws_others():
    assert not np.any(rng.latents(jax.random.key(1), 5, 3) == rng.latents(jax.random.key(2), 5, 3))


def test_an_unknown_noise_is_an_error():
    with pytest.raises(ValueError, match="'uniform' or 'gaussian', found 'cauchy'"):
        rng.latents(KEY, 2, 2, "cauchy")


# ---------------------------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.25, 0.3, 0.0625, 1 / 256, 1.0, 0.0, 1, 0])
def test_masks_keep_what_they_should(keep):
    mask = a_mask(keep)
    assert mask.shape == (500, 100)
    assert mask.dtype == bool
    if keep in (0, 1):
        assert (mask == bool(keep)).all()
    else:
        assert stats.binomtest(int(mask.sum()), mask.size, keep).pvalue > 1e-3


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.25])
def test_the_coins_of_a_mask_are_independent(keep):
    """Coins cut from the same 32-bit word, from neighbouring words and of neighbouring examples do not know of each other."""
    coins = (a_mask(keep) - keep) / math.sqrt(keep * (1 - keep))
    pairs = np.corrcoef(coins.T)[np.triu_indices(100, 1)]
    assert np.abs(pairs).max() < 5.5 / math.sqrt(len(coins))  # 4950 pairs: the largest of so many is near 4.3
    # Over all pairs together the squares follow a chi-squared law, which would show a weak dependence everywhere.
    statistic = len(coins) * np.sum(pairs**2)
    assert 1e-3 < stats.chi2(len(pairs)).cdf(statistic) < 1 - 1e-3
    assert abs(np.mean(coins[:-1] * coins[1:])) < 5 / math.sqrt(coins.size)


@settings(max_examples=3)  # each compiles anew
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), keep=st.sampled_from([0.5, 0.25, 0.8, 0.02]))
def test_masks_take_any_shape_and_start_alike(shape, keep):
    """An example's coins depend on its own key only: neither on how many examples there are nor on how they are folded."""
    draw_mask = jax.jit(rng.bernoulli_mask, static_argnums=(1, 2))
    mask = draw_mask(KEY, keep, tuple(shape))
    assert mask.shape == tuple(shape)
    flat = draw_mask(KEY, keep, (shape[0] + 2, math.prod(shape[1:])))
    np.testing.assert_array_equal(mask.reshape(shape[0], -1), flat[: shape[0]])


@pytest.mark.parametrize("keep", [-0.1, 1.01, math.nan])
def test_what_is_no_probability_is_an_error(keep):
    with pytest.raises(ValueError, match=r"keep must be a probability, in \[0, 1\], found"):
        rng.bernoulli_mask(KEY, keep, (2, 2))


# -------------------------------------------------------------------------------------------------------------- devices


@functools.partial(jax.jit, static_argnums=(0, 1))
def draw(n, axis_name=None):
    return (
        rng.latents(KEY, n, 7, "uniform", axis_name),
        rng.latents(KEY, n, 7, "gaussian", axis_name),
        rng.bernoulli_mask(KEY, 0.8, (n, 3, 5), axis_name),
        jax.random.key_data(rng.example_keys(KEY, n, axis_name)),
    )


@pytest.mark.parametrize("devices", [1, 2, 6])
def test_the_numbers_do_not_depend_on_the_number_of_devices(devices):
    spread = jax.vmap(lambda _: draw(12 // devices, "devices"), axis_name="devices")(jnp.arange(devices))
    for found, expected in zip(spread, draw(12), strict=True):
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_nor_on_real_ones():
    spread = jax.pmap(lambda _: draw(3, "devices"), axis_name="devices")(jnp.arange(4))
    for found, expected in zip(spread, draw(12), strict=True):
        np.testing.assert_array_equal(np.asarray(found).reshape(expected.shape), expected)


# -------------------------------------------------------------------------------------------------------------- streams


def test_the_streams_of_a_step_are_those_of_a_split_and_all_different():
    """The first four are `jax.random.split(key, 4)`, from which existing runs drew."""
    data = lambda key: tuple(np.asarray(jax.random.key_data(key)).tolist())  # noqa: E731
    for seed in (0, 1, 2**31 - 1):
        key = jax.random.key(seed)
        found = [data(rng.stream(key, use)) for use in rng.Stream]
        assert found[:4] == [data(part) for part in jax.random.split(key, 4)]
        others = [data(rng.stream_key(key, index)) for index in range(4)]
        assert len({*found, *others}) == len(rng.Stream) + 4
    assert [use.name for use in list(rng.Stream)[:4]] == ["LATENTS", "GENERATOR", "DISCRIMINATOR_REAL", "DISCRIMINATOR_FAKE"]
