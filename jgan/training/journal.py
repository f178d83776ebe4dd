"""`metrics.jsonl`: the metrics of a run, one object per line."""

import itertools
import json
import math
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from jgan.finite import SKIPPED
from jgan.types import Metrics
from jgan.utils.files import flush, naming, replacing

METRICS = "metrics.jsonl"


class NonFiniteError(ValueError):
    """A metric or a parameter is not finite."""


def rows(workdir: Path, *, torn: bool = False) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl`; an empty list if the file does not exist.

    Args:
      workdir: the folder of the run.
      torn: whether the last line may have been cut short by a kill; it is then left out.

    Returns:
      The lines.

    Raises:
      ValueError: if a line is not one of a journal; names the file and the line.
    """
    path = workdir / METRICS
    if not path.exists():
        return []
    found: list[dict[str, Any]] = []
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if row is None and torn and number == len(lines):
            return found
        if row is None:
            raise ValueError(f"{path}, line {number}, is not a line of metrics: {line[:40]!r}; remove it")
        found.append(row)
    return found


class Journal:
    """Writes `metrics.jsonl`: the mean of each metric since the last line, and timings.

    Metrics stay on the device until a line is due, so that the loop never waits for a step. A resumed run drops the lines
    that are later than its checkpoint, and writes them again with the same values.

    Args:
      workdir: the folder of the run.
      step: the step from which it continues.
      sums: the sums since the last line, from the checkpoint: see `sums`.

    Attributes:
      unreadable: the number of lines that were dropped because they were damaged.
      lines: the number of lines in the file.
    """

    def __init__(self, workdir: Path, step: int, sums: dict[str, list[float]] | None = None) -> None:
        self.path = workdir / METRICS
        self.pending: list[tuple[Metrics, int]] = []
        self._sums = {name: (float(total), int(count)) for name, (total, count) in (sums or {}).items()}
        self.begin(step, 0)
        self.unreadable, self.lines = 0, 0
        if self.path.exists():
            lines = self.path.read_bytes().splitlines()
            read = [(line, _row(line)) for line in lines]
            self.unreadable = sum(row is None for _, row in read[:-1])  # the last one may have been cut short by a kill
            kept = [line for line, row in read if row is not None and row["step"] <= step]
            self.lines = len(kept)
            if self.unreadable:
                _keep_a_copy(self.path)
            with replacing(self.path) as temporary:
                temporary.write_bytes(b"".join(line + b"\n" for line in kept))

    def begin(self, step: int, images_per_step: int, phase: str = "") -> None:
        """Starts or continues a phase: sets the batch size, the phase's name in the lines, and the timer."""
        self.since, self.images_per_step, self.phase = step, images_per_step, phase
        self.clock = time.perf_counter()

    def add(self, metrics: Metrics, size: int) -> None:
        """Adds the metrics of one call, which ran `size` steps."""
        self.pending.append((metrics, size))

    def sums(self) -> dict[str, list[float]]:
        """The sum and the count of each metric since the last line, in float64: what a resumed run needs for its next line."""
        return {name: [total, count] for name, (total, count) in self._sums.items()}

    def flush(self) -> None:
        """Flushes the file to the disk: a checkpoint must not be there without the lines before it."""
        if self.path.exists():
            flush(self.path)

    def check(self, step: int) -> None:
        """Fetches pending metrics.

        Args:
          step: the step of the run that they end with.

        Raises:
          NonFiniteError: names the first metric and step that is not finite and was not skipped.
        """
        done = step - sum(size for _, size in self.pending)
        for metrics, size in self.pending:
            fetched = {name: np.atleast_1d(np.asarray(value)) for name, value in metrics.items()}
            for offset in range(size):
                self._include({name: float(values[offset]) for name, values in fetched.items()}, done + offset + 1)
            done += size
        self.pending = []

    def _include(self, metrics: dict[str, float], step: int) -> None:
        if metrics.get(SKIPPED):
            metrics = {SKIPPED: 1.0}
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise NonFiniteError(f"{name} is {value} at step {step}")
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value, count + 1  # step by step: the sum does not depend on where a run was interrupted

    def write(self, step: int, extra: dict[str, Any]) -> dict[str, Any]:
        """Writes one line and returns it."""
        self.check(step)
        means = {name: total / count for name, (total, count) in self._sums.items() if name != SKIPPED}
        skipped = {SKIPPED: round(self._sums[SKIPPED][0])} if SKIPPED in self._sums else {}
        now = time.perf_counter()
        rate = (step - self.since) * self.images_per_step / (now - self.clock)
        phase = {"phase": self.phase} if self.phase else {}
        row = {"step": step, **phase, **means, **skipped, **extra, "images_per_second": round(rate, 1)}
        self.append(row)
        self.since, self._sums, self.clock = step, {}, now
        return row

    def append(self, row: dict[str, Any]) -> None:
        """Writes one line as it is."""
        with naming(self.path), self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.lines += 1


def _keep_a_copy(path: Path) -> None:
    """Copies a file with damaged lines, which are removed from it, into the folder `damaged` beside it."""
    aside = path.parent / "damaged"
    aside.mkdir(exist_ok=True)
    numbered = (aside / f"{path.stem}-{number}{path.suffix}" for number in itertools.count(1))
    shutil.copy(path, next(target for target in numbered if not target.exists()))


def _row(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None for one that was cut short by a killed run, or is of another program."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    good = isinstance(row, dict) and isinstance(row.get("step"), int)
    return row if good else None
