"""`Evaluator`: the measures and pictures of the runs of one kind of model."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils.registry import Registry, import_all


class Evaluator(NamedTuple):
    """The measures and pictures of a run.

    The functions take the run in the phase of the state: `run.gan` is the model of that phase.

    Attributes:
      name: the name of the measure in `python -m jgan.evaluate`.
      criterion: the name of the measure by which the best checkpoint is kept.
      larger: whether larger values of it are better.
      measure: `measure(run, state) -> {name: value}`, written to `metrics.jsonl`. It includes the criterion, except in phases
        where this is undefined, and optionally `warning`, a warning for the progress line.
      phrase: `phrase(row) -> str`, the measures of a line as text.
      sheet: `sheet(run, state) -> uint8 [height, width, channels]`, the picture in `samples/`; a text if `suffix` is `.txt`.
      finish: `finish(run, state) -> (entries of summary.json, closing sentence)`; it writes the pictures of a finished run.
      earlier: the criterion, and whether larger values of it are better, of phases in which the other one is not measured.
      suffix: the ending of the files in `samples/`: `.png`, or `.txt` for samples that are text.
      draws: whether a measure draws `eval_samples` samples, all of which must fit into the memory.
    """

    name: str
    criterion: str
    larger: bool
    measure: Callable[[Run, GANState], dict[str, Any]]
    phrase: Callable[[Mapping[str, Any]], str]
    sheet: Callable[[Run, GANState], Any]
    finish: Callable[[Run, GANState], tuple[dict[str, Any], str]]
    earlier: tuple[str, bool] | None = None
    suffix: str = ".png"
    draws: bool = True

    def criterion_of(self, row: Mapping[str, Any]) -> tuple[str, bool] | None:
        """The criterion that a line has, and whether larger values of it are better; None if it has none."""
        candidates = [(self.criterion, self.larger), *([] if self.earlier is None else [self.earlier])]
        return next((found for found in candidates if found[0] in row), None)

    def judges(self, row: Mapping[str, Any]) -> bool:
        """Whether a line has the criterion of its phase."""
        return self.criterion_of(row) is not None

    def score(self, row: Mapping[str, float]) -> float:
        """The criterion of a line, negated if lower is better; a `KeyError` if it has none."""
        name, larger = self.criterion_of(row) or (self.criterion, self.larger)
        return row[name] if larger else -row[name]


EVALUATORS: Registry[Callable[[Run], Evaluator]] = Registry(
    "evaluator",
    lambda: import_all("jgan.training.evaluators", importlib.import_module("jgan.training.evaluators").__path__),
)
"""All evaluators by name, as functions of a run. Each is registered in its own file, which is imported automatically."""


def no_metric(run: Run, name: str) -> None:
    """Checks that `--metric`, which is for images, is not given for a run with another evaluator.

    Args:
      run: the run.
      name: the measure of its evaluator.

    Raises:
      ValueError: if `--metric` is given.
    """
    if run.config.metric != "auto":
        raise ValueError(
            f"--metric {run.config.metric} measures single sets of images, and {run.config.preset} on {run.config.dataset} is "
            f"measured by {name}: leave it out"
        )


def animate(run: Run, *, fps: float = 10.0) -> str:
    """Writes `animation.gif` from the pictures in the folder of a run.

    Args:
      run: the run.
      fps: pictures per second.

    Returns:
      The path.
    """
    from PIL import Image

    from jgan import plots

    paths = sorted((run.workdir / "samples").glob("step_*.png"))
    out = run.workdir / "animation.gif"
    plots.animation([np.asarray(Image.open(path).convert("RGB")) for path in paths], out, fps=fps)
    return str(out)
