"""Images that are read when they are needed: `Lazy`, in a data set in the place of an array."""

import contextlib
import dataclasses
import functools
import hashlib
import os
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from jgan.types import Batch
from jgan.utils import memory

CHUNK = 1 << 24
"""Bytes of images that are held at a time where all are gone through."""

SHARE = 2
"""Images that would take more than one of this many parts of the free memory are read when they are needed."""


MOST_READ = 1 << 31
"""The most bytes of images that are read for a measure, as float32."""


class Access(NamedTuple):
    """How the images of a source are read.

    Attributes:
      lazy: whether only when they are needed; None to choose by the free memory.
      skip: whether an image that cannot be read is left out; otherwise it is an error.
    """

    lazy: bool | None = False
    skip: bool = False

    def is_lazy(self, size: int) -> bool:
        """Whether images of `size` bytes are read when they are needed."""
        if self.lazy is not None:
            return self.lazy
        room = memory.available()
        return room is not None and size > room // SHARE


AT_ONCE = Access()
"""All images are read at once, and one that cannot be read is an error."""

BY_MEMORY = Access(lazy=None)
"""Images are read when they are needed if they would take more than half of the free memory."""

LOADERS = {"auto": BY_MEMORY, "resident": AT_ONCE, "streamed": Access(lazy=True)}
"""By what `--loader` says."""


class Summary(NamedTuple):
    """What is known of images after all have been read once.

    Attributes:
      sha256: of all values in row-major order, in hexadecimal digits.
      total: the sum over the images, float64 `[height, width, channels]`; exact.
    """

    sha256: str
    total: np.ndarray


class Lazy:
    """Images that are read when they are needed.

    It has the shape and the dtype of an array, and an index of the first axis gives a NumPy array of those images. Nothing is
    kept. It can be copied to other processes if `read` can.

    Args:
      read: `read(i) -> uint8 [height, width, channels]`; it may be called in several threads at once.
      shape: height, width and channels.
      places: int `[N]`, the arguments of `read`.
      keeps: an object that must not be closed before; it is not copied to other processes.

    Example:
      >>> import numpy as np
      >>> from jgan.data.lazy import Lazy
      >>> images = Lazy(lambda i: np.full((2, 4, 1), i, np.uint8), (2, 4, 1), np.arange(5))
      >>> images.shape, images[-1].shape, images[1:3].shape, len(images.subset([0, 2]))
      ((5, 2, 4, 1), (2, 4, 1), (2, 2, 4, 1), 2)
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, read: Callable[[int], np.ndarray], shape: tuple[int, int, int], places: Any, keeps: Any = None) -> None:
        self.read, self.places, self.keeps = read, np.asarray(places), keeps
        self.shape = (len(self.places), *shape)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"keeps": None}

    def __len__(self) -> int:
        return len(self.places)

    @property
    def nbytes(self) -> int:
        """The bytes that the images would take in memory."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def size(self) -> int:
        """The number of values."""
        return self.nbytes

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("these images are read when they are needed: index them, or convert images[:]")

    def __getitem__(self, index: Any) -> np.ndarray:
        places = self.places[index]
        if places.ndim == 0:
            return self.read(int(places))
        found = np.empty((len(places), *self.shape[1:]), np.uint8)

        def fill(at: int) -> None:
            found[at] = self.read(int(places[at]))

        with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding releases Python's lock
            list(threads.map(fill, range(len(places))))
        return found

    def subset(self, index: Any) -> "Lazy":
        """Some of the images, which are not read yet; `index` is a NumPy index."""
        height, width, channels = self.shape[1:]
        return Lazy(self.read, (height, width, channels), self.places[index], self.keeps)

    def with_channels(self, channels: int) -> "Lazy":
        """The same images; grey ones have so many equal channels."""
        if channels == self.shape[3]:
            return self
        shape = (self.shape[1], self.shape[2], channels)
        return Lazy(_Repeated(self.read, shape), shape, self.places, self.keeps)

    @functools.cached_property
    def summary(self) -> Summary:
        """What is known after all images have been read once, in this process's threads."""
        digest, total = hashlib.sha256(), np.zeros(self.shape[1:])
        rows = max(2 * (os.cpu_count() or 1), CHUNK // max(1, self.nbytes // max(1, len(self))))
        for first in range(0, len(self), rows):
            block = self[first : first + rows]
            digest.update(block.reshape(-1).data)
            total += block.sum(axis=0, dtype=np.float64)  # of integers below 2^53
        return Summary(digest.hexdigest(), total)


@dataclasses.dataclass(frozen=True)
class _Named:
    """Reads images; error messages do not name the temporary folder that they lie in."""

    read: Callable[[int], np.ndarray]
    place: str
    shown: str

    def __call__(self, index: int) -> np.ndarray:
        try:
            return self.read(index)
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(self.place, self.shown)) from error


@dataclasses.dataclass(frozen=True)
class _Repeated:
    """Reads grey images as such of several equal channels."""

    read: Callable[[int], np.ndarray]
    shape: tuple[int, int, int]

    def __call__(self, place: int) -> np.ndarray:
        return np.broadcast_to(self.read(place), self.shape)


def is_lazy(leaf: Any) -> bool:
    """Whether a leaf of a data set is read when it is needed.

    Args:
      leaf: an array or a `Lazy`.

    Returns:
      True for a `Lazy`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import lazy
      >>> lazy.is_lazy(np.zeros(3))
      False
    """
    return isinstance(leaf, Lazy)


def some(images: Any, count: int | None = None) -> Any:
    """Which images are read for a measure.

    Args:
      images: an array, or a `Lazy`.
      count: how many; None for all.

    Returns:
      An index for NumPy: of an array, of its first ones. Of a `Lazy`, at most as many as `MOST_READ` bytes hold, evenly spaced:
      the files are in the order of their classes.

    Example:
      >>> import numpy as np
      >>> from jgan.data import lazy
      >>> images = lazy.Lazy(lambda i: np.zeros((2, 4, 1), np.uint8), (2, 4, 1), np.arange(5))
      >>> lazy.some(images, 3).tolist(), lazy.some(images[:], 3)
      ([0, 2, 4], slice(None, 3, None))
    """
    if not isinstance(images, Lazy):
        return slice(count)
    most = max(1, MOST_READ // max(1, 4 * images.nbytes // max(1, len(images))))
    count = min(len(images), most, len(images) if count is None else count)
    return np.linspace(0, len(images) - 1, count).round().astype(np.int64)


def keep(parts: Mapping[str, Batch], stack: contextlib.ExitStack, place: str = "", shown: str = "") -> None:
    """Leaves what lazy images are read from open for as long as they are used; without any, nothing is done.

    Args:
      parts: sets of images.
      stack: what is open; if there are lazy images, its block closes nothing any more.
      place: the temporary folder of the images, if they lie in one.
      shown: what error messages name instead of it.

    Example:
      >>> import contextlib
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import lazy
      >>> with contextlib.ExitStack() as stack:
      ...     lazy.keep({"train": Batch(np.zeros((2, 4, 4, 1)))}, stack)
    """
    found = [batch.x for batch in parts.values() if isinstance(batch.x, Lazy)]
    if found:
        owner = _Owner()
        weakref.finalize(owner, stack.pop_all().close)
        for images in found:
            images.keeps = owner
            if place != shown:
                images.read = _Named(images.read, place, shown)


class _Owner:
    """What several sets of images share; it is gone when they are."""
