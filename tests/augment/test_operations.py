"""The elementary changes against float64 NumPy, SciPy and Pillow."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage

from jgan.augment import operations

HEIGHT, WIDTH = 7, 10
IMAGE = np.random.default_rng(0).uniform(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
GREY = IMAGE[..., :1]


@functools.cache
def jitted(name):
    return jax.jit(getattr(operations, name))


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7])
def test_brightness_saturation_and_contrast_are_the_papers(factor):
    image = IMAGE.astype(np.float64)
    expected = {
        "brighten": image + factor,
        "saturate": np.stack([factor * (image[..., c] - image.sum(-1) / 3) + image.sum(-1) / 3 for c in range(3)], -1),
        "contrast": (image - image.mean()) * factor + image.mean(),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(jitted(name)(IMAGE, factor), values, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["saturate", "contrast"])
def test_a_factor_of_1_is_the_identity(name):
    np.testing.assert_array_equal(jitted(name)(IMAGE, 1.0), IMAGE)


def test_saturation_does_not_touch_grey_images():
    np.testing.assert_allclose(jitted("saturate")(GREY, 1.9), GREY, atol=1e-6)


@given(st.integers(-HEIGHT - 1, HEIGHT + 1), st.integers(-WIDTH - 1, WIDTH + 1))
def test_translation_is_scipys(down, right):
    expected = ndimage.shift(IMAGE, (down, right, 0), order=0, mode="constant", cval=0.25)
    np.testing.assert_array_equal(jitted("translate")(IMAGE, down, right, fill=0.25), expected)


@given(st.integers(-3, HEIGHT), st.integers(-3, WIDTH), st.integers(1, 6), st.integers(1, 8))
def test_a_cutout_is_the_rectangle_that_pillow_paints(top, left, height, width):
    canvas = Image.fromarray(GREY[..., 0])
    ImageDraw.Draw(canvas).rectangle((left, top, left + width - 1, top + height - 1), fill=0.25)
    centre, size = jnp.array([top + height / 2, left + width / 2]), jnp.array([height, width], jnp.float32)
    np.testing.assert_array_equal(jitted("cut_out")(GREY, centre, size, fill=0.25)[..., 0], np.asarray(canvas))


@given(
    *[st.floats(-1, 11, width=16)] * 2,  # of 16 bits, so that no edge is lost to rounding
    *[st.floats(0, 6, width=16)] * 2,
)
def test_a_pixel_is_painted_if_its_centre_lies_within(row, column, height, width):
    centres = np.stack(np.meshgrid(np.arange(HEIGHT) + 0.5, np.arange(WIDTH) + 0.5, indexing="ij"), axis=-1)
    within = (np.abs(centres - (row, column)) < (height / 2, width / 2)).all(-1, keepdims=True)
    found = jitted("cut_out")(IMAGE, jnp.array([row, column]), jnp.array([height, width]), fill=0.25)
    np.testing.assert_array_equal(found, np.where(within, np.float32(0.25), IMAGE))


def test_gradients_stop_where_paint_lies_and_follow_what_moves():
    moved = jax.jit(jax.grad(lambda image: jnp.sum(operations.translate(image, 2, -1, 0.5)[0:3, :, 0])))(IMAGE)
    expected = np.zeros_like(IMAGE)
    expected[0:1, 1:, 0] = 1  # rows 0 ... 2 of the result: two are paint, the third is row 0, without its first column
    np.testing.assert_array_equal(moved, expected)
    centre, size = jnp.array([1.0, 1.0]), jnp.array([4.0, 4.0])
    cut = jax.jit(jax.grad(lambda image: jnp.sum(operations.cut_out(image, centre, size, 0.5))))(IMAGE)
    expected = np.ones_like(IMAGE)
    expected[:3, :3] = 0
    np.testing.assert_array_equal(cut, expected)


@pytest.mark.parametrize(
    "images", [np.zeros((4, 8, 8), np.float32), np.zeros((4, 2), np.float32), np.zeros((4, 8, 8, 1), np.uint8)]
)
def test_what_is_no_batch_of_float_images_is_an_error(images):
    with pytest.raises(ValueError, match=r"floats of the shape \[batch, height, width, channels\], found (float32|uint8) of"):
        operations.per_example(lambda key, image: image, jax.random.key(0), images)


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (0.5, 0.5), (float("nan"), 1.0)])
def test_an_empty_range_is_an_error(low, high):
    with pytest.raises(ValueError, match="low must be below high, found low = "):
        operations.middle_and_half(low, high)
