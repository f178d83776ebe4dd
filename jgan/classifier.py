"""`python -m jgan.classifier`: trains a small classifier whose features the metrics can use, and writes its weights."""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.classifier")  # before the imports that take a second

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import jax

from jgan import data
from jgan.features import classifier, dense
from jgan.features.dense import Dense
from jgan.types import Batch
from jgan.utils import checks, cli, output
from jgan.utils.files import replacing

PROG = "python -m jgan.classifier"

MOST_EPOCHS = 100_000
"""More than anybody trains; the keys of all epochs are drawn at once."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    out: Path
    """output file of the weights, .npz"""
    dataset: str = "digits"
    """data set with labels: digits, mnist, fashion_mnist, cifar10, folder, npz ... or any of tensorflow-datasets"""
    data_dir: Path | None = None
    """folder of the data, if not the default one"""
    epochs: int = 40
    """passes through the training images"""
    batch_size: int = 64
    """images in a minibatch"""
    seed: int = 0
    """seed of the initial weights and the order of the images"""
    network: Literal["conv", "dense"] = "conv"
    """conv: the convolutional network; dense: a network with one hidden layer, which the options below describe"""
    dense: Dense = Dense()
    """the network with one hidden layer: how it is made and trained"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    description = "Train a small classifier, whose features python -m jgan.evaluate --extractor classifier can use."
    given = list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    args = cli.parse(Args, given, prog=PROG, description=description)
    check(args)
    dataset = data.load(args.dataset, args.data_dir)
    fields = dataset.fields
    if not isinstance(fields, Batch) or getattr(fields.x, "kind", "") != "image" or fields.y is None:
        raise ValueError(f"--dataset must name images with labels, found {args.dataset}")
    classes = fields.y.size
    key, passes = jax.random.key(args.seed), {"epochs": args.epochs, "batch_size": args.batch_size}
    config = args.dense if args.network == "dense" else None
    if config is None:
        params = classifier.fit(key, dataset.train, classes, **passes)
    else:
        params = dense.fit(key, dataset.train, classes, config, **passes)
    shares = {name: classifier.accuracy(params, classes, batch, config) for name, batch in dataset.parts.items()}
    about = classifier.About(args.dataset, dataset.train.x.shape[1:], classes, round(shares["test"], 4), config)
    with replacing(args.out) as temporary:
        classifier.save(temporary, params, about)
    accuracies = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    output.show(f"{accuracies} of images classified correctly: {args.out}")


def check(args: Args) -> None:
    """Checks the flags before anything is computed.

    Args:
      args: the flags.

    Raises:
      ValueError: names the flag, its valid values and the value found.
      FileNotFoundError: if the folder of `--out` does not exist.
    """
    cli.at_least(args, batch_size=1)
    checks.whole("--epochs", args.epochs, 1, MOST_EPOCHS)
    checks.seed(args.seed, "--seed")
    if args.network == "conv" and args.dense != Dense():
        raise ValueError("the options --dense.* describe a network with one hidden layer: give --network dense too")
    dense.check_options(args.dense, "--dense.")
    if args.out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, found {args.out}")
    output.file("--out", args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
