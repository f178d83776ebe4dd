"""Metrics from a trained classifier: whether it tells generated from real features (C2ST), and learns from them (CAS)."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from jgan.metrics import blocks, checks
from jgan.utils.checks import seed as check_seed
from jgan.utils.shapes import AnyArray

Classifier = Any
"""A classifier with scikit-learn's `fit(x, y)` and `predict(x)`."""

HELD_OUT = 100
"""The number of held-out samples from which the standard error of an accuracy of one half is below 0.05."""

PER_CLASS = 10
"""The number of generated samples per class from which CAS is not mostly their noise."""


class C2ST(NamedTuple):
    """The result of a classifier two-sample test.

    Attributes:
      accuracy: the accuracy on held-out samples; about 1/2 if real and generated samples are indistinguishable.
      p_value: the probability of this accuracy or a higher one if both have the same distribution.
      held_out: the number of held-out samples, half of them real.
      classifier: the name of the classifier.
      seed: the seed of the split, and of the classifier if it has one.
      caution: why the accuracy says little, or "".
    """

    accuracy: float
    p_value: float
    held_out: int
    classifier: str
    seed: int
    caution: str = ""


class CAS(NamedTuple):
    """A classification accuracy score.

    Attributes:
      accuracy: the accuracy on real samples.
      by_class: the same for each class of the real samples, in the order of `classes`.
      classes: `[K]`, the labels.
      classifier: the name of the classifier.
      seed: the seed of the classifier, if it has one.
      caution: why the accuracy says little, or "".
    """

    accuracy: float
    by_class: Float64[np.ndarray, " k"]
    classes: Int[np.ndarray, " k"]
    classifier: str
    seed: int
    caution: str = ""


def nearest_neighbours(samples: int, seed: int) -> Classifier:
    """A k-nearest-neighbours classifier with k the square root of `samples`, as in C2ST.

    Args:
      samples: the number of training samples.
      seed: unused.

    Returns:
      The scikit-learn classifier.
    """
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(max(1, int(np.sqrt(samples))))


def logistic(samples: int, seed: int) -> Classifier:
    """Logistic regression on standardised features, with scikit-learn's default penalty.

    Args:
      samples: unused.
      seed: unused.

    Returns:
      The scikit-learn pipeline.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def neural(samples: int, seed: int) -> Classifier:
    """A network with one hidden layer of 20 ReLUs, 100 epochs of Adam, as in C2ST; on standardised features.

    Args:
      samples: unused.
      seed: the seed of the weights and the minibatches.

    Returns:
      The scikit-learn pipeline.
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((20,), max_iter=100, n_iter_no_change=100, random_state=seed)
    return make_pipeline(StandardScaler(), network)


def c2st(
    real: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    seed: int = 0,
    classifier: Callable[[int, int], Classifier] = nearest_neighbours,
) -> C2ST:
    """The classifier two-sample test: a classifier is trained on one half of real and generated samples, tested on the other.

    Equally many samples of each set are drawn, as many as the smaller set has. If both have the same distribution, the number
    of correct predictions is binomial with probability 1/2, and the p-value is its upper tail.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated samples.
      seed: the seed of the split and of the classifier.
      classifier: `(number of training samples, seed) -> classifier`: `nearest_neighbours`, `logistic`, `neural`, or your own.

    Returns:
      The `C2ST`.

    Raises:
      ValueError: if there are fewer than 4 samples in a set, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import two_sample
      >>> real, fake = np.random.default_rng(0).normal(size=(2, 200, 3))
      >>> two_sample.c2st(real, fake).p_value > 0.01 > two_sample.c2st(real, fake + 1).p_value
      True

    References:
      Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017), section 3, https://arxiv.org/abs/1610.06545
    """
    from scipy.stats import binom

    seed = check_seed(seed)
    real = blocks.floats("real", real, 4)
    fake = blocks.floats("fake", fake, 4, real)
    generator, n = np.random.default_rng(seed), min(len(real), len(fake))
    half = n // 2
    drawn = [points[generator.permutation(len(points))[:n]] for points in (real, fake)]
    learnt, tried = (np.concatenate([points[part] for points in drawn]) for part in (slice(half), slice(half, n)))
    model = classifier(2 * half, seed)
    _fit(model, learnt, np.repeat([0, 1], half))
    right = int((model.predict(tried) == np.repeat([0, 1], n - half)).sum())
    why = f"the accuracy has a standard error of {0.5 / np.sqrt(len(tried)):.2f}"
    caution = checks.few("held-out samples", len(tried), HELD_OUT, why)
    p_value = float(binom.sf(right - 1, len(tried), 0.5))
    return C2ST(right / len(tried), p_value, len(tried), _name(classifier), seed, caution)


