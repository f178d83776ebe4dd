"""File writes that survive faults: a reader finds the old file or the new one, never a part, even after a power failure."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Writes a file under a temporary name and renames it when the block ends without an error.

    The temporary file is created with a random name that did not exist, so that a link planted in the folder is not followed.
    File and folder are flushed to the disk, so that the rename counts only once the content is there.

    Args:
      path: the file; its folder must exist.

    Yields:
      The temporary path to write to, in the same folder. If the block raises, it is removed and `path` is unchanged.

    Example:
      >>> import tempfile
      >>> from jgan.utils import files
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     with files.replacing(Path(folder) / "a.txt") as temporary:
      ...         _ = temporary.write_text("whole")
      ...     print([path.name for path in Path(folder).iterdir()])
      ['a.txt']
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        with naming(path):
            yield temporary
            flush(temporary)
            temporary.replace(path)
            flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds the name of a file to errors that lack one: those of writing, such as a full disk, do.

    Args:
      path: the file that the block writes.

    Example:
      >>> from jgan.utils import files
      >>> with files.naming(Path("a.txt")):
      ...     raise OSError(28, "No space left on device")
      Traceback (most recent call last):
      OSError: [Errno 28] No space left on device: 'a.txt'
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def synchronize(folder: Path) -> None:
    """Flushes a folder, everything in it and its entry in the parent folder to the disk.

    Args:
      folder: the folder.

    Raises:
      OSError: if a file cannot be flushed.
    """
    for directory, _, names in os.walk(folder):
        for name in names:
            flush(Path(directory) / name)
        flush(Path(directory))
    flush(folder.parent)


def flush(path: Path) -> None:
    """Flushes a file, or the entries of a folder, to the disk.

    Args:
      path: the file or the folder.

    Raises:
      OSError: if it cannot be flushed.
    """
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems cannot flush folders
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(handle)
