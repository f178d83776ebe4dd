"""A sweep: the settings of one or more options, and the folder that holds a run, or several seeds, of each of them."""

import difflib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jgan.data import reading
from jgan.training.environment import write_json
from jgan.training.records import SWEEP

ITS_OWN = (
    *("help", "preset", "model", "workdir", "resume", "time-limit", "seed", "seeds", "dry-run", "verify"),
    *("coordinator", "processes", "process"),
)
"""options of a start or of the whole sweep, over which there is no sweep"""

PATHS = ("data-dir", "weights")
"""options that are paths, which are made absolute: a sweep may be continued from another folder"""


class Setting(NamedTuple):
    """One setting of a sweep.

    Attributes:
      options: the values by the names of the flags.
      folder: the name of its folder in that of the sweep.
    """

    options: dict[str, str]
    folder: str


def axes(given: Sequence[str], known: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
    """Reads `FLAG=VALUE,VALUE`.

    Args:
      given: such texts, one for each flag. A value of several words, for a flag that takes several, has spaces.
      known: the flags of training, with the number of values that each takes: 0 for a switch, whose values are true and false.

    Returns:
      The values by the names of the flags.

    Raises:
      ValueError: if a flag is unknown or given twice, cannot be swept, or has a value twice or none.

    Example:
      >>> from jgan.training import sweeps
      >>> sweeps.axes(["model.loss=hinge,wasserstein"], {"model.loss": 1})
      {'model.loss': ('hinge', 'wasserstein')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        name, equals, rest = text.partition("=")
        flag, values = name.strip().lstrip("-").replace("_", "-"), tuple(value.strip() for value in rest.split(","))
        if not equals or not all(values):
            raise ValueError(f"--over expects FLAG=VALUE,VALUE, as in model.optimizer.learning-rate=1e-4,2e-4, found {text!r}")
        if flag in ITS_OWN:
            raise ValueError(
                f"--over {flag}: there is no sweep over it" + (": give --seeds" if flag.startswith("seed") else "")
            )
        prefix, _, last = flag.rpartition(".")
        if last.startswith("no-") and (switch := ".".join(filter(None, [prefix, last[3:]]))) in known:
            raise ValueError(f"--over {flag}: give {switch}=true,false")
        if flag not in known:
            meant = difflib.get_close_matches(flag, known, 1)
            raise ValueError(f"--over: unknown flag {flag}{f', did you mean {meant[0]}?' if meant else ''}")
        if not known[flag] and not set(values) <= {"true", "false"}:
            raise ValueError(f"--over {flag}: the values of a switch are true and false, found {rest!r}")
        alike = values if flag in PATHS else map(_number, values)
        if flag in found or len(set(alike)) < len(values):
            raise ValueError(f"--over {flag}: {'given twice' if flag in found else 'has a value twice, ' + rest}")
        found[flag] = tuple(str(reading.user_path(value).absolute()) for value in values) if flag in PATHS else values
    return found


def _number(value: str) -> str | float:
    """The number that a value is: 0.1, .10 and 1e-1 are one."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if number != number else number  # nan is not equal to itself


def settings(over: Mapping[str, Sequence[str]]) -> list[Setting]:
    """All combinations of the values.

    Args:
      over: the values by the names of the flags.

    Returns:
      The settings; the last flag varies fastest. A folder is named after the last parts of the flags' names, and of paths.

    Example:
      >>> from jgan.training import sweeps
      >>> [setting.folder for setting in sweeps.settings({"model.loss": ("hinge",), "model.width": ("8", "16")})]
      ['loss=hinge,width=8', 'loss=hinge,width=16']
    """
    short = [flag.rpartition(".")[2] for flag in over]
    names = dict(zip(over, short if len(set(short)) == len(short) else over, strict=True))
    found = []
    for values in itertools.product(*over.values()):
        options = dict(zip(over, values, strict=True))
        ends = {flag: Path(value).name if flag in PATHS else value for flag, value in options.items()}
        parts = (f"{names[flag]}={re.sub(r'[^A-Za-z0-9.+-]+', '_', value)}" for flag, value in ends.items())
        found.append(Setting(options, ",".join(parts)))
    return found


def words(setting: Setting, known: Mapping[str, float]) -> list[str]:
    """The arguments of `python -m jgan.train` for a setting.

    Args:
      setting: the setting.
      known: the number of values that each flag takes; 0 for a switch.

    Returns:
      The flags and their values.

    Example:
      >>> from jgan.training import sweeps
      >>> sweeps.words(sweeps.Setting({"model.loss": "hinge", "model.fast": "false"}, ""), {"model.loss": 1, "model.fast": 0})
      ['--model.loss', 'hinge', '--model.no-fast']
    """
    found: list[str] = []
    for flag, value in setting.options.items():
        prefix, _, last = flag.rpartition(".")
        if known[flag]:
            found += [f"--{flag}", *value.split()]
        else:
            found.append(f"--{flag}" if value == "true" else f"--{'.'.join(filter(None, [prefix, 'no-' + last]))}")
    return found


def write(workdir: Path, arguments: Sequence[str], over: Mapping[str, Sequence[str]], command: str) -> None:
    """Writes `sweep.json`, from which the sweep is continued.

    Args:
      workdir: the folder of the sweep, which is created.
      arguments: the arguments for training that all settings share.
      over: the values by the names of the flags.
      command: the command line.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    write_json(workdir / SWEEP, {"arguments": list(arguments), "over": over, "command": command})


def located(arguments: Sequence[str]) -> list[str]:
    """Arguments for training with absolute paths.

    Args:
      arguments: the arguments.

    Returns:
      The arguments; what follows a flag of a path is absolute.

    Example:
      >>> from jgan.training import sweeps
      >>> sweeps.located(["digits", "--data-dir", "/a/b", "--weights=/c"])
      ['digits', '--data-dir', '/a/b', '--weights=/c']
    """
    found: list[str] = []
    for word in arguments:
        flag, equals, value = word.partition("=")
        if flag.lstrip("-").replace("_", "-") in PATHS and equals:
            found.append(f"{flag}={reading.user_path(value).absolute()}")
        elif found and found[-1].lstrip("-").replace("_", "-") in PATHS:
            found.append(str(reading.user_path(word).absolute()))
        else:
            found.append(word)
    return found


def read(workdir: Path, known: Mapping[str, float] | None = None) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Reads `sweep.json`.

    Args:
      workdir: the folder of a sweep.
      known: the flags of training, if those of the sweep are to be checked: see `axes`.

    Returns:
      `(arguments, over)`, as `write` took them.

    Raises:
      ValueError: if there is none, or it is damaged.
    """
    path = workdir / SWEEP
    if not path.is_file():
        raise ValueError(f"{workdir} holds no {SWEEP}: it is not the folder of a sweep; python -m jgan.sweep makes one")
    with reading.naming(path, "the record of a sweep"):
        found = json.loads(path.read_bytes())
        arguments, over = found["arguments"], found["over"]
        lists = [arguments, *over.values()]
        if not all(isinstance(words, list) and words and all(isinstance(word, str) for word in words) for words in lists[1:]):
            raise ValueError("expected lists of texts")
        if not over or not isinstance(arguments, list) or not all(isinstance(word, str) for word in arguments):
            raise ValueError("expected arguments and values")
        found = {flag: tuple(values) for flag, values in over.items()}
    return arguments, found if known is None else axes([f"{flag}={','.join(values)}" for flag, values in found.items()], known)
