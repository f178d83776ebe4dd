"""The sharpness of images against SciPy's Laplacian, and what blurring does to it."""

import numpy as np
import pytest
from scipy import ndimage

from jgan.metrics.sharpness import sharpness

IMAGES = np.random.default_rng(0).random((5, 9, 12, 3))


def test_it_is_the_variance_of_scipys_laplacian():
    channels = [[ndimage.laplace(image[..., c])[1:-1, 1:-1] for c in range(3)] for image in IMAGES]
    found = [np.var(image) for image in channels]
    np.testing.assert_allclose(sharpness(IMAGES), found, rtol=1e-12)


def test_blurred_images_have_less_and_noisy_ones_more():
    blurred = ndimage.gaussian_filter(IMAGES, (0, 1, 1, 0))
    noisy = blurred + 0.1 * np.random.default_rng(1).normal(size=IMAGES.shape)
    assert (sharpness(blurred) < 0.1 * sharpness(IMAGES)).all()
    assert (sharpness(noisy) > 2 * sharpness(blurred)).all()


def test_a_plane_has_none():
    ramp = np.broadcast_to(np.arange(8.0)[:, None, None], (1, 8, 8, 1))
    np.testing.assert_allclose(sharpness(ramp), 0, atol=1e-20)


@pytest.mark.parametrize("shape", [(4, 4, 1), (3, 2, 8, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"sides of at least 3, found the shape \("):
        sharpness(np.zeros(shape))
