"""Runs that make points of a mixture: the modes that they cover, counted and drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jgan import plots
from jgan.data import toys
from jgan.metrics.modes import mode_coverage
from jgan.training.evaluators.evaluator import Evaluator, animate
from jgan.training.run import Run, keys
from jgan.types import GANState

SAMPLES = 2_500
"""generated points of a measure and of a picture: the literature's number"""


def _points(run: Run, state: GANState) -> np.ndarray:
    return np.asarray(run.gan.sample(keys(run.config.seed).evaluation, state, SAMPLES))


def measure(run: Run, state: GANState) -> dict[str, float]:
    """Counts the modes.

    Args:
      run: the run, of one of the mixtures of `jgan.data.toys`.
      state: the state whose (averaged) generator is measured.

    Returns:
      `modes`, the number of covered modes; `high_quality`, the share of samples within three standard deviations of one;
      `coverage`, the product of the two as shares, by which the best checkpoint is kept.
    """
    name = run.config.dataset
    found = mode_coverage(_points(run, state), toys.centres(name), toys.std(name))
    modes, high_quality = int(found.modes), float(found.high_quality)
    return {"modes": modes, "high_quality": high_quality, "coverage": modes / len(toys.centres(name)) * high_quality}


def phrase(row: Mapping[str, float]) -> str:
    """The measure in words.

    Args:
      row: a line of `metrics.jsonl`.

    Returns:
      The words.
    """
    return f"{row['modes']:.0f} modes, {row['high_quality']:.1%} of the samples in one"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """Generated points over real ones, the modes marked.

    Args:
      run: the run.
      state: the state whose (averaged) generator draws.

    Returns:
      The picture, uint8 `[height, width, 3]`.
    """
    name = run.config.dataset
    return plots.points_sheet(
        _points(run, state),
        run.dataset.test.x[:SAMPLES],
        centres=toys.centres(name),
        radius=3 * toys.std(name),
        title=f"step {int(state.step):,}",
    )


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """The last count, and the animation.

    Args:
      run: the run.
      state: its final state.

    Returns:
      For `summary.json`, and the last word.
    """
    found, total = measure(run, state), len(toys.centres(run.config.dataset))
    return {"mode_coverage": found}, f"{phrase(found)}, of {total} ({SAMPLES:,} samples); {animate(run, fps=4)}"


EVALUATOR = Evaluator("coverage", True, measure, phrase, sheet, finish, balance={})
