"""The contract that every entry of `LOSSES` keeps, each against its formulas in float64; and the losses of `losses.classic`.

`test_relativistic.py`, `test_f_gan.py` and `test_feature_matching.py` have what is particular to those.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle_losses import ORACLE, sigmoid, softplus

from jgan import losses

EXTREMES = np.array([-1e4, -100, -20, -10, -5, -1, 0, 1, 5, 10, 20, 100, 1e4], np.float32)
LOGITS = hnp.arrays(np.float32, EXTREMES.shape, elements=st.floats(-1e4, 1e4, width=32))  # one shape: one compilation
names = pytest.mark.parametrize("name", losses.LOSSES)


def evaluate(loss, real, fake):
    """Both players' values, the slopes of D's sum by both logits and of G's by the fakes'."""
    reference = real if loss.relativistic else None
    return (
        loss.discriminator(real, fake),
        loss.generator(reference, fake),
        *jax.grad(lambda r, f: jnp.sum(loss.discriminator(r, f)), argnums=(0, 1))(real, fake),
        jax.grad(lambda f: jnp.sum(loss.generator(reference, f)))(fake),
    )


@functools.cache
def compiled(loss):
    return jax.jit(functools.partial(evaluate, loss))


# ------------------------------------------------------------------------------------------------------------ every loss


def test_every_loss_has_an_oracle():
    assert set(ORACLE) == set(losses.LOSSES)


@names
@given(real=LOGITS, shift=st.floats(-10, 10, width=32))
def test_values_and_gradients_are_those_of_the_formulas(name, real, shift):
    fake = real[::-1] + np.float32(shift)
    r, f = real.astype(np.float64), fake.astype(np.float64)
    (d, d_scale, d_slopes), (g, g_scale, g_slopes) = (oracle(r, f) for oracle in ORACLE[name])
    d_found, g_found, *slopes = compiled(losses.LOSSES[name])(real, fake)

    # float32 rounds each term with a relative error of some 1e-7; the absolute part is for values that cancel, like r - 1.
    assert (np.abs(d_found - d) <= 1e-6 * (1 + d_scale)).all()
    assert (np.abs(g_found - g) <= 1e-6 * (1 + g_scale)).all()
    if not losses.LOSSES[name].over_batch:  # the slopes of those are in test_relativistic.py
        for found, expected in zip(slopes, (*d_slopes, *g_slopes), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@names
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_values_and_gradients_are_finite_at_any_logit(name, dtype):
    for places in range(len(EXTREMES)):
        real, fake = (jnp.asarray(logits, dtype) for logits in (EXTREMES, np.roll(EXTREMES, places)))
        for array in compiled(losses.LOSSES[name])(real, fake):
            assert array.dtype == dtype
            assert np.isfinite(np.asarray(array, np.float32)).all()


@names
def test_each_player_pulls_the_logits_its_own_way(name):
    """Between the targets D descends towards higher logits on reals and lower on fakes, and G towards higher on fakes."""
    logits = np.linspace(0.1, 0.9, len(EXTREMES), dtype=np.float32)
    _, _, d_on_real, d_on_fake, g_on_fake = compiled(losses.LOSSES[name])(logits, logits)
    assert (d_on_real < 0).all()
    assert (d_on_fake > 0).all()
    assert (g_on_fake < 0).all()


@names
def test_a_value_depends_on_its_own_logits_alone_unless_the_loss_says_that_it_is_over_the_batch(name):
    loss = losses.LOSSES[name]
    real, fake, others = np.random.default_rng(0).normal(size=(3, len(EXTREMES))).astype(np.float32)
    here = np.arange(len(EXTREMES)) == 4
    for values, changed in zip(
        compiled(loss)(real, fake), compiled(loss)(np.where(here, real, others), np.where(here, fake, -others)), strict=True
    ):
        assert (values[4] == changed[4]) != loss.over_batch


@names
@pytest.mark.parametrize(("shape", "dtype"), [((), jnp.float32), ((3, 1), jnp.float32), ((2, 3, 4), jnp.bfloat16)])
def test_shapes_and_dtypes_are_those_of_the_logits(name, shape, dtype):
    like = jax.ShapeDtypeStruct(shape, dtype)
    for found in jax.eval_shape(functools.partial(evaluate, losses.LOSSES[name]), like, like):
        assert (found.shape, found.dtype) == (shape, dtype)


@names
def test_b_beside_b_by_1_is_an_error_that_names_both_shapes(name):
    loss = losses.LOSSES[name]
    with pytest.raises(ValueError, match=r"found \(5,\) and \(5, 1\)"):
        loss.discriminator(jnp.zeros(5), jnp.zeros((5, 1)))
    with pytest.raises(ValueError, match=r"found \(5, 1\) and \(5,\)"):
        jax.jit(loss.discriminator)(jnp.zeros((5, 1)), jnp.zeros(5))
    if loss.relativistic:
        with pytest.raises(ValueError, match=r"found \(5,\) and \(5, 1\)"):
            loss.generator(jnp.zeros(5), jnp.zeros((5, 1)))


# -------------------------------------------------------------------------------------------- saturating and non-saturating


@given(logits=hnp.arrays(np.float32, EXTREMES.shape, elements=st.floats(-15, 15, width=32)))
def test_the_saturating_gradient_is_the_other_times_the_odds(logits):
    """d/dt log(1 - sigmoid t) = -D and d/dt -log sigmoid t = -(1 - D): their ratio is D / (1 - D) = exp(t)."""
    *_, saturating = compiled(losses.minimax)(logits, logits)
    *_, non_saturating = compiled(losses.non_saturating)(logits, logits)
    np.testing.assert_allclose(saturating, non_saturating * np.exp(logits), rtol=1e-5)


def test_where_d_is_unsure_the_two_pull_alike_and_where_it_is_sure_only_one_does():
    unsure, sure = np.zeros(EXTREMES.shape, np.float32), np.full(EXTREMES.shape, -20, np.float32)
    slopes = lambda loss, logits: compiled(loss)(logits, logits)[-1]  # noqa: E731
    assert (slopes(losses.minimax, unsure) == -0.5).all()
    assert (slopes(losses.non_saturating, unsure) == -0.5).all()
    assert (np.abs(slopes(losses.minimax, sure)) < 1e-8).all()
    np.testing.assert_allclose(slopes(losses.non_saturating, sure), -1, atol=1e-7)


@functools.cache
def pull_on_densities(loss):
    """By how much G's loss at the best D falls with each free logit of its density, `(p_data, free) -> gradient`."""

    def value(free, p_data):
        p_g = jax.nn.softmax(free)
        best = jax.lax.stop_gradient(jnp.log(p_data) - jnp.log(p_g))  # D is held while G moves
        return jnp.sum(p_g * loss.generator(None, best))

    return jax.jit(lambda p_data, free: jax.grad(value)(free, p_data))


