"""NumPy's `.npz` archives of images or points, as data, as samples to measure, and as `python -m jgan.sample` writes them.

| examples | labels | |
|---|---|---|
| `x`, `images` or `samples` | `y` or `labels`, or none | one set; other arrays of the file are not read |
| `arr_0` | `arr_1`, or none | what `numpy.savez(path, x, y)` writes |
| `x_train`, `x_validation`, `x_test` (or `images_train` ...) | `y_train` ... | a divided set |
"""

from pathlib import Path

import numpy as np

from jgan.data import arrays, reading, sources, values
from jgan.data.dataset import PARTS, Dataset, complete
from jgan.types import Batch
from jgan.utils import text

EXAMPLES, LABELS = ("x", "images", "samples"), ("y", "labels")
"""The names of the arrays, to which `_train` and the like may be added."""

UNNAMED = ("arr_0", "arr_1")
"""NumPy's names for the examples and their labels, if none are given."""

SUFFIXES = ("", *(f"_{part}" for part in PARTS))


def _path(data_dir: Path | None) -> Path:
    """The file itself, or the only .npz in a folder."""
    if data_dir is None:
        raise ValueError("npz reads arrays from a file: give it, or its folder, with --data-dir")
    if not data_dir.is_dir():
        return data_dir
    found = sorted(path for path in data_dir.glob("*.npz") if not reading.is_litter(path))
    if not found:
        raise FileNotFoundError(f"{data_dir}: expected an .npz file, or a folder that holds one, found none")
    if len(found) > 1:
        names = text.listed(path.name for path in found)
        raise ValueError(f"{data_dir}: expected one .npz file, found {names}: give the path of the file to read")
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
      >>> from jgan.data import npz
      >>> npz.check(np.zeros((2, 4, 4), np.uint8), np.array([[3], [5]]), "here").y
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


def _parts(path: Path) -> dict[str, Batch]:
    """The sets of a file by part; the name of an undivided one is ''."""
    wanted = {name + suffix for name in EXAMPLES + LABELS for suffix in SUFFIXES}
    found, held = arrays.read(path, wanted | set(UNNAMED))
    parts = {}
    for suffix in SUFFIXES:
        x, y = ([name + suffix for name in names if name + suffix in found] for names in (EXAMPLES, LABELS))
        if not suffix and not x and UNNAMED[0] in found:
            x, y = [UNNAMED[0]], [*y, *(name for name in UNNAMED[1:] if name in found)]
        if len(x) > 1 or len(y) > 1:
            raise ValueError(f"{path}: expected one array of images and one of labels, found {text.listed(x + y)}")
        if x:
            parts[suffix.removeprefix("_")] = check(found[x[0]], found[y[0]] if y else None, f"{path}, {x[0]}")
    if ("" in parts) == ("train" in parts):
        raise ValueError(
            f"{path}: expected images under {', '.join(EXAMPLES)} or {UNNAMED[0]}, or under x_train, x_test ..., found "
            f"{text.listed(held) or 'no arrays'}"
        )
    return parts


def read(path: str | Path) -> Batch:
    """Reads one set from an `.npz` file.

    Args:
      path: the file.

    Returns:
      The `Batch`, as in `check`.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it holds other arrays, or several sets.

    Example:
      >>> import tempfile
      >>> import numpy as np
      >>> from jgan.data import npz
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     np.savez(Path(folder) / "a.npz", np.zeros((2, 4, 4, 3), np.uint8))
      ...     npz.read(Path(folder) / "a.npz").x.shape
      (2, 4, 4, 3)
    """
    parts = _parts(reading.user_path(path))
    if "" not in parts:
        raise ValueError(f"{path}: expected one set, found a divided one, {text.listed(parts)}: write the part alone")
    return parts[""]


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set from an `.npz` file.

    Args:
      name: the name of the result.
      data_dir: the file, or a folder with a single `.npz` file.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`, from `x_train`, `x_validation` and `x_test`, or from `x` alone. A missing part is held out of the training
      images of each class: a fifth if one is missing, a sixth each if both are.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it holds other arrays.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> import numpy as np
      >>> from jgan.data import npz
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     np.savez(Path(folder) / "noise.npz", x=np.zeros((12, 4, 4), np.uint8))
      ...     [len(part.x) for part in npz.load("npz", Path(folder)).parts.values()]
      [8, 2, 2]
    """
    parts = _parts(_path(data_dir))
    return complete(name, {"train": parts[""]} if "" in parts else parts, held_out=held_out)


sources.register(
    "npz",
    load,
    "arrays of images or points: x and y (or what jgan.sample writes), or x_train, y_train, x_test ..., in an .npz file in "
    "--data-dir",
    holds_out=True,
)
