"""Runs of the one-dimensional game: both densities and D(x), as in the 2014 paper's figure 1, and their divergence."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jgan import plots
from jgan.data import toys
from jgan.training.evaluators import sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, animate, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState

SAMPLES = 20_000
"""number of generated points in a measure and in a picture"""

WIDTH = 6.0
"""margin of the picture around the outermost modes, in standard deviations"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of a run on a known one-dimensional density.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "divergence")
    return Evaluator("divergence", "divergence", False, measure, phrase, sheet, finish)


def density(run: Run, points: Any) -> np.ndarray:
    """The density of the data, a mixture of Gaussians, at points `[..., 1]`: `[...]` float64."""
    return toys.density_of(run.dataset.truth, points)


def _limits(run: Run) -> tuple[float, float]:
    truth = run.dataset.truth
    return float(truth.centres.min()) - WIDTH * truth.std, float(truth.centres.max()) + WIDTH * truth.std


def measure(run: Run, state: GANState) -> dict[str, float]:
    """The Jensen-Shannon divergence of the generated points from the density of the data.

    Both are histograms with 100 bins over the picture's limits; points beyond the limits fall into the outermost bins. The
    density of a bin is its value at the centre.

    Args:
      run: the run.
      state: the state whose (averaged) generator is measured.

    Returns:
      `divergence`, in nats, from 0 to log 2.
    """
    from scipy.special import rel_entr

    low, high = _limits(run)
    edges = np.linspace(low, high, 101)
    asked = sampling.inputs(run, keys(run.config.seed).evaluation, SAMPLES)
    points = np.asarray(run.gan.generate(state, asked), np.float64)[:, 0]
    generated = np.histogram(np.clip(np.nan_to_num(points, nan=low), low, high), edges)[0] / len(points)
    real = density(run, ((edges[1:] + edges[:-1]) / 2)[:, None]) * np.diff(edges)
    middle = (generated + real / real.sum()) / 2
    return {"divergence": float((rel_entr(generated, middle) + rel_entr(real / real.sum(), middle)).sum() / 2)}


def phrase(row: Mapping[str, float]) -> str:
    """The measure as text."""
    return f"Jensen-Shannon divergence {row['divergence']:.4f}"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """Figure 1 of the paper: the densities of data and generator, D(x), arrows from z to x.

    Args:
      run: the run.
      state: the state whose (averaged) generator is sampled.

    Returns:
      The picture, uint8 `[height, width, 3]`.
    """
    asked = sampling.inputs(run, keys(run.config.seed).evaluation, SAMPLES)
    logits, lines = run.gan.logits, np.ndim(asked.z) == 2 and np.shape(asked.z)[1] == 1
    return plots.density_sheet(
        np.asarray(run.gan.generate(state, asked)),
        functools.partial(density, run),
        limits=_limits(run),
        discriminator=None if logits is None else lambda x: jax.nn.sigmoid(logits(state, x.astype(np.float32))),
        latents=np.asarray(asked.z) if lines else None,
        title=f"step {run.step_of(state):,}",
    )


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """Measures the final divergence and writes the animation.

    Args:
      run: the run.
      state: the final state.

    Returns:
      The entries of `summary.json`, and a closing sentence.
    """
    found = measure(run, state)
    return found, f"{phrase(found)} nats; {animate(run)}"


EVALUATORS.register("density", evaluator)
