"""How runs are judged and shown: one file for each kind of model, named by its presets' `display`."""

from collections.abc import Callable

from jgan import models
from jgan.displays import density, images, points, trajectory
from jgan.displays.display import Display
from jgan.run import Run

DISPLAYS: dict[str, Callable[[Run], Display]] = {
    "images": images.display,
    "points": lambda run: points.DISPLAY,
    "density": lambda run: density.DISPLAY,
    "trajectory": lambda run: trajectory.DISPLAY,
}
"""Every display, by its name: what makes it for a run."""


def of(run: Run) -> Display:
    """The display of a run.

    Args:
      run: the run.

    Returns:
      That which its preset names.

    Example:
      >>> from jgan import displays
      >>> sorted(displays.DISPLAYS)
      ['density', 'images', 'points', 'trajectory']
    """
    return DISPLAYS[name_of(run)](run)


def name_of(run: Run) -> str:
    """The name of the display of a run.

    Args:
      run: the run.

    Returns:
      A key of `DISPLAYS`.
    """
    return models.presets()[run.config.preset].display
