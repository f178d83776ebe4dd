"""`python -m jgan.sweep PRESET --over FLAG=VALUE,VALUE ...`: a training with several values of its options, side by side.

  python -m jgan.sweep digits --over model.optimizer.learning-rate=0.02,0.1,0.5 --seeds 3 --workdir SWEEP
  python -m jgan.sweep --workdir SWEEP --resume

Each combination of the values has a folder in --workdir, that of an ordinary run or, with --seeds, of several seeds, which are
trained at once; the combinations are trained one after the other. All other arguments are those of python -m jgan.train. At
the end, or where it is stopped, those that have ended are listed by the measure that chooses the best checkpoint, and
python -m jgan.report SWEEP makes a page of them.
"""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.sweep")  # before the imports that take a second

import dataclasses
import re
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jgan import train
from jgan.data import reading
from jgan.training import records, stopping, sweep_results, sweeps
from jgan.training.config import Resume, RunConfig
from jgan.training.sweeps import Setting
from jgan.utils import cli, memory, output

PROG = "python -m jgan.sweep"
EXAMPLE = f"{PROG} digits --over model.optimizer.learning-rate=0.02,0.1 --workdir SWEEP"


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command itself; all others are those of `python -m jgan.train`."""

    over: tuple[str, ...] = ()
    """options and their values, FLAG=VALUE,VALUE: all combinations are trained"""
    workdir: Path | None = None
    """folder of the sweep"""
    resume: Resume = "no"
    """continue the sweep in --workdir, with its own options; auto: continue it if there is one, otherwise start one"""
    time_limit: float = 0.0
    """save and stop after so many minutes, with status 0; 0 for no limit"""
    dry_run: bool = False
    """print what each combination costs, and stop"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
      Stopped: after a signal or the time limit.
    """
    begun, given = time.monotonic(), list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    own, rest = split(given)
    args = cli.parse(Args, own, prog=PROG, description=__doc__ or "")
    if args.workdir is None:
        raise ValueError(f"expected the folder of the sweep, --workdir, as in {EXAMPLE}")
    if not 0 <= args.time_limit < float("inf"):
        raise ValueError(f"--time-limit must be a number of minutes, at least 0, found {args.time_limit}")
    workdir, known = reading.user_path(args.workdir), train.flags()
    rest, over = _asked(args, workdir, rest, known)
    chosen = sweeps.settings(over)
    _check_folders(chosen)
    arguments = [[*rest, *sweeps.words(setting, known), "--workdir", str(workdir / setting.folder)] for setting in chosen]
    # Flags and ranges are checked before any is trained. What only the data or the model can tell ends one combination.
    configs = [train.configuration([*words, "--resume", "auto"]) for words in arguments]
    if args.dry_run:
        for setting, words in zip(chosen, arguments, strict=True):
            output.show(f"{described(setting)}:")
            train.main([*words, "--dry-run"])
        return
    if not (workdir / records.SWEEP).exists():
        sweeps.write(workdir, rest, over, shlex.join([*PROG.split(), *given]))
    try:
        failed = _train_all(args, workdir, chosen, arguments, configs, begun)
    except stopping.Stopped:
        pairs = zip(chosen, configs, strict=True)
        if some := [setting for setting, config in pairs if sweep_results.ended(workdir / setting.folder, config.steps)]:
            output.show(f"the {len(some)} of {len(chosen)} combinations that have ended:")
            _tell(workdir, some)
        raise
    _tell(workdir, chosen)
    if failed:
        raise ValueError(f"{len(failed)} of the {len(chosen)} combinations have not ended; the first: {failed[0]}")


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separates the command's own arguments from those of `python -m jgan.train`.

    Args:
      argv: the arguments.

    Returns:
      `(own, others)`, in their order.

    Example:
      >>> from jgan import sweep
      >>> sweep.split(["digits", "--over", "seed=1,2", "steps=3,4", "--batch-size", "8", "--workdir", "S"])
      (['--over', 'seed=1,2', 'steps=3,4', '--workdir', 'S'], ['digits', '--batch-size', '8'])
    """
    own: list[str] = []
    rest: list[str] = []
    values = {f.name.replace("_", "-"): 0 if f.type is bool else 1 for f in dataclasses.fields(Args)} | {"help": 0}
    earlier: list[str] = []  # the values of --over, which may be given more than once
    expected, name = 0, ""
    for word in argv:
        flag, equals, value = word.lstrip("-").replace("_", "-").partition("=")
        if (word.startswith("--") and flag in values) or word == "-h":
            name, expected = flag, 0 if equals else values.get(flag, 0)
            if word == "--resume":
                word, expected = "--resume=yes", 0
            if name == "over":
                earlier += [word.partition("=")[2]] if equals and value else []
            else:
                own.append(word)
        elif name == "resume" and own[-1] == "--resume=yes" and word in train.RESUME:
            own[-1], name = f"--resume={word}", ""
        elif name == "over" and not word.startswith("-") and (expected or "=" in word):
            earlier.append(word)
            expected = 0
        elif expected and name != "over":
            own.append(word)
            expected = 0
        else:
            name, expected = "", 0
            rest.append(word)
    return ([*(["--over", *earlier] if earlier else []), *own], rest)


