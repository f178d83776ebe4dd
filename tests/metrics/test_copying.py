"""Authenticity and C_T against SciPy and scikit-learn, and what they say of copies and of fresh samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from jgan.metrics import copying

GENERATOR = np.random.default_rng(0)
TRAINING, TEST, FRESH = GENERATOR.normal(size=(3, 150, 4))
NEAR = np.concatenate([TRAINING[:75] + 0.05 * GENERATOR.normal(size=(75, 4)), FRESH[:75]])
"""half of them near-copies"""


def authentic(training, fake):
    """By the definition, sample for sample, from the whole matrices."""
    every, within = cdist(training, fake), cdist(training, training) + np.diag(np.full(len(training), np.inf))
    return np.mean([within[every[:, g].argmin()].min() < every[:, g].min() for g in range(len(fake))])


@pytest.mark.parametrize("fake", [FRESH, NEAR, TRAINING + 3])
def test_authenticity_is_the_definition(fake):
    assert copying.authenticity(TRAINING, fake) == authentic(TRAINING, fake)


def test_authenticity_of_copies_and_of_fresh_samples():
    assert copying.authenticity(TRAINING, TRAINING) == 0
    assert copying.authenticity(TRAINING, TRAINING + 1e-3) == 0
    assert 0.35 < copying.authenticity(TRAINING, FRESH) < 0.75
    assert copying.authenticity(TRAINING, NEAR) < copying.authenticity(TRAINING, FRESH) - 0.2


def test_a_training_sample_that_is_there_twice_makes_its_neighbours_authentic_but_not_its_copies():
    training = np.array([[0.0], [0.0], [10.0], [13.0]])
    assert copying.authenticity(training, np.array([[1.0], [0.0], [11.0], [17.0]])) == 0.5


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_order_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    shuffled = [generator.permutation(points) for points in (TRAINING, TEST, NEAR)]
    assert copying.authenticity(shuffled[0], shuffled[2]) == copying.authenticity(TRAINING, NEAR)
    found, expected = copying.c_t(*shuffled, cells=1), copying.c_t(TRAINING, TEST, NEAR, cells=1)
    assert found.value == pytest.approx(expected.value, abs=1e-9)


@pytest.mark.parametrize("fake", [FRESH, NEAR])
@pytest.mark.parametrize("cells", [1, 3])
def test_each_score_is_scipys_mann_whitney_and_their_mean_is_weighted_by_the_held_out_samples(fake, cells):
    found = copying.c_t(TRAINING, TEST, fake, cells=cells, seed=3)
    model = KMeans(cells, n_init=10, random_state=3).fit(TRAINING)
    scores, weights = [], []
    for cell in range(cells):
        near = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(TRAINING[model.labels_ == cell])
        distances = [near.kneighbors(points[model.predict(points) == cell])[0][:, 0] for points in (fake, TEST)]
        p = mannwhitneyu(*distances, alternative="less", method="asymptotic", use_continuity=True).pvalue
        scores.append(norm.ppf(p))
        weights.append(len(distances[1]) / len(TEST))
    np.testing.assert_allclose(found.z_scores, scores, rtol=1e-6)
    np.testing.assert_allclose(found.weights, weights)
    assert found.value == pytest.approx(np.dot(scores, weights), rel=1e-6)


def test_copies_lie_far_below_zero_and_distant_samples_far_above():
    assert copying.c_t(TRAINING, TEST, TRAINING).value < -7
    assert copying.c_t(TRAINING, TEST, NEAR, cells=1).value < -3
    assert copying.c_t(TRAINING, TEST, 1.5 * FRESH, cells=1).value > 3


def test_of_fresh_samples_the_score_is_standard_normal():
    draws = np.random.default_rng(5).normal(size=(60, 3, 40, 2))
    values = [copying.c_t(*draw, cells=1).value for draw in draws]
    assert abs(np.mean(values)) < 4 / np.sqrt(60)
    assert np.std(values) == pytest.approx(1, abs=4 / np.sqrt(2 * 60))


def test_copies_in_one_cell_are_told_by_its_score():
    far = np.array([20.0, 0, 0, 0])
    training, test = np.concatenate([TRAINING, TRAINING[::-1] + far]), np.concatenate([TEST, TEST[::-1] + far])
    found = copying.c_t(training, test, np.concatenate([FRESH, TRAINING[::-1] + far]), cells=2)
    copied = int(np.argmin(found.z_scores))
    assert found.z_scores[copied] < -7
    assert abs(found.z_scores[1 - copied]) < 4
    np.testing.assert_array_equal(found.weights, [0.5, 0.5])


def test_a_cell_with_few_generated_samples_does_not_count():
    far = np.array([20.0, 0, 0, 0])
    training, test = np.concatenate([TRAINING, TRAINING + far]), np.concatenate([TEST, TEST + far])
    found = copying.c_t(training, test, np.concatenate([FRESH, TRAINING[:19] + far]), cells=2)
    assert np.isnan(found.z_scores).sum() == 1
    assert found.value == found.z_scores[~np.isnan(found.z_scores)][0]
    assert not np.isnan(copying.c_t(training, test, np.concatenate([FRESH, TRAINING[:20] + far]), cells=2).z_scores).any()


def test_the_progress_is_told():
    told = []
    copying.authenticity(TRAINING, FRESH[:50], progress=lambda done, total: told.append((done, total)))
    assert told == [(50, 200), (200, 200)]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="expected at least 20 generated samples in some cell"):
        copying.c_t(TRAINING, TEST, FRESH[:19], cells=1)
    with pytest.raises(ValueError, match="expected held-out samples in each of 3 cells"):
        copying.c_t(TRAINING, TEST[:2], FRESH)
    with pytest.raises(ValueError, match="training: expected at least 3 samples, found 2"):
        copying.c_t(TRAINING[:2], TEST, FRESH)
    with pytest.raises(ValueError, match="fake: expected 4 features per sample like the others, found 3"):
        copying.authenticity(TRAINING, FRESH[:, 1:])
