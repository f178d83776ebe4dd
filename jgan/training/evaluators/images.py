"""Evaluator of image runs: a grid of samples, the chosen measure, the collapse monitor, the 2014 paper's figures."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jgan import plots
from jgan.data import lazy
from jgan.evaluation import class_monitor, monitor
from jgan.evaluation.criteria import CRITERIA, VALIDATION_IMAGES, RealImages, unit
from jgan.features import choice
from jgan.metrics import blocks, parzen
from jgan.training import journal
from jgan.training.evaluators import sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.run import Run, keys
from jgan.types import GANState, Inputs

__all__ = ["at_data_size", "evaluator", "real_images", "samples_of", "sheet", "unit"]

GRID = 64
"""images in a picture of samples"""

ROW = 10
"""images per class in a picture of samples, for models conditioned on labels"""

MOST_CLASSES = 20
"""maximum number of classes in such a picture"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of a run of images.

    Args:
      run: the run; its `metric` selects the best checkpoint.

    Returns:
      The `Evaluator`. It computes the statistics of the data (features, bins) at the first measurement and keeps them.

    Raises:
      ValueError: if the metric, the extractor or its weights do not fit the images.
    """
    name = "log_likelihood" if run.config.metric == "auto" else run.config.metric
    extractor = choice.choose(run.config.extractor, run.spec.shape, run.config.weights)
    real = real_images(run)
    criterion = CRITERIA[name](real, extractor)

    @functools.cache
    def watch() -> monitor.Monitor:
        return monitor.make(real.part("train", 10 * monitor.SAMPLES))

    @functools.cache
    def watch_classes() -> dict[int, np.ndarray]:
        images = real.part("train", 10 * monitor.SAMPLES)
        labels = run.dataset.train.y[lazy.some(run.dataset.train.x, 10 * monitor.SAMPLES)]
        return class_monitor.make(images, labels)

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        asked = sampling.inputs(run, keys(run.config.seed).evaluation, run.config.eval_samples)
        samples, step = at_data_size(run, state, asked), run.step_of(state)
        signs = monitor.look(watch(), samples[: monitor.SAMPLES])
        found: dict[str, Any] = {criterion.column: criterion.of(samples), **signs._asdict()}
        warnings = [monitor.warning(signs, _earlier(run, step, "coverage"), step)]
        if sampling.classes(run.gan):
            within = class_monitor.look(watch_classes(), samples, asked.c)
            found |= class_monitor.row(within)
            warnings.append(class_monitor.warning(within, _earlier(run, step, "coverage_by_class"), step))
        return found | ({"warning": "; ".join(filter(None, warnings))} if any(warnings) else {})

    def phrase(row: Mapping[str, Any]) -> str:
        return f"{criterion.phrase} {row[criterion.column]:.4g}" + (f", {row['warning']}" if "warning" in row else "")

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        return finished(run, state, real)

    return Evaluator("parzen", criterion.column, criterion.larger, measure, phrase, sheet, finish)


def real_images(run: Run) -> RealImages:
    """The data of a run, preprocessed by the model's `real_view` and loaded on first use."""
    return RealImages(lambda: run.dataset, run.model.real_view(run.config.model))


def samples_of(run: Run, state: GANState, n: int) -> np.ndarray:
    """Samples for a measure, at the resolution of the data, with labels in the proportions of the training set.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      n: the number of samples.

    Returns:
      `[n, height, width, channels]` float32 in [0, 1].
    """
    return at_data_size(run, state, sampling.inputs(run, keys(run.config.seed).evaluation, n))


def at_data_size(run: Run, state: GANState, inputs: Inputs, *, ema: bool = True) -> np.ndarray:
    """Samples of given inputs, at the resolution of the data.

    A phase of a growing model makes images of another resolution: they are resized, bilinearly, before they are compared.

    Args:
      run: the run in the phase of the state.
      state: the state whose generator is used.
      inputs: `n` of them.
      ema: whether to use the averaged weights, where the model keeps them.

    Returns:
      `[n, height, width, channels]` float32 in [0, 1].
    """
    samples = sampling.draw(run.gan, state, inputs, ema=ema)
    shape = (len(samples), *run.spec.shape)
    if samples.shape == shape:
        return samples
    return np.clip(np.asarray(jax.image.resize(samples, shape, "bilinear")), 0, 1)


