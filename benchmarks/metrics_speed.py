"""The speed and the memory of the metrics beside the libraries that they are checked against, on the same arrays.

  python -m benchmarks.metrics_speed

times three tasks: the mean and the covariance of features, FID of such statistics, and PRDC. Every contender of a task has a
turn in every round, in a process of its own; what it reports are medians of one run. A library that is not installed is left
out.
"""

import dataclasses
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from benchmarks import contenders, metrics_contenders, tables, timing
from benchmarks.metrics_contenders import Contender
from jgan.training import run
from jgan.utils import cli

PROG = "python -m benchmarks.metrics_speed"


@dataclasses.dataclass(frozen=True)
class Args:
    """What `python -m benchmarks.metrics_speed` is asked to do."""

    tasks: tuple[Literal["statistics", "distance", "prdc"], ...] = ("statistics", "distance", "prdc")
    """what is timed"""
    alone: bool = False
    """only jgan, at sizes for which the others have no memory"""
    samples: int = 50_000
    """features of which the statistics are taken"""
    subset: int = 10_000
    """real and generated features of PRDC, and those behind the statistics whose distance is taken"""
    dim: int = 2048
    """numbers in a feature"""
    k: int = 5
    """neighbours of PRDC"""
    repeats: int = 5
    """rounds, in each of which everything is timed once"""
    seed: int = 0
    """of the features"""
    out: Path = tables.RESULTS / "metrics_speed.json"
    """the result"""


def check(args: Args) -> None:
    """Refuses numbers that make no sense.

    Args:
      args: the arguments.

    Raises:
      ValueError: if one is out of its range.
    """
    for name in ("dim", "k", "repeats"):
        if getattr(args, name) < 1:
            raise ValueError(f"--{name} must be at least 1, found {getattr(args, name)}")
    if args.samples < 2:
        raise ValueError(f"--samples must be at least 2, found {args.samples}")
    if args.subset <= args.k:
        raise ValueError(f"--subset must be above the {args.k} neighbours, found {args.subset}")
    if not args.tasks:
        raise ValueError("--tasks must name at least one task, found none")


def turn(contender: Contender, folder: Path, k: int) -> dict[str, Any]:
    """Runs a contender once in a process of its own.

    Args:
      contender: whose turn it is.
      folder: with the arrays.
      k: neighbours of PRDC.

    Returns:
      What `metrics_contenders.main` returns.

    Raises:
      ValueError: if it fails, with the last line that it wrote.
    """
    command = [sys.executable, "-m", metrics_contenders.__name__, contender.task, contender.name, str(folder), str(k)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tables.ROOT)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise ValueError(f"{contender.task}, {contender.name}: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(args: Args, folder: Path) -> dict[str, Any]:
    """Runs everything.

    Args:
      args: the arguments.
      folder: an empty folder for the arrays.

    Returns:
      `tasks` (by their names: `summary`) and `left_out` (the contenders whose library is not installed).
    """
    metrics_contenders.make_inputs(folder, samples=args.samples, subset=args.subset, dim=args.dim, seed=args.seed)
    asked = [contender for contender in metrics_contenders.CONTENDERS if contender.task in args.tasks]
    asked = [contender for contender in asked if contender.name == "jgan" or not args.alone]
    there = [contender for contender in asked if metrics_contenders.installed(contender)]
    turns: dict[str, dict[str, list[dict[str, Any]]]] = {task: {} for task in args.tasks}
    for number in range(args.repeats):
        for contender in there:
            found = turn(contender, folder, args.k)
            turns[contender.task].setdefault(contender.name, []).append(found)
            line = f"{found['seconds']:.2f} s, {found['peak_megabytes']:,} MB"
            print(f"round {number + 1} of {args.repeats}: {contender.task}, {contender.name}: {line}", flush=True)
    left_out = [f"{contender.task}, {contender.name}" for contender in asked if contender not in there]
    return {"tasks": {task: summary(found) for task, found in turns.items()}, "left_out": left_out}


def summary(turns: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The figures of a task.

    Args:
      turns: what every turn of each contender returned, jgan's among them.

    Returns:
      `contenders` (for each: the spread of its seconds, the greatest of its megabytes, the figures of its result), `speedup`
      (the fastest other to jgan, by their medians; None without another), `fastest_other`, and `difference` (the greatest, by
      which a figure of another differs from jgan's, relative to jgan's).

    Example:
      >>> from benchmarks import metrics_speed
      >>> one = lambda seconds: [{"seconds": seconds, "before_megabytes": 1, "peak_megabytes": 2, "figures": {"fid": 4.0}}]
      >>> found = metrics_speed.summary({"jgan": one(1.0), "slow": one(3.0), "other": one(2.0)})
      >>> found["speedup"], found["fastest_other"], found["difference"]
      (2.0, 'other', 0.0)
    """
    measured = {
        name: {
            "seconds": timing.spread([one["seconds"] for one in found], digits=3),
            "before_megabytes": max(one["before_megabytes"] for one in found),
            "peak_megabytes": max(one["peak_megabytes"] for one in found),
            "figures": found[0]["figures"],
        }
        for name, found in turns.items()
    }
    seconds = {name: found["seconds"]["median"] for name, found in measured.items()}
    others = [name for name in measured if name != "jgan"]
    fastest = min(others, key=lambda name: seconds[name], default=None)
    ours = measured["jgan"]["figures"]
    differences = [abs(measured[name]["figures"][key] - ours[key]) / (abs(ours[key]) or 1) for name in others for key in ours]
    return {
        "contenders": measured,
        "speedup": None if fastest is None else round(seconds[fastest] / max(seconds["jgan"], 1e-3), 2),
        "fastest_other": fastest,
        "difference": max(differences, default=None),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is not good, or a contender fails; `jgan.utils.cli.run` makes one line of it.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    check(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as folder:
        found = measure(args, Path(folder))
    result = {
        "command": shlex.join([*PROG.split(), *argv]),
        "options": {name: value for name, value in vars(args).items() if name != "out"},
        **found,
        "environment": run.environment() | {"threads": contenders.threads(), "load_before": load},
    }
    run.write_json(args.out, result)
    for task, measured in result["tasks"].items():
        if measured["fastest_other"]:
            print(f"{task}: {measured['speedup']} times as fast as {measured['fastest_other']}")
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
