"""What an evaluator is: how the runs of a kind of model are judged while they train, and what is drawn of them."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils.registry import Registry, import_all


class Evaluator(NamedTuple):
    """How a run is judged and shown.

    The functions take the run in the phase that the state is of: `run.gan` is that phase's model.

    Attributes:
      name: what the measure is called in `python -m jgan.evaluate`.
      criterion: the name of the measure by which the best checkpoint is kept.
      larger: whether larger values of it are better.
      measure: `measure(run, state) -> {name: value}`, the criterion among them (it may be left out in a phase where it has no
        meaning); it goes into `metrics.jsonl`, with a warning for the progress line under `warning`, if there is one.
      phrase: `phrase(row) -> str`, the measures of a line in a few words.
      sheet: `sheet(run, state) -> uint8 [height, width, channels]`, the picture in `samples/`.
      finish: `finish(run, state) -> (entries of summary.json, closing sentence)`; it writes the pictures of a finished run.
      balance: as `jgan.plots.curves` takes it.
    """

    name: str
    criterion: str
    larger: bool
    measure: Callable[[Run, GANState], dict[str, Any]]
    phrase: Callable[[Mapping[str, Any]], str]
    sheet: Callable[[Run, GANState], np.ndarray]
    finish: Callable[[Run, GANState], tuple[dict[str, Any], str]]
    balance: Mapping[str, float] | None = None

    def score(self, row: Mapping[str, float]) -> float:
        """The criterion of a line, negated if lower is better."""
        return row[self.criterion] if self.larger else -row[self.criterion]


EVALUATORS: Registry[Callable[[Run], Evaluator]] = Registry(
    "evaluator",
    lambda: import_all("jgan.training.evaluators", importlib.import_module("jgan.training.evaluators").__path__),
)
"""Every evaluator by its name: what makes it for a run. Each is registered in its own file, which is found by itself."""


def no_metric(run: Run, name: str) -> None:
    """Checks that `--metric`, which is for images, is not given for a run that another evaluator judges.

    Args:
      run: the run.
      name: what its evaluator measures instead.

    Raises:
      ValueError: if it is given.
    """
    if run.config.metric != "auto":
        raise ValueError(
            f"--metric {run.config.metric} measures single sets of images, and {run.config.preset} on {run.config.dataset} is "
            f"measured by {name}: leave it out"
        )


def animate(run: Run, *, fps: float = 10.0) -> str:
    """Makes `animation.gif` of the pictures in the folder of a run.

    Args:
      run: the run.
      fps: pictures in a second.

    Returns:
      The path.
    """
    from PIL import Image

    from jgan import plots

    paths = sorted((run.workdir / "samples").glob("step_*.png"))
    out = run.workdir / "animation.gif"
    plots.animation([np.asarray(Image.open(path).convert("RGB")) for path in paths], out, fps=fps)
    return str(out)
