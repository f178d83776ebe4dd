"""The four bands against what defines the wavelet, and the filter against SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jgan.augment import filtering

IMAGE = np.random.default_rng(0).uniform(size=(24, 17, 3)).astype(np.float32)


def response(taps, omega):
    """The frequency response of symmetric taps, real."""
    reach = len(taps) // 2
    return np.cos(np.outer(omega, np.arange(-reach, reach + 1))) @ taps


def test_the_low_pass_is_the_power_of_daubechies_wavelet_of_four_taps():
    root = np.sqrt(3)
    wavelet = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2))
    np.testing.assert_allclose(filtering.LOW_PASS, np.convolve(wavelet, wavelet[::-1]) / 2, atol=1e-15)


def test_the_bands_are_octaves_that_add_up_to_the_image():
    omega = np.linspace(0, np.pi, 257)
    low = lambda w: np.cos(w / 2) ** 4 * (1 + 2 * np.sin(w / 2) ** 2)  # noqa: E731, Daubechies' half-band polynomial
    expected = [
        low(omega) * low(2 * omega) * low(4 * omega),
        low(omega) * low(2 * omega) * (1 - low(4 * omega)),
        low(omega) * (1 - low(2 * omega)),
        1 - low(omega),
    ]
    found = [response(taps.astype(np.float64), omega) for taps in filtering.BANK]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    delta = np.zeros(filtering.BANK.shape[1])
    delta[len(delta) // 2] = 1
    np.testing.assert_allclose(filtering.BANK.sum(0), delta, atol=1e-7)


def test_gains_restore_the_power_after_each_amplification():
    amplitudes = np.array([0.5, 3.0, 1.0, 2.0])
    expected = np.ones(4)
    for band, amplitude in enumerate(amplitudes):
        single = np.ones(4)
        single[band] = amplitude
        expected *= single / np.sqrt((10 * single[0] ** 2 + single[1] ** 2 + single[2] ** 2 + single[3] ** 2) / 13)
    np.testing.assert_allclose(filtering.band_gains(jnp.array(amplitudes, jnp.float32)), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(24, 17, 3), (8, 8, 1)])
def test_the_filter_is_scipys(shape):
    image, gains = IMAGE[: shape[0], : shape[1], : shape[2]], np.array([0.5, 2.0, 1.5, 3.0], np.float32)
    taps = (gains[:, None] * filtering.BANK.astype(np.float64)).sum(0)
    expected = ndimage.convolve1d(ndimage.convolve1d(image.astype(np.float64), taps, 0, mode="mirror"), taps, 1, mode="mirror")
    np.testing.assert_allclose(jax.jit(filtering.amplify)(image, gains), expected, atol=1e-5)


def test_gains_of_1_are_the_identity():
    gains = filtering.band_gains(jnp.ones(4))
    np.testing.assert_allclose(gains, np.ones(4), atol=1e-6)
    np.testing.assert_allclose(jax.jit(filtering.amplify)(IMAGE, gains), IMAGE, atol=2e-6)
