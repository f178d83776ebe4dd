"""The Inception Score (Salimans et al., 2016)."""

import numpy as np

from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, one
from jgan.metrics import inception_score


def _compute(sides: Sides, options: Options) -> inception_score.InceptionScore:
    assert sides.fake_features is not None
    return inception_score.evaluate(np.asarray(sides.fake_features.logits))


MEASURES.register(
    "is",
    Measure(
        "logits", _compute, one("Inception Score", "higher", "mean", "std"), "confidence and variety of the predicted classes"
    ),
)
