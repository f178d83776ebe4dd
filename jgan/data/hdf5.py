"""HDF5 files of images or points, as arrays by name or one array an image. Read with h5py (extra `hdf5`).

  x, y  or  x_train, y_train, x_test ...          whole arrays: the names of `jgan.data.named_arrays`
  one array an image, in the file or in a group   no labels: FILE/0.jpg, FILE/1.jpg ... or FILE/faces/0.jpg ...
  a group of such arrays for each class           labels number the classes in the order of their names
  the groups train, validation, test              each as one of the two above; `val` is read as `validation`

Images are uint8 `[height, width]` or `[height, width, 1 or 3]`. Those that lie one by one are cropped and resized to a size
after the colon, `hdf5:128`. Only values that are in the file itself are read: a link to another file, a virtual array and an
array stored outside are refused.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import layout, named_arrays, reading, sizes, sources, stacking, values
from jgan.data.dataset import PARTS, Dataset, complete
from jgan.data.sizes import Size
from jgan.types import Batch
from jgan.utils import text

SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf")

DEEPEST = 8
"""The most groups inside each other that hold nothing else."""


class _Group(NamedTuple):
    """The arrays and the groups of a group, by name, in the order of their names."""

    arrays: dict[str, Any]
    groups: dict[str, Any]


def _opened(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ValueError(f"{path}: HDF5 files are read with h5py, which is not installed: pip install 'jgan[hdf5]'") from error
    reading.regular(path, "an HDF5 file")
    with reading.naming(path, "an HDF5 file"):
        return h5py.File(path, "r")


def _members(group: Any, where: str) -> _Group:
    import h5py

    found = _Group({}, {})
    for name in sorted(group):
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            raise ValueError(f"{where}: expected arrays in the file itself, found a link to another file, {name}: copy them")
        member = group.get(name)
        kinds = found.arrays if isinstance(member, h5py.Dataset) else found.groups if isinstance(member, h5py.Group) else None
        if kinds is None:
            raise ValueError(f"{where}: expected arrays and groups of them, found something else, {name}")
        kinds[name] = member
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


def _image(array: Any, where: str, size: Size | None) -> np.ndarray:
    """uint8 `[height, width, 1 or 3]`."""
    found = _values(array, where)
    found = found[..., None] if found.ndim == 2 else found
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] not in (1, 3) or not found.size:
        raise ValueError(
            f"{where}: expected an image, uint8 [height, width] or [height, width, 1 or 3], found {found.dtype} of the shape "
            f"{array.shape}"
        )
    if size is None or found.shape[:2] == size:
        return found
    from PIL import Image

    return stacking.pixels(stacking.fit(Image.fromarray(found[..., 0] if found.shape[2] == 1 else found), size))


def _by_class(group: Any, where: str) -> tuple[list[tuple[str, Any]], list[str] | None]:
    """The images of a part, `(name, array)`, and the class of each, or None."""
    arrays, groups = _members(group, where)
    if arrays and groups:
        raise ValueError(
            f"{where}: expected images or groups of images, found both, {next(iter(arrays))} and {next(iter(groups))}"
        )
    if not groups:
        return [(f"{where}, {name}", array) for name, array in arrays.items()], None
    images, classes = [], []
    for label, inner in groups.items():
        members = _members(inner, f"{where}, {label}")
        if members.groups or not members.arrays:
            found = f"a group, {next(iter(members.groups))}" if members.groups else "none"
            raise ValueError(f"{where}, {label}: expected images of one class, found {found}")
        images += [(f"{where}, {label}/{name}", array) for name, array in members.arrays.items()]
        classes += [label] * len(members.arrays)
    return images, classes


def _single(group: Any, path: Path) -> dict[str, Any]:
    """The groups of images by part, "train" if they are not divided; a group that holds all others is not a class."""
    arrays, groups = _members(group, str(path))
    for _ in range(DEEPEST):  # a group may hold itself
        if arrays or len(groups) != 1 or "train" in groups:
            break
        (group,) = groups.values()
        arrays, groups = _members(group, str(path))
    if "train" not in groups:
        return {"train": group}
    parts = {layout.OTHER_NAMES.get(name, name): inner for name, inner in groups.items()}
    if arrays or len(parts) < len(groups) or not parts.keys() <= set(PARTS):
        raise ValueError(f"{path}: expected nothing but the groups {', '.join(PARTS)}, found {text.listed([*arrays, *groups])}")
    return parts


def _stacked(group: Any, where: str, size: Size | None, labels: list[str] | None) -> tuple[Batch, list[str] | None]:
    """The images of a part; `labels` are the classes of the training part, unless this is it."""
    images, classes = _by_class(group, where)
    if not images:
        raise ValueError(f"{where}: expected images under {', '.join(named_arrays.EXAMPLES)}, or one by one, found no arrays")
    decoded: Iterator[tuple[str, np.ndarray]] = ((name, _image(array, name, size)) for name, array in images)
    x = stacking.stack(decoded, len(images), where, "hdf5")
    if classes is None:
        return Batch(x), None
    known = labels or sorted(set(classes))
    if unknown := sorted(set(classes) - set(known)):
        raise ValueError(f"{where}: expected classes of the training set, {text.listed(known)}, found {text.listed(unknown)}")
    return Batch(x, values.integers([known.index(label) for label in classes], where)), known


def read_parts(path: Path, size: Size | None = None) -> dict[str, Batch]:
    """Reads the sets of a file.

    Args:
      path: the file.
      size: height and width to resize images to that lie one by one; None if they must already have the same size.

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
        whole = _members(file, str(path)).arrays
        if not named_arrays.WANTED & whole.keys():
            groups = _single(file, path)
            train, classes = _stacked(groups.pop("train"), str(path), size, None)
            sets = {part: _stacked(group, f"{path}, {part}", size, classes)[0] for part, group in groups.items()}
            return stacking.same_channels({"train": train, **sets})
        if size is not None:
            raise ValueError(f"{path}: only images that lie one by one are resized, found an array of all: leave the size out")
        found = {name: _values(array, f"{path}, {name}") for name, array in whole.items() if name in named_arrays.WANTED}
        parts = named_arrays.parts(found, list(whole), path)
    return {"train": parts[""]} if "" in parts else parts


