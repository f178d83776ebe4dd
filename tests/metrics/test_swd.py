"""Sliced Wasserstein distances against SciPy, line by line; the pyramid and the patches against scipy.ndimage in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from scipy import ndimage, stats

from jgan import data
from jgan.metrics import swd

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
DIGITS = data.load("digits").train.x
FIRST, SECOND = RNG.standard_normal((2, 203, 6)).astype(np.float32) * np.float32([[[1]], [[1.3]]])
REAL, FAKE = RNG.integers(0, 256, (2, 12, 32, 36, 3), np.uint8)
FAKE = (FAKE // 2 + 30).astype(np.uint8)
AXES = np.asarray(swd._directions(KEY, jnp.arange(512), 6))
SMALL = {"key": KEY, "patches": 5, "directions": 20}
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def by_scipy(first, second, axes):
    """The mean over the lines of SciPy's distance."""
    first, second, axes = np.float64(first), np.float64(second), np.float64(axes)
    return np.mean([stats.wasserstein_distance(first @ axis, second @ axis) for axis in axes])


def pyramid_by_scipy(image, levels):
    """Of one channel `[H, W]` in float64, in the words of the docstring."""
    found = [np.float64(image)]
    for _ in range(1, levels):
        coarse = ndimage.convolve(found[-1], BINOMIAL, mode="mirror")[::2, ::2]
        spread = np.zeros_like(found[-1])
        spread[::2, ::2] = coarse
        found[-1] = found[-1] - ndimage.convolve(spread, 4 * BINOMIAL, mode="mirror")
        found.append(coarse)
    return found


# -------------------------------------------------------------------------------------------------------------- features


@pytest.mark.parametrize("directions", [1, 16, 37])
def test_of_features_it_is_the_mean_of_scipys_distances(directions):
    found = swd.sliced_wasserstein(FIRST, SECOND, key=KEY, directions=directions)
    assert found == pytest.approx(by_scipy(FIRST, SECOND, AXES[:directions]), rel=1e-5)


def test_directions_are_even_on_the_sphere():
    """Each square of a coordinate has mean 1/d and variance 2 (d - 1) / (d^2 (d + 2)); its sign is a fair coin's."""
    axes = np.asarray(swd._directions(KEY, jnp.arange(20_000), 5))
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1, rtol=1e-6)
    error = 4 * np.sqrt(2 * 4 / (25 * 7) / 20_000)
    np.testing.assert_allclose(np.mean(axes**2, axis=0), 1 / 5, atol=error)
    np.testing.assert_allclose(np.mean(axes > 0, axis=0), 1 / 2, atol=4 / np.sqrt(4 * 20_000))


def test_a_set_that_was_moved_is_as_far_as_it_was_moved_along_each_line():
    move = np.array([3, -1, 0, 0.5, 0, 2], np.float32)
    assert swd.sliced_wasserstein(FIRST, FIRST + move, key=KEY) == pytest.approx(np.abs(AXES @ move).mean(), rel=1e-5)
    assert swd.sliced_wasserstein(FIRST, FIRST, key=KEY) == 0.0


def test_gaussians_of_two_widths_have_the_distance_of_their_quantiles():
    """On each line N(0, 1) and N(0, s^2): |s - 1| E|z| = |s - 1| sqrt(2 / pi)."""
    first, second = RNG.standard_normal((2, 40_000, 2))
    found = swd.sliced_wasserstein(first, 2.5 * second, key=KEY, directions=20)
    assert found == pytest.approx(1.5 * np.sqrt(2 / np.pi), rel=0.02)


