"""Handwritten digits, 8x8: real scans that ship with scikit-learn, so that a first run needs no download.

1,797 images of the UCI set "Optical Recognition of Handwritten Digits", whose values 0 ... 16 count the black pixels in a 4x4
block of a 32x32 scan. The file is ordered by writer, so `hold_out` splits it: of six successive images of a class four
are for training, one for validation and one for testing: 1,204, 297 and 296 images in total.
"""

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset, complete, reads_no_files
from jgan.types import Batch


def load(name: str = "digits", data_dir: Path | None = None, *, held_out: int | None = None) -> Dataset:
    """Loads the digits.

    Args:
      name: the name of the result.
      data_dir: must be None: there are no files to read.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`, its images `[N, 8, 8, 1]`.

    Raises:
      ValueError: if a folder is given.

    Example:
      >>> from jgan.data import digits
      >>> dataset = digits.load()
      >>> dataset.train.x.shape, len(dataset.validation.x), len(dataset.test.x)
      ((1204, 8, 8, 1), 297, 296)

    References:
      Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits" (1998), UCI Machine Learning Repository,
      https://doi.org/10.24432/C50P49
    """
    reads_no_files("digits", data_dir, kind="embedded")
    rows = _rows()
    x = np.rint(rows[:, :-1].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    return complete(name, {"train": Batch(x, rows[:, -1].astype(np.int32))}, held_out=held_out)


def _rows() -> np.ndarray:
    """The 64 values of each image, and its class: `[N, 65]`; from the file, for the import of scikit-learn takes a second."""
    package = importlib.util.find_spec("sklearn")
    if package is not None and package.origin is not None:
        path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt") as file:
                return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits  # where another version keeps it

    found = load_digits()
    return np.column_stack([found.data, found.target])


sources.register("digits", load, "1,797 real digits, 8x8, 10 classes; part of scikit-learn", holds_out=True)