def fitted(name: str, data_dir: Path | None, nearest: Callable[[Size], Size]) -> tuple[str, str]:
    """The set at the size that a model accepts: see `jgan.data.sources.fitted`."""
    if sizes.asked_size(name) or data_dir is None:
        return sizes.fitted(name, set(), nearest)
    path = named_arrays.only_file(data_dir, "hdf5", SUFFIXES)
    with _opened(path) as file, reading.naming(path, "an HDF5 file"):
        if named_arrays.WANTED & _members(file, str(path)).arrays.keys():
            return name, ""
        images = [array for group in _single(file, path).values() for _, array in _by_class(group, str(path))[0]]
        found = {array.shape[:2] for array in images if array.shape is not None and len(array.shape) in (2, 3)}
    return sizes.fitted(name, found, nearest)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set from an HDF5 file.

    Args:
      name: the name of the result; a size may follow a colon, as for `folder`.
      data_dir: the file, or a folder with a single HDF5 file.
      held_out: as in `jgan.data.load`.

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
    parts = read_parts(named_arrays.only_file(data_dir, "hdf5", SUFFIXES), sizes.asked_size(name))
    return complete(name, parts, held_out=held_out)


sources.register(
    "hdf5",
    load,
    "images in an HDF5 file in --data-dir: arrays x and y, or x_train, y_train ..., or one array an image, in groups by class; "
    "the latter of one size, or cropped and resized to one",
    usage="hdf5, hdf5:HEIGHTxWIDTH",
    holds_out=True,
    fitted=fitted,
)
