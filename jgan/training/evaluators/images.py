"""Runs that make images: a grid of samples, the measure that was asked for, a watch for collapse, the 2014 paper's figures."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jgan import plots
from jgan.evaluation import monitor
from jgan.evaluation.criteria import CRITERIA, VALIDATION_IMAGES, unit
from jgan.features import choice
from jgan.metrics import parzen
from jgan.training.evaluators.evaluator import Evaluator
from jgan.training.run import Run, keys
from jgan.types import GANState

GRID = 64
"""images in a picture of samples"""

SAMPLES = 10_000
"""generated images of a measure"""


def display(run: Run) -> Evaluator:
    """How a run of images is judged and shown.

    Args:
      run: the run; its `metric` is what the best checkpoint is kept by.

    Returns:
      The `Evaluator`. What a measure needs of the data (features, cells) is made at the first one, and kept.
    """
    extractor = choice.choose(run.config.extractor, run.spec.image_shape, run.config.weights)
    criterion = CRITERIA[run.config.metric](run.dataset, extractor)

    @functools.cache
    def watch() -> monitor.Monitor:
        return monitor.make(unit(run.dataset.train.x[: 10 * monitor.SAMPLES]))

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        samples = np.asarray(run.gan.sample(keys(run.config.seed).evaluation, state, SAMPLES))
        signs = monitor.look(watch(), samples[: monitor.SAMPLES])
        found: dict[str, Any] = {criterion.column: criterion.of(samples), **signs._asdict()}
        warning = monitor.warning(signs, _coverages(run, int(state.step)))
        return found | ({"warning": warning} if warning else {})

    def phrase(row: Mapping[str, Any]) -> str:
        return f"{criterion.phrase} {row[criterion.column]:.4g}" + (f", {row['warning']}" if "warning" in row else "")

    return Evaluator(criterion.column, criterion.larger, measure, phrase, sheet, finish)


def _coverages(run: Run, step: int) -> list[float]:
    """Those of the earlier measures of a run, from its `metrics.jsonl`."""
    path = run.workdir / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [row["coverage"] for row in rows if "coverage" in row and row["step"] < step]


def sheet(run: Run, state: GANState) -> np.ndarray:
    """A grid of the run's fixed latents.

    Args:
      run: the run.
      state: the state whose (averaged) generator draws.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    return plots.grid(run.gan.sample(keys(run.config.seed).samples, state, GRID))


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """The test log-likelihood, and the paper's figures 2 (`nearest.png`) and 3 (`interpolation.png`).

    Args:
      run: the run.
      state: its final state.

    Returns:
      For `summary.json`, and the last word.
    """
    sample_keys = keys(run.config.seed)
    samples = run.gan.sample(sample_keys.evaluation, state, SAMPLES)
    test, validation = (unit(split.x) for split in (run.dataset.test, run.dataset.validation))
    result = parzen.evaluate(samples, validation[:VALIDATION_IMAGES], test)
    plots.save_png(run.workdir / "nearest.png", plots.nearest_sheet(samples[:20], run.dataset.train.x))
    plots.save_png(run.workdir / "interpolation.png", interpolation(run, state, sample_keys.samples))
    word = (
        f"test log-likelihood: {result.mean:.1f} +- {result.standard_error:.1f} nats (Parzen window, sigma {result.sigma:.3f}, "
        f"{SAMPLES:,} samples); beside training images and k-means: python -m jgan.evaluate --workdir {run.workdir}"
    )
    return {"log_likelihood": result._asdict()}, word


def interpolation(run: Run, state: GANState, key: jax.Array, *, rows: int = 8, columns: int = 10) -> np.ndarray:
    """The paper's figure 3, from a run's generator.

    Args:
      run: the run.
      state: the state whose (averaged) generator draws.
      key: the key of the latents at the ends of the lines.
      rows: lines.
      columns: images on each.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    ends = run.gan.latents(key, 2 * rows)
    return plots.interpolation_sheet(lambda z: run.gan.generate(state, z), ends[:rows], ends[rows:], steps=columns)
