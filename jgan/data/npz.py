"""NumPy's `.npz` archives of images: `x` (or `images`) with `y` (or `labels`), or `x_train`, `x_test` and so on."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import PARTS, Dataset, complete
from jgan.types import Batch

IMAGES, LABELS = ("x", "images"), ("y", "labels")


def _path(data_dir: Path | None) -> Path:
    """The file itself, or the only .npz in a folder."""
    if data_dir is None:
        raise ValueError("npz reads arrays from a file: give it, or its folder, with --data-dir")
    if data_dir.is_file():
        return data_dir
    found = sorted(data_dir.glob("*.npz"))
    if not found:
        raise FileNotFoundError(f"{data_dir}: expected an .npz file, or a folder that holds one, found none")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{data_dir}: expected one .npz file, found {names}: give the path of the file to read")
    return found[0]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it is a single array")
            return dict(archive)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: expected an .npz archive of plain arrays, found a damaged or other file ({error})"
        ) from error


def check(x: np.ndarray, y: np.ndarray | None, where: str) -> Batch:
    """Builds a batch from two arrays.

    Args:
      x: uint8 `[N, height, width]` or `[N, height, width, channels]`, channels 1 or 3.
      y: integers `[N]` or `[N, 1]`, or None.
      where: the name of the arrays in error messages.

    Returns:
      The `Batch`: `x` with a channel axis, `y` int32 `[N]` or None.

    Raises:
      ValueError: if the arrays are anything else.

    Example:
      >>> import numpy as np
      >>> from jgan.data import npz
      >>> npz.check(np.zeros((2, 4, 4), np.uint8), np.array([[3], [5]]), "here").y
      array([3, 5], dtype=int32)
    """
    x = x[..., None] if x.ndim == 3 else x
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[3] not in (1, 3) or not x.size:
        raise ValueError(
            f"{where}: expected uint8 images [N, height, width] or [N, height, width, 1 or 3], found {x.dtype} of the shape "
            f"{x.shape}: scale values to 0 ... 255 and move channels to the last axis"
        )
    if y is None:
        return Batch(x)
    if y.dtype.kind not in "iu" or y.size != len(x) or y.shape[:1] != x.shape[:1]:
        raise ValueError(f"{where}: expected {len(x)} integer labels, one per image, found {y.dtype} of the shape {y.shape}")
    return Batch(x, y.reshape(-1).astype(np.int32))


def _part(arrays: dict[str, np.ndarray], suffix: str, path: Path) -> Batch | None:
    """The images and labels stored under one of their names with a suffix, or None."""
    x, y = ([name + suffix for name in names if name + suffix in arrays] for names in (IMAGES, LABELS))
    if len(x) > 1 or len(y) > 1:
        raise ValueError(f"{path}: expected one array of images and one of labels, found {', '.join(x + y)}")
    return check(arrays[x[0]], arrays[y[0]] if y else None, f"{path}, {x[0]}") if x else None


def load(name: str, data_dir: Path | None) -> Dataset:
    """Loads a set from an `.npz` file.

    Args:
      name: the name of the result.
      data_dir: the file, or a folder with a single `.npz` file.

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
    path = _path(data_dir)
    arrays = _arrays(path)
    sets = {part: batch for part in PARTS if (batch := _part(arrays, f"_{part}", path)) is not None}
    whole = _part(arrays, "", path)
    if (whole is None) == ("train" not in sets):
        raise ValueError(
            f"{path}: expected images under x or images, or under x_train, x_test ..., found {', '.join(arrays) or 'no arrays'}"
        )
    return complete(name, sets if whole is None else {"train": whole})


sources.register("npz", load, "arrays of images: x and y, or x_train, y_train, x_test ..., in an .npz file in --data-dir")
