"""Trains presets from start to end and measures what they generate, for the README's table of models.

  python -m benchmarks.first_models
  python -m benchmarks.first_models --presets cgan_mnist dcgan_fashion_mnist --data-dir DATA

Models of images are measured on their test images by the Parzen-window log-likelihood, and by FID in the features of a
classifier of the data set; for models conditioned on labels the classifier also counts how many of 1,000 samples show the class
that they were conditioned on. Models of translation are measured by the mean absolute error on test images, semi-supervised
ones by their errors as classifiers. What else a run has measured (`MORE`) is in the result too. A preset that is in the result
already is left as it is; a run that was stopped goes on.
"""

import dataclasses
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import judges
from jgan import models
from jgan.metrics import frechet
from jgan.training import train
from jgan.training.environment import environment, write_json
from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils import cli

PROG = "python -m benchmarks.first_models"

MORE = ("translation", "test_errors", "test_images", "labels", "code_error", "bounds", "log_likelihood")
"""entries of a run's `summary.json` that are copied"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.first_models`."""

    presets: tuple[str, ...] = (
        "digits",
        "dcgan",
        "cgan",
        "cdcgan",
        "acgan",
        "projection",
        "infogan",
        "sgan",
        "vae",
        "ddpm",
        "cyclegan",
    )
    """presets to train"""
    data_dir: Path | None = None
    """folder that holds the data sets in subfolders of their names; not needed for the embedded digits"""
    steps: int = 0
    """generator updates; 0: those of each preset"""
    seed: int = 0
    """seed of every run"""
    epochs: int = 3
    """epochs of the classifier of a data set without one"""
    workdir: Path = Path("runs/first_models")
    """folder of the runs and the classifiers"""
    out: Path = Path("benchmarks/results/first_models.json")
    """result file"""


def measure(args: Args, run: Run, state: GANState) -> dict[str, Any]:
    """The figures of a finished run of images.

    Args:
      args: the options.
      run: the run, in its last phase.
      state: the state whose averaged generator is measured.

    Returns:
      For JSON: `fid` with its classifier's accuracy, and `agreement` for models conditioned on labels.
    """
    extractor, accuracy = judges.of_classes(run.dataset, args.workdir, args.epochs)
    _, fake, real = judges.compared(extractor, run, state, 10_000)
    found: dict[str, Any] = {"fid": float(frechet.fid(real, fake).fid), "classifier_accuracy": accuracy}
    agreement = judges.agreement(extractor, run, state)
    if agreement is not None:
        found["agreement"] = agreement
    return found


def trained(args: Args, name: str) -> dict[str, Any]:
    """Trains one preset, or continues it, and measures it.

    Args:
      args: the options.
      name: of the preset.

    Returns:
      For JSON.
    """
    preset, workdir = models.presets()[name], args.workdir / name
    source = preset.dataset.rpartition(":")[2]
    folder = None if args.data_dir is None or source == "digits" else args.data_dir / source
    options: dict[str, Any] = {
        "seed": args.seed,
        "workdir": workdir,
        "data_dir": folder,
        "resume": "auto",
    }
    if args.steps:
        options["steps"] = args.steps
    started = time.monotonic()
    run, state, summary = train(name, **options)
    found: dict[str, Any] = {name: getattr(run.config, name) for name in ("dataset", "steps", "batch_size")}
    found |= {"seconds": round(time.monotonic() - started, 1), "config": models.to_dict(run.config.model)}
    found |= {name: summary[name] for name in MORE if name in summary}
    return found if run.spec.sets.keys() != {""} else found | measure(args, run, state)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    for name in args.presets:
        models.model_of(name)
    args.workdir.mkdir(parents=True, exist_ok=True)
    result = json.loads(args.out.read_text()) if args.out.exists() else {}
    result.setdefault("models", {})
    for name in args.presets:
        if name not in result["models"]:
            command = shlex.join([*PROG.split(), *argv])
            result["models"][name] = trained(args, name) | {"seed": args.seed, "command": command}
            result |= {"command": PROG, "environment": environment()}
            write_json(args.out, result)
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
