"""Training curves of a run, and of several side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jgan.plots.canvas import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def curves(rows: Sequence[Mapping[str, float]], *, balance: Mapping[str, float] | None = None) -> "Figure":
    """Training curves over steps: losses, the discriminator's accuracies, and what else was measured.

    A curve of several seeds has a band of one standard deviation. A steep curve of FID or KID has a logarithmic axis. Red lines
    mark the steps at which the collapse monitor warned.

    Args:
      rows: the lines of `metrics.jsonl`; missing values are not drawn. Those of several seeds hold means, and the standard
        deviation over the seeds under the name of the mean and `_std`.
      balance: the value of each loss where D = 1/2 everywhere, drawn as a dashed line; see `GAN.balance`.

    Returns:
      The figure; `figure.savefig(path)` writes it.

    Raises:
      ValueError: if no row holds a step and a metric.

    Example:
      >>> from jgan import plots
      >>> rows = [{"step": 100, "d_loss": 0.5, "g_loss": 1.2}, {"step": 200, "d_loss": 0.6, "g_loss": 0.9}]
      >>> len(plots.curves(rows).axes)
      1
    """
    balance = balance or {}
    rows = [row for row in rows if "step" in row]
    names = list(dict.fromkeys(name for row in rows for name in row))
    panels = [(label, [name for name in names if name.endswith(ends)]) for label, ends in _PANELS.items()]
    panels = [(label, members) for label, members in panels if members]
    if not panels:
        raise ValueError("expected rows with a step and a loss, an accuracy or a log-likelihood, found none")
    figure = figure_of(8, 2.4 * len(panels) + 0.4)
    axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    warned = [row["step"] for row in rows if row.get("warning")]
    for axis, (label, members) in zip(axes, panels, strict=True):
        for name in members:
            points = [(row["step"], row[name]) for row in rows if name in row]
            (line,) = axis.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 30 else None)
            _band(axis, [row for row in rows if name in row], name, line.get_color())
            if label in _LOGARITHMIC and max(points, key=_value)[1] > 20 * min(points, key=_value)[1] > 0:
                axis.set_yscale("log")
        for value in sorted({balance[name] for name in members if name in balance}):
            axis.axhline(value, color="grey", linestyle="--", linewidth=1, label=f"{value:.3f}: D = 1/2")
        for index, step in enumerate(warned if label in _WARNED else ()):
            axis.axvline(step, color="tab:red", linestyle=":", label="" if index else "collapse?")
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.legend()
    axes[-1].set_xlabel("step")
    return figure


def compared(runs: Mapping[str, Sequence[Mapping[str, float]]], name: str) -> "Figure":
    """One metric of several runs over steps.

    A curve of several seeds has a band of one standard deviation.

    Args:
      runs: the lines of `metrics.jsonl` of each, by the words of the legend; lines that lack the metric are left out.
      name: the name of the metric.

    Returns:
      The figure.

    Raises:
      ValueError: if no run has the metric.

    Example:
      >>> from jgan import plots
      >>> figure = plots.compared({"a": [{"step": 5, "fid": 3.0}], "b": [{"step": 5, "fid": 2.0}]}, "fid")
      >>> [line.get_label() for line in figure.axes[0].lines]
      ['a', 'b']
    """
    having = {words: [row for row in rows if "step" in row and name in row] for words, rows in runs.items()}
    having = {words: rows for words, rows in having.items() if rows}
    if not having:
        raise ValueError(f"expected rows with a step and {name}, found none")
    figure = figure_of(8, 4 + 0.2 * len(having))
    axis = figure.subplots()
    for words, rows in having.items():
        steps, values = [row["step"] for row in rows], [row[name] for row in rows]
        (line,) = axis.plot(steps, values, label=words, marker="." if len(rows) < 30 else None)
        _band(axis, rows, name, line.get_color())
    axis.set(xlabel="step", ylabel=name)
    axis.grid(alpha=0.3)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), frameon=False)
    return figure


_PANELS = {
    "loss": ("_loss",),
    "accuracy": ("_accuracy",),
    "penalty": ("_penalty",),
    "nats per image": ("log_likelihood",),
    "FID": ("fid",),
    "KID": ("kid",),
    "diversity": ("spread", "coverage", "ndb"),
    "covered modes": ("modes",),
    "share of samples": ("high_quality",),
    "nats": ("divergence",),
    "distance": ("distance",),
}
"""What stands in each panel: metrics whose names end so."""

_LOGARITHMIC = ("FID", "KID")
_WARNED = (*_LOGARITHMIC, "diversity")


def _band(axis: "Axes", rows: Sequence[Mapping[str, float]], name: str, color: Any) -> None:
    """Shades one standard deviation around a curve of means, where the rows have it."""
    std = f"{name}_std"
    found = [(row["step"], row[name] - row[std], row[name] + row[std]) for row in rows if std in row]
    if found:
        steps, low, high = zip(*found, strict=True)
        axis.fill_between(steps, low, high, color=color, alpha=0.2, linewidth=0)


def _value(point: tuple[float, float]) -> float:
    return point[1]
