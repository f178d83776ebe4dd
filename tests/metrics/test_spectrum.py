"""The radial power spectrum: Parseval, white noise, waves, and rings in float64."""

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from jgan import data
from jgan.metrics import spectrum

RNG = np.random.default_rng(0)
DIGITS = data.load("digits").test.x
SHAPES = [(5, 16, 16, 1), (3, 15, 22, 3), (2, 9, 8, 2), (4, 2, 7, 1)]


def by_loops(images):
    """The mean of |F|^2 / HW over each ring, by the definition of the transform."""
    height, width = images.shape[1:3]
    rings = {}
    waves = [np.exp(-2j * np.pi * np.outer(np.arange(side), np.arange(side)) / side) for side in (height, width)]
    power = np.abs(np.einsum("uh,nhwc,vw->nuvc", waves[0], images, waves[1])) ** 2 / (height * width)
    for u in range(height):
        for v in range(width):
            distance = np.hypot(min(u, height - u) / height, min(v, width - v) / width)
            rings.setdefault(round(distance * max(height, width)), []).append(power[:, u, v].mean())
    return {ring: (np.mean(values), len(values)) for ring, values in sorted(rings.items())}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_definition(shape):
    images = RNG.uniform(0, 1, shape)
    found, expected = spectrum.radial_power(images), by_loops(images)
    np.testing.assert_allclose(found.frequency, np.array(list(expected)) / max(shape[1:3]))
    np.testing.assert_allclose(found.power, [power for power, _ in expected.values()], rtol=1e-5)
    np.testing.assert_array_equal(found.counts, [count for _, count in expected.values()])


@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_the_power_is_the_mean_square(shape):
    """Parseval."""
    images = RNG.uniform(0, 1, shape)
    found = spectrum.radial_power(images)
    assert found.counts.sum() == shape[1] * shape[2]
    assert np.average(found.power, weights=found.counts) == pytest.approx(np.mean(images**2), rel=1e-5)
    assert found.power[0] == pytest.approx(np.mean(np.sum(images, axis=(1, 2)) ** 2) / (shape[1] * shape[2]), rel=1e-5)


def test_white_noise_is_flat_at_its_variance():
    """|F|^2 is the variance times an exponential variable: over m of them, the standard error is its m-th root."""
    images = 0.5 + RNG.uniform(-0.5, 0.5, (400, 32, 32, 1))
    found = spectrum.radial_power(images)
    error = 1 / np.sqrt(400 * found.counts[1:] / 2)  # F(-k) is the conjugate of F(k)
    np.testing.assert_array_less(np.abs(found.power[1:] * 12 - 1), 5 * error)


@pytest.mark.parametrize(("u", "v"), [(0, 3), (4, 3), (7, 0), (8, 8), (5, 11)])
def test_a_wave_has_its_power_at_its_frequency(u, v):
    """cos has a power of HW / 4 at each of k and -k, the amplitude being 1; at the corner the two are one, of HW."""
    rows, columns = np.mgrid[:16, :24]
    wave = np.cos(2 * np.pi * (u * rows / 16 + v * columns / 24))
    found = spectrum.radial_power((0.5 + 0.5 * wave)[None, ..., None])
    distance = np.hypot(u / 16, v / 24)
    ring = int(np.argmax(found.power[1:])) + 1
    assert abs(found.frequency[ring] - distance) <= 0.5 / 24
    assert found.power[ring] * found.counts[ring] == pytest.approx(16 * 24 * np.mean((0.5 * wave) ** 2), rel=1e-5)
    np.testing.assert_allclose(np.delete(found.power, [0, ring]), 0, atol=1e-9)


def test_a_chequerboard_is_the_corner_of_the_spectrum():
    board = (np.indices((16, 16)).sum(axis=0) % 2).astype(np.float32)[None, ..., None]
    found = spectrum.radial_power(board)
    assert np.argmax(found.power[1:]) == len(found.power) - 2
    assert found.frequency[-1] == pytest.approx(np.sqrt(0.5), abs=0.5 / 16)


@pytest.mark.parametrize("batch", [1, 7, 296, 1000])
def test_batches_the_order_the_type_and_the_devices_do_not_matter(batch):
    expected = spectrum.radial_power(DIGITS)
    mesh = jax.make_mesh((4,), ("devices",), devices=jax.devices()[:4])
    shuffled = RNG.permutation(DIGITS).astype(np.float32) / np.float32(255)
    sharded = jax.device_put(shuffled, NamedSharding(mesh, PartitionSpec("devices")))
    np.testing.assert_allclose(spectrum.radial_power(sharded, batch=batch).power, expected.power, rtol=1e-5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (DIGITS[..., 0], r"images: expected images \[N, H, W, C\]"),
        (DIGITS[:0], "images: expected at least 1 images, found 0"),
        (DIGITS.astype(np.float32), "images: expected floats from 0 to 1, or uint8"),
        (DIGITS.astype(np.int32), "images: expected floats from 0 to 1, or uint8, found int32"),
    ],
)
def test_what_cannot_be_measured_is_told(images, message):
    with pytest.raises(ValueError, match=message):
        spectrum.radial_power(images)
