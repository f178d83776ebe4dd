"""Atomic file writes: a reader finds the old file or the new one, never a part."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Writes a file under a temporary name and renames it when the block ends without an error.

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
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
