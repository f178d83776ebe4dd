"""`dataset.json`, in which StyleGAN's data sets give labels: `{"labels": [[NAME, LABEL], ...]}`, or null for none."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import reading
from jgan.utils import text
from jgan.utils.checks import whole

NAME = "dataset.json"

LARGEST = 1 << 28
"""The most bytes of the file."""


class Labelled(NamedTuple):
    """The images of a folder with such a file.

    Attributes:
      files: the images of all subfolders, in the order of their names.
      labels: int32 `[N]`, or None if the file gives none.
    """

    files: list[Path]
    labels: np.ndarray | None


def read(root: Path) -> Labelled | None:
    """Finds the images of a folder whose labels are in a file; nothing is changed.

    Args:
      root: the folder.

    Returns:
      The images and their labels; None if there is no such file.

    Raises:
      ValueError: if the file holds anything else, or lacks the label of an image.

    Example:
      >>> import tempfile
      >>> from jgan.data import label_file
      >>> with tempfile.TemporaryDirectory() as root:
      ...     _ = (Path(root) / "dataset.json").write_text('{"labels": [["b.png", 3], ["a.png", 5]]}')
      ...     (Path(root) / "a.png").touch()
      ...     (Path(root) / "b.png").touch()
      ...     found = label_file.read(Path(root))
      >>> [file.name for file in found.files], found.labels
      (['a.png', 'b.png'], array([5, 3], dtype=int32))
    """
    path = root / NAME
    if not path.is_file():
        return None
    content = reading.content(path, "labels", most=LARGEST)
    try:
        pairs = json.loads(content)["labels"] or []
        labels = {str(name): whole("label", label, 0, 2**31 - 1) for name, label in pairs}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: expected labels [[name, number], ...], found others") from error
    files = {}
    for file in sorted(root.rglob("*")):
        name = file.relative_to(root)
        if file.is_file() and file != path and not any(reading.is_litter(Path(part)) for part in name.parts):
            files[name.as_posix()] = file
    missing = [name for name in files if name not in labels] if labels else []
    if missing:
        raise ValueError(f"{path}: expected a label of each image, found none of {text.listed(missing, 3)}")
    return Labelled(list(files.values()), np.array([labels[name] for name in files], np.int32) if labels else None)
