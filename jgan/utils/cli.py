"""What the commands share: typed flags, and errors that are one line on stderr and exit status 2."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


def parse(arguments_type: type[T], argv: Sequence[str], *, prog: str, description: str, default: T | None = None) -> T:
    """Reads flags into a dataclass; `--help` prints the help and leaves.

    Args:
      arguments_type: the dataclass; every field is a flag, and the line below it its help.
      argv: the arguments, without the program's name.
      prog: the command, for the help and the errors.
      description: what it does, for the help.
      default: an instance that holds the defaults.

    Returns:
      An instance of the dataclass.

    Raises:
      ValueError: if a flag is unknown, or its value has another type.

    Example:
      >>> import dataclasses
      >>> from jgan.utils import cli
      >>> @dataclasses.dataclass
      ... class Args:
      ...     num: int = 64
      ...     "how many"
      >>> cli.parse(Args, ["--num", "3"], prog="p", description="d").num
      3
      >>> cli.parse(Args, ["--num", "x"], prog="p", description="d")
      Traceback (most recent call last):
      ValueError: Error parsing --num: invalid literal for int() with base 10: 'x'; see p --help
    """
    import tyro

    options: dict[str, Any] = {} if default is None else {"default": default}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(arguments_type, args=list(argv), prog=prog, description=description, **options)
    except SystemExit as leaving:
        if not leaving.code:
            raise  # --help
        raise ValueError(f"{_first_paragraph(printed.getvalue())}; see {prog} --help") from None


def at_least(args: Any, **least: int) -> None:
    """Insists that flags are not too small.

    Args:
      args: the flags.
      **least: of each flag by its field's name, the smallest value.

    Raises:
      ValueError: naming the flag, what it must be and what was found.

    Example:
      >>> import types
      >>> from jgan.utils import cli
      >>> cli.at_least(types.SimpleNamespace(batch_size=0), batch_size=1)
      Traceback (most recent call last):
      ValueError: --batch-size must be at least 1, found 0
    """
    for name, bound in least.items():
        if getattr(args, name) < bound:
            raise ValueError(f"--{name.replace('_', '-')} must be at least {bound}, found {getattr(args, name)}")


def in_a_folder(out: Path) -> None:
    """Insists that the folder of `--out` is there.

    Args:
      out: the file that is to be written.

    Raises:
      FileNotFoundError: if it is not.

    Example:
      >>> from jgan.utils import cli
      >>> cli.in_a_folder(Path("no/such/a.npz"))
      Traceback (most recent call last):
      FileNotFoundError: --out: there is no folder no/such; make it first
    """
    if not out.parent.is_dir():
        raise FileNotFoundError(f"--out: there is no folder {out.parent}; make it first")


def _first_paragraph(box: str) -> str:
    """The message inside the frame that tyro draws: the lines between its title and the next rule.

    The title is part of the frame; where the terminal's encoding has no frames, it is a line of its own above a rule.
    """
    blocks: list[list[str]] = [[]]
    for line in box.splitlines():
        inner = line.strip("│ ")
        if not inner or inner.startswith("╭"):
            continue
        if set(inner) <= set("─╰╯-"):
            blocks.append([])
        else:
            blocks[-1].append(inner)
    message = blocks[0] if "╭" in box else blocks[min(1, len(blocks) - 1)]
    return " ".join(message) or "the arguments cannot be understood"


def at_once(status: int) -> NoReturn:
    """Ends the process without waiting for the storage library's threads, which have nothing left to do.

    Args:
      status: the exit status.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(main: Callable[[], None], prog: str, *, leave: Callable[[int], NoReturn] = sys.exit) -> None:
    """Runs a command: what is wrong with its input becomes one line on stderr and exit status 2.

    Args:
      main: the command.
      prog: its name, for the line.
      leave: how to leave with a status; `at_once` where the process is the command's own.
    """
    others, sys.unraisablehook = sys.unraisablehook, _without_closed_loops
    try:
        main()
    except (ValueError, OSError) as error:
        message = " ".join(_message(error).split())
        print(f"{prog}: error: {message}", file=sys.stderr)
        leave(2)
    except KeyboardInterrupt:
        print(f"{prog}: stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        sys.unraisablehook = others


def _without_closed_loops(unraisable: Any) -> None:
    """Python's own hook, but for one message: after a failed read the storage library's threads report their other reads to
    an event loop that is closed, and a traceback each would bury our line."""
    if str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _message(error: Exception) -> str:
    """An `OSError` of the system says its number first; `strerror: filename` reads better."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
