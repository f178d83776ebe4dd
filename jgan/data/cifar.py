"""The files of CIFAR-10's authors: the binary or the Python version, unpacked or as the downloaded archive.

Both have six files of 10,000 images, 32x32x3, channel by channel. The training images are in random order; the last 10,000
are the validation set, as in the 2014 paper's code.

References:
  A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009), https://www.cs.toronto.edu/~kriz/cifar.html
"""

import io
import pickle
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data.dataset import Dataset, hold_out_tail
from jgan.types import Batch

IMAGES_PER_FILE = 10_000
SHAPE = (3, 32, 32)
"""The shape of one image in the files."""

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
    record = 1 + int(np.prod(SHAPE))
    if len(content) != record * IMAGES_PER_FILE:
        raise ValueError(
            f"{where}: expected {IMAGES_PER_FILE} records of {record} bytes, found {len(content)} bytes: get the file again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(IMAGES_PER_FILE, record)
    return _batch(rows[:, 1:], rows[:, 0], where)


def _batch(pixels: np.ndarray, labels: np.ndarray, where: str) -> Batch:
    if labels.max() > 9:
        raise ValueError(f"{where}: expected labels 0 ... 9, found {labels.max()}: is it CIFAR-10?")
    return Batch(np.ascontiguousarray(pixels.reshape(-1, *SHAPE).transpose(0, 2, 3, 1)), labels.astype(np.int32))


class _ArraysOnly(pickle.Unpickler):
    """Unpickles only arrays and plain values, because a pickle can call any function of any module."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {"_reconstruct", "ndarray", "dtype"}
        if module.split(".")[0] != "numpy" or name not in allowed:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def read_pickle(content: bytes, where: str) -> Batch:
    """Reads one file of the Python version: a pickled dict of `data` `[10000, 3072]` and `labels`.

    Only arrays and plain values are unpickled; anything else in the file is an error.

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
      ValueError: a trap: expected a pickled batch of CIFAR-10, found another or damaged file (it names builtins.print)
    """
    try:
        found = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        pixels, labels = np.asarray(found[b"data"]), np.asarray(found[b"labels"])
    except (
        pickle.UnpicklingError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        ImportError,
    ) as error:
        raise ValueError(f"{where}: expected a pickled batch of CIFAR-10, found another or damaged file ({error})") from error
    shape = (IMAGES_PER_FILE, int(np.prod(SHAPE)))
    if pixels.dtype != np.uint8 or pixels.shape != shape or labels.shape != shape[:1]:
        raise ValueError(
            f"{where}: expected uint8 data of the shape {shape} and as many labels, found {pixels.dtype} {pixels.shape} and "
            f"{labels.shape}: get the file again"
        )
    return _batch(pixels, labels, where)


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
    folders = [data_dir, *(data_dir / version for version in VERSIONS)]
    for folder in folders:
        if any((folder / f"{name}{suffix}").is_file() for name in FILES for suffix in (".bin", "")):
            return folder
    return next(filter(Path.is_file, (data_dir / archive for archive in VERSIONS.values())), None)


def _contents(place: Path) -> Iterator[tuple[str, bytes]]:
    """The six files of a folder or an archive, as (name, bytes), in the order of `FILES`."""
    if place.is_dir():
        for name in FILES:
            path = next(filter(Path.is_file, (place / f"{name}.bin", place / name)), None)
            if path is None:
                raise FileNotFoundError(f"{place}: expected the six files {', '.join(FILES)} (or with .bin), {name} is missing")
            yield str(path), path.read_bytes()
        return
    try:
        with tarfile.open(place) as archive:
            members = {Path(member.name).stem: member for member in archive.getmembers() if member.isfile()}
            for name in FILES:
                if name not in members:
                    raise ValueError(f"{place}: expected an archive of CIFAR-10, found no member called {name}")
                file = archive.extractfile(members[name])
                assert file is not None  # a regular file
                yield f"{place}:{members[name].name}", file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{place}: expected a whole tar.gz archive, found a damaged one ({error}): get it again") from error


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
    *parts, test = ((read_binary if ".bin" in where else read_pickle)(content, where) for where, content in _contents(place))
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
    return Dataset(name, *hold_out_tail(train, len(test.x)), test)
