"""Data that are all zero, for games whose solution is known and that use no other data (`jgan.models.dirac`)."""

from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset, reads_no_files
from jgan.types import Batch

SIZE = 1024
"""Examples in each part; all are the same."""


def load(name: str = "origin", data_dir: Path | None = None) -> Dataset:
    """Loads points at the origin.

    Args:
      name: the name of the result.
      data_dir: must be None: there are no files to read.

    Returns:
      The `Dataset`: `[1024, 1]` float32 zeros in each part.

    Raises:
      ValueError: if a folder is given.

    Example:
      >>> from jgan.data import origin
      >>> origin.load().train.x.shape
      (1024, 1)
    """
    reads_no_files(name, data_dir)
    return Dataset(name, *(Batch(np.zeros((SIZE, 1), np.float32)) for _ in range(3)))


sources.register("origin", load, "points at zero, one-dimensional; for games whose solution is known")
