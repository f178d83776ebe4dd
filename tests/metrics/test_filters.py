"""Filters as matrices against SciPy's convolutions."""

import numpy as np
import pytest
from scipy import ndimage, signal

from jgan.metrics import filters

RNG = np.random.default_rng(0)
TAPS = np.array([1, 5, 8, 5, 1]) / 20


@pytest.mark.parametrize(("height", "width"), [(5, 5), (6, 11), (31, 8)])
def test_they_are_scipys_convolutions(height, width):
    images = RNG.standard_normal((3, height, width, 2))
    kernel = np.outer(TAPS, TAPS)
    inside = filters.apply(images.astype(np.float32), filters.inside(height, TAPS), filters.inside(width, TAPS))
    mirrored = filters.apply(images.astype(np.float32), filters.mirrored(height, TAPS), filters.mirrored(width, TAPS))
    for place in np.ndindex(3, 2):
        image = images[place[0], :, :, place[1]]
        np.testing.assert_allclose(inside[place[0], :, :, place[1]], signal.convolve2d(image, kernel, "valid"), atol=1e-6)
        np.testing.assert_allclose(
            mirrored[place[0], :, :, place[1]], ndimage.convolve(image, kernel, mode="mirror"), atol=1e-6
        )


@pytest.mark.parametrize("size", [3, 4, 5, 16])
def test_means_stay_means(size):
    np.testing.assert_allclose(filters.mirrored(size, TAPS).sum(axis=1), 1, rtol=1e-6)
