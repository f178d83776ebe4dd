"""Output of a run: progress, pictures and summary, as files and printed text; no arithmetic."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jgan import models, plots
from jgan.finite import SKIPPED
from jgan.training import evaluators, feed, journal, outputs
from jgan.training.config import devices
from jgan.training.environment import device
from jgan.training.log import Log
from jgan.training.run import Run, RunConfig, environment, sizes_of, write_json
from jgan.types import GANState
from jgan.utils import text
from jgan.utils.files import replacing


def headline(run: Run) -> str:
    """Describes a run at its start, in three lines; others follow with the names of classes and with a note on the data.

    Args:
      run: the run.

    Returns:
      The text.
    """
    config, presets = run.config, models.presets()
    about = f": {presets[config.preset].description}" if config.preset in presets else ""
    where = f"{len(devices(config))} x {device()}" + (f" in {config.processes} processes" if config.processes > 1 else "")
    sizes = ", ".join(f"{size:,} {name}".strip() for name, size in sizes_of(run.dataset.train).items())
    names = f"classes: {text.listed(run.dataset.classes, 20)}" if run.dataset.classes else ""
    return (
        f"{config.preset}{about}\n{sizes} training examples of {config.dataset}, "
        f"{config.steps:,} steps of {config.batch_size}, in {run.workdir}\n"
        + "\n".join(filter(None, [f"on {where}; {feed.sentence(run)}", names, run.dataset.note]))
    )


def progress(config: RunConfig, step: int) -> Any:
    """The progress bar, a context manager; silent if stderr is not a terminal.

    Args:
      config: the configuration of the run.
      step: the step from which it continues.

    Returns:
      A `tqdm` bar.
    """
    from tqdm import tqdm

    return tqdm(
        total=config.steps, initial=step, unit="step", disable=None, dynamic_ncols=True, smoothing=0.05, bar_format=_BAR
    )


def silent() -> Any:
    """A progress bar that is never shown."""
    from tqdm import tqdm

    return tqdm(disable=True)


_BAR = "{percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}] {postfix}"


def compiling(bar: Any, log: Log, run: Run) -> None:
    """Says that the training step is being compiled, which may take minutes.

    Args:
      bar: the bar.
      log: the log of the run.
      run: the run in the phase whose step is compiled.
    """
    text = f"compiling the training step{' of the phase ' + run.phase_name if run.phase_name else ''} ..."
    if bar.disable:
        log.say(text)
    else:
        bar.set_postfix_str(text)


def show(bar: Any, log: Log, row: dict[str, Any], evaluator: evaluators.Evaluator) -> None:
    """Updates the bar from a line of metrics: the phase, both losses, the discriminator's accuracies, the rate.

    Without a terminal, lines with a measure are printed instead.

    Args:
      bar: the bar.
      log: the log of the run.
      row: a line of `metrics.jsonl`.
      evaluator: the evaluator of the run.
    """
    parts = [row["phase"]] if "phase" in row else []
    parts += [f"{short} {row[name]:.3f}" for name, short in (("d_loss", "D"), ("g_loss", "G")) if name in row]
    names = (("d_real_accuracy", "real"), ("d_fake_accuracy", "fake"))
    parts += [f"{short} {row[name]:.0%}" for name, short in names if name in row]
    if row.get(SKIPPED):
        parts.append(f"{row[SKIPPED]} updates skipped")
    parts.append(f"{row['images_per_second']:,.0f} img/s")
    if evaluator.judges(row):
        line = f"step {row['step']:,}: {', '.join([*parts, evaluator.phrase(row)])}"
        (log.say if bar.disable else log.write)(line)
    if bar.disable:
        return
    if "warning" in row:
        parts.append(row["warning"])
    bar.set_postfix_str(", ".join(parts), refresh=False)
    bar.update(int(row["step"]) - bar.n)


def pace(bar: Any, log: Log, row: dict[str, Any], images_per_step: int, interval: int) -> None:
    """Without a terminal, and so without a bar, says once how long a run of more than a minute still takes.

    Args:
      bar: the bar; one that is not shown keeps the step from which the run goes on.
      log: the log of the run.
      row: a line of `metrics.jsonl`; that after the first is taken, whose time has no compilation in it.
      images_per_step: the images of a step.
      interval: steps between two lines.
    """
    if not bar.disable or bar.total is None or not interval < row["step"] - bar.n <= 2 * interval:
        return
    rate = row["images_per_second"]
    seconds = (bar.total - row["step"]) * images_per_step / rate if rate else 0  # one that is rounded to 0 tells nothing
    if seconds >= 60:
        log.say(f"step {row['step']:,}: {rate:,.0f} img/s, about {seconds / 60:,.0f} min to go")


def picture(run: Run, step: int, suffix: str = ".png") -> Path:
    """The path of the picture of a step.

    Args:
      run: the run.
      step: the step.
      suffix: that of its evaluator.

    Returns:
      The path.
    """
    return run.workdir / "samples" / f"step_{step:08d}{suffix}"


def write_samples(run: Run, evaluator: evaluators.Evaluator, state: GANState, step: int) -> Path:
    """Draws the run's picture into `samples/step_XXXXXXXX.png`, or writes its lines of text into `.txt`.

    Args:
      run: the run, in the phase of the state.
      evaluator: the evaluator of the run.
      state: the state whose (averaged) generator is sampled.
      step: the step of the whole run.

    Returns:
      The picture's path.
    """
    path = picture(run, step, evaluator.suffix)
    path.parent.mkdir(exist_ok=True)
    drawn = evaluator.sheet(run, state)
    if isinstance(drawn, str):
        outputs.write_text(path, drawn)
    else:
        plots.save_png(path, drawn)
    return path


def missing_picture(run: Run, evaluator: evaluators.Evaluator, state: GANState, step: int) -> None:
    """Draws the picture of a checkpoint's step if it was due and could not be written."""
    every, path = run.config.sample_every, picture(run, step, evaluator.suffix)
    if every and step % every == 0 and not path.exists():
        write_samples(run, evaluator, state, step)


