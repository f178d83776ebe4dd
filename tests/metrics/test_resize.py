"""Resizing against Pillow, and against the kept figures of torch-fidelity, PyTorch and clean-fid."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_resize
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jgan import resize

FUNCTIONS = {"tf1": resize.tf1_bilinear, "torch": resize.torch_bilinear, "clean": resize.clean_bicubic}
EVERY = pytest.mark.parametrize("function", [*FUNCTIONS.values(), resize.pil_bicubic])


@pytest.mark.parametrize("reference", FUNCTIONS)
def test_it_is_the_references(reference):
    kept = oracles.load("resize")
    for name, images in oracle_resize.inputs().items():
        found = FUNCTIONS[reference](images, oracle_resize.SIZES[name][1])
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, kept[f"{name}_{reference}"], rtol=1e-5, atol=255e-6, err_msg=name)


def by_pillow(image, size):
    channels = [np.asarray(Image.fromarray(channel).resize(size[::-1], Image.Resampling.BICUBIC)) for channel in image]
    return np.stack(channels, axis=-1)


@settings(max_examples=8)
@given(sizes=st.tuples(*[st.integers(1, 40)] * 4), seed=st.integers(0, 10**6))
def test_bicubic_is_pillows_at_any_size(sizes, seed):
    height, width, *size = sizes
    images = np.random.default_rng(seed).uniform(0, 255, (2, height, width, 1)).astype(np.float32)
    found = resize.pil_bicubic(images, tuple(size))
    for image, resized in zip(images, found, strict=True):
        np.testing.assert_allclose(resized, by_pillow(image.transpose(2, 0, 1), tuple(size)), rtol=1e-5, atol=255e-6)


def test_beside_an_edge_pillow_leaves_the_range_and_clean_fid_clips():
    edge = np.repeat([[0, 255]], 4, axis=1).astype(np.uint8).reshape(1, 1, 8, 1)
    free, clipped = resize.pil_bicubic(edge, (1, 20)), resize.clean_bicubic(edge, (1, 20))
    assert free.min() < -1
    assert free.max() > 256
    np.testing.assert_array_equal(clipped, jnp.clip(free, 0, 255))


@EVERY
def test_an_image_of_the_size_is_left_as_it_is(function):
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3), np.uint8)
    np.testing.assert_array_equal(function(images, (9, 7)), images)


@EVERY
@pytest.mark.parametrize("size", [(5, 31), (40, 3)])
def test_a_constant_stays_constant(function, size):
    np.testing.assert_allclose(function(np.full((1, 17, 11, 2), 200.0, np.float32), size), 200, rtol=1e-6)


@EVERY
def test_images_channels_and_axes_do_not_mix(function):
    images = np.random.default_rng(1).uniform(0, 255, (3, 12, 10, 2)).astype(np.float32)
    whole = np.asarray(function(images, (7, 23)))
    np.testing.assert_allclose(function(images[1:2, :, :, 1:], (7, 23)), whole[1:2, :, :, 1:], rtol=1e-5)
    turned = function(images.transpose(0, 2, 1, 3), (23, 7))
    np.testing.assert_allclose(turned.transpose(0, 2, 1, 3), whole, rtol=1e-5, atol=255e-6)


@EVERY
def test_under_jit_and_of_bytes_it_is_the_same(function):
    images = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 3), np.uint8)
    found = jax.jit(lambda x: function(x, (19, 5)))(images)
    np.testing.assert_allclose(found, function(images.astype(np.float32), (19, 5)), rtol=1e-5, atol=255e-6)


@EVERY
@pytest.mark.parametrize(("shape", "size"), [((8, 8, 3), (4, 4)), ((1, 0, 8, 3), (4, 4)), ((1, 8, 8, 3), (0, 4))])
def test_other_shapes_are_told(function, shape, size):
    with pytest.raises(ValueError, match=r"expected images \[B, height, width, channels\] and a size above 0, found"):
        function(np.zeros(shape, np.float32), size)
