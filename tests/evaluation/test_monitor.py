"""The collapse monitor: silent on samples like the data, awake when they are fewer."""

import numpy as np
import pytest

from jgan import data
from jgan.evaluation import monitor


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def watch(digits):
    return monitor.make(digits.train.x / np.float32(255))


def test_real_images_raise_no_warning(watch, digits):
    signs = monitor.look(watch, digits.test.x / np.float32(255))
    assert signs.spread == pytest.approx(1, abs=0.05)
    assert signs.coverage > 0.5
    assert signs.ndb < 0.2
    assert monitor.warning(signs, [signs.coverage]) == ""


def test_the_spread_is_that_of_the_trace_of_the_covariance(watch):
    samples = np.random.default_rng(0).normal(size=(500, 8, 8, 1)).astype(np.float32)
    flat = samples.reshape(500, -1).astype(np.float64)
    real = watch.real.astype(np.float64)
    expected = np.sqrt(np.trace(np.cov(flat.T, ddof=0)) / np.trace(np.cov(real.T, ddof=0)))
    assert monitor.look(watch, samples).spread == pytest.approx(expected, rel=1e-6)


def test_a_generator_of_one_image_is_warned_of(watch, digits):
    one = np.repeat(digits.test.x[:1] / np.float32(255), 300, axis=0)
    signs = monitor.look(watch, one)
    assert signs.spread == pytest.approx(0, abs=1e-3)
    assert signs.ndb > 0.5
    assert monitor.warning(signs, []) == "collapse? the samples vary 0.00 times as much as the data"
    assert monitor.warning(signs, [], step=499) == ""


def test_a_generator_that_drops_modes_is_warned_of(watch, digits):
    everything = monitor.look(watch, digits.test.x / np.float32(255))
    zeros_and_ones = monitor.look(watch, digits.test.x[digits.test.y < 2] / np.float32(255))
    assert zeros_and_ones.spread > 0.5  # they vary enough; it is the coverage that tells
    words = monitor.warning(zeros_and_ones, [everything.coverage])
    assert words == f"collapse? coverage fell from {everything.coverage:.2f} to {zeros_and_ones.coverage:.2f}"


def test_data_that_do_not_vary_do_not_divide_by_zero():
    watch = monitor.make(np.ones((60, 3), np.float32))
    assert monitor.look(watch, np.ones((60, 3), np.float32)).spread == 1


@pytest.mark.parametrize(
    ("spread", "coverage", "warned"),
    [(0.49, 0.8, True), (0.51, 0.8, False), (0.89, 0.8, False), (1.0, 0.39, True), (1.0, 0.41, False), (1.0, 0.71, False)],
)
def test_the_thresholds_are_half_the_spread_of_the_data_and_half_the_best_coverage(spread, coverage, warned):
    signs = monitor.Signs(spread=spread, coverage=coverage, ndb=0.1)
    assert bool(monitor.warning(signs, [0.3, 0.8, 0.6])) == warned


def test_the_first_look_has_no_coverage_to_compare_with():
    assert monitor.warning(monitor.Signs(spread=1.0, coverage=0.0, ndb=1.0), []) == ""
