"""Reading files that may be anything: what every reader of this package does before, while and after it decodes one.

A file is opened only if it is a regular one, so that a pipe or a device cannot make a reader wait. Memory is reserved only
after a check of the declared size against that of the file (`check_size`). Whatever a decoder raises becomes one line that
names the file (`naming`).
"""

import contextlib
import importlib.util
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from jgan.utils import text

RATIO, ALWAYS = 100, 1 << 28
"""Compressed values may take up to `RATIO` times the bytes of their file, and `ALWAYS` bytes in any case. Compression of images
rarely saves more than nine tenths; a file of a few megabytes made to fill the memory saves 999 of 1,000."""

LITTER = (
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "__macosx",
    "lost+found",
    "$recycle.bin",
    "system volume information",
    "#recycle",
    "#snapshot",
    "~snapshot",
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "network trash folder",
    "temporary items",
)
"""Files and folders that are ignored, in lower case: of Windows, macOS, zip archives, ext4 and network storage."""

CHUNK = 1 << 20
"""Bytes read at a time."""


def user_path(path: str | Path) -> Path:
    """The path that a user has written, with `~` expanded.

    Args:
      path: any path.

    Returns:
      The path.

    Raises:
      ValueError: if it begins with the home folder of an unknown user.

    Example:
      >>> from jgan.data import reading
      >>> reading.user_path("~/data") == Path.home() / "data"
      True
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: expected the home folder of a user, found an unknown one: write the whole path") from error


def is_litter(path: Path) -> bool:
    """Whether a file or folder was left by a desktop, an archive or a storage system: the one rule of what readers ignore.

    Args:
      path: the path, of which only the name counts.

    Returns:
      True for a name that begins with a dot, and for those of `LITTER`, in upper or lower case.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import reading
      >>> [name for name in ("._a.png", "Thumbs.db", "a.png", "README.md") if reading.is_litter(Path(name))]
      ['._a.png', 'Thumbs.db']
    """
    return path.name.startswith(".") or path.name.lower() in LITTER


@contextlib.contextmanager
def naming(where: str | Path, expected: str) -> Iterator[None]:
    """A boundary around a decoder: any error becomes a `ValueError` of one line that names the file.

    Errors that already name it pass unchanged, as do those of the operating system that name a file: it is missing, or may not
    be read.

    Args:
      where: the file, and the part of it if it has parts.
      expected: what it should be.

    Yields:
      Nothing.

    Raises:
      ValueError: instead of any other error.

    Example:
      >>> import struct
      >>> from jgan.data import reading
      >>> with reading.naming("a.bin", "a header"):
      ...     struct.unpack("<I", b"abc")
      Traceback (most recent call last):
      ValueError: a.bin: expected a header, found a damaged or other file (unpack requires a buffer of 4 bytes): get it again
    """
    try:
        yield
    except Exception as error:  # a decoder raises anything: zlib.error, struct.error, SyntaxError, MemoryError, KeyError ...
        if isinstance(error, ValueError) and str(error).startswith(str(where)):
            raise
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ValueError(
            f"{where}: expected {expected}, found a damaged or other file ({text.one_line(error)}): get it again"
        ) from error


def package_folders(package: str) -> list[Path]:
    """The folders of an installed package, found without importing it.

    Args:
      package: its name in Python.

    Returns:
      The paths; none if it is not installed.

    Example:
      >>> from jgan.data import reading
      >>> reading.package_folders("no_such_package"), len(reading.package_folders("jgan"))
      ([], 1)
    """
    found = importlib.util.find_spec(package)
    return [Path(folder) for folder in (found and found.submodule_search_locations) or ()]


def regular(path: Path, expected: str) -> int:
    """Checks that a path is a regular file: a pipe, a socket or a device would make a reader wait, or never end.

    Args:
      path: the file; links are followed.
      expected: what it should be, for the message.

    Returns:
      Its size in bytes.

    Raises:
      FileNotFoundError: if there is none.
      OSError: if it cannot be looked at.
      ValueError: if it is anything else.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import reading
      >>> reading.regular(Path("/dev/null"), "an image")
      Traceback (most recent call last):
      ValueError: /dev/null: expected an image, found a device: give a regular file
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: expected {expected}, found nothing there") from None
    if stat.S_ISREG(found.st_mode):
        return found.st_size
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(found.st_mode), "a device")
    raise ValueError(f"{path}: expected {expected}, found {kind}: give a regular file")


def check_size(where: str | Path, size: int, *, compressed: int | None = None) -> None:
    """Checks the size that a file declares for its values before memory is reserved for them.

    Args:
      where: the file, for the message.
      size: the bytes that its values will take.
      compressed: the bytes that they take in the file, if they are compressed.

    Raises:
      ValueError: if they do not fit into the memory of this machine, or are far more than compression can explain.

    Example:
      >>> from jgan.data import reading
      >>> reading.check_size("a.npz", 10**10, compressed=10**7)
      Traceback (most recent call last):
      ValueError: a.npz: expected at most 100 times its 10000000 compressed bytes, found 10000000000: store it uncompressed
    """
    if size > memory():
        raise ValueError(f"{where}: expected at most the {memory()} bytes of this machine's memory, found {count(size)}")
    if compressed is not None and size > max(ALWAYS, RATIO * compressed):
        raise ValueError(
            f"{where}: expected at most {RATIO} times its {compressed} compressed bytes, found {size}: store it uncompressed"
        )


def memory() -> int:
    """The bytes of this machine's memory.

    Returns:
      The number; the largest integer where the system does not tell.

    Example:
      >>> from jgan.data import reading
      >>> reading.memory() > 2**20
      True
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def count(number: int) -> str:
    """A number for a message, however many digits it has.

    Args:
      number: not negative.

    Returns:
      Its digits, or a power of two that it exceeds.

    Example:
      >>> from jgan.data import reading
      >>> reading.count(1234), reading.count(10**600)
      ('1234', 'more than 2^1993')
    """
    return str(number) if number < 2**63 else f"more than 2^{number.bit_length() - 1}"


def content(path: Path, expected: str, *, most: int | None = None) -> bytes:
    """The bytes of a file.

    Args:
      path: the file.
      expected: what it should be, for messages.
      most: the largest size that it may have; by default this machine's memory.

    Returns:
      The bytes.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it is not a regular file, or larger.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import reading
      >>> reading.content(Path("no/such/file"), "text")
      Traceback (most recent call last):
      FileNotFoundError: no/such/file: expected text, found nothing there
    """
    size = regular(path, expected)
    if most is not None and size > most:
        raise ValueError(f"{path}: expected {expected}, at most {most} bytes, found {size}")
    check_size(path, size)
    with naming(path, expected):
        return path.read_bytes()


def fill(file: IO[bytes], size: int) -> np.ndarray:
    """Reads a number of bytes, in chunks, which a decompressor would otherwise hold twice.

    Args:
      file: the file.
      size: the number of bytes, checked by `check_size`.

    Returns:
      uint8 `[size]`, or shorter if the file ends before.

    Example:
      >>> import io
      >>> from jgan.data import reading
      >>> reading.fill(io.BytesIO(b"abc"), 2).tolist(), reading.fill(io.BytesIO(b"abc"), 5).tolist()
      ([97, 98], [97, 98, 99])
    """
    found, done = np.empty(size, np.uint8), 0
    while done < size and (chunk := file.read(min(CHUNK, size - done))):
        found[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
        done += len(chunk)
    return found[:done]
