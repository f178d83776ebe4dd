"""The relativistic losses: gradients through the batch's means, what leaves them unchanged, four devices, what is an error."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_losses import ORACLE

from jgan import losses

B = 12
AVERAGED = {name: loss for name, loss in losses.LOSSES.items() if loss.over_batch}
RELATIVISTIC = {name: loss for name, loss in losses.LOSSES.items() if loss.relativistic}
PAIRED = {  # the paired game of each averaged one's cost
    "relativistic_average": losses.relativistic,
    "relativistic_average_detached": losses.relativistic,
    "relativistic_average_least_squares": losses.relativistic_paired(lambda margin: jnp.square(margin - 1)),
    "relativistic_average_hinge": losses.relativistic_paired(lambda margin: jnp.maximum(0, 1 - margin)),
}


DETACHED = "relativistic_average_detached"


def draw(seed, scale=2.0):
    """Logits `[2, B]` of reals and of fakes."""
    return (scale * np.random.default_rng(seed).normal(size=(2, B))).astype(np.float32)


@functools.cache
def compiled(function):
    """The values, and the gradient of their mean weighted with 1 ... B, so that no two examples count alike."""

    def weighted(real, fake):
        values = function(real, fake)
        return jnp.mean(values * jnp.arange(1.0, B + 1)), values

    return jax.jit(jax.value_and_grad(weighted, argnums=(0, 1), has_aux=True))


def test_these_are_the_relativistic_ones():
    assert set(AVERAGED) == set(PAIRED)
    assert set(RELATIVISTIC) == {"relativistic"} | set(PAIRED)


def test_detached_means_are_constants_to_the_discriminators_gradient_and_change_no_value():
    """`d/dr s(-(r - c)) = -sigmoid(c - r)` and `d/df s(f - c) = sigmoid(f - c)`, halved, c being the other mean."""
    real, fake = draw(0)
    loss, weights = losses.relativistic_average_detached, np.arange(1.0, B + 1) / B / 2
    (_, values), (on_real, on_fake) = compiled(loss.discriminator)(real, fake)
    np.testing.assert_allclose(values, losses.relativistic_average.discriminator(real, fake), rtol=1e-6)
    sigmoid = lambda t: 1 / (1 + np.exp(-t))  # noqa: E731
    np.testing.assert_allclose(on_real, -weights * sigmoid(fake.mean() - real), rtol=1e-4)
    np.testing.assert_allclose(on_fake, weights * sigmoid(fake - real.mean()), rtol=1e-4)


@pytest.mark.parametrize("name", RELATIVISTIC)
@pytest.mark.parametrize("seed", range(5))
def test_gradients_through_the_means_are_differences_of_the_formula(name, seed):
    real, fake = draw(seed)
    loss, step, weights = RELATIVISTIC[name], 1e-6, np.arange(1.0, B + 1)
    for function, oracle in zip((loss.discriminator, loss.generator), ORACLE[name], strict=True):
        if name == DETACHED and function is loss.discriminator:
            continue  # the test below
        _, slopes = compiled(function)(real, fake)
        both = np.stack([real, fake]).astype(np.float64)
        for at, found in np.ndenumerate(np.stack(slopes)):
            nudge = np.zeros_like(both)
            nudge[at] = step
            above, below = (np.mean(weights * oracle(*moved)[0]) for moved in (both + nudge, both - nudge))
            assert found == pytest.approx((above - below) / (2 * step), abs=2e-6)


@pytest.mark.parametrize("name", RELATIVISTIC)
@given(seed=st.integers(0, 2**32 - 1), constant=st.floats(-50, 50, width=32))
def test_a_constant_added_to_the_discriminator_changes_nothing(name, seed, constant):
    """And so the gradients by the logits add up to zero."""
    real, fake = draw(seed)
    for function in RELATIVISTIC[name].discriminator, RELATIVISTIC[name].generator:
        (_, values), slopes = compiled(function)(real, fake)
        (_, moved), _ = compiled(function)(real + constant, fake + constant)
        np.testing.assert_allclose(moved, values, rtol=1e-4, atol=1e-4)  # 50 + r has lost five of r's bits
        if name == DETACHED and function is RELATIVISTIC[name].discriminator:
            continue  # its means do not move with the logits
        assert np.sum(slopes) == pytest.approx(0, abs=1e-5 * (1 + float(np.abs(slopes).max())))


@pytest.mark.parametrize("name", RELATIVISTIC)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_generator_plays_the_discriminators_game_with_reals_and_fakes_exchanged(name, seed):
    real, fake = draw(seed)
    loss = RELATIVISTIC[name]
    (_, found), (by_real, by_fake) = compiled(loss.generator)(real, fake)
    (_, expected), slopes = compiled(loss.discriminator)(fake, real)
    slopes = (by_fake, by_real) if name == DETACHED else slopes  # the generator's means are no constants
    for one, other in zip((found, by_fake, by_real), (expected, *slopes), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", AVERAGED)
@given(real=st.floats(-5, 5, width=32), fake=st.floats(-5, 5, width=32))
def test_where_all_reals_are_alike_and_all_fakes_too_the_average_is_the_pair(name, real, fake):
    real, fake = np.full(B, real, np.float32), np.full(B, fake, np.float32)
    for one, other in zip(AVERAGED[name][:2], PAIRED[name][:2], strict=True):
        np.testing.assert_allclose(compiled(one)(real, fake)[0][1], compiled(other)(real, fake)[0][1], rtol=1e-5, atol=1e-5)


# ------------------------------------------------------------------------------------------------------------- four devices


@pytest.mark.parametrize("name", AVERAGED)
def test_on_four_devices_the_means_are_those_of_the_whole_batch(name):
    """Values, and a discriminator's gradient as the steps take it: of each device's mean, averaged over the devices."""
    loss = AVERAGED[name]
    w = jnp.array([0.5, -1.0, 2.0])
    real, fake = np.random.default_rng(1).normal(size=(2, 8, 3)).astype(np.float32) + np.float32([[[0.5]], [[-0.5]]])

    def update(w, real, fake, axis_name=None):
        def value(w, function):
            values = function(jnp.tanh(real @ w), jnp.tanh(fake @ w), axis_name=axis_name)
            return jnp.mean(values), values

        found = [jax.grad(value, has_aux=True)(w, function) for function in (loss.discriminator, loss.generator)]
        (d_slope, d_values), (g_slope, g_values) = found
        slopes = jnp.stack([d_slope, g_slope])
        return slopes if axis_name is None else jax.lax.pmean(slopes, axis_name), d_values, g_values

    alone = jax.jit(update)(w, real, fake)
    spread = jax.pmap(functools.partial(update, axis_name="data"), axis_name="data", in_axes=(None, 0, 0))
    slopes, *values = spread(w, real.reshape(4, 2, 3), fake.reshape(4, 2, 3))
    for of_one in slopes:
        np.testing.assert_allclose(of_one, alone[0], rtol=1e-5, atol=1e-6)
    for found, expected in zip(values, alone[1:], strict=True):
        np.testing.assert_allclose(found.ravel(), expected, rtol=1e-5, atol=1e-6)
    # The means are not those of each device's own part:
    r, f = np.tanh(real @ w).reshape(4, 2), np.tanh(fake @ w).reshape(4, 2)
    assert np.abs(jax.vmap(loss.discriminator)(r, f).ravel() - alone[1]).max() > 0.01


# ------------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", RELATIVISTIC)
def test_batches_of_different_sizes_are_an_error_that_says_why(name):
    for function in RELATIVISTIC[name].discriminator, RELATIVISTIC[name].generator:
        with pytest.raises(
            ValueError, match=r"pairs each real example with a fake, or averages over.* found \(5,\) and \(3,\)"
        ):
            function(jnp.zeros(5), jnp.zeros(3))


@pytest.mark.parametrize("name", RELATIVISTIC)
def test_a_generator_that_is_not_given_the_reals_is_an_error(name):
    with pytest.raises(ValueError, match="needs real_logits, found None"):
        RELATIVISTIC[name].generator(None, jnp.zeros(3))
