"""Speed and memory of the metrics and of the libraries they are tested against, on the same arrays.

  python -m benchmarks.metrics_speed

times three tasks: the mean and the covariance of features, FID from such statistics, and PRDC. Contenders take turns, once per
round, each in its own process; the results are medians over the rounds. Libraries that are not installed are skipped.
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
    """The options of `python -m benchmarks.metrics_speed`."""

    tasks: tuple[Literal["statistics", "distance", "prdc"], ...] = ("statistics", "distance", "prdc")
    """tasks to time"""
    alone: bool = False
    """time only jgan, at sizes too large for the memory of the others"""
    samples: int = 50_000
    """number of features for the statistics"""
    subset: int = 10_000
    """number of real and of generated features for PRDC, and behind the statistics for FID"""
    dim: int = 2048
    """dimension of a feature"""
    k: int = 5
    """number of neighbours for PRDC"""
    repeats: int = 5
    """rounds; each times every contender once"""
    seed: int = 0
    """seed of the features"""
    out: Path = tables.RESULTS / "metrics_speed.json"
    """file of the result"""


def check(args: Args) -> None:
    """Checks the options.

    Args:
      args: the options.

    Raises:
      ValueError: if an option is out of range.
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
    """Runs a contender once in its own process.

    Args:
      contender: the contender.
      folder: the folder of the arrays.
      k: the number of neighbours for PRDC.

    Returns:
      The result of `metrics_contenders.main`.

    Raises:
      ValueError: if the contender fails, with the last line of its output.
    """
    command = [sys.executable, "-m", metrics_contenders.__name__, contender.task, contender.name, str(folder), str(k)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tables.ROOT)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise ValueError(f"{contender.task}, {contender.name}: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(args: Args, folder: Path) -> dict[str, Any]:
    """Times all contenders.

    Args:
      args: the options.
      folder: an empty folder for the arrays.

    Returns:
      `tasks` (a `summary` by task) and `left_out` (contenders whose library is not installed).
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
    """Summarises the results of a task.

    Args:
      turns: the results of each contender, one per round, including jgan's.

    Returns:
      `contenders` (for each: the spread of its times, its maximum memory, the figures of its result), `speedup` (of jgan over
      the fastest other contender, by medians; None without another), `fastest_other`, and `difference` (the largest difference
      of a figure from jgan's, relative to jgan's).

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
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid or a contender fails; `jgan.utils.cli.run` prints them as one line.
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
