"""Trains every model of images on the same data with the same budget, and measures and shows what each generates.

  python -m benchmarks.gallery --data-dir DATA
  python -m benchmarks.gallery --data-dir DATA --models dcgan r3gan --datasets mnist --tflop 20
  python -m benchmarks.gallery --data-dir DATA --datasets emoji --models projected_gan stylegan2_ada r3gan_diff_augment
  python -m benchmarks.gallery --data-dir DATA --device gpu --minutes 9

A budget counts the floating-point operations of the training step, so that it buys the same training on every machine.
The learning rates fall to 0 over the budget, and samples are those of the averaged generator, whose half-life is a twentieth of
the images seen. Each run has a result file, `benchmarks/results/gallery/DATASET_MODEL.json`, and a sheet of samples,
`docs/gallery/DATASET_MODEL.png`; `docs/gallery_DATASET.png` shows a row of each, and `docs/gallery_choice.png` the FID and
recall of all. A run that has its result file is left as it is, and one that was stopped goes on.

FID, KID and PRDC compare the features of 10,000 samples with those of training images, in a classifier of the data set for
digits and clothes (`benchmarks/classifiers`; its accuracy is in the result), and in EfficientNet-Lite0 for photographs.

`--device gpu` is for an accelerator: networks of published sizes on CIFAR-10, for a number of images instead of a budget of
operations (`PUBLISHED`). With `--minutes` a call ends after that time, and the same call goes on.
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
from PIL import Image

from benchmarks import budget, gallery_figure, judges, pictures
from benchmarks.gallery_models import ENTRIES, FEW, PUBLISHED, Entry
from benchmarks.tables import ROOT
from jgan import data, models, plots
from jgan.data import sources
from jgan.metrics import frechet, kernel, prdc
from jgan.metrics.sharpness import sharpness
from jgan.training import train
from jgan.training.environment import environment, write_json
from jgan.training.evaluators import sampling
from jgan.training.evaluators.images import unit
from jgan.training.run import Run, keys
from jgan.types import GANState
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.gallery"

COLUMNS, ROWS = 16, 4
"""of a sheet of samples; a row of it stands in the picture of all models"""

SAMPLES = 10_000

CLASSIFIED = ("digits", "mnist", "fashion_mnist")
"""data sets that a small classifier learns in minutes"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.gallery`."""

    models: tuple[str, ...] = ()
    """models to train; default: all but those for few images, projected_gan, stylegan2_ada and r3gan_diff_augment"""
    datasets: tuple[str, ...] = ()
    """data sets: mnist, fashion_mnist, cifar10, or a folder of images in --data-dir, by its name; default: the first two, with
    --device gpu cifar10"""
    device: Literal["cpu", "gpu"] = "cpu"
    """cpu: small networks, a budget of operations; gpu: networks of published sizes, a number of images"""
    data_dir: Path | None = None
    """folder that holds the data sets in subfolders of their names"""
    tflop: float = 100.0
    """budget of a run, in 10^12 floating-point operations (--device cpu)"""
    images: int = 0
    """images that a run sees; default: those of the published run (--device gpu)"""
    minutes: float = 0.0
    """stop after this time, to go on in the next call; 0: no limit"""
    seed: int = 0
    """seed of every run"""
    extractor: str = ""
    """features in which samples are compared; default: a classifier of MNIST and Fashion-MNIST, else efficientnet_lite0"""
    epochs: int = 3
    """epochs of the classifier of a data set"""
    workdir: Path = Path("runs")
    """folder of the runs and the classifiers, in gallery/ or gallery_gpu/"""
    results: Path = ROOT / "benchmarks" / "results"
    """folder of the result files, in gallery/ or gallery_gpu/"""
    pictures: Path = ROOT / "docs"
    """folder of the sheets of samples, in gallery/ or gallery_gpu/"""


def entries(args: Args) -> dict[str, Entry]:
    """The models of the device, by name."""
    return PUBLISHED if args.device == "gpu" else ENTRIES | FEW


