"""`python -m jgan.evaluate`: the measures of a trained generator, or of any two sets of images.

python -m jgan.evaluate --workdir RUN                                   the default measure of the run
python -m jgan.evaluate --workdir RUN --metrics fid,kid,prdc            against its training images
python -m jgan.evaluate --fake FOLDER --real FILE.npz --metrics fid     images of any origin
python -m jgan.evaluate --workdir RUN --metrics fid,prdc --per-class    also within each class of a model with labels
python -m jgan.evaluate --workdir RUN --pairs                           translations against their truths, image by image
python -m jgan.evaluate --fake FOLDER --real FOLDER --pairs             the same of images of any origin, paired by name
python -m jgan.evaluate --compare A.json B.json                         side by side, if their protocols are the same
"""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.evaluate")  # before the imports that take a second

import dataclasses
import itertools
import math
import sys
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from jgan.evaluation import by_class, flags, likelihood, paired, sets, sides, table, two_sets
from jgan.evaluation.criteria import RealImages
from jgan.evaluation.measure import MEASURES
from jgan.evaluation.sides import FAILURES
from jgan.features import choice
from jgan.resize import Resizer
from jgan.training import evaluators, which
from jgan.training.evaluators import pairs, sampling
from jgan.training.evaluators.images import at_data_size, real_images
from jgan.training.run import Run, Snapshot, environment, keys, open_run
from jgan.utils import checks, cli, memory, output
from jgan.utils.registry import unknown
from jgan.utils.results import Results

PROG = "python -m jgan.evaluate"

