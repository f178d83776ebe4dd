"""What the pictures of games share: matplotlib's objects, the colours, and checks of what is drawn.

The limits of a picture follow from the real data or are given, never from what the generator does: so the pictures of a run,
one after the other, make an animation in which only the game moves. The colours are those of Okabe and Ito, which the
colour-blind tell apart: grey and black are real, green is generated, blue the discriminator's or covered, vermilion missed.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, GREY, PALE = "#000000", "#555555", "#bbbbbb"
GREEN, BLUE, VERMILION = "#009e73", "#0072b2", "#d55e00"
COLORS = (BLUE, VERMILION, GREEN, "#cc79a7", "#e69f00", "#56b4e9", BLACK)


def figure_of(width: float, height: float, dpi: int) -> "Figure":
    """Matplotlib's object alone: no pyplot, no backend but the one that draws pixels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


def pixels(figure: "Figure") -> np.ndarray:
    """uint8 `[height, width, 3]`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def points_of(name: str, array: Any, dimension: int) -> np.ndarray:
    """`[N, dimension]` float64, at least one point."""
    points = np.asarray(array, np.float64)
    if points.ndim != 2 or points.shape[1] != dimension or len(points) == 0:
        raise ValueError(f"expected {name} of the shape [N, {dimension}], at least one point, found {points.shape}")
    return points


def values_of(name: str, array: Any, n: int) -> np.ndarray:
    """`[n]` float64, finite."""
    values = np.asarray(array, np.float64).ravel()
    if len(values) != n:
        raise ValueError(f"expected {n} values of {name}, one a point, found {len(values)}")
    return finite(name, values)


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """The array, if all of it is finite."""
    if not np.isfinite(array).all():
        raise ValueError(f"expected finite values of {name}, found {np.count_nonzero(~np.isfinite(array))} NaN or infinite")
    return array


def ordered(limits: tuple[float, float]) -> tuple[float, float]:
    """The limits, if the lower comes first."""
    low, high = limits
    if not (np.isfinite(limits).all() and low < high):
        raise ValueError(f"expected limits (low, high), the lower first, found {limits}")
    return low, high
