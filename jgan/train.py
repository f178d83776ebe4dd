"""`python -m jgan.train [PRESET]`: the command line of the training loop (`jgan.training.loop`)."""

import argparse
import dataclasses
import difflib
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from jgan import models
from jgan.training import evaluators, loop, report
from jgan.training.run import CONFIG, Run, RunConfig, assemble, read_config, write_config
from jgan.utils import cli

PROG = "python -m jgan.train"


# ------------------------------------------------------------------------------------------------------- the command line


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is not good; `jgan.utils.cli.run` makes one line of it.
    """
    config = configuration(sys.argv[1:] if argv is None else argv)
    workdir = choose_workdir(config)
    if config.dry_run:
        print(report.plan(assemble(config, workdir)))
        return
    run = begin(config, workdir)
    print(report.headline(run))
    loop.train(run)


def configuration(argv: Sequence[str]) -> RunConfig:
    """Reads the command line: a preset's name, `digits` by default, and flags over its values or those of a resumed run.

    Args:
      argv: the arguments.

    Returns:
      The checked configuration.

    Raises:
      ValueError: if the preset or a flag is unknown, or a value out of its range.

    Example:
      >>> from jgan import train
      >>> train.configuration(["mnist", "--steps", "7"]).steps
      7
    """
    presets = models.presets()
    held = _held(argv)
    named = bool(argv) and not argv[0].startswith("-")
    name = argv[0] if named else (held.preset if held else "digits")
    if name not in presets:
        close = difflib.get_close_matches(name, presets, n=1)
        hint = f", did you mean {close[0]}?" if close else ""
        raise ValueError(f"expected a preset among {', '.join(presets)}, found {name!r}{hint}")
    preset = presets[name]
    default = held or RunConfig(
        preset=name,
        dataset=preset.dataset,
        batch_size=preset.batch_size,
        steps=preset.steps,
        model=preset.model,
        sample_every=preset.sample_every,
    )
    if default.preset != name:
        raise ValueError(f"{default.workdir} holds a run of {default.preset}, found {name}; leave the preset out to resume")
    listing = "\n".join(f"  {key:<18} {value.description}" for key, value in presets.items())
    description = f"Train {name}: {preset.description}.\n\nPresets:\n{listing}"
    rest = argv[1:] if named else argv
    config = cli.parse(RunConfig, rest, prog=f"{PROG} {name}", description=description, default=default)
    check(config)
    return config


def _held(argv: Sequence[str]) -> RunConfig | None:
    """The configuration of the run to be resumed: its options are the defaults, so that none needs to be given again."""
    flags = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    flags.add_argument("--workdir", type=Path)
    flags.add_argument("--resume", action="store_true")
    try:
        known, _ = flags.parse_known_args(argv)
    except argparse.ArgumentError:  # cli.parse will say what is wrong
        return None
    if not known.resume:
        return None
    workdir = known.workdir or _newest(argv[0] if argv and not argv[0].startswith("-") else "digits")
    if workdir is None or not (workdir / CONFIG).exists():
        return None
    return dataclasses.replace(read_config(workdir), workdir=workdir)


def _folders(preset: str) -> Iterator[Path]:
    """`runs/PRESET`, `runs/PRESET-2`, `runs/PRESET-3` ..."""
    yield Path("runs") / preset
    for number in itertools.count(2):
        yield Path("runs") / f"{preset}-{number}"


def _newest(preset: str) -> Path | None:
    held = list(itertools.takewhile(lambda folder: (folder / CONFIG).exists(), _folders(preset)))
    return held[-1] if held else None


def check(config: RunConfig) -> None:
    """Checks the ranges of a configuration.

    Args:
      config: the configuration.

    Raises:
      ValueError: naming the flag, what it must be and what was found.
    """
    cli.at_least(
        config, steps=1, batch_size=1, log_every=1, sample_every=0, checkpoint_every=0, eval_every=0, seed=0, devices=0
    )
    if config.metric != "log_likelihood" and models.presets()[config.preset].display != "images":
        raise ValueError(f"--metric {config.metric} measures images, and {config.preset} makes none: leave it out")
    if config.parallel != "jit":
        count = len(loop.devices(config))
        if config.batch_size % count:
            raise ValueError(f"--batch-size must be a multiple of the {count} devices, found {config.batch_size}")


def choose_workdir(config: RunConfig) -> Path:
    """The folder of a run: the one asked for, or a new one, `runs/PRESET` or `runs/PRESET-2` ...

    Args:
      config: the configuration.

    Returns:
      The path; nothing is made.
    """
    if config.workdir is not None:
        return config.workdir
    return next(folder for folder in _folders(config.preset) if not (folder / CONFIG).exists())


# ------------------------------------------------------------------------------------------------------------- the folder


def begin(config: RunConfig, workdir: Path) -> Run:
    """Makes the folder of a run, or opens it again; never touches that of another run.

    Args:
      config: the configuration.
      workdir: the folder.

    Returns:
      The `Run`.

    Raises:
      ValueError: if the folder holds another run, or this one and `--resume` is not given; or holds none, and it is.
      OSError: if the folder cannot be written.
    """
    exists = (workdir / CONFIG).exists()
    if config.resume and not exists:
        raise ValueError(f"--resume: {workdir} holds no run; leave the flag out to begin one")
    if exists and not config.resume:
        raise ValueError(f"{workdir} already holds a run; give --resume to go on with it, or another --workdir")
    if exists:
        _same_run(config, read_config(workdir), workdir)
    run = assemble(config, workdir)
    evaluators.of(run)  # whatever is wrong with the measure, it is said before a folder is made
    for folder in (workdir, workdir / "samples", workdir / "checkpoints"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"the run's folder {folder} cannot be made: {error.strerror}; give another --workdir") from error
    write_config(config, workdir)
    return run


def _same_run(asked: RunConfig, held: RunConfig, workdir: Path) -> None:
    """A run is resumed as it was begun: only its length, its place and its data's place may change."""
    for field in dataclasses.fields(RunConfig):
        if field.name in ("steps", "workdir", "data_dir", "weights", "resume", "dry_run"):
            continue
        wanted, found = getattr(asked, field.name), getattr(held, field.name)
        if wanted != found:
            name = field.name.replace("_", "-")
            raise ValueError(f"{workdir} holds a run with other options: expected --{name} {found}, found {wanted}")


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
