"""What a display is: how the runs of a kind of model are judged while they train, and what is drawn of them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jgan.training.run import Run
from jgan.types import GANState


class Evaluator(NamedTuple):
    """How a run is judged and shown.

    Attributes:
      criterion: the name of the measure by which the best checkpoint is kept.
      larger: whether the larger value of it is the better.
      measure: `measure(run, state) -> {name: value}`, the criterion among them; it goes into `metrics.jsonl`,
        and with them, under `warning`, what the progress line should warn of.
      phrase: `phrase(row) -> str`, the measures of a line in a few words.
      sheet: `sheet(run, state) -> uint8 [height, width, channels]`, the picture of `samples/`.
      finish: `finish(run, state) -> (entries of summary.json, the last word)`; it writes what pictures a finished run has.
      balance: as `jgan.plots.curves` takes it.
    """

    criterion: str
    larger: bool
    measure: Callable[[Run, GANState], dict[str, Any]]
    phrase: Callable[[Mapping[str, Any]], str]
    sheet: Callable[[Run, GANState], np.ndarray]
    finish: Callable[[Run, GANState], tuple[dict[str, Any], str]]
    balance: Mapping[str, float] | None = None

    def score(self, row: Mapping[str, float]) -> float:
        """The criterion of a line, so turned that the larger is the better."""
        return row[self.criterion] if self.larger else -row[self.criterion]


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
