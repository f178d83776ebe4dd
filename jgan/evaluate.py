"""`python -m jgan.evaluate`: the measures of a trained generator, or of any two sets of images.

python -m jgan.evaluate --workdir RUN                                   the default measure of the run
python -m jgan.evaluate --workdir RUN --metrics fid,kid,prdc            against its training images
python -m jgan.evaluate --fake FOLDER --real FILE.npz --metrics fid     images of any origin
python -m jgan.evaluate --compare A.json B.json                         side by side, if their protocols are the same
"""

import dataclasses
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jgan.evaluation import likelihood, sets, sides, table
from jgan.evaluation.criteria import VALIDATION_IMAGES, RealImages
from jgan.evaluation.measure import MEASURES
from jgan.features import choice
from jgan.metrics import parzen
from jgan.training import evaluators
from jgan.training.checkpoint import Which
from jgan.training.evaluators import sampling
from jgan.training.evaluators.images import at_data_size, real_images
from jgan.training.run import Snapshot, environment, keys, open_run, write_json
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m jgan.evaluate"


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path | None = None
    """folder of the run whose generator is measured"""
    fake: Path | None = None
    """instead of a run: a folder of generated images, or an .npz file of them"""
    real: Path | None = None
    """real images, a folder or an .npz file; default: the data of the run"""
    metrics: tuple[str, ...] = ()
    """names, separated by commas or spaces, see below; default: that of the run's evaluator, or fid for two sets of images"""
    split: Literal["train", "validation", "test"] = "train"
    """part of the run's data to compare with"""
    held_out: Path | None = None
    """additional real images, for ct; default: another part of the run's data"""
    num_samples: int = 10_000
    """number of samples of the generator; maximum number of images of --fake, 0 for all"""
    num_real: int = 0
    """number of real images; 0 for all"""
    extractor: str = "auto"
    """features: pixels, classifier or inception; auto: inception with --weights, classifier for 8x8 images, else pixels"""
    weights: Path | None = None
    """the file of InceptionV3's weights (.pth, .safetensors, .npz), or of a classifier's"""
    resizer: choice.Resizer = "clean"
    """resizer of InceptionV3's images: clean (clean-fid), tf1 (the authors, torch-fidelity), torch (pytorch-fid)"""
    k: int = 5
    """number of nearest neighbours of prdc"""
    checkpoint: Which = "best"
    """checkpoint: best (by the run's measure) or last"""
    ema: bool = True
    """use the averaged weights, if the model keeps them"""
    anchors: bool = True
    """for parzen: also measure training images and k-means centroids"""
    seed: int = 0
    """seed of the latents, the baselines and the subsets"""
    data_dir: Path | None = None
    """folder of the run's data, if it has changed"""
    pictures: Path | None = None
    """output folder of pictures: nearest neighbours in feature space, spectra, the curve of prd, the bins of ndb"""
    cache: Path | None = None
    """cache folder for features of real images; default: a folder in the run's folder"""
    out: Path | None = None
    """output file; default: evaluation.json in the run's folder, or in the current folder"""
    compare: tuple[Path, ...] = ()
    """results to show side by side, without a measurement"""
    any_protocol: bool = False
    """compare results even if their protocols differ"""

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics, without duplicates."""
        return tuple(dict.fromkeys(name for group in self.metrics for name in group.split(",") if name))


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    listing = "\n".join(f"  {name:<14}{measure.about}" for name, measure in MEASURES.items())
    description = (
        "Measure the generator of a run, or two sets of images.\n\nMetrics:\n"
        f"  {'parzen':<14}the log-likelihood of the 2014 paper's Table 1, with its baselines\n{listing}\n"
        "  modes, divergence, distance, translation: the measures of runs without a single set of images"
    )
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=description)
    check(args)
    if args.compare:
        print(table.side_by_side(args.compare, any_protocol=args.any_protocol))
        return
    found = of_run(args) if args.workdir is not None else of_files(args)
    out = args.out or (args.workdir or Path()) / "evaluation.json"
    write_json(out, found | {"environment": environment()})
    print(f"written to {out}")


def check(args: Args) -> None:
    """Checks the flags before anything is computed.

    Args:
      args: the flags.

    Raises:
      ValueError: names the flag, its valid values and the value found.
      FileNotFoundError: if the folder of `--out` does not exist.
    """
    if (args.workdir is not None) + (args.fake is not None) + bool(args.compare) != 1:
        raise ValueError("expected one of --workdir (a run), --fake with --real (images) and --compare (results)")
    if args.fake is not None and args.real is None:
        raise ValueError("--fake needs --real, the images to compare with")
    cli.at_least(args, num_samples=1 if args.workdir is not None else 0, num_real=0, k=1, seed=0)
    extractors = typing.get_args(choice.Name)
    if args.extractor not in extractors:
        raise ValueError(f"--extractor: {unknown('extractor', args.extractor, extractors)}")
    if args.workdir is None:
        for name in args.names:
            if name == "parzen":
                raise ValueError(f"--metrics: parzen measures a run, and these are images: choose from {', '.join(MEASURES)}")
            MEASURES[name]
    if args.out is not None:
        cli.in_a_folder(args.out)


# --------------------------------------------------------------------------------------------------------------- runs


def of_run(args: Args) -> dict[str, Any]:
    """Measures the generator of a run.

    Args:
      args: the flags.

    Returns:
      The result, for JSON.

    Raises:
      ValueError: if a metric of `--metrics` is not one of the run's.
    """
    assert args.workdir is not None
    run = open_run(args.workdir, args.data_dir)
    evaluator = evaluators.of(run)
    known = ["parzen", *MEASURES] if evaluator.name == "parzen" else [evaluator.name]
    names = args.names or (evaluator.name,)
    for name in names:
        if name not in known:
            raise ValueError(f"--metrics, a run of {run.config.preset}: {unknown('metric', name, known)}")
    real = real_images(run)
    pair = real_of_run(real, args) if set(names) & set(MEASURES) else None
    found = run.snapshot(args.checkpoint)
    print(f"{run.config.preset}, {args.checkpoint} checkpoint (step {found.step:,}), seed {args.seed}, in {args.workdir}")
    about: dict[str, Any] = {name: getattr(run.config, name) for name in ("preset", "dataset", "batch_size")}
    about |= {"run_seed": run.config.seed, "step": found.step}
    about |= {name: getattr(args, name) for name in ("checkpoint", "ema", "num_samples", "seed")}
    if evaluator.name != "parzen":
        return about | {evaluator.name: as_in_training(found, args)}
    asked = sampling.inputs(found.run, keys(args.seed).evaluation, args.num_samples)
    samples = at_data_size(found.run, found.state, asked, ema=args.ema)
    if "parzen" in names:
        about["parzen"] = measure_parzen(args.workdir, real, samples, args)
    if pair is not None:
        labels = np.asarray(asked.c) if sampling.classes(found.run.gan) else None
        name = f"{run.config.preset}, step {found.step:,}"
        fake = sets.ImageSet(name, sets.to_uint8("samples", samples), labels)
        about |= measure_images(pair._replace(fake=fake), names, args)
    return about


def real_of_run(images: RealImages, args: Args) -> sides.Given:
    """The real images to compare a run's samples with.

    Args:
      images: the data of the run.
      args: the flags.

    Returns:
      The `Given`, without the generated images.
    """
    real = sets.read(args.real) if args.real is not None else images.image_set(args.split)
    other = "test" if args.split != "test" else "validation"
    held_out = sets.read(args.held_out) if args.held_out is not None else images.image_set(other)
    return sides.Given(real.first(args.num_real), None, held_out)


def measure_parzen(workdir: Path, real: RealImages, samples: np.ndarray, args: Args) -> dict[str, Any]:
    """Measures the generator and both baselines by the 2014 paper's procedure; prints their table.

    Args:
      workdir: the folder of the run.
      real: the data of the run.
      samples: samples of the run's generator.
      args: the flags.

    Returns:
      For JSON: `generator`, `training_images` and `kmeans_centroids`, each a `value` with its `standard_error`, `sigma`,
      `validation` value and `num_samples`; and the numbers of images used.
    """
    train, test, validation = real.part("train"), real.part("test"), real.part("validation", VALIDATION_IMAGES)
    print(f"\nParzen-window log-likelihood in nats per image, sigma chosen on {len(validation):,} validation images")
    print(f"{'':<18}{'samples':>9}{'sigma':>8}{'validation':>12}{f'{len(test):,} test images':>22}")
    lines = {"generator": likelihood.line(len(samples), parzen.evaluate(samples, validation, test))}
    _show("generator", lines["generator"])
    if args.anchors:
        lines |= likelihood.cached_anchors(
            workdir / "anchors.json",
            *(train, validation, test),
            n=args.num_samples,
            seed=args.seed,
            packages=environment()["packages"],
            announce=lambda: print("measuring training images and k-means centroids ...", file=sys.stderr),
        )
        _show("training images", lines["training_images"])
        _show("k-means centroids", lines["kmeans_centroids"])
    return {**lines, "validation_images": len(validation), "test_images": len(test), "unit": "nats per image"}


def _show(name: str, line: likelihood.Line) -> None:
    value = f"{line['value']:.1f} +- {line['standard_error']:.1f}"
    print(f"{name:<18}{line['num_samples']:>9,}{line['sigma']:>8.3f}{line['validation']:>12.1f}{value:>22}")


def as_in_training(found: Snapshot, args: Args) -> dict[str, Any]:
    """Computes the measure of the run's evaluator, with the latents of `--seed`; prints it.

    Args:
      found: the checkpoint.
      args: the flags.

    Returns:
      The result, for JSON.
    """
    evaluator = evaluators.of(found.run)
    state = found.state if args.ema else sampling.unaveraged(found.state)
    config = dataclasses.replace(found.run.config, seed=args.seed)
    measured = evaluator.measure(dataclasses.replace(found.run, config=config), state)
    print(evaluator.phrase(measured))
    return dict(measured)


# ------------------------------------------------------------------------------------------------------ sets of images


def of_files(args: Args) -> dict[str, Any]:
    """Measures two sets of images from files.

    Args:
      args: the flags.

    Returns:
      The result, for JSON.
    """
    assert args.fake is not None
    assert args.real is not None
    names = args.names or ("fid",)
    fake = sets.read(args.fake)
    given = sides.Given(
        sets.read(args.real).first(args.num_real),
        fake.first(min(args.num_samples, len(fake.images))),
        None if args.held_out is None else sets.read(args.held_out),
    )
    return {"fake": str(args.fake), "seed": args.seed} | measure_images(given, names, args)


def measure_images(given: sides.Given, names: Sequence[str], args: Args) -> dict[str, Any]:
    """Measures one set of images against another; prints a table.

    Args:
      given: the sets.
      names: the measures.
      args: the flags.

    Returns:
      For JSON: the protocol, each result by its name, and the table.
    """
    shape = given.real.images.shape[1:]
    extractor = choice.choose(args.extractor, shape, args.weights, args.resizer)
    cache = args.cache or (None if args.workdir is None else args.workdir / "features")
    names = [name for name in names if name in MEASURES]
    with sides.progress_bar() as progress:
        found = sides.measure(given, names, extractor, k=args.k, seed=args.seed, cache=cache, progress=progress)
    print(f"\n{sides.headline(found.protocol)}")
    print(table.text([("", [row for rows in found.rows.values() for row in rows])]))
    if args.pictures is not None:
        for path in sides.draw(args.pictures, found):
            print(f"picture: {path}")
    rows = {name: [row._asdict() for row in rows] for name, rows in found.rows.items()}
    return {"protocol": found.protocol._asdict(), **found.results, "table": rows}


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
