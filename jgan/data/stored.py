"""Images that are read from one file when they are needed: rows of an array, or arrays of an HDF5 file, one an image."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import reading, stacking
from jgan.data.lazy import Lazy
from jgan.data.sizes import Size


@dataclasses.dataclass(frozen=True)
class Rows:
    """Reads a row of an array: of an `.npy` file, or the one of a name in an HDF5 file."""

    path: Path
    name: str
    shape: tuple[int, int, int]

    def __call__(self, place: int) -> np.ndarray:
        with reading.naming(f"{self.path}, image {place}", "an image"):
            return _shaped(np.asarray(_opened(self.path, self.name, _stamp(self.path))[place]), self.shape)


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Reads one of the images that lie one by one in an HDF5 file, as an image of a shape."""

    path: Path
    names: Sequence[str]
    size: Size | None
    shape: tuple[int, int, int]

    def __call__(self, place: int) -> np.ndarray:
        with reading.naming(f"{self.path}, {self.names[place]}", "an image"):
            found = np.asarray(_opened(self.path, "", _stamp(self.path))[self.names[place]][()])
            image = stacking.resized(found.reshape(*found.shape[:2], -1), self.size)
            return np.broadcast_to(_shaped(image, (*self.shape[:2], image.shape[2])), self.shape)


def _shaped(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """An image with a channel axis, which must have a shape."""
    image = image if image.ndim == 3 else image[..., None]
    if image.shape != shape or image.dtype != np.uint8:
        raise ValueError(f"uint8 {shape} when the set was loaded, now {image.dtype} {image.shape}")
    return image


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is replaced."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@functools.lru_cache(maxsize=8)
def _opened(path: Path, name: str, stamp: tuple[int, int]) -> Any:
    """An open file of this process, or one of its arrays."""
    if path.suffix.lower() == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False)
    import h5py

    file = h5py.File(path, "r")
    return file[name] if name else file


def rows(path: Path, name: str, shape: Sequence[int]) -> Lazy:
    """Images that are the rows of an array.

    Args:
      path: an `.npy` or HDF5 file.
      name: the name of the array in an HDF5 file.
      shape: that of the array: `[N, height, width]` or `[N, height, width, channels]`.

    Returns:
      The images.

    Example:
      >>> import tempfile
      >>> from jgan.data import stored
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     np.save(Path(folder) / "a.npy", np.arange(24, dtype=np.uint8).reshape(4, 2, 3))
      ...     stored.rows(Path(folder) / "a.npy", "", (4, 2, 3))[1:3].shape
      (2, 2, 3, 1)
    """
    height, width, *channels = shape[1:]
    one = (height, width, channels[0] if channels else 1)
    return Lazy(Rows(path, name, one), one, np.arange(shape[0]))


def are_images(shape: Sequence[int], dtype: Any) -> bool:
    """Whether an array holds images that can be read row by row: uint8, of a size that is not zero.

    Args:
      shape: its shape.
      dtype: its dtype.

    Returns:
      True for uint8 `[N, height, width]` and `[N, height, width, 1 or 3]`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import stored
      >>> stored.are_images((5, 2, 3), np.uint8), stored.are_images((5, 2, 3), np.float32)
      (True, False)
    """
    return dtype == np.uint8 and all(shape) and (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3)))
