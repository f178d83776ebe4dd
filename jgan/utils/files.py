"""File writes that survive faults: a reader finds the old file or the new one, never a part, even after a power failure."""

import contextlib
import os
import tempfile
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
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o666 & ~_umask())  # mkstemp's files are private; the result has the usual permissions
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def synchronize(folder: Path) -> None:
    """Flushes a folder, everything in it and its entry in the parent folder to the disk.

    Args:
      folder: the folder.

    Raises:
      OSError: if a file cannot be flushed.
    """
    for directory, _, names in os.walk(folder):
        for name in names:
            _flush(Path(directory) / name)
        _flush(Path(directory))
    _flush(folder.parent)


def _flush(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    """The process's mask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
