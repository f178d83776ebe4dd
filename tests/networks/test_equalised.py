"""Equalised layers, pixel norm and the minibatch standard deviation against their formulas in NumPy float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan.networks import EqualisedConv, EqualisedDense
from jgan.networks.minibatch_std import groups_of, minibatch_std
from jgan.networks.norms import pixel_norm

RANDOM = np.random.default_rng(0)


def numbers(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def test_a_dense_layer_is_its_formula():
    params, x = {"kernel": numbers(5, 7), "bias": numbers(7)}, numbers(3, 5)
    found = EqualisedDense(7, gain=1.5, rate=0.01).apply({"params": params}, x)
    kernel, bias = np.float64(params["kernel"]), np.float64(params["bias"])
    expected = np.float64(x) @ (kernel * 0.01 * 1.5 / np.sqrt(5)) + 0.01 * bias
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("size", "stride", "padding", "zeros"), [(3, 1, None, 1), (1, 1, None, 0), (3, 2, 0, 0)])
def test_a_convolution_is_its_formula(size, stride, padding, zeros):
    params, x = {"kernel": numbers(size, size, 5, 7), "bias": numbers(7)}, numbers(2, 6, 8, 5)
    found = EqualisedConv(7, size, stride, padding, gain=1.5).apply({"params": params}, x)
    kernel = np.float64(params["kernel"]) * 1.5 / np.sqrt(size * size * 5)
    expected = oracle.conv(np.float64(x), kernel, np.float64(params["bias"]), stride=stride, padding=zeros)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_layers_start_with_outputs_of_the_gain_whatever_their_rate():
    x = numbers(64, 200)
    for rate in (1.0, 0.01):
        variables = EqualisedDense(300, gain=1.5, rate=rate, bias=0.25).init(jax.random.key(0), x)
        assert np.std(variables["params"]["kernel"]) == pytest.approx(1 / rate, rel=0.02)
        y = EqualisedDense(300, gain=1.5, rate=rate, bias=0.25).apply(variables, x)
        assert np.std(y) == pytest.approx(1.5, rel=0.05)
        assert np.mean(y) == pytest.approx(0.25, abs=0.05)


def test_a_step_of_adams_size_moves_a_layer_in_proportion_to_its_rate():
    x = numbers(4, 10)
    moves = []
    for rate in (1.0, 0.01):
        layer = EqualisedDense(6, rate=rate)
        params = layer.init(jax.random.key(0), x)["params"]
        after = jax.tree.map(lambda leaf: leaf + 0.1, params)
        moves.append(layer.apply({"params": after}, x) - layer.apply({"params": params}, x))
    np.testing.assert_allclose(moves[1], 0.01 * moves[0], rtol=1e-2, atol=1e-6)


def test_pixel_norm_is_its_formula():
    x = numbers(2, 3, 4, 5)
    expected = np.float64(x) / np.sqrt(np.mean(np.float64(x) ** 2, axis=-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(pixel_norm(x), expected, rtol=1e-5)
    assert np.isfinite(pixel_norm(jnp.zeros((1, 3)))).all()


# ---------------------------------------------------------------------------------------- the minibatch standard deviation


def deviations(x, group):
    """Group by group, feature by feature."""
    y = np.zeros(len(x))
    for first in range(0, len(x), group):
        features = np.float64(x[first : first + group]).reshape(group, -1)
        y[first : first + group] = np.mean([np.sqrt(np.var(column) + 1e-8) for column in features.T])
    return y


@pytest.mark.parametrize(
    ("batch", "size", "group"), [(8, 4, 4), (8, 0, 8), (6, 4, 3), (3, 4, 3), (7, 4, 7), (1, 4, 1), (8, 3, 2)]
)
def test_the_standard_deviation_is_that_of_each_group(batch, size, group):
    x = numbers(batch, 3, 2, 4)
    assert groups_of(batch, size) == group
    found = minibatch_std(x, size)
    np.testing.assert_array_equal(found[..., :4], x)
    expected = np.broadcast_to(deviations(x, group)[:, None, None], (batch, 3, 2))
    np.testing.assert_allclose(found[..., 4], expected, rtol=1e-5, atol=1e-6)


def test_it_does_not_depend_on_the_number_of_devices_where_groups_fit():
    x = numbers(16, 2, 2, 3)
    whole = minibatch_std(x, 4)
    shares = jax.vmap(functools.partial(minibatch_std, size=4))(x.reshape(2, 8, 2, 2, 3))
    np.testing.assert_allclose(shares.reshape(whole.shape), whole, rtol=1e-6)


@pytest.mark.slow
def test_its_gradient_at_equal_examples_is_finite():
    gradient = jax.grad(lambda x: minibatch_std(x, 2).sum())(jnp.ones((4, 1, 1, 2)))
    assert np.isfinite(gradient).all()
