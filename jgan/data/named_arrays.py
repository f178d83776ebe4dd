"""Images or points as named arrays in one file, the same names for every kind of file:

| examples | labels | |
|---|---|---|
| `x`, `images` or `samples` | `y` or `labels`, or none | one set; other arrays of the file are not read |
| `arr_0` | `arr_1`, or none | what `numpy.savez(path, x, y)` writes |
| `x_train`, `x_validation`, `x_test` (or `images_train` ...) | `y_train` ... | a divided set |
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jgan.data import reading, values
from jgan.data.dataset import PARTS
from jgan.types import Batch
from jgan.utils import text

EXAMPLES, LABELS = ("x", "images", "samples"), ("y", "labels")
"""The names of the arrays, to which `_train` and the like may be added."""

UNNAMED = ("arr_0", "arr_1")
"""NumPy's names for the examples and their labels, if none are given."""

SUFFIXES = ("", *(f"_{part}" for part in PARTS))

WANTED = frozenset(name + suffix for name in EXAMPLES + LABELS for suffix in SUFFIXES) | set(UNNAMED)
"""All names of arrays that are read."""


def only_file(data_dir: Path | None, kind: str, suffixes: Sequence[str]) -> Path:
    """The file of a data set: the given one, or the only one of its kind in a folder.

    Args:
      data_dir: what was given.
      kind: the name of the data source, for messages.
      suffixes: the suffixes of such files, the usual one first.

    Returns:
      The path.

    Raises:
      ValueError: if none was given, or the folder holds several.
      FileNotFoundError: if the folder holds none.

    Example:
      >>> import tempfile
      >>> from jgan.data import named_arrays
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     (Path(folder) / "a.npz").touch()
      ...     named_arrays.only_file(Path(folder), "npz", [".npz"]).name
      'a.npz'
    """
    if data_dir is None:
        raise ValueError(f"{kind} reads arrays from a file: give it, or its folder, with --data-dir")
    if not data_dir.is_dir():
        return data_dir
    found = sorted(path for path in data_dir.iterdir() if path.suffix.lower() in suffixes and not reading.is_litter(path))
    if not found:
        raise FileNotFoundError(f"{data_dir}: expected an {suffixes[0]} file, or a folder that holds one, found none")
    if len(found) > 1:
        names = text.listed(path.name for path in found)
        raise ValueError(f"{data_dir}: expected one {suffixes[0]} file, found {names}: give the path of the file to read")
    return found[0]


def check(x: np.ndarray, y: np.ndarray | None, where: str) -> Batch:
    """Builds a batch from two arrays.

    Args:
      x: images, uint8 or float in [0, 1], `[N, height, width]` or `[N, height, width, channels]`, channels 1 or 3; or points,
        float `[N, d]`.
      y: integers `[N]` or `[N, 1]`, or None.
      where: the name of the arrays in error messages.

    Returns:
      The `Batch`: `x` uint8 or float32, images with a channel axis; `y` int32 `[N]` or None.

    Raises:
      ValueError: if the arrays are anything else.

    Example:
      >>> import numpy as np
      >>> from jgan.data import named_arrays
      >>> named_arrays.check(np.zeros((2, 4, 4), np.uint8), np.array([[3], [5]]), "here").y
      array([3, 5], dtype=int32)
    """
    x = x[..., None] if x.ndim == 3 else x
    are_images, are_points = x.ndim == 4 and x.shape[3] in (1, 3), x.ndim == 2 and x.dtype.kind == "f"
    if not (are_images or are_points) or not (x.dtype == np.uint8 or x.dtype.kind == "f") or not x.size:
        raise ValueError(
            f"{where}: expected uint8 images, or float images in [0, 1], [N, height, width] or [N, height, width, 1 or 3], or "
            f"float points [N, d], found {x.dtype} of the shape {x.shape}: scale values to 0 ... 255 and move channels to the "
            "last axis"
        )
    if x.dtype.kind == "f":
        x = values.floats(x, where, "image" if are_images else "points")
    if y is None:
        return Batch(x)
    if y.dtype.kind not in "iub" or y.size != len(x) or y.shape[:1] != x.shape[:1]:
        raise ValueError(f"{where}: expected {len(x)} integer labels, one per image, found {y.dtype} of the shape {y.shape}")
    return Batch(x, values.integers(y.reshape(-1), f"{where}, labels"))


def parts(found: Mapping[str, np.ndarray], held: Sequence[str], path: Path) -> dict[str, Batch]:
    """The sets of a file, checked.

    Args:
      found: its arrays of the names in `WANTED`.
      held: the names of all its arrays, for messages.
      path: the file.

    Returns:
      The sets by part; the name of an undivided one is "".

    Raises:
      ValueError: if the arrays are not those of one set or of a divided one.

    Example:
      >>> import numpy as np
      >>> from jgan.data import named_arrays
      >>> list(named_arrays.parts({"x_train": np.zeros((2, 4, 4), np.uint8)}, ["x_train"], Path("a.npz")))
      ['train']
    """
    sets = {}
    for suffix in SUFFIXES:
        x, y = ([name + suffix for name in names if name + suffix in found] for names in (EXAMPLES, LABELS))
        if not suffix and not x and UNNAMED[0] in found:
            x, y = [UNNAMED[0]], [*y, *(name for name in UNNAMED[1:] if name in found)]
        if len(x) > 1 or len(y) > 1:
            raise ValueError(f"{path}: expected one array of images and one of labels, found {text.listed(x + y)}")
        if x:
            sets[suffix.removeprefix("_")] = check(found[x[0]], found[y[0]] if y else None, f"{path}, {x[0]}")
    if ("" in sets) == ("train" in sets):
        raise ValueError(
            f"{path}: expected images under {', '.join(EXAMPLES)} or {UNNAMED[0]}, or under x_train, x_test ..., found "
            f"{text.listed(held) or 'no arrays'}"
        )
    return sets
