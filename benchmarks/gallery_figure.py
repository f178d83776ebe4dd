"""The figure of "Which GAN should I use?": quality against variety of every model of the gallery.

python -m benchmarks.gallery_figure     draws it from the gallery's result files; `python -m benchmarks.gallery` does so too
"""

import dataclasses
import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gallery_drawings import TITLES
from benchmarks.tables import ROOT
from jgan.plots import canvas
from jgan.utils import cli

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PROG = "python -m benchmarks.gallery_figure"

SETS = ("mnist", "fashion_mnist")

NO_GAN = frozenset(("autoencoder", "vae", "pixelcnn", "ddpm"))
"""The models that are compared with GANs."""

KINDS = {
    "GAN": (canvas.BLUE, "o"),
    "GAN that is told the class": (canvas.VERMILION, "s"),
    "no GAN": (canvas.GREY, "^"),
}
"""Colour and marker of each kind of model."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.gallery_figure`."""

    results: Path = ROOT / "benchmarks" / "results" / "gallery"
    """folder of the result files"""
    out: Path = ROOT / "docs" / "gallery_choice.png"
    """file of the figure"""


def kind(run: Mapping[str, Any]) -> str:
    """The kind of a run's model, of `KINDS`.

    Args:
      run: the content of its result file.

    Returns:
      The kind.

    Example:
      >>> from benchmarks import gallery_figure
      >>> [gallery_figure.kind({"model": name, "agreement": share}) for name, share in (("a", None), ("b", 0.9), ("vae", None))]
      ['GAN', 'GAN that is told the class', 'no GAN']
    """
    if run["model"] in NO_GAN:
        return "no GAN"
    return "GAN" if run.get("agreement") is None else "GAN that is told the class"


def figure(runs: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draws the figure: FID from left to right, on a logarithmic axis, and recall upwards.

    Args:
      runs: the contents of the result files; those of other data than `SETS` are left out.

    Returns:
      A figure with a plot for each data set that has runs. Good models are at its upper left.
    """
    found_in = {name: [run for run in runs if run["dataset"] == name] for name in SETS}
    plotted = {name: found for name, found in found_in.items() if found}
    drawn = canvas.figure_of(8.0, 4.4 * len(plotted))
    for index, (name, found) in enumerate(plotted.items()):
        axes = drawn.add_subplot(len(plotted), 1, index + 1)
        for title, (colour, marker) in KINDS.items():
            chosen = [run for run in found if kind(run) == title]
            points = [[run[measure] for run in chosen] for measure in ("fid", "recall")]
            axes.scatter(*points, color=colour, marker=marker, label=title)
        axes.set(xscale="log", title=TITLES[name], xlabel="FID (better: left)", ylabel="recall: variety (better: up)")
        axes.set_ylim(-0.06, 1.06)
        axes.margins(x=0.09)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
        if not index:
            axes.legend(loc="lower left")
    drawn.draw_without_rendering()  # the layout, which says where the points are
    for axes, found in zip(drawn.axes, plotted.values(), strict=True):
        _names(axes, found)
    return drawn


def _names(axes: "Axes", runs: Sequence[Mapping[str, Any]]) -> None:
    """Writes the models' names beside their points, each at the nearest place that is free."""
    places = [axes.transData.transform((run["fid"], run["recall"])) for run in runs]
    taken: list[tuple[float, float, float, float]] = [(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    for run, (x, y) in sorted(zip(runs, places, strict=True), key=lambda pair: pair[0]["fid"]):
        text = axes.annotate(run["model"], (run["fid"], run["recall"]), xytext=(0, 0), textcoords="offset pixels", fontsize=8)
        size = text.get_window_extent()
        for left, low in _places(size.width, size.height):
            box = (x + left, y + low, x + left + size.width, y + low + size.height)
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                break
        text.set_position((left, low))
        taken.append(box)


def _places(width: float, height: float) -> Iterator[tuple[float, float]]:
    """Lower left corners of a text around its point, in pixels, the nearest first."""
    for ring in itertools.count(1):
        away = 6 * ring
        beside = -height / 2
        yield from ((away, beside), (-away - width, beside), (-width / 2, away), (-width / 2, -away - height))
        yield from ((away, away), (away, -away - height), (-away - width, away), (-away - width, -away - height))


def save(args: Args) -> bool:
    """Draws the figure into its file, if there are results.

    Args:
      args: the options.

    Returns:
      Whether there are.
    """
    runs = [json.loads(path.read_text()) for name in SETS for path in sorted(args.results.glob(f"{name}_*.json"))]
    if runs:
        figure(runs).savefig(args.out, format="png")
    return bool(runs)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      FileNotFoundError: if there are no results; `jgan.utils.cli.run` prints the error as one line.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    if not save(args):
        raise FileNotFoundError(f"{args.results} holds no results of {' or '.join(SETS)}: run python -m benchmarks.gallery")
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
