"""The Inception Score (Salimans et al., 2016)."""

import dataclasses

import numpy as np

from jgan.evaluation.measure import MEASURES, Context, Measure, Sides, one
from jgan.metrics import inception_score
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of the Inception Score."""

    splits: int = 10
    """number of parts, over which the mean and the deviation are taken"""
    shuffle: bool = False
    """whether to shuffle the samples before, by --seed (torch-fidelity: with 2020)"""

    def __post_init__(self) -> None:
        whole("splits", self.splits, 1)


def _compute(sides: Sides, options: Options, context: Context) -> inception_score.InceptionScore:
    assert sides.fake_features is not None
    logits = np.asarray(sides.fake_features.logits)
    return inception_score.evaluate(logits, splits=options.splits, seed=context.seed if options.shuffle else None)


MEASURES.register(
    "is",
    Measure(
        "logits",
        _compute,
        one("Inception Score", "higher", "mean", "std"),
        "confidence and variety of the predicted classes",
        Options,
    ),
)
