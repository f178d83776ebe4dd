"""A classifier from few labels: the errors of the semi-supervised GAN over several choices of the labels.

  python -m benchmarks.few_labels --data-dir mnist --epochs 300
  python -m benchmarks.few_labels --data-dir mnist --epochs 30 --minutes 60

For each choice of 10 labelled images a class, `sgan_mnist` is trained on all images, and the errors of its averaged
discriminator on the test images are counted; over the last third of the epochs the rates fall to 0. Beside it, the same
discriminator learns from the labelled images alone (`unlabelled_weight` 0). Published for MNIST: 93 +- 6.5 errors of 10,000
(Salimans et al., 2016, table 1), over 10 choices and 300 epochs. Each run goes on from its last checkpoint, and choices that
are in the result already are kept, so the same command continues; `--anew` starts over.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import budget, populations
from benchmarks.tables import ROOT
from jgan import data, models
from jgan.training import train
from jgan.training.environment import environment, write_json
from jgan.utils import cli
from jgan.utils.checks import whole

PROG = "python -m benchmarks.few_labels"

PUBLISHED = (93.0, 6.5)
"""Mean and deviation of the errors on MNIST with 100 labels."""

ALONE = "labels alone"
WAYS = {"sgan": {}, ALONE: {"unlabelled_weight": 0.0}}
"""What is trained: the options that differ from the preset's."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.few_labels`."""

    data_dir: Path | None = None
    """folder of the data set's files; not needed for digits"""
    source: str = "mnist"
    """data set with labels"""
    per_class: int = 10
    """labelled images of each class"""
    choices: int = 5
    """number of choices of the labelled images"""
    epochs: int = 300
    """epochs of the unlabelled images"""
    epochs_alone: int = 5
    """the same, of the runs that learn from the labelled images alone"""
    batch_size: int = 100
    """labelled images, unlabelled images and fakes of a step, each"""
    minutes: float = 0.0
    """minutes after which the command stops and may be continued; 0: none"""
    workdir: Path = Path("runs/few_labels")
    """folder of the runs"""
    anew: bool = False
    """measure choices again that are already in the result"""
    out: Path = ROOT / "benchmarks" / "results" / "few_labels.json"
    """file of the result"""


def config(steps: int, changes: dict[str, Any]) -> Any:
    """The options of a run.

    Args:
      steps: its length.
      changes: the options that differ from those of `sgan_mnist`.

    Returns:
      Those of the preset with rates that fall to 0 over the last third, and an average of at most 5 % of the images.
    """
    last = steps // 3
    schedule = {"optimizer.decay": "linear", "optimizer.decay_from": steps - last, "optimizer.decay_steps": max(1, last)}
    average = {"ema.decay": 0.0, "ema.half_life": 700_000.0}  # the decay of the preset at its batch size
    return budget.changed(models.presets()["sgan_mnist"].config, schedule | average | changes)


def errors(args: Args, way: str, choice: int, begun: float) -> dict[str, Any]:
    """Trains one classifier, or goes on with it.

    Args:
      args: the options.
      way: a key of `WAYS`.
      choice: the number of the choice of labels.
      begun: when the command began, of `time.monotonic`.

    Returns:
      For JSON: the errors on the test images, their number, and that of the steps.

    Raises:
      TimeoutError: after `--minutes`, with the run saved.
    """
    name = f"partly_labelled:{args.source}:{args.per_class}@{choice}"
    per_epoch = data.spec(data.load(name, args.data_dir), args.batch_size).steps_per_epoch
    steps = per_epoch * (args.epochs_alone if way == ALONE else args.epochs)
    summary = train(
        "sgan_mnist",
        config(steps, WAYS[way]),
        dataset=name,
        data_dir=args.data_dir,
        batch_size=args.batch_size,
        steps=steps,
        seed=choice,
        workdir=args.workdir / f"{way.replace(' ', '_')}_{choice}",
        resume="auto",
        time_limit=budget.minutes_left(args.minutes, begun),
    ).summary
    return {name: summary[name] for name in ("test_errors", "test_images", "labels")} | {"steps": steps}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    begun = time.monotonic()
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    for name in ("choices", "epochs", "epochs_alone", "per_class"):
        whole(f"--{name.replace('_', '-')}", getattr(args, name), 1)
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    same = {name: getattr(args, name) for name in ("source", "per_class", "epochs", "epochs_alone", "batch_size")}
    result = populations.begun(args.out, command, same, anew=args.anew)
    result.setdefault("ways", {way: {} for way in WAYS})
    try:
        for choice in range(args.choices):
            for way in WAYS:
                kept = result["ways"][way]
                if str(choice) not in kept:
                    kept[str(choice)] = errors(args, way, choice, begun)
                    write_json(args.out, result | {"published": PUBLISHED, "environment": environment()})
                print(f"{way}, choice {choice}: {kept[str(choice)]['test_errors']:,} errors", flush=True)
    except TimeoutError as over:
        print(f"{over}: the same command goes on")
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
