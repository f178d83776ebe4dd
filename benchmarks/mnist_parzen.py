"""Reproduces the MNIST figure of Table 1: the authors' configuration, with several seeds and averaged generators.

  python -m benchmarks.mnist_parzen --data-dir mnist --epochs 300

trains `--seeds` generators at once (`jgan.parallel.vmap`). Every `--eval-every` epochs it computes the Parzen-window
log-likelihood of each on the first 1,000 validation images, without weight averaging and for weight averages with several
half-lives. At the end it evaluates all test images, once: for the generators of the last epoch, and for those with the best
validation value, which is the stopping rule of the CGAN paper. `--workdir` holds checkpoints: the same command resumes a
stopped run, and with `--epochs 0` it evaluates the existing checkpoint.
"""

import dataclasses
import functools
import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan import Batch, models, parallel, plots
from jgan.data import Dataset, load, resident, spec
from jgan.metrics import anchors, parzen
from jgan.models.options import EMA
from jgan.training.checkpoint import Checkpoints
from jgan.training.evaluators.images import unit
from jgan.training.run import environment, write_json
from jgan.types import GAN, GANState, Inputs, PyTree
from jgan.utils import cli

PROG = "python -m benchmarks.mnist_parzen"

CHUNK = 50
"""Steps per program; the averages are updated once per chunk."""

VALIDATION = 1_000
"""The number of validation images for the choice of sigma and of the best epoch, as in the authors' code."""

LAST = "last"
"""The name of the candidate without averaging."""


@dataclasses.dataclass(frozen=True)
class Args:
    """Reproduce the MNIST column of Table 1."""

    data_dir: Path | None = None
    """folder with the four MNIST files"""
    epochs: int = 300
    """epochs over the 50,000 training images"""
    seeds: int = 3
    """number of generators trained at once"""
    seed: int = 0
    """seed of all keys"""
    eval_every: int = 5
    """epochs between evaluations"""
    half_lives: tuple[float, ...] = (1.0, 5.0, 20.0)
    """half-lives of the weight averages, in epochs"""
    num_samples: int = 10_000
    """number of samples per evaluation"""
    workdir: Path = Path("runs/mnist_parzen")
    """folder of the checkpoints and the training curve"""
    out: Path = Path("benchmarks/results/table1_mnist.json")
    """file of the result"""
    pictures: Path = Path("docs")
    """folder of the pictures: samples, nearest training images, interpolation"""


class Population(NamedTuple):
    """The training state; every leaf has a leading axis of seeds.

    Attributes:
      states: the GANs.
      tracked: the weight averages of the generators, one tree per half-life.
      best_params: for each candidate and seed, the parameters with the best validation value.
      best: for each candidate, `[seeds]` float32, the best validation values.
    """

    states: GANState
    tracked: list[PyTree]
    best_params: dict[str, PyTree]
    best: dict[str, jax.Array]

    def candidates(self, names: Sequence[str]) -> dict[str, PyTree]:
        """The parameters to evaluate, by the name of the candidate."""
        return dict(zip(names, [self.states.generator.params, *self.tracked], strict=True))


def names(args: Args) -> list[str]:
    """The candidates: the generator without averaging, and its averages."""
    return [LAST, *(f"average of {half_life:g} epochs" for half_life in args.half_lives)]


def averaged(tracked: list[PyTree], params: PyTree, decays: jax.Array, chunks: jax.Array) -> list[PyTree]:
    """One update of the averages, with the decay warmed up as in `jgan.optim.warmed_up`.

    The warm-up limits the length of an average to about a ninth of the training so far.
    """
    keep = jnp.minimum(decays, (1 + chunks) / (10 + chunks))
    return [
        jax.tree.map(lambda old, new, k=k: k * old + (1 - k) * new, average, params)
        for k, average in zip(keep, tracked, strict=True)
    ]


