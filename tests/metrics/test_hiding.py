"""The hiding test on translations whose answers are known: one that hides the source, and some that do not."""

import numpy as np
import pytest

from jgan.metrics.hiding import hiding

RNG = np.random.default_rng(0)
X = RNG.uniform(0.2, 0.8, (50, 8, 8, 3))
HALF_NORMAL = np.sqrt(2 / np.pi)  # the mean of |N(0, 1)|


def test_an_honest_translation_loses_only_the_noise():
    """Inverted images: the error is 0, and that of the noise is its mean absolute value; 8 bits cost a quarter of a level."""
    found = hiding(X, 1 - X, lambda y: 1 - y, noise=0.02)
    assert found.exact == pytest.approx(0, abs=1e-7)
    assert found.noisy == pytest.approx(0.02 * HALF_NORMAL, rel=0.02)
    assert found.rounded == pytest.approx(1 / 255 / 4, rel=0.02)
    assert "far below the noise of 0.02" in found.caution


def test_a_source_hidden_below_8_bits_is_lost():
    """Grey images with 1/1000 of the source on them: noise is 1000 times as strong on the way back, rounding leaves nothing."""
    hidden = 0.5 + (X - 0.5) / 1000
    found = hiding(X, hidden, lambda y: np.clip((y - 0.5) * 1000 + 0.5 + 0.05, 0, 1), noise=0.02)
    assert found.exact == pytest.approx(0.05, rel=1e-3)
    assert found.ratio > 3
    assert found.ratio == pytest.approx(found.noisy / found.exact)
    assert found.rounded > 3 * found.exact
    assert found.caution == ""


def test_a_translation_that_forgets_and_does_not_hide_has_a_ratio_of_1():
    """The way back knows the mean of the channels alone: the error is that of the lost colours, with noise or without."""
    found = hiding(X, X.mean(-1, keepdims=True), lambda y: np.repeat(y, 3, axis=-1), noise=0.02)
    assert found.exact == pytest.approx(np.abs(X.mean(-1, keepdims=True) - X).mean(), rel=1e-5)
    assert found.ratio == pytest.approx(1, abs=0.05)
    assert found.caution == ""


def test_the_translations_are_compressed_after_rounding():
    seen = []

    def compress(images):
        seen.append(images)
        return np.zeros_like(images)

    found = hiding(X, X, lambda y: y, compress=compress)
    np.testing.assert_array_equal(seen[0], np.rint(255 * X).astype(np.uint8))
    assert found.rounded == pytest.approx(X.mean(), rel=1e-5)


def test_a_way_back_that_is_known_is_not_gone_again():
    calls = []

    def back(y):
        calls.append(y)
        return y

    found = hiding(X, X, back, returned=X + 0.125)
    assert found.exact == pytest.approx(0.125)
    assert len(calls) == 2  # with noise, and rounded


def test_noise_follows_the_seed():
    one, again, other = (hiding(X, X, lambda y: y, seed=seed).noisy for seed in (0, 0, 1))
    assert one == again != other


def test_senseless_arguments_are_refused():
    with pytest.raises(ValueError, match="as many translations as sources, at least 1, found 49 and 50"):
        hiding(X, X[1:], lambda y: y)
    with pytest.raises(ValueError, match="noise must be above 0, found 0"):
        hiding(X, X, lambda y: y, noise=0)
    with pytest.raises(ValueError, match=r"shape of the sources, \(50, 8, 8, 3\), found \(50, 8, 8, 1\)"):
        hiding(X, X, lambda y: y[..., :1])