BYTES_PER_VALUE = 40
"""Peak memory per pixel of a sample: in float32 and float64 while it is rounded, in 8 bits, and as a feature."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path | None = None
    """folder of the run whose generator is measured"""
    fake: Path | None = None
    """instead of a run: generated images, a folder, a .zip or .tar archive of one, or an .npz file"""
    real: Path | None = None
    """real images, as for --fake; default: the data of the run"""
    metrics: tuple[str, ...] = ()
    """names, separated by commas or spaces, see below; default: that of the run's evaluator, or fid for two sets of images"""
    per_class: bool = False
    """also measure the images of each class alone, by those of the metrics that can be, for two sets with labels"""
    pairs: bool = False
    """measure images against their truths, one by one: --fake against --real by their names, or translations of a run's data"""
    split: Literal["train", "validation", "test"] | None = None
    """part of the run's data to compare with; default: train, with --pairs test"""
    held_out: Path | None = None
    """additional real images, for ct; default: another part of the run's data"""
    num_samples: int = 10_000
    """number of samples of the generator; maximum number of images of --fake, 0 for all"""
    num_real: int = 0
    """number of real images; 0 for all"""
    extractor: str = "auto"
    """pixels, classifier, inception, efficientnet_lite0 or _lite1; auto: inception with --weights, else by the images' size"""
    weights: Path | None = None
    """the file of InceptionV3's weights (.pth, .safetensors, .npz), or of a classifier's"""
    resizer: Resizer = "clean"
    """resizer of InceptionV3 and EfficientNet: clean (clean-fid), tf1 (the authors, torch-fidelity), torch (pytorch-fid)"""
    checkpoint: str = "best"
    """checkpoint: best (by the run's measure), last, or the number of a step"""
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
    """cache folder for features of real images; default: a folder in the run's folder, if it can be written to"""
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
      ValueError, OSError: if the input is invalid, or a metric failed; `jgan.utils.cli.run` prints the error as one line.
    """
    listing, for_pairs = (
        "\n".join(f"  {name:<14}{measure.about}" for name, measure in known.items()) for known in (MEASURES, paired.PAIRED)
    )
    description = (
        "Measure the generator of a run, or two sets of images.\n\nMetrics:\n"
        f"  {'parzen':<14}the log-likelihood of the 2014 paper's Table 1, with its baselines\n{listing}\n"
        "  modes, divergence, distance, translation: the measures of runs without a single set of images\n"
        f"With --pairs, {', '.join(paired.usual())} by default:\n{for_pairs}"
    )
    given = list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    if given and not given[0].startswith("-"):
        raise ValueError(f"expected --workdir RUN, or --fake IMAGES --real IMAGES, found {given[0]!r}; see {PROG} --help")
    args = cli.parse(flags.with_options(Args), flags.in_full(given), prog=PROG, description=description)
    check(args)
    if args.compare:
        output.show(table.side_by_side(args.compare, any_protocol=args.any_protocol))
        return
    results = Results(args.out or (args.workdir or Path()) / "evaluation.json", PROG, environment())
    (of_pairs if args.pairs else of_run if args.workdir is not None else of_files)(args, results)
    results.end()


def check(args: Args) -> None:
    """Checks the flags before anything is computed.

    Args:
      args: the flags.

    Raises:
      ValueError: names the flag, its valid values and the value found.
      FileNotFoundError: if the folder of `--out` does not exist.
    """
    which.asked(args.checkpoint)
    if (args.workdir is not None) + (args.fake is not None) + bool(args.compare) != 1:
        raise ValueError("expected one of --workdir (a run), --fake with --real (images) and --compare (results)")
    if args.fake is not None and args.real is None:
        raise ValueError("--fake needs --real, the images to compare with")
    cli.at_least(args, num_samples=1 if args.workdir is not None else 0, num_real=0)
    checks.seed(args.seed, "--seed")
    extractors = typing.get_args(choice.Name)
    if args.extractor not in extractors:
        raise ValueError(f"--extractor: {unknown('extractor', args.extractor, extractors)}")
    if args.pairs:
        check_pairs(args)
        return
    if args.workdir is None:
        for name in args.names:
            if name == "parzen":
                raise ValueError(f"--metrics: parzen measures a run, and these are images: choose from {', '.join(MEASURES)}")
            if name not in MEASURES:
                raise ValueError(f"--metrics: {unknown('metric', name, MEASURES)}")
    flags.check(args, args.names or (("fid",) if args.workdir is None else ()))
    if args.per_class and args.names:
        by_class.measures(args.names)
    if args.out is not None:
        output.file("--out", args.out)
    if args.pictures is not None and not args.pictures.is_dir():
        output.folder("--pictures", args.pictures)


def check_pairs(args: Args) -> None:
    """Checks the flags that go with `--pairs`: see `check`."""
    for name in args.names:
        if name not in paired.PAIRED:
            raise ValueError(f"--metrics, --pairs: {unknown('metric', name, paired.PAIRED)}")
    flags.check(args, args.names or paired.usual())
    extra = {"per_class": args.per_class, "held_out": args.held_out, "pictures": args.pictures}
    extra |= {} if args.workdir is None else {"real": args.real}
    for name, value in extra.items():
        if value:
            raise ValueError(f"--{name.replace('_', '-')}: --pairs measures images against their own truths: leave it out")
    if args.out is not None:
        output.file("--out", args.out)


# --------------------------------------------------------------------------------------------------------------- runs


def of_run(args: Args, results: Results) -> None:
    """Measures the generator of a run.

    Args:
      args: the flags.
      results: takes the results.

    Raises:
      ValueError: if a metric of `--metrics` is not one of the run's.
    """
    assert args.workdir is not None
    run = open_run(args.workdir, args.data_dir)
    output.file("--out", results.out)  # of a run in a folder that cannot be written to
    evaluator = evaluators.of(run)
    known = ["parzen", *MEASURES] if evaluator.name == "parzen" else [evaluator.name]
    names = args.names or (evaluator.name,)
    for name in names:
        if name not in known:
            raise ValueError(f"--metrics, a run of {run.config.preset}: {unknown('metric', name, known)}")
    check_memory(args, run)
    real = real_images(run)
    if args.per_class:
        by_class.measures(names)
        if not sampling.classes(run.gan):
            raise ValueError(f"--per-class: the model of {run.config.preset} is not conditioned on labels: leave it out")
    pair = real_of_run(real, args) if set(names) & set(MEASURES) else None
    found = run.snapshot(which.asked(args.checkpoint))
    about(found, args, results)
    if evaluator.name != "parzen":
        as_in_training(found, args, results)
        return
    asked = sampling.inputs(found.run, keys(args.seed).evaluation, args.num_samples)
    samples = at_data_size(found.run, found.state, asked, ema=args.ema)
    if "parzen" in names:
        try:
            cache = args.workdir / "anchors.json"
            likelihood.measure(samples, real, results, cache, n=args.num_samples, seed=args.seed, anchors=args.anchors)
        except FAILURES as error:
            results.fail("parzen", str(error))
    if pair is not None:
        labels = np.asarray(asked.c) if sampling.classes(found.run.gan) else None
        name = f"{run.config.preset}, step {found.step:,}"
        fake = sets.ImageSet(name, sets.to_uint8("samples", samples), labels)
        two_sets.measure(pair._replace(fake=fake), names, args, results)


def about(found: Snapshot, args: Args, results: Results) -> None:
    """Says which checkpoint is measured, on the terminal and in the results."""
    for message in found.damaged:
        output.warn(f"{PROG}: warning: {message}; step {found.step:,} is used")
    config = found.run.config
    words = which.described(which.asked(args.checkpoint), found.step)
    output.show(f"{config.preset}, {words}, seed {args.seed}, in {args.workdir}")
    results.about(**{name: getattr(config, name) for name in ("preset", "dataset", "batch_size")})
    results.about(run_seed=config.seed, step=found.step)
    results.about(**{name: getattr(args, name) for name in ("checkpoint", "ema", "num_samples", "seed")})


def check_memory(args: Args, run: Run) -> None:
    """Checks that the samples fit into memory, before anything is read or compiled."""
    (example, *_) = (batch.x for batch in run.spec.sets.values())
    size = args.num_samples * math.prod(example.shape) * BYTES_PER_VALUE
    memory.require(f"--num-samples {args.num_samples:,}: choose a smaller number", size)


def real_of_run(images: RealImages, args: Args) -> sides.Given:
    """The real images to compare a run's samples with.

    Args:
      images: the data of the run.
      args: the flags.

    Returns:
      The `Given`, without the generated images.
    """
    split = args.split or "train"
    real = sets.read(args.real) if args.real is not None else images.image_set(split)
    other = "test" if split != "test" else "validation"
    held_out = sets.read(args.held_out) if args.held_out is not None else images.image_set(other)
    if args.per_class:
        by_class.check(real=real)
    return sides.Given(real.first(args.num_real), None, held_out)


def as_in_training(found: Snapshot, args: Args, results: Results) -> None:
    """Computes the measure of the run's evaluator, with the latents of `--seed`.

    Args:
      found: the checkpoint.
      args: the flags.
      results: takes the result.
    """
    evaluator = evaluators.of(found.run)
    state = found.state if args.ema else sampling.unaveraged(found.state)
    config = dataclasses.replace(found.run.config, seed=args.seed)
    measured = evaluator.measure(dataclasses.replace(found.run, config=config), state)
    results.add(evaluator.phrase(measured), **{evaluator.name: dict(measured)})


# ------------------------------------------------------------------------------------------------------ sets of images


def of_files(args: Args, results: Results) -> None:
    """Measures two sets of images from files.

    Args:
      args: the flags.
      results: takes the results.
    """
    assert args.fake is not None
    assert args.real is not None
    output.file("--out", results.out)
    names = args.names or ("fid",)
    fake = sets.read(args.fake)
    given = sides.Given(
        sets.read(args.real).first(args.num_real),
        fake.first(min(args.num_samples, len(fake.images))),
        None if args.held_out is None else sets.read(args.held_out),
    )
    if args.per_class:
        assert given.fake is not None
        by_class.check(real=given.real, generated=given.fake)
    results.about(fake=str(args.fake), seed=args.seed)
    two_sets.measure(given, names, args, results)


# --------------------------------------------------------------------------------------------------------------- pairs


def of_pairs(args: Args, results: Results) -> None:
    """Measures images against their truths: those of files, or what a run makes of its own pairs.

    Args:
      args: the flags.
      results: takes the results.
    """
    given: dict[str, Iterator[paired.Pair]]
    if args.workdir is None:
        assert args.fake is not None
        assert args.real is not None
        results.about(fake=str(args.fake), real=str(args.real))
        given = {"": itertools.islice(paired.of_files(args.fake, args.real), args.num_samples or None)}
    else:
        run = open_run(args.workdir, args.data_dir)
        found = run.snapshot(which.asked(args.checkpoint))
        about(found, args, results)
        state = found.state if args.ema else sampling.unaveraged(found.state)
        seeded = dataclasses.replace(found.run, config=dataclasses.replace(found.run.config, seed=args.seed))
        given = pairs.true_pairs(seeded, state, args.split or "test", args.num_samples)
    output.file("--out", results.out)
    names = args.names or paired.usual()
    two_sets.measure_pairs(given, names, flags.options(args, names), results)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
