"""Runs that make images: a grid of samples, the Parzen-window log-likelihood, the 2014 paper's figures 2 and 3."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jgan import figures
from jgan.displays.display import Display
from jgan.metrics import parzen
from jgan.run import Run, keys
from jgan.types import GANState

GRID = 64
"""images in a picture of samples"""

VALIDATION_IMAGES = 1_000
PARZEN_SAMPLES = 10_000


def measure(run: Run, state: GANState) -> dict[str, float]:
    """The Parzen-window log-likelihood of the validation images, at the best width; always from the same latents.

    Args:
      run: the run.
      state: the state whose (averaged) generator is measured.

    Returns:
      `validation_log_likelihood`, nats an image.
    """
    samples = run.gan.sample(keys(run.config.seed).evaluation, state, PARZEN_SAMPLES)
    images = unit(run.dataset.validation.x[:VALIDATION_IMAGES])
    return {"validation_log_likelihood": float(parzen.log_likelihoods(images, samples, parzen.SIGMAS).mean(axis=1).max())}


def phrase(row: Mapping[str, float]) -> str:
    """The measure in words.

    Args:
      row: a line of `metrics.jsonl`.

    Returns:
      The words.
    """
    return f"validation log-likelihood {row['validation_log_likelihood']:.1f}"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """A grid of the run's fixed latents.

    Args:
      run: the run.
      state: the state whose (averaged) generator draws.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    return figures.grid(run.gan.sample(keys(run.config.seed).samples, state, GRID))


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """The test log-likelihood, and the paper's figures 2 (`nearest.png`) and 3 (`interpolation.png`).

    Args:
      run: the run.
      state: its final state.

    Returns:
      For `summary.json`, and the last word.
    """
    sample_keys = keys(run.config.seed)
    samples = run.gan.sample(sample_keys.evaluation, state, PARZEN_SAMPLES)
    test, validation = (unit(split.x) for split in (run.dataset.test, run.dataset.validation))
    result = parzen.evaluate(samples, validation[:VALIDATION_IMAGES], test)
    figures.save_png(run.workdir / "nearest.png", figures.nearest_sheet(samples[:20], run.dataset.train.x))
    figures.save_png(run.workdir / "interpolation.png", interpolation(run, state, sample_keys.samples))
    word = (
        f"test log-likelihood: {result.mean:.1f} +- {result.standard_error:.1f} nats (Parzen window, sigma {result.sigma:.3f}, "
        f"{PARZEN_SAMPLES:,} samples); beside training images and k-means: python -m jgan.evaluate --workdir {run.workdir}"
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
    return figures.interpolation_sheet(lambda z: run.gan.generate(state, z), ends[:rows], ends[rows:], steps=columns)


def unit(x: np.ndarray) -> np.ndarray:
    """Images as the steps see them.

    Args:
      x: uint8, or float in [0, 1], of any shape.

    Returns:
      float32 in [0, 1], of the same shape.
    """
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


DISPLAY = Display("validation_log_likelihood", True, measure, phrase, sheet, finish)
