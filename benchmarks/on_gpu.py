"""All that needs an accelerator, in order of worth, in calls of a few minutes each.

  python -m benchmarks.on_gpu --data-dir DATA --minutes 9
  python -m benchmarks.on_gpu --list

runs the commands of `TASKS` one after the other and stops after `--minutes`; the same call goes on. What is done is in
`on_gpu.json`: a task that is over is not begun again. The time of a task that keeps its state (trainings) may be divided among
calls; any other begins again if the time was not enough for it. A task that fails is named, and comes last in the next call.

DATA holds the data sets in the subfolders mnist and cifar10.
"""

import dataclasses
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.tables import ROOT
from jgan.training.environment import write_json
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.on_gpu"

GRACE = 60.0
"""seconds that a task has to save its state after it was asked to stop"""


class Task(NamedTuple):
    """A command of the runbook.

    Attributes:
      module: the module that is run.
      flags: its flags; `{data}`, `{results}`, `{runs}` and `{minutes}` are replaced.
      least: minutes under which it is not begun, since it would not end, or not get further.
      goes_on: whether the same command goes on where it was stopped.
      about: what it measures.
    """

    module: str
    flags: str
    least: float
    goes_on: bool
    about: str


TASKS: dict[str, Task] = {
    "throughput": Task(
        "benchmarks.throughput", "--out {results}/throughput_gpu.json", 1.5, False, "the 2014 step beside PyTorch's"
    ),
    "throughput_images": Task(
        "benchmarks.throughput_images",
        "--out {results}/throughput_images_gpu.json",
        4,
        False,
        "DCGAN, SN-GAN and R3GAN beside the same networks in PyTorch",
    ),
    "many_seeds": Task("benchmarks.many_seeds", "--out {results}/many_seeds_gpu.json", 1.5, False, "many seeds in one program"),
    "sngan": Task(
        "benchmarks.gallery",
        "--device gpu --models sngan --data-dir {data} --workdir {runs} --results {results}"
        " --pictures {runs} --minutes {minutes}",
        2,
        True,
        "SN-GAN's CNN on CIFAR-10, 12.8 million images",
    ),
    "table1": Task(
        "benchmarks.mnist_parzen",
        "--data-dir {data}/mnist --epochs 1000 --seeds 5 --workdir {runs}/mnist_parzen --out {results}/table1_mnist_gpu.json"
        " --pictures {runs}",
        2,
        True,
        "Table 1 of the 2014 paper, 5 seeds, 1,000 epochs",
    ),
    "r3gan": Task(
        "benchmarks.gallery",
        "--device gpu --models r3gan --data-dir {data} --workdir {runs} --results {results}"
        " --pictures {runs} --minutes {minutes}",
        2,
        True,
        "R3GAN on CIFAR-10",
    ),
    "stylegan2": Task(
        "benchmarks.gallery",
        "--device gpu --models stylegan2 --data-dir {data} --workdir {runs} --results {results}"
        " --pictures {runs} --minutes {minutes}",
        2,
        True,
        "StyleGAN2 on CIFAR-10",
    ),
    "memory": Task(
        "benchmarks.memory",
        "--presets biggan_128 biggan_deep_128 --side 128 128 --batch-sizes 16 64 --out {results}/memory_gpu.json",
        2,
        False,
        "the first steps of the large networks, and their memory",
    ),
}


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.on_gpu`."""

    data_dir: Path | None = None
    """folder that holds the data sets in subfolders of their names"""
    tasks: tuple[str, ...] = ()
    """tasks to run; default: all, in their order"""
    minutes: float = 9.0
    """stop after this time, to go on in the next call"""
    results: Path = ROOT / "benchmarks" / "results"
    """folder of the result files, and of on_gpu.json"""
    runs: Path = Path("runs/on_gpu")
    """folder of the runs"""
    list: bool = False
    """print the tasks and what has become of them, and stop"""


def line(task: Task, args: Args, minutes: float) -> list[str]:
    """The command line of a task.

    Args:
      task: the task.
      args: the options.
      minutes: the time that it has.

    Returns:
      The words after the name of Python.

    Example:
      >>> from pathlib import Path
      >>> from benchmarks import on_gpu
      >>> args = on_gpu.Args(results=Path("out"))
      >>> " ".join(on_gpu.line(on_gpu.TASKS["many_seeds"], args, 5))
      '-m benchmarks.many_seeds --out out/many_seeds_gpu.json'
    """
    known = {"data": args.data_dir, "results": args.results, "runs": args.runs, "minutes": f"{minutes:.2f}"}
    return ["-m", task.module, *(word.format(**known) for word in shlex.split(task.flags))]


def run(command: Sequence[str], seconds: float) -> str:
    """Runs a command; after the time it is asked to stop as Ctrl-C does, and killed if it does not.

    Args:
      command: the command line.
      seconds: the time that it has.

    Returns:
      `done`, `stopped`, or `failed` with the status.
    """
    process = subprocess.Popen(command)
    try:
        status = process.wait(max(1.0, seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return "stopped"
    return "done" if status == 0 else f"failed with status {status}"


def result_of(task: Task, args: Args, name: str) -> Path:
    """The file that a task has written when it is over: a training ends with status 0 at its time limit too."""
    if task.module == "benchmarks.gallery":
        return args.results / "gallery_gpu" / f"cifar10_{name}.json"
    words = line(task, args, 0)
    return Path(words[words.index("--out") + 1])


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints them as one line.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    for name in args.tasks:
        if name not in TASKS:
            raise ValueError(unknown("task", name, TASKS))
    path = args.results / "on_gpu.json"
    found: dict[str, Any] = json.loads(path.read_text())["tasks"] if path.exists() else {}
    if args.list:
        for name, task in TASKS.items():
            print(f"{name:<18} {found.get(name, {}).get('state', 'not begun'):<24} {task.about}")
        return
    states = {name: found.get(name, {}).get("state", "") for name in args.tasks or TASKS}
    left_over = sorted((name for name, state in states.items() if state != "done"), key=lambda name: "failed" in states[name])
    chosen = {name: TASKS[name] for name in left_over}
    if any("{data}" in task.flags for task in chosen.values()) and args.data_dir is None:
        raise ValueError("--data-dir: expected the folder with the subfolders mnist and cifar10, which some tasks need")
    end = time.monotonic() + 60 * args.minutes
    for name, task in chosen.items():
        left = (end - time.monotonic()) / 60
        if left < task.least:
            print(f"{name}: left for the next call, it needs at least {task.least:g} minutes")
            continue
        print(f"{name}: {task.about}", flush=True)
        began = time.monotonic()
        state = run([sys.executable, *line(task, args, left - 0.5)], 60 * left)
        if state == "done" and not result_of(task, args, name).exists():
            state = "stopped"
        before = found.get(name, {}).get("seconds", 0.0) if task.goes_on else 0.0
        found[name] = {"state": state, "seconds": round(before + time.monotonic() - began, 1)}
        args.results.mkdir(parents=True, exist_ok=True)
        write_json(path, {"tasks": found})  # each result file names the device; this process leaves it to the tasks
        print(f"{name}: {state}", flush=True)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
