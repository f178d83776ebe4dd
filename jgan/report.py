"""What a run shows: its plan, its progress, its pictures, its last word. Files and prints for the commands, no arithmetic."""

import json
import math
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan import figures, models
from jgan.files import replacing
from jgan.metrics import parzen
from jgan.run import Run, RunConfig, environment, keys, write_json
from jgan.types import GANState

GRID = 64
"""images in a picture of samples"""

VALIDATION_IMAGES = 1_000
PARZEN_SAMPLES = 10_000


def plan(run: Run) -> str:
    """What a run would do, for `--dry-run`.

    Args:
      run: the run.

    Returns:
      Lines: every option, the data, the parameters of both players, the bytes of state and data.
    """
    config, state = run.config, run.template()
    fields = {name: value for name, value in vars(config).items() if name not in ("model", "dry_run", "resume")}
    lines = [f"{name:<18} {value}" for name, value in (fields | {"workdir": run.workdir}).items()]
    lines += [f"model.{name:<12} {value}" for name, value in models.to_dict(config.model).items()]
    counts = {"generator": state.generator.params, "discriminator": state.discriminator.params}
    lines += [f"{name:<18} {_count(params):,} parameters" for name, params in counts.items()]
    x = run.dataset.train.x
    lines += [
        f"{'images':<18} {len(x):,} of {' x '.join(map(str, x.shape[1:]))}, {run.spec.steps_per_epoch} steps an epoch",
        f"{'epochs':<18} {config.steps / run.spec.steps_per_epoch:.1f}",
        f"{'memory':<18} {_bytes(state) / 2**20:.1f} MiB of state, {x.nbytes / 2**20:.1f} MiB of data on each device",
    ]
    return "\n".join(lines)


def headline(run: Run) -> str:
    """One line on what is about to run.

    Args:
      run: the run.

    Returns:
      The line.
    """
    config = run.config
    return (
        f"{config.preset}: {models.presets()[config.preset].description}\n"
        f"{len(run.dataset.train.x):,} images, {config.steps:,} steps of {config.batch_size}, in {run.workdir}"
    )


def progress(config: RunConfig, step: int) -> Any:
    """The progress bar, a context manager: silent where stderr is not a terminal.

    Args:
      config: the configuration of the run.
      step: the step from which it goes on.

    Returns:
      A `tqdm` bar.
    """
    from tqdm import tqdm

    return tqdm(
        total=config.steps, initial=step, unit="step", disable=None, dynamic_ncols=True, smoothing=0.05, bar_format=_BAR
    )


_BAR = "{percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}] {postfix}"


def show(bar: Any, row: dict[str, float]) -> None:
    """Brings the bar to a line of metrics: both losses, the discriminator's accuracies, the rate.

    Where there is no terminal, the lines with a measure are printed instead.

    Args:
      bar: the bar.
      row: a line of `metrics.jsonl`.
    """
    parts = [f"{short} {row[name]:.3f}" for name, short in (("d_loss", "D"), ("g_loss", "G")) if name in row]
    names = (("d_real_accuracy", "real"), ("d_fake_accuracy", "fake"))
    parts += [f"{short} {row[name]:.0%}" for name, short in names if name in row]
    parts.append(f"{row['images_per_second']:,.0f} img/s")
    if bar.disable and "validation_log_likelihood" in row:
        likelihood = f"validation log-likelihood {row['validation_log_likelihood']:.1f}"
        print(f"step {row['step']:,}: {', '.join([*parts, likelihood])}", flush=True)
        return
    bar.set_postfix_str(", ".join(parts), refresh=False)
    bar.update(int(row["step"]) - bar.n)


def validation_score(run: Run, state: GANState) -> float:
    """The Parzen-window log-likelihood of the validation images, by which the best checkpoint is chosen.

    Args:
      run: the run.
      state: the state whose (averaged) generator is measured.

    Returns:
      Nats an image, at the best width; always from the same latents.
    """
    samples = run.gan.sample(keys(run.config.seed).evaluation, state, PARZEN_SAMPLES)
    images = unit(run.dataset.validation.x[:VALIDATION_IMAGES])
    return float(parzen.log_likelihoods(images, samples, parzen.SIGMAS).mean(axis=1).max())


def write_samples(run: Run, state: GANState, step: int) -> Path:
    """Draws the run's fixed latents into `samples/step_XXXXXXXX.png`.

    Args:
      run: the run.
      state: the state whose (averaged) generator draws.
      step: the number of the step.

    Returns:
      The picture's path.
    """
    path = run.workdir / "samples" / f"step_{step:08d}.png"
    figures.save_png(path, figures.grid(run.gan.sample(keys(run.config.seed).samples, state, GRID)))
    return path


def finish(run: Run, state: GANState) -> None:
    """The end of a run: the test log-likelihood, the paper's figures 2 and 3, the curves, `summary.json`, a last word.

    Args:
      run: the run.
      state: its final state.
    """
    sample_keys = keys(run.config.seed)
    samples = run.gan.sample(sample_keys.evaluation, state, PARZEN_SAMPLES)
    test, validation = (unit(split.x) for split in (run.dataset.test, run.dataset.validation))
    result = parzen.evaluate(samples, validation[:VALIDATION_IMAGES], test)
    final = write_samples(run, state, run.config.steps)
    figures.save_png(run.workdir / "nearest.png", figures.nearest_sheet(samples[:20], run.dataset.train.x))
    figures.save_png(run.workdir / "interpolation.png", interpolation(run, state, sample_keys.samples))
    rows = [json.loads(line) for line in (run.workdir / "metrics.jsonl").read_text().splitlines()]
    with replacing(run.workdir / "curves.png") as temporary:
        figures.curves(rows).savefig(temporary, format="png")
    summary = {
        "preset": run.config.preset,
        "steps": run.config.steps,
        "log_likelihood": result._asdict(),
        "last": rows[-1],
        "best": max((row for row in rows if "validation_log_likelihood" in row), key=_score, default=None),
        "environment": environment(),
    }
    write_json(run.workdir / "summary.json", summary)
    print(f"samples: {final}")
    print(
        f"test log-likelihood: {result.mean:.1f} +- {result.standard_error:.1f} nats (Parzen window, sigma {result.sigma:.3f}, "
        f"{PARZEN_SAMPLES:,} samples); beside training images and k-means: python -m jgan.evaluate --workdir {run.workdir}"
    )


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


def _score(row: dict[str, float]) -> float:
    return row["validation_log_likelihood"]


def unit(x: np.ndarray) -> np.ndarray:
    """Images as the steps see them.

    Args:
      x: uint8, or float in [0, 1], of any shape.

    Returns:
      float32 in [0, 1], of the same shape.
    """
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


def _count(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
