"""Filtering by a kernel of one's own against SciPy, inside a buffer; sharpening against its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jgan.degradations import filtering, sharpened
from jgan.degradations.sized import Sized


@pytest.mark.parametrize("size", [(30, 23), (17, 30), (3, 5), (1, 2)])  # the last two are smaller than the border
def test_it_is_scipys_correlation(size):
    random = np.random.default_rng(0)
    buffer = random.uniform(0, 1, (30, 31, 2)).astype(np.float32)
    kernel = random.normal(size=(21, 21)).astype(np.float32)  # not symmetric: a convolution would differ
    found = jax.jit(filtering.filtered)(Sized(jnp.asarray(buffer), jnp.array(size)), jnp.asarray(kernel))
    assert found.size.tolist() == list(size)
    for channel in range(2):
        image = buffer[: size[0], : size[1], channel].astype(np.float64)
        wanted = ndimage.correlate(image, kernel.astype(np.float64), mode="mirror")
        np.testing.assert_allclose(found.pixels[: size[0], : size[1], channel], wanted, rtol=0, atol=1e-4)


def test_sharpening_is_its_formula():
    random = np.random.default_rng(0)
    image = ndimage.gaussian_filter(random.uniform(0, 1, (64, 80, 3)), (3, 3, 0))
    image = ((image - image.min()) / (image.max() - image.min())).astype(np.float32)
    offsets = np.arange(51) - 25
    line = np.exp(-(offsets**2) / (2 * 8.0**2))
    line /= line.sum()

    def blurred(x):
        return ndimage.correlate1d(ndimage.correlate1d(x, line, 0, mode="mirror"), line, 1, mode="mirror")

    x = image.astype(np.float64)
    residual = x - blurred(x)
    mask = blurred((abs(residual) * 255 > 10).astype(np.float64))
    assert 0.1 < mask.mean() < 0.9
    wanted = mask * np.clip(x + 0.5 * residual, 0, 1) + (1 - mask) * x
    np.testing.assert_allclose(jax.jit(sharpened)(image[None])[0], wanted, rtol=0, atol=1e-5)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected images \[B, height, width, channels\]"):
        sharpened(jnp.zeros((8, 8, 3)))
