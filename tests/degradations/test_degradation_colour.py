"""Changes of colour against `colorsys` and NumPy."""

import colorsys
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.degradations import colour

IMAGE = np.random.default_rng(0).uniform(0, 1, (9, 7, 3)).astype(np.float32)
IMAGE[0] = IMAGE[0, :, :1]  # greys have no hue
IMAGE[1, :, 0] = IMAGE[1, :, 1]
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize("hue", [-0.1, 0.0, 0.07, 0.5])
def test_hue_is_that_of_hsv(hue):
    def turned(pixel):
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        return colorsys.hsv_to_rgb((h + hue) % 1, s, v)

    np.testing.assert_allclose(colour.turned(jnp.asarray(IMAGE), hue), np.apply_along_axis(turned, 2, IMAGE), atol=2e-6)


def test_the_other_changes_are_their_formulas():
    image, grey = jnp.asarray(IMAGE), IMAGE @ LUMA
    np.testing.assert_allclose(colour.grey(image), np.repeat(grey[..., None], 3, 2), atol=1e-6)
    np.testing.assert_allclose(colour.brightened(image, 1.3), np.clip(1.3 * IMAGE, 0, 1), atol=1e-6)
    np.testing.assert_allclose(colour.contrasted(image, 1.4), np.clip(1.4 * IMAGE - 0.4 * grey.mean(), 0, 1), atol=1e-6)
    np.testing.assert_allclose(colour.saturated(image, 1.4), np.clip(1.4 * IMAGE - 0.4 * grey[..., None], 0, 1), atol=1e-6)


def test_grey_images_change_in_brightness_and_contrast_only():
    grey = jnp.asarray(IMAGE[..., :1])
    for change in (colour.saturated, colour.turned):
        np.testing.assert_allclose(change(grey, 0.3), grey, atol=1e-6)
    np.testing.assert_allclose(colour.contrasted(grey, 0.5), 0.5 * grey + 0.5 * grey.mean(), atol=1e-6)


@pytest.mark.slow
def test_the_jitter_is_the_four_changes_in_every_order():
    """Without clipping, hue and saturation keep a grey image; the order of brightness and contrast with a shift shows."""
    changes = (colour.brightened, colour.contrasted, colour.saturated, colour.turned)
    ranges = ((0.8, 0.8), (1.5, 1.5), (0.4, 0.4), (0.1, 0.1))
    image = jnp.asarray(IMAGE)

    def in_order(order):
        found = image
        for index in order:
            found = changes[index](found, ranges[index][0])
        return found

    every = np.stack([in_order(order) for order in itertools.permutations(range(4))])
    found = jax.vmap(lambda key: colour.jittered(key, image, *ranges))(jax.random.split(jax.random.key(0), 300))
    distance = abs(np.asarray(found)[:, None] - every).max((2, 3, 4))
    assert distance.min(1).max() < 1e-5
    assert len(set(distance.argmin(1).tolist())) > 15


def test_a_shift_is_one_number_for_a_channel():
    image = jnp.full((6, 5, 3), 0.5)
    found = jax.vmap(lambda key: colour.shifted(key, image, 0.1))(jax.random.split(jax.random.key(0), 500)) - 0.5
    np.testing.assert_allclose(found, found[:, :1, :1] + jnp.zeros((1, 6, 5, 1)), atol=0)
    shifts = np.asarray(found[:, 0, 0])
    assert (abs(shifts).max(), shifts.std()) == pytest.approx((0.1, 0.1 / 3**0.5), rel=0.05)
    assert abs(np.corrcoef(shifts.T) - np.eye(3)).max() < 0.15
