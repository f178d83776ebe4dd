"""Command-line helpers: typed flags, and errors as one line on stderr with exit status 2."""

import _thread
import contextlib
import io
import itertools
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from jgan.utils import output, text

T = TypeVar("T")


def parse(arguments_type: type[T], argv: Sequence[str], *, prog: str, description: str, default: T | None = None) -> T:
    """Parses flags into a dataclass; `--help` prints the help and exits.

    Args:
      arguments_type: the dataclass; each field is a flag, and the string below it is its help text.
      argv: the arguments, without the program's name.
      prog: the command's name, for the help text and the errors.
      description: a description of the command, for the help text.
      default: an instance with the default values.

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
        raise ValueError(f"{_with_similar(printed.getvalue())}; see {prog} --help") from None


def at_least(args: Any, **least: int) -> None:
    """Checks that flags are not below their minimum.

    Args:
      args: the flags.
      **least: the minimum of each flag, by its field's name.

    Raises:
      ValueError: names the flag, its minimum and the value found.

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


def _with_similar(box: str) -> str:
    """The message, and for misspelt flags the ones that were meant: `--stps, did you mean --steps?`."""
    message = _first_paragraph(box)
    lines = [line.strip("│ ") for line in box.splitlines()]
    for line, after in itertools.pairwise(lines):
        found = re.fullmatch(r"Arguments similar to (--[\w.-]+):|Perhaps you meant:", line)
        misspelt = found and (found[1] or next(iter(re.findall(r"--[\w.-]+", message)), None))
        if misspelt and after.startswith("--"):
            whole = rf"(?<!\S){re.escape(misspelt)}(?![\w.-])"  # not the beginning of another flag
            message = re.sub(whole, f"{misspelt}, did you mean {after.split()[0]}?", message, count=1)
    return message.replace("?, ", "? ")


def _first_paragraph(box: str) -> str:
    """The message inside the frame that tyro prints: the lines between its title and the next rule.

    The title is part of the frame; if the terminal's encoding cannot draw frames, it is a separate line above a rule.
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
    """Ends the process without waiting for the storage library's threads, which are idle.

    Args:
      status: the exit status.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def starting(prog: str) -> None:
    """Has a Ctrl-C end the process in one line while modules are imported; `run` takes over afterwards.

    Args:
      prog: the command's name.
    """

    def handler(number: int, frame: Any) -> None:
        os.write(2, f"{prog}: stopped\n".encode())
        os._exit(130)  # an exception could be raised inside a callback of a module, which would drop it

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell has it in the background
        signal.signal(signal.SIGINT, handler)


class _Interrupts:
    """Python's own response to Ctrl-C, which remembers that there was one."""

    def __init__(self) -> None:
        self.received = False

    def __call__(self, number: int, frame: Any) -> None:
        self.received = True
        raise KeyboardInterrupt

    def install(self) -> None:
        """Takes over from Python's handler, or from that of `starting`; other handlers stay."""
        held = signal.getsignal(signal.SIGINT)
        ours = getattr(held, "__module__", None) == __name__
        if (ours or held is signal.default_int_handler) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self)

    def remove(self) -> None:
        """Gives back to Python's handler."""
        if signal.getsignal(signal.SIGINT) is self:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def run(main: Callable[[], None], prog: str, *, leave: Callable[[int], NoReturn] = sys.exit) -> None:
    """Runs a command; errors in its input become one line on stderr and exit status 2.

    Output that cannot be written (a closed pipe, a full disk, letters that the terminal's encoding lacks) does not end the
    command: its files are its result.

    Args:
      main: the command.
      prog: its name, for the error line.
      leave: exits with a status; `at_once` if the process runs only this command.
    """
    others, sys.unraisablehook = sys.unraisablehook, _unraisable
    interrupts = _Interrupts()
    interrupts.install()
    for name in ("absl", "asyncio"):  # errors arrive as exceptions; these loggers would print tracebacks beside them
        logging.getLogger(name).setLevel(logging.CRITICAL)
    streams = sys.stdout, sys.stderr
    shown, errors = output.Tolerant(sys.stdout), output.Tolerant(sys.stderr)
    sys.stdout, sys.stderr = shown, errors
    try:
        main()
    except Exception as error:
        if interrupts.received:  # inside the initialisation of a compiled module, which makes an ImportError of it
            print(f"{prog}: stopped", file=sys.stderr)
            leave(130)
        message = _explained(error)
        if message is None:
            raise
        print(f"{prog}: error: {message}", file=sys.stderr)
        leave(2)
    except KeyboardInterrupt:
        print(f"{prog}: stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        if shown.failure is not None and not isinstance(shown.failure, BrokenPipeError):
            print(f"{prog}: warning: the output cannot be shown: {_message(shown.failure)}", file=sys.stderr)
        for stream in (shown, errors):
            stream.release()
        sys.unraisablehook = others
        interrupts.remove()
        sys.stdout, sys.stderr = streams


def _explained(error: Exception) -> str | None:
    """The one line for an error that the user can do something about; None for a fault of the program."""
    if isinstance(error, ValueError | OSError):
        return " ".join(_message(error).split())
    if isinstance(error, MemoryError):
        return "there is not enough memory: give a smaller model, batch or data set"
    if isinstance(error, RuntimeError) and re.search("RESOURCE_EXHAUSTED|Out of memory", str(error)):
        return f"give a smaller model or batch, the device is out of memory: {text.one_line(error)}"
    started = any(frame.filename.endswith("xla_bridge.py") for frame in traceback.extract_tb(error.__traceback__))
    return _no_backend(error) if started and isinstance(error, RuntimeError | AssertionError) else None


def _no_backend(error: Exception) -> str:
    from importlib.metadata import entry_points

    plugins = sorted(point.name for point in entry_points(group="jax_plugins"))
    asked = os.environ.get("JAX_PLATFORMS", "")
    first = "".join(f": {line}" for line in str(error).strip().splitlines()[:1])
    known = ", ".join(["cpu", *plugins])
    return f"JAX cannot start{first}; expected JAX_PLATFORMS to be one of {known}, or unset, found {asked!r}"


def _unraisable(unraisable: Any) -> None:
    """Python's default hook, but for two cases.

    A Ctrl-C that arrives while a finaliser or a callback of the garbage collector runs is an exception that Python drops: it is
    sent again, after the callback. And after a failed read the storage library's threads report a closed event loop, whose
    tracebacks would hide the error line.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        again = threading.Timer(0.05, _interrupt)
        again.daemon = True
        again.start()
    elif str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _interrupt() -> None:
    """Sends the main thread a Ctrl-C, which also ends a wait of the system."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:  # Windows
        _thread.interrupt_main()


def _message(error: Exception) -> str:
    """The message of an exception; for an `OSError` `strerror: filename`, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
