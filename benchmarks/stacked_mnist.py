"""Stacked MNIST: how many of 1,000 modes each objective covers with the same small networks, three seeds in one program.

  python -m benchmarks.stacked_mnist --data-dir mnist
  python -m benchmarks.stacked_mnist --data-dir mnist --networks progan --out runs/progan.json

The networks are those of Unrolled GAN's test, or of ProGAN's, whose images are padded to 32x32; their discriminators are much
weaker than the generators, and without batch normalisation where there is a penalty. A classifier of MNIST, trained here, names
the digits in the three channels of 26,000 samples of each averaged generator. A mode is one triple of digits; the divergence is
`KL(q || uniform)` of the distribution q over the triples, in nats. Objectives already in the result are kept, so the same
command resumes a stopped run; `--anew` starts over. A row of samples of each is in `docs/stacked_mnist.png`.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import numpy as np
from PIL import Image

from benchmarks import judges, pictures, populations
from benchmarks.tables import ROOT
from jgan import data, games, penalties, plots, rng
from jgan.evaluation.extract import extract
from jgan.evaluation.sets import to_uint8
from jgan.features import Extractor
from jgan.losses import LOSSES
from jgan.metrics.modes import class_coverage
from jgan.models import options
from jgan.models.assembly import assemble, unit_interval
from jgan.networks import (
    CrippledDiscriminator,
    CrippledGenerator,
    UnrolledDiscriminator,
    UnrolledGenerator,
    from_module,
)
from jgan.penalties import Penalty
from jgan.training.environment import environment, write_json
from jgan.types import GAN, DataSpec
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.stacked_mnist"

SAMPLES = 26_000
BLOCK = 1_000
"""Samples drawn and classified at once."""

PUBLISHED = {
    "Unrolled GAN": (48.7, 4.32),
    "VEEGAN": (150.0, 2.95),
    "WGAN-GP": (959.0, 0.7276),
    "PacGAN": (1000.0, 0.06),
    "GAN + R1 + R2": (693.0, 0.9270),
    "relativistic + R1 + R2": (1000.0, 0.0781),
}
"""Modes and divergence as published, with other networks."""


class Objective(NamedTuple):
    """What the objectives differ in."""

    loss: str = "non_saturating"
    penalties: tuple[Penalty, ...] = ()
    n_critic: int = 1
    pack: int = 1
    batch_norm: bool = False
    """of the discriminator"""


class Networks(NamedTuple):
    """The networks of a published test."""

    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]
    latent_size: int
    padding: int
    """black rows and columns that its images have on each side of the digits"""


NETWORKS = {
    "unrolled": Networks(UnrolledGenerator, UnrolledDiscriminator, 256, 0),
    "progan": Networks(CrippledGenerator, CrippledDiscriminator, 64, 2),
}

GAMMA = 0.1

OBJECTIVES: dict[str, Objective] = {
    "non-saturating": Objective(batch_norm=True),
    "non-saturating + R1": Objective(penalties=(penalties.r1(GAMMA),)),
    "non-saturating + R1 + R2": Objective(penalties=(penalties.r1_r2(GAMMA),)),
    "relativistic + R1 + R2": Objective("relativistic", (penalties.r1_r2(GAMMA),)),
    "WGAN-GP": Objective("wasserstein", (penalties.gradient_penalty(10.0),), n_critic=5),
    "PacGAN2": Objective(pack=2, batch_norm=True),
}


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.stacked_mnist`."""

    data_dir: Path | None = None
    """folder of MNIST's four files"""
    objectives: tuple[str, ...] = tuple(OBJECTIVES)
    """objectives"""
    networks: Literal["unrolled", "progan"] = "unrolled"
    """networks of Unrolled GAN's test, with half of the generator's channels in D, or of ProGAN's, with K = 2"""
    seeds: int = 3
    """number of GANs trained at once"""
    seed: int = 0
    """seed of all keys"""
    steps: int = 10_000
    """number of generator updates"""
    batch_size: int = 128
    """batch size"""
    learning_rate: float = 1e-3
    """learning rate of both players, with a linear schedule to 0"""
    epochs: int = 3
    """epochs of the classifier"""
    workdir: Path = Path("runs/stacked_mnist")
    """folder of the classifier"""
    anew: bool = False
    """measure objectives again that are already in the result"""
    out: Path = ROOT / "benchmarks" / "results" / "stacked_mnist.json"
    """file of the result"""
    picture: Path = ROOT / "docs" / "stacked_mnist.png"
    """file of the picture"""


