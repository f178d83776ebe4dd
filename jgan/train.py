"""`python -m jgan.train [PRESET]`: the command line of the training loop (`jgan.training.loop`)."""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.train")  # before the imports that take a second

import argparse
import dataclasses
import itertools
import sys
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jgan import models
from jgan.data import reading
from jgan.data.sources import SOURCES
from jgan.training import (
    api,
    cluster,
    custom,
    environment,
    folder,
    follower,
    loop,
    plan,
    population,
    processes,
    report,
    seeds,
    sweeps,
)
from jgan.training import config as configs
from jgan.training.checkpoint import Checkpoints
from jgan.training.config import RunConfig
from jgan.training.log import Log
from jgan.training.records import CONFIG, SWEEP, read
from jgan.training.run import assemble, open_run
from jgan.utils import cli, memory, output
from jgan.utils.registry import unknown

PROG = "python -m jgan.train"
DEFAULT = "digits"
RESUME = typing.get_args(configs.Resume)


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    config = configuration(sys.argv[1:] if argv is None else argv)
    if config.verify is not None:
        verify(config.verify)
        return
    with processes.team(config) as team:
        if config.coordinator is not None:
            configs.check(config)
        _train(config, team)


def _train(config: RunConfig, team: processes.Alone | processes.Follower) -> None:
    workdir = folder.choose(config)
    held = seeds.first(workdir)
    resumed = config.resume != "no" and (held / CONFIG).exists()
    model = read(held).model if resumed else models.find(config.model)
    config, resized = folder.fitted(config, workdir, model)
    if config.compilation_cache:
        environment.keep_compiled_programs()
    if config.dry_run:
        run = assemble(config, workdir, model)
        folder.check_fit(run)
        print(plan.text(run), *filter(None, [resized]), sep="\n")
        return
    if config.seeds > 1:
        _train_seeds(config, workdir, model, resized)
        return
    if isinstance(team, processes.Follower):
        follower.follow(config, workdir, model, team)
        return
    with folder.opened(config, workdir, model) as run:
        Log(run.workdir).say("\n".join(filter(None, [report.headline(run), resized])))
        loop.train(run, team)


def _train_seeds(config: RunConfig, workdir: Path, model: models.Model, resized: str) -> None:
    with population.opened(config, workdir, model) as runs:
        Log(workdir).say("\n".join(filter(None, [population.headline(config, workdir, runs), resized])))
        population.train(runs, config, workdir)


def verify(workdir: Path) -> None:
    """Reads all checkpoints of a run, checks their checksums, and prints the result.

    Args:
      workdir: the folder of the run, of several seeds or of a sweep.

    Raises:
      FileNotFoundError: if it is not that of a run.
      ValueError: if a checkpoint is damaged.
    """
    if (workdir / SWEEP).exists():
        places = [workdir / one.folder for one in sweeps.settings(sweeps.read(workdir)[1])]
        _verify_all([place for place in places if (seeds.first(place) / CONFIG).exists()])  # the others have not begun
    elif held := seeds.of(workdir):
        _verify_all([seeds.member(workdir, seed) for seed in held])
    else:
        _verify_one(workdir)


def _verify_all(workdirs: Sequence[Path]) -> None:
    """Verifies the runs of several folders to the last, then tells of those that are damaged."""
    damaged = []
    if not workdirs:
        raise ValueError("expected the folders of runs, found none that has begun")
    for workdir in workdirs:
        try:
            verify(workdir)
        except (ValueError, FileNotFoundError) as error:
            print(error)
            damaged.append(workdir)
    if damaged:
        raise ValueError(f"checkpoints of {len(damaged)} of the {len(workdirs)} folders are damaged, the first in {damaged[0]}")


def _verify_one(workdir: Path) -> None:
    found = open_run(workdir)
    damaged = 0
    with Checkpoints(workdir / folder.CHECKPOINTS, read_only=True) as checkpoints:
        steps = checkpoints.steps()
        for step in steps:
            try:
                saved = checkpoints.read(step, found.at(step).template())
                print(f"step {step:,}: {'good' if saved.verified else 'readable; without checksums, of an earlier version'}")
            except ValueError as error:
                damaged += 1
                print(error)
    if damaged:
        raise ValueError(
            f"{damaged} of the {len(steps)} checkpoints in {workdir} are damaged; --resume continues from the newest good one"
        )
    print(f"{len(steps)} checkpoints in {workdir}, none is damaged")


