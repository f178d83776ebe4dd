"""Evaluator of restorers whose first phases train a prior: pairs where the model restores, samples where it does not yet."""

from typing import Any

import numpy as np

from jgan.training.evaluators import images, pairs
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.run import Run
from jgan.types import GANState

_NOTHING = Evaluator(
    "translation",
    "error",
    False,
    measure=lambda run, state: {},
    phrase=pairs.phrase,
    sheet=images.sheet,
    finish=lambda run, state: ({}, ""),
    draws=False,
)


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator: that of pairs, except in the phases of an unconditional model, which have no measure.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    whole = run.at(run.config.steps)
    # A run that is too short to reach the phase that restores has nothing to measure.
    last = pairs.make()(whole) if whole.gan.condition != () else _NOTHING

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return last.measure(run, state) if run.gan.condition != () else {}

    def sheet(run: Run, state: GANState) -> np.ndarray:
        return last.sheet(run, state) if run.gan.condition != () else images.sheet(run, state)

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        if run.gan.condition != ():
            return last.finish(run, state)
        return {}, "the run ended before its second phase, which restores: give it more --steps"

    return last._replace(measure=measure, sheet=sheet, finish=finish)


EVALUATORS.register("restoration", evaluator)