def described(setting: Setting) -> str:
    """A setting in words.

    Args:
      setting: the setting.

    Returns:
      The flags and their values.

    Example:
      >>> from jgan import sweep
      >>> sweep.described(sweep.Setting({"model.loss": "hinge", "steps": "5"}, ""))
      '--model.loss hinge --steps 5'
    """
    return " ".join(f"--{flag} {value}" for flag, value in setting.options.items())


def _asked(args: Args, workdir: Path, rest: list[str], known: dict[str, float]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The arguments for training that all settings share, and the values of the swept flags."""
    exists, rest = (workdir / records.SWEEP).exists(), sweeps.located(rest)
    if args.resume == "yes" or (args.resume == "auto" and exists):
        held = sweeps.read(workdir, known)
        if (args.over or rest) and (rest, sweeps.axes(args.over, known)) != held:
            raise ValueError(f"{workdir} holds a sweep with other options: give those of {records.SWEEP}, or none")
        return held
    if exists:
        raise ValueError(f"{workdir} already holds a sweep; give --resume to continue it, or another --workdir")
    if (workdir / records.CONFIG).exists() or (workdir / records.SEEDS).exists():
        raise ValueError(f"{workdir} holds a run; give another --workdir")
    if not args.over:
        raise ValueError(f"expected the options to vary, --over FLAG=VALUE,VALUE, as in {EXAMPLE}")
    over = sweeps.axes(args.over, known)
    taken = {word.lstrip("-").replace("_", "-").partition("=")[0] for word in rest if word.startswith("--")}
    taken |= {re.sub(r"(^|\.)no-", r"\1", flag) for flag in taken}
    if both := sorted(taken & set(over)):
        raise ValueError(f"--{both[0]} is swept and given: leave one of the two out")
    if others := sorted(taken & {"coordinator", "processes", "process", "verify"}):
        raise ValueError(f"a sweep is trained by one process: leave --{others[0]} out")
    return rest, over


def _check_folders(chosen: Sequence[Setting]) -> None:
    folders = [setting.folder for setting in chosen]
    if twice := next((folder for folder in folders if folders.count(folder) > 1), None):
        raise ValueError(f"two combinations would have the folder {twice}: give values that differ in letters or digits")
    if longest := next((folder for folder in folders if len(folder.encode()) > 250), None):
        raise ValueError(f"the name of a folder would be too long, {longest[:60]} ...: sweep over fewer options at once")


def _train_all(
    args: Args,
    workdir: Path,
    chosen: Sequence[Setting],
    arguments: Sequence[Sequence[str]],
    configs: Sequence[RunConfig],
    begun: float,
) -> list[str]:
    """Trains the settings that have not ended, one after the other; returns the errors of those that cannot be trained."""
    failed: list[str] = []
    again = f"{PROG} --workdir {shlex.quote(str(workdir))} --resume"
    for number, (setting, words, config) in enumerate(zip(chosen, arguments, configs, strict=True), 1):
        title = f"combination {number} of {len(chosen)}: {described(setting)}"
        if sweep_results.ended(workdir / setting.folder, config.steps):
            output.show(f"{title}: ended before")
            continue
        left = args.time_limit - (time.monotonic() - begun) / 60
        if args.time_limit and left <= 0:
            output.show(f"time limit: {number - 1} of the {len(chosen)} combinations have ended; continue with: {again}")
            raise stopping.Stopped(0)
        output.show(title)
        try:
            train.main([*words, "--resume", "auto", *(["--time-limit", f"{max(left, 1e-3):.4f}"] if args.time_limit else [])])
        except stopping.Stopped:
            output.show(f"the whole sweep is continued with: {again}")
            raise
        except (ValueError, FileNotFoundError) as error:
            failed.append(f"{described(setting)}: {error}")
            output.show(f"not trained to its end: {failed[-1]}")
    return failed


def _tell(workdir: Path, chosen: Sequence[Setting]) -> None:
    """Writes the summary and prints the settings, the best one first."""
    found = sweep_results.ranked(workdir, chosen)
    sweep_results.summarize(workdir, found)
    if found:
        rows = sweep_results.table(found)
        wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            output.show("  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip())
        if doubt := sweep_results.caution(found):
            output.show(doubt)
        if not sweep_results.MEASURING & set(found[0][0].options):
            output.show(f"best: {described(found[0][0])}, in {workdir / found[0][0].folder}")
    output.show(f"all on one page: python -m jgan.report {shlex.quote(str(workdir))}")


if __name__ == "__main__":
    memory.keep_freed()
    cli.run(main, PROG, leave=cli.at_once)