def make(args: Args, objective: Objective, spec: DataSpec) -> GAN:
    """Builds the GAN of an objective.

    Args:
      args: the options.
      objective: its loss, penalties, update rule and packing.
      spec: the data.

    Returns:
      The `GAN`.
    """
    networks = NETWORKS[args.networks]
    height, width, channels = spec.shape
    game = games.Adversarial(
        from_module(networks.generator(), (networks.latent_size,)),
        from_module(networks.discriminator(batch_norm=objective.batch_norm), (height, width, channels * objective.pack)),
        lambda key, n, axis_name=None: rng.latents(key, n, networks.latent_size, axis_name=axis_name),
        LOSSES[objective.loss],
        penalties=objective.penalties,
        pack=objective.pack,
    )
    rule = options.Rule(n_critic=objective.n_critic)
    adam = options.Optimizer("adam", args.learning_rate, b1=0.5, b2=0.99, decay="linear", decay_steps=args.steps)
    optimizers = options.optimizers(adam, rule, options.EMA(0.999).average(spec))
    return assemble(game, rule.steps(game, optimizers), optimizers, output=unit_interval, n_critic=rule.n_critic)


def classes_of(extractor: Extractor, images: np.ndarray) -> np.ndarray:
    """The mode of each image: the digits of its three channels, as the digits of one number.

    Args:
      extractor: the classifier of one channel.
      images: uint8 `[N, 28, 28, 3]`.

    Returns:
      int `[N]`, from 0 to 999.
    """
    found = np.zeros(len(images), np.int64)
    for channel in range(3):
        logits = extract(extractor, np.ascontiguousarray(images[..., channel, None])).logits
        found = 10 * found + np.asarray(logits).argmax(axis=1)
    return found


def measure(args: Args, name: str, dataset: data.Dataset, judge: judges.Judge) -> tuple[dict[str, Any], np.ndarray]:
    """Trains the population of one objective and counts its modes.

    Args:
      args: the options.
      name: a key of `OBJECTIVES`.
      dataset: Stacked MNIST.
      judge: the classifier.

    Returns:
      `(for JSON, a row of samples of the first seed)`.
    """
    padding = NETWORKS[args.networks].padding
    sides = (0, 0), (padding, padding), (padding, padding), (0, 0)
    examples = np.pad(dataset.train.x, sides)
    spec = DataSpec.images(examples.shape[1:], steps_per_epoch=len(examples) // args.batch_size)
    gan, started = make(args, OBJECTIVES[name], spec), time.monotonic()
    sizes = {"seeds": args.seeds, "seed": args.seed, "batch_size": args.batch_size, "steps": args.steps}
    states = jax.block_until_ready(populations.train(gan, examples, **sizes, chunk=1))
    seconds = round(time.monotonic() - started, 1)
    sample = jax.jit(lambda key, state: gan.sample(key, state, BLOCK, ema=True))
    found, row = [], np.zeros(0)
    for index in range(args.seeds):
        state = jax.tree.map(lambda leaf, index=index: leaf[index], states)
        keys = jax.random.split(jax.random.fold_in(jax.random.key(args.seed + 1), index), SAMPLES // BLOCK)
        images = np.concatenate([to_uint8("samples", np.asarray(sample(key, state))) for key in keys])
        images = images[:, padding : images.shape[1] - padding, padding : images.shape[2] - padding]
        found.append(class_coverage(classes_of(judge.extractor, images), 1000))
        row = plots.grid(images[:16], columns=16, scale=1) if index == 0 else row
    return {
        "modes": populations.spread([int(each.modes) for each in found]),
        "kl": populations.spread([float(each.reverse_kl) for each in found]),
        "seconds": seconds,
        "environment": environment(),
    }, row


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    for name in args.objectives:
        if name not in OBJECTIVES:
            raise ValueError(unknown("objective", name, OBJECTIVES))
    for name in ("seeds", "steps"):
        if getattr(args, name) < 1:
            raise ValueError(f"--{name} must be at least 1, found {getattr(args, name)}")
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    sizes = {
        name: getattr(args, name) for name in ("networks", "seeds", "seed", "steps", "batch_size", "learning_rate", "epochs")
    }
    result = populations.begun(args.out, command, sizes, anew=args.anew)
    result.setdefault("objectives", {})
    args.workdir.mkdir(parents=True, exist_ok=True)
    judge = judges.of_classes(data.load("mnist", args.data_dir), args.workdir, args.epochs)
    dataset = data.load("stacked:mnist", args.data_dir)
    for name in args.objectives:
        if name not in result["objectives"]:
            found, row = measure(args, name, dataset, judge)
            result["objectives"][name] = found
            result |= {"published": PUBLISHED, "samples": SAMPLES, "classifier_accuracy": judge.accuracy}
            plots.save_png(args.workdir / f"{name.replace(' ', '_')}.png", row)
            write_json(args.out, result | {"environment": environment()})
        found = result["objectives"][name]
        print(f"{name}: {found['modes']['mean']:.1f} modes, KL {found['kl']['mean']:.3f}, {found['seconds']:.0f} s", flush=True)
    draw(args, list(result["objectives"]))
    print(args.out)


def draw(args: Args, names: Sequence[str]) -> None:
    """Draws a row of samples of every objective.

    Args:
      args: the options.
      names: the objectives.
    """
    rows = []
    for name in names:
        path = args.workdir / f"{name.replace(' ', '_')}.png"
        if path.exists():
            with Image.open(path) as picture:
                rows.append((name, picture.convert("RGB")))
    if rows:
        plots.save_png(args.picture, pictures.stacked(rows, margin=170))


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