def configuration(entry: Entry, steps: int) -> Any:
    """The options of a run of a given length.

    Args:
      entry: the model.
      steps: generator updates.

    Returns:
      The model's `Config`.
    """
    schedule: dict[str, Any] = {"ema.half_life": 0.05 * steps * entry.batch_size}
    if entry.decays:
        schedule |= {"optimizer.decay": "linear", "optimizer.decay_steps": steps, "optimizer.decay_to": 0.0}
    return budget.changed(entry.config, schedule)


def length(args: Args, entry: Entry, dataset: data.Dataset) -> tuple[int, float]:
    """The generator updates that the budget pays for.

    Args:
      args: the options.
      entry: the model.
      dataset: the data.

    Returns:
      `(steps, operations of one step)`, of a step of the last phase.

    Raises:
      ValueError: if the budget, or the number of images, is too small for a step.
    """
    model = models.MODELS[models.model_of(entry.preset)]
    spec = data.spec(dataset, entry.batch_size)
    config = configuration(entry, 1000)
    costs = budget.of_steps(model, config, spec, entry.batch_size, entry.parts)
    if args.device == "gpu":
        a_step = entry.batch_size * models.phases_of(model, config, spec)[-1].gan.n_critic
        steps = (args.images or entry.images) // a_step
        if steps < 1:
            raise ValueError(f"--images must be at least {a_step}, the images of one step, found {args.images}")
        return steps, costs[-1]
    lengths = [phase.steps or 0 for phase in models.phases_of(model, config, spec)[:-1]]
    return budget.steps_for(args.tflop * 1e12, costs, lengths), costs[-1]


def measured(judge: judges.Judge, run: Run, state: GANState, n: int) -> dict[str, Any]:
    """The figures of a finished run.

    Args:
      judge: the features.
      run: the run, in its last phase.
      state: the state whose averaged generator is measured.
      n: the number of samples.

    Returns:
      For JSON.
    """
    samples, fake, real = judges.compared(judge.extractor, run, state, n)
    real_images = unit(run.dataset.train.x[:SAMPLES])
    some = real[np.random.default_rng(0).permutation(len(real))[:SAMPLES]]
    near = prdc.prdc(some, fake)
    return {
        "extractor": judge.extractor.name,
        "extractor_digest": judge.extractor.digest,
        "classifier_accuracy": judge.accuracy,
        "samples": len(fake),
        "real_images": len(real),
        "fid": float(frechet.fid(real, fake).fid),
        "kid": float(kernel.kid(real, fake, subset_size=min(1000, len(real), len(fake))).mean),
        **{name: getattr(near, name) for name in ("precision", "recall", "density", "coverage")},
        "sharpness": float(sharpness(samples).mean() / sharpness(real_images).mean()),
        "agreement": None if judge.accuracy is None else judges.agreement(judge.extractor, run, state),
    }


def sheet(run: Run, state: GANState) -> np.ndarray:
    """The picture of the samples of a run, `COLUMNS` by `ROWS`; with labels, a row of all classes and one of each.

    Args:
      run: the run, in its last phase.
      state: the state whose averaged generator is shown.

    Returns:
      uint8 `[height, width, channels]`.
    """
    key, classes = keys(run.config.seed).samples, sampling.classes(run.gan)
    if classes:
        labels = np.concatenate([np.arange(COLUMNS) % classes, np.repeat(np.arange(classes), COLUMNS)])
        asked = run.gan.inputs(key, len(labels), jnp.asarray(labels, jnp.int32))
    else:
        asked = sampling.inputs(run, key, COLUMNS * ROWS)
    return plots.grid(sampling.draw(run.gan, state, asked), columns=COLUMNS, scale=1)


def place(args: Args, dataset: str) -> tuple[str, Path | None]:
    """Where the images of a data set are.

    Args:
      args: the options.
      dataset: its name.

    Returns:
      `(name of the source, its folder)`; the source of a name that `jgan.data` does not know is a folder of images.
    """
    return dataset if dataset in sources.SOURCES else "folder", None if args.data_dir is None else args.data_dir / dataset


