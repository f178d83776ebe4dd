"""IDX files, the format of MNIST: a big-endian header and the values of one array, often gzipped.

| bytes | content |
|---|---|
| 2 | zero |
| 1 | type of the values: 0x08 uint8, 0x09 int8, 0x0B int16, 0x0C int32, 0x0D float32, 0x0E float64 |
| 1 | number of dimensions |
| 4 each | the dimensions, uint32 |
| the rest | the values in row-major (C) order |

References:
  Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist/
"""

import gzip
import hashlib
import math
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np

from jgan.data import reading, values
from jgan.data.dataset import Dataset
from jgan.data.division import hold_out_tail
from jgan.types import Batch
from jgan.utils import text

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The types of values by their code."""


CLASSES = 10
"""The classes of all sets that have this format's four files."""


class Files(NamedTuple):
    """The paths of the four files of a set."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path


NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""The official names, in the order of `Files`; gzipped files end in `.gz`, and `idx` may follow a dot instead of a hyphen."""

LABELS = {
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13": "mnist",
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7": "fashion_mnist",
}
"""SHA-256 of the 60,000 training labels, one byte each, of sets that have these file names in common."""


def read(path: str | Path) -> np.ndarray:
    """Reads one IDX file, gzipped or plain.

    Args:
      path: the file.

    Returns:
      The array, of the type and shape in the file's header, in the machine's byte order.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it is not a complete IDX file, or has trailing bytes.

    Example:
      >>> import tempfile
      >>> from jgan.data import idx
      >>> with tempfile.NamedTemporaryFile() as file:
      ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
      ...     file.flush()
      ...     print(idx.read(file.name))
      [7 8 9]
    """
    path = reading.user_path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no file" if path.exists() else "nothing"
        raise FileNotFoundError(f"{path}: expected an IDX file, found {found} there")
    stored = path.stat().st_size
    with reading.naming(path, "a whole IDX file, gzipped or plain"), path.open("rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        file = cast(IO[bytes], gzip.GzipFile(fileobj=plain)) if zipped else plain
        dtype, shape = _header(file, path)
        size = math.prod(shape) * dtype.itemsize
        if zipped:
            reading.check_size(path, size, compressed=stored)
        content = reading.fill(file, size if zipped else min(size, stored))
        after = file.read(1)  # at the end of a gzip file its checksum is compared
        if len(content) < size or after:
            wrong = "more: there are bytes after its values" if after else f"{len(content)}: the file is cut short"
            raise ValueError(
                f"{path}: expected {reading.count(size)} bytes of values of the shape [{text.listed(shape)}], found {wrong}"
                ", get it again"
            )
        return content.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(file: IO[bytes], path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """The dtype and the shape of the values."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES:
        raise ValueError(
            f"{path}: expected an IDX file, whose first four bytes are 00 00, a type of "
            f"{', '.join(f'{code:02X}' for code in DTYPES)} and a number of dimensions, found "
            f"{start.hex(' ').upper() or 'nothing'}: is it the right file?"
        )
    rank = start[3]
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(
            f"{path}: expected a header of {4 + 4 * rank} bytes, found {4 + len(sizes)}: the file is cut short, get it again"
        )
    return np.dtype(DTYPES[start[2]]), tuple(int(size) for size in np.frombuffer(sizes, ">u4", rank))


def find(folder: str | Path) -> Files | None:
    """Searches a folder for the four files of a set.

    Args:
      folder: the folder.

    Returns:
      Their paths; a gzipped file is preferred to a plain one. None if all four are missing.

    Raises:
      FileNotFoundError: if only some of them exist.

    Example:
      >>> from jgan.data import idx
      >>> print(idx.find("no/such/folder"))
      None
    """
    folder = reading.user_path(folder)
    found, missing = {}, []
    for name in NAMES:
        spellings = (name, name.replace("-idx", ".idx"))
        paths = [folder / f"{spelling}{suffix}" for spelling in spellings for suffix in (".gz", "")]
        path = next(filter(Path.is_file, paths), None)
        if path is None:
            missing.append(f"{name}.gz")
        else:
            found[name] = path
    if not found:
        return None
    if missing:
        raise FileNotFoundError(
            f"{folder}: expected the four files {', '.join(NAMES)} (.gz or plain), found {len(found)} of them: "
            f"put {' and '.join(missing)} there"
        )
    return Files(*(found[name] for name in NAMES))


def read_pair(images: Path, labels: Path) -> Batch:
    """Reads a file of images and the file of their labels.

    Args:
      images: an IDX file of uint8 `[N, height, width]`.
      labels: an IDX file of uint8 `[N]`, in [0, 10).

    Returns:
      The `Batch`: `x` uint8 `[N, height, width, 1]`, `y` int32 `[N]`.

    Raises:
      ValueError: if types, dimensions, counts or labels are wrong, or there are no images.

    Example:
      See `load`.
    """
    x, y = read(images), read(labels)
    for path, array, what, rank in ((images, x, "images [N, height, width]", 3), (labels, y, "labels [N]", 1)):
        if array.dtype != np.uint8 or array.ndim != rank or not array.size:
            raise ValueError(
                f"{path}: expected uint8 {what}, found {array.dtype} of the shape [{text.listed(array.shape)}]: is it the "
                "right file?"
            )
    if len(x) != len(y):
        raise ValueError(
            f"{images} and {labels}: expected as many labels as images, found {len(x)} images and {len(y)} labels: "
            "they are not from the same set, get both again"
        )
    return Batch(x[..., None], values.integers(y, str(labels), classes=CLASSES))


def check_identity(name: str, labels: np.ndarray, where: str | Path) -> None:
    """Checks the identity of a set by its labels: MNIST and its successors have files with the same names and sizes.

    Args:
      name: the expected set.
      labels: int `[N]`, the training labels in file order.
      where: the location, for error messages.

    Raises:
      ValueError: if these are the labels of another known set, or not all in [0, 10).

    Example:
      >>> import numpy as np
      >>> from jgan.data import idx
      >>> idx.check_identity("mnist", np.arange(10), "here")
    """
    digits = values.integers(labels, str(where), classes=CLASSES).astype(np.uint8)
    found = LABELS.get(hashlib.sha256(digits.tobytes()).hexdigest(), name)
    if found != name:
        raise ValueError(f"{where}: expected {name}, found the labels of {found}: load {found}, or give the files of {name}")


def load(name: str, data_dir: Path) -> Dataset:
    """Loads a set from its four IDX files.

    Args:
      name: the name of the result, checked by `check_identity`.
      data_dir: the folder.

    Returns:
      The `Dataset`: the test part is that of the files; the last training images validate, as many as test but at most a
      fifth: for MNIST, [0, 50000) for training and [50000, 60000) for validation, as in the 2014 paper's code.

    Raises:
      FileNotFoundError: if a file is missing.
      ValueError: if a file is damaged, or the files are not from the same set.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import idx
      >>> idx.load("mnist", Path("no/such/folder"))  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected the four files train-images-idx3-ubyte, ..., found none of them
    """
    files = find(data_dir)
    if files is None:
        raise FileNotFoundError(f"{data_dir}: expected the four files {', '.join(NAMES)} (.gz or plain), found none of them")
    train = read_pair(files.train_images, files.train_labels)
    test = read_pair(files.test_images, files.test_labels)
    if train.x.shape[1:] != test.x.shape[1:]:
        raise ValueError(
            f"{data_dir}: expected training and test images of one size, found {train.x.shape[1:3]} and {test.x.shape[1:3]}"
        )
    check_identity(name, train.y, data_dir)
    return Dataset(name, *hold_out_tail(train, len(test.x)), test)
