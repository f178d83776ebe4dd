"""How long each model of images takes for a sample: a GAN in one pass of its network, others in many.

  python -m benchmarks.sample_time
  python -m benchmarks.sample_time --models dcgan pixelcnn ddpm --side 32 --channels 3

The networks are those of the gallery (`benchmarks.gallery_models`) for images of the given size, with random weights, on which
the time does not depend. Each model is compiled for one sample and for a batch, and all are timed in turn.
"""

import dataclasses
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import timing
from benchmarks.gallery_models import ENTRIES
from jgan import models
from jgan.models import Phase
from jgan.training.environment import environment, write_json
from jgan.training.evaluators import sampling
from jgan.types import GAN, DataSpec
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.sample_time"


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.sample_time`."""

    models: tuple[str, ...] = ("gan2014", "dcgan", "sngan", "r3gan", "stylegan2", "vae", "ddpm", "pixelcnn")
    """models of the gallery"""
    side: int = 28
    """height and width of the images"""
    channels: int = 1
    """1 for grey, 3 for colour"""
    batch: int = 64
    """images in a batch"""
    rounds: int = 5
    """rounds; each times every model once"""
    seconds: float = 1.0
    """seconds of each turn"""
    out: Path = Path("benchmarks/results/sample_time.json")
    """result file"""


PASSES: dict[str, Callable[[Any, DataSpec], str]] = {
    "ddpm": lambda config, spec: str(config.sample_steps),
    "pixelcnn": lambda config, spec: f"{spec.shape[0] * spec.shape[1]:,}",
}
"""Passes of the network for a sample, where it is not one: a function of the options and the images."""


def phase_of(name: str, args: Args) -> tuple[Any, DataSpec, Phase]:
    """A model of the gallery, in its last phase.

    Args:
      name: the model.
      args: the options.

    Returns:
      `(options, data, phase)`.
    """
    entry = ENTRIES[name]
    shape = (args.side, args.side, args.channels)
    spec = DataSpec.images(shape, steps_per_epoch=100, n_classes=10, batch_size=entry.batch_size)
    return entry.config, spec, models.phases(entry.config, spec)[-1]


def sampler(gan: GAN, state: Any, n: int) -> Callable[[], jax.Array]:
    """A compiled function of no arguments that makes new samples in each call.

    Args:
      gan: the model.
      state: its state.
      n: the number of samples.

    Returns:
      The function; its result is `[n, ...]`.
    """
    labels = jnp.zeros(n, jnp.int32) if sampling.classes(gan) else None
    draw = jax.jit(lambda key, state: gan.generate(state, gan.inputs(key, n, labels)))
    keys = iter(jax.random.split(jax.random.key(1), 1_000_000))

    def call() -> jax.Array:
        return draw(next(keys), state)

    return call


def measure(args: Args) -> dict[str, Any]:
    """Times all models.

    Args:
      args: the options.

    Returns:
      For JSON: for each model its passes, its parameters, and milliseconds for one sample and for each of a batch.
    """
    about, field = {}, []
    for name in args.models:
        config, spec, phase = phase_of(name, args)
        state = jax.jit(phase.gan.init)(jax.random.key(0))
        passes = PASSES[name](config, spec) if name in PASSES else "1"
        about[name] = {"passes": passes, "parameters": sum(leaf.size for leaf in jax.tree.leaves(state.generator.params))}
        for n in (1, args.batch):
            field.append(timing.Contender(f"{name} {n}", sampler(phase.gan, state, n), jax.block_until_ready, n))
    timed = {found.name: found for found in timing.rounds(field, args.rounds, args.seconds, print)}

    def milliseconds(name: str, n: int) -> dict[str, float]:
        return timing.spread([1000 * seconds for seconds in timed[f"{name} {n}"].seconds], 4)

    return {
        name: found | {"one": milliseconds(name, 1), "each": milliseconds(name, args.batch)} for name, found in about.items()
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
    for name in args.models:
        if name not in ENTRIES:
            raise ValueError(unknown("model", name, ENTRIES))
    found = {
        "models": measure(args),
        "image_shape": [args.side, args.side, args.channels],
        "batch": args.batch,
        "rounds": args.rounds,
        "command": shlex.join([*PROG.split(), *argv]),
        "environment": environment(),
    }
    write_json(args.out, found)
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
