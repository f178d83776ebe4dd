"""Feature matching against its formula, over trees, batches of different sizes and four devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import losses

RNG = np.random.default_rng(0)
REAL = {"conv": RNG.normal(1, 1, (8, 2, 2, 3)).astype(np.float32), "dense": RNG.normal(0, 2, (8, 5)).astype(np.float32)}
FAKE = {"conv": RNG.normal(0, 1, (8, 2, 2, 3)).astype(np.float32), "dense": RNG.normal(0, 1, (8, 5)).astype(np.float32)}


def gap(name, n=8):
    return REAL[name].astype(np.float64).mean(axis=0) - FAKE[name][:n].astype(np.float64).mean(axis=0)


def test_it_is_the_squared_distance_of_the_means_summed_over_the_tree():
    expected = {name: np.sum(gap(name) ** 2) for name in REAL}
    found = losses.feature_matching(REAL, FAKE)
    assert found.shape == ()
    assert found == pytest.approx(sum(expected.values()), rel=1e-6)
    assert losses.feature_matching(REAL["dense"], FAKE["dense"]) == pytest.approx(expected["dense"], rel=1e-6)


def test_it_may_be_the_absolute_distance():
    expected = sum(np.abs(gap(name)).sum() for name in REAL)
    assert losses.feature_matching(REAL, FAKE, absolute=True) == pytest.approx(expected, rel=1e-6)


def test_its_gradient_pulls_every_fake_alike_towards_the_mean_of_the_data():
    found = jax.jit(jax.grad(lambda fake: losses.feature_matching(REAL, fake)))(FAKE)
    for name in REAL:
        np.testing.assert_allclose(found[name], np.broadcast_to(-2 * gap(name) / 8, REAL[name].shape), rtol=1e-5, atol=1e-6)


def test_the_batches_may_differ_in_size():
    found = losses.feature_matching(REAL["dense"], FAKE["dense"][:3])
    assert found == pytest.approx(np.sum(gap("dense", 3) ** 2), rel=1e-6)


def test_features_that_agree_on_average_have_no_loss_and_no_gradient():
    value, slope = jax.value_and_grad(lambda fake: losses.feature_matching(REAL["dense"], fake))(REAL["dense"][::-1])
    assert value == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_four_devices_match_the_means_of_the_whole_batch():
    def update(w, real, fake, axis_name=None):
        value, slope = jax.value_and_grad(lambda w: losses.feature_matching(real @ w, fake @ w, axis_name=axis_name))(w)
        return value, slope if axis_name is None else jax.lax.pmean(slope, axis_name)

    w = jnp.linspace(0.5, 1.5, 10).reshape(5, 2)
    spread = lambda x: x.reshape(4, 2, 5)  # noqa: E731
    values, slopes = jax.pmap(lambda *inputs: update(*inputs, "data"), axis_name="data", in_axes=(None, 0, 0))(
        w, spread(REAL["dense"]), spread(FAKE["dense"])
    )
    value, slope = jax.jit(update)(w, REAL["dense"], FAKE["dense"])
    assert value == pytest.approx(np.sum((gap("dense") @ np.asarray(w)) ** 2), rel=1e-5)
    np.testing.assert_allclose(values, value, rtol=1e-5)
    np.testing.assert_allclose(slopes, np.broadcast_to(slope, (4, 5, 2)), rtol=1e-5, atol=1e-6)


def test_features_of_different_shapes_or_trees_are_an_error():
    with pytest.raises(ValueError, match=r"fake_features must have the shape \[batch, 5\], found \(8, 4\)"):
        losses.feature_matching(jnp.zeros((8, 5)), jnp.zeros((8, 4)))
    with pytest.raises(ValueError, match=r"fake_features must have the shape \[batch\], found \(8, 1\)"):
        losses.feature_matching(jnp.zeros(8), jnp.zeros((8, 1)))
    with pytest.raises(ValueError, match="the same tree structure"):
        losses.feature_matching(REAL, {"conv": FAKE["conv"]})