def classifier_accuracy(
    real: Float[AnyArray, "n d"],
    real_labels: Int[np.ndarray, " n"],
    fake: Float[AnyArray, "m d"],
    fake_labels: Int[np.ndarray, " m"],
    *,
    seed: int = 0,
    classifier: Callable[[int, int], Classifier] = logistic,
) -> CAS:
    """The classification accuracy score (CAS): the accuracy on real samples of a classifier trained on generated ones.

    A low accuracy of one class shows that a conditional generator lacks part of that class. Compare it with the score of a
    classifier trained on real samples.

    Args:
      real: `[N, d]` float, features of real samples.
      real_labels: `[N]` int, their classes.
      fake: `[M, d]` float, features of generated samples.
      fake_labels: `[M]` int, the classes they were generated for; at least two.
      seed: the seed of the classifier.
      classifier: `(number of training samples, seed) -> classifier`.

    Returns:
      The `CAS`.

    Raises:
      ValueError: if there is not one label per sample, or fewer than two classes of generated samples; dimensions differ, or a
        feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import two_sample
      >>> labels = np.arange(60) % 3
      >>> points = np.eye(3)[labels] + 0.1 * np.random.default_rng(0).normal(size=(60, 3))
      >>> two_sample.classifier_accuracy(points, labels, points[labels < 2], labels[labels < 2]).by_class.tolist()
      [1.0, 1.0, 0.0]

    References:
      Ravuri and Vinyals, "Classification accuracy score for conditional generative models" (2019),
      https://arxiv.org/abs/1905.10887, where the classifier is a ResNet on images.
    """
    seed = check_seed(seed)
    real = blocks.floats("real", real, 1)
    fake = blocks.floats("fake", fake, 2, real)
    for name, points, labels in (("real", real, real_labels), ("fake", fake, fake_labels)):
        if np.shape(labels) != (len(points),) or np.asarray(labels).dtype.kind not in "iu":
            raise ValueError(
                f"{name}_labels: expected {len(points):,} integer labels, one per sample, found {np.asarray(labels).dtype} of "
                f"the shape {np.shape(labels)}"
            )
    if len(np.unique(fake_labels)) < 2:
        raise ValueError(f"fake_labels: expected at least two classes, found {np.unique(fake_labels).tolist()}")
    model = classifier(len(fake), seed)
    _fit(model, fake, np.asarray(fake_labels))
    right, classes = model.predict(real) == np.asarray(real_labels), np.unique(real_labels)
    by_class = np.array([right[np.asarray(real_labels) == label].mean() for label in classes])
    absent = [label for label in classes.tolist() if label not in np.unique(fake_labels)]
    scarce = min(int((np.asarray(fake_labels) == label).sum()) for label in np.unique(fake_labels))
    caution = checks.joined(
        checks.few("generated samples of the rarest class", scarce, PER_CLASS, "the classifier learns little of it"),
        f"no generated samples of {len(absent)} of {len(classes)} classes" if absent else "",
    )
    return CAS(float(right.mean()), by_class, classes, _name(classifier), seed, caution)


def _name(classifier: Callable[[int, int], Classifier]) -> str:
    return getattr(classifier, "__name__", type(classifier).__name__)


def _fit(model: Classifier, features: np.ndarray, labels: np.ndarray) -> None:
    """Trains the classifier; warnings that it stopped before convergence are ignored, as the epochs are fixed by design."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