@pytest.mark.parametrize("block", [7, 100])
def test_the_order_the_blocks_and_the_devices_do_not_matter(block):
    expected = swd.sliced_wasserstein(FIRST[:200], SECOND[:200], key=KEY, directions=21)
    mesh = jax.make_mesh((4,), ("devices",), devices=jax.devices()[:4])
    sharded = jax.device_put(RNG.permutation(SECOND[:200]), NamedSharding(mesh, PartitionSpec("devices")))
    found = swd.sliced_wasserstein(RNG.permutation(FIRST[:200]), sharded, key=KEY, directions=21, block=block)
    assert found == pytest.approx(expected, rel=1e-6)
    assert found == pytest.approx(swd.sliced_wasserstein(SECOND[:200], FIRST[:200], key=KEY, directions=21), rel=1e-6)


def test_the_sort_of_a_device_is_that_of_the_host(monkeypatch):
    expected = swd.sliced_wasserstein(FIRST, SECOND, key=KEY, directions=16)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert swd.sliced_wasserstein(FIRST, SECOND, key=KEY, directions=16) == pytest.approx(expected, rel=1e-7)


# ---------------------------------------------------------------------------------------------------------------- images


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((128, 128), ((128, 128), (64, 64), (32, 32), (16, 16))),
        ((28, 28), ((28, 28),)),
        ((8, 8), ((8, 8),)),
        ((31, 64), ((31, 64), (16, 32))),
        ((100, 77), ((100, 77), (50, 39), (25, 20))),
    ],
)
def test_levels_are_halved_while_they_keep_sixteen_pixels(shape, expected):
    assert swd.level_sizes(*shape) == expected


@pytest.mark.parametrize(("height", "width"), [(32, 32), (45, 67)])
def test_the_pyramid_is_scipys_and_adds_up_again(height, width):
    images = RNG.uniform(0, 255, (2, height, width, 2)).astype(np.float32)
    sizes = swd.level_sizes(height, width)
    levels = jax.jit(swd.pyramid, static_argnums=1)(images, len(sizes))
    assert tuple(level.shape[1:3] for level in levels) == sizes
    for place in np.ndindex(2, 2):
        expected = pyramid_by_scipy(images[place[0], :, :, place[1]], len(sizes))
        for found, other in zip(levels, expected, strict=True):
            np.testing.assert_allclose(found[place[0], :, :, place[1]], other, atol=1e-3)  # of 255


