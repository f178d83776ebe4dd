"""The Parzen-window log-likelihood against sums in float64, SciPy and scikit-learn."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.neighbors import KernelDensity

from jgan.metrics import parzen

GENERATOR = np.random.default_rng(0)
SAMPLES = GENERATOR.random((300, 6, 5)).astype(np.float32)
IMAGES = GENERATOR.random((70, 6, 5)).astype(np.float32)
SIGMAS = np.array([0.1, 0.25, 1.0])


def in_float64(x, samples, sigma):
    """log of the mean over the samples of the product over the pixels of N(x; mu, sigma^2)."""
    x, samples = (np.asarray(array, np.float64).reshape(len(array), 1, -1) for array in (x, samples))
    kernels = stats.norm.logpdf(x, loc=samples.swapaxes(0, 1), scale=sigma).sum(-1)
    return special.logsumexp(kernels, axis=1) - math.log(samples.shape[0])


@pytest.mark.parametrize("sigma", SIGMAS)
def test_it_is_the_formula_in_float64(sigma):
    found = parzen.log_likelihoods(IMAGES, SAMPLES, np.array([sigma]))
    assert found.shape == (1, 70)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found[0], in_float64(IMAGES, SAMPLES, sigma), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_it_is_scikit_learns(sigma):
    """Its tree in one leaf, which sums every kernel; with the default of 40 it is off by up to 126 nats in 30 dimensions."""
    density = KernelDensity(kernel="gaussian", bandwidth=sigma, leaf_size=300).fit(SAMPLES.reshape(300, -1))
    found = parzen.log_likelihoods(IMAGES, SAMPLES, np.array([sigma]))[0]
    np.testing.assert_allclose(found, density.score_samples(IMAGES.reshape(70, -1)), rtol=1e-5, atol=1e-5)


def test_in_the_size_of_mnist_it_keeps_five_digits():
    """784 pixels, mostly 0 or 1, as the images are: norms near 10, where the difference of squares would lose digits."""
    images = (GENERATOR.random((1020, 784)) < 0.2).astype(np.float32)
    images[:20] = np.clip(images[20:40] + GENERATOR.normal(0, 0.1, (20, 784)), 0, 1)  # some stand close to a sample
    found = parzen.log_likelihoods(images[:20], images[20:], np.array([0.1, 0.2154]))
    for values, sigma in zip(found, (0.1, 0.2154), strict=True):
        np.testing.assert_allclose(values, in_float64(images[:20], images[20:], sigma), rtol=1e-5)


def test_a_sample_in_the_image_itself_is_the_best_kernel():
    x = np.full((1, 784), 0.7, np.float32)
    found = parzen.log_likelihoods(x, np.concatenate([x, 1 - x]), np.array([0.1]))[0, 0]
    assert found == pytest.approx(-math.log(2) - 784 * math.log(0.1 * math.sqrt(2 * math.pi)), rel=1e-6)


def test_far_samples_do_not_underflow():
    """exp(-|x - mu|^2 / 2 sigma^2) is 0 even in float64 here; its logarithm is not."""
    x, samples = np.full((1, 100), 10.0, np.float32), np.zeros((3, 100), np.float32)
    expected = -(100 * 10.0**2) / (2 * 0.1**2) - 100 * math.log(0.1 * math.sqrt(2 * math.pi))
    assert expected < -490_000
    assert parzen.log_likelihoods(x, samples, np.array([0.1]))[0, 0] == pytest.approx(expected, rel=1e-6)


def test_the_density_integrates_to_one():
    grid = np.linspace(-8, 9, 4001)
    density = np.exp(parzen.log_likelihoods(grid[:, None], GENERATOR.random((50, 1)), SIGMAS))
    np.testing.assert_allclose(np.trapezoid(density, grid), 1, rtol=1e-5)


@pytest.mark.parametrize("block", [1, 7, 69, 70, 500])
def test_the_size_of_the_blocks_does_not_matter(block):
    whole = parzen.log_likelihoods(IMAGES, SAMPLES, SIGMAS, block=70)
    np.testing.assert_allclose(parzen.log_likelihoods(IMAGES, SAMPLES, SIGMAS, block=block), whole, rtol=1e-5, atol=1e-5)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_the_order_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    images, samples = generator.permutation(70), generator.permutation(300)
    found = parzen.log_likelihoods(IMAGES[images], SAMPLES[samples], SIGMAS)
    np.testing.assert_allclose(found, parzen.log_likelihoods(IMAGES, SAMPLES, SIGMAS)[:, images], rtol=1e-5, atol=1e-5)


def test_arrays_of_jax_and_of_numpy_are_measured_alike():
    found = parzen.log_likelihoods(jnp.asarray(IMAGES), jnp.asarray(SAMPLES), jnp.asarray(SIGMAS))
    np.testing.assert_allclose(found, parzen.log_likelihoods(IMAGES, SAMPLES, SIGMAS), rtol=1e-6)


def test_the_figure_is_the_papers():
    """sigma by the mean over the validation images alone; then the mean over the test images, and std / sqrt(n)."""
    validation, test = IMAGES[:20], IMAGES[20:]
    result = parzen.evaluate(SAMPLES, validation, test)
    by_hand = [in_float64(validation, SAMPLES, sigma).mean() for sigma in np.logspace(-1, 0, 10)]
    best = int(np.argmax(by_hand))
    assert 0 < best < 9  # the choice is a choice
    assert result.sigma == pytest.approx(np.logspace(-1, 0, 10)[best])
    assert result.validation == pytest.approx(by_hand[best], rel=1e-6)
    values = in_float64(test, SAMPLES, result.sigma)
    assert result.mean == pytest.approx(values.mean(), rel=1e-6)
    assert result.standard_error == pytest.approx(values.std() / math.sqrt(len(test)), rel=1e-4)
    assert all(isinstance(value, float) for value in result)


def test_sigma_is_chosen_from_those_given():
    assert parzen.evaluate(SAMPLES, IMAGES, IMAGES, sigmas=np.array([0.01, 0.3, 5.0])).sigma == 0.3


def test_images_of_another_shape_than_the_samples_are_an_error_that_names_both():
    message = r"images and samples must have one shape, found \(6, 5\) and \(5, 6\)"
    with pytest.raises(ValueError, match=message):
        parzen.log_likelihoods(IMAGES, SAMPLES.reshape(300, 5, 6), SIGMAS)
    with pytest.raises(ValueError, match=message):
        parzen.evaluate(SAMPLES.reshape(300, 5, 6), IMAGES, IMAGES)
    with pytest.raises(ValueError, match=r"must have one shape, found \(5, 6\) and \(6, 5\)"):
        parzen.evaluate(SAMPLES, IMAGES, IMAGES.reshape(70, 5, 6))
