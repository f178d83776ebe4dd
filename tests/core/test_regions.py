"""RoI-align against a loop over cells, samples and pixels in float64, and boxes of mirrored images; Gram matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import regions
from jgan.losses import grams


def by_loops(image, box, size, samples):
    """One image `[h, w, c]`, one box; the definition, point by point."""
    height, width, channels = image.shape
    left, top, right, bottom = box
    found = np.zeros((*size, channels))
    for row, column in np.ndindex(*size):
        for i, j in np.ndindex(samples, samples):
            y = top + (bottom - top) * (row + (i + 0.5) / samples) / size[0] - 0.5
            x = left + (right - left) * (column + (j + 0.5) / samples) / size[1] - 0.5
            y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            y0, x0 = min(int(y), height - 2), min(int(x), width - 2)
            a, b = y - y0, x - x0
            value = (1 - a) * ((1 - b) * image[y0, x0] + b * image[y0, x0 + 1])
            value += a * ((1 - b) * image[y0 + 1, x0] + b * image[y0 + 1, x0 + 1])
            found[row, column] += value / samples**2
    return found


BOXES = [(1.0, 2.0, 9.0, 8.0), (0.3, 1.7, 6.2, 5.1), (-2.0, 3.0, 4.0, 12.5)]  # whole pixels, fractions, beyond the edge


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_aligned_regions_are_those_of_the_loops(samples):
    images = np.random.default_rng(0).random((3, 11, 13, 2)).astype(np.float32)
    found = regions.align(images, jnp.array(BOXES), (4, 5), samples=samples)
    expected = [by_loops(image, box, (4, 5), samples) for image, box in zip(images.astype(np.float64), BOXES, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_region_of_whole_pixels_is_a_slice():
    images = np.random.default_rng(0).random((1, 9, 9, 3)).astype(np.float32)
    found = regions.align(images, jnp.array([[2.0, 1.0, 7.0, 5.0]]), (4, 5), samples=1)
    np.testing.assert_array_equal(found, images[:, 1:5, 2:7])


def test_gradients_are_those_of_finite_differences():
    images = np.random.default_rng(0).random((1, 6, 6, 1)).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=(1, 3, 2, 1)).astype(np.float32)
    box = jnp.array([BOXES[1]])
    gradient = jax.grad(lambda x: jnp.sum(weights * regions.align(x, box, (3, 2))))(images)
    for place in ((0, 2, 3, 0), (0, 4, 1, 0), (0, 0, 0, 0)):
        moved = np.zeros_like(images)
        moved[place] = 1.0  # it is linear in the images
        np.testing.assert_allclose(gradient[place], np.sum(weights * regions.align(moved, box, (3, 2))), atol=1e-5)


def test_the_regions_of_a_mirrored_image_are_the_mirrored_regions():
    """The eyes change places; the given boxes stay as they are."""
    images = np.random.default_rng(0).random((1, 8, 10, 1)).astype(np.float32)
    boxes = np.array([[1.0, 1.0, 4.0, 3.0], [5.0, 2.0, 9.0, 4.0], [2.0, 5.0, 8.0, 8.0]], np.float32)
    kept = boxes.copy()
    turned = regions.mirrored(jnp.asarray(boxes), 10, (1, 0, 2))
    for index, source in enumerate((1, 0, 2)):
        found = regions.align(images[:, :, ::-1], turned[None, index], (4, 4))
        expected = regions.align(images, jnp.asarray(boxes)[None, source], (4, 4))[:, :, ::-1]
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(boxes, kept)
    np.testing.assert_allclose(regions.mirrored(turned, 10, (1, 0, 2)), boxes, atol=1e-6)


def test_senseless_sizes_are_refused():
    for options in ({"size": (0, 2)}, {"size": (2, 2), "samples": 0}):
        with pytest.raises(ValueError, match="expected at least one sample and a size of at least 1x1"):
            regions.align(jnp.zeros((1, 4, 4, 1)), jnp.zeros((1, 4)), **options)


def test_gram_matrices_are_inner_products_of_channels():
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    expected = np.zeros((2, 4, 4))
    for b, i, j in np.ndindex(2, 4, 4):
        expected[b, i, j] = np.sum(np.float64(maps[b, :, :, i]) * maps[b, :, :, j]) / maps[b].size
    np.testing.assert_allclose(grams.gram(maps), expected, atol=1e-6)
    other = np.roll(maps, 1, axis=0)
    difference = np.abs(expected - np.roll(expected, 1, axis=0)).mean()
    found = grams.distance([maps, maps], [other, other], [0.5, 0.25])
    assert float(found) == pytest.approx(0.75 * difference, rel=1e-5)
