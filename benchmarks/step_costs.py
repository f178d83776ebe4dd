"""What a training step of every preset of images costs, so that a change that makes one dearer is seen.

  python -m benchmarks.step_costs

Parameters of both players and the floating-point operations of one step, as XLA counts those of the program before it is
optimised: they depend on no machine and take seconds. A test compares the presets of MNIST with the committed result,
`benchmarks/results/step_costs.json`, and fails where one has risen by more than 2 %; after an intended change, run the command
again. `python -m jgan.train PRESET --dry-run` prints the same of any run.
"""

import dataclasses
import json
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from benchmarks import budget
from benchmarks.tables import ROOT
from jgan import models
from jgan.training.environment import environment, write_json
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.step_costs"

SIZES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
"""Data sets whose presets are counted, and the size of their images; those of `fashion_mnist` are as those of `mnist`."""

RISE = 0.02
"""The share by which the operations of a step may rise."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.step_costs`."""

    presets: tuple[str, ...] = ()
    """presets to count anew; default: all"""
    out: Path = ROOT / "benchmarks" / "results" / "step_costs.json"
    """file of the result"""


def names(*datasets: str) -> list[str]:
    """The presets of some data sets.

    Args:
      *datasets: keys of `SIZES`; none for all.

    Returns:
      Their names, sorted.

    Example:
      >>> from benchmarks import step_costs
      >>> "dcgan_mnist" in step_costs.names("mnist"), "dcgan" in step_costs.names("mnist")
      (True, False)
    """
    return sorted(name for name, preset in models.presets().items() if preset.dataset in (datasets or SIZES))


def of(name: str) -> dict[str, Any]:
    """The cost of a step of the last phase of a preset.

    Args:
      name: one of `names`.

    Returns:
      For JSON: `batch_size`, `parameters` of both players, and `flop`.

    Example:
      >>> from benchmarks import step_costs
      >>> step_costs.of("digits")["parameters"]
      [108096, 124289]
    """
    preset = models.presets()[name]
    gan, spec = budget.model_of(name, SIZES[preset.dataset], preset.batch_size)
    state = jax.eval_shape(gan.init, jax.eval_shape(lambda: jax.random.key(0)))
    return {
        "batch_size": preset.batch_size,
        "parameters": [
            sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(player.params))
            for player in (state.generator, state.discriminator)
        ],
        "flop": budget.flops(gan, spec, preset.batch_size),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    for name in args.presets:
        if name not in names():
            raise ValueError(unknown("preset", name, names()))
    result = json.loads(args.out.read_text()) if args.presets and args.out.exists() else {"presets": {}}
    for name in args.presets or names():
        result["presets"][name] = found = of(name)
        print(f"{name}: {found['flop']:.4g} operations", flush=True)
        result |= {"command": shlex.join([*PROG.split(), *argv]), "environment": environment()}
        write_json(args.out, result | {"presets": dict(sorted(result["presets"].items()))})
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
