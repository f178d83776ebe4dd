"""NumPy's `.npz` archives of images or points, as data, as samples to measure, and as `python -m jgan.sample` writes them.

The names of the arrays are those of `jgan.data.named_arrays`. An `.npy` file holds the images or points alone.
"""

from pathlib import Path

from jgan.data import arrays, named_arrays, reading, sources
from jgan.data.dataset import Dataset, complete
from jgan.data.lazy import AT_ONCE, Access
from jgan.types import Batch
from jgan.utils import text


def _parts(path: Path, access: Access = AT_ONCE) -> dict[str, Batch]:
    """The sets of a file by part; the name of an undivided one is ''."""
    found, held = arrays.read(path, named_arrays.WANTED, access)
    return named_arrays.parts(found, held, path)


def read(path: str | Path) -> Batch:
    """Reads one set from an `.npz` file.

    Args:
      path: the file.

    Returns:
      The `Batch`, as `jgan.data.named_arrays.check` returns it.

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


def load(name: str, data_dir: Path | None, *, held_out: int | None = None, access: Access = AT_ONCE) -> Dataset:
    """Loads a set from an `.npz` file.

    Args:
      name: the name of the result.
      data_dir: the file, `.npz` or `.npy`, or a folder with a single `.npz` file.
      held_out: as in `jgan.data.load`.
      access: as in `jgan.data.load`; images of an `.npy` file may be read when they are needed.

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
    parts = _parts(named_arrays.only_file(data_dir, "npz", [".npz"]), access)
    return complete(name, {"train": parts[""]} if "" in parts else parts, held_out=held_out)


sources.register(
    "npz",
    load,
    "arrays of images or points: x and y (or what jgan.sample writes), or x_train, y_train, x_test ..., in an .npz file in "
    "--data-dir; or an .npy file of images",
    holds_out=True,
    streams=True,
)
