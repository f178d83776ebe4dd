"""Breaks runs on purpose, and counts what survives: bits flipped in checkpoints, processes killed at random moments.

  python -m benchmarks.faults
  python -m benchmarks.faults --flips 20 --kills 3

Flips: single bits in all files of a checkpoint; a flip is `silent` if the checkpoint is read without an error and a leaf is
wrong. Kills: SIGKILL, SIGTERM and SIGINT at random moments of four runs (`RUNS`), which are resumed until they end. Each is
compared with a run that was not killed: the last checkpoint bit for bit, the journal and the summary but for the clock, the
pictures byte for byte.
"""

import dataclasses
import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan.training import journal
from jgan.training.checkpoint import Checkpoints
from jgan.training.environment import environment, write_json
from jgan.training.run import open_run
from jgan.utils import cli, output

PROG = "python -m benchmarks.faults"

OFTEN = ["--log-every", "7", "--checkpoint-every", "10", "--sample-every", "20", "--eval-every", "20", "--eval-samples", "100"]
SMALL_FACES = [
    *["faces48", "--dataset", "digits", "--model.latent-size", "6", "--model.g-units", "8", "8", "--model.d-units", "4"],
    *["--model.g-sparse", "3", "--model.under-units", "8", "6", "--model.pretrain-steps", "30", "--batch-size", "20"],
]
RUNS = {
    "fully connected": ["digits", "--model.g-units", "64", "64", "--model.d-units", "32", *OFTEN, "--steps", "100"],
    "convolutional, batch norm, average": ["dcgan", "--model.width", "8", *OFTEN, "--steps", "60"],
    "two phases": [*SMALL_FACES, *OFTEN, "--steps", "60"],
    "signals only": [
        "digits",
        "--model.g-units",
        "16",
        "16",
        "--model.d-units",
        "8",
        "--steps",
        "3000",
        "--checkpoint-every",
        "0",
    ],
}
"""the arguments of `python -m jgan.train`; the last saves only at its end and when it is asked to leave"""

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
HANG, LIMIT = -1000, 300
"""the status that stands for a process that ran on for `LIMIT` seconds after it was killed or should have ended"""

LONGEST = 10_000
"""restarts of a run before it counts as one that does not end"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.faults`."""

    flips: int = 200
    """bits to flip"""
    kills: int = 60
    """processes to kill"""
    seed: int = 0
    """seed of the moments and the bits"""
    workdir: Path = Path("runs/faults")
    """folder of the runs; it must be new or empty"""
    out: Path = Path("benchmarks/results/faults.json")
    """result file"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, flips=0, kills=0, seed=0)
    output.file("--out", args.out)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background a shell ignores it, and so would the runs
    drawn = random.Random(args.seed)
    args.workdir.parent.mkdir(parents=True, exist_ok=True)
    output.folder("--workdir", args.workdir)
    kills = []
    for name, argv_of_run in RUNS.items():
        kills.append({"run": name} | killed(argv_of_run, args.workdir / name.split(",")[0], args.kills // len(RUNS), drawn))
        print(kills[-1], flush=True)
    flips = flipped(args.workdir / "fully connected" / "whole", args.flips, drawn)
    print(flips)
    command = f"{PROG} --flips {args.flips} --kills {args.kills} --seed {args.seed}"
    write_json(args.out, {"command": command, "kills": kills, "flips": flips, "environment": environment()})


# ----------------------------------------------------------------------------------------------------------------- kills


def killed(argv: list[str], folder: Path, kills: int, drawn: random.Random) -> dict[str, Any]:
    """Kills a run `kills` times, lets it end, and compares it with one that was not killed.

    Args:
      argv: the arguments of the run.
      folder: where both runs are written.
      kills: how often to kill it.
      drawn: the random moments and signals.

    Returns:
      The number of kills by the moment, of tracebacks, of refusals, and the names of what differs at the end.
    """
    whole, workdir = folder / "whole", folder / "killed"
    folder.mkdir(parents=True)
    started = time.monotonic()
    finish = _start(argv, whole, folder / "log")
    if finish.wait() != 0:
        raise ValueError(f"the run cannot be trained: {(folder / 'log').read_text()[-300:]}")
    span, moments, problems = time.monotonic() - started, Counter[str](), Counter[str]()
    reference = signature(whole)
    for _ in range(LONGEST):
        process = _start(argv, workdir, folder / "log")
        if sum(moments.values()) < kills:
            moment = _wait_for_a_moment(process, workdir, span, drawn)
            if process.poll() is None:
                process.send_signal(drawn.choice(SIGNALS))
                moments[moment] += 1
        status = _ended(process)
        printed = (folder / "log").read_text(errors="replace")
        if "Traceback" in printed:
            problems["tracebacks"] += 1
            print(printed, flush=True)
        problems["refused to start again"] += status == 2
        problems["hangs"] += status == HANG
        problems["said to be saved, and not"] += "saved; continue with" in printed and not _saved_as_said(printed, workdir)
        if status in (0, 2) and sum(moments.values()) >= kills:
            break
        if status == 0:  # it ended before it was killed: begun anew
            problems.update(f"differs: {name}" for name in differing(reference, signature(workdir)))
            shutil.rmtree(workdir)
    problems.update(f"differs: {name}" for name in differing(reference, signature(workdir)))
    return {"kills": sum(moments.values()), "moments": dict(moments), "problems": {k: v for k, v in problems.items() if v}}


def _start(argv: list[str], workdir: Path, log: Path) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "jgan.train", *argv, "--workdir", str(workdir), "--resume", "auto"]
    with log.open("w") as file:
        return subprocess.Popen(line, stdout=file, stderr=file)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit status; `HANG` for a process that had to be ended."""
    try:
        return process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return HANG


