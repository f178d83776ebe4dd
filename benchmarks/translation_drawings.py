"""The results of `python -m benchmarks.translation` as a Markdown table, with what each task asks for."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.drawings import markdown, origins

Figures = Mapping[str, Any]


class Runs:
    """The results of all runs, by which criteria are decided: the figures of a run are means over its seeds.

    Args:
      results: the content of the JSON files, by their names.
    """

    def __init__(self, results: Mapping[str, Figures]) -> None:
        self.seeds: dict[str, list[Figures]] = {}
        for found in results.values():
            self.seeds.setdefault(found["run"], []).append(found)

    def value(self, run: str, direction: str, name: str, *, identity: bool = False) -> float | None:
        """The mean of a figure over the seeds of a run; None if it was not measured."""
        found = [each["directions"].get(direction, {}) for each in self.seeds.get(run, [])]
        values = [(each.get("identity", {}) if identity else each).get(name) for each in found]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known and len(known) == len(values) else None


Bound = tuple[str, Callable[..., bool], tuple[tuple[str, str, str, bool], ...]]
"""What a task asks for in words, the test of the figures, and which: run, direction, name, whether of the sources instead."""


def _of(run: str, direction: str, name: str, identity: bool = False) -> tuple[str, str, str, bool]:
    return run, direction, name, identity


CRITERIA: dict[str, tuple[Bound, ...]] = {
    "invert": (
        *((f"error below 0.05, {way}", lambda error: error < 0.05, (_of("invert", way, "mae"),)) for way in ("ab", "ba")),
        *(
            (f"classified right at least 95%, {way}", lambda share: share >= 0.95, (_of("invert", way, "agreement"),))
            for way in ("ab", "ba")
        ),
    ),
    "colours": (
        *(
            (f"classified right at least 95%, {way}", lambda share: share >= 0.95, (_of("colours", way, "agreement"),))
            for way in ("ab", "ba")
        ),
        ("colours hidden in grey: ratio above 3", lambda ratio: ratio > 3, (_of("colours", "ba", "hiding"),)),
    ),
    "edges": (
        (
            "CycleGAN's error at most twice pix2pix's",
            lambda cycle, paired: cycle <= 2 * paired,
            (_of("edges_cyclegan", "ba", "mae"), _of("edges_pix2pix", "x", "mae")),
        ),
    ),
    "clothes": (
        ("KID below that of L1 alone", lambda gan, l1: gan < l1, (_of("clothes", "x", "kid"), _of("clothes_l1", "x", "kid"))),
        (
            "classified right as often as with L1 alone",
            lambda gan, l1: gan >= l1,
            (_of("clothes", "x", "agreement"), _of("clothes_l1", "x", "agreement")),
        ),
    ),
    "grey": (
        *(
            (
                f"{words} below that of L1 alone",
                lambda gan, l1: gan < l1,
                (_of("colour_photographs", "x", name), _of("colour_photographs_l1", "x", name)),
            )
            for words, name in (("chroma distance", "chroma_distance"), ("KID", "kid"))
        ),
        (
            "PSNR within 1 dB of L1 alone",
            lambda gan, l1: gan >= l1 - 1,
            (_of("colour_photographs", "x", "psnr"), _of("colour_photographs_l1", "x", "psnr")),
        ),
    ),
    "sharpen": (
        (
            "PSNR above the input's",
            lambda made, given: made > given,
            (_of("sharpen", "ab", "psnr"), _of("sharpen", "ab", "psnr", identity=True)),
        ),
        (
            "gradient energy within 20% of the truth's",
            lambda made, true: abs(made / true - 1) <= 0.2,
            (_of("sharpen", "ab", "gradient_energy"), _of("sharpen", "ab", "true_gradient_energy")),
        ),
    ),
    "boundaries": (
        (
            "F1 above that of L1 alone",
            lambda gan, l1: gan > l1,
            (_of("boundaries", "x", "edge_f1"), _of("boundaries_l1", "x", "edge_f1")),
        ),
    ),
}
"""What each task asks for."""


def criteria(results: Mapping[str, Figures]) -> dict[str, list[tuple[str, list[float], bool]]]:
    """Decides what each task asks for.

    Args:
      results: the content of the JSON files, by their names.

    Returns:
      For each task the criteria whose figures are all there: in words, the figures, and whether they are met.
    """
    runs, found = Runs(results), {}
    for task, bounds in CRITERIA.items():
        decided = []
        for words, test, figures in bounds:
            values = [runs.value(run, direction, name, identity=same) for run, direction, name, same in figures]
            if all(value is not None for value in values):
                decided.append((words, [value for value in values if value is not None], bool(test(*values))))
        if decided:
            found[task] = decided
    return found


_COLUMNS = {
    "mae": "error",
    "psnr": "PSNR",
    "kid": "KID",
    "agreement": "classified right",
    "edge_f1": "edge F1",
    "cycle": "cycle error",
    "hiding": "hiding ratio",
}


def translation(results: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.translation`: a row for each direction of each run, and the criteria below.

    Args:
      results: the content of the JSON files, by their names.

    Returns:
      Markdown.
    """
    runs, rows = Runs(results), []
    for run, seeds in sorted(runs.seeds.items(), key=lambda item: (item[1][0]["task"], item[0])):
        for direction in seeds[0]["directions"]:
            way = "" if direction == "x" else f" {direction}"
            rows.append([f"`{run}`{way}", *_cells(runs, run, direction), f"{seeds[0]['steps']:,} x {seeds[0]['batch_size']}"])
    asked = [
        f"{'met' if met else 'NOT met'}: `{task}`, {words} ({' against '.join(f'{value:.3g}' for value in values)})"
        for task, decided in criteria(results).items()
        for words, values, met in decided
    ]
    many = {run: len(seeds) for run, seeds in runs.seeds.items() if len(seeds) > 1}
    means = f"Means of {', '.join(f'{number} seeds of `{run}`' for run, number in many.items())}. " if many else ""
    notes = (
        "In parentheses, the same of the sources as they are. Errors are mean absolute differences from the truth, of pixels "
        "in [0, 1]; KID in the features of the classifier of the target domain, or of EfficientNet-Lite0. "
        f"{means}{origins(results.values(), 'python -m benchmarks.translation --data-dir DATA')}"
    )
    table = markdown(["run", *_COLUMNS.values(), "steps x batch"], rows)
    return "\n\n".join([table, notes, "\n".join(f"- {line}" for line in asked)])


def _cells(runs: Runs, run: str, direction: str) -> list[str]:
    cells = []
    for name in _COLUMNS:
        value, same = (runs.value(run, direction, name, identity=identity) for identity in (False, True))
        shown = (lambda number: f"{number:.1%}") if name == "agreement" else (lambda number: f"{number:.3g}")
        cells.append("" if value is None else shown(value) + (f" ({shown(same)})" if same is not None else ""))
    return cells
