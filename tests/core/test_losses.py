"""The losses against their formulas in float64, at any logit, and the contract that every entry of `LOSSES` keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jgan import losses

LOGITS = hnp.arrays(np.float32, 12, elements=st.floats(-1e4, 1e4, width=32))  # one shape: one compilation
EXTREMES = np.array([-1e4, -100.0, -20.0, -1.0, 0.0, 1.0, 20.0, 100.0, 1e4], np.float32)
names = pytest.mark.parametrize("name", losses.LOSSES)


def sigmoid(t):
    """In float64, exact in both tails: each branch takes the exponential of a negative number."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1 / (1 + e), e / (1 + e))


def minus_log_sigmoid(t):
    return np.logaddexp(0.0, -t)


# What the papers print: D's loss on a pair of logits r, f and G's on f, with their derivatives, in float64.
ORACLE = {
    "minimax": (
        lambda r, f: minus_log_sigmoid(r) + minus_log_sigmoid(-f),
        lambda r, f: -minus_log_sigmoid(-f),
        lambda r, f: (-sigmoid(-r), sigmoid(f)),
        lambda f: -sigmoid(f),
    ),
    "non_saturating": (
        lambda r, f: minus_log_sigmoid(r) + minus_log_sigmoid(-f),
        lambda r, f: minus_log_sigmoid(f),
        lambda r, f: (-sigmoid(-r), sigmoid(f)),
        lambda f: -sigmoid(-f),
    ),
    "least_squares": (
        lambda r, f: ((r - 1) ** 2 + f**2) / 2,
        lambda r, f: (f - 1) ** 2 / 2,
        lambda r, f: (r - 1, f),
        lambda f: f - 1,
    ),
}


def d_gradients(loss, real, fake):
    return jax.grad(lambda r, f: jnp.sum(loss.discriminator(r, f)), argnums=(0, 1))(real, fake)


def g_gradient(loss, real, fake):
    return jax.grad(lambda f: jnp.sum(loss.generator(real if loss.relativistic else None, f)))(fake)


def test_every_loss_has_an_oracle_here():
    assert set(ORACLE) == set(losses.LOSSES)


@names
@given(real=LOGITS, shift=st.floats(-10, 10, width=32))
def test_values_and_gradients_are_those_of_the_formulas(name, real, shift):
    loss, (d_value, g_value, d_slopes, g_slope) = losses.LOSSES[name], ORACLE[name]
    fake = real[::-1] + np.float32(shift)
    r, f = real.astype(np.float64), fake.astype(np.float64)

    # float32 adds and squares with a relative error of some 1e-7; the absolute part is for values that cancel, like r - 1.
    close = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(loss.discriminator(real, fake), d_value(r, f), **close)
    np.testing.assert_allclose(loss.generator(None, fake), g_value(r, f), **close)
    for found, expected in zip(d_gradients(loss, real, fake), d_slopes(r, f), strict=True):
        np.testing.assert_allclose(found, expected, **close)
    np.testing.assert_allclose(g_gradient(loss, real, fake), g_slope(f), **close)


@names
def test_values_and_gradients_are_finite_at_any_logit(name):
    loss = losses.LOSSES[name]
    real, fake = (grid.ravel() for grid in np.meshgrid(EXTREMES, EXTREMES))
    reference = real if loss.relativistic else None
    for array in (
        loss.discriminator(real, fake),
        loss.generator(reference, fake),
        *d_gradients(loss, real, fake),
        g_gradient(loss, real, fake),
    ):
        assert np.isfinite(array).all()


@names
def test_each_player_pulls_the_logits_its_own_way(name):
    """Between the targets D descends towards higher logits on reals and lower on fakes, and G towards higher on fakes."""
    loss = losses.LOSSES[name]
    logits = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    on_real, on_fake = d_gradients(loss, logits, logits)
    assert (on_real < 0).all()
    assert (on_fake > 0).all()
    assert (g_gradient(loss, logits, logits) < 0).all()


