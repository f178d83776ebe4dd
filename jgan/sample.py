"""`python -m jgan.sample`: samples of a trained generator, as a picture, as an array, or as a folder of images.

In Python, without the command:

    from jgan.training.run import keys, open_run

    found = open_run("RUN").snapshot("best")  # or "last"
    images = found.run.gan.sample(keys(0).samples, found.state, 64)  # [64, height, width, channels] in [0, 1]
"""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.sample")  # before the imports that take a second

import dataclasses
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jgan import exploration, plots, sample_text, translation
from jgan.evaluation import named, sets
from jgan.evaluation.criteria import unit
from jgan.sample_options import PROG, Args, check, check_condition, check_memory, numbered, takes_data
from jgan.training import evaluators, outputs, records, which
from jgan.training.evaluators import sampling
from jgan.training.evaluators.sampling import draw
from jgan.training.run import Snapshot, keys, open_run
from jgan.types import GAN, Inputs, Key
from jgan.utils import cli, output, text

__all__ = ["Args", "draw", "main"]


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    if given and not given[0].startswith("-"):
        raise ValueError(f"expected --workdir RUN, found {given[0]!r}; see {PROG} --help")
    description = "Draw samples from the generator of a run, into a picture, an array or a folder of images."
    args = cli.parse(Args, given, prog=PROG, description=description)
    args = numbered(args)
    picture = "grid.png" if args.input is None else translation.default_name(args.input)
    check(args, args.out or args.workdir / picture)
    run = open_run(args.workdir, args.data_dir)
    out = args.out or args.workdir / ("lines.txt" if sample_text.is_text(run) else picture)
    check_condition(args, run)
    check_memory(args, out, run)
    found = run.snapshot(which.asked(args.checkpoint))
    for message in found.damaged:
        output.warn(f"{PROG}: warning: {message}; step {found.step:,} is used")
    if args.between_phases != 1:
        found = run.interpolated(found, args.between_phases)
    if args.input is not None:
        what = translated(found, args, out)
    elif sample_text.is_text(run):
        what = sample_text.write(found, args, _about(args), out)
    elif args.explores:
        what = explored(found, args, out)
    elif run.spec.sets.keys() == {""} and run.spec.one.x.kind == "image" and not takes_data(run.gan):
        what = images(found, args, out)
    else:
        what = points(found, args, out)
    output.show(f"{what} of {run.config.preset}, {which.described(which.asked(args.checkpoint), found.step)}: {out}")


# ------------------------------------------------------------------------------------------------ samples and pictures


def images(found: Snapshot, args: Args, out: Path) -> str:
    """The command for image models; returns a description of the output."""
    gan, key = found.run.gan, keys(args.seed).samples
    asked, columns = inputs_of(gan, key, args, picture=out.suffix.lower() == ".png")
    drawn = plots.to_uint8(draw(gan, found.state, asked, ema=args.ema, truncation=args.truncation))
    labels = {"labels": np.asarray(asked.c)} if sampling.classes(gan) else {}
    if out.suffix.lower() == ".png":
        plots.save_png(out, plots.grid(drawn, columns=columns or None))
    elif out.suffix:
        outputs.write_array(out, found, _about(args), samples=drawn, **labels)
    else:
        outputs.write_folder(out, drawn, labels.get("labels"))
    names = records.read(args.workdir).classes if labels and out.suffix.lower() == ".png" else ()
    asked_for = [names[label] for label in args.classes or range(len(names))] if names else []
    rows = f" in rows of {text.listed(asked_for, 20)}" if names else ""
    return text.count(len(drawn), "image") + rows


