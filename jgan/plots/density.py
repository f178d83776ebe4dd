"""Plot of a one-dimensional game: both densities, D(x), and the generator's map from z to x."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jgan.plots.canvas import BLACK, BLUE, GREEN, figure_of, finite, ordered, pixels, points_of, values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARROWS = 31
"""The number of arrows from z to x in a picture."""


def density_sheet(
    samples: Any,
    real: Callable[[np.ndarray], Any] | Any,
    *,
    limits: tuple[float, float] | None = None,
    discriminator: Callable[[np.ndarray], Any] | None = None,
    latents: Any | None = None,
    bins: int = 80,
    title: str = "",
    dpi: int = 100,
) -> np.ndarray:
    """Plots a one-dimensional game as in the paper's figure 1: both densities, D(x), and the generator's map from z to x.

    Args:
      samples: `[N, 1]` float, generated points, drawn as a histogram; they may be infinite or NaN.
      real: the density of the data, a function from points `[P, 1]` float64 to `P` values; or real points `[M, 1]`, drawn as a
        histogram.
      limits: the limits of x; by default slightly more than the range of the real points.
      discriminator: a function from points `[P, 1]` float64 to `P` probabilities of being real, or None to omit it. Apply a
        sigmoid to a network's logits.
      latents: `[N, 1]` float, the z of each sample, or None to omit the arrows.
      bins: the number of bins of the histograms.
      title: the title.
      dpi: dots per inch; the picture is 4 inches wide.

    Returns:
      The picture, uint8 `[3 dpi, 4 dpi, 3]`, or `[4 dpi, 4 dpi, 3]` with latents. Its upper limit is 1.5 times the peak of the
      real density; higher bars of a collapsed generator are cut off.

    Raises:
      ValueError: if a shape is wrong, `limits` are missing or not in order, a real value is not finite, or the
        discriminator's values are not probabilities.

    Example:
      >>> import functools
      >>> from jgan import data, plots
      >>> from jgan.data import toys
      >>> p_data = functools.partial(toys.density, "gaussian1d")
      >>> plots.density_sheet(data.load("gaussian1d").test.x, p_data, limits=(0, 8)).shape
      (300, 400, 3)

    References:
      Goodfellow et al. (2014), figure 1, https://arxiv.org/abs/1406.2661
    """
    return pixels(
        _density_figure(
            samples, real, limits=limits, discriminator=discriminator, latents=latents, bins=bins, title=title, dpi=dpi
        )
    )


def _density_figure(
    samples: Any, real: Any, *, limits: Any, discriminator: Any, latents: Any, bins: int, title: str, dpi: int
) -> "Figure":
    samples = points_of("samples", samples, 1)[:, 0]
    if not callable(real):
        real = finite("real", points_of("real", real, 1))[:, 0]
        limits = limits or (real.min() - 0.2 * np.ptp(real), real.max() + 0.2 * np.ptp(real))
    elif limits is None:
        raise ValueError("expected limits if the real data are given as a density, found none: pass (low, high)")
    low, high = ordered(limits)
    edges, x = np.linspace(low, high, bins + 1), np.linspace(low, high, 401)
    figure = figure_of(4, 3 if latents is None else 4, dpi)
    axis, *below = figure.subplots(
        1 if latents is None else 2, squeeze=False, height_ratios=None if latents is None else (3, 1)
    )[:, 0]
    if callable(real):
        heights = values_of("the real density", real(x[:, None]), len(x))
        axis.plot(x, heights, ":", color=BLACK, linewidth=1.8, label="$p_{data}$")
    else:
        heights = _histogram(real, edges)
        axis.stairs(heights, edges, color=BLACK, linestyle=":", linewidth=1.5, label="$p_{data}$")
    axis.stairs(_histogram(samples, edges), edges, fill=True, color=GREEN, alpha=0.6, label="$p_g$")
    axis.set(xlim=(low, high), ylim=(0, 1.5 * heights.max() or 1.0))
    axis.set_title(title, fontsize=11)
    if discriminator is not None:
        _draw_probability(axis, x, discriminator)
    if latents is not None:
        _draw_map(below[0], finite("latents", points_of("latents", latents, 1))[:, 0], samples, low, high)
    for each in figure.axes:
        each.tick_params(labelsize=8)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _draw_probability(axis: "Axes", x: np.ndarray, discriminator: Callable[[np.ndarray], Any]) -> None:
    """Draws D(x) on a second axis, on the right."""
    values = values_of("the discriminator", discriminator(x[:, None]), len(x))
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"expected the discriminator's probabilities, from 0 to 1, found {values.min():.3g} to {values.max():.3g}: apply "
            "a sigmoid to logits"
        )
    right = axis.twinx()
    right.plot(x, values, "--", color=BLUE, linewidth=1.5, label="$D(x)$")
    right.set(ylim=(0, 1.02), yticks=(0, 0.5, 1))
    right.tick_params(axis="y", colors=BLUE)


def _draw_map(axis: "Axes", z: np.ndarray, samples: np.ndarray, low: float, high: float) -> None:
    """Draws arrows from z, on a line with its own scale, up to x; their density is that of z and of x."""
    if len(z) != len(samples):
        raise ValueError(f"expected a latent for each sample, found {len(z)} for {len(samples)}")

    def place(value: Any) -> Any:
        return low + (high - low) * (value - z.min()) / (np.ptp(z) or 1.0)

    order = np.argsort(z)[np.unique(np.linspace(0, len(z) - 1, ARROWS).astype(int))]
    order = order[(samples[order] >= low) & (samples[order] <= high)]
    start, move = place(z[order]), samples[order] - place(z[order])
    zero, one = np.zeros_like(start), np.ones_like(start)
    options: dict[str, Any] = {
        "angles": "xy",
        "scale_units": "xy",
        "scale": 1,
        "width": 0.0025,
        "headwidth": 5,
        "headlength": 7,
    }
    axis.quiver(start, zero, move, one, color=BLACK, **options)
    ticks = np.linspace(z.min(), z.max(), 5)
    axis.set(xlim=(low, high), ylim=(0, 1), yticks=(0, 1), yticklabels=("z", "x"))
    axis.set_xticks(place(ticks), [f"{tick:.1f}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    axis.spines[["left", "right"]].set_visible(False)


def _histogram(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The density in each bin; values outside the edges count in the total."""
    inside = values[(values >= edges[0]) & (values <= edges[-1])]
    return np.histogram(inside, edges)[0] / (len(values) * np.diff(edges))
