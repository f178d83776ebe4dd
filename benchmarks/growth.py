"""How the cost of a training step grows with the batch, the width, the resolution, the critic's updates and the devices.

  python -m benchmarks.growth

Operations are those that XLA counts in the program of a step before it is optimised; the bytes of the state and of what devices
exchange follow from the shapes. Nothing is compiled or run, so that the figures depend on no machine; counting takes some
minutes. The models and their sizes are those of `MODELS`, on colour images of 64x64. `--models` counts some of them anew.
"""

import dataclasses
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from benchmarks import budget
from benchmarks.tables import ROOT
from jgan import fsdp, models
from jgan.plots import canvas
from jgan.training import costs
from jgan.training.environment import environment, write_json
from jgan.types import DataSpec
from jgan.utils import cli, memory
from jgan.utils.registry import unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PROG = "python -m benchmarks.growth"

BATCH, SIDE = 32, 64
"""Examples of a step and side of the images, where they are not what grows."""


class Growing(NamedTuple):
    """A model whose cost is counted.

    Attributes:
      preset: the preset from whose options it starts.
      widths: the options that a width is, and their values at width 1.
      changes: other options.
    """

    preset: str
    widths: Mapping[str, int]
    changes: Mapping[str, Any] = {}


MODELS = {
    "DCGAN": Growing("dcgan", {"width": 64}),
    "R3GAN": Growing("r3gan", {"width": 128}),
    "StyleGAN2": Growing("stylegan2_64", {"channel_base": 8192, "channel_max": 256}),
}

AXES: dict[str, tuple[float, ...]] = {
    "batch size": (8, 16, 32, 64, 128),
    "width": (0.25, 0.5, 1, 2),
    "resolution": (16, 32, 64, 128),
    "discriminator updates": (1, 2, 3, 4, 5),
}
"""What grows, and its values."""

