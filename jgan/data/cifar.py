"""The files of CIFAR-10's authors: the binary or the Python version, unpacked or as the downloaded archive.

Both have six files of 10,000 images, 32x32x3, channel by channel. The training images are in random order; the last 10,000
are the validation set, as in the 2014 paper's code.

References:
  A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009), https://www.cs.toronto.edu/~kriz/cifar.html
"""

import gzip
import io
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jgan.data import plain_pickle, reading, values
from jgan.data.dataset import Dataset
from jgan.data.division import hold_out_tail
from jgan.types import Batch
from jgan.utils import text

IMAGES_PER_FILE = 10_000
SHAPE = (3, 32, 32)
"""The shape of one image in the files."""

MOST_FILE, MOST_ARCHIVE = 1 << 25, 1 << 28
"""Bytes: above the 31 MB of one file, and the 186 MB of an unpacked archive."""

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The names of the classes, in the order of the labels."""

FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
"""The names of the six files, which end in `.bin` in the binary version."""

VERSIONS = {"cifar-10-batches-bin": "cifar-10-binary.tar.gz", "cifar-10-batches-py": "cifar-10-python.tar.gz"}
"""The folder of each version, and its archive."""


def read_binary(content: bytes, where: str) -> Batch:
    """Reads one binary file: for each image one byte of label and 3,072 bytes of pixels.

    Args:
      content: the file's bytes.
      where: the name of the file, for error messages.

    Returns:
      The `Batch`: `x` uint8 `[10000, 32, 32, 3]`, `y` int32 `[10000]`.

    Raises:
      ValueError: if the length is wrong, or a label is above 9.

    Example:
      >>> from jgan.data import cifar
      >>> cifar.read_binary(bytes(3073 * 10_000), "zeros").x.shape
      (10000, 32, 32, 3)
    """
    record = 1 + math.prod(SHAPE)
    if len(content) != record * IMAGES_PER_FILE:
        raise ValueError(
            f"{where}: expected {IMAGES_PER_FILE} records of {record} bytes, found {len(content)} bytes: get the file again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(IMAGES_PER_FILE, record)
    return _batch(rows[:, 1:], rows[:, 0], where)


def _batch(pixels: np.ndarray, labels: np.ndarray, where: str) -> Batch:
    labels = values.integers(labels, where, classes=len(CLASSES))
    return Batch(np.ascontiguousarray(pixels.reshape(-1, *SHAPE).transpose(0, 2, 3, 1)), labels)


def read_pickle(content: bytes, where: str) -> Batch:
    """Reads one file of the Python version: a pickled dict of `data` `[10000, 3072]` and `labels`.

    Only arrays and plain values are unpickled, see `jgan.data.plain_pickle`; anything else in the file is an error.

    Args:
      content: the file's bytes.
      where: the name of the file, for error messages.

    Returns:
      The `Batch`, as in `read_binary`.

    Raises:
      ValueError: if the content is anything else.

    Example:
      >>> import pickle
      >>> from jgan.data import cifar
      >>> cifar.read_pickle(pickle.dumps(print), "a trap")
      Traceback (most recent call last):
      ValueError: a trap: expected a pickle of arrays, found a damaged or other file (it names builtins.print): get it again
    """
    found = plain_pickle.load(content, where)
    with reading.naming(where, "a pickled batch of CIFAR-10"):
        pixels, labels = found[b"data"], found[b"labels"]
        if not isinstance(pixels, plain_pickle.PickledArray) or not isinstance(labels, list):
            raise ValueError(
                f"{where}: expected an array and a list, found {type(pixels).__name__} and {type(labels).__name__}"
            )
        _, shape, dtype, is_fortran, values = pixels.state
        expected = (IMAGES_PER_FILE, math.prod(SHAPE))
        is_uint8 = isinstance(dtype, plain_pickle.PickledType) and dtype.code in ("u1", b"u1", "|u1", b"|u1", "uint8")
        if not is_uint8 or shape != expected or len(values) != math.prod(expected) or is_fortran:
            raise ValueError(
                f"{where}: expected uint8 data of the shape {expected}, found {text.listed([shape])}: get it again"
            )
        if len(labels) != IMAGES_PER_FILE or not all(type(label) is int for label in labels):
            raise ValueError(f"{where}: expected {IMAGES_PER_FILE} integer labels, found other values: get it again")
        return _batch(np.frombuffer(values, np.uint8).reshape(expected), np.array(labels), where)


def find(data_dir: Path) -> Path | None:
    """Searches a folder for CIFAR-10.

    Args:
      data_dir: the folder.

    Returns:
      The folder of the six files (possibly `data_dir` itself) or the archive; None if neither exists.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import cifar
      >>> print(cifar.find(Path("no/such/folder")))
      None
    """
    data_dir = reading.user_path(data_dir)
    folders = [data_dir, *(data_dir / version for version in VERSIONS)]
    for folder in folders:
        if any((folder / f"{name}{suffix}").is_file() for name in FILES for suffix in (".bin", "")):
            return folder
    return next(filter(Path.is_file, (data_dir / archive for archive in VERSIONS.values())), None)


def _contents(place: Path) -> Iterator[tuple[str, str, bytes]]:
    """The six files of a folder or an archive, as (their name in `FILES`, name for messages, bytes)."""
    if not place.is_dir():
        yield from _unpacked(place)
        return
    for name in FILES:
        path = next(filter(Path.exists, (place / f"{name}.bin", place / name)), None)
        if path is None:
            raise FileNotFoundError(f"{place}: expected the six files {', '.join(FILES)} (or with .bin), {name} is missing")
        yield name, str(path), reading.content(path, "a file of CIFAR-10", most=MOST_FILE)


class _Bounded(io.RawIOBase):
    """The beginning of a stream; reading on is an error, since tarfile reserves what an archive's headers declare."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self.stream, self.left = stream, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        size = self.stream.readinto(memoryview(buffer)[: reading.CHUNK])
        self.left -= size
        if self.left < 0:
            raise tarfile.ReadError("it is far larger than CIFAR-10")
        return size


