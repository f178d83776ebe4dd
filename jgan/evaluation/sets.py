"""Sets of images to measure: from a data set, a generator, or files of any origin."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import archives, folder, hdf5, lazy, npz, reading
from jgan.data.dataset import Dataset
from jgan.data.sizes import Size
from jgan.ragged import is_ragged


class ImageSet(NamedTuple):
    """A set of images to measure.

    Attributes:
      name: a description: a data set and its split, a folder, a file.
      images: uint8 `[N, height, width, 1 or 3]`.
      labels: int32 `[N]` class labels, or None.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the shape and the bytes of the images."""
        found = hashlib.sha256(str(self.images.shape).encode())
        found.update(np.ascontiguousarray(self.images).data)
        return found.hexdigest()

    def first(self, n: int) -> "ImageSet":
        """The first `n` images, or all if `n` is 0.

        Raises:
          ValueError: if there are fewer images.
        """
        if n > len(self.images):
            raise ValueError(f"{self.name}: expected at least {n:,} images, found {len(self.images):,}; lower the number")
        if not n:
            return self
        return ImageSet(self.name, self.images[:n], None if self.labels is None else self.labels[:n])

    def where(self, chosen: np.ndarray) -> "ImageSet":
        """The images at which a boolean array `[N]` is true."""
        return ImageSet(self.name, self.images[chosen], None if self.labels is None else self.labels[chosen])


def of_dataset(dataset: Dataset, split: str) -> ImageSet:
    """The images of a part of a data set.

    Args:
      dataset: the data set, of images.
      split: `"train"`, `"validation"` or `"test"`.

    Returns:
      The `ImageSet`; of images that are read when they are needed, those of `jgan.data.lazy.some`.

    Raises:
      ValueError: if it holds anything but images of one size.

    Example:
      >>> from jgan import data
      >>> from jgan.evaluation import sets
      >>> sets.of_dataset(data.load("digits"), "test").name
      'digits, test'
    """
    batch = getattr(dataset, split)
    if is_ragged(batch.x):
        raise ValueError(f"{dataset.name}: expected images of one size, found photographs of several: crop them to one")
    index, name = lazy.some(batch.x), f"{dataset.name}, {split}"
    x = batch.x[index]
    name += f", {len(x):,} spread over it" * (len(x) < len(batch.x))
    return ImageSet(name, to_uint8(name, x), None if batch.y is None else batch.y[index])


def read(path: str | Path, size: Size | None = None) -> ImageSet:
    """Reads a folder of images (flat, or one folder per class), a zip or tar archive of one, or an `.npz` or HDF5 file.

    Args:
      path: the folder or file.
      size: height and width to resize the images of a folder or an archive to; None if they must already have the same size.

    Returns:
      The `ImageSet`, in the order of the names.

    Raises:
      FileNotFoundError: if the path does not exist.
      ValueError: if an image cannot be read (the message names it; no file is skipped silently), the sizes differ, or the file
        holds no images.

    Example:
      >>> from jgan.evaluation import sets
      >>> sets.read("no/such/folder")
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected a folder of images or an .npz file, found nothing there
    """
    path = reading.user_path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a folder of images or an .npz file, found nothing there")
    if path.is_dir() or (path.is_file() and archives.is_archive(path)):
        batch = folder.read(path, size)
        return ImageSet(str(path), batch.x, batch.y)
    if not path.is_file():
        raise ValueError(f"{path}: expected a folder of images, an archive of one or an .npz file, found a pipe or a device")
    batch = hdf5.read(path, size) if path.suffix.lower() in hdf5.SUFFIXES else npz.read(path)
    return ImageSet(str(path), to_uint8(str(path), batch.x), batch.y)


def to_uint8(name: str, images: np.ndarray) -> np.ndarray:
    """Rounds images to 8 bits, as in image files, which is how the literature measures them.

    Args:
      name: their name in error messages.
      images: uint8, or float in [0, 1], `[N, height, width]` or `[N, height, width, 1 or 3]`.

    Returns:
      uint8 `[N, height, width, 1 or 3]`; floats are rounded to the nearest value.

    Raises:
      ValueError: if the images are anything else.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import sets
      >>> sets.to_uint8("these", np.full((1, 1, 1), 0.5))
      array([[[[128]]]], dtype=uint8)
    """
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
        raise ValueError(f"{name}: expected images [N, height, width, 1 or 3], found the shape {images.shape}")
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise ValueError(f"{name}: expected uint8, or float in [0, 1], found {images.dtype}")
    if not (images.min() >= 0 and images.max() <= 1):  # also catches NaN
        raise ValueError(f"{name}: expected float images in [0, 1], found values from {images.min()} to {images.max()}")
    return np.round(images * 255).astype(np.uint8)
