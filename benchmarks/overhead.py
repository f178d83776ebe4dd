"""What the training loop adds to the bare step, and how long a checkpoint stops it.

  python -m benchmarks.overhead
  python -m benchmarks.overhead --dataset mnist --data-dir FOLDER

The loop (metrics, a line of the journal every 100 steps, a checkpoint with checksums every 200) and the bare compiled step are
timed in turn in one process, on the same model and data: the ratio of their times is the overhead. Then a state of 500 MB is
saved: how long `save` takes to return, and how long until the checkpoint is on the disk.
"""

import contextlib
import dataclasses
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp

from jgan import models, parallel, train
from jgan.training import checkpoint, folder, loop, programs, report
from jgan.training.config import devices
from jgan.training.environment import environment, write_json
from jgan.training.run import Run, keys
from jgan.utils import cli

PROG = "python -m benchmarks.overhead"

MEGABYTES = 500


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.overhead`."""

    preset: str = "mnist"
    """model"""
    dataset: str = "digits"
    """data set"""
    data_dir: Path | None = None
    """folder of the data"""
    steps: int = 600
    """steps that are timed in each round"""
    rounds: int = 7
    """rounds of loop and bare step in turn; the first is a warm-up and left out"""
    out: Path = Path("benchmarks/results/overhead.json")
    """result file"""


@contextlib.contextmanager
def opened(args: Args, workdir: Path) -> Iterator[Run]:
    """A new run whose only events are lines of metrics and checkpoints."""
    flags = [args.preset, "--dataset", args.dataset, "--steps", str(args.steps + 100), "--workdir", str(workdir)]
    flags += ["--eval-every", "0", "--sample-every", "0", "--log-every", "100", "--checkpoint-every", "200"]
    flags += ["--eval-samples", "50", *(["--data-dir", str(args.data_dir)] if args.data_dir else [])]
    config = train.configuration(flags)
    with contextlib.redirect_stdout(io.StringIO()), folder.opened(config, workdir, models.find(config.model)) as run:
        yield run


def loop_step(run: Run) -> float:
    """The seconds a step in the training loop takes, its events included; the first program, with compilation, is left out."""
    times: list[tuple[int, float]] = []
    events = loop.events

    def timed(run: Run, stage: Any, session: Any, state: Any, step: int, *, stopping: bool) -> None:
        events(run, stage, session, state, step, stopping=stopping)
        times.append((step, time.perf_counter()))

    with mock.patch.object(loop, "events", timed), mock.patch.object(report, "finish", return_value=None):
        loop.train(run)
    (first, began), (last, ended) = times[0], times[-1]
    return (ended - began) / (last - first)


def bare_step(run: Run, steps: int) -> float:
    """The seconds a step takes without the loop: the same compiled program, called again and again."""
    run = run.with_mean()
    length = programs.chunk_length(run.config, scan=programs.scans_fast(run))
    program, key = programs.compiled_step(run, length), programs.step_key(run)
    data = parallel.replicate(run.dataset.train, devices(run.config))
    # placed as in the loop: XLA's program depends on it
    state = parallel.replicate(jax.jit(run.gan.init)(keys(0).init), devices(run.config))
    state, _ = program(key, state, data)
    jax.block_until_ready(state)
    began = time.perf_counter()
    for _ in range(steps // length):
        state, _ = program(key, state, data)
    jax.block_until_ready(state)
    return (time.perf_counter() - began) / (steps // length * length)


def saving(folder: Path) -> dict[str, float]:
    """The seconds until `save` returns, until the checkpoint is on the disk, and to read and verify it."""
    state = {"w": jnp.ones((MEGABYTES // 4, 1000, 1000), jnp.float32)}
    with checkpoint.Checkpoints(folder) as checkpoints:
        found: list[tuple[float, float]] = []
        for step in range(3):
            began = time.perf_counter()
            checkpoints.save(step, jax.block_until_ready(state))
            returned = time.perf_counter()
            checkpoints.wait()
            found.append((returned - began, time.perf_counter() - began))
        began = time.perf_counter()
        checkpoints.read(2, state)
        read = time.perf_counter() - began
    returns, written = (statistics.median(column) for column in zip(*found, strict=True))
    return {"megabytes": MEGABYTES, "returns_seconds": returns, "on_disk_seconds": written, "read_seconds": read}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    rounds = []
    with tempfile.TemporaryDirectory() as scratch:
        for index in range(args.rounds):
            with opened(args, Path(scratch) / str(index)) as run:
                rounds.append({"loop": loop_step(run), "bare": bare_step(run, args.steps)})
        saved = saving(Path(scratch) / "big")
    ratios = [found["loop"] / found["bare"] for found in rounds[1:]]
    ratio = {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}
    result = {
        "command": " ".join([*PROG.split(), *argv]),
        "rounds": rounds,
        "ratio": ratio,
        "checkpoint": saved,
        "environment": environment(),
    }
    write_json(args.out, result)
    print(f"the loop takes {ratio['median']:.3f} of the time of the bare step: {args.out}")


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
