"""Does a GAN's data help a classifier? Real images, generated ones or both, with and without shifts, for few and many images.

  python -m benchmarks.augmentation --data-dir DATA/mnist

takes some real images of each class (0 for all), trains a conditional DCGAN of small width on them *only*, and then classifiers
with one hidden layer on the real images, on generated ones, and on both, half of each minibatch. A generator that had seen
further images would bring them into the comparison. Every classifier has the same number of steps, and nothing is chosen on the
test images. The classical remedy, shifts by up to an eighth of the side, drawn anew at each visit, is measured beside it.

A run is one number of images and one seed, which also chooses the images. Each is written when it is done, a run that is in the
result already is left as it is, and `--runs` ends the command after some of them. The picture shows the runs there are.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import classifier_steps, populations
from benchmarks.tables import ROOT
from jgan import Batch, augment, data, models
from jgan.data import resident
from jgan.data.dataset import Dataset
from jgan.data.division import place_in_class
from jgan.evaluation.sets import to_uint8
from jgan.features import dense
from jgan.features.dense import Dense
from jgan.models import cdcgan
from jgan.training.environment import environment, write_json
from jgan.utils import cli

PROG = "python -m benchmarks.augmentation"

SOURCES = ("real", "generated", "both")
ARMS = (*SOURCES, *(f"{source}, shifted" for source in SOURCES))
"""What the classifiers are trained on."""

CHUNK = 50
"""The steps of a GAN are a multiple of it."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.augmentation`."""

    dataset: str = "mnist"
    """data set of images with labels"""
    data_dir: Path | None = None
    """folder of the data, if not the default one"""
    per_class: tuple[int, ...] = (10, 100, 0)
    """numbers of real images of each class; 0: all"""
    seeds: int = 5
    """runs with each number"""
    runs: int = 0
    """runs of this call, after which it ends; 0: all"""
    gan_steps: int = 1_000
    """steps of each GAN, the same for all numbers of images"""
    width: int = 16
    """width of the GAN's networks"""
    units: int = 128
    """units of the GAN's linear layers"""
    generated: int = 1_000
    """generated images of each class"""
    classifier_steps: int = 1_000
    """steps of each classifier"""
    batch_size: int = 64
    """images in a minibatch, of the GANs and of the classifiers"""
    anew: bool = False
    """measure runs again that are already in the result"""
    out: Path = ROOT / "benchmarks" / "results" / "augmentation.json"
    """file of the result"""
    picture: Path = ROOT / "docs" / "augmentation.png"
    """file of the picture"""


def some(train: Batch, count: int, seed: int) -> Batch:
    """Some images of each class, in random order.

    Args:
      train: the training images.
      count: the number of images of each class; 0 for all.
      seed: chooses the images.

    Returns:
      The images with their labels.

    Example:
      >>> import numpy as np
      >>> from benchmarks import augmentation
      >>> from jgan import Batch
      >>> few = augmentation.some(Batch(np.arange(9), np.arange(9) % 3), 2, seed=0)
      >>> sorted(few.y.tolist())
      [0, 0, 1, 1, 2, 2]
    """
    mixed = jax.tree.map(lambda leaf: leaf[np.random.default_rng(seed).permutation(len(train.y))], train)
    return jax.tree.map(lambda leaf: leaf[place_in_class(mixed) < (count or len(train.y))], mixed)


def generated(args: Args, dataset: Dataset, real: Batch, seed: int) -> Batch:
    """Images of a GAN that was trained on some real images.

    Args:
      args: the options.
      dataset: the data set, for the number of classes.
      real: the images to train on.
      seed: the seed of the GAN.

    Returns:
      uint8 images, `args.generated` of each class, and their labels.
    """
    few = dataclasses.replace(dataset, train=real)
    config = dataclasses.replace(models.presets()["cdcgan_mnist"].config, width=args.width, units=args.units)
    gan = cdcgan.make(config, data.spec(few, args.batch_size))
    options = {"seeds": 1, "seed": seed, "batch_size": args.batch_size, "steps": args.gan_steps, "chunk": CHUNK}
    state = jax.tree.map(lambda leaf: leaf[0], populations.train(gan, real, **options))
    labels = np.repeat(np.arange(dataset.fields.y.size, dtype=np.int32), args.generated)
    draw = jax.jit(lambda key, state: gan.sample(key, state, len(labels), labels=labels))
    return Batch(to_uint8("samples", np.asarray(draw(jax.random.key(seed), state))), labels)


