"""What a classifier, trained anew, makes of generated features: can it tell them from real ones, and can it learn from them?"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jgan.metrics import blocks
from jgan.metrics.parzen import Images

Classifier = Any
"""a classifier with scikit-learn's `fit(x, y)` and `predict(x)`"""


class C2ST(NamedTuple):
    """A classifier two-sample test.

    Attributes:
      accuracy: on held-out samples, from 0 to 1; about 1/2 if real and generated samples cannot be told apart.
      p_value: how likely an accuracy as high or higher is if they are alike.
      held_out: the number of held-out samples, half of them real.
      classifier: its name.
      seed: of the draw, and of the classifier if it takes one.
    """

    accuracy: float
    p_value: float
    held_out: int
    classifier: str
    seed: int


class CAS(NamedTuple):
    """A classification accuracy score.

    Attributes:
      accuracy: on real samples, from 0 to 1.
      by_class: the same for each class of the real samples, in the order of `classes`.
      classes: `[K]`, the labels.
      classifier: its name.
      seed: of the classifier, if it takes one.
    """

    accuracy: float
    by_class: np.ndarray
    classes: np.ndarray
    classifier: str
    seed: int


def nearest_neighbours(samples: int, seed: int) -> Classifier:
    """The vote of the k nearest, k being the root of the number of samples, as the authors of C2ST take it.

    Args:
      samples: how many it is trained on.
      seed: unused.

    Returns:
      The classifier.
    """
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(max(1, int(np.sqrt(samples))))


def logistic(samples: int, seed: int) -> Classifier:
    """Logistic regression on standardised features, with scikit-learn's penalty.

    Args:
      samples: unused.
      seed: unused.

    Returns:
      The classifier.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def neural(samples: int, seed: int) -> Classifier:
    """One hidden layer of 20 rectified units, 100 epochs of Adam, as the authors of C2ST take it; on standardised features.

    Args:
      samples: unused.
      seed: of its weights and its minibatches.

    Returns:
      The classifier.
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((20,), max_iter=100, n_iter_no_change=100, random_state=seed)
    return make_pipeline(StandardScaler(), network)


def c2st(
    real: Images, fake: Images, *, seed: int = 0, classifier: Callable[[int, int], Classifier] = nearest_neighbours
) -> C2ST:
    """The classifier two-sample test: a classifier learns to tell real from generated on one half, and is tried on the other.

    As many of each are drawn as the smaller set has. If they are alike, the number of those told right is binomial with
    probability 1/2, and the p value is that of its upper tail.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated ones.
      seed: chooses the halves, and goes to the classifier.
      classifier: makes one of the number of samples it will be trained on and the seed: `nearest_neighbours`, `logistic`,
        `neural`, or one of your own.

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

    real = blocks.floats("real", real, 4)
    fake = blocks.floats("fake", fake, 4, real)
    generator, n = np.random.default_rng(seed), min(len(real), len(fake))
    half = n // 2
    drawn = [points[generator.permutation(len(points))[:n]] for points in (real, fake)]
    learnt, tried = (np.concatenate([points[part] for points in drawn]) for part in (slice(half), slice(half, n)))
    model = classifier(2 * half, seed)
    _fit(model, learnt, np.repeat([0, 1], half))
    right = int((model.predict(tried) == np.repeat([0, 1], n - half)).sum())
    return C2ST(right / len(tried), float(binom.sf(right - 1, len(tried), 0.5)), len(tried), _name(classifier), seed)


def classifier_accuracy(
    real: Images,
    real_labels: np.ndarray,
    fake: Images,
    fake_labels: np.ndarray,
    *,
    seed: int = 0,
    classifier: Callable[[int, int], Classifier] = logistic,
) -> CAS:
    """The classification accuracy score: a classifier that has seen only generated samples, tried on real ones.

    A conditional generator that loses part of a class is told by that class's accuracy. To be read beside the score of real
    training samples in the place of the generated.

    Args:
      real: `[N, d]` float, features of real samples.
      real_labels: `[N]` int, their classes.
      fake: `[M, d]` float, features of generated ones.
      fake_labels: `[M]` int, the classes they were generated for; at least two.
      seed: goes to the classifier.
      classifier: makes one of the number of samples it will be trained on and the seed.

    Returns:
      The `CAS`.

    Raises:
      ValueError: if there is not one label a sample, or fewer than two classes of generated ones; dimensions differ, or a
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
    real = blocks.floats("real", real, 1)
    fake = blocks.floats("fake", fake, 2, real)
    for name, points, labels in (("real", real, real_labels), ("fake", fake, fake_labels)):
        if np.shape(labels) != (len(points),):
            raise ValueError(
                f"{name}_labels: expected {len(points):,} labels, one a sample, found the shape {np.shape(labels)}"
            )
    if len(np.unique(fake_labels)) < 2:
        raise ValueError(f"fake_labels: expected at least two classes, found {np.unique(fake_labels).tolist()}")
    model = classifier(len(fake), seed)
    _fit(model, fake, np.asarray(fake_labels))
    right, classes = model.predict(real) == np.asarray(real_labels), np.unique(real_labels)
    by_class = np.array([right[np.asarray(real_labels) == label].mean() for label in classes])
    return CAS(float(right.mean()), by_class, classes, _name(classifier), seed)


def _name(classifier: Callable[[int, int], Classifier]) -> str:
    return getattr(classifier, "__name__", type(classifier).__name__)


def _fit(model: Classifier, features: np.ndarray, labels: np.ndarray) -> None:
    """Trains it; that it was stopped before its loss settled is as its maker wanted."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
