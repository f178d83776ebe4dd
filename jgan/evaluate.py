"""`python -m jgan.evaluate`: the measures of a trained generator, beside those of images that no generator made."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jgan import cli, displays
from jgan.checkpoint import Which
from jgan.displays.images import PARZEN_SAMPLES, VALIDATION_IMAGES, unit
from jgan.metrics import anchors, parzen
from jgan.run import Run, environment, keys, open_run, write_json
from jgan.sample import draw
from jgan.types import GANState

PROG = "python -m jgan.evaluate"


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path
    """folder of the run"""
    metrics: tuple[Literal["parzen", "modes", "divergence", "distance"], ...] = ()
    """parzen: the log-likelihood of the 2014 paper's Table 1; modes, divergence, distance: of toys; by default what fits"""
    num_samples: int = PARZEN_SAMPLES
    """samples of the generator; the paper takes 10,000"""
    checkpoint: Which = "best"
    """the best by the validation measure, or the last"""
    averaged: bool = True
    """the averaged parameters, where the model keeps them"""
    anchors: bool = True
    """measure training images and k-means centroids too"""
    seed: int = 0
    """of the latents and of the anchors"""
    data_dir: Path | None = None
    """where the run's data are now, if not where it found them"""
    out: Path | None = None
    """the result; by default evaluation.json in the folder"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is not good; `jgan.cli.run` makes one line of it.
    """
    args = cli.parse(
        Args,
        sys.argv[1:] if argv is None else argv,
        prog=PROG,
        description="Measure the generator of a run, beside its training images and their k-means centroids.",
    )
    check(args)
    run = open_run(args.workdir, args.data_dir)
    state = run.restore(args.checkpoint)
    step = int(state.step)
    print(f"{run.config.preset}, {args.checkpoint} checkpoint (step {step:,}), seed {args.seed}, in {args.workdir}")
    natural = NATURAL[displays.name_of(run)]
    for name in args.metrics:
        if name != natural:
            raise ValueError(f"--metrics: a run of {run.config.preset} is measured by {natural}, found {name}")
    names = args.metrics or (natural,)
    measured = {name: MEASURES[name](run, state, args) for name in dict.fromkeys(names)}
    about: dict[str, Any] = {name: getattr(run.config, name) for name in ("preset", "dataset", "batch_size")}
    about |= {"run_seed": run.config.seed, "step": step}
    about |= {name: getattr(args, name) for name in ("checkpoint", "averaged", "num_samples", "seed")}
    result = about | measured | {"environment": environment()}
    out = args.out or args.workdir / "evaluation.json"
    write_json(out, result)
    print(f"written to {out}")


def check(args: Args) -> None:
    """Checks the flags before anything is computed.

    Args:
      args: the flags.

    Raises:
      ValueError: naming the flag, what it must be and what was found.
      FileNotFoundError: if the folder of `--out` is not there.
    """
    for name, least in (("num_samples", 1), ("seed", 0)):
        if getattr(args, name) < least:
            raise ValueError(f"--{name.replace('_', '-')} must be at least {least}, found {getattr(args, name)}")
    if args.out is not None and not args.out.parent.is_dir():
        raise FileNotFoundError(f"--out: there is no folder {args.out.parent}; make it first")


# ------------------------------------------------------------------------------------------------------- Parzen windows


def measure_parzen(run: Run, state: GANState, args: Args) -> dict[str, Any]:
    """The paper's procedure, on the generator and on both anchors; prints their table.

    Args:
      run: the run.
      state: the state whose generator is measured.
      args: the flags.

    Returns:
      For JSON: `generator`, `training_images` and `kmeans_centroids`, each a `value` with its `standard_error`, `sigma`,
      `validation` value and `num_samples`; and the numbers of images behind them.
    """
    train, test = unit(run.dataset.train.x), unit(run.dataset.test.x)
    validation = unit(run.dataset.validation.x[:VALIDATION_IMAGES])
    print(f"\nParzen-window log-likelihood in nats an image, sigma chosen on {len(validation):,} validation images")
    print(f"{'':<18}{'samples':>9}{'sigma':>8}{'validation':>12}{f'{len(test):,} test images':>22}")
    samples = draw(run.gan, state, run.gan.latents(keys(args.seed).evaluation, args.num_samples), averaged=args.averaged)
    lines = {"generator": _line(len(samples), parzen.evaluate(samples, validation, test))}
    _show("generator", lines["generator"])
    if args.anchors:
        lines |= cached_anchors(run.workdir / "anchors.json", train, validation, test, n=args.num_samples, seed=args.seed)
        _show("training images", lines["training_images"])
        _show("k-means centroids", lines["kmeans_centroids"])
    return {**lines, "validation_images": len(validation), "test_images": len(test), "unit": "nats an image"}


def cached_anchors(
    path: Path, train: np.ndarray, validation: np.ndarray, test: np.ndarray, *, n: int, seed: int
) -> dict[str, dict[str, float]]:
    """The lines of both anchors, from a file if it holds those of the same data, options and versions.

    Args:
      path: the file, written if they had to be measured.
      train: `[N, ...]` float in [0, 1].
      validation: `[V, ...]` float, the images on which sigma is chosen.
      test: `[T, ...]` float.
      n: the number of samples that the generator is given.
      seed: of the anchors.

    Returns:
      `training_images` and `kmeans_centroids`, as in `measure_parzen`.
    """
    digest = hashlib.sha256()
    for images in (train, validation, test):
        digest.update(np.ascontiguousarray(images).data)
    of = {"data": digest.hexdigest(), "num_samples": n, "seed": seed, "iterations": anchors.ITERATIONS}
    of |= {"packages": environment()["packages"]}
    try:
        held = json.loads(path.read_text())
        if held["of"] == of:
            return held["anchors"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or not one of ours: measured anew
    print("measuring training images and k-means centroids ...", file=sys.stderr)
    found = anchors.evaluate(train, validation, test, n=n, seed=seed)
    lines = {name: _line(anchor.num_samples, anchor.parzen) for name, anchor in found.items()}
    write_json(path, {"of": of, "anchors": lines})
    return lines


def _line(num_samples: int, result: parzen.Parzen) -> dict[str, float]:
    """One line of the table, for JSON."""
    figures = result._asdict()
    return {"value": figures.pop("mean"), **figures, "num_samples": num_samples}


def _show(name: str, line: dict[str, float]) -> None:
    value = f"{line['value']:.1f} +- {line['standard_error']:.1f}"
    print(f"{name:<18}{line['num_samples']:>9,}{line['sigma']:>8.3f}{line['validation']:>12.1f}{value:>22}")


# ----------------------------------------------------------------------------------------------------------- toy games


def measure_toy(run: Run, state: GANState, args: Args) -> dict[str, Any]:
    """What a toy run was judged by while it trained, from the same latents; prints it.

    Args:
      run: the run.
      state: the state whose (averaged) generator is measured.
      args: the flags.

    Returns:
      For JSON.
    """
    display = displays.of(run)
    del args
    found = display.measure(run, state)
    print(display.phrase(found))
    return dict(found)


MEASURES: dict[str, Callable[[Run, GANState, Args], dict[str, Any]]] = {
    "parzen": measure_parzen,
    "modes": measure_toy,
    "divergence": measure_toy,
    "distance": measure_toy,
}
"""What `--metrics` may name."""

NATURAL = {"images": "parzen", "points": "modes", "density": "divergence", "trajectory": "distance"}
"""The measure of each display."""


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