def measure(
    gan: GAN, args: Args, states: GANState, params: PyTree, images: np.ndarray, test: np.ndarray
) -> list[parzen.Parzen]:
    """The results of one candidate, one per seed: sigma chosen on `images`, then the mean over `test`."""

    @jax.jit
    def samples(state: GANState, params: PyTree) -> jax.Array:
        state = state._replace(generator=state.generator._replace(params=params))
        return gan.generate(state, gan.inputs(jax.random.key(args.seed + 1), args.num_samples), ema=False)

    def of_seed(tree: PyTree, seed: int) -> PyTree:
        return jax.tree.map(lambda leaf: leaf[seed], tree)

    drawn = (samples(of_seed(states, seed), of_seed(params, seed)) for seed in range(args.seeds))
    return [parzen.evaluate(images_of_seed, images, test) for images_of_seed in drawn]


def training_program(gan: GAN, args: Args, batch_size: int, steps_per_epoch: int) -> Callable[..., Any]:
    """The compiled program: `CHUNK` steps of all seeds, then the averages."""
    keys = jax.random.split(jax.random.key(args.seed), args.seeds)
    advance = parallel.vmap(parallel.scan(resident.on_resident_data(gan.step, batch_size), CHUNK))
    decays = jnp.array([0.5 ** (CHUNK / (half_life * steps_per_epoch)) for half_life in args.half_lives])

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def chunk(states: GANState, tracked: list[PyTree], data: Batch):
        states, metrics = advance(keys, states, data)
        tracked = averaged(tracked, states.generator.params, decays, states.step[0] // CHUNK - 1)
        return states, tracked, {name: jnp.mean(values, axis=1) for name, values in metrics.items()}

    return chunk


def initial(gan: GAN, args: Args) -> Population:
    """The population before the first step."""
    keys = jax.random.split(jax.random.key(args.seed), args.seeds)
    states = jax.jit(jax.vmap(gan.init))(keys)

    def copy() -> PyTree:
        return jax.tree.map(jnp.array, states.generator.params)

    return Population(
        states=states,
        tracked=[copy() for _ in args.half_lives],
        best_params={name: copy() for name in names(args)},
        best={name: jnp.full(args.seeds, -jnp.inf) for name in names(args)},
    )


def keep_best(population: Population, args: Args, values: dict[str, list[float]]) -> Population:
    """Keeps, for each seed, the parameters with the best validation value so far."""
    best, best_params = {}, {}
    for name, params in population.candidates(names(args)).items():
        new, old = np.array(values[name], np.float32), np.asarray(population.best[name])
        best[name] = jnp.maximum(new, old)
        best_params[name] = jax.tree.map(
            lambda a, b, better=new > old: jnp.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b),
            params,
            population.best_params[name],
        )
    return population._replace(best=best, best_params=best_params)


