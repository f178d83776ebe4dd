"""Handwritten digits, 8x8: real scans that ship with scikit-learn, so that a first run needs no download.

1,797 images of the UCI set "Optical Recognition of Handwritten Digits", whose values 0 ... 16 count the black pixels in a 4x4
block of a 32x32 scan. The file is ordered by writer, so `hold_out` splits it: of six successive images of a class four
are for training, one for validation and one for testing: 1,204, 297 and 296 images in total.
"""

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
    from sklearn.datasets import load_digits

    reads_no_files("digits", data_dir, kind="embedded")
    found = load_digits()
    x = np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None]
    return complete(name, {"train": Batch(x, found.target.astype(np.int32))}, held_out=held_out)


sources.register("digits", load, "1,797 real digits, 8x8, 10 classes; part of scikit-learn", holds_out=True)
