"""Plots: sample sheets, latent interpolations, nearest training images, training curves, metrics, toy games.

Images are uint8, or float in [0, 1], `[N, height, width, channels]`. Pictures are returned as uint8
`[height, width, channels]` arrays, figures as matplotlib's `Figure`. Only `save_png` and `animation` write files.
"""

from jgan.latents import interpolate
from jgan.plots.comparison import comparison
from jgan.plots.density import density_sheet
from jgan.plots.gif import animation
from jgan.plots.interpolation import interpolation_sheet
from jgan.plots.measures import ndb_histogram, prd_curve, spectrum
from jgan.plots.nearest import YELLOW, nearest_neighbours, nearest_sheet, neighbours_sheet
from jgan.plots.points import points_sheet
from jgan.plots.runs import compared, curves
from jgan.plots.sheets import BACKGROUND, LEGIBLE, grid, save_png, to_uint8
from jgan.plots.trajectories import trajectory_sheet

__all__ = [
    "BACKGROUND",
    "LEGIBLE",
    "YELLOW",
    "animation",
    "compared",
    "comparison",
    "curves",
    "density_sheet",
    "grid",
    "interpolate",
    "interpolation_sheet",
    "ndb_histogram",
    "nearest_neighbours",
    "nearest_sheet",
    "neighbours_sheet",
    "points_sheet",
    "prd_curve",
    "save_png",
    "spectrum",
    "to_uint8",
    "trajectory_sheet",
]
