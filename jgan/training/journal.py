"""`metrics.jsonl`: the metrics of a run, one object per line."""

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from jgan.types import Metrics
from jgan.utils.files import replacing

METRICS = "metrics.jsonl"


def rows(workdir: Path) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl`; an empty list if the file does not exist."""
    path = workdir / METRICS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Journal:
    """Writes `metrics.jsonl`: the mean of each metric since the last line, and timings.

    Metrics stay on the device until a line is due, so that the loop never waits for a step. A resumed run drops the lines
    that are later than its checkpoint, and writes them again with the same values.

    Args:
      workdir: the folder of the run.
      step: the step from which it continues.
    """

    def __init__(self, workdir: Path, step: int) -> None:
        self.path = workdir / METRICS
        self.pending: list[tuple[Metrics, int]] = []
        self.window: list[dict[str, np.ndarray]] = []
        self.begin(step, 0)
        if self.path.exists():
            lines = [line for line in self.path.read_text().splitlines() if _step_of(line) <= step]
            with replacing(self.path) as temporary:
                temporary.write_text("".join(line + "\n" for line in lines))

    def begin(self, step: int, images_per_step: int, phase: str = "") -> None:
        """Starts or continues a phase: sets the batch size, the phase's name in the lines, and the timer."""
        self.since, self.images_per_step, self.phase = step, images_per_step, phase
        self.clock = time.perf_counter()

    def add(self, metrics: Metrics, size: int) -> None:
        """Adds the metrics of one call, which ran `size` steps."""
        self.pending.append((metrics, size))

    def check(self, step: int) -> None:
        """Fetches pending metrics; raises a `ValueError` that names the first metric and step that is not finite."""
        done = step - sum(size for _, size in self.pending)
        for metrics, size in self.pending:
            fetched = {name: np.atleast_1d(np.asarray(value)) for name, value in metrics.items()}
            for offset in range(size):
                for name, values in fetched.items():
                    if not np.isfinite(values[offset]):
                        raise ValueError(
                            f"{name} is {values[offset]} at step {done + offset + 1}; the last good checkpoint is kept"
                        )
            done += size
            self.window.append(fetched)
        self.pending = []

    def write(self, step: int, extra: dict[str, Any]) -> dict[str, Any]:
        """Writes one line and returns it."""
        self.check(step)
        names = self.window[0] if self.window else ()
        means = {name: float(np.mean(np.concatenate([row[name] for row in self.window]))) for name in names}
        now = time.perf_counter()
        rate = (step - self.since) * self.images_per_step / (now - self.clock)
        phase = {"phase": self.phase} if self.phase else {}
        row = {"step": step, **phase, **means, **extra, "images_per_second": round(rate, 1)}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.since, self.window, self.clock = step, [], now
        return row


def _step_of(line: str) -> float:
    """The step of a line; infinity for a line cut short by a killed run."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf
