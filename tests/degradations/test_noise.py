"""Noise against SciPy's quantiles and its own moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jgan.degradations import noise
from jgan.degradations.sized import Sized, whole


@pytest.mark.parametrize("mean", [0.0, 0.02, 0.7, 3.0, 7.9, 8.1, 20.0, 255.0])
def test_poisson_numbers_are_the_quantiles(mean):
    normal = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    found = np.asarray(noise.poisson_numbers(jnp.asarray(normal, jnp.float32), jnp.full(20_000, mean, jnp.float32)))
    wanted = np.maximum(stats.poisson.ppf(stats.norm.cdf(normal), mean), 0)
    assert (found != wanted).mean() < 0.001
    assert abs(found - wanted).max() <= 1
    assert found.mean() == pytest.approx(mean, rel=0.003, abs=1e-3)


def normal(*shape):
    return jax.random.normal(jax.random.key(0), shape)


@pytest.mark.slow
def test_gaussian_noise_has_its_deviation_and_may_be_grey():
    image = whole(jnp.full((80, 80, 3), 0.5))
    found = 255 * (noise.gaussian(normal(80, 80, 3), image, 12.0, False).pixels - 0.5)
    assert abs(found.std() - 12) < 0.2
    assert abs(np.corrcoef(np.asarray(found).reshape(-1, 3).T)[0, 1]) < 0.05
    grey = noise.gaussian(normal(80, 80, 3), image, 12.0, True).pixels
    assert (grey == grey[..., :1]).all()
    assert abs(255 * grey.std() - 12) < 0.4
    loud = noise.gaussian(normal(80, 80, 3), image, 500.0, False).pixels
    assert (loud.min(), loud.max()) == (0, 1)


@pytest.mark.slow
def test_poisson_noise_follows_the_number_of_levels_inside_the_image():
    """Of 5 grey levels: 8 quanta are white. The rest of the buffer has all 256 and does not count."""
    random = np.random.default_rng(0)
    buffer = random.integers(0, 256, (70, 64, 1)) / 255
    levels = np.array([10, 60, 100, 130, 180]) / 255
    buffer[:60] = levels[np.arange(60 * 64) % 5].reshape(60, 64, 1)
    buffer = buffer.astype(np.float32)
    image = Sized(jnp.asarray(buffer), jnp.array([60, 64]))
    found = noise.poisson(normal(70, 64, 1), image, 0.25, False).pixels[:60]  # a quarter: nothing is clipped
    counts = (np.asarray(found) - buffer[:60]) / 0.25 * 8 + 8 * buffer[:60]
    inside = (found > 0) & (found < 1)
    np.testing.assert_allclose(counts[inside], np.rint(counts[inside]), atol=1e-4)
    of_third = counts[(buffer[:60] == np.float32(levels[2])) & inside]
    assert of_third.mean() == pytest.approx(8 * levels[2], rel=0.08)
    assert of_third.var() == pytest.approx(8 * levels[2], rel=0.15)


@pytest.mark.slow
def test_poisson_noise_in_grey_is_that_of_luma():
    pixels = jnp.broadcast_to(jnp.array([0.2, 0.6, 0.4]), (64, 64, 3))
    found = noise.poisson(normal(64, 64, 3), whole(pixels), 0.1, True).pixels - pixels
    np.testing.assert_allclose(found[..., 0], found[..., 2], atol=1e-6)
    luma = round(255 * (0.299 * 0.2 + 0.587 * 0.6 + 0.114 * 0.4)) / 255
    counts = np.asarray(found[..., 0]) / 0.1 + luma  # one grey level: white is one quantum
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-4)
    assert counts.mean() == pytest.approx(luma, rel=0.05)
