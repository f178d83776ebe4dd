"""What commands write: paths that are checked beforehand, and printing that cannot lose what has been saved."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def not_empty(argv: Sequence[str]) -> None:
    """Checks that no argument is empty: as a path, an empty text would silently be the current folder.

    Args:
      argv: the arguments of a command.

    Raises:
      ValueError: names the flag.

    Example:
      >>> from jgan.utils import output
      >>> output.not_empty(["--num", "3", "--out", ""])
      Traceback (most recent call last):
      ValueError: --out is empty: give it a value, or leave it out
    """
    for index, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if not word.strip() or (name.startswith("--") and equals and not value.strip()):
            flag = (
                name if equals else next((known for known in reversed(argv[:index]) if known.startswith("--")), "an argument")
            )
            raise ValueError(f"{flag} is empty: give it a value, or leave it out")


def file(flag: str, path: Path) -> None:
    """Checks, before anything is computed, that a file can be written.

    Args:
      flag: the name of the flag in the message.
      path: the file; it need not exist.

    Raises:
      FileNotFoundError: if its folder does not exist.
      ValueError: if it is a folder, or its folder cannot be written to.

    Example:
      >>> from jgan.utils import output
      >>> output.file("--out", Path("no/such/a.npz"))
      Traceback (most recent call last):
      FileNotFoundError: --out: there is no folder no/such; make it first
    """
    if path.is_dir():
        raise ValueError(f"{flag}: {path} is a folder, not a file: give the name of a file")
    _writable(flag, path)


def folder(flag: str, path: Path) -> None:
    """Checks, before anything is computed, that a folder can be made, or is there and empty.

    Args:
      flag: the name of the flag in the message.
      path: the folder.

    Raises:
      FileNotFoundError: if the folder above it does not exist.
      ValueError: if it is a file or holds anything, or the folder above it cannot be written to.
    """
    if path.is_dir():
        if any(path.iterdir()):
            raise ValueError(
                f"{flag}: the folder {path} is not empty: give a new one, so that two sets of images are not mixed"
            )
    elif path.exists():
        raise ValueError(f"{flag}: {path} is a file, not a folder")
    _writable(flag, path)


def _writable(flag: str, path: Path) -> None:
    above = path.absolute().parent
    if not above.is_dir():
        raise FileNotFoundError(f"{flag}: there is no folder {path.parent}; make it first")
    if not os.access(above, os.W_OK):
        raise ValueError(f"{flag}: {path.parent} cannot be written to: give another place")


def show(text: str) -> None:
    """Prints a text; if it cannot be shown, one warning says so and the command goes on.

    Results must be saved before they are shown: standard output may be closed (`| head -1`), full, or of an encoding that
    lacks a character of the text, which is then replaced by its escape.

    Args:
      text: the text.

    Example:
      >>> from jgan.utils import output
      >>> output.show("written")
      written
    """
    stream = Tolerant(sys.stdout)
    print(text, file=stream, flush=True)
    if stream.failure is not None:
        warn(f"standard output cannot be written to ({stream.failure}): what follows is not shown")
        sys.stdout = Tolerant(None)


def warn(text: str) -> None:
    """Prints a note on standard error, where it can be shown.

    Args:
      text: one line.
    """
    print(text, file=Tolerant(sys.stderr), flush=True)


class Tolerant:
    """A text stream whose writes never raise; after the first failure the rest is dropped.

    Args:
      stream: the stream that is written to; None, as in a process without one, to drop everything.

    Attributes:
      failure: the first error; None as long as there is none.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.failure: Exception | None = None if stream is not None else OSError(errno.EBADF, os.strerror(errno.EBADF))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes the text; letters that the encoding lacks are written as escapes."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._attempt(lambda: self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding)))
        return len(text)

    def flush(self) -> None:
        """Flushes what was written."""
        self._attempt(lambda: self._stream.flush())

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def release(self) -> None:
        """Flushes, and directs a failed stream elsewhere, because Python flushes it again when it exits."""
        self.flush()
        if self.failure is not None and self._stream is not None:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def _attempt(self, action: Callable[[], object]) -> None:
        if self.failure is None:
            try:
                action()
            except Exception as error:  # a ValueError if it was closed; others from streams that are not files
                self.failure = error
