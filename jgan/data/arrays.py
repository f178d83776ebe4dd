"""Arrays in `.npz` and `.npy` files: only those asked for are read, and memory is reserved only for what the file really holds.

`numpy.load` reserves whatever an array's header declares, and its errors name neither the file nor the array.
"""

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from jgan.data import reading, stored
from jgan.data.lazy import AT_ONCE, Access
from jgan.utils import text

SINGLE = "x"
"""The name of the array of an `.npy` file."""


class Arrays(NamedTuple):
    """What was read from an archive.

    Attributes:
      found: the arrays that were asked for and are there, by name.
      held: the names of all arrays of the archive.
    """

    found: dict[str, Any]
    held: tuple[str, ...]


def read(path: str | Path, names: Collection[str], access: Access = AT_ONCE) -> Arrays:
    """Reads arrays of numbers or text from an `.npz` file, as `numpy.savez` and `savez_compressed` write it.

    Args:
      path: the file; an `.npy` file, of a single array, is read as one of the name `SINGLE`.
      names: the names of the arrays to read; names that it does not hold are left out.
      access: when the images of an `.npy` file are read; arrays of an archive are always read at once.

    Returns:
      The `Arrays`, in the machine's byte order.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it is not a whole archive, or one of the arrays asked for is damaged, holds objects, or is larger than its
        size in the file allows (see `jgan.data.reading.check_size`).

    Example:
      >>> import tempfile
      >>> from jgan.data import arrays
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     np.savez(Path(folder) / "a.npz", x=np.arange(3), others=np.zeros(9))
      ...     found, held = arrays.read(Path(folder) / "a.npz", ["x", "y"])
      >>> found, held
      ({'x': array([0, 1, 2])}, ('x', 'others'))
    """
    path = reading.user_path(path)
    expected = "an .npz archive of plain arrays"
    size = reading.regular(path, expected)
    with reading.naming(path, expected), path.open("rb") as file:
        if file.read(6) == b"\x93NUMPY":
            file.seek(0)
            with reading.naming(path, "a plain array"):
                return Arrays({SINGLE: _single(file, path, size, access)} if SINGLE in names else {}, (SINGLE,))
    with reading.naming(path, expected), zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError(f"{path}: expected one array of each name, found a name twice: write the file again")
        for member in archive.infolist():
            archive.open(member).close()  # compares its name in the archive's directory with that before its values
        found = {name: _read(archive, member, f"{path}, {name}") for name, member in members.items() if name in names}
    return Arrays(found, tuple(members))


def _single(file: IO[bytes], path: Path, size: int, access: Access) -> Any:
    """The array of an `.npy` file, or images that are read when they are needed."""
    shape, is_fortran, dtype = _header(file, str(path))
    if stored.are_images(shape, dtype) and not is_fortran and access.is_lazy(math.prod(shape)):
        if math.prod(shape) != size - file.tell():
            raise ValueError(f"{path}: expected {math.prod(shape)} bytes of values, found {size - file.tell()}: get it again")
        return stored.rows(path, "", shape)
    file.seek(0)
    return _values(file, str(path), size)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> np.ndarray:
    with reading.naming(where, "a plain array"), archive.open(member) as file:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{where}: expected an array as numpy.savez writes it, found another kind of compression")
        deflated = member.compress_type == zipfile.ZIP_DEFLATED
        return _values(file, where, member.file_size, member.compress_size if deflated else None)


def _values(file: IO[bytes], where: str, held: int, compressed: int | None = None) -> np.ndarray:
    """An array in NumPy's format, from a file that holds a number of bytes, perhaps compressed."""
    shape, is_fortran, dtype = _header(file, where)
    size = math.prod(shape) * dtype.itemsize
    if size > held:
        raise ValueError(f"{where}: expected {reading.count(size)} bytes of values, found {held}: get it again")
    reading.check_size(where, size, compressed=compressed)
    content = reading.fill(file, size)
    if len(content) < size or file.read(1):  # the checksum of a member is compared when the end is reached
        raise ValueError(f"{where}: expected {size} bytes of values, found {'fewer' if len(content) < size else 'more'}")
    values = content.view(dtype).astype(dtype.newbyteorder("="), copy=False)
    return values.reshape(shape[::-1]).T if is_fortran else values.reshape(shape)


def _header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """The shape, whether the values are in column-major order, and the dtype."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:  # the third version is for structured arrays
        raise ValueError(f"{where}: expected version 1 or 2 of NumPy's format, found {version}")
    if dtype.kind not in "biufcSU" or not dtype.itemsize or min(shape, default=0) < 0:
        raise ValueError(f"{where}: expected a plain array of numbers, found {dtype} of the shape {text.listed(shape)}")
    return shape, is_fortran, dtype