def classified(args: Args, dataset: Dataset, real: Batch, fake: Batch, seed: int) -> dict[str, float]:
    """Trains a classifier for each of `ARMS`, all side by side, and tests them.

    Args:
      args: the options.
      dataset: the data set, for its test images.
      real: real images.
      fake: generated images.
      seed: the seed of the initial weights, of the order of the images and of the shifts.

    Returns:
      The accuracy on the test images of each of `ARMS`.
    """
    shape, classes = real.x.shape[1:], dataset.fields.y.size
    made, pool = dense.trainer(Dense(), shape, classes), jax.tree.map(lambda *sets: jnp.concatenate(sets), real, fake)
    init_key, order_key, shift_key = jax.random.split(jax.random.key(seed), 3)
    rows = jnp.stack([indices(order_key, source, len(real.x), len(fake.x), args) for source in SOURCES] * 2)
    shifted = jnp.array([arm.endswith("shifted") for arm in ARMS])

    def run(state: dense.State, pool: Batch, rows: jax.Array, shifted: jax.Array) -> dense.State:
        def step(state: dense.State, at: tuple[jax.Array, jax.Array]) -> tuple[dense.State, jax.Array]:
            batch = resident.cut(pool, at[0])
            moved = augment.translation(at[1], batch.x, fill=0.0)
            return made.update(state, batch._replace(x=jnp.where(shifted, moved, batch.x)))

        return jax.lax.scan(step, state, (rows, jax.random.split(shift_key, args.classifier_steps)))[0]

    states = jax.jit(jax.vmap(run, in_axes=(None, None, 0, 0)))(made.init(init_key), pool, rows, shifted)
    test = jax.tree.map(jnp.asarray, dataset.test)
    shares = classifier_steps.accuracies(Dense(), states.params, test, classes)
    return {arm: round(float(share), 4) for arm, share in zip(ARMS, np.asarray(shares), strict=True)}


def indices(key: jax.Array, source: str, real: int, fake: int, args: Args) -> jax.Array:
    """The places of each minibatch in the pool, where the real images come first.

    Args:
      key: the key of the draw, with replacement.
      source: one of `SOURCES`.
      real: the number of real images.
      fake: the number of generated images.
      args: the options.

    Returns:
      int32 `[steps, batch_size]`; of `"both"` the first half of each row is real.
    """
    size = args.classifier_steps, args.batch_size
    real_key, fake_key = jax.random.split(key)
    reals, fakes = jax.random.randint(real_key, size, 0, real), real + jax.random.randint(fake_key, size, 0, fake)
    share = {"real": args.batch_size, "generated": 0, "both": args.batch_size // 2}[source]
    return jnp.where(jnp.arange(args.batch_size)[None] < share, reals, fakes)


def measure(args: Args, dataset: Dataset, count: int, seed: int) -> dict[str, Any]:
    """One run: some images, a GAN of them, and the classifiers.

    Args:
      args: the options.
      dataset: the data set.
      count: the number of real images of each class; 0 for all.
      seed: of this run.

    Returns:
      For JSON.
    """
    started, real = time.monotonic(), some(dataset.train, count, seed)
    fake = generated(args, dataset, real, seed)
    made = time.monotonic()
    accuracy = classified(args, dataset, real, fake, seed)
    seconds = {"gan": round(made - started, 1), "classifiers": round(time.monotonic() - made, 1)}
    return {"images": len(real.x), "accuracy": accuracy, "seconds": seconds, "environment": environment()}


def picture(result: dict[str, Any]) -> Any:
    """The accuracies by the number of real images, with the standard deviation over runs.

    Args:
      result: the result so far.

    Returns:
      The `Figure`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axis, sizes = figure.subplots(), list(result["sizes"].values())
    counts = [max(run["images"] for run in runs.values()) for runs in sizes]
    for index, arm in enumerate(ARMS):
        found = [populations.spread([run["accuracy"][arm] for run in runs.values()]) for runs in sizes]
        errors = [spread["std"] or 0.0 for spread in found]
        style = "--" if arm.endswith("shifted") else "-"
        means = [spread["mean"] for spread in found]
        axis.errorbar(counts, means, errors, label=arm, color=f"C{index % 3}", linestyle=style, marker="o", capsize=3)
    axis.set(xscale="log", xlabel="real images", ylabel="test accuracy")
    axis.grid(alpha=0.3)
    figure.legend(title="trained on", loc="outside right upper")
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, seeds=1, runs=0, generated=1, classifier_steps=1, batch_size=2)
    if args.gan_steps < CHUNK or args.gan_steps % CHUNK:
        raise ValueError(f"--gan-steps must be a multiple of {CHUNK}, found {args.gan_steps}")
    if min(args.per_class) < 0:
        raise ValueError(f"--per-class must be at least 0, found {min(args.per_class)}")
    apart = ("data_dir", "per_class", "seeds", "runs", "anew", "out", "picture")
    options = {name: value for name, value in vars(args).items() if name not in apart}
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    result = populations.begun(args.out, command, options, anew=args.anew)
    sizes, dataset, done = result.setdefault("sizes", {}), data.load(args.dataset, args.data_dir), 0
    for seed in range(args.seeds):  # outermost, so that a part of the runs covers every number of images
        for count in args.per_class:
            held = sizes.setdefault(str(count), {})
            if str(seed) in held or (args.runs and done == args.runs):
                continue
            held[str(seed)] = measure(args, dataset, count, seed)
            done += 1
            write_json(args.out, result | {"environment": environment()})
            print(f"{count or 'all'} a class, seed {seed}: {held[str(seed)]['accuracy']}", flush=True)
    args.picture.parent.mkdir(parents=True, exist_ok=True)
    picture({"sizes": {count: runs for count, runs in sizes.items() if runs}}).savefig(args.picture, format="png")
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