BLOCK = 500
"""images examined at once"""


def in_blocks(of: Callable[[int, np.ndarray], Any], x: np.ndarray) -> np.ndarray:
    """What a function finds for images, computed in blocks of `BLOCK`.

    Args:
      of: `of(first, block) -> [B, ...]`, of the index of the block's first image and of its images in [0, 1].
      x: `[N, height, width, channels]`, uint8, or float in [0, 1].

    Returns:
      `[N, ...]`.

    Example:
      >>> import numpy as np
      >>> from jgan.training.evaluators import images
      >>> x = np.full((3, 8, 8, 1), 255, np.uint8)
      >>> images.in_blocks(lambda first, block: block.mean(axis=(1, 2, 3)), x).tolist()
      [1.0, 1.0, 1.0]
    """
    return np.concatenate([np.asarray(of(at.start, unit(x[at]))) for at in blocks.cut(len(x), BLOCK)])


def _earlier(run: Run, step: int, name: str) -> list[Any]:
    """A value of the earlier measurements in the same phase."""
    rows = [row for row in journal.rows(run.workdir) if row.get("phase", "") == run.phase_name]
    return [row[name] for row in rows if name in row and row["step"] < step]


def sheet(run: Run, state: GANState) -> np.ndarray:
    """A grid of samples from the run's fixed latents; for a model conditioned on labels, one row per class.

    Args:
      run: the run.
      state: the state whose (averaged) generator is sampled.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    key, size = keys(run.config.seed).samples, sampling.classes(run.gan)
    if size:
        asked = sampling.class_rows(run.gan, key, range(min(size, MOST_CLASSES)), ROW)
        return plots.grid(sampling.draw(run.gan, state, asked), columns=ROW)
    return plots.grid(sampling.draw(run.gan, state, sampling.inputs(run, key, GRID)))


def finished(run: Run, state: GANState, real: RealImages) -> tuple[dict[str, Any], str]:
    """Measures the test log-likelihood and draws the 2014 paper's figures 2 (`nearest.png`) and 3 (`interpolation.png`).

    Args:
      run: the run.
      state: the final state.
      real: the real images.

    Returns:
      The entries of `summary.json`, and a closing sentence.
    """
    samples = samples_of(run, state, run.config.eval_samples)
    result = parzen.evaluate(samples, real.part("validation", VALIDATION_IMAGES), real.part("test"))
    plots.save_png(run.workdir / "nearest.png", plots.nearest_sheet(samples[:20], real.part("train")))
    drawn = interpolation(run, state, keys(run.config.seed).samples)
    if drawn is not None:
        plots.save_png(run.workdir / "interpolation.png", drawn)
    sentence = (
        f"test log-likelihood: {result.mean:.1f} +- {result.standard_error:.1f} nats (Parzen window, sigma {result.sigma:.3f}, "
        f"{len(samples):,} samples); other measures: python -m jgan.evaluate --workdir {run.workdir}"
    )
    return {"log_likelihood": result._asdict()}, sentence


def interpolation(run: Run, state: GANState, key: jax.Array, *, rows: int = 8, columns: int = 10) -> np.ndarray | None:
    """Draws the paper's figure 3; all images of a row have the condition of its first image.

    Args:
      run: the run.
      state: the state whose (averaged) generator is sampled.
      key: the key of the latents at the ends of the rows.
      rows: the number of rows.
      columns: the number of images per row.

    Returns:
      The picture, uint8 `[height, width, channels]`; None for a generator whose latents are not single vectors.
    """
    ends = sampling.inputs(run, key, 2 * rows)
    if not hasattr(ends.z, "ndim") or ends.z.ndim != 2:
        return None
    condition = jax.tree.map(lambda leaf: leaf[:rows].repeat(columns, axis=0), ends.c)
    return plots.interpolation_sheet(
        lambda z: run.gan.generate(state, ends._replace(z=z, c=condition)), ends.z[:rows], ends.z[rows:], steps=columns
    )


EVALUATORS.register("images", evaluator)
