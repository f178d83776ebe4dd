"""PSNR and SSIM of restored images: formulas in float64, scikit-image, and the published figures of bicubic resizing."""

import math
import os
from pathlib import Path

import numpy as np
import oracle_ssim
import oracles
import pytest

from jgan import resize
from jgan.data import image_files, photographs
from jgan.metrics import msssim, restored
from jgan.metrics.psnr import psnr
from jgan.metrics.ssim import ssim

NAMES = ("wide", "tall", "least")
IMAGES = oracle_ssim.inputs()
RESTORED, TRUE = ([IMAGES[f"{name}_{kind}"] for name in NAMES] for kind in ("restored", "true"))


def luma(image):
    """BT.601, pixel by pixel."""
    return np.array([[16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255 for r, g, b in row] for row in image.tolist()])


def ssim_by_formula(x, y):
    """One channel, window by window: means, variances and covariance under a Gaussian of 11x11 pixels and sigma 1.5."""
    taps = np.array([math.exp(-((i - 5) ** 2) / (2 * 1.5**2)) for i in range(11)])
    weights = np.outer(taps, taps) / taps.sum() ** 2
    found = []
    for top in range(len(x) - 10):
        for left in range(len(x[0]) - 10):
            a, b = (image[top : top + 11, left : left + 11] for image in (x, y))
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            variances = (weights * ((a - mean_a) ** 2 + (b - mean_b) ** 2)).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            luminance = (2 * mean_a * mean_b + 6.5025) / (mean_a**2 + mean_b**2 + 6.5025)
            found.append(luminance * (2 * covariance + 58.5225) / (variances + 58.5225))
    return np.mean(found)


def test_they_are_scikit_images():
    kept = oracles.load("ssim")
    np.testing.assert_allclose(ssim(RESTORED, TRUE).values, [kept[f"{name}_ssim"] for name in NAMES], rtol=1e-9)
    np.testing.assert_allclose(psnr(RESTORED, TRUE).values, [kept[f"{name}_psnr"] for name in NAMES], rtol=1e-12)


def test_luma_without_a_border_is_that_of_the_formula():
    pairs = [(luma(x), luma(y)) for x, y in zip(RESTORED, TRUE, strict=True)]
    expected = [10 * math.log10(255**2 / np.mean((x - y) ** 2)) for x, y in pairs]
    found = psnr(RESTORED, TRUE, channel="y")
    np.testing.assert_allclose(found.values, expected, rtol=1e-10)
    assert found.mean == pytest.approx(np.mean(expected))
    np.testing.assert_allclose(ssim(RESTORED, TRUE, channel="y").values, [ssim_by_formula(*pair) for pair in pairs], rtol=1e-9)


def test_a_border_leaves_out_as_many_pixels_on_each_side():
    inner = [[image[4:-4, 4:-4] for image in images[:2]] for images in (RESTORED, TRUE)]
    for measure in (psnr, ssim):
        for channel in ("rgb", "y"):
            found = measure(RESTORED[:2], TRUE[:2], channel=channel, border=4)
            assert (found.channel, found.border) == (channel, 4)
            np.testing.assert_array_equal(found.values, measure(*inner, channel=channel).values)


def test_floats_are_measured_as_the_bytes_that_they_are():
    floats = [image / 255 for image in RESTORED]
    for measure in (psnr, ssim):
        np.testing.assert_allclose(measure(floats, TRUE).values, measure(RESTORED, TRUE).values, rtol=1e-10)


def test_it_is_the_ssim_of_batches_in_float32():
    first, second = (np.stack([image[:19, :19] for image in images[:2]]) for images in (RESTORED, TRUE))
    np.testing.assert_allclose(ssim(first, second).values, msssim.ssim(first, second), atol=1e-6)


def test_grey_images_have_the_luma_of_their_three_equal_channels():
    grey, other = (image[..., :1] for image in (RESTORED[0], TRUE[0]))
    colour = [np.repeat(image, 3, axis=2) for image in (grey, other)]
    assert psnr([grey], [other], channel="y").mean == pytest.approx(psnr(colour[:1], colour[1:], channel="y").mean)
    assert psnr([grey], [other]).mean < psnr([grey], [other], channel="y").mean  # the luma has 219 levels


