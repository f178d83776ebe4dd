"""Pictures: sheets of samples, interpolations in the latent space, nearest training images, curves of a run.

Images go in as uint8, or as float in [0, 1], `[N, height, width, channels]`; a picture comes out as uint8
`[height, width, channels]`, a figure as matplotlib's `Figure`. Only `save_png` touches a file.
"""

from jgan.figures.interpolation import interpolate, interpolation_sheet
from jgan.figures.nearest import YELLOW, nearest_neighbours, nearest_sheet
from jgan.figures.runs import curves
from jgan.figures.sheets import BACKGROUND, LEGIBLE, grid, save_png, to_uint8

__all__ = [
    "BACKGROUND",
    "LEGIBLE",
    "YELLOW",
    "curves",
    "grid",
    "interpolate",
    "interpolation_sheet",
    "nearest_neighbours",
    "nearest_sheet",
    "save_png",
    "to_uint8",
]