def _saved_as_said(printed: str, workdir: Path) -> bool:
    steps = re.findall(r"stopped at step ([\d,]+), saved", printed)
    return all((workdir / "checkpoints" / step.replace(",", "")).exists() for step in steps)


def _wait_for_a_moment(process: subprocess.Popen[bytes], workdir: Path, span: float, drawn: random.Random) -> str:
    """Waits for a random time, or until a checkpoint is being written or a line was written; returns which."""
    kind = drawn.choice(["any time", "in a checkpoint", "after a line"])
    size = _size(workdir / journal.METRICS)
    first = max(0.5, span / 20)  # before, Python itself is starting, and an interruption of that is a traceback
    end = time.monotonic() + (drawn.uniform(first, span) if kind == "any time" else 10 * span)
    while process.poll() is None and time.monotonic() < end:
        if kind == "in a checkpoint" and any((workdir / "checkpoints").glob("*tmp*")):
            time.sleep(drawn.uniform(0, 0.02))
            break
        if kind == "after a line" and _size(workdir / journal.METRICS) > size:
            break
        time.sleep(0.0005)
    return kind


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def signature(workdir: Path) -> dict[str, Any]:
    """What a run leaves, but for the clock: the leaves of the last checkpoint, journal, pictures, summary, as hashes."""
    state = open_run(workdir).restore()
    leaves = {jax.tree_util.keystr(path): _hash(np.asarray(leaf)) for path, leaf in jax.tree_util.tree_leaves_with_path(state)}
    summary = json.loads((workdir / "summary.json").read_text())
    rows = [_timeless(row) for row in journal.rows(workdir)]
    pictures = {path.name: _hash(path.read_bytes()) for path in workdir.rglob("*") if path.suffix in (".png", ".gif")}
    kept = {name: _timeless(value) for name, value in summary.items() if name != "environment"}
    return {"checkpoint": leaves, "journal": rows, "pictures": pictures, "summary": kept}


def differing(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """The names of the parts of two signatures that differ."""
    return [name for name, value in expected.items() if value != found[name]]


def _timeless(value: Any) -> Any:
    return {name: item for name, item in value.items() if name != "images_per_second"} if isinstance(value, dict) else value


def _hash(content: Any) -> str:
    return hashlib.sha256(content.tobytes() if isinstance(content, np.ndarray) else content).hexdigest()


# ----------------------------------------------------------------------------------------------------------------- flips


def flipped(workdir: Path, flips: int, drawn: random.Random) -> dict[str, Any]:
    """Flips single bits in the files of a run's last checkpoint, and reads it.

    Args:
      workdir: the folder of the run.
      flips: the number of bits: half of them in files drawn alike, half in proportion to their sizes.
      drawn: the random bits.

    Returns:
      The number of flips, of those that were refused, harmless and silent.
    """
    run = open_run(workdir)
    with Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        step = checkpoints.steps()[-1]
        template, count = run.at(step).template(), Counter(refused=0, harmless=0, silent=0)
        right = [_hash(leaf) for leaf in jax.tree.leaves(checkpoints.read(step, template).state)]
        files = sorted(path for path in (workdir / "checkpoints" / str(step)).rglob("*") if path.is_file() and _size(path))
        for turn in range(flips):
            path = drawn.choice(files) if turn % 2 else drawn.choices(files, [_size(path) for path in files])[0]
            before, bit = path.read_bytes(), drawn.randrange(8 * _size(path))
            after = bytearray(before)
            after[bit // 8] ^= 1 << bit % 8
            path.write_bytes(after)
            try:
                found = [_hash(leaf) for leaf in jax.tree.leaves(checkpoints.read(step, template).state)]
                count["harmless" if found == right else "silent"] += 1
            except ValueError:
                count["refused"] += 1
            path.write_bytes(before)
    return {"flips": flips, "files": len(files), **count}


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
