"""MATLAB's bicubic resizing against its formula, evaluated sum by sum, and against figures of other implementations."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jgan import resize


def kernel(t):
    """Keys' cubic convolution, a = -1/2."""
    t = abs(t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t <= 2 else 0.0


def by_formula(values, scale):
    """One axis: output k lies at (k + 1/2) / scale - 1/2; beyond the ends the values go on in a mirror."""
    n = len(values)
    found = []
    for k in range(math.ceil(scale * n)):
        centre, total, weights = (k + 0.5) / scale - 0.5, 0.0, 0.0
        for j in range(-4 * n - 40, 5 * n + 40):
            weight = kernel(min(scale, 1) * (centre - j))
            place = j % (2 * n)
            total += weight * values[place if place < n else 2 * n - 1 - place]
            weights += weight
        found.append(total / weights)
    return np.array(found)


@settings(max_examples=25)
@given(
    sizes=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    scale=st.sampled_from([1 / 4, 1 / 3, 1 / 2, 0.7, 1, 1.5, 2, 4]),
    seed=st.integers(0, 10**6),
)
def test_it_is_the_formula_at_any_size_and_scale(sizes, scale, seed):
    image = np.random.default_rng(seed).uniform(0, 1, (*sizes, 2))
    expected = np.apply_along_axis(by_formula, 0, np.apply_along_axis(by_formula, 1, image, scale), scale)
    found = resize.matlab_bicubic(image, scale)
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_it_gives_the_figures_of_other_implementations():
    """Known to 8 digits, and equal to those of BasicSR's imresize within 3e-7."""
    ramp = np.arange(8.0)[None, :, None]
    np.testing.assert_array_equal(resize.matlab_bicubic(ramp, 1 / 2).ravel(), [0.44921875, 2.48828125, 4.51171875, 6.55078125])
    impulse = np.eye(12)[4][:, None, None]
    found = resize.matlab_bicubic(impulse, 1 / 4).ravel()
    np.testing.assert_allclose(found, [0.08642578, 0.18188477, -0.01831055], atol=5e-9)
    rows, columns = np.mgrid[:8, :8]
    image = ((7 * rows + 13 * columns) % 17 / 16)[..., None]
    expected = [[0.48552233, 0.47128767], [0.50639051, 0.49773699]]
    np.testing.assert_allclose(resize.matlab_bicubic(image, 1 / 4)[..., 0], expected, atol=5e-9)
    enlarging, halving = resize.matlab_matrix(20, 4)[32], resize.matlab_matrix(20, 1 / 2)[5]
    np.testing.assert_allclose(enlarging[6:10], [-0.04394531, 0.38964844, 0.72753906, -0.07324219], atol=5e-9)
    half = [-0.01171875, -0.03515625, 0.11328125, 0.43359375]
    np.testing.assert_array_equal(halving[7:15], half + half[::-1])


def test_batches_of_jax_are_those_of_numpy_in_float32():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 9, 8, 3), np.uint8)
    exact, found = resize.matlab_bicubic(images, 1 / 4), resize.matlab_bicubic(jnp.asarray(images), 1 / 4)
    assert found.dtype == jnp.float32
    assert found.shape == (2, 3, 3, 2, 3)
    np.testing.assert_allclose(found, exact, atol=1e-4)
    np.testing.assert_array_equal(exact[1, 2], resize.matlab_bicubic(images[1, 2], 1 / 4))


@pytest.mark.parametrize("scale", [0.1, 0.2, 1 / 3, 1 / 7])
def test_a_scale_is_the_fraction_that_is_meant(scale):
    """0.1 * 3 * 10 is above 3 in floating point, and would give a row more."""
    whole = round(1 / scale)
    assert [resize.matlab_matrix(whole * n, scale).shape[0] for n in range(1, 40)] == list(range(1, 40))
    assert resize.matlab_matrix(whole + 1, scale).shape[0] == 2


@pytest.mark.parametrize("numpy", [np, jnp])
def test_rounding_to_eight_bits(numpy):
    values = numpy.asarray([-7.0, -0.4, 0.49, 0.5, 1.5, 2.5, 254.6, 256.0])
    np.testing.assert_array_equal(resize.eight_bits(values), [0, 0, 0, 1, 2, 3, 255, 255])


def test_what_cannot_be_resized_is_an_error():
    with pytest.raises(ValueError, match="the scale must be above 0, found 0"):
        resize.matlab_bicubic(np.zeros((2, 2, 1)), 0)
    with pytest.raises(ValueError, match=r"expected images \[..., height, width, channels\], found the shape \(2, 2\)"):
        resize.matlab_bicubic(np.zeros((2, 2)), 0.5)
