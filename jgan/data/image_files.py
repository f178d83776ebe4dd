"""Files of images as one array, or as images that are read when they are needed: `jgan.data.lazy`."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import numpy as np

from jgan.data import pictures, reading, stacking
from jgan.data.lazy import Access, Lazy
from jgan.data.sizes import Size
from jgan.utils import text


class Encoded(Protocol):
    """An image as a file holds it: a `Path`, or a record that names itself by `str` and opens like one."""

    @property
    def parent(self) -> Any:
        """What it lies in, for messages."""

    @property
    def suffix(self) -> str:
        """That of a file's name, or "", where the content alone tells the format."""

    def open(self, mode: Any = "rb") -> IO[Any]:
        """The content."""


def read_image(path: str | Encoded, size: Size | None = None, most: int = pictures.MOST_PIXELS) -> np.ndarray:
    """Reads one image.

    Args:
      path: the file, or a record.
      size: height and width of the result: the largest centred crop of that aspect ratio is resized with antialiasing.
      most: the largest number of pixels of the file.

    Returns:
      uint8 `[height, width, 1]` if the file is grey, `[height, width, 3]` if it is coloured; rotated as its EXIF data say.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it cannot be read, is too large, has several frames or more than 8 bits per channel, or is partly
        transparent.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import image_files
      >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
      ...     Image.new("L", (4, 2), 7).save(file.name)
      ...     image_files.read_image(file.name).shape
      (2, 4, 1)
    """
    path = _checked(path)
    with reading.naming(str(path), "an image"):
        with path.open("rb") as file:
            decoded = pictures.decode(file, str(path), pictures.formats_of(path.suffix), most)
            image = pictures.upright(decoded, str(path))
        return stacking.pixels(image if size is None else stacking.fit(image, size))


def _checked(path: str | Encoded) -> Encoded:
    """A regular file, or a record."""
    if not isinstance(path, str | Path):
        return path
    path = reading.user_path(path)
    reading.regular(path, "an image")
    return path


def read_images(paths: Sequence[Encoded], size: Size | None = None, source: str = "folder") -> np.ndarray:
    """Reads images into one array, RGB if any of them is.

    Args:
      paths: the files, at least one.
      size: as for `read_image`.
      source: the name of the source, for the advice in an error message.

    Returns:
      uint8 `[N, height, width, 1 or 3]`.

    Raises:
      ValueError: if one cannot be read, the sizes differ, or all together do not fit into the memory.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import image_files
      >>> with tempfile.TemporaryDirectory() as path:
      ...     files = [Path(path) / "a.png", Path(path) / "b.png"]
      ...     Image.new("L", (4, 2)).save(files[0])
      ...     Image.new("RGB", (4, 2)).save(files[1])
      ...     image_files.read_images(files).shape
      (2, 2, 4, 3)
    """
    images = ((str(path), read_image(path, size)) for path in paths)
    return stacking.stack(images, len(paths), f"{paths[0].parent}, {len(paths)} images", source)


class Found(NamedTuple):
    """Images of files.

    Attributes:
      x: uint8 `[N, height, width, 1 or 3]`, or a `Lazy` of that shape.
      kept: the places of the images in the list of files.
      broken: a message for each file that was left out.
    """

    x: Any
    kept: np.ndarray
    broken: list[str]


@dataclasses.dataclass(frozen=True)
class Files:
    """Reads one of several files as an image of a shape; copied to other processes, it holds nothing but the names."""

    paths: Sequence[Encoded]
    size: Size | None
    shape: tuple[int, int, int]

    def __call__(self, place: int) -> np.ndarray:
        image = read_image(self.paths[place], self.size)
        if image.shape[:2] != self.shape[:2] or image.shape[2] > self.shape[2]:
            expected, found = ("x".join(map(str, shape)) for shape in (self.shape, image.shape))
            raise ValueError(f"{self.paths[place]}: expected an image of {expected}, found {found}: the file was changed")
        return np.broadcast_to(image, self.shape)