@pytest.mark.parametrize("level", [0, 1])
def test_descriptors_are_patches_of_the_level_at_places_that_are_all_possible(level):
    """Each is looked for in the level of its image; in 4,000 the 780 or 120 places come as often as chance has it."""
    images = REAL[:2]
    found = swd.descriptors(images, key=KEY, level=level, patches=2000)
    counts = []
    for image, patches in zip(images, found, strict=True):
        layer = np.stack([pyramid_by_scipy(image[..., channel], 2)[level] for channel in range(3)], axis=-1)
        windows = np.lib.stride_tricks.sliding_window_view(layer, (7, 7), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
        places = windows.reshape(-1, 7 * 7 * 3)
        nearest = np.argmin(np.abs(patches[:, :1, :1].reshape(-1, 1, 3) - places[None, :, :3]).sum(axis=-1), axis=1)
        np.testing.assert_allclose(patches.reshape(2000, -1), places[nearest], atol=1e-3)
        counts.append(np.bincount(nearest, minlength=len(places)))
    assert stats.chisquare(sum(counts)).pvalue > 1e-3


def by_parts(real, fake, **options):
    """The measure from the descriptors, put together in float64."""
    cut_key, axes_key = jax.random.split(KEY)
    distances = []
    for level in range(len(swd.level_sizes(*real.shape[1:3]))):
        flat = []
        for images in (real, fake):
            patches = np.float64(swd.descriptors(images, key=cut_key, level=level, patches=options["patches"]))
            patches = (patches - patches.mean(axis=(0, 1, 2, 3))) / patches.std(axis=(0, 1, 2, 3))
            flat.append(patches.reshape(-1, patches[0, 0].size))
        axes = swd._directions(jax.random.fold_in(axes_key, level), jnp.arange(options["directions"]), flat[0].shape[1])
        distances.append(1000 * by_scipy(*flat, axes))
    return distances


def test_of_images_it_is_the_distance_of_normalised_patches_level_by_level():
    found = swd.evaluate(REAL, FAKE, **SMALL)
    np.testing.assert_allclose(found.levels, by_parts(REAL, FAKE, patches=5, directions=20), rtol=1e-5)
    assert found.average == pytest.approx(np.mean(found.levels))
    assert (found.sizes, found.n, found.patches, found.directions) == (((32, 36), (16, 18)), 12, 5, 20)


def test_a_set_against_itself_and_in_another_light_has_none():
    """The normalisation takes brightness and contrast away, channel by channel."""
    assert swd.evaluate(REAL, REAL, **SMALL)[:2] == (0.0, (0.0, 0.0))
    darker = REAL / 255 * np.array([0.5, 0.25, 0.9]) + np.array([0.1, 0.5, 0.05])
    assert swd.evaluate(REAL, darker, **SMALL).average < 1e-2
    assert swd.evaluate(REAL, REAL / 255, **SMALL).average < 1e-3


def test_it_tells_blurred_and_noisy_digits_from_digits():
    real, other = DIGITS[:300] / 255, DIGITS[300:600] / 255
    blurred = ndimage.gaussian_filter(other, (0, 0.7, 0.7, 0))
    noisy = np.clip(other + 0.3 * RNG.standard_normal(other.shape), 0, 1)
    same, blur, noise = (
        swd.evaluate(real, fake, key=KEY, patches=4, directions=64).average for fake in (other, blurred, noisy)
    )
    assert same < blur / 2
    assert same < noise / 2


def test_a_channel_that_is_flat_is_no_noise():
    """Of a constant channel rounding alone is left in the fine levels: it must not be blown up to a deviation of 1."""
    flat = REAL.copy()
    flat[..., 1] = 201
    found = swd._normalised(swd.descriptors(flat, key=KEY, level=0, patches=5)).reshape(-1, 3)
    assert not found[:, 1].any()
    np.testing.assert_allclose(found[:, 0].std(), 1, rtol=1e-5)


@pytest.mark.parametrize("batch", [5, 64])
def test_batches_and_devices_do_not_matter(batch):
    mesh = jax.make_mesh((4,), ("devices",), devices=jax.devices()[:4])
    sharded = jax.device_put(REAL, NamedSharding(mesh, PartitionSpec("devices")))
    found = swd.descriptors(sharded, key=KEY, level=1, patches=5, batch=batch)
    np.testing.assert_allclose(found, swd.descriptors(REAL, key=KEY, level=1, patches=5), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: swd.sliced_wasserstein(FIRST, SECOND[:9], key=KEY), "found 203 and 9; measure the first 9 of each"),
        (lambda: swd.sliced_wasserstein(FIRST, SECOND[:, :2], key=KEY), "second: expected 6 features"),
        (lambda: swd.sliced_wasserstein(FIRST, np.full_like(FIRST, np.nan), key=KEY), "second: 203 of 203 samples"),
        (lambda: swd.sliced_wasserstein(FIRST, SECOND, key=KEY, directions=0), "directions must be at least 1, found 0"),
        (lambda: swd.evaluate(REAL, FAKE[:9], key=KEY), "as many generated images as real ones, found 9 and 12"),
        (lambda: swd.evaluate(REAL, FAKE[:, :9], key=KEY), "fake: expected images of the shape"),
        (
            lambda: swd.evaluate(REAL, FAKE.astype(np.float32), key=KEY),
            "fake: expected floats from 0 to 1, or uint8, found float32",
        ),
        (lambda: swd.evaluate(REAL[:, :6], FAKE[:, :6], key=KEY), "at least 7 by 7 pixels, as a patch has, found 6 by 36"),
        (lambda: swd.evaluate(REAL[..., 0], FAKE[..., 0], key=KEY), r"expected images \[N, H, W, C\]"),
        (lambda: swd.descriptors(REAL, key=KEY, level=2), "expected a level from 0 to 1, found 2"),
    ],
)
def test_what_cannot_be_measured_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
