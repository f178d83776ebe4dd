"""The pipelines: against other libraries step by step where nothing is random; keys, devices, sizes; fixed sets."""

import functools
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage
from test_jpeg import by_pillow, picture, psnr

from jgan import rng
from jgan.data import faces
from jgan.degradations import GFPGAN, Bicubic, RealESRGAN, degraded, gfpgan
from jgan.degradations.stages import Blur, Jpeg, RandomNoise, Resize, Sinc
from jgan.metrics.psnr import psnr as mean_psnr
from jgan.metrics.ssim import ssim as mean_ssim

IMAGES = np.stack([picture(32, 24, 3, seed) for seed in range(4)]) / np.float32(255)
SMALL = gfpgan.scaled(GFPGAN(), 64 / 512)
PIPELINES = {"gfpgan": SMALL, "realesrgan": RealESRGAN(), "bicubic": Bicubic(4, 10.0)}
run = {name: jax.jit(pipeline) for name, pipeline in PIPELINES.items()}


def blurred(image, sigma, side):
    line = np.exp(-np.square(np.arange(side) - side // 2) / (2 * sigma**2))
    line /= line.sum()
    return ndimage.correlate1d(ndimage.correlate1d(image, line, 0, mode="mirror"), line, 1, mode="mirror")


def bilinear(image, size):
    """Loops over the outputs."""
    for axis in (0, 1):
        n, m = image.shape[axis], size[axis]
        place = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
        low = place.astype(int)
        share = (place - low).reshape([-1 if index == axis else 1 for index in range(3)])
        image = (1 - share) * image.take(low, axis) + share * image.take(np.minimum(low + 1, n - 1), axis)
    return image


def compressed(image, quality):
    return by_pillow(np.rint(255 * image.clip(0, 1)).astype(np.uint8), quality, True) / 255


def test_gfpgans_is_blur_downsampling_jpeg_and_back():
    options = GFPGAN(
        Blur(sizes=(9, 9), sigma=(1.3, 1.3), kinds=(1, 0, 0, 0, 0, 0), sinc=0.0),
        downsample=(1.7, 1.7),
        noise=RandomNoise(1.0, (0.0, 0.0), in_grey=0.0),
        jpeg=Jpeg((80, 80)),
        shift_probability=0.0,
        jitter_probability=0.0,
        grey_probability=0.0,
    )
    image = IMAGES[0].astype(np.float64)
    small = compressed(bilinear(blurred(image, 1.3, 9), (int(32 // 1.7), int(24 // 1.7))), 80)
    found = degraded(IMAGES[:1], 0, options)[0]
    np.testing.assert_allclose(255 * found, np.rint(255 * found), atol=1e-3)
    assert psnr(255 * found, 255 * bilinear(small, (32, 24))) > 45


@pytest.mark.slow
@pytest.mark.parametrize("sinc_first", [0.0, 1.0])
def test_real_esrgans_is_two_rounds_of_blur_resize_and_jpeg(sinc_first):
    """The last compression comes before or after the last resize: the other order gives another picture."""
    only = Blur(sizes=(7, 7), sigma=(0.8, 0.8), kinds=(1, 0, 0, 0, 0, 0), sinc=0.0)
    quiet = RandomNoise(1.0, (0.0, 0.0), in_grey=0.0)
    shrink = Resize((0.0, 1.0, 0.0), (0.75, 1.0), ("bilinear",))
    options = RealESRGAN(
        2, only, shrink, quiet, Jpeg((98, 98)), only, shrink, quiet, Jpeg((90, 90)), Sinc(0.0), sinc_first, False
    )
    keys = jax.random.split(rng.example_keys(jax.random.key(0), 1)[0], 10)
    first, second = float(shrink.draw(keys[1])[0]), float(shrink.draw(keys[5])[0])
    image = picture(64, 48, 3, 1) / np.float32(255)
    x = blurred(image.astype(np.float64), 0.8, 7)
    x = compressed(scaled_bilinear(x, (int(64 * first), int(48 * first)), first), 98)
    x = bilinear(blurred(x, 0.8, 7), (int(32 * second), int(24 * second)))
    orders = bilinear(compressed(x, 90), (32, 24)), compressed(bilinear(x, (32, 24)), 90)
    found = degraded(image[None], 0, options)[0]
    right, wrong = (psnr(255 * found, 255 * x) for x in (orders if sinc_first == 0 else orders[::-1]))
    assert right > 42
    assert wrong < 37


def scaled_bilinear(image, size, factor):
    """As `bilinear`, the outputs lying where the factor puts them."""
    for axis in (0, 1):
        n, m = image.shape[axis], size[axis]
        place = np.clip((np.arange(m) + 0.5) / factor - 0.5, 0, n - 1)
        low = place.astype(int)
        share = (place - low).reshape([-1 if index == axis else 1 for index in range(3)])
        image = (1 - share) * image.take(low, axis) + share * image.take(np.minimum(low + 1, n - 1), axis)
    return image


@pytest.mark.parametrize(
    "name", ["bicubic", *(pytest.param(name, marks=pytest.mark.slow) for name in ("gfpgan", "realesrgan"))]
)
def test_an_image_is_degraded_by_its_own_key(name):
    """Whatever else is in the batch, and on whatever device it is."""
    key, images = jax.random.key(3), jnp.asarray(IMAGES)
    found = np.asarray(run[name](key, images))
    assert (found.min() >= 0) & (found.max() <= 1)
    np.testing.assert_allclose(255 * found, np.rint(255 * found), atol=1e-3)
    others = np.asarray(run[name](key, images.at[1:].set(0.5)))
    np.testing.assert_array_equal(others[0], found[0])
    assert abs(found[0] - run[name](jax.random.key(4), images)[0]).max() > 0.02
    pipeline = functools.partial(PIPELINES[name], axis_name="devices")
    spread = jax.pmap(pipeline, "devices", in_axes=(None, 0))(key, images[:, None])
    assert (abs(spread[:, 0] - found) > 1.5 / 255).mean() < 0.005  # a rounded coefficient may go the other way


def test_the_published_options():
    real, face = RealESRGAN(), GFPGAN()
    assert (real.scale, real.blur.sizes, real.blur.sigma, real.blur2.sigma, real.blur2.probability) == (
        4,
        (7, 21),
        (0.2, 3),
        (0.2, 1.5),
        0.8,
    )
    assert (real.resize.probabilities, real.resize.factor) == ((0.2, 0.7, 0.1), (0.15, 1.5))
    assert (real.resize2.probabilities, real.resize2.factor) == ((0.3, 0.4, 0.3), (0.3, 1.2))
    assert (real.noise.sigma, real.noise.scale, real.noise2.sigma, real.noise2.scale) == (
        (1, 30),
        (0.05, 3),
        (1, 25),
        (0.05, 2.5),
    )
    assert (real.jpeg.quality, real.jpeg2.quality, real.sinc.probability) == ((30, 95), (30, 95), 0.8)
    assert (face.blur.sizes, face.blur.sigma, face.downsample) == ((41, 41), (0.1, 10), (0.8, 8))
    assert (face.noise.sigma, face.jpeg.quality, face.shift) == ((0, 20), (60, 100), 20)
    assert gfpgan.scaled(face, 1.0) == face


def test_grey_images_stay_grey_images():
    found = jax.eval_shape(SMALL, jax.random.key(0), jnp.asarray(IMAGES[..., :1]))
    assert found.shape == (4, 32, 24, 1)
    with pytest.raises(ValueError, match="floats of the shape"):
        SMALL(jax.random.key(0), jnp.zeros((4, 32, 24, 3), jnp.uint8))
    with pytest.raises(ValueError, match="multiples of 4, found 30x24"):
        RealESRGAN()(jax.random.key(0), jnp.zeros((4, 30, 24, 3)))


def test_a_fixed_set_does_not_depend_on_its_parts():
    images = np.stack([picture(16, 16, 1, seed) for seed in range(35)])
    whole = degraded(images, 7, Bicubic(2, 10.0))
    assert whole.dtype == np.uint8
    np.testing.assert_array_equal(degraded(images[:3], 7, Bicubic(2, 10.0)), whole[:3])
    assert (degraded(images, 8, Bicubic(2, 10.0)) != whole).mean() > 0.5


REAL = Path(os.environ.get("JGAN_TEST_DATA", "no-such-folder")) / "olivetti" / faces.MAT


@pytest.mark.skipif(not REAL.is_file(), reason="JGAN_TEST_DATA holds no olivetti/olivettifaces.mat")
@pytest.mark.parametrize(
    ("pipeline", "psnr", "ssim"),
    [(Bicubic(2), 31.82, 0.923), (Bicubic(4), 26.24, 0.736), (Bicubic(8), 22.31, 0.488), (Bicubic(4, 10.0), 24.58, 0.661)],
)
def test_bicubic_faces_have_the_known_figures(pipeline, psnr, ssim):
    """Of the last 8 people, computed with another program; other noise gives 24.58 to 24.64 dB."""
    from scipy.io import loadmat

    test = loadmat(REAL)["faces"].T.reshape(400, 64, 64).transpose(0, 2, 1)[320:, ..., None]
    found = degraded(test, 0, pipeline)
    near = 0.07 if pipeline.noise else 0.006
    assert mean_psnr(found, test, border=2).mean == pytest.approx(psnr, abs=near)
    assert mean_ssim(found, test, border=2).mean == pytest.approx(ssim, abs=0.003 if pipeline.noise else 0.001)