def inputs_of(gan: GAN, key: Key, args: Args, *, picture: bool) -> tuple[Inputs, int]:
    """The inputs of the samples, and the number of columns of the picture; 0 for a square grid."""
    line = (args.columns or 8) if args.interpolate else 1
    size = sampling.classes(gan)
    if not size:
        return exploration.on_lines(gan, key, args.num, line=line, path=args.path), line if args.interpolate else args.columns
    labels = jnp.asarray(args.classes or range(size), jnp.int32)
    if args.interpolate:  # one label per row, the rows of a label below each other
        each = jnp.repeat(labels[jnp.sort(jnp.arange(args.num // line) % len(labels))], line)
        return exploration.on_lines(gan, key, args.num, each, line=line, path=args.path), line
    columns = args.columns or max(1, args.num // len(labels))
    if picture:
        return sampling.class_rows(gan, key, labels, columns), columns
    return gan.inputs(key, args.num, jnp.sort(labels[jnp.arange(args.num) % len(labels)])), columns


def explored(found: Snapshot, args: Args, out: Path) -> str:
    """The command for `--traverse`, `--arithmetic` and `--project`; returns a description of the output."""
    exploration.explorable(found)
    key, label = keys(args.seed).samples, args.classes[0] if args.classes else None
    if args.traverse:
        drawn = exploration.traversal(found, key, args.traverse, args.columns or 9, label=label, ema=args.ema)
    elif args.arithmetic:
        terms = exploration.terms(args.arithmetic)
        drawn = exploration.arithmetic(found, key, args.num, terms, label=label, ema=args.ema)
    else:
        given = sets.read(args.project or Path())
        if given.images.shape[1:] != found.run.spec.shape:
            expected, shape = ("x".join(map(str, shape)) for shape in (found.run.spec.shape, given.images.shape[1:]))
            raise ValueError(f"--project: the images must be of {expected}, found {shape} in {args.project}: resize them")
        drawn = exploration.projection(found, key, unit(given.images[: args.num]), label=label, ema=args.ema)
    if out.suffix.lower() == ".png":
        plots.save_png(out, plots.grid(drawn.images, columns=drawn.columns))
    elif out.suffix:
        outputs.write_array(out, found, _about(args), samples=plots.to_uint8(drawn.images), latents=drawn.z)
    else:
        outputs.write_folder(out, plots.to_uint8(drawn.images))
    return f"{text.count(len(drawn.images), 'image')} in rows of {drawn.columns}"


def _about(args: Args) -> dict[str, Any]:
    names = ("seed", "checkpoint", "ema", "truncation", "temperature", "interpolate", "between_phases")
    return {name: getattr(args, name) for name in names}


def translated(found: Snapshot, args: Args, out: Path) -> str:
    """The command for `--input`: one translation, a sheet of inputs and outputs, or all outputs; returns a description."""
    assert args.input is not None
    several = out.suffix.lower() == ".png" and not named.is_picture(args.input)
    given = itertools.islice(named.read(args.input, translation.MOST_PIXELS), args.num if several else None)
    note = lambda line: output.warn(f"{PROG}: note: {line}")  # noqa: E731
    made = translation.translate(found, given, direction=args.direction, seed=args.seed, ema=args.ema, note=note)
    if not out.suffix:
        number = outputs.write_named(out, ((each.name, each.output) for each in made))
    elif out.suffix.lower() == ".npz":
        images = translation.of_one_size(made, out)
        outputs.write_array(out, found, _about(args), samples=images)
        number = len(images)
    else:
        shown = list(made)
        plots.save_png(out, translation.sheet(shown, args.columns) if several else shown[0].output)
        number = len(shown)
    return f"{number:,} translation{'s' if number > 1 else ''}"


def points(found: Snapshot, args: Args, out: Path) -> str:
    """The command for other models: the picture of their evaluator, or their examples; returns a description of the output."""
    if args.interpolate:
        what = "is conditioned on data" if takes_data(found.run.gan) else "makes points"
        raise ValueError(f"--interpolate draws images, and {found.run.config.preset} {what}: leave it out")
    if out.suffix.lower() == ".png":
        config = dataclasses.replace(found.run.config, seed=args.seed)
        state = found.state if args.ema else sampling.unaveraged(found.state)
        plots.save_png(out, evaluators.of(found.run).sheet(dataclasses.replace(found.run, config=config), state))
        return "picture"
    gan, key = found.run.gan, keys(args.seed).samples
    kind = found.run.spec.one.x.kind
    if not out.suffix and kind != "image":
        raise ValueError(f"--out: {found.run.config.preset} makes {kind.removesuffix('s')}s, not images: give a .npz file")
    asked = sampling.inputs(found.run, key, args.num) if takes_data(gan) else inputs_of(gan, key, args, picture=False)[0]
    drawn = draw(gan, found.state, asked, ema=args.ema)
    if out.suffix:
        outputs.write_array(out, found, _about(args), samples=plots.to_uint8(drawn) if kind == "image" else drawn)
    else:
        outputs.write_folder(out, plots.to_uint8(drawn))
    return f"{len(drawn):,} {kind.removesuffix('s')}s"


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