DEVICES = (1, 2, 4, 8, 16, 32, 64)


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.growth`."""

    models: tuple[str, ...] = ()
    """models to count anew; default: all"""
    out: Path = ROOT / "benchmarks" / "results" / "growth.json"
    """file of the result"""
    picture: Path = ROOT / "docs" / "growth.png"
    """file of the figure"""


def step_of(model: Growing, axis: str = "", value: float = 1) -> dict[str, Any]:
    """The cost of a step at one value of one axis.

    Args:
      model: the model.
      axis: a key of `AXES`; anything else for the point from which all grow.
      value: the value.

    Returns:
      Operations of the step, bytes of the state and of the gradients that devices add up, and of the state of each of
      `DEVICES` if it is spread over them.
    """
    width = value if axis == "width" else 1
    side = int(value) if axis == "resolution" else SIDE
    batch = int(value) if axis == "batch size" else BATCH
    updates = int(value) if axis == "discriminator updates" else 1
    changes = {name: int(width * size) for name, size in model.widths.items()} | {"rule.n_critic": updates}
    config = budget.changed(models.presets()[model.preset].config, {**model.changes, **changes})
    spec = DataSpec.images((side, side, 3), steps_per_epoch=100, batch_size=batch)
    gan = models.make(config, spec)
    state = jax.eval_shape(gan.init, jax.eval_shape(lambda: jax.random.key(0)))
    return {
        "value": value,
        "flop": budget.flops(gan, spec, batch),
        "state": memory.bytes_of(state),
        "gradients": costs.gradients(state, updates),
        "gathered": costs.gathered(state, updates),
        "held": {str(count): fsdp.bytes_on_a_device(state, count) for count in DEVICES},
    }


def counted(model: Growing) -> dict[str, Any]:
    """The costs of a model at all values of all axes."""
    return {
        "base": step_of(model),
        "axes": {axis: [step_of(model, axis, value) for value in values] for axis, values in AXES.items()},
    }


def exponent(points: Sequence[Mapping[str, Any]]) -> float:
    """The power with which the operations grow between the two largest values.

    Args:
      points: the costs at rising values.

    Returns:
      `log(flop ratio) / log(value ratio)`.

    Example:
      >>> from benchmarks import growth
      >>> growth.exponent([{"value": 1, "flop": 7.0}, {"value": 2, "flop": 5.0}, {"value": 4, "flop": 20.0}])
      2.0
    """
    before, last = points[-2:]
    return float(np.log(last["flop"] / before["flop"]) / np.log(last["value"] / before["value"]))


# ------------------------------------------------------------------------------------------------------------- the figure


def figure(found: Mapping[str, Any]) -> "Figure":
    """Draws the growth: operations over each axis, then the memory and the exchange of a device over their number.

    Args:
      found: the models of the result file.

    Returns:
      The figure.
    """
    drawn = canvas.figure_of(10.0, 6.2)
    for index, axis in enumerate(AXES):
        axes = drawn.add_subplot(2, 3, index + 1)
        for colour, (name, costs_of) in zip(canvas.COLORS, found.items(), strict=False):
            points = costs_of["axes"][axis]
            values, flop = [point["value"] for point in points], [point["flop"] / 1e9 for point in points]
            axes.plot(values, flop, ".-", color=colour, label=f"{name}: power {exponent(points):.1f}")
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel="GFLOP of a step" if index % 3 == 0 else None)
        _plain_ticks(axes, AXES[axis])
        axes.set_ylim(top=5 * axes.get_ylim()[1])  # room for the names
        axes.legend(fontsize=7, loc="upper left")
    _of_devices(drawn.add_subplot(2, 3, 5), found, "memory")
    _of_devices(drawn.add_subplot(2, 3, 6), found, "exchange")
    return drawn


def _of_devices(axes: "Axes", found: Mapping[str, Any], what: str) -> None:
    """The megabytes of a device: solid with the state whole on each (shard), dashed with it spread (fsdp)."""
    for colour, costs_of in zip(canvas.COLORS, found.values(), strict=False):
        base, counts = costs_of["base"], [count for count in DEVICES if what == "memory" or count > 1]
        if what == "memory":
            lines = [base["state"]] * len(counts), [base["held"][str(count)] for count in counts]
        else:
            sent = [costs.exchanged(base["gradients"], base["gathered"], count) for count in counts]
            lines = [added for added, _ in sent], [sum(both) for both in sent]
        for line, style in zip(lines, ("-", "--"), strict=True):
            axes.plot(counts, [value / 1e6 for value in line], style, marker=".", color=colour)
    axes.plot([], [], "-", color=canvas.BLACK, label="shard")
    axes.plot([], [], "--", color=canvas.BLACK, label="fsdp")
    title = {"memory": "MB of state on each device", "exchange": "MB that a device sends in a step"}[what]
    axes.set(xscale="log", yscale="log", xlabel="devices", ylabel=title)
    _plain_ticks(axes, DEVICES)
    axes.legend(fontsize=7)


def _plain_ticks(axes: "Axes", values: Sequence[float]) -> None:
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    axes.grid(alpha=0.3)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError: if a model is unknown.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    for name in args.models:
        if name not in MODELS:
            raise ValueError(f"--models: {unknown('model', name, MODELS)}")
    before = json.loads(args.out.read_text())["models"] if args.out.exists() else {}
    found = {}
    for name in MODELS:
        if name in before and args.models and name not in args.models:
            found[name] = before[name]
        elif not args.models or name in args.models:
            found[name] = counted(MODELS[name])
            print(f"{name}: {found[name]['base']['flop'] / 1e9:.1f} GFLOP for {BATCH} images of {SIDE}x{SIDE}", flush=True)
    command = f"{PROG} {shlex.join(sys.argv[1:] if argv is None else argv)}".strip()
    content = {"command": command, "batch": BATCH, "side": SIDE, "models": found, "environment": environment()}
    write_json(args.out, content)
    figure(found).savefig(args.picture, format="png")
    print(f"{args.out} and {args.picture}")


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
