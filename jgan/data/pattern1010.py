"""The 1010 pattern: images of four pixels, a minimal data set whose training can be followed number by number.

Each row is (1, 0, 1, 0) with noise: a 1 is drawn from U(0.8, 1) and a 0 from U(0, 0.2). At the game's equilibrium the
discriminator's output is 1/2 everywhere: each cross-entropy term is ln 2, and each least-squares term (without its factor 1/2)
0.25.
"""

from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset, reads_no_files
from jgan.types import Batch

SIZES = (8000, 1000, 1000)
"""Rows in the training, validation and test parts."""


def make(n: int, *, seed: int | tuple[int, ...]) -> np.ndarray:
    """Draws rows.

    Args:
      n: the number of rows.
      seed: of NumPy's PCG64; the same seed gives the same rows.

    Returns:
      `[n, 1, 4, 1]` float32 in [0, 1], images of one line.

    Example:
      >>> from jgan.data import pattern1010
      >>> rows = pattern1010.make(3, seed=0)
      >>> rows.shape, (rows > 0.5)[0].ravel().tolist()
      ((3, 1, 4, 1), [True, False, True, False])
    """
    uniform = np.random.Generator(np.random.PCG64(seed)).random((n, 1, 4, 1))
    low = np.array([0.8, 0.0, 0.8, 0.0]).reshape(1, 1, 4, 1)
    return (low + 0.2 * uniform).astype(np.float32)


def load(name: str = "pattern1010", data_dir: Path | None = None, *, seed: int = 0) -> Dataset:
    """Generates the synthetic set from its seed.

    Args:
      name: the name of the result.
      data_dir: must be None: there are no files to read.
      seed: the seed of the rows.

    Returns:
      The `Dataset`: 8,000 / 1,000 / 1,000 rows `[N, 1, 4, 1]` float32 in [0, 1], without labels.

    Raises:
      ValueError: if a folder is given.

    Example:
      >>> from jgan.data import pattern1010
      >>> dataset = pattern1010.load()
      >>> dataset.train.x.shape, dataset.train.y
      ((8000, 1, 4, 1), None)
    """
    reads_no_files("pattern1010", data_dir)
    return Dataset(name, *(Batch(make(n, seed=(seed, part))) for part, n in enumerate(SIZES)))


sources.register("pattern1010", load, "10,000 synthetic images of four pixels: 1, 0, 1, 0 with noise")
