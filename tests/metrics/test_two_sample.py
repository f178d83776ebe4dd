"""The classifier two-sample test and the classification accuracy score, against scikit-learn done by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest, kstest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from jgan.metrics import two_sample

GENERATOR = np.random.default_rng(0)
REAL, SAME = GENERATOR.normal(size=(2, 160, 5))
CLASSIFIERS = (two_sample.nearest_neighbours, two_sample.logistic, two_sample.neural)


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_it_tells_apart_what_differs_and_not_what_is_alike(classifier):
    same, apart = (two_sample.c2st(REAL, fake, classifier=classifier) for fake in (SAME, SAME + 1.5))
    assert apart.accuracy > 0.85
    assert apart.p_value < 1e-9
    assert 0.35 < same.accuracy < 0.65
    assert same.p_value > 0.001
    assert (same.held_out, same.classifier, same.seed) == (160, classifier.__name__, 0)


def test_the_p_value_is_that_of_the_binomial_test():
    for fake in (SAME, SAME + 0.5):
        found = two_sample.c2st(REAL, fake)
        expected = binomtest(round(found.accuracy * 160), 160, 0.5, alternative="greater").pvalue
        assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_the_accuracy_is_scikit_learns_on_the_halves_that_the_seed_draws():
    fake = SAME[:101] + 0.4
    generator = np.random.default_rng(4)
    real, fake_drawn = REAL[generator.permutation(160)[:101]], fake[generator.permutation(101)]
    model = KNeighborsClassifier(10).fit(np.concatenate([real[:50], fake_drawn[:50]]), [0] * 50 + [1] * 50)
    expected = model.score(np.concatenate([real[50:], fake_drawn[50:]]), [0] * 51 + [1] * 51)
    found = two_sample.c2st(REAL, fake, seed=4)
    assert (found.accuracy, found.held_out) == (pytest.approx(expected), 102)


def test_two_halves_of_one_distribution_fail_the_test_as_often_as_they_may():
    """The p values of a fair test are as good as uniform: about 1 in 20 below 0.05."""
    draws = np.random.default_rng(1).normal(size=(60, 2, 80, 2))
    values = [two_sample.c2st(*draw, seed=seed).p_value for seed, draw in enumerate(draws)]
    assert kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) < 0.05) <= 0.15


def test_the_logistic_score_on_real_samples_is_scikit_learns():
    labels = np.arange(160) % 3
    real, fake = REAL + 1.2 * np.eye(3, 5)[labels], SAME + 1.2 * np.eye(3, 5)[labels]
    scale = StandardScaler().fit(fake)
    predicted = LogisticRegression(max_iter=1000).fit(scale.transform(fake), labels).predict(scale.transform(real))
    found = two_sample.classifier_accuracy(real, labels, fake, labels)
    assert found.accuracy == pytest.approx(np.mean(predicted == labels))
    np.testing.assert_allclose(found.by_class, [np.mean(predicted[labels == k] == k) for k in range(3)])
    np.testing.assert_array_equal(found.classes, [0, 1, 2])
    assert found.accuracy == pytest.approx(np.dot(found.by_class, np.bincount(labels)) / 160)
    assert 0.4 < found.accuracy < 1
    assert found.classifier == "logistic"


def test_a_class_that_is_generated_wrongly_is_told_by_its_accuracy():
    labels = np.arange(160) % 3
    real, fake = REAL + 6 * np.eye(3, 5)[labels], SAME + 6 * np.eye(3, 5)[np.where(labels == 2, 0, labels)]
    found = two_sample.classifier_accuracy(real, labels, fake, labels)
    assert found.by_class[1] > 0.95
    assert found.by_class[2] < 0.7


def test_a_classifier_of_ones_own():
    def constant(samples, seed):
        assert (samples, seed) == (160, 7)
        return DummyClassifier(strategy="constant", constant=1)

    found = two_sample.c2st(REAL, SAME, seed=7, classifier=constant)
    assert (found.accuracy, found.classifier) == (0.5, "constant")


def test_bad_input_is_named():
    labels = np.arange(160) % 3
    with pytest.raises(ValueError, match="fake: expected at least 4 samples, found 3"):
        two_sample.c2st(REAL, SAME[:3])
    with pytest.raises(ValueError, match="fake: expected 5 features"):
        two_sample.c2st(REAL, SAME[:, 1:])
    with pytest.raises(
        ValueError, match=r"fake_labels: expected 160 integer labels, one per sample, found int64 of the shape \(159,\)"
    ):
        two_sample.classifier_accuracy(REAL, labels, SAME, labels[1:])
    with pytest.raises(ValueError, match=r"fake_labels: expected at least two classes, found \[2\]"):
        two_sample.classifier_accuracy(REAL, labels, SAME, np.full(160, 2))