def test_an_image_that_equals_the_truth_is_told():
    found = psnr([RESTORED[0], TRUE[1]], TRUE[:2])
    assert found.values[1] == math.inf
    assert found.caution == "1 of 2 images equal the truth: their PSNR, and the mean, are infinite"
    assert psnr(RESTORED, TRUE).caution == ""
    assert ssim(TRUE, TRUE).mean == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "options", "message"),
    [
        ([], [], {}, "expected as many restored images as true ones, at least 1, found 0 and 0"),
        (RESTORED, TRUE[:2], {}, "found 3 and 2"),
        (RESTORED[:1], TRUE[1:2], {}, r"restored image 0: expected the shape of the true one, \(37, 19, 3\)"),
        (RESTORED, TRUE, {"border": 6}, "restored image 2: expected more pixels than a border of 6 on each side"),
        (RESTORED, TRUE, {"border": -1}, "border must be"),
        (RESTORED, TRUE, {"channel": "Y"}, "expected the channel rgb or y, found 'Y'"),
        ([np.full((11, 11, 3), 2.0)], [np.ones((11, 11, 3))], {}, "restored image 0: expected floats from 0 to 1, or uint8"),
        ([np.ones((11, 11, 2))], [np.ones((11, 11, 2))], {}, "restored image 0: expected 1 or 3 channels, found 2"),
    ],
)
def test_what_cannot_be_compared_is_an_error(first, second, options, message):
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match=message):
            measure(first, second, **options)


def test_images_smaller_than_the_window_are_an_error():
    with pytest.raises(ValueError, match=r"at least 11x11 pixels within the border, found \(9, 9\)"):
        ssim(RESTORED[2:], TRUE[2:], border=1)


# ----------------------------------------------------------------------------- bicubic x4 of the usual photographs, if here

REAL = Path(os.environ.get("JGAN_TEST_DATA", "no-such-folder")) / "sr_set5_set14"
needs_real = pytest.mark.skipif(not (REAL / "CSet5").is_dir(), reason="JGAN_TEST_DATA holds no sr_set5_set14/")


def bicubic(image):
    """A quarter and back, rounded to 8 bits each time."""
    return resize.eight_bits(resize.matlab_bicubic(photographs.quarter(image), 4)).astype(np.uint8)


def in_luma(images):
    return [resize.eight_bits(restored.luma(image)).astype(np.uint8) for image in images]


def real(name):
    read = (image_files.read_image(path) for path in sorted((REAL / name).glob("*.png")))
    whole = (image[: len(image) // 4 * 4, : len(image[0]) // 4 * 4] for image in read)
    return [np.broadcast_to(image, (*image.shape[:2], 3)) for image in whole]


@needs_real
def test_bicubic_on_set5_is_as_published():
    """28.42 dB and 0.8104 on the luma in the tables of papers, whose luma is resized."""
    images = real("CSet5")
    levels = in_luma(images)
    small = [bicubic(level) for level in levels]
    assert psnr(small, levels, border=4).mean == pytest.approx(28.418, abs=6e-4)
    assert ssim(small, levels, border=4).mean == pytest.approx(0.8103, abs=6e-5)
    colours = [bicubic(image) for image in images]
    assert psnr(colours, images, channel="y", border=4).mean == pytest.approx(28.431, abs=6e-4)
    assert ssim(colours, images, channel="y", border=4).mean == pytest.approx(0.8113, abs=6e-5)
    assert psnr(colours, images, border=4).mean == pytest.approx(26.696, abs=6e-4)


@needs_real
def test_bicubic_on_set14_is_that_of_this_copy_and_on_its_baboon_as_published():
    levels = in_luma(real("CSet14"))
    found = psnr([bicubic(level) for level in levels], levels, border=4)
    assert found.values[0] == pytest.approx(22.436, abs=6e-4)
    assert found.mean == pytest.approx(26.093, abs=6e-4)


@needs_real
def test_the_grey_photograph_of_set14_is_said():
    found = photographs.load("photographs:x4", REAL / "CSet14", held_out=0)
    assert found.note == "1 of the 14 photographs is grey and read as coloured"
    assert [len(part.x) for part in found.parts.values()] == [14, 14, 14]
    np.testing.assert_array_equal(found.test.c.images()[0], photographs.quarter(real("CSet14")[0]))
