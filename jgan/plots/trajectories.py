"""Plot of the trajectories of two-parameter games over their vector field."""

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from jgan.plots.canvas import BLACK, COLORS, PALE, figure_of, finite, ordered, pixels, points_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trajectory_sheet(
    paths: Mapping[str, Any],
    field: Callable[[np.ndarray], Any],
    *,
    limits: tuple[float, float],
    equilibrium: tuple[float, float] = (0.0, 0.0),
    names: tuple[str, str] = ("generator", "discriminator"),
    title: str = "",
    dpi: int = 100,
) -> np.ndarray:
    """Plots trajectories of a two-parameter game over its vector field.

    A circle marks the start of a line, a dot its end, a cross the equilibrium. Lines are cut off at the limits.

    Args:
      paths: for each name, `[T, 2]` float: the generator's and the discriminator's parameter at each step. Values that are not
        finite are omitted.
      field: a function from points `[P, 2]` float64 to velocities `[P, 2]`. Only directions are drawn, and nothing where the
        velocity is 0.
      limits: the limits of both axes.
      equilibrium: the equilibrium of the game.
      names: the names of the two parameters.
      title: the title.
      dpi: dots per inch; the picture is 4 inches wide.

    Returns:
      The picture, uint8 `[4.4 dpi, 4 dpi, 3]`.

    Raises:
      ValueError: if a shape is wrong, there is no path, the field is not finite or the limits are not in order.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> t = np.linspace(0, 2 * np.pi, 100)
      >>> circle = np.stack([np.cos(t), np.sin(t)], axis=1)
      >>> bilinear = lambda w: np.stack([-w[:, 1], w[:, 0]], axis=1)  # min over x, max over y of x y
      >>> plots.trajectory_sheet({"flow": circle}, bilinear, limits=(-1.5, 1.5)).shape
      (440, 400, 3)
    """
    return pixels(_trajectory_figure(paths, field, limits=limits, equilibrium=equilibrium, names=names, title=title, dpi=dpi))


def _trajectory_figure(
    paths: Mapping[str, Any],
    field: Callable[[np.ndarray], Any],
    *,
    limits: tuple[float, float],
    equilibrium: tuple[float, float],
    names: tuple[str, str],
    title: str,
    dpi: int,
) -> "Figure":
    if not paths:
        raise ValueError("expected at least one path, found none")
    low, high = ordered(limits)
    figure = figure_of(4, 4.4, dpi)
    axis = figure.subplots()
    axis.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel=names[0], ylabel=names[1])
    _draw_field(axis, field, low, high)
    for (name, path), color in zip(paths.items(), cycle(COLORS), strict=False):
        points = points_of(name, path, 2)
        reach = 1e3 * (high - low)  # clip far outside the picture, since infinite values overflow in matplotlib
        points = np.where(np.abs(points - low) < reach, points, np.nan)
        axis.plot(*points.T, color=color, linewidth=1.6, label=name)
        axis.plot(*points[0], "o", color=color, markerfacecolor="white", markersize=7, zorder=3)
        axis.plot(*points[-1], "o", color=color, markersize=6, zorder=3)
    axis.plot(*equilibrium, "+", color=BLACK, markersize=11, markeredgewidth=1.8, zorder=4, label="equilibrium")
    axis.set_title(title, fontsize=11)
    axis.tick_params(labelsize=8)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _draw_field(axis: "Axes", field: Callable[[np.ndarray], Any], low: float, high: float, arrows: int = 17) -> None:
    """Arrows of equal length, centred on the cells of a grid."""
    middles = low + (high - low) * (np.arange(arrows) + 0.5) / arrows
    grid = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    velocity = finite("field", points_of("field", field(grid), 2))
    if len(velocity) != len(grid):
        raise ValueError(f"expected a velocity for each of the {len(grid)} points, found {len(velocity)}")
    speed = np.linalg.norm(velocity, axis=1, keepdims=True)
    moves = speed[:, 0] > 0
    direction = velocity[moves] / speed[moves]
    scale = 1.4 * arrows / (high - low)  # 5/7 of a cell
    options: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": scale, "width": 0.004, "pivot": "mid"}
    axis.quiver(*grid[moves].T, *direction.T, color=PALE, **options)
