"""Colours against the paper's transformations, made one after the other in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jgan.augment.colour import Colour, colour_matrix, recolour

IMAGE = np.random.default_rng(0).uniform(size=(4, 5, 3)).astype(np.float32)
AXIS = np.ones(3) / np.sqrt(3)


@functools.partial(jax.jit, static_argnames=("low", "high"))
def recoloured(image, colour, low=0.0, high=1.0):
    return recolour(image, colour_matrix(colour), low=low, high=high)


def oracle(image, brightness, contrast, flip, hue, saturation):
    u = 2 * image.astype(np.float64) - 1
    u = (u + brightness) * contrast
    if flip:
        u = u - 2 * (u @ AXIS)[..., None] * AXIS
    u = Rotation.from_rotvec(hue * AXIS).apply(u.reshape(-1, 3)).reshape(u.shape)
    grey = (u @ AXIS)[..., None] * AXIS
    return (grey + saturation * (u - grey) + 1) / 2


colours = st.builds(
    Colour,
    brightness=st.floats(-1, 1, width=32),
    contrast=st.floats(0.25, 4, width=32),
    flip=st.sampled_from([0.0, 1.0]),
    hue=st.floats(-3.125, 3.125, width=32),
    saturation=st.floats(0.125, 8, width=32),
)


@given(colours)
def test_one_matrix_does_what_five_transformations_do(colour):
    np.testing.assert_allclose(recoloured(IMAGE, colour), oracle(IMAGE, *colour), rtol=1e-5, atol=2e-5)


@given(colours)
def test_a_grey_image_is_that_of_three_equal_channels(colour):
    grey = IMAGE[..., :1]
    expected = oracle(np.repeat(grey, 3, axis=-1), *colour)
    np.testing.assert_allclose(np.ptp(expected, axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(recoloured(grey, colour), expected[..., :1], rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_no_transformation_is_the_identity(channels):
    np.testing.assert_array_equal(recoloured(IMAGE[..., :channels], Colour()), IMAGE[..., :channels])


@given(colours)
def test_the_range_does_not_matter(colour):
    found = recoloured(20 * IMAGE - 5, colour, low=-5.0, high=15.0)
    np.testing.assert_allclose(found, 20 * oracle(IMAGE, *colour) - 5, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_are_the_matrix_transposed(channels):
    colour = Colour(0.3, 1.7, 1.0, 2.0, 0.6)
    image, cotangent = IMAGE[..., :channels], np.random.default_rng(1).normal(size=(4, 5, channels)).astype(np.float32)
    _, pull_back = jax.vjp(lambda image: recoloured(image, colour), jnp.array(image))
    matrix = np.stack([oracle(unit, *colour) - oracle(np.zeros(3), *colour) for unit in np.eye(3)], axis=1)
    expected = cotangent @ matrix if channels == 3 else cotangent * matrix.sum() / 3
    np.testing.assert_allclose(pull_back(cotangent)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_numbers_of_channels_are_an_error(channels):
    with pytest.raises(ValueError, match=f"images of 1 or 3 channels, found {channels}"):
        recolour(jnp.zeros((4, 4, channels)), jnp.eye(4))
