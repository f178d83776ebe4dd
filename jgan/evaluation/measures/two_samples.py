"""Classifiers as measures: the two-sample test C2ST (Lopez-Paz and Oquab, 2017), and CAS (Ravuri and Vinyals, 2019)."""

from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, equal_sizes, one
from jgan.metrics import two_sample


def _c2st(sides: Sides, options: Options) -> two_sample.C2ST:
    return two_sample.c2st(*equal_sizes(*sides.features()), seed=options.seed)


def _cas(sides: Sides, options: Options) -> two_sample.CAS:
    real, fake = sides.features()
    assert sides.real.labels is not None
    assert sides.fake.labels is not None
    return two_sample.classifier_accuracy(real, sides.real.labels, fake, sides.fake.labels, seed=options.seed)


MEASURES.register(
    "c2st",
    Measure("features", _c2st, one("C2ST accuracy", "near 0.5", "accuracy"), "accuracy of a real-fake classifier"),
)
MEASURES.register(
    "cas",
    Measure("labels", _cas, one("CAS", "higher", "accuracy"), "accuracy on real images of a classifier trained on the samples"),
)
