"""What stands beside the folders of several seeds: the means and the standard deviations of their metrics and measures."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jgan.training import journal, report
from jgan.training.environment import environment, write_json
from jgan.training.evaluators import Evaluator
from jgan.training.journal import Journal
from jgan.training.log import Log
from jgan.training.run import Run

STD = "_std"
"""ending of the names of standard deviations, in `metrics.jsonl` of several seeds"""


def journal_of(runs: Sequence[Run], workdir: Path) -> Journal:
    """The journal of the means, written anew from those of the seeds, which are on the disk before their checkpoints.

    Args:
      runs: the runs.
      workdir: the folder of the seeds.

    Returns:
      The `Journal`.
    """
    (workdir / journal.METRICS).unlink(missing_ok=True)
    found = Journal(workdir, 0)
    seeds = [run.config.seed for run in runs]
    for rows in zip(*(journal.rows(run.workdir) for run in runs), strict=False):
        if len({row["step"] for row in rows}) == 1:
            found.append(means(dict(zip(seeds, rows, strict=True))))
    return found


def means(rows: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The line of several seeds: the mean of each metric and, under its name and `_std`, the standard deviation over the seeds.

    Args:
      rows: a line of each seed, of the same step.

    Returns:
      The line. `images_per_second` is the sum. What only some seeds have, or is no number, is left out; a warning names its
      seeds.

    Example:
      >>> from jgan.training import spreads
      >>> row = {"step": 5, "d_loss": 1.0, "images_per_second": 8.0}
      >>> spreads.means({0: row, 1: row | {"d_loss": 3.0}})
      {'step': 5, 'd_loss': 2.0, 'd_loss_std': 1.4142135623730951, 'images_per_second': 16.0}
    """
    first = next(iter(rows.values()))
    found: dict[str, Any] = {name: first[name] for name in ("step", "phase") if name in first}
    for name in first:
        values = [row.get(name) for row in rows.values()]
        if name not in ("step", "images_per_second") and all(type(value) in (int, float) for value in values):
            column = np.array(values, np.float64)
            found |= {name: float(column.mean()), name + STD: float(column.std(ddof=1))}
    warned = [f"seed {seed}: {row['warning']}" for seed, row in rows.items() if "warning" in row]
    found |= {"warning": "; ".join(warned)} if warned else {}
    return found | {"images_per_second": round(sum(row["images_per_second"] for row in rows.values()), 1)}


def in_words(name: str, rows: Mapping[int, Mapping[str, Any]]) -> str:
    """A measure of several seeds in words.

    Args:
      name: the measure.
      rows: a line of each seed that has it.

    Returns:
      The mean, the standard deviation over the seeds, and each value.

    Example:
      >>> from jgan.training import spreads
      >>> spreads.in_words("fid", {0: {"fid": 10.0}, 1: {"fid": 12.0}})
      'fid: mean 11, standard deviation 1.414 over the seeds 0: 10, 1: 12'
    """
    values = np.array([row[name] for row in rows.values()], np.float64)
    each = ", ".join(f"{seed}: {value:.4g}" for seed, value in zip(rows, values, strict=True))
    return f"{name}: mean {values.mean():.4g}, standard deviation {values.std(ddof=1):.4g} over the seeds {each}"


def finish(runs: Sequence[Run], workdir: Path, evaluator: Evaluator, log: Log) -> None:
    """Writes `summary.json` of the folder of the seeds, and says what they have reached.

    Args:
      runs: the runs, whose own `summary.json` are written.
      workdir: the folder of the seeds.
      evaluator: their evaluator.
      log: the log of all.
    """
    ends = {run.config.seed: json.loads((run.workdir / "summary.json").read_text()) for run in runs}
    lasts, bests = ({seed: end[name] for seed, end in ends.items()} for name in ("last", "best"))
    judged = {seed: row for seed, row in bests.items() if row is not None}
    summary = {
        "preset": runs[0].config.preset,
        "steps": runs[0].config.steps,
        "seeds": {seed: {"last": lasts[seed], "best": bests[seed]} for seed in lasts},
        "last": means(lasts),
        # Each seed has its best step, which need not be that of another.
        "best": {name: value for name, value in means(judged).items() if name != "step"} if len(judged) == len(runs) else None,
        **report.criterion(evaluator, next(iter(judged.values()), None)),
        "environment": environment(),
    }
    write_json(workdir / "summary.json", summary)
    report.write_curves(runs[0], journal.rows(workdir), workdir)
    found = evaluator.criterion_of(next(iter(judged.values()))) if len(judged) == len(runs) else None
    if found is not None:
        log.say(f"best {in_words(found[0], judged)}")
    log.say(f"samples: {workdir}/seed_*/samples; all on one page: python -m jgan.report {shlex.quote(str(workdir))}")
