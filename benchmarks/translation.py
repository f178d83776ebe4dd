"""Trains models of image translation on tasks whose success can be measured, and measures it.

  python -m benchmarks.translation --data-dir DATA
  python -m benchmarks.translation --data-dir DATA --runs invert edges_pix2pix --times 0.5 --minutes 20

DATA has the folders `mnist` and `fashion_mnist` (the IDX files), `cifar10_jpeg` (`train/CLASS/*.jpg` and `test/CLASS/*.jpg`)
and `bsds500` (BSDS500, unpacked). The runs are those of `benchmarks/translation_tasks.py`. A run's budget counts the
floating-point operations of the training step, so that it buys the same training on every machine; `--times` is a
factor on all of them.

Each run has a result file for each of its seeds, `benchmarks/results/translation/RUN_SEED.json`, and a sheet of inputs, outputs
and, if known, truths of test images, `docs/translation/RUN.png`. What has its result file is left as it is, and a run that was
stopped goes on; with `--minutes` a call ends after that time, and the same call goes on.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import budget, translation_measures
from benchmarks.tables import ROOT
from benchmarks.translation_tasks import ENTRIES, Entry
from jgan import data, models, plots
from jgan.training import train
from jgan.training.environment import environment, write_json
from jgan.training.evaluators import pairs
from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.translation"

SAMPLES = 1000
"""test images that are translated for the measures"""

SHOWN = 24
"""test images of a sheet"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.translation`."""

    runs: tuple[str, ...] = ()
    """runs; default: all"""
    data_dir: Path | None = None
    """folder that holds the data sets in subfolders"""
    times: float = 1.0
    """factor on the budgets of all runs"""
    minutes: float = 0.0
    """stop after this time, to go on in the next call; 0: no limit"""
    seeds: int = 0
    """seeds of each run; 0: its own number, 3 for the cheapest, else 1"""
    extractor: str = "efficientnet_lite0"
    """features in which photographs are compared"""
    epochs: int = 2
    """epochs of the classifier of a domain"""
    workdir: Path = Path("runs/translation")
    """folder of the runs and the classifiers"""
    results: Path = ROOT / "benchmarks" / "results" / "translation"
    """folder of the result files"""
    pictures: Path = ROOT / "docs" / "translation"
    """folder of the sheets"""


def length(entry: Entry, times: float, dataset: data.Dataset) -> tuple[int, float]:
    """The steps that the budget of a run pays for.

    Args:
      entry: the run.
      times: the factor on its budget.
      dataset: its data.

    Returns:
      `(steps, operations of one step)`.
    """
    model = models.MODELS[models.model_of(entry.preset)]
    (cost,) = budget.of_steps(model, entry.config(1000), data.spec(dataset, entry.batch_size), entry.batch_size)
    return budget.steps_for(times * entry.tflop * 1e12, [cost], []), cost


def trained(args: Args, name: str, seed: int, begun: float) -> tuple[dict[str, Any], np.ndarray]:
    """Trains one run, or goes on with it, and measures it.

    Args:
      args: the options.
      name: the run.
      seed: its seed.
      begun: the time at which the command began, from `time.monotonic`.

    Returns:
      `(for JSON, the picture of its translations)`.

    Raises:
      TimeoutError: after `--minutes`, once the run is saved.
    """
    entry = ENTRIES[name]
    folder = None if args.data_dir is None else args.data_dir / entry.folder
    loaded = data.load(entry.dataset, folder)
    steps, cost = length(entry, args.times, loaded)
    started = time.monotonic()
    run, state, _ = train(
        entry.preset,
        entry.config(steps),
        dataset=entry.dataset,
        data_dir=folder,
        steps=steps,
        batch_size=entry.batch_size,
        seed=seed,
        eval_every=0,
        time_limit=budget.minutes_left(args.minutes, begun),
        workdir=args.workdir / f"{name}_{seed}",
        resume="auto",
    )
    seconds = round(time.monotonic() - started, 1)
    found = {
        "run": name,
        "task": entry.task,
        "model": models.model_of(entry.preset),
        "dataset": entry.dataset,
        "seed": seed,
        "steps": steps,
        "batch_size": entry.batch_size,
        "flop_per_step": cost,
        "seconds": seconds,
        "samples": SAMPLES,
        "directions": translation_measures.measured(entry, run, state, SAMPLES, args.workdir, args.extractor, args.epochs),
        "config": models.to_dict(run.config.model),
    }
    return found, sheet(entry, run, state)


def sheet(entry: Entry, run: Run, state: GANState) -> np.ndarray:
    """The picture of a run: rows of inputs, outputs and known truths.

    Args:
      entry: the run.
      run: the run, in its last phase.
      state: the state whose averaged generator is shown.

    Returns:
      uint8 `[height, width, channels]`.
    """
    shown = pairs.of_data(run, "test", SHOWN)
    if entry.row_pairs:
        shown = {direction: each._replace(truth=each.target) for direction, each in shown.items()}
    return pairs.sheet(shown, pairs.translations(run, state, shown, back=False), SHOWN)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    begun = time.monotonic()
    for name in args.runs:
        if name not in ENTRIES:
            raise ValueError(unknown("run", name, ENTRIES))
    if not args.times > 0:
        raise ValueError(f"--times must be above 0, found {args.times}")
    for folder in (args.workdir, args.results, args.pictures):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in args.runs or ENTRIES:
            for seed in range(args.seeds or ENTRIES[name].seeds):
                _one(args, argv, name, seed, begun)
    except TimeoutError as stopped:
        print(f"{stopped}; this call again goes on from there", flush=True)


def _one(args: Args, argv: Sequence[str], name: str, seed: int, begun: float) -> None:
    """One seed of a run, unless it has its result."""
    path = args.results / f"{name}_{seed}.json"
    if path.exists():
        return
    found, picture = trained(args, name, seed, begun)
    if seed == 0:
        plots.save_png(args.pictures / f"{name}.png", picture)
    write_json(path, found | {"command": shlex.join([*PROG.split(), *argv]), "environment": environment()})
    print(path, flush=True)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
