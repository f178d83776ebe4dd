"""Two colour photographs that ship with scikit-learn, cut into pieces: a first run on photographs that needs no download.

A Chinese palace and a flower, 427x640. The left 384 columns are for training, the next 128 for validation and the last 128 for
testing, so that no piece shares a pixel with one of another part. Pieces of plain sky and blurred background are left out. They
are examples of a task, not a benchmark.
"""

from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset, reads_no_files
from jgan.data.pieces import pieces
from jgan.types import Batch

SIDE = 96
"""The side of a piece."""

COLUMNS = {"train": (0, 384), "validation": (384, 512), "test": (512, 640)}
"""The columns of each part."""

STRIDE = 32
"""The distance between pieces, which overlap within a part."""


def load(name: str = "scenes", data_dir: Path | None = None) -> Dataset:
    """Loads the pieces.

    Args:
      name: the name of the result.
      data_dir: must be None: there are no files to read.

    Returns:
      The `Dataset`, its images `[N, 96, 96, 3]`.

    Raises:
      ValueError: if a folder is given.

    Example:
      >>> from jgan.data import scenes
      >>> dataset = scenes.load()
      >>> dataset.train.x.shape, len(dataset.validation.x), len(dataset.test.x)
      ((156, 96, 96, 3), 19, 17)

    References:
      `sklearn.datasets.load_sample_images`: china.jpg by danielbuechele and flower.jpg by vultilion on Flickr, both CC BY 2.0.
    """
    from sklearn.datasets import load_sample_images

    reads_no_files("scenes", data_dir, kind="part of scikit-learn")
    photographs = [np.asarray(image, np.uint8) for image in load_sample_images().images]
    parts = {
        part: Batch(
            np.stack([piece for photograph in photographs for piece in pieces(photograph[:, first:last], SIDE, STRIDE)])
        )
        for part, (first, last) in COLUMNS.items()
    }
    return Dataset(name, **parts)


sources.register("scenes", load, "two photographs of scikit-learn in 192 pieces of 96x96")
