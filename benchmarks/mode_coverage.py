"""Mode coverage: how many modes of a ring and of a grid of Gaussians each method covers, over ten seeds in one program.

  python -m benchmarks.mode_coverage

trains `--seeds` GANs at once (`jgan.parallel.vmap`) for each data set and method, with the same networks, batch size and number
of steps. It then counts the modes among 2,500 samples of each by PacGAN's protocol (`jgan.metrics.modes`), with and without
weight averaging. Combinations already in the result are kept, so the same command resumes a stopped run; `--anew` starts over.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax

from benchmarks import populations
from jgan import data, models
from jgan.data import toys
from jgan.metrics.modes import mode_coverage
from jgan.models.mixture import Config
from jgan.models.options import EMA, Optimizer, Penalty, Rule
from jgan.training.run import environment, write_json
from jgan.types import GAN, GANState
from jgan.utils import cli

PROG = "python -m benchmarks.mode_coverage"

SAMPLES = 2_500
CHUNK = 500
"""Steps per program."""

PACGAN = {"ring8": {"GAN": (6.3, 0.982), "PacGAN2": (7.9, 0.956)}, "grid25": {"GAN": (17.3, 0.948), "PacGAN2": (23.8, 0.913)}}
"""As published: covered modes and the fraction of high-quality samples (Lin et al., 2018, Table 1), with their networks."""

RELATIVISTIC = {"loss": "relativistic", "penalty": Penalty("r1_r2", 0.1)}

METHODS: dict[str, dict[str, Any]] = {
    "non-saturating": {},
    "WGAN-GP": {
        "loss": "wasserstein",
        "penalty": Penalty("gradient_penalty", 0.1),
        "rule": Rule(n_critic=5),
        "optimizer": {"b2": 0.9},
    },
    "PacGAN2": {"pack": 2},
    "relativistic + R1 + R2": RELATIVISTIC,
    "relativistic + R1 + R2, 30,000 steps": {**RELATIVISTIC, "optimizer": {"decay_steps": 30_000}},
}
"""The options of each method that differ from the common configuration; training lasts `decay_steps` steps."""


@dataclasses.dataclass(frozen=True)
class Args:
    """Count the modes that each method covers."""

    sets: tuple[Literal["ring8", "grid25"], ...] = ("ring8", "grid25")
    """data sets"""
    methods: tuple[str, ...] = tuple(METHODS)
    """methods"""
    seeds: int = 10
    """number of GANs trained at once"""
    seed: int = 0
    """seed of all keys"""
    steps: int = 10_000
    """number of generator updates"""
    batch_size: int = 256
    """batch size"""
    learning_rate: float = 4e-3
    """learning rate of both players, with a cosine schedule to 0"""
    b2: float = 0.99
    """Adam's b2, except for methods that publish their own"""
    ema_decay: float = 0.999
    """decay of the averaged generator"""
    anew: bool = False
    """measure combinations again that are already in the result"""
    out: Path = Path("benchmarks/results/mode_coverage.json")
    """file of the result"""


def config_of(args: Args, method: str) -> Config:
    """The configuration of a method.

    Args:
      args: the options.
      method: a key of `METHODS`.

    Returns:
      The configuration.

    Raises:
      ValueError: if the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"--methods must be among {', '.join(METHODS)}, found {method!r}")
    changes = dict(METHODS[method])
    optimizer = Optimizer("adam", learning_rate=args.learning_rate, b2=args.b2, decay_steps=args.steps)
    optimizer = dataclasses.replace(optimizer, **changes.pop("optimizer", {}))
    return Config(optimizer=optimizer, ema=EMA(args.ema_decay), **changes)


def count(args: Args, gan: GAN, states: GANState, name: str, *, ema: bool) -> dict[str, Any]:
    """Computes the mode coverage of every seed.

    Args:
      args: the options.
      gan: the model.
      states: the population.
      name: the name of the data set.
      ema: whether to use the averaged generator.

    Returns:
      A dict for JSON: for `modes`, `high_quality` and `reverse_kl` the mean and standard deviation over seeds, and each value.
    """
    keys = jax.random.split(jax.random.key(args.seed + 1), args.seeds)
    drawn = jax.jit(jax.vmap(lambda key, state: gan.sample(key, state, SAMPLES, ema=ema)))(keys, states)
    found = mode_coverage(drawn, toys.centres(name), toys.std(name))
    columns = {"modes": found.modes, "high_quality": found.high_quality, "reverse_kl": found.reverse_kl}
    return {key: populations.spread(values) for key, values in columns.items()}


def measure(args: Args, name: str, method: str) -> dict[str, Any]:
    """Trains and evaluates one combination.

    Args:
      args: the options.
      name: the name of the data set.
      method: a key of `METHODS`.

    Returns:
      A dict for JSON: both results, the configuration, the time in seconds.
    """
    config, dataset = config_of(args, method), data.load(name)
    gan, started = models.make(config, data.spec(dataset, args.batch_size)), time.monotonic()
    steps = config.optimizer.decay_steps
    options = {"seeds": args.seeds, "seed": args.seed, "batch_size": args.batch_size}
    states = jax.block_until_ready(populations.train(gan, dataset.train.x, **options, steps=steps, chunk=CHUNK))
    return {
        "last": count(args, gan, states, name, ema=False),
        "averaged": count(args, gan, states, name, ema=True),
        "config": models.to_dict(config),
        "seconds": round(time.monotonic() - started, 1),
        "environment": environment(),
    }


def check(args: Args) -> None:
    """Checks the options.

    Args:
      args: the options.

    Raises:
      ValueError: naming the option, what it must be and what was found.
    """
    for method in args.methods:
        config_of(args, method)
    if args.seeds < 1:
        raise ValueError(f"--seeds must be at least 1, found {args.seeds}")
    if args.steps < CHUNK or args.steps % CHUNK:
        raise ValueError(f"--steps must be a multiple of {CHUNK}, found {args.steps}")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    check(args)
    options = {key: value for key, value in vars(args).items() if key not in ("sets", "methods", "anew", "out")}
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    result = populations.begun(args.out, command, options, anew=args.anew)
    result.setdefault("sets", {})
    for name in args.sets:
        for method in args.methods:
            held = result["sets"].setdefault(name, {})
            if method not in held:
                held[method] = measure(args, name, method)
                result["published"], result["samples"], result["environment"] = PACGAN, SAMPLES, environment()
                write_json(args.out, result)
            found = held[method]["averaged"]
            modes, quality = found["modes"]["mean"], found["high_quality"]["mean"]
            print(
                f"{name}, {method}: {modes:.1f} modes, {quality:.1%} high quality, {held[method]['seconds']:.0f} s", flush=True
            )
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