def trained(args: Args, name: str, dataset: str, begun: float) -> tuple[dict[str, Any], np.ndarray]:
    """Trains one model, or goes on with it, and measures it.

    Args:
      args: the options.
      name: the model.
      dataset: the data.
      begun: the time at which the command began, from `time.monotonic`.

    Returns:
      `(for JSON, the picture of its samples)`.

    Raises:
      TimeoutError: after `--minutes`, once the run is saved.
    """
    entry, workdir = entries(args)[name], args.workdir / f"{dataset}_{name}"
    source, folder = place(args, dataset)
    loaded = data.load(source, folder)
    steps, cost = length(args, entry, loaded)
    started = time.monotonic()
    run, state, _ = train(
        entry.preset,
        configuration(entry, steps),
        dataset=source,
        data_dir=folder,
        steps=steps,
        batch_size=entry.batch_size,
        seed=args.seed,
        eval_every=0,
        time_limit=budget.minutes_left(args.minutes, begun),
        workdir=workdir,
        resume="auto",
    )
    seconds = round(time.monotonic() - started, 1)
    if dataset in CLASSIFIED and not args.extractor:
        judge = judges.of_classes(run.dataset, args.workdir, args.epochs)
    else:
        judge = judges.of_photographs(run.dataset, args.extractor or "efficientnet_lite0")
    picture = sheet(run, state)
    found = {
        "model": name,
        "dataset": dataset,
        "steps": steps,
        "images_seen": steps * entry.batch_size * run.gan.n_critic,
        "flop_per_step": cost,
        "flop": steps * cost if args.device == "gpu" else args.tflop * 1e12,
        "seconds": seconds,
        "seed": args.seed,
        **measured(judge, run, state, min(entry.samples, SAMPLES)),
        "rows": 1 + sampling.classes(run.gan) if sampling.classes(run.gan) else ROWS,
        "config": models.to_dict(run.config.model),
    }
    return found, picture


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    begun, chosen = time.monotonic(), entries(args)
    for name in args.models:
        if name not in chosen:
            raise ValueError(unknown("model", name, chosen))
    if args.device == "gpu" and jax.default_backend() == "cpu":
        print("no accelerator was found: the networks of published sizes are trained on the CPU", flush=True)
    part = "gallery_gpu" if args.device == "gpu" else "gallery"
    args = dataclasses.replace(args, **{name: getattr(args, name) / part for name in ("workdir", "results", "pictures")})
    for folder in (args.workdir, args.results, args.pictures):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        run_all(args, argv, begun)
    except TimeoutError as stopped:
        print(f"{stopped}; this call again goes on from there", flush=True)


def run_all(args: Args, argv: Sequence[str], begun: float) -> None:
    """Trains and measures all models, but those that have a result, and draws the pictures.

    Args:
      args: the options, with the folders of the device.
      argv: the command-line arguments.
      begun: the time at which the command began, from `time.monotonic`.

    Raises:
      TimeoutError: after `--minutes`.
    """
    chosen = args.models or [name for name in entries(args) if name not in FEW]
    for dataset in args.datasets or (("cifar10",) if args.device == "gpu" else ("mnist", "fashion_mnist")):
        for name in chosen:
            path = args.results / f"{dataset}_{name}.json"
            if not path.exists():
                found, picture = trained(args, name, dataset, begun)
                plots.save_png(args.pictures / f"{dataset}_{name}.png", picture)
                write_json(path, found | {"command": shlex.join([*PROG.split(), *argv]), "environment": environment()})
                print(path, flush=True)
        rows(args, dataset)
    choice = args.pictures.with_name(f"{args.pictures.name}_choice.png")
    gallery_figure.save(gallery_figure.Args(args.results, choice))


def rows(args: Args, dataset: str) -> None:
    """Draws the picture of a data set: the first row of every model's sheet, with the model's name and FID.

    Args:
      args: the options.
      dataset: the data.
    """
    results = [json.loads(path.read_text()) for path in args.results.glob(f"{dataset}_*.json")]
    if not results:
        return
    results.sort(key=lambda found: found["fid"], reverse=True)
    named = []
    for found in results:
        with Image.open(args.pictures / f"{dataset}_{found['model']}.png") as picture:
            side = (picture.height - 1) // found["rows"] + 1
            strip = picture.convert("RGB").crop((0, 0, picture.width, side))
        named.append((f"{found['model']}  {found['fid']:.1f}", strip))
    name = f"{args.pictures.name}_{dataset}.png"
    plots.save_png(args.pictures.with_name(name), pictures.stacked(named))


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
