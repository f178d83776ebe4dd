"""Plots of metrics: precision-recall curves, NDB histograms, power spectra."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from jgan.plots.canvas import BLACK, COLORS, GREEN, GREY, PALE, VERMILION, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUIET = 1e-10
"""The lowest power drawn: -100 dB relative to a white pixel."""


def prd_curve(curves: Mapping[str, Any], *, title: str = "", dpi: int = 100) -> "Figure":
    """Precision-recall curves, one per generator.

    A generator with all modes and nothing else fills the square. A generator with only some of the modes has a lower maximum
    recall (right edge); one with samples outside all modes has a lower maximum precision (top edge).

    Args:
      curves: a `PRD` of `jgan.metrics.prd` for each name. The legend shows F_8, which weights recall, and F_1/8.
      title: the title.
      dpi: dots per inch; the figure is 4.4 by 4.8 inches, plus 0.2 for each curve after the second.

    Returns:
      The figure; `figure.savefig(path)` writes it.

    Raises:
      ValueError: if there is no curve.

    Example:
      >>> import numpy as np
      >>> from jgan import plots
      >>> from jgan.metrics import prd
      >>> features = np.random.default_rng(0).standard_normal((200, 3))
      >>> found = prd.evaluate(features, features, clusters=5, runs=2)
      >>> [line.get_label() for line in plots.prd_curve({"copies": found}).axes[0].lines]
      ['copies: $F_8$ 1.00, $F_{1/8}$ 1.00']

    References:
      Sajjadi et al., "Assessing generative models via precision and recall" (2018), figure 1, https://arxiv.org/abs/1806.00035
    """
    if not curves:
        raise ValueError("expected at least one curve, found none")
    figure = figure_of(4.4, 4.8 + 0.2 * max(0, len(curves) - 2), dpi)
    axis = figure.subplots()
    for (name, found), color in zip(curves.items(), cycle(COLORS), strict=False):
        label = f"{name}: $F_8$ {found.f_8:.2f}, $F_{{1/8}}$ {found.f_1_8:.2f}"
        axis.plot(found.recall, found.precision, color=color, linewidth=2, label=label, clip_on=False, zorder=3)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="recall", ylabel="precision")
    _finish(figure, title, columns=1)
    return figure


def ndb_histogram(real: Any, fake: Any, different: Any, *, title: str = "", dpi: int = 100) -> "Figure":
    """The histogram of training and generated samples over the bins of NDB, with the different bins marked.

    Bins whose difference chance explains are green; bins with too many or too few samples are vermilion triangles that point up
    or down. Modes that the generator misses are near the bottom, those it repeats far above the grey bars.

    Args:
      real: `[K]` int, the counts of the training samples, the most frequent bin first: `Bins.counts` of `jgan.metrics.ndb`.
      fake: `[K]` int, the counts of generated samples: `assign` of `jgan.metrics.ndb`.
      different: `[K]` bool, the bins that differ: `p_values(real, fake) < 0.05`.
      title: the title; the number of different bins is appended.
      dpi: dots per inch; the figure is 7 by 3.2 inches.

    Returns:
      The figure; `figure.savefig(path)` writes it.

    Raises:
      ValueError: if the shapes differ, a count is negative, or a set is empty.

    Example:
      >>> from jgan import plots
      >>> from jgan.metrics import ndb
      >>> real, fake = [50, 30, 20], [50, 50, 0]
      >>> plots.ndb_histogram(real, fake, ndb.p_values(real, fake) < 0.05).axes[0].get_title()
      '2 of 3 bins differ'

    References:
      Richardson and Weiss, "On GANs and GMMs" (2018), https://arxiv.org/abs/1805.12462
    """
    real, fake, different = np.asarray(real), np.asarray(fake), np.asarray(different, bool)
    if not (real.ndim == 1 and real.shape == fake.shape == different.shape):
        raise ValueError(f"expected three values per bin, [K] each, found {real.shape}, {fake.shape} and {different.shape}")
    if not (min(real.min(initial=0), fake.min(initial=0)) >= 0 and real.sum() > 0 and fake.sum() > 0):
        raise ValueError(f"expected nonnegative counts, not all 0, found {real} and {fake}")
    p, q, places = real / real.sum(), fake / fake.sum(), np.arange(len(real))
    figure = figure_of(7, 3.2, dpi)
    axis = figure.subplots()
    axis.bar(places, p, width=1.0, color=PALE, label=f"{int(real.sum()):,} training samples", zorder=2)
    axis.vlines(places, p, q, color=np.where(different, VERMILION, GREEN).tolist(), linewidth=0.8, zorder=3)
    size = float(np.clip(200 / len(real), 3, 7))
    within, above, below = ~different, different & (q > p), different & (q < p)
    for chosen, marker, color, name in (
        (within, "o", GREEN, "not different"),
        (above, "^", VERMILION, "too many"),
        (below, "v", VERMILION, "too few"),
    ):
        style: dict[str, Any] = {"color": color, "markersize": size, "markeredgewidth": 0, "zorder": 4, "clip_on": False}
        style["in_layout"] = False  # otherwise an empty, unclipped marker would reserve space at the corner
        axis.plot(places[chosen], q[chosen], marker, label=f"{name}: {np.count_nonzero(chosen)}", **style)
    axis.set(xlim=(-0.7, len(real) - 0.3), xlabel="bin, by its share of the training set")
    axis.set_ylabel(f"share of {int(fake.sum()):,} generated")
    axis.set_ylim(0, None)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
    _finish(figure, f"{title}{': ' if title else ''}{different.sum()} of {len(real)} bins differ", columns=4)
    return figure


def spectrum(real: Any, generated: Mapping[str, Any], *, title: str = "", dpi: int = 100) -> "Figure":
    """The power spectrum of images in decibels, and the ratio of generated to real images.

    Args:
      real: the `RadialPower` of real images, from `jgan.metrics.spectrum`.
      generated: the `RadialPower` of generated images of the same size, for each name.
      title: the title.
      dpi: dots per inch; the figure is 6 by 4.8 inches.

    Returns:
      The figure; `figure.savefig(path)` writes it. Frequency 0, the mean of the images, is omitted. A dotted line marks 0.5,
      the finest stripes along an axis; only diagonal frequencies lie beyond it.

    Raises:
      ValueError: if there are no generated images, or their size differs.

    Example:
      >>> from jgan import data, plots
      >>> from jgan.metrics import spectrum
      >>> digits = data.load("digits")
      >>> powers = [spectrum.radial_power(images) for images in (digits.train.x, digits.test.x, digits.test.x // 2)]
      >>> picture = plots.spectrum(powers[0], {"test": powers[1], "dark": powers[2]})
      >>> [len(axis.lines) for axis in picture.axes]  # the curves, and the line at 0.5
      [4, 4]

    References:
      Durall et al., "Watch your up-convolution" (2020), https://arxiv.org/abs/2003.01826
    """
    if not generated:
        raise ValueError("expected the spectrum of generated images, found none")
    for name, found in generated.items():
        if not np.array_equal(found.counts, real.counts):
            raise ValueError(
                f"{name}: expected the spectrum of images of the size of the real ones, found {found.counts.sum()} frequencies "
                f"and {real.counts.sum()}"
            )
    figure = figure_of(6, 4.8, dpi)
    above, below = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    decibels = lambda found: 10 * np.log10(np.maximum(found.power[1:], QUIET))  # noqa: E731
    frequency = real.frequency[1:]
    above.plot(frequency, decibels(real), color=BLACK, linewidth=2, label="real")
    below.axhline(0, color=BLACK, linewidth=2)
    colors = (GREEN, *(color for color in COLORS if color not in (GREEN, BLACK)))
    for (name, found), color in zip(generated.items(), cycle(colors), strict=False):
        above.plot(frequency, decibels(found), color=color, linewidth=1.5, label=name)
        below.plot(frequency, decibels(found) - decibels(real), color=color, linewidth=1.5)
    above.set_ylabel("power, dB")
    below.set(xlabel="cycles per pixel", ylabel="over real, dB", xlim=(0, frequency[-1]))
    for axis in (above, below):
        axis.axvline(0.5, color=GREY, linestyle=":", linewidth=1)
    _finish(figure, title, columns=4)
    return figure


def _finish(figure: "Figure", title: str, *, columns: int) -> None:
    """Adds the title above the first axes, small tick labels, faint grid lines, and a legend below all axes."""
    axes: list[Axes] = figure.axes
    axes[0].set_title(title, fontsize=11)
    for axis in axes:
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
        axis.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=columns, fontsize=8, frameon=False)
