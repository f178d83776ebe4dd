"""Runs of the one-dimensional game: both densities and D(x), as in the 2014 paper's figure 1, and their divergence."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jgan import plots
from jgan.data import toys
from jgan.training.evaluators.evaluator import Evaluator, animate
from jgan.training.run import Run, keys
from jgan.types import GANState

SAMPLES = 20_000
"""generated points of a measure and of a picture"""

WIDTH = 6.0
"""the picture goes so many standard deviations of the data to each side"""


def _limits(name: str) -> tuple[float, float]:
    centre, std = float(toys.centres(name)[0, 0]), toys.std(name)
    return centre - WIDTH * std, centre + WIDTH * std


def measure(run: Run, state: GANState) -> dict[str, float]:
    """The Jensen-Shannon divergence of the generated points from the density of the data.

    Both as histograms of 100 bins over the picture's limits and beyond; the density by its values at the bins' middles.

    Args:
      run: the run.
      state: the state whose (averaged) generator is measured.

    Returns:
      `divergence`, in nats, from 0 to log 2.
    """
    from scipy.special import rel_entr

    name, (low, high) = run.config.dataset, _limits(run.config.dataset)
    edges = np.linspace(low, high, 101)
    points = np.asarray(run.gan.sample(keys(run.config.seed).evaluation, state, SAMPLES), np.float64)[:, 0]
    generated = np.histogram(np.clip(np.nan_to_num(points, nan=low), low, high), edges)[0] / len(points)
    real = toys.density(name, ((edges[1:] + edges[:-1]) / 2)[:, None]) * np.diff(edges)
    middle = (generated + real / real.sum()) / 2
    return {"divergence": float((rel_entr(generated, middle) + rel_entr(real / real.sum(), middle)).sum() / 2)}


def phrase(row: Mapping[str, float]) -> str:
    """The measure in words.

    Args:
      row: a line of `metrics.jsonl`.

    Returns:
      The words.
    """
    return f"Jensen-Shannon divergence {row['divergence']:.4f}"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """Figure 1 of the paper: the densities of data and generator, D(x), arrows from z to x.

    Args:
      run: the run.
      state: the state whose (averaged) generator draws.

    Returns:
      The picture, uint8 `[height, width, 3]`.
    """
    z = run.gan.latents(keys(run.config.seed).evaluation, SAMPLES)
    judge = run.gan.judge
    return plots.density_sheet(
        np.asarray(run.gan.generate(state, z)),
        functools.partial(toys.density, run.config.dataset),
        limits=_limits(run.config.dataset),
        discriminator=None if judge is None else lambda x: jax.nn.sigmoid(judge(state, x.astype(np.float32))),
        latents=np.asarray(z) if z.shape[1] == 1 else None,
        title=f"step {int(state.step):,}",
    )


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """The last divergence, and the animation.

    Args:
      run: the run.
      state: its final state.

    Returns:
      For `summary.json`, and the last word.
    """
    found = measure(run, state)
    return found, f"{phrase(found)} nats; {animate(run)}"


EVALUATOR = Evaluator("divergence", False, measure, phrase, sheet, finish, balance={})
