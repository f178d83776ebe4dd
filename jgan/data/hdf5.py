"""HDF5 files of images or points, as arrays by name or one array an image. Read with h5py (extra `hdf5`).

  x, y  or  x_train, y_train, x_test ...          whole arrays: the names of `jgan.data.named_arrays`
  one array an image, in the file or in a group   no labels: FILE/0.jpg, FILE/1.jpg ... or FILE/faces/0.jpg ...
  a group of such arrays for each class           labels number the classes in the order of their names
  the groups train, validation, test              each as one of the two above; `val` is read as `validation`

Images are uint8 `[height, width]` or `[height, width, 1 or 3]`. Those that lie one by one are cropped and resized to a size
after the colon, `hdf5:128`. Only values that are in the file itself are read: a link to another file, a virtual array and an
array stored outside are refused, and all links, through which a file can lead to others.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import layout, named_arrays, pictures, reading, sizes, sources, stacking, stored, values
from jgan.data.dataset import PARTS, Dataset, complete
from jgan.data.lazy import AT_ONCE, Access, Lazy
from jgan.data.sizes import Size
from jgan.data.stored import Arrays
from jgan.types import Batch
from jgan.utils import text

SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf")

DEEPEST = 8
"""The most groups inside each other that hold nothing else."""

WHOLE = frozenset(name + suffix for name in named_arrays.EXAMPLES for suffix in named_arrays.SUFFIXES) | {
    named_arrays.UNNAMED[0]
}
"""Names by one of which a file is known to hold whole arrays."""


class _Group(NamedTuple):
    """A group, and the names of the arrays and the groups in it, in the order of the names."""

    group: Any
    arrays: list[str]
    groups: list[str]


class _Images(NamedTuple):
    """The images of a part: `(name for messages, path in the group)`; the class of each, or None."""

    group: Any
    names: list[tuple[str, str]]
    classes: list[str] | None


def _opened(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ValueError(f"{path}: HDF5 files are read with h5py, which is not installed: pip install 'jgan[hdf5]'") from error
    reading.regular(path, "an HDF5 file")
    path.open("rb").close()  # the system's error names the file, that of h5py does not
    with reading.naming(path, "an HDF5 file"):
        try:
            return h5py.File(path, "r", rdcc_nbytes=0)  # every array is read once: no cache of its chunks
        except OSError as error:
            if "unable to lock" not in str(error):
                raise
            raise ValueError(f"{path}: expected a complete HDF5 file, found one that another process has locked") from error


def _listed(group: Any, where: str) -> _Group:
    import h5py

    found = _Group(group, [], [])
    for name in sorted(group):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{where}: expected arrays in the file itself, found a link, {name}: copy what it leads to")
        kind = group.get(name, getclass=True)
        if kind not in (h5py.Dataset, h5py.Group):
            raise ValueError(f"{where}: expected arrays and groups of them, found something else, {name}")
        (found.arrays if kind is h5py.Dataset else found.groups).append(name)
    return found


def _checked(array: Any, where: str) -> Any:
    """An array of plain numbers, in this file, of a size that the file can hold."""
    if array.external or array.is_virtual:
        raise ValueError(f"{where}: expected values in the file itself, found an array stored in another: copy it")
    if array.shape is None or array.dtype.kind not in "biuf":
        raise ValueError(f"{where}: expected a plain array of numbers, found {array.dtype} of the shape {array.shape}")
    size, stored = math.prod(array.shape) * array.dtype.itemsize, array.id.get_storage_size()
    if array.id.get_create_plist().get_nfilters():
        reading.check_size(where, size, compressed=stored)
    elif size > stored:
        raise ValueError(f"{where}: expected {reading.count(size)} bytes of values, found {stored}: write all of them")
    else:
        reading.check_size(where, size)
    return array


def _values(array: Any, where: str) -> np.ndarray:
    with reading.naming(where, "a plain array"):
        found = np.asarray(_checked(array, where)[()])
        return found.astype(found.dtype.newbyteorder("="), copy=False)


def _shape(array: Any, where: str) -> tuple[int, int, int]:
    """The height, the width and the channels of an image, 1 or 3."""
    shape: tuple[int, ...] = array.shape or ()
    if array.dtype != np.uint8 or len(shape) not in (2, 3) or shape[2:] not in ((), (1,), (3,)) or not math.prod(shape):
        raise ValueError(
            f"{where}: expected an image, uint8 [height, width] or [height, width, 1 or 3], found {array.dtype} of the shape "
            f"{shape}"
        )
    if shape[0] * shape[1] > pictures.MOST_PIXELS:
        raise ValueError(
            f"{where}: expected at most {pictures.MOST_PIXELS} pixels, found {shape[0]}x{shape[1]}: make it smaller"
        )
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


def _image(array: Any, where: str, size: Size | None) -> np.ndarray:
    """uint8 `[height, width, 1 or 3]`."""
    shape = _shape(array, where)
    return stacking.resized(_values(array, where).reshape(shape), size)


def _whole(path: Path, array: Any, name: str, access: Access) -> Any:
    """An array of all examples, or images that are read when they are needed."""
    where = f"{path}, {name}"
    if stored.are_images(array.shape or (), array.dtype) and access.is_lazy(math.prod(array.shape)):
        return stored.rows(path, _checked(array, where).name, array.shape)
    return _values(array, where)


def _parts(root: _Group, path: Path) -> dict[str, _Group]:
    """The groups of images by part, "train" if they are not divided; a group that holds all others is not a class."""
    for _ in range(DEEPEST):  # a group may hold itself
        if root.arrays or len(root.groups) != 1 or "train" in root.groups:
            break
        root = _listed(root.group[root.groups[0]], str(path))
    if "train" not in root.groups:
        return {"train": root}
    names = {layout.OTHER_NAMES.get(name, name): name for name in root.groups}
    if root.arrays or len(names) < len(root.groups) or not names.keys() <= set(PARTS):
        found = text.listed([*root.arrays, *root.groups])
        raise ValueError(f"{path}: expected nothing but the groups {', '.join(PARTS)}, found {found}")
    return {part: _listed(root.group[name], f"{path}, {name}") for part, name in names.items()}


def _images(part: _Group, where: str) -> _Images:
    """The images of a part, flat or in a group for each class."""
    if part.arrays and part.groups:
        both = f"{part.arrays[0]} and {part.groups[0]}"
        raise ValueError(f"{where}: expected images or groups of images, found both, {both}")
    if not part.groups:
        return _Images(part.group, [(f"{where}, {name}", name) for name in part.arrays], None)
    names, classes = [], []
    for label in part.groups:
        inner = _listed(part.group[label], f"{where}, {label}")
        if inner.groups or not inner.arrays:
            found = f"a group, {inner.groups[0]}" if inner.groups else "none"
            raise ValueError(f"{where}, {label}: expected images of one class, found {found}")
        names += [(f"{where}, {label}/{name}", f"{label}/{name}") for name in inner.arrays]
        classes += [label] * len(inner.arrays)
    return _Images(part.group, names, classes)


def _when_needed(path: Path, group: Any, names: list[tuple[str, str]], size: Size | None) -> Lazy:
    """Images that lie one by one, checked but not read."""
    shapes = [_shape(_checked(group[inside], where), where) for where, inside in names]
    for (where, _), shape in zip(names, shapes if size is None else (), strict=size is None):
        stacking.same_size(where, shape[:2], names[0][0], shapes[0][:2], "hdf5")
    height, width = size or shapes[0][:2]
    one = (height, width, max(shape[2] for shape in shapes))
    return Lazy(Arrays(path, [f"{group.name}/{inside}" for _, inside in names], size, one), one, np.arange(len(names)))


def _stacked(
    path: Path, part: _Group, where: str, size: Size | None, labels: list[str] | None, access: Access
) -> tuple[Batch, list[str] | None]:
    """The images of a part; `labels` are the classes of the training part, unless this is it."""
    group, names, classes = _images(part, where)
    if not names:
        raise ValueError(f"{where}: expected images under {', '.join(named_arrays.EXAMPLES)}, or one by one, found no arrays")

    def decoded() -> Iterator[tuple[str, np.ndarray]]:
        for name, inside in names:  # one open at a time
            yield name, _image(group[inside], name, size)

    height, width = size or _shape(group[names[0][1]], names[0][0])[:2]
    if access.is_lazy(len(names) * height * width * 3):
        x: Any = _when_needed(path, group, names, size)
    else:
        x = stacking.stack(decoded(), len(names), where, "hdf5")
    if classes is None:
        return Batch(x), None
    known = labels or sorted(set(classes))
    if unknown := sorted(set(classes) - set(known)):
        raise ValueError(f"{where}: expected classes of the training set, {text.listed(known)}, found {text.listed(unknown)}")
    numbers = {label: number for number, label in enumerate(known)}
    return Batch(x, values.integers([numbers[label] for label in classes], where)), known


def read_parts(path: Path, size: Size | None = None, access: Access = AT_ONCE) -> dict[str, Batch]:
    """Reads the sets of a file.

    Args:
      path: the file.
      size: height and width to resize images to that lie one by one; None if they must already have the same size.
      access: when images are read.

    Returns:
      The sets by part; the name of an undivided one is "train".

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it is damaged, or holds anything else.

    Example:
      >>> import tempfile
      >>> import h5py
      >>> from jgan.data import hdf5
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     with h5py.File(Path(folder) / "faces.h5", "w") as file:
      ...         for index in range(3):
      ...             file[f"faces/{index}.jpg"] = np.zeros((6, 4, 3), np.uint8)
      ...     hdf5.read_parts(Path(folder) / "faces.h5", (4, 4))["train"].x.shape
      (3, 4, 4, 3)
    """
    with _opened(path) as file, reading.naming(path, "an HDF5 file"):
        root = _listed(file, str(path))
        if not WHOLE.intersection(root.arrays):
            if beside := sorted(named_arrays.WANTED.intersection(root.arrays)):
                expected = f"images under {', '.join(named_arrays.EXAMPLES)}, or one by one in a group for each class"
                raise ValueError(f"{path}: expected {expected}, found {beside[0]} beside them: put each class into a group")
            groups = _parts(root, path)
            train, classes = _stacked(path, groups.pop("train"), str(path), size, None, access)
            sets = {part: _stacked(path, group, f"{path}, {part}", size, classes, access)[0] for part, group in groups.items()}
            return stacking.same_channels({"train": train, **sets})
        if size is not None:
            raise ValueError(f"{path}: only images that lie one by one are resized, found an array of all: leave the size out")
        wanted = sorted(named_arrays.WANTED.intersection(root.arrays))
        found = {name: _whole(path, file[name], name, access) for name in wanted}
        parts = named_arrays.parts(found, root.arrays, path)
    return {"train": parts[""]} if "" in parts else parts


def fitted(name: str, data_dir: Path | None, nearest: Callable[[Size], Size]) -> tuple[str, str]:
    """The set at the size that a model accepts: see `jgan.data.sources.fitted`."""
    if sizes.asked_size(name) or data_dir is None:
        return sizes.fitted(name, set(), nearest)
    path = named_arrays.only_file(data_dir, "hdf5", SUFFIXES)
    with _opened(path) as file, reading.naming(path, "an HDF5 file"):
        root = _listed(file, str(path))
        if named_arrays.WANTED.intersection(root.arrays):
            return name, ""
        found: set[Size] = set()
        for part in _parts(root, path).values():
            group, names, _ = _images(part, str(path))
            for _, inside in names:
                shape: tuple[int, ...] = group[inside].shape or ()
                if len(shape) in (2, 3):
                    found.add((shape[0], shape[1]))
    return sizes.fitted(name, found, nearest)


def read(path: str | Path, size: Size | None = None) -> Batch:
    """Reads one set from an HDF5 file.

    Args:
      path: the file.
      size: as in `read_parts`.

    Returns:
      The `Batch`.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it holds anything else, or several sets.

    Example:
      >>> import tempfile
      >>> import h5py
      >>> from jgan.data import hdf5
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     with h5py.File(Path(folder) / "a.h5", "w") as file:
      ...         file["x"] = np.zeros((3, 6, 4), np.uint8)
      ...     hdf5.read(Path(folder) / "a.h5").x.shape
      (3, 6, 4, 1)
    """
    parts = read_parts(reading.user_path(path), size)
    if len(parts) > 1:
        raise ValueError(f"{path}: expected one set, found a divided one, {text.listed(parts)}: write the part alone")
    return parts["train"]


def load(name: str, data_dir: Path | None, *, held_out: int | None = None, access: Access = AT_ONCE) -> Dataset:
    """Loads a set from an HDF5 file.

    Args:
      name: the name of the result; a size may follow a colon, as for `folder`.
      data_dir: the file, or a folder with a single HDF5 file.
      held_out: as in `jgan.data.load`.
      access: as in `jgan.data.load`.

    Returns:
      The `Dataset`, in the order of the names where images lie one by one.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it holds anything else, or h5py is not installed.

    Example:
      >>> from jgan.data import hdf5
      >>> hdf5.load("hdf5", Path("no/such/file.h5"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/file.h5: expected an HDF5 file, found nothing there
    """
    parts = read_parts(named_arrays.only_file(data_dir, "hdf5", SUFFIXES), sizes.asked_size(name), access)
    return complete(name, parts, held_out=held_out)


sources.register(
    "hdf5",
    load,
    "images in an HDF5 file in --data-dir: arrays x and y, or x_train, y_train ..., or one array an image, in groups by class; "
    "the latter of one size, or cropped and resized to one",
    usage="hdf5, hdf5:HEIGHTxWIDTH",
    holds_out=True,
    streams=True,
    fitted=fitted,
)
