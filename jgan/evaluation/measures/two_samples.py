"""Classifiers as measures: the two-sample test C2ST (Lopez-Paz and Oquab, 2017), and CAS (Ravuri and Vinyals, 2019)."""

import dataclasses
from typing import Literal

from jgan.evaluation.measure import MEASURES, Context, Measure, NoOptions, Sides, equal_sizes, one
from jgan.metrics import two_sample

CLASSIFIERS = {
    "nearest_neighbours": two_sample.nearest_neighbours,
    "logistic": two_sample.logistic,
    "neural": two_sample.neural,
}


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of C2ST."""

    classifier: Literal["nearest_neighbours", "logistic", "neural"] = "nearest_neighbours"
    """classifier that tells real from generated features"""


def _c2st(sides: Sides, options: Options, context: Context) -> two_sample.C2ST:
    pair = equal_sizes(*sides.features())
    return two_sample.c2st(*pair, seed=context.seed, classifier=CLASSIFIERS[options.classifier])


def _cas(sides: Sides, options: NoOptions, context: Context) -> two_sample.CAS:
    real, fake = sides.features()
    assert sides.real.labels is not None
    assert sides.fake.labels is not None
    return two_sample.classifier_accuracy(real, sides.real.labels, fake, sides.fake.labels, seed=context.seed)


MEASURES.register(
    "c2st",
    Measure("features", _c2st, one("C2ST accuracy", "near 0.5", "accuracy"), "accuracy of a real-fake classifier", Options),
)
MEASURES.register(
    "cas",
    Measure("labels", _cas, one("CAS", "higher", "accuracy"), "accuracy on real images of a classifier trained on the samples"),
)
