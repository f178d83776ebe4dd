"""The anchors against definitions written out in NumPy, and against scikit-learn's own inertia."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from jgan.metrics import anchors, parzen

RNG = np.random.default_rng(0)
DIGITS = (load_digits().images / 16).astype(np.float32)[..., None]


def within_cluster(images, means):
    """The mean squared distance of an image to its nearest mean."""
    flat, means = (array.reshape(len(array), -1).astype(np.float64) for array in (images, means))
    return np.mean(np.min(np.sum((flat[:, None] - means[None]) ** 2, axis=-1), axis=1))


def test_training_images_are_drawn_without_replacement():
    training = np.arange(50)
    drawn = anchors.training_images(training, 20, seed=3)
    assert len(set(drawn.tolist())) == 20
    assert set(drawn.tolist()) <= set(range(50))
    np.testing.assert_array_equal(drawn, anchors.training_images(training, 20, seed=3))
    assert drawn.tolist() != anchors.training_images(training, 20, seed=4).tolist()
    assert sorted(anchors.training_images(training, 99, seed=3).tolist()) == list(range(50))


def test_centroids_of_separate_clusters_are_their_means():
    corners = np.array([[0.1, 0.1], [0.1, 0.9], [0.9, 0.1]])
    images = np.clip(corners.repeat(30, axis=0) + RNG.uniform(-0.05, 0.05, (90, 2)), 0, 1).reshape(90, 2, 1, 1)
    found = min((anchors.centroids(images, 3, seed=seed) for seed in range(5)), key=lambda c: within_cluster(images, c))
    assert found.shape == (3, 2, 1, 1)
    assert found.dtype == np.float32
    expected = images.reshape(3, 30, 2).mean(axis=1)
    order = np.lexsort(found.reshape(3, 2).round(1).T[::-1])
    np.testing.assert_allclose(found.reshape(3, 2)[order], expected, atol=1e-6)


def test_centroids_are_nearly_as_good_as_those_of_a_patient_search():
    """Few rounds from random images, against scikit-learn's default: careful start, several starts, to convergence."""
    patient = KMeans(40, n_init=3, random_state=1).fit(DIGITS.reshape(len(DIGITS), -1)).inertia_ / len(DIGITS)
    ours = within_cluster(DIGITS, anchors.centroids(DIGITS, 40, seed=0))
    assert patient * 0.999 < ours < patient * 1.1
    assert within_cluster(DIGITS, anchors.training_images(DIGITS, 40, seed=0)) > 1.3 * ours


def test_equal_images_are_no_trouble():
    images = np.repeat(np.array([[0.0], [1.0]]), 20, axis=0)
    assert set(anchors.centroids(images, 8, seed=0).ravel().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("k", [0, 6])
def test_centroids_tell_what_they_expect(k):
    with pytest.raises(ValueError, match=f"between 1 and 5 clusters.*found {k}"):
        anchors.centroids(np.zeros((5, 2)), k, seed=0)


def test_both_anchors_are_measured_as_a_generator_is():
    training, validation, test = DIGITS[:900], DIGITS[900:1100], DIGITS[1100:]
    found = anchors.evaluate(training, validation, test, n=10_000, seed=5)
    assert {name: anchor.num_samples for name, anchor in found.items()} == {"training_images": 900, "kmeans_centroids": 180}
    images, centroids = found["training_images"].parzen, found["kmeans_centroids"].parzen
    shuffled = RNG.permutation(training)  # all of them are taken: the order alone is left to the seed
    np.testing.assert_allclose(images, parzen.evaluate(shuffled, validation, test), rtol=1e-5)
    expected = parzen.evaluate(anchors.centroids(training, 180, seed=5), validation, test)
    np.testing.assert_allclose(centroids, expected, rtol=1e-5)


def test_as_many_centroids_as_images_beat_the_images():
    """Theis et al.'s observation, on real digits: the measure prefers blurred means to images that someone wrote."""
    training, validation, test = DIGITS[:1000], DIGITS[1000:1200], DIGITS[1200:]
    found = anchors.evaluate(training, validation, test, n=200, seed=0)
    images, centroids = found["training_images"], found["kmeans_centroids"]
    assert images.num_samples == centroids.num_samples == 200
    assert centroids.parzen.mean > images.parzen.mean + 5 * images.parzen.standard_error
