"""From a first neural network to a good one: what each choice adds, and what compiling a whole epoch saves.

  python -m benchmarks.classifier_steps --data-dir DATA/mnist

trains a classifier with one hidden layer of 200 units from squared error, sigmoids and stochastic gradient descent on, changing
one thing at a time, alone and together with the earlier ones: binary cross-entropy, LeakyReLU, Adam, layer normalisation. These
are the choices of most discriminators. All seeds of a row are trained side by side, by `jax.vmap`.

The training images are those of the training and of the validation part, all 60,000 of MNIST, as in the published measure; no
choice is made on the test images. Beside the accuracy, each row has the norm of the gradient that reaches the pixels of a test
image if the loss asks for another class than the network's: the signal that a generator gets from a discriminator.

The speed is that of the same updates, in a Python loop and in one program. A row that is in the result already is left as it
is.
"""

import dataclasses
import functools
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import populations, timing
from benchmarks.tables import ROOT
from jgan import Batch, data
from jgan.data import resident
from jgan.features import dense
from jgan.features.dense import SIMPLE, Dense
from jgan.training.environment import environment, write_json
from jgan.utils import cli

PROG = "python -m benchmarks.classifier_steps"

CHANGES: dict[str, dict[str, Any]] = {
    "cross-entropy": {"loss": "bce"},
    "LeakyReLU": {"activation": "leaky_relu"},
    "Adam": {"optimizer": "adam"},
    "LayerNorm": {"layer_norm": True},
}
"""What each choice changes, in the order in which they are put together."""

PUBLISHED = {
    "first": {"accuracy": 0.88, "epochs": 4},
    "all": {"accuracy": 0.9724, "epochs": 3},
}
"""Accuracies of Rashid, "Make Your First GAN With PyTorch" (2020), of one run each."""

SEEN = 1_000
"""test images whose gradients are measured"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.classifier_steps`."""

    dataset: str = "mnist"
    """data set of images with labels"""
    data_dir: Path | None = None
    """folder of the data, if not the default one"""
    epochs: int = 3
    """passes through the training images"""
    batch_size: int = 1
    """images in a minibatch"""
    seeds: int = 3
    """networks of each row"""
    timed: int = 2_000
    """examples of each timed loop"""
    rounds: int = 5
    """interleaved rounds of the timed loops"""
    anew: bool = False
    """measure rows again that are already in the result"""
    out: Path = ROOT / "benchmarks" / "results" / "classifier_steps.json"
    """file of the result"""


def rows() -> dict[str, Dense]:
    """The configurations: the first network, each change alone, and the changes put together one after the other.

    Returns:
      By the names of the changes, joined by `" + "`; `"first"` for none.

    Example:
      >>> from benchmarks import classifier_steps
      >>> list(classifier_steps.rows())[-1]
      'cross-entropy + LeakyReLU + Adam + LayerNorm'
    """
    names = list(CHANGES)
    chosen = [[], *([name] for name in names), *(names[:count] for count in range(2, len(names) + 1))]
    made = {}
    for changes in chosen:
        options = {key: value for name in changes for key, value in CHANGES[name].items()}
        made[" + ".join(changes) or "first"] = dataclasses.replace(SIMPLE, **options)
    return made


def accuracies(config: Dense, params: Any, test: Batch, classes: int) -> jax.Array:
    """The shares of test images that the networks of a population classify correctly, `[S]`."""
    net, images = dense.network(config, test.x.shape[1:], classes), resident.cut(test, jnp.arange(len(test.x))).x
    return jax.vmap(lambda params: jnp.mean(net.apply(params, {}, images)[0][0].argmax(axis=-1) == test.y))(params)


def gradients(config: Dense, params: Any, test: Batch, classes: int) -> jax.Array:
    """The mean norm of the gradient at the pixels, for the loss of a class that is not the image's, of each network: `[S]`."""
    made, images = dense.trainer(config, test.x.shape[1:], classes), resident.cut(test, jnp.arange(min(SEEN, len(test.x))))
    asked = (images.y + 1) % classes

    def norm(params: Any) -> jax.Array:
        found = jax.grad(lambda x: made.loss(params, Batch(x, asked)).sum())(images.x)
        return jnp.linalg.norm(found.reshape(len(found), -1), axis=1).mean()

    return jax.vmap(norm)(params)


