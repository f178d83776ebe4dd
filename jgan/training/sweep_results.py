"""What the runs of a sweep have reached, the best setting first."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import reading
from jgan.training.environment import environment, write_json
from jgan.training.sweeps import Setting

MEASURING = frozenset(("dataset", "data-dir", "held-out", "eval-samples", "metric", "extractor", "weights"))
"""options on which the measure itself depends, so that its values do not compare the combinations"""


class Result(NamedTuple):
    """What the runs of a setting have reached.

    Attributes:
      measure: the name of the measure by which the best checkpoint of each is kept.
      larger: whether larger values of it are better.
      values: the best value of each seed.
    """

    measure: str
    larger: bool
    values: dict[int, float]

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(list(self.values.values())))

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None for one seed."""
        count = len(self.values)
        return None if count < 2 else float(np.std(list(self.values.values()), ddof=1) / math.sqrt(count))


def result(folder: Path) -> Result | None:
    """What the runs of a setting have reached.

    Args:
      folder: the folder of the run, or of several seeds.

    Returns:
      The `Result`; None if they have not ended, or have no measure.

    Raises:
      ValueError: if the summary is damaged.
    """
    path = folder / "summary.json"
    if not path.is_file():
        return None
    with reading.naming(path, "the summary of a run"):
        summary = json.loads(path.read_bytes())
        ends = {int(seed): end["best"] for seed, end in summary.get("seeds", {0: summary}).items()}
        measure = summary.get("criterion")
        if measure is None or not all(ends.values()):
            return None
        return Result(measure, summary["larger_is_better"], {seed: float(row[measure]) for seed, row in ends.items()})


def ended(folder: Path, steps: int) -> bool:
    """Whether the runs of a setting have ended after so many steps, or more.

    Args:
      folder: the folder of the run, or of several seeds.
      steps: their length.

    Returns:
      Whether `summary.json` says so.
    """
    path = folder / "summary.json"
    if not path.is_file():
        return False
    with reading.naming(path, "the summary of a run"):
        return bool(json.loads(path.read_bytes())["steps"] >= steps)


def ranked(workdir: Path, all_settings: Sequence[Setting]) -> list[tuple[Setting, Result]]:
    """The settings that have a result, the best one first.

    Args:
      workdir: the folder of the sweep.
      all_settings: its settings.

    Returns:
      The settings and what they have reached, by the mean over the seeds; those that have another measure than most follow.
    """
    found = [(setting, reached) for setting in all_settings if (reached := result(workdir / setting.folder)) is not None]
    measures = [reached.measure for _, reached in found]
    usual = max(measures, key=measures.count, default="")

    def order(pair: tuple[Setting, Result]) -> tuple[bool, float]:
        _, reached = pair
        return reached.measure != usual, -reached.mean if reached.larger else reached.mean

    return sorted(found, key=order)


def table(found: Sequence[tuple[Setting, Result]]) -> list[list[str]]:
    """The settings as rows of texts, with a header.

    Args:
      found: the settings and what they have reached, the best one first.

    Returns:
      The rows: the values of the flags, the mean, its standard error if there are several seeds, the value of each seed.

    Example:
      >>> from jgan.training import sweep_results, sweeps
      >>> reached = sweep_results.Result("fid", False, {0: 3.0, 1: 5.0})
      >>> sweep_results.table([(sweeps.Setting({"model.loss": "hinge"}, "loss=hinge"), reached)])
      [['model.loss', 'best fid', 'standard error', 'seeds'], ['hinge', '4', '1', '3, 5']]
    """
    setting, first = found[0]
    several = any(len(reached.values) > 1 for _, reached in found)
    rows = [[*setting.options, f"best {first.measure}", *(["standard error", "seeds"] if several else [])]]
    for setting, reached in found:
        row = [
            *setting.options.values(),
            f"{reached.mean:.4g}" + ("" if reached.measure == first.measure else f" ({reached.measure})"),
        ]
        if several:
            each = ", ".join(f"{value:.4g}" for value in reached.values.values())
            row += ["" if reached.error is None else f"{reached.error:.2g}", each]
        rows.append(row)
    return rows


def caution(found: Sequence[tuple[Setting, Result]]) -> str:
    """How far the order of the first two can be trusted.

    Args:
      found: the settings and what they have reached, the best one first.

    Returns:
      A sentence; "" if their difference is at least twice its standard error, or there are no two with one measure.

    Example:
      >>> from jgan.training import sweep_results, sweeps
      >>> setting = sweeps.Setting({"model.loss": "hinge"}, "loss=hinge")
      >>> first, second = (sweep_results.Result("fid", False, {0: value}) for value in (3.0, 5.0))
      >>> sweep_results.caution([(setting, first), (setting, second)])
      'one seed: the difference may be chance; --seeds 3 says more'
    """
    if len(found) < 2 or found[0][1].measure != found[1][1].measure:
        return ""
    if measuring := sorted(MEASURING & set(found[0][0].options)):
        return f"the measure depends on {' and '.join(measuring)}: its values do not say which combination is better"
    (_, first), (_, second) = found[:2]
    if first.error is None or second.error is None:
        return "one seed: the difference may be chance; --seeds 3 says more"
    error = math.hypot(first.error, second.error)
    if abs(first.mean - second.mean) >= 2 * error:
        return ""
    return f"the first two differ by less than twice the standard error of their difference, {error:.2g}: it may be chance"


def summarize(workdir: Path, found: Sequence[tuple[Setting, Result]]) -> None:
    """Writes `summary.json` of the sweep.

    Args:
      workdir: the folder of the sweep.
      found: the settings and what they have reached, the best one first.
    """
    entries: list[dict[str, Any]] = [
        {
            "options": setting.options,
            "folder": setting.folder,
            "measure": reached.measure,
            "larger_is_better": reached.larger,
            "mean": reached.mean,
            "standard_error": reached.error,
            "seeds": reached.values,
        }
        for setting, reached in found
    ]
    write_json(workdir / "summary.json", {"settings": entries, "caution": caution(found), "environment": environment()})
