"""How long a run takes to make its first step, from the start of the process, and on what.

  python -m benchmarks.first_step
  python -m benchmarks.first_step --presets digits dcgan --rounds 7

Starts `python -m jgan.train PRESET` in processes of their own, with an empty cache of compiled programs and then with the one
that the first has filled, and stops each when the first line of its journal is due. The seconds are those until then: imports,
tracing (to jaxprs, and to what XLA reads), compiling or reading a compiled program, and the rest: reading options and data,
checks, computing.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jgan import models
from jgan.training.environment import environment, write_json
from jgan.utils import cli

PROG = "python -m benchmarks.first_step"

PARTS = ("imports", "tracing", "compiling", "rest")

CHILD = """
import time
began = time.time()
import json, os, sys
import jax
from jax import monitoring
from jgan import train
from jgan.training import journal
imported, found = time.time(), []
monitoring.register_event_duration_secs_listener(lambda name, seconds, **_: found.append((name, seconds, time.time())))

def total(*names):  # of events that lie within each other the outer one counts
    spans = sorted((end - seconds, end) for name, seconds, end in found if name.rpartition("/")[2] in names)
    seconds, last = 0.0, 0.0
    for start, end in spans:
        seconds += max(0.0, end - max(start, last))
        last = max(last, end)
    return seconds

def first(self, row):
    tracing = total("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration")
    print(json.dumps({"imports": imported - began, "tracing": tracing, "compiling": total("backend_compile_duration"),
                      "total": time.time() - began}), file=sys.stderr, flush=True)
    os._exit(0)

journal.Journal.append = first
train.main(sys.argv[1:])
"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.first_step`."""

    presets: tuple[str, ...] = ("digits", "dcgan")
    """presets, on data that come with the package"""
    rounds: int = 5
    """processes of each kind"""
    out: Path = Path("benchmarks/results/first_step.json")
    """result file"""


def start(preset: str, cache: Path) -> dict[str, float]:
    """The seconds until the first step of one process.

    Args:
      preset: the preset.
      cache: the folder of compiled programs, which is read and filled.

    Returns:
      The seconds of each of `PARTS`, and their `total`.

    Raises:
      ValueError: if the process has failed; with its last line.
    """
    with tempfile.TemporaryDirectory() as scratch:
        flags = [preset, "--workdir", f"{scratch}/run", "--log-every", "1", "--eval-every", "0", "--sample-every", "0"]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_COMPILATION", "JAX_PERSISTENT"))}
        own["JAX_COMPILATION_CACHE_DIR"] = str(cache)
        made = subprocess.run([sys.executable, "-c", CHILD, *flags], capture_output=True, text=True, env=own)
    lines = made.stderr.splitlines() or [""]
    if made.returncode:
        raise ValueError(f"{preset}: its first step failed: {lines[-1]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found | {"rest": found["total"] - found["imports"] - found["tracing"] - found["compiling"]}


def middle(starts: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each part, and the least and the most of the whole."""
    totals = [one["total"] for one in starts]
    parts = {name: statistics.median(one[name] for one in starts) for name in (*PARTS, "total")}
    return parts | {"min": min(totals), "max": max(totals)}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError: if an option is out of range, or a process has failed.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, rounds=1)
    if unknown := [preset for preset in args.presets if preset not in models.presets()]:
        raise ValueError(f"--presets: there is no preset {unknown[0]}")
    found: dict[str, Any] = {}
    for preset in args.presets:
        starts: dict[str, list[dict[str, float]]] = {"empty cache": [], "filled cache": []}
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as cache:
                for several in starts.values():
                    several.append(start(preset, Path(cache)))
        found[preset] = {kind: middle(several) for kind, several in starts.items()}
        print(preset, *(f"{kind} {part['total']:.1f} s" for kind, part in found[preset].items()), flush=True)
    command = " ".join([*PROG.split(), *argv])
    write_json(args.out, {"command": command, "rounds": args.rounds, "presets": found, "environment": environment()})
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