def measure(args: Args, config: Dense, train: Batch, test: Batch, classes: int) -> dict[str, Any]:
    """Trains and measures one configuration, all seeds side by side.

    Args:
      args: the options.
      config: the configuration.
      train: the training images, on the device.
      test: the test images, on the device.
      classes: the number of classes.

    Returns:
      For JSON: the test accuracy after each epoch, and the gradients at the pixels before and after training, over the seeds.
    """
    started, made = time.monotonic(), dense.trainer(config, train.x.shape[1:], classes)
    run = jax.jit(jax.vmap(functools.partial(dense.epoch, made), in_axes=(0, None, 0)), donate_argnums=0)
    seen, right = (jax.jit(functools.partial(f, config, classes=classes)) for f in (gradients, accuracies))
    keys = jax.random.split(jax.random.key(0), args.seeds)
    states, after = jax.vmap(made.init)(keys), []
    start = seen(params=states.params, test=test)
    for epoch in range(args.epochs):
        orders = [dense.order(jax.random.fold_in(key, epoch), len(train.x), args.batch_size) for key in keys]
        states, _ = run(states, train, jnp.stack(orders))
        after.append(populations.spread(right(params=states.params, test=test)))
    return {
        "config": dataclasses.asdict(config),
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(states.params)) // args.seeds,
        "accuracy": after,
        "gradient": {"start": populations.spread(start), "end": populations.spread(seen(params=states.params, test=test))},
        "seconds": round(time.monotonic() - started, 1),
    }


def loops(made: dense.Trainer, train: Batch, indices: jax.Array) -> dict[str, Callable[[dense.State], dense.State]]:
    """The same updates, one for each row of indices, in three ways.

    `"examples"` computes the gradient of one example in each call and their mean for each row; `"steps"` is one call for each
    row; `"epoch"` is one call. Every call is of a compiled function.

    Args:
      made: the functions of the training.
      train: the training images, on the device.
      indices: int32 `[steps, batch_size]`.

    Returns:
      Functions from the state before to the state after all updates.
    """
    step = jax.jit(lambda state, row: made.update(state, resident.cut(train, row))[0])
    whole = jax.jit(lambda state: dense.epoch(made, state, train, indices)[0])
    one = jax.jit(lambda params, row: jax.grad(lambda p: made.loss(p, resident.cut(train, row)).mean())(params))
    add = jax.jit(lambda total, gradient: jax.tree.map(jnp.add, total, gradient))
    apply = jax.jit(lambda state, total: made.apply(state, jax.tree.map(lambda leaf: leaf / indices.shape[1], total)))
    rows = list(indices)
    singles = [[row[index : index + 1] for index in range(len(row))] for row in rows]

    def examples(state: dense.State) -> dense.State:
        for row in singles:
            total = one(state.params, row[0])
            for index in row[1:]:
                total = add(total, one(state.params, index))
            state = apply(state, total)
        return state

    def steps(state: dense.State) -> dense.State:
        for row in rows:
            state = step(state, row)
        return state

    return {"examples": examples, "steps": steps, "epoch": whole}


def speed(args: Args, config: Dense, train: Batch, classes: int, batch_size: int) -> dict[str, Any]:
    """Measures the three loops of `loops` in interleaved rounds, from the same state.

    Args:
      args: the options.
      config: the configuration.
      train: the training images, on the device.
      classes: the number of classes.
      batch_size: images in a minibatch.

    Returns:
      For JSON: the examples per second of each, and the largest difference between their parameters.
    """
    made = dense.trainer(config, train.x.shape[1:], classes)
    indices = dense.order(jax.random.key(1), len(train.x), batch_size)[: max(1, args.timed // batch_size)]
    start, ways = jax.jit(made.init)(jax.random.key(0)), loops(made, train, indices)
    field = [
        timing.Contender(name, functools.partial(way, start), jax.block_until_ready, indices.size) for name, way in ways.items()
    ]
    timed = timing.rounds(field, args.rounds, 0.0, lambda line: None)
    ends = {name: ways[name](start) for name in ("examples", "epoch")}
    apart = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), ends["examples"].params, ends["epoch"].params)
    return {
        "config": dataclasses.asdict(config),
        "batch_size": batch_size,
        "examples": indices.size,
        "images_per_second": {of.name: timing.spread([1 / second for second in of.seconds]) for of in timed},
        "largest_difference": max(jax.tree.leaves(apart)),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, epochs=1, batch_size=1, seeds=1, timed=1, rounds=1)
    options = {name: value for name, value in vars(args).items() if name not in ("data_dir", "anew", "out")}
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    result = populations.begun(args.out, command, options, anew=args.anew)
    dataset = data.load(args.dataset, args.data_dir)
    parts = [jax.tree.map(jnp.asarray, part) for part in (dataset.train, dataset.validation, dataset.test)]
    train, test, classes = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts[:2]), parts[2], dataset.fields.y.size
    result |= {"images": len(train.x), "published": PUBLISHED}
    result.setdefault("rows", {})
    for name, config in rows().items():
        if name not in result["rows"]:
            result["rows"][name] = measure(args, config, train, test, classes) | {"environment": environment()}
            write_json(args.out, result | {"environment": environment()})
        print(f"{name}: {result['rows'][name]['accuracy'][-1]['mean']:.2%}", flush=True)
    if "speed" not in result:
        made = [(config, size) for config in (SIMPLE, Dense()) for size in (1, 64)]
        result["speed"] = [speed(args, config, train, classes, size) for config, size in made]
    write_json(args.out, result | {"environment": environment()})
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