def test_the_two_generator_losses_pull_alike_where_d_is_unsure_and_only_one_where_it_is_sure():
    """At D = 1/2 both slopes are -1/2; where D is sure of the fake (D -> 0) one vanishes and the other tends to -1."""
    unsure, sure = np.zeros(1, np.float32), np.full(1, -20, np.float32)
    assert g_gradient(losses.minimax, None, unsure) == g_gradient(losses.non_saturating, None, unsure) == -0.5
    assert abs(g_gradient(losses.minimax, None, sure)) < 1e-8
    assert g_gradient(losses.non_saturating, None, sure) == pytest.approx(-1, abs=1e-7)


@pytest.mark.parametrize(("a", "b", "c"), [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0)])
def test_least_squares_takes_its_targets(a, b, c):
    loss = losses.least_squares(a, b, c)
    real, fake = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    np.testing.assert_allclose(loss.discriminator(real, fake), ((real - b) ** 2 + (fake - a) ** 2) / 2, rtol=1e-5)
    np.testing.assert_allclose(loss.generator(None, fake), (fake - c) ** 2 / 2, rtol=1e-5)
    assert loss.boundary == (a + b) / 2


def test_least_squares_with_b_minus_c_one_and_b_minus_a_two_is_pearsons_chi_squared():
    """Mao et al. (2017), theorem 1: at the best D, 2 C(G) = chi^2_Pearson(p_data + p_g || 2 p_g) for a, b, c = -1, 1, 0."""
    p_data, p_g = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    loss = losses.least_squares(-1.0, 1.0, 0.0)
    best = ((p_data - p_g) / (p_data + p_g)).astype(np.float32)  # (b p_data + a p_g) / (p_data + p_g)
    # C(G) averages G's loss over both distributions: the term in p_data does not depend on G.
    cost = np.sum((p_data + p_g) * np.asarray(loss.generator(None, best), np.float64))
    chi_squared = np.sum((2 * p_g - (p_data + p_g)) ** 2 / (p_data + p_g))
    assert 2 * cost == pytest.approx(chi_squared, rel=1e-6)


@names
@pytest.mark.parametrize(("shape", "dtype"), [((), jnp.float32), ((3, 1), jnp.float32), ((2, 3, 4), jnp.bfloat16)])
def test_losses_are_elementwise_under_every_transformation(name, shape, dtype):
    loss = losses.LOSSES[name]
    real, fake = (jax.random.normal(jax.random.key(seed), shape, dtype) for seed in (0, 1))
    for function in (loss.discriminator, loss.generator):
        values = function(real, fake)
        assert values.shape == shape
        assert values.dtype == dtype
        np.testing.assert_allclose(  # compiled, arithmetic in bfloat16 may keep digits that it drops at each operation eagerly
            *(np.asarray(v, np.float32) for v in (jax.jit(function)(real, fake), values)),
            rtol=1e-6 if dtype == jnp.float32 else 2e-2,
        )
        flat = function(real.ravel(), fake.ravel())
        mapped = jax.vmap(function)(real.ravel(), fake.ravel())
        np.testing.assert_array_equal(mapped, flat)
        np.testing.assert_array_equal(values.ravel(), flat)
        slope = jax.grad(lambda f, function=function: function(real, f).sum())(fake)
        assert slope.shape == shape
        assert slope.dtype == dtype


@names
def test_b_beside_b_by_1_is_an_error_that_names_both_shapes(name):
    with pytest.raises(ValueError, match=r"found \(5,\) and \(5, 1\)"):
        losses.LOSSES[name].discriminator(jnp.zeros(5), jnp.zeros((5, 1)))
    with pytest.raises(ValueError, match=r"found \(5, 1\) and \(5,\)"):
        jax.jit(losses.LOSSES[name].discriminator)(jnp.zeros((5, 1)), jnp.zeros(5))
