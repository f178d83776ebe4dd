"""What training several seeds at once (`python -m jgan.train --seeds`) gains over training one after the other.

  python -m benchmarks.many_seeds

times in turn, in one process, the compiled step of a run alone and the steps of 2, 4 ... seeds at once, on the embedded data.
The gain is the time of so many steps of the run alone, divided by the time of one step of all.
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import timing
from benchmarks.tables import RESULTS
from jgan import models, parallel, train
from jgan.training import population, programs
from jgan.training.config import devices
from jgan.training.environment import environment, write_json
from jgan.training.run import Run, assemble, keys
from jgan.utils import cli, memory

PROG = "python -m benchmarks.many_seeds"


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.many_seeds`."""

    presets: tuple[str, ...] = ("ring8", "digits", "dcgan")
    """presets, on their own data"""
    seeds: tuple[int, ...] = (2, 4, 8)
    """numbers of seeds"""
    repeats: int = 7
    """rounds; each times every number of seeds once"""
    seconds: float = 0.5
    """duration of each timing"""
    out: Path = RESULTS / "many_seeds.json"
    """file of the result"""


def contender(run: Run, count: int) -> timing.Contender:
    """The step of a run alone, or of several seeds.

    Args:
      run: the run.
      count: the number of seeds.

    Returns:
      The contender; its unit of work is a step of all seeds.
    """
    length = programs.chunk_length(run.config, scan=programs.scans_fast(run))
    data = parallel.replicate(run.dataset.train, devices(run.config))
    root = jnp.stack([keys(seed).steps for seed in range(count)])
    states = jax.jit(jax.vmap(run.gan.init))(jnp.stack([keys(seed).init for seed in range(count)]))
    if count == 1:
        root, states = root[0], jax.tree.map(lambda leaf: leaf[0], states)
        program = programs.compiled_step(run, length)
    else:
        program = population.compiled_step(run, run.config, length)
    held = [states]  # donated at every call

    def advance() -> Any:
        held[0], metrics = program(root, held[0], data)
        return metrics

    return timing.Contender(f"{run.config.preset}: {count}", advance, jax.block_until_ready, work=length)


def measure(preset: str, args: Args) -> dict[str, Any]:
    """Times the steps of a preset.

    Args:
      preset: its name.
      args: the options.

    Returns:
      For JSON: images per second of a seed, and the gain, for each number of seeds.
    """
    config = train.configuration([preset, "--eval-samples", "50"])
    run = assemble(config, Path("none"), models.find(config.model)).with_mean()
    counts = (1, *args.seeds)
    timed = timing.rounds([contender(run, count) for count in counts], args.repeats, args.seconds, print)
    alone, *together = (found.seconds for found in timed)
    batch = run.batch_size * run.gan.n_critic
    found = {"1": {"images_per_second": timing.spread([batch / each for each in alone])}}
    for count, seconds in zip(args.seeds, together, strict=True):
        gains = [count * one / several for one, several in zip(alone, seconds, strict=True)]
        rates = timing.spread([batch / each for each in seconds])
        found[str(count)] = {"images_per_second": rates, "gain": timing.spread(gains, 2)}
    return {"batch_size": run.batch_size, "scanned": programs.scans_fast(run), "seeds": found}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints them as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, repeats=1)
    if not args.seeds or min(args.seeds) < 2:
        raise ValueError(f"--seeds must be numbers of at least 2, found {' '.join(map(str, args.seeds)) or 'none'}")
    memory.keep_freed()  # as `jgan.train` does
    presets = {preset: measure(preset, args) for preset in args.presets}
    write_json(
        args.out,
        {
            "command": shlex.join([*PROG.split(), *argv]),
            "options": {"repeats": args.repeats, "seconds": args.seconds},
            "presets": presets,
            "environment": environment(),
        },
    )
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
