"""What a run shows: its plan, its progress, its pictures, its last word. Files and prints for the commands, no arithmetic."""

import json
import math
from pathlib import Path
from typing import Any

import jax

from jgan import models, plots
from jgan.training import evaluators
from jgan.training.run import Run, RunConfig, environment, write_json
from jgan.types import GANState
from jgan.utils.files import replacing


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


def show(bar: Any, row: dict[str, Any], display: evaluators.Evaluator) -> None:
    """Brings the bar to a line of metrics: both losses, the discriminator's accuracies, the rate.

    Where there is no terminal, the lines with a measure are printed instead.

    Args:
      bar: the bar.
      row: a line of `metrics.jsonl`.
      display: how the run is judged.
    """
    parts = [f"{short} {row[name]:.3f}" for name, short in (("d_loss", "D"), ("g_loss", "G")) if name in row]
    names = (("d_real_accuracy", "real"), ("d_fake_accuracy", "fake"))
    parts += [f"{short} {row[name]:.0%}" for name, short in names if name in row]
    parts.append(f"{row['images_per_second']:,.0f} img/s")
    if bar.disable and display.criterion in row:
        print(f"step {row['step']:,}: {', '.join([*parts, display.phrase(row)])}", flush=True)
        return
    if "warning" in row:
        parts.append(row["warning"])
    bar.set_postfix_str(", ".join(parts), refresh=False)
    bar.update(int(row["step"]) - bar.n)


def write_samples(run: Run, display: evaluators.Evaluator, state: GANState, step: int) -> Path:
    """Draws the run's picture into `samples/step_XXXXXXXX.png`.

    Args:
      run: the run.
      display: how it is shown.
      state: the state whose (averaged) generator draws.
      step: the number of the step.

    Returns:
      The picture's path.
    """
    path = run.workdir / "samples" / f"step_{step:08d}.png"
    plots.save_png(path, display.sheet(run, state))
    return path


def finish(run: Run, display: evaluators.Evaluator, state: GANState) -> None:
    """The end of a run: the pictures and measures of its display, the curves, `summary.json`, a last word.

    Args:
      run: the run.
      display: how it is judged and shown.
      state: its final state.
    """
    final = write_samples(run, display, state, run.config.steps)
    entries, word = display.finish(run, state)
    rows = [json.loads(line) for line in (run.workdir / "metrics.jsonl").read_text().splitlines()]
    with replacing(run.workdir / "curves.png") as temporary:
        plots.curves(rows, balance=display.balance).savefig(temporary, format="png")
    measured = [row for row in rows if display.criterion in row]
    summary = {
        "preset": run.config.preset,
        "steps": run.config.steps,
        **entries,
        "last": rows[-1],
        "best": max(measured, key=display.score, default=None),
        "environment": environment(),
    }
    write_json(run.workdir / "summary.json", summary)
    best, last = summary["best"], measured[-1]
    print(f"best: step {best['step']:,}, {display.phrase(best)}; last: step {last['step']:,}, {display.phrase(last)}")
    print(f"samples: {final}")
    print(word)


def _count(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
