"""Resampling against its definition in NumPy float64: zeros inserted, padded, convolved with the outer product of the taps."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.networks import resample


def definition(x, taps, up=1, down=1, padding=(0, 0), gain=1.0):
    """A pixel after the other, with the two-dimensional filter."""
    b, h, w, c = x.shape
    before, after = padding
    spread = np.zeros((b, h * up, w * up, c))
    spread[:, ::up, ::up] = x
    margins = [(0, 0), (max(before, 0), max(after, 0)), (max(before, 0), max(after, 0)), (0, 0)]
    spread = np.pad(spread, margins)
    crop = slice(max(-before, 0), None), slice(None, -max(-after, 0) or None)
    spread = spread[:, crop[0], crop[0]][:, crop[1], crop[1]]
    kernel = np.outer(taps, taps) * gain / np.sum(taps) ** 2
    k = len(taps)
    rows, columns = spread.shape[1] - k + 1, spread.shape[2] - k + 1
    y = np.zeros((b, rows, columns, c))
    for i in range(rows):
        for j in range(columns):
            y[:, i, j] = np.einsum("nabc,ab->nc", spread[:, i : i + k, j : j + k], kernel[::-1, ::-1])
    return y[:, ::down, ::down]


@functools.cache
def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


CASES = [
    ((1, 3, 3, 1), {}),
    ((1, 3, 3, 1), {"padding": (2, 1)}),
    ((1, 3, 3, 1), {"up": 2, "padding": (2, 1), "gain": 4.0}),
    ((1, 3, 3, 1), {"down": 2, "padding": (1, 1)}),
    ((1, 3, 3, 1), {"down": 2, "padding": (2, 2)}),
    ((1, 2, 4), {"up": 2, "padding": (2, 0)}),
    ((1, 2, 4), {"down": 3, "padding": (0, 1)}),
    ((1, 2, 4, 8, 3), {"up": 3, "down": 2, "padding": (3, -2), "gain": 2.0}),
    ((2, 1), {"up": 3, "padding": (1, 2)}),
    ((1,), {"padding": (-1, -2)}),
]


@pytest.mark.parametrize(("taps", "options"), CASES)
def test_a_filter_is_its_definition(taps, options):
    x = images(2, 7, 6, 3)
    expected = definition(np.float64(x), taps, **options)
    found = jax.jit(lambda x: resample.filtered(x, taps, **options))(x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("taps", "options"), CASES)
def test_the_gradient_is_the_transpose(taps, options):
    """Of the definition as a matrix. Differentiated once more, it is the filter itself."""
    x = images(2, 7, 6, 3)
    other = images(*definition(x, taps, **options).shape)

    @jax.jit
    def twice(x, other):
        y, pull_back = jax.vjp(lambda x: resample.filtered(x, taps, **options), x)
        transposed, again = jax.vjp(lambda other: pull_back(other)[0], other)
        return y, transposed, again(x)[0]

    y, transposed, again = twice(x, other)
    basis = np.eye(42).reshape(42, 7, 6, 1)  # 42 images with one pixel
    of_pixels = definition(basis, taps, **options)[..., 0]
    expected = np.einsum("pij,bijc->bpc", of_pixels, np.float64(other)).reshape(x.shape)
    np.testing.assert_allclose(transposed, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(again, y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 1), (1, 4, 6, 4, 1)])
def test_sizes_double_halve_and_stay(taps):
    """With the paddings of StyleGAN2's code for a filter of k taps."""
    x, k, sides = images(2, 6, 8, 3), len(taps), []
    for function, options in (
        (resample.upsample, {"up": 2, "padding": ((k + 1) // 2, (k - 2) // 2), "gain": 4.0}),
        (resample.downsample, {"down": 2, "padding": ((k - 1) // 2, (k - 2) // 2)}),
        (resample.smooth, {"padding": (k // 2, (k - 1) // 2)}),
    ):
        found = jax.jit(functools.partial(function, taps=taps))(x)
        expected = definition(np.float64(x), taps, **options)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        sides.append(found.shape[1:3])
    assert sides == [(12, 16), (3, 4), (6, 8)]


def test_nearest_neighbours_and_average_pooling():
    x = images(2, 6, 8, 3)
    np.testing.assert_array_equal(resample.nearest(x), np.kron(x, np.ones((1, 2, 2, 1), np.float32)))
    expected = np.float64(x).reshape(2, 3, 2, 4, 2, 3).mean((2, 4))
    np.testing.assert_allclose(resample.average_pool(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(resample.average_pool(resample.nearest(x)), x, rtol=1e-6)


@pytest.mark.parametrize("function", [resample.upsample, resample.downsample, resample.smooth, resample.nearest])
def test_the_dtype_stays(function):
    assert jax.eval_shape(function, jnp.ones((1, 4, 4, 1), jnp.bfloat16)).dtype == jnp.bfloat16


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"a filter of 4 taps does not fit on an image of 2x8 with padding \(0, 1\)"):
        resample.filtered(jnp.ones((1, 2, 8, 1)), padding=(0, 1))
    with pytest.raises(ValueError, match="the sides of images that are halved must be even, found 3x4"):
        resample.average_pool(jnp.ones((1, 3, 4, 1)))
    with pytest.raises(ValueError, match="the sides of images that are halved must be even, found 4x5"):
        resample.downsample(jnp.ones((1, 4, 5, 1)))
