"""Mode coverage: how many of the Gaussians of a ring and of a grid each way of training finds, over ten seeds in one program.

  python -m benchmarks.mode_coverage

trains, for each set and each method, `--seeds` GANs at once (`jgan.parallel.vmap`) with the same networks, batch and number of
steps, and counts the modes of 2,500 samples of each, by PacGAN's protocol (`jgan.metrics.modes`), for the generator as it is
and for its average. A combination that is already in the result is left as it is: the same command goes on where it was
stopped; `--anew` begins from nothing.
"""

import dataclasses
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jgan import Batch, data, models, parallel
from jgan.data import resident, toys
from jgan.metrics.modes import mode_coverage
from jgan.models.mixture import Config
from jgan.training.run import environment, write_json
from jgan.types import GAN, GANState
from jgan.utils import cli

PROG = "python -m benchmarks.mode_coverage"

SAMPLES = 2_500
CHUNK = 500
"""steps in one program"""

PACGAN = {"ring8": {"GAN": (6.3, 0.982), "PacGAN2": (7.9, 0.956)}, "grid25": {"GAN": (17.3, 0.948), "PacGAN2": (23.8, 0.913)}}
"""As published: covered modes and the share of high-quality samples (Lin et al., 2018, Table 1), with their own networks."""

RELATIVISTIC = {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.1}

METHODS: dict[str, dict[str, Any]] = {
    "non-saturating": {},
    "WGAN-GP": {"loss": "wasserstein", "penalty": "gradient_penalty", "penalty_weight": 0.1, "n_critic": 5, "b2": 0.9},
    "PacGAN2": {"pack": 2},
    "relativistic + R1 + R2": RELATIVISTIC,
    "relativistic + R1 + R2, 30,000 steps": {**RELATIVISTIC, "decay_steps": 30_000},
}
"""What each method changes of the common configuration; it trains for the `decay_steps` over which its rate falls to 0."""


@dataclasses.dataclass(frozen=True)
class Args:
    """Count the modes that each way of training covers."""

    sets: tuple[Literal["ring8", "grid25"], ...] = ("ring8", "grid25")
    """the data"""
    methods: tuple[str, ...] = tuple(METHODS)
    """the ways of training"""
    seeds: int = 10
    """GANs trained at once"""
    seed: int = 0
    """root of all their keys"""
    steps: int = 10_000
    """generator updates"""
    batch_size: int = 256
    """examples in a minibatch"""
    learning_rate: float = 4e-3
    """of both players, falling to 0 along a cosine"""
    b2: float = 0.99
    """Adam's decay of the mean squared gradient, but for methods that publish their own"""
    ema_decay: float = 0.999
    """decay of the averaged generator"""
    anew: bool = False
    """measure again what is in the result already"""
    out: Path = Path("benchmarks/results/mode_coverage.json")
    """the result"""


def config_of(args: Args, method: str) -> Config:
    """The model of a method.

    Args:
      args: the flags.
      method: a key of `METHODS`.

    Returns:
      The configuration.

    Raises:
      ValueError: if there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"--methods must be among {', '.join(METHODS)}, found {method!r}")
    common = Config(learning_rate=args.learning_rate, b2=args.b2, decay_steps=args.steps, ema_decay=args.ema_decay)
    return dataclasses.replace(common, **METHODS[method])


def train(args: Args, gan: GAN, points: np.ndarray, steps: int) -> GANState:
    """Trains a population.

    Args:
      args: the flags.
      gan: the model.
      points: `[N, d]`, the data.
      steps: generator updates.

    Returns:
      The states, every leaf with a leading axis of seeds.
    """
    keys = jax.random.split(jax.random.key(args.seed), args.seeds)
    step = resident.on_resident_data(gan.step, args.batch_size, gan.n_critic)
    advance = parallel.jit(parallel.vmap(parallel.scan(step, CHUNK)))
    states, on_device = jax.jit(jax.vmap(gan.init))(keys), Batch(jnp.asarray(points))
    for _ in range(steps // CHUNK):
        states, _ = advance(keys, states, on_device)
    return states


def count(args: Args, gan: GAN, states: GANState, name: str, *, averaged: bool) -> dict[str, Any]:
    """Counts the modes of every seed.

    Args:
      args: the flags.
      gan: the model.
      states: the population.
      name: of the set.
      averaged: whether to take the averaged generator.

    Returns:
      For JSON: for `modes`, `high_quality` and `reverse_kl` the mean, the standard deviation over seeds, each seed's own.
    """
    keys = jax.random.split(jax.random.key(args.seed + 1), args.seeds)
    drawn = jax.jit(jax.vmap(lambda key, state: gan.sample(key, state, SAMPLES, averaged=averaged)))(keys, states)
    found = mode_coverage(drawn, toys.centres(name), toys.std(name))
    columns = {"modes": found.modes, "high_quality": found.high_quality, "reverse_kl": found.reverse_kl}
    return {key: _spread(np.asarray(values, np.float64)) for key, values in columns.items()}


def _spread(values: np.ndarray) -> dict[str, Any]:
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return {"mean": float(values.mean()), "std": deviation, "seeds": [round(float(value), 4) for value in values]}


def measure(args: Args, name: str, method: str) -> dict[str, Any]:
    """Trains and counts one combination.

    Args:
      args: the flags.
      name: of the set.
      method: a key of `METHODS`.

    Returns:
      For JSON: both counts, the configuration, the seconds that it took.
    """
    config, dataset = config_of(args, method), data.load(name)
    gan, started = models.make(config, data.spec(dataset, args.batch_size)), time.monotonic()
    states = jax.block_until_ready(train(args, gan, dataset.train.x, config.decay_steps))
    return {
        "last": count(args, gan, states, name, averaged=False),
        "averaged": count(args, gan, states, name, averaged=True),
        "config": models.to_dict(config),
        "seconds": round(time.monotonic() - started, 1),
        "environment": environment(),
    }


def check(args: Args) -> None:
    """Checks the flags.

    Args:
      args: the flags.

    Raises:
      ValueError: naming the flag, what it must be and what was found.
    """
    for method in args.methods:
        config_of(args, method)
    if args.seeds < 1:
        raise ValueError(f"--seeds must be at least 1, found {args.seeds}")
    if args.steps < CHUNK or args.steps % CHUNK:
        raise ValueError(f"--steps must be a multiple of {CHUNK}, found {args.steps}")


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    check(args)
    options = {key: value for key, value in vars(args).items() if key not in ("sets", "methods", "anew", "out")}
    result = json.loads(args.out.read_text()) if args.out.exists() and not args.anew else {}
    if result and result["options"] != options:
        raise ValueError(f"{args.out} holds a measure with other options, {result['options']}: give --anew, or another --out")
    result = {
        "command": shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")]),
        "options": options,
        "sets": {},
    } | result
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
