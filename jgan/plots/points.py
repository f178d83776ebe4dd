"""Plot of generated points over real points, with the covered modes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jgan.plots.canvas import BLUE, GREEN, GREY, VERMILION, figure_of, finite, pixels, points_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def points_sheet(
    samples: Any,
    real: Any,
    *,
    centres: Any | None = None,
    radius: float | None = None,
    title: str = "",
    dpi: int = 100,
) -> np.ndarray:
    """Plots generated points over real points, with the modes as circles.

    Circles that contain a generated point are blue; the others are vermilion and crossed out. The number of points outside the
    picture is shown in its corner. With a radius of three standard deviations, the two numbers in the title are those of
    `jgan.metrics.modes`.

    Args:
      samples: `[N, 2]` float, generated points; they may be infinite or NaN.
      real: `[M, 2]` float, real points; the picture is a square slightly larger than their range.
      centres: `[modes, 2]` float, or None to omit the circles.
      radius: the radius of the circles, in units of the points; usually three standard deviations of a mode.
      title: the title; the number of covered modes and the share of points in a circle are appended.
      dpi: dots per inch; the picture is 4 inches wide.

    Returns:
      The picture, uint8 `[4.4 dpi, 4 dpi, 3]`.

    Raises:
      ValueError: if a shape is wrong, a real point is not finite, or only one of `centres` and `radius` is given.

    Example:
      >>> from jgan import data, plots
      >>> from jgan.data import toys
      >>> real = data.load("ring8").test.x
      >>> picture = plots.points_sheet(
      ...     real[:100], real[:2500], centres=toys.centres("ring8"), radius=3 * toys.std("ring8"), title="step 0"
      ... )
      >>> picture.shape
      (440, 400, 3)
    """
    return pixels(_points_figure(samples, real, centres=centres, radius=radius, title=title, dpi=dpi))


def _points_figure(samples: Any, real: Any, *, centres: Any, radius: float | None, title: str, dpi: int) -> "Figure":
    samples, real = points_of("samples", samples, 2), finite("real", points_of("real", real, 2))
    if (centres is None) != (radius is None):
        raise ValueError("expected centres and radius both or neither, found one alone")
    figure = figure_of(4, 4.4, dpi)
    axis = figure.subplots()
    middle, half = (real.max(axis=0) + real.min(axis=0)) / 2, 0.6 * np.ptp(real, axis=0).max() or 1.0
    axis.set(xlim=middle[0] + half * np.array([-1, 1]), ylim=middle[1] + half * np.array([-1, 1]), aspect="equal")
    inside = np.all(np.abs(samples - middle) <= half, axis=1)
    for points, color, size, name in ((real, GREY, 1.2, "real"), (samples[inside], GREEN, 1.8, "generated")):
        axis.plot(*points.T, "o", color=color, markersize=size, markeredgewidth=0)
        axis.plot([], [], "o", color=color, markersize=4, markeredgewidth=0, label=name)
    if not inside.all():
        axis.text(0.98, 0.015, f"{np.sum(~inside):,} beyond", transform=axis.transAxes, ha="right", fontsize=8)
    if radius is not None:
        means = points_of("centres", centres, 2)
        within = np.linalg.norm(samples[:, None] - means, axis=-1) <= radius
        covered, good = within.any(axis=0), within.any(axis=1).mean()
        _draw_modes(axis, means, radius, covered)
        title = f"{title}{': ' if title else ''}{covered.sum()} of {len(means)} modes, {good:.1%} in a circle"
    axis.set_title(title, fontsize=10)
    axis.tick_params(labelsize=8)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False, handletextpad=0.3, columnspacing=1.2)
    return figure


def _draw_modes(axis: "Axes", means: np.ndarray, radius: float, covered: np.ndarray) -> None:
    from matplotlib.collections import EllipseCollection

    diameters = np.full(len(means), 2 * radius)
    colors = [BLUE if found else VERMILION for found in covered]
    style: dict[str, Any] = {"facecolors": "none", "edgecolors": colors, "linewidths": 1.2, "zorder": 3}
    place: dict[str, Any] = {"units": "xy", "offsets": means, "offset_transform": axis.transData}
    axis.add_collection(EllipseCollection(diameters, diameters, np.zeros(len(means)), **place, **style))
    axis.plot([], [], "o", color=BLUE, fillstyle="none", markersize=6, label="covered")
    axis.plot(*means[~covered].T, "x", color=VERMILION, markersize=9, markeredgewidth=1.5, zorder=4, label="missed")
