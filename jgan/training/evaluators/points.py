"""Evaluator of runs on points: counts and draws the covered modes if the data are a known mixture.

For other points it measures the covered share of the test points.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jgan import plots
from jgan.metrics.modes import mode_coverage
from jgan.metrics.prdc import prdc
from jgan.training.evaluators import sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, animate, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState

SAMPLES = 2_500
"""number of generated points in a measure and in a picture, as in the literature"""

NEIGHBOURS = 1_000
"""number of real and of generated points when coverage is measured by nearest neighbours"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of a run on points.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "modes")
    return Evaluator("modes", "coverage", True, measure, phrase, sheet, finish)


def mixture(run: Run) -> Any:
    """The known mixture of Gaussians of the data, with `centres` and `std`; None for other data."""
    return run.dataset.truth if hasattr(run.dataset.truth, "centres") else None


def _points(run: Run, state: GANState) -> np.ndarray:
    return sampling.draw(run.gan, state, sampling.inputs(run, keys(run.config.seed).evaluation, SAMPLES))


def measure(run: Run, state: GANState) -> dict[str, float]:
    """Counts the covered modes of a known mixture, or measures the covered share of the test points for other data.

    Args:
      run: the run.
      state: the state whose (averaged) generator is measured.

    Returns:
      For a mixture: `modes`, the number of covered modes, `high_quality`, the share of samples within three standard deviations
      of a mode, and `coverage`, the product of the two as shares. Otherwise `coverage` (Naeem et al., 2020) and `precision`.
      `coverage` selects the best checkpoint.
    """
    truth, points = mixture(run), _points(run, state)
    if truth is None:
        found = prdc(run.dataset.test.x[:NEIGHBOURS].astype(np.float32), points[:NEIGHBOURS], k=5)
        return {"coverage": found.coverage, "precision": found.precision}
    counted = mode_coverage(points, truth.centres, truth.std)
    modes, high_quality = int(counted.modes), float(counted.high_quality)
    return {"modes": modes, "high_quality": high_quality, "coverage": modes / len(truth.centres) * high_quality}


def phrase(row: Mapping[str, float]) -> str:
    """The measure as text."""
    if "modes" in row:
        return f"{row['modes']:.0f} modes, {row['high_quality']:.1%} of the samples in a mode"
    return f"coverage {row['coverage']:.1%}, precision {row['precision']:.1%}"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """Draws generated points over real ones in their first two coordinates; known modes are marked.

    Args:
      run: the run.
      state: the state whose (averaged) generator is sampled.

    Returns:
      The picture, uint8 `[height, width, 3]`.
    """
    truth = mixture(run)
    planar = truth is not None and np.shape(truth.centres)[1] == 2
    modes = {"centres": truth.centres, "radius": 3 * truth.std} if planar else {}
    real = run.dataset.test.x[:SAMPLES]
    return plots.points_sheet(_plane(_points(run, state)), _plane(real), title=f"step {run.step_of(state):,}", **modes)


def _plane(points: np.ndarray) -> np.ndarray:
    """The first two coordinates; the second is 0 if there is only one."""
    return np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1]))))[:, :2]


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """Makes the final measurement and writes the animation.

    Args:
      run: the run.
      state: the final state.

    Returns:
      The entries of `summary.json`, and a closing sentence.
    """
    found, truth = measure(run, state), mixture(run)
    total = "" if truth is None else f", of {len(truth.centres)}"
    return {"mode_coverage": found}, f"{phrase(found)}{total} ({SAMPLES:,} samples); {animate(run, fps=4)}"


EVALUATORS.register("points", evaluator)
