"""The record `about` of a checkpoint on disk: its score, whether it is kept for good, and why it cannot be read."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

from jgan.training import integrity
from jgan.utils.text import one_line

ABOUT = "about"

OLD_STATE = "default"
"""the name of the state in checkpoints of jgan 0.2.0.dev0, which have no `about`"""

PASSING = (errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE)
"""errors of reading that say nothing about the content"""


def read(path: Path) -> dict[str, Any] | None:
    """Reads the record of a checkpoint.

    Args:
      path: the folder of the checkpoint.

    Returns:
      The record; None for a checkpoint of an earlier version, which has none.

    Raises:
      ValueError: if it is damaged or missing.
      OSError: if it cannot be read now.
    """
    if (path / OLD_STATE).exists():
        return None
    file = path / ABOUT / "metadata"
    try:
        record = json.loads(file.read_text())
        if not integrity.is_sealed(record):
            raise ValueError("its checksum differs")
    except (ValueError, AttributeError, RecursionError, FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f"{file}: {reason(error)}") from error
    return record


def rank(about: dict[str, Any]) -> tuple[int, float] | None:
    """The sort key of checkpoints: first the phase, then the score, because scores of different phases are not comparable.

    Args:
      about: the record.

    Returns:
      `(phase, score)`; None if the checkpoint was not measured.

    Example:
      >>> from jgan.training import about_file
      >>> about_file.rank({"score": 0.5, "phase": 1}), about_file.rank({"score": None})
      ((1, 0.5), None)
    """
    score = about["score"]
    return None if score is None or not math.isfinite(score) else (about.get("phase", 0), score)


def rank_on_disk(path: Path) -> tuple[int, float] | None:
    """The rank of the checkpoint in a folder; None if it was not measured, or its record is damaged."""
    try:
        about = read(path)
        if about is not None:
            return rank(about)
        old = path / "metrics" / "metrics"  # where earlier versions kept the score
        return rank(json.loads(old.read_text())) if old.exists() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def kept_on_disk(path: Path) -> bool:
    """Whether the checkpoint in a folder is kept for good; False if its record is damaged."""
    try:
        about = read(path)
        return about is not None and about.get("kept", False) is True
    except (OSError, ValueError):
        return False


def reason(error: BaseException) -> str:
    """The cause of an error in one line.

    Args:
      error: the error.

    Returns:
      The operating system's message if there is one, otherwise the first line of the error's own.

    Example:
      >>> from jgan.training import about_file
      >>> about_file.reason(OSError(28, "No space left on device"))
      'No space left on device'
    """
    codes = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG, *PASSING, errno.ENOTDIR, errno.ENOENT)
    known = [os.strerror(code) for code in codes]
    chain = "\n".join(str(item) for item in (error, error.__cause__, error.__context__) if item is not None)
    system = next((words for words in known if words in chain), None)
    return system or one_line(error)
