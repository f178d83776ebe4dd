"""How runs are judged and shown: one file for each kind of model, named by its presets' `display`."""

from collections.abc import Callable

from jgan import models
from jgan.training.evaluators import density, images, points, trajectory
from jgan.training.evaluators.evaluator import Evaluator
from jgan.training.run import Run

EVALUATORS: dict[str, Callable[[Run], Evaluator]] = {
    "images": images.display,
    "points": lambda run: points.EVALUATOR,
    "density": lambda run: density.EVALUATOR,
    "trajectory": lambda run: trajectory.EVALUATOR,
}
"""Every display, by its name: what makes it for a run."""


def of(run: Run) -> Evaluator:
    """The display of a run.

    Args:
      run: the run.

    Returns:
      That which its preset names.

    Example:
      >>> from jgan.training import evaluators
      >>> sorted(evaluators.EVALUATORS)
      ['density', 'images', 'points', 'trajectory']
    """
    return EVALUATORS[name_of(run)](run)


def name_of(run: Run) -> str:
    """The name of the display of a run.

    Args:
      run: the run.

    Returns:
      A key of `EVALUATORS`.
    """
    return models.presets()[run.config.preset].display