def configuration(argv: Sequence[str]) -> RunConfig:
    """Parses the command line: a preset's name (default `digits`), and flags that override the preset or the resumed run.

    Args:
      argv: the arguments; the name may come before, between or after the flags.

    Returns:
      The checked configuration.

    Raises:
      ValueError: if the preset or a flag is unknown, or a value is out of range.

    Example:
      >>> from jgan import train
      >>> train.configuration(["--steps", "7", "mnist"]).steps
      7
    """
    presets = models.presets()
    output.not_empty(argv)
    word, flags = split(argv)
    held = _held(word, flags)
    name = word or (held.preset if held else DEFAULT)
    if name not in presets and (held is None or name != held.preset):
        if name.partition(":")[0] in SOURCES:
            raise ValueError(f"{name} is a data set: give --dataset {name}, and a preset from {', '.join(presets)}")
        raise ValueError(unknown("preset", name, presets))
    if held is not None and held.preset != name:
        raise ValueError(f"{held.workdir} holds a run of {held.preset}, found {name}; leave the preset out to resume")
    default = held or api.run_config(custom.choose(name), None, {})
    listing = "\n".join(f"  {key:<18} {value.description}" for key, value in presets.items())
    about = f": {presets[name].description}" if name in presets else ""
    description = f"Train {name}{about}.\n\nPresets, each on any --dataset that its model accepts:\n{listing}"
    config = cli.parse(RunConfig, flags, prog=f"{PROG} {name}", description=description, default=default)
    config = cluster.resolved(configs.with_home(config))
    if config.coordinator is None:
        configs.check(config)
    else:
        configs.check_values(config)  # the devices are those of all processes, which have not met
    return config


def split(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Separates the preset's name from the flags and their values.

    Args:
      argv: the arguments.

    Returns:
      The name ("" if missing), and the other arguments in their order.

    Raises:
      ValueError: if there are several names.

    Example:
      >>> from jgan import train
      >>> train.split(["--resume", "mnist", "--steps", "7"])
      ('mnist', ['--resume', 'yes', '--steps', '7'])
    """
    kinds, presets = flags(), models.presets()
    words, rest, expected = [], [], 0.0  # the number of values that the previous flag still takes
    for argument, after in itertools.zip_longest(argv, argv[1:], fillvalue=""):
        if argument == "--resume" and after not in RESUME:
            expected = 0
            rest += [argument, "yes"]
        elif argument.startswith("-") and not argument[1:2].isdigit():
            name, equals, _ = argument.lstrip("-").replace("_", "-").partition("=")
            expected = 0 if equals else kinds.get(name, 0 if argument == "-h" else 1)
            rest.append(argument)
        elif expected >= 1 and not (expected > 1 and argument in presets):
            expected -= 1
            rest.append(argument)
        else:
            words.append(argument)
    if len(words) > 1:
        raise ValueError(f"expected one preset, found {' and '.join(words)}; flags start with --")
    return (words[0] if words else ""), rest


def flags() -> dict[str, float]:
    """The flags of the command, those of all models among them.

    Returns:
      The number of values that each takes, by its name without dashes before it: 0 for a switch, infinity for a tuple.

    Example:
      >>> from jgan import train
      >>> train.flags()["model.optimizer.learning-rate"]
      1
    """
    found = {"help": 0.0, **_flags_of(RunConfig)}
    for preset in models.presets().values():
        for name, count in _flags_of(type(preset.config), "model.").items():
            found[name] = max(count, found.get(name, 0))
    return found


def _flags_of(options: type, prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    hints: Mapping[str, Any] = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        hint, name = hints[field.name], field.name.replace("_", "-")
        if dataclasses.is_dataclass(hint):
            found |= _flags_of(typing.cast(type, hint), f"{prefix}{name}.")
        elif hint is bool:
            found |= {f"{prefix}{name}": 0, f"{prefix}no-{name}": 0}
        else:
            found[f"{prefix}{name}"] = float("inf") if typing.get_origin(hint) is tuple else 1
    return found


def _held(word: str, flags: Sequence[str]) -> RunConfig | None:
    """The configuration of the run to resume; its options become the defaults."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--workdir", type=Path)
    parser.add_argument("--dataset")
    parser.add_argument("--resume", default="no")
    try:
        known, _ = parser.parse_known_args(flags)
    except argparse.ArgumentError:  # cli.parse will report the error
        return None
    if known.resume == "no":
        return None
    given = None if known.workdir is None else reading.user_path(known.workdir)
    workdir = given or folder.newest(folder.name_of(word or DEFAULT, known.dataset))
    return None if workdir is None else seeds.configuration(workdir)


if __name__ == "__main__":
    memory.keep_freed()
    cli.run(main, PROG, leave=cli.at_once)