def images(paths: Sequence[Encoded], size: Size | None, access: Access, source: str = "folder") -> Found:
    """The images of files, as asked for.

    Args:
      paths: the files, at least one.
      size: as for `read_image`.
      access: when they are read, and what is done with those that cannot be.
      source: the name of the source, for the advice in an error message.

    Returns:
      The images. Lazy ones have been looked at: their headers, or all of them if broken ones are to be left out.

    Raises:
      ValueError: if one cannot be read and is not to be left out, none is left, or the sizes differ.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import image_files
      >>> from jgan.data.lazy import Access
      >>> with tempfile.TemporaryDirectory() as path:
      ...     files = [Path(path) / "a.png", Path(path) / "b.png"]
      ...     Image.new("L", (4, 2)).save(files[0])
      ...     files[1].touch()
      ...     found = image_files.images(files, None, Access(lazy=True, skip=True))
      >>> found.x.shape, found.kept.tolist(), len(found.broken)
      ((1, 2, 4, 1), [0], 1)
    """
    broken: list[str] = []
    kept = np.arange(len(paths))
    if access.skip:
        messages = _each(lambda path: _fault(path, size), paths)
        broken = [message for message in messages if message]
        kept = np.flatnonzero([not message for message in messages])
        if not len(kept):
            raise ValueError(f"{broken[0]}; all {len(paths)} images are left out")
    good = [paths[place] for place in kept.tolist()]
    height, width = size or _header(good[0])[0]
    if not access.is_lazy(len(good) * height * width * 3):
        return Found(read_images(good, size, source), kept, broken)
    channels = _channels(good, size, source)
    shape = (height, width, channels)
    return Found(Lazy(Files(good, size, shape), shape, np.arange(len(good))), kept, broken)


def sizes_of(paths: Sequence[Encoded]) -> set[Size]:
    """The sizes of images, from their headers.

    Args:
      paths: the files or records.

    Returns:
      Heights and widths; a broken image has none.
    """

    def one(path: Encoded) -> Size | None:
        try:
            return _header(path)[0]
        except (ValueError, OSError):
            return None  # `images` says what is wrong with it

    return {size for size in _each(one, paths) if size is not None}


def note(broken: Sequence[str], most: int = 5) -> str:
    """A sentence on images that were left out.

    Args:
      broken: a message for each.
      most: the number of messages that are given.

    Returns:
      The text, "" if there are none.

    Example:
      >>> from jgan.data import image_files
      >>> image_files.note(["a.png: expected an image"])
      'left out, because they cannot be read, 1 images: a.png: expected an image'
    """
    if not broken:
        return ""
    more = f"; and {len(broken) - most} more: python -m jgan.data lists them" if len(broken) > most else ""
    return f"left out, because they cannot be read, {len(broken)} images: {'; '.join(broken[:most])}{more}"


def _each(function: Callable[[Any], Any], paths: Sequence[Encoded]) -> list[Any]:
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding releases Python's lock
        return list(threads.map(function, paths))


def _fault(path: Encoded, size: Size | None) -> str:
    """Why a file cannot be read, "" if it can."""
    try:
        read_image(path, size)
    except (ValueError, OSError) as error:
        return text.one_line(error, 300)
    return ""


def _header(path: Encoded) -> tuple[Size, bool]:
    """The size of an image, and whether it has colours; only a palette is decoded for that."""
    path = _checked(path)
    with path.open("rb") as file:
        size, mode = pictures.header(file, str(path), pictures.formats_of(path.suffix))
    return size, (read_image(path).shape[2] == 3 if mode in ("P", "PA") else mode not in ("1", "L", "LA"))


def _channels(paths: Sequence[Encoded], size: Size | None, source: str) -> int:
    """3 if any image has colours; raises a `ValueError` if the sizes differ."""
    headers = _each(_header, paths)
    if size is None:
        for path, ((height, width), _) in zip(paths, headers, strict=True):
            stacking.same_size(str(path), (height, width), str(paths[0]), headers[0][0], source)
    return 3 if any(coloured for _, coloured in headers) else 1
