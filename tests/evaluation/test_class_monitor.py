"""The collapse monitor by class: silent on samples like the data, and the class is named if one collapses alone."""

import numpy as np
import pytest
from scipy.spatial import distance

from jgan import data
from jgan.evaluation import class_monitor, monitor
from jgan.evaluation.class_monitor import Signs


@pytest.fixture(scope="module")
def halves():
    """The images and labels of two halves of the training digits, some 60 of a class, which stand for data and samples."""
    train = data.load("digits").train
    x, y = train.x / np.float32(255), train.y
    return (x[::2], y[::2]), (x[1::2], y[1::2])


@pytest.fixture(scope="module")
def real(halves):
    return class_monitor.make(*halves[0])


@pytest.fixture(scope="module")
def healthy(real, halves):
    return class_monitor.look(real, *halves[1])


def replaced(halves, label, by):
    """The samples, with those of one class replaced by others."""
    (_, _), (x, y) = halves
    x = x.copy()
    x[y == label] = np.resize(by, x[y == label].shape)
    return x, y


def test_other_images_of_each_class_raise_no_warning(healthy):
    assert sorted(healthy) == list(range(10))
    history = [class_monitor.row(healthy)["coverage_by_class"]]
    assert class_monitor.warning(healthy, history) == ""
    assert min(signs.coverage for signs in healthy.values()) > 0.75  # 1 - 2^-5, were they many


def test_both_statistics_are_those_of_the_class_alone(real, halves, healthy):
    (x, y), (samples, labels) = halves
    for label in range(10):
        a, b = (side[of == label].reshape(-1, 64).astype(np.float64) for side, of in ((x, y), (samples, labels)))
        radii = np.sort(distance.cdist(a, a), axis=1)[:, 5]
        covered = (distance.cdist(a, b).min(axis=1) < radii).mean()
        assert healthy[label].coverage == pytest.approx(covered)
        assert healthy[label].spread == pytest.approx(np.sqrt(np.trace(np.cov(b.T, ddof=0)) / np.trace(np.cov(a.T, ddof=0))))


@pytest.mark.parametrize("label", [0, 3, 9])
def test_a_class_of_one_repeated_image_is_named(real, halves, healthy, label):
    x, y = replaced(halves, label, halves[1][0][halves[1][1] == label][0])
    signs = class_monitor.look(real, x, y)
    assert class_monitor.row(signs)["worst_class"] == label
    words = class_monitor.warning(signs, [])
    assert words == f"collapse? class {label}: the samples vary 0.00 times as much as its images"
    assert {of: signs[of] for of in signs if of != label} == {of: healthy[of] for of in signs if of != label}
    assert class_monitor.warning(signs, [], step=monitor.FIRST_STEP - 1) == ""


@pytest.mark.parametrize(("label", "other"), [(3, 0), (9, 6), (1, 8)])
def test_a_class_of_another_classs_images_is_named(real, halves, healthy, label, other):
    (_, _), (samples, labels) = halves
    signs = class_monitor.look(real, *replaced(halves, label, samples[labels == other]))
    history = [class_monitor.row(healthy)["coverage_by_class"]]
    assert class_monitor.row(signs)["worst_class"] == label
    words = class_monitor.warning(signs, history)
    assert words == f"collapse? class {label}: coverage fell from {history[0][label]:.2f} to {signs[label].coverage:.2f}"


@pytest.mark.slow
def test_the_whole_set_hardly_shows_it(halves):
    """Why the classes are looked at alone: the monitor of the whole set is silent."""
    (x, _), (samples, _) = halves
    watch = monitor.make(x)
    before = monitor.look(watch, samples)
    after = monitor.look(watch, replaced(halves, 3, samples[:1])[0])
    assert monitor.warning(after, [before.coverage]) == ""


@pytest.mark.parametrize(
    ("spread", "coverage", "warned"),
    [(0.24, 0.6, True), (0.26, 0.6, False), (1.0, 0.11, True), (1.0, 0.13, False)],
)
def test_the_thresholds(spread, coverage, warned):
    signs = {4: Signs(spread, coverage)}
    assert bool(class_monitor.warning(signs, [[None] * 4 + [0.2], [None] * 4 + [0.6], [0.9]])) == warned


def test_a_class_that_was_never_learnt_has_not_fallen():
    assert class_monitor.warning({0: Signs(1.0, 0.0)}, [[0.49]]) == ""
    assert class_monitor.warning({0: Signs(1.0, 0.0)}, [[0.51]]) != ""
    assert class_monitor.warning({0: Signs(1.0, 0.0)}, []) == ""


def test_a_warning_of_many_classes_is_short():
    words = class_monitor.warning({label: Signs(0.0, 0.0) for label in range(10)}, [])
    assert words.endswith("class 2: the samples vary 0.00 times as much as its images, and 7 more classes")


def test_classes_of_few_images_are_left_out(halves):
    (x, y), (samples, labels) = halves
    few = class_monitor.LEAST
    keep = np.concatenate([np.flatnonzero(y == 0)[: few - 1], np.flatnonzero(y == 1)[:few], np.flatnonzero(y == 2)])
    fake = np.concatenate([np.flatnonzero(labels < 2), np.flatnonzero(labels == 2)[: few - 1]])
    signs = class_monitor.look(class_monitor.make(x[keep], y[keep]), samples[fake], labels[fake])
    assert sorted(signs) == [1]
    assert class_monitor.row(signs)["coverage_by_class"] == [None, round(signs[1].coverage, 4)]
    assert class_monitor.row({}) == {}


def test_no_more_examples_are_kept_than_the_total():
    x = np.arange(6000, dtype=np.float32)[:, None]
    many, ten = class_monitor.make(x, np.arange(6000) % 100), class_monitor.make(x, np.arange(6000) % 10)
    assert {len(of) for of in many.values()} == {50}
    assert {len(of) for of in ten.values()} == {class_monitor.MOST}
    np.testing.assert_array_equal(ten[3][:2, 0], [3, 13])


def test_a_class_whose_images_are_equal_has_a_spread_of_one():
    x, y = np.ones((50, 3), np.float32), np.zeros(50, int)
    assert class_monitor.look(class_monitor.make(x, y), x, y)[0].spread == 1