def _unpacked(place: Path) -> Iterator[tuple[str, str, bytes]]:
    """The six files of an archive, in its order."""
    reading.regular(place, "an archive of CIFAR-10")
    seen: list[str] = []
    with reading.naming(place, "a whole tar.gz archive"), gzip.open(place) as plain:
        stream = io.BufferedReader(_Bounded(plain, MOST_ARCHIVE))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = Path(member.name).stem
                if name not in FILES or not member.isfile():
                    continue
                if name in seen or member.size > MOST_FILE:
                    raise ValueError(f"{place}: expected the six files of CIFAR-10, found {name} twice or too large")
                file = archive.extractfile(member)
                assert file is not None  # a regular file
                yield name, f"{place}:{member.name}", file.read()
                seen.append(name)
        while stream.read(reading.CHUNK):  # to the end, where gzip's checksum is compared
            pass
    if missing := [name for name in FILES if name not in seen]:
        raise ValueError(f"{place}: expected an archive of CIFAR-10, found no member called {missing[0]}")


def read(place: Path) -> tuple[Batch, Batch]:
    """Reads the six files.

    Args:
      place: the folder that holds them, or the archive.

    Returns:
      `(train, test)`: `x` uint8 `[50000, 32, 32, 3]` and `[10000, 32, 32, 3]`, `y` int32.

    Raises:
      FileNotFoundError: if a file is missing.
      ValueError: if a file is damaged.

    Example:
      See `load`.
    """
    batches = {
        name: (read_binary if where.endswith(".bin") else read_pickle)(content, where)
        for name, where, content in _contents(place)
    }
    *parts, test = (batches[name] for name in FILES)
    return Batch(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])), test


def load(name: str, data_dir: Path) -> Dataset:
    """Loads CIFAR-10 from the files of its authors.

    Args:
      name: the name of the result.
      data_dir: the folder of the six files, or a folder that holds that folder or one of the two archives.

    Returns:
      The `Dataset`: training images [0, 40000), validation [40000, 50000), and 10,000 test images.

    Raises:
      FileNotFoundError: if the files are missing.
      ValueError: if a file is damaged.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import cifar
      >>> cifar.load("cifar10", Path("no/such/folder"))  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected the six files of CIFAR-10, ... or its archive ..., found none
    """
    place = find(data_dir)
    if place is None:
        raise FileNotFoundError(
            f"{data_dir}: expected the six files of CIFAR-10, {', '.join(FILES)} (or with .bin), or its archive "
            f"{' or '.join(VERSIONS.values())}, found none"
        )
    train, test = read(place)
    return Dataset(name, *hold_out_tail(train, len(test.x)), test, classes=CLASSES)
