"""PRD curves against total variation, loops, and the curves of histograms that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jgan.metrics import prd

RNG = np.random.default_rng(0)
UNIFORM = np.full(8, 1 / 8)


def pairs_of_counts():
    counts = lambda k: hnp.arrays(np.int64, k, elements=st.integers(0, 50)).filter(lambda found: found.sum() > 0)  # noqa: E731
    return st.integers(1, 12).flatmap(lambda k: st.tuples(counts(k), counts(k)))


@given(pairs_of_counts())
def test_the_curve_is_that_of_the_total_variation(counts):
    """sum min(a, b) = (sum a + sum b - sum |a - b|) / 2, at angles that are written down here."""
    p, q = (found / found.sum() for found in counts)
    precision, recall = prd.curve(*counts, angles=101)
    for i in range(1, 100):
        ratio = np.sin(i * np.pi / 200) / np.cos(i * np.pi / 200)
        assert precision[i] == pytest.approx((ratio + 1 - np.abs(ratio * p - q).sum()) / 2, abs=1e-7)
        assert recall[i] == pytest.approx((1 + 1 / ratio - np.abs(p - q / ratio).sum()) / 2, abs=1e-7)
    assert precision[-1] == pytest.approx(q[p > 0].sum(), abs=1e-7)  # what lies within the other's support
    assert recall[0] == pytest.approx(p[q > 0].sum(), abs=1e-7)


@given(pairs_of_counts())
def test_the_curve_of_the_two_exchanged_is_the_curve_exchanged(counts):
    precision, recall = prd.curve(*counts, angles=51)
    exchanged_precision, exchanged_recall = prd.curve(*counts[::-1], angles=51)
    np.testing.assert_allclose(exchanged_recall[::-1], precision, atol=1e-6)
    np.testing.assert_allclose(exchanged_precision[::-1], recall, atol=1e-6)


@given(pairs_of_counts())
def test_the_curve_is_monotone_and_coarser_states_can_only_raise_it(counts):
    precision, recall = prd.curve(*counts, angles=51)
    assert (np.diff(precision) >= -1e-12).all()
    assert (np.diff(recall) <= 1e-12).all()
    merged = [np.append(found[2:], found[:2].sum()) for found in counts]
    coarser_precision, coarser_recall = prd.curve(*merged, angles=51)
    assert (coarser_precision >= precision - 1e-12).all()
    assert (coarser_recall >= recall - 1e-12).all()


def test_the_same_histogram_has_all_precision_at_all_recall():
    precision, recall = prd.curve([3, 1, 0, 9], [6, 2, 0, 18])
    np.testing.assert_allclose(np.maximum(precision, recall), 1, rtol=1e-12)
    assert (precision[500], recall[500]) == (pytest.approx(1), pytest.approx(1))
    for beta in (8, 1, 1 / 8):
        assert prd.f_beta(precision, recall, beta) == pytest.approx(1, rel=1e-12)


def test_disjoint_histograms_have_nothing():
    precision, recall = prd.curve([1, 1, 0, 0], [0, 0, 1, 1])
    assert not precision.any()
    assert not recall.any()
    assert prd.f_beta(precision, recall, 8) == prd.f_beta(precision, recall, 1 / 8) == 0


@pytest.mark.parametrize("kept", [1, 4, 7])
def test_some_of_the_modes_have_precision_one_and_their_share_of_recall(kept):
    """With a share s of equal modes: precision min(s lambda, 1), recall min(s, 1 / lambda). The corner (1, s) is the best."""
    share = kept / 8
    fake = np.where(np.arange(8) < kept, 1 / kept, 0)
    precision, recall = prd.curve(UNIFORM, fake, angles=100_001)
    ratios = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 100_001))
    np.testing.assert_allclose(precision, np.minimum(share * ratios, 1), rtol=1e-12)
    np.testing.assert_allclose(recall, np.minimum(share, 1 / ratios), rtol=1e-12)
    assert (precision.max(), recall.max()) == (pytest.approx(1), pytest.approx(share))
    for beta in (8, 1, 1 / 8):
        assert prd.f_beta(precision, recall, beta) == pytest.approx((1 + beta**2) * share / (beta**2 + share), rel=1e-4)


@pytest.mark.parametrize("extra", [2, 6])
def test_modes_that_are_none_cost_precision_alone(extra):
    real = np.concatenate([UNIFORM, np.zeros(extra)])
    precision, recall = prd.curve(real, np.full(8 + extra, 1 / (8 + extra)), angles=100_001)
    assert (precision.max(), recall.max()) == (pytest.approx(8 / (8 + extra)), pytest.approx(1))
    assert prd.f_beta(precision, recall, 8) > 0.97 > prd.f_beta(precision, recall, 1 / 8)


def test_f_beta_is_the_greatest_on_the_curve():
    precision, recall = np.array([0.2, 0.5, 0.9, 0.0]), np.array([0.8, 0.6, 0.1, 0.0])
    for beta in (0.125, 1.0, 8.0):
        values = [1 / ((1 / p + beta**2 / r) / (1 + beta**2)) for p, r in zip(precision[:3], recall[:3], strict=True)]
        assert prd.f_beta(precision, recall, beta) == pytest.approx(max(values), rel=1e-12)


def points(classes, rng):
    """Round the corners of a simplex, far apart."""
    return (20 * np.eye(8)[classes] + 0.1 * rng.standard_normal((len(classes), 8))).astype(np.float32)


def test_clusters_that_lie_apart_are_found_and_counted():
    real, fake = RNG.integers(8, size=700), RNG.integers(5, size=400)
    found = prd.histograms(points(real, RNG), points(fake, RNG), clusters=8, seed=0)
    expected = np.bincount(real, minlength=8), np.bincount(fake, minlength=8)
    assert sorted(zip(*map(np.ndarray.tolist, found), strict=True)) == sorted(zip(*map(list, expected), strict=True))


def test_a_half_of_the_clusters_is_precise_and_finds_a_half():
    classes = np.arange(1000) % 8
    found = prd.evaluate(points(classes, RNG), points(classes % 4, RNG), clusters=8, runs=3, seed=5)
    precision, recall = prd.curve(np.ones(8), [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_allclose(found.precision, precision, atol=1e-12)
    np.testing.assert_allclose(found.recall, recall, atol=1e-12)
    assert found.f_8 == pytest.approx(65 * 0.5 / 64.5, rel=2e-3)
    assert found.f_1_8 == pytest.approx((1 + 1 / 64) * 0.5 / (1 / 64 + 0.5), rel=2e-3)
    assert found[4:] == (8, 3, 1000, 5, "")


def test_the_curve_is_the_mean_of_the_runs():
    real, fake = RNG.standard_normal((2, 300, 4))
    found = prd.evaluate(real, fake + 0.5, clusters=6, runs=3, angles=11, seed=7)
    runs = [prd.curve(*prd.histograms(real, fake + 0.5, clusters=6, seed=seed), angles=11) for seed in (7, 8, 9)]
    np.testing.assert_allclose(found.precision, np.mean([run[0] for run in runs], axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.recall, np.mean([run[1] for run in runs], axis=0), rtol=1e-12)
    assert np.ptp([run[0][5] for run in runs]) > 0  # the runs do differ
    again = prd.evaluate(real, fake + 0.5, clusters=6, runs=3, angles=11, seed=7)
    np.testing.assert_array_equal(again.precision, found.precision)


def test_equal_samples_leave_clusters_empty_and_nothing_warns():
    found = prd.evaluate(np.zeros((30, 2)), np.zeros((30, 2)), clusters=5, runs=1)
    assert found.f_8 == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prd.curve([1, 2], [1, 2, 3]), "as many states in both distributions, found 2 real and 3 fake"),
        (lambda: prd.curve([1, -2], [1, 2]), "real: expected nonnegative probabilities or counts"),
        (lambda: prd.curve([1, 2], [0, 0]), "fake: expected nonnegative probabilities or counts"),
        (lambda: prd.curve([1, np.nan], [1, 0]), "real: expected nonnegative probabilities or counts"),
        (lambda: prd.curve([1], [1], angles=2), "angles must be at least 3, found 2"),
        (lambda: prd.evaluate(np.ones((30, 2)), np.ones((25, 2))), "found 25 and 30; measure the first 25 of each"),
        (lambda: prd.evaluate(np.ones((10, 2)), np.ones((10, 2))), "real: expected at least 20 samples, found 10"),
        (lambda: prd.evaluate(np.ones((30, 2)), np.ones((30, 3))), "fake: expected 2 features per sample"),
        (lambda: prd.evaluate(np.ones((30, 2)), np.full((30, 2), np.nan)), "fake: 30 of 30 samples have a feature"),
        (lambda: prd.evaluate(np.ones((30, 2)), np.ones((30, 2)), runs=0), "runs must be at least 1, found 0"),
    ],
)
def test_what_cannot_be_measured_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
