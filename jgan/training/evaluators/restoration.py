"""Evaluator of restorers whose first phases train a prior: pairs where the model restores, samples where it does not yet."""

from typing import Any

import numpy as np

from jgan.training.evaluators import images, pairs
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run
from jgan.types import GANState


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator: that of pairs, except in the phases of an unconditional model, which have no measure.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "translation")
    whole = run.at(run.config.steps)
    last = pairs.make()(whole) if whole.gan.condition != () else None  # None if the steps end before the phase that restores

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return last.measure(run, state) if last and run.gan.condition != () else {}

    def sheet(run: Run, state: GANState) -> np.ndarray:
        return last.sheet(run, state) if last and run.gan.condition != () else images.sheet(run, state)

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        if last and run.gan.condition != ():
            return last.finish(run, state)
        return {}, "the run ended before its second phase, which restores: give it more --steps"

    return Evaluator("translation", "error", False, measure, pairs.phrase, sheet, finish, draws=False)


EVALUATORS.register("restoration", evaluator)
