"""How runs are judged and shown: one file for each kind of model, named by its presets' `display`."""

from jgan import models
from jgan.displays import density, images, points, trajectory
from jgan.displays.display import Display
from jgan.run import Run

DISPLAYS: dict[str, Display] = {
    "images": images.DISPLAY,
    "points": points.DISPLAY,
    "density": density.DISPLAY,
    "trajectory": trajectory.DISPLAY,
}
"""Every display, by its name."""


def of(run: Run) -> Display:
    """The display of a run.

    Args:
      run: the run.

    Returns:
      That which its preset names.

    Example:
      >>> from jgan import displays
      >>> displays.DISPLAYS["points"].criterion
      'coverage'
    """
    return DISPLAYS[name_of(run)]


def name_of(run: Run) -> str:
    """The name of the display of a run.

    Args:
      run: the run.

    Returns:
      A key of `DISPLAYS`.
    """
    return models.presets()[run.config.preset].display