@pytest.mark.parametrize("loss", [losses.minimax, losses.non_saturating])
@given(free=hnp.arrays(np.float32, (2, 5), elements=st.floats(-2, 2, width=32)))
def test_both_generators_rest_where_the_densities_agree_and_d_says_one_half(loss, free):
    """The generator is a density on five points, the expectation over it is exact; D* = 1/2 everywhere iff p_g = p_data."""
    p_data = np.array(jax.nn.softmax(free[0]))
    np.testing.assert_allclose(pull_on_densities(loss)(p_data, free[0]), 0, atol=1e-6)
    p_g = np.array(jax.nn.softmax(free[1]))
    pull = pull_on_densities(loss)(p_data, free[1])
    # Moved along it, p_g gains where it is short of the data: the pull is against log(p_g / p_data) in the mean over p_g.
    excess = np.log(p_g) - np.log(p_data)
    if np.ptp(excess) > 1e-2:
        assert np.sum(pull * excess) > 0


# --------------------------------------------------------------------------------------------------------- label smoothing


def test_without_smoothing_the_cross_entropy_is_the_game_of_2014():
    for found, expected in zip(
        compiled(losses.cross_entropy())(EXTREMES, EXTREMES[::-1]),
        compiled(losses.non_saturating)(EXTREMES, EXTREMES[::-1]),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
    assert losses.cross_entropy(saturating=True).generator is losses.minimax.generator
    assert losses.cross_entropy().boundary == 0


LABELS = pytest.mark.parametrize(("a", "b"), [(0.9, 0.0), (0.8, 0.1), (1.0, 0.3)])


@LABELS
def test_smoothed_labels_at_any_logit(a, b):
    d, _, on_real, on_fake, _ = compiled(losses.cross_entropy(real_label=a, fake_label=b))(EXTREMES, EXTREMES[::-1])
    r, f = EXTREMES.astype(np.float64), EXTREMES[::-1].astype(np.float64)
    expected = a * softplus(-r) + (1 - a) * softplus(r) + b * softplus(-f) + (1 - b) * softplus(f)
    np.testing.assert_allclose(d, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(on_real, sigmoid(r) - a, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(on_fake, sigmoid(f) - b, rtol=1e-6, atol=1e-6)


@LABELS
def test_the_best_smoothed_discriminator_is_that_of_the_paper(a, b):
    """Salimans et al. (2016), section 3.4: D* = (a p_data + b p_g) / (p_data + p_g); above the boundary iff p_data > p_g."""
    loss = losses.cross_entropy(real_label=a, fake_label=b)
    p_data, p_g = np.array([0.5, 0.25, 0.2, 0.05]), np.array([0.1, 0.25, 0.25, 0.4])
    best = (a * p_data + b * p_g) / (p_data + p_g)
    logit = (np.log(best) - np.log1p(-best)).astype(np.float32)
    _, _, on_real, on_fake, _ = compiled(loss)(logit, logit)
    np.testing.assert_allclose(p_data * on_real + p_g * on_fake, 0, atol=1e-7)
    assert logit[0] > loss.boundary > logit[3]
    assert logit[1] == pytest.approx(loss.boundary, rel=1e-6)


@pytest.mark.parametrize(("a", "b"), [(1.1, 0.0), (1.0, -0.1), (0.5, 0.5), (0.3, 0.6), (float("nan"), 0.0)])
def test_labels_that_are_none_are_an_error(a, b):
    with pytest.raises(ValueError, match=f"0 <= fake_label < real_label <= 1, found {b} and {a}"):
        losses.cross_entropy(real_label=a, fake_label=b)


# ----------------------------------------------------------------------------------------------------------- least squares


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


# ---------------------------------------------------------------------------------------------------------------- and hinge


def test_the_best_hinge_discriminator_is_a_sign_and_gives_the_total_variation():
    """Lim and Ye (2017): at the best D, which is the sign of p_data - p_g, the loss is 2 - 2 TV(p_data, p_g)."""
    p_data, p_g = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])

    def mean_loss(logits):
        r, f = (grid.ravel() for grid in np.meshgrid(logits, logits))
        weights = np.outer(p_g, p_data).ravel()
        return np.sum(weights * np.asarray(losses.hinge.discriminator(r, f), np.float64))

    best = np.sign(p_data - p_g).astype(np.float32)
    assert mean_loss(best) == pytest.approx(2 - np.abs(p_data - p_g).sum(), rel=1e-6)
    for other in np.random.default_rng(0).uniform(-2, 2, (20, 3)).astype(np.float32):
        assert mean_loss(other) > mean_loss(best)
