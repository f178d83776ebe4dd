"""Grouped convolution against NumPy in float64, and its gradients against those of XLA's convolution with groups."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan.networks import grouped_convolution
from jgan.networks.convolution import conv
from jgan.networks.grouped_convolution import grouped_conv


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_groups(x, kernel, padding):
    groups = np.split(x, x.shape[-1] // kernel.shape[2], axis=-1)
    kernels = np.split(kernel, len(groups), axis=-1)
    return np.concatenate([oracle.conv(x, k, padding=padding) for x, k in zip(groups, kernels, strict=True)], axis=-1)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(("group", "inputs", "outputs"), [(2, 6, 9), (16, 96, 96), (4, 4, 3), (1, 40, 40)])
def test_a_group_sees_itself_alone(group, inputs, outputs, dense):
    """Odd numbers of groups, of outputs in a group; one group; more groups than convolutions."""
    x, kernel = drawn(2, 3, 4, inputs), drawn(3, 3, group, outputs, seed=1)
    expected = by_groups(np.float64(x), np.float64(kernel), 1)
    np.testing.assert_allclose(grouped_conv(x, kernel, padding=1, dense=dense), expected, rtol=1e-5, atol=2e-4)


def test_the_gradients_are_those_of_xla_to_the_second_order():
    """R1 differentiates a gradient."""
    x, kernel = drawn(2, 4, 5, 64), drawn(3, 3, 8, 64, seed=1)

    def found(dense):
        value = lambda x, k: jnp.sum(jnp.sin(grouped_conv(x, k, padding=1, dense=dense)))  # noqa: E731
        slope = lambda x, k: jnp.sum(jnp.square(jax.grad(value)(x, k)))  # noqa: E731
        return jax.jit(lambda *args: (jax.grad(value, (0, 1))(*args), jax.grad(slope, (0, 1))(*args)))(x, kernel)

    for ours, xla in zip(jax.tree.leaves(found(True)), jax.tree.leaves(found(False)), strict=True):
        np.testing.assert_allclose(ours, xla, rtol=0, atol=1e-5 * np.abs(xla).max())


@pytest.mark.parametrize(
    ("groups", "group", "together"), [(16, 16, 1), (96, 16, 6), (4, 4, 4), (8, 8, 2), (8, 64, 1), (7, 8, 7), (7, 16, 1)]
)
def test_groups_are_joined_to_fill_a_convolution_and_to_be_few(groups, group, together):
    assert grouped_convolution._together(groups, group) == together


def test_channels_that_form_no_groups_are_refused():
    with pytest.raises(ValueError, match="expected whole groups of 4 channels, found 6 inputs and 8 outputs"):
        grouped_conv(drawn(1, 3, 3, 6), drawn(3, 3, 4, 8))
    with pytest.raises(ValueError, match="expected whole groups of 2 channels, found 6 inputs and 8 outputs"):
        grouped_conv(drawn(1, 3, 3, 6), drawn(3, 3, 2, 8))


def test_a_1x1_convolution_is_a_product_of_matrices():
    x, kernel = drawn(2, 3, 4, 5), drawn(1, 1, 5, 6, seed=1)
    np.testing.assert_allclose(conv(x, kernel), np.float64(x) @ np.float64(kernel[0, 0]), rtol=1e-5, atol=1e-5)
