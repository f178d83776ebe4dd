"""Shared parts of the plots of toy games: matplotlib objects, colours, input checks.

The limits of a picture are given or follow from the real data, never from the generated data, so that consecutive pictures of a
run can be joined to an animation. The colours are Okabe and Ito's colour-blind-safe palette: grey and black for real, green for
generated, blue for the discriminator or covered modes, vermilion for missed modes.
"""

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, GREY, PALE = "#000000", "#555555", "#bbbbbb"
GREEN, BLUE, VERMILION = "#009e73", "#0072b2", "#d55e00"
COLORS = (BLUE, VERMILION, GREEN, "#cc79a7", "#e69f00", "#56b4e9", BLACK)


def figure_of(width: float, height: float, dpi: int | None = None) -> "Figure":
    """A matplotlib figure with the Agg canvas, without pyplot: the backend that the user has set makes no difference."""
    _import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _import_matplotlib() -> None:
    """Imports matplotlib even if `MPLBACKEND` names a backend that is not installed, as in a shell that a notebook started.

    matplotlib checks the name at its first import, although only pyplot uses it. A valid name is kept for pyplot.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", "")
    try:
        import matplotlib
    finally:
        if backend:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


def pixels(figure: "Figure") -> np.ndarray:
    """The figure as uint8 `[height, width, 3]`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def points_of(name: str, array: Any, dimension: int) -> np.ndarray:
    """Checks points and converts them to `[N, dimension]` float64; at least one point."""
    points = _floats(name, array)
    if points.ndim != 2 or points.shape[1] != dimension or len(points) == 0:
        raise ValueError(f"expected {name} of the shape [N, {dimension}], at least one point, found {points.shape}")
    return points


def values_of(name: str, array: Any, n: int) -> np.ndarray:
    """Checks values and converts them to `[n]` float64, finite."""
    values = _floats(name, array).ravel()
    if len(values) != n:
        raise ValueError(f"expected {n} values of {name}, one per point, found {len(values)}")
    return finite(name, values)


def _floats(name: str, array: Any) -> np.ndarray:
    """Converts real numbers to float64; NumPy would drop the imaginary parts of complex ones."""
    if np.iscomplexobj(array):
        raise ValueError(f"expected real values of {name}, found complex ones")
    return np.asarray(array, np.float64)


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """Returns the array, or raises ValueError if it is not finite."""
    if not np.isfinite(array).all():
        raise ValueError(f"expected finite values of {name}, found {np.count_nonzero(~np.isfinite(array))} NaN or infinite")
    return array


def ordered(limits: tuple[float, float]) -> tuple[float, float]:
    """Returns the limits, or raises ValueError if they are not in order."""
    low, high = limits
    if not (np.isfinite(limits).all() and low < high):
        raise ValueError(f"expected limits (low, high), the lower first, found {limits}")
    return low, high