def write_curves(run: Run, rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Draws the lines of a journal into `curves.png`.

    Args:
      run: the run, in its last phase.
      rows: the lines.
      folder: the folder of the picture.
    """
    with replacing(folder / "curves.png") as temporary:
        balance = run.gan.balance()
        plots.curves(rows, balance=balance and balance._asdict()).savefig(temporary, format="png")


def criterion(evaluator: evaluators.Evaluator, row: dict[str, Any] | None) -> dict[str, Any]:
    """The measure by which the best checkpoint is kept, as `summary.json` has it.

    Args:
      evaluator: the evaluator of the run.
      row: the line of the best checkpoint; None if there is none.

    Returns:
      `criterion`, the name, and `larger_is_better`; empty without a line.
    """
    found = None if row is None else evaluator.criterion_of(row)
    return {} if found is None else {"criterion": found[0], "larger_is_better": found[1]}


def finish(run: Run, evaluator: evaluators.Evaluator, state: GANState, log: Log) -> None:
    """Finishes a run: writes the evaluator's pictures and measures, the curves and `summary.json`, and prints a summary.

    Args:
      run: the run in its last phase.
      evaluator: the evaluator of the run.
      state: the final state.
      log: the log of the run.
    """
    final = write_samples(run, evaluator, state, run.config.steps)
    entries, sentence = evaluator.finish(run, state)
    rows = journal.rows(run.workdir)
    write_curves(run, rows, run.workdir)
    measured = [row for row in rows if evaluator.judges(row) and row.get("phase", "") == run.phase_name]
    best = max(measured, key=evaluator.score, default=None)
    summary = {
        "preset": run.config.preset,
        "steps": run.config.steps,
        **entries,
        "last": rows[-1],
        "best": best,
        **criterion(evaluator, best),
        "environment": environment(),
    }
    write_json(run.workdir / "summary.json", summary)
    if skipped := sum(row.get(SKIPPED, 0) for row in rows):
        log.say(f"warning: {skipped:,} of the {run.config.steps:,} updates were not finite and were skipped")
    if best is not None:
        best_words, last_words = evaluator.phrase(best), evaluator.phrase(measured[-1])
        log.say(f"best: step {best['step']:,}, {best_words}; last: step {measured[-1]['step']:,}, {last_words}")
    log.say(f"samples: {final}")
    log.say(sentence)