def train(args: Args, gan: GAN, dataset: Dataset, batch_size: int, steps_per_epoch: int) -> Population:
    """Trains from the last checkpoint to `args.epochs`, with an evaluation and a checkpoint every `args.eval_every` epochs."""
    data, validation = Batch(jnp.asarray(dataset.train.x)), unit(dataset.validation.x[:VALIDATION])
    chunk = training_program(gan, args, batch_size, steps_per_epoch)
    population, started = initial(gan, args), time.monotonic()
    args.workdir.mkdir(parents=True, exist_ok=True)
    with Checkpoints(args.workdir / "checkpoints") as checkpoints:
        if checkpoints.step() is not None:
            population = Population(**checkpoints.restore(population._asdict()))
        while (epoch := int(population.states.step[0]) // steps_per_epoch) < args.epochs:
            states, tracked = population.states, population.tracked
            for _ in range(args.eval_every * steps_per_epoch // CHUNK):
                states, tracked, metrics = chunk(states, tracked, data)
            population = population._replace(states=states, tracked=tracked)
            values = {
                name: [seed.validation for seed in measure(gan, args, states, params, validation, validation[:1])]
                for name, params in population.candidates(names(args)).items()
            }
            population = keep_best(population, args, values)
            row = {
                "epoch": epoch + args.eval_every,
                "minutes": round((time.monotonic() - started) / 60, 2),
                "validation": values,
                "losses": {name: np.asarray(value).tolist() for name, value in metrics.items()},
            }
            with (args.workdir / "curve.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            shown = ", ".join(f"{name} {np.mean(value):.1f}" for name, value in values.items())
            print(f"epoch {row['epoch']}, {row['minutes']} minutes: validation {shown}", flush=True)
            checkpoints.save(int(states.step[0]), population._asdict())
    return population


def summary(seeds: list[parzen.Parzen]) -> dict[str, Any]:
    """The mean and standard error over seeds, and the figure of each seed."""
    means = np.array([seed.mean for seed in seeds])
    error = float(means.std(ddof=1) / len(means) ** 0.5) if len(means) > 1 else None
    return {"mean": float(means.mean()), "standard_error_over_seeds": error, "seeds": [seed._asdict() for seed in seeds]}


def result(args: Args, gan: GAN, dataset: Dataset, population: Population, steps_per_epoch: int) -> dict[str, Any]:
    """Evaluates the test images; the result records how the candidate and the epoch were chosen."""
    train_images, validation, test = (unit(split.x) for split in dataset.parts.values())
    validation = validation[:VALIDATION]
    current = population.candidates(names(args))
    found = {
        name: {
            "last epoch": summary(measure(gan, args, population.states, current[name], validation, test)),
            "best validation": summary(measure(gan, args, population.states, population.best_params[name], validation, test)),
        }
        for name in names(args)
    }
    beside = anchors.evaluate(train_images, validation, test, n=args.num_samples, seed=args.seed)
    curve = [json.loads(line) for line in (args.workdir / "curve.jsonl").read_text().splitlines()]
    return {
        "command": f"{PROG} {shlex.join(sys.argv[1:])}".strip(),
        "epochs": int(population.states.step[0]) // steps_per_epoch,
        "seeds": args.seeds,
        "num_samples": args.num_samples,
        "validation_images": VALIDATION,
        "test_images": len(test),
        "paper": {"mean": 225.0, "standard_error": 2.0},
        # The choice of the candidate and the epoch uses validation images only.
        "chosen": max(names(args), key=lambda name: float(np.mean(population.best[name]))),
        "figures": found,
        "anchors": {name: {"num_samples": a.num_samples, **a.parzen._asdict()} for name, a in beside.items()},
        "curve": [{"epoch": row["epoch"], "validation": row["validation"]} for row in curve],
        "environment": environment(),
    }


def draw(args: Args, gan: GAN, dataset: Dataset, population: Population, chosen: str) -> None:
    """Plots the paper's figures 2 and 3 for the first seed of the chosen candidate, at its best validation value."""
    first_state, params = (
        jax.tree.map(lambda leaf: leaf[0], tree) for tree in (population.states, population.best_params[chosen])
    )
    state = first_state._replace(generator=first_state.generator._replace(params=params))

    def generate(z: jax.Array) -> jax.Array:
        return gan.generate(state, Inputs(z), ema=False)

    latents = gan.inputs(jax.random.key(args.seed + 2), 100).z
    args.pictures.mkdir(parents=True, exist_ok=True)
    sheets = {
        "samples": plots.grid(generate(latents), columns=20),
        "nearest": plots.nearest_sheet(generate(latents[:20]), dataset.train.x),
        "interpolation": plots.interpolation_sheet(generate, latents[:8], latents[8:16], steps=10),
    }
    for name, sheet in sheets.items():
        plots.save_png(args.pictures / f"mnist_{name}.png", sheet)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    dataset, preset = load("mnist", args.data_dir), models.presets()["mnist"]
    about = spec(dataset, preset.batch_size)
    gan = models.make(dataclasses.replace(preset.config, ema=EMA()), about)
    population = train(args, gan, dataset, preset.batch_size, about.steps_per_epoch)
    found = result(args, gan, dataset, population, about.steps_per_epoch)
    write_json(args.out, found)
    draw(args, gan, dataset, population, found["chosen"])
    best = found["figures"][found["chosen"]]["best validation"]
    print(f"{found['chosen']}, best validation: {best['mean']:.1f} +- {best['standard_error_over_seeds'] or 0:.1f}; {args.out}")


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
