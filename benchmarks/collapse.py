"""A run that collapses: how FID and the monitor show it, and what the best checkpoint still generates.

  python -m benchmarks.collapse

trains the 2014 GAN on the embedded digits at two and a half times the published rate and with more momentum, in under a minute.
It learns for half of the run and then collapses. The result file has the measures of the run and, beside them, the FID of
the best and of the last checkpoint, restored. `docs/collapse.png` shows the curves, and
`docs/collapse_samples.png` a row of samples of the best and of the last checkpoint.
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import budget, judges, pictures
from benchmarks.tables import ROOT
from jgan import models, plots
from jgan.metrics import frechet
from jgan.training import train
from jgan.training.environment import environment, write_json
from jgan.training.journal import rows as journal
from jgan.training.run import Run
from jgan.utils import cli

PROG = "python -m benchmarks.collapse"

CHANGES = {"optimizer.learning_rate": 0.25, "optimizer.final_momentum": 0.9}
"""What differs from the preset `digits`."""

SAMPLES = 2_000


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.collapse`."""

    steps: int = 5_000
    """generator updates"""
    every: int = 250
    """steps between two measures"""
    seed: int = 0
    """seed of the run"""
    workdir: Path = Path("runs/collapse")
    """folder of the run"""
    out: Path = ROOT / "benchmarks" / "results" / "collapse.json"
    """file of the result"""
    pictures: Path = ROOT / "docs"
    """folder of the two pictures"""


def examined(run: Run, which: Any, judge: judges.Judge) -> tuple[dict[str, Any], np.ndarray]:
    """Restores a checkpoint and measures its samples.

    Args:
      run: the run.
      which: `"best"` or `"last"`.
      judge: the features.

    Returns:
      `(for JSON, a row of its samples)`.
    """
    state = run.restore(which)
    samples, fake, real = judges.compared(judge.extractor, run, state, SAMPLES)
    found = {"step": int(state.step), "fid": float(frechet.fid(real, fake).fid)}
    return found, plots.grid(samples[:24], columns=24, scale=3)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    run, _, _ = train(
        "digits",
        budget.changed(models.presets()["digits"].config, CHANGES),
        steps=args.steps,
        seed=args.seed,
        workdir=args.workdir,
        resume="auto",
        metric="fid",
        eval_samples=SAMPLES,
        eval_every=args.every,
        checkpoint_every=args.every,
    )
    rows = journal(run.workdir)
    names = ("step", "fid", "spread", "coverage", "ndb", "warning")
    measured = [{name: row[name] for name in names if name in row} for row in rows if "fid" in row]
    judge = judges.of_classes(run.dataset, args.workdir, epochs=0)
    best, best_row = examined(run, "best", judge)
    last, last_row = examined(run, "last", judge)
    result = {
        "command": shlex.join([*PROG.split(), *argv]),
        "measures": measured,
        "samples": SAMPLES,
        "restored": best,
        "last": last,
        "config": models.to_dict(run.config.model),
        "environment": environment(),
    }
    args.pictures.mkdir(parents=True, exist_ok=True)
    plots.curves(rows).savefig(args.pictures / "collapse.png", format="png")
    strips = [
        (f"best: step {best['step']:,}", pictures.strip(best_row)),
        (f"last: step {last['step']:,}", pictures.strip(last_row)),
    ]
    plots.save_png(args.pictures / "collapse_samples.png", pictures.stacked(strips))
    write_json(args.out, result)
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
