"""A folder of images, or an archive of one, of one size or resized to one, in any format of `jgan.data.pictures`.

  FOLDER/*.png                                    no labels; a sixth for validation, a sixth for testing
  FOLDER/CLASS/**/*.png                           labels number the classes in the order of their names; divided class by class
  FOLDER/train/..., validation/..., test/...      each as above; a missing part is a fifth of the training images;
                                                  `val` is read as `validation`
  FOLDER/dataset.json, FOLDER/**/*.png            labels as StyleGAN's data sets have them: `jgan.data.label_file`

A file that is not a readable image of the common size raises an error that names it. Ignored is only what desktops, archives
and storage systems leave in folders (`jgan.data.reading.is_litter`): names that begin with a dot, `Thumbs.db`, `desktop.ini`,
`__MACOSX`, `lost+found` and the like.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import archives, image_files, label_file, layout, lazy, pictures, reading, sizes, sources, stacking, values
from jgan.data.dataset import Dataset, complete
from jgan.data.lazy import AT_ONCE, Access
from jgan.data.sizes import Size
from jgan.types import Batch
from jgan.utils import text


def _either(folder: Path, files: list[Path], folders: list[Path]) -> None:
    """Checks that a folder holds images or folders, not both."""
    if files and folders:
        raise ValueError(f"{folder}: expected images or folders of images, found both, {files[0].name} and {folders[0].name}")


def _members(folder: Path) -> list[Path]:
    """The images of one class, those of folders inside its own after the others."""
    files = layout.images_inside(folder)
    if not files:
        raise ValueError(f"{folder}: expected images of one class, found none")
    return files


def _nothing(folder: Path) -> ValueError:
    return ValueError(f"{folder}: expected images, or a folder of them for each class, found none")


class _Part(NamedTuple):
    """The images of one part, the names of its classes, and a message for each file that was left out."""

    batch: Batch
    classes: list[str] | None
    broken: list[str]


def _read(folder: Path, size: Size | None, access: Access = AT_ONCE, classes: list[str] | None = None) -> _Part:
    """The images of one part, flat or by class; `classes` are those of the training part, unless this is it."""
    files, folders = layout.entries(folder)
    _either(folder, files, folders)
    names = [path.name for path in folders]
    if classes is not None and (unknown := sorted(set(names) - set(classes))):
        raise ValueError(
            f"{folder}: expected classes of the training set, {text.listed(classes)}, found {text.listed(unknown)}"
        )
    labels: list[int] = []
    for path in folders:
        members = _members(path)
        files += members
        labels += [(classes or names).index(path.name)] * len(members)
    if not files:
        raise _nothing(folder)
    return _of(files, values.integers(labels, str(folder)) if folders else None, size, access, classes or names)


def _of(
    files: list[Path], labels: np.ndarray | None, size: Size | None, access: Access, classes: list[str] | None = None
) -> _Part:
    """The images of some files, without labels or with those of the files."""
    x, kept, broken = image_files.images(files, size, access)
    return _Part(Batch(x), None, broken) if labels is None else _Part(Batch(x, labels[kept]), classes, broken)


def files(path: Path) -> list[Path]:
    """The images of a folder, flat or with one folder per class, in the order of their names.

    Args:
      path: the folder.

    Returns:
      The paths, at least one.

    Raises:
      ValueError: if the folder holds anything else, or nothing.

    Example:
      >>> import tempfile
      >>> from jgan.data import folder
      >>> with tempfile.TemporaryDirectory() as path:
      ...     (Path(path) / "a.png").touch()
      ...     [file.name for file in folder.files(Path(path))]
      ['a.png']
    """
    found, folders = layout.entries(reading.user_path(path))
    _either(path, found, folders)
    for inner in folders:
        found += _members(inner)
    if not found:
        raise _nothing(path)
    return found


def read(path: Path, size: Size | None = None) -> Batch:
    """Reads all images of a folder, flat or with one folder per class, or of an archive of one.

    Args:
      path: the folder, or a zip or tar file.
      size: height and width to resize them to; None if they must already have the same size.

    Returns:
      The `Batch`, in the order of the names; the labels number the classes in the order of their names.

    Raises:
      ValueError: if a file cannot be read, the sizes differ, or the folder is empty.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import folder
      >>> with tempfile.TemporaryDirectory() as path:
      ...     Image.new("L", (4, 2), 7).save(Path(path) / "a.png")
      ...     folder.read(Path(path)).x.shape
      (1, 2, 4, 1)
    """
    with layout.opened(reading.user_path(path), "folder") as root:
        return _whole(root, size).batch


def _whole(root: Path, size: Size | None, access: Access = AT_ONCE) -> _Part:
    """The images of an undivided folder."""
    labelled = label_file.read(root)
    if labelled is None:
        return _read(root, size, access)
    if not labelled.files:
        raise _nothing(root)
    return _of(labelled.files, labelled.labels, size, access)


def found_sizes(data_dir: Path, *, skip: bool = False) -> set[Size]:
    """The sizes of all images of a folder, by their headers; any layout that `load` accepts.

    Args:
      data_dir: the folder, or a zip or tar file.
      skip: whether files that are no images are left out.

    Returns:
      Heights and widths.

    Raises:
      ValueError: if a file is not an image, unless they are left out.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import folder
      >>> folder.found_sizes(Path("no/such/folder"))
      set()
    """
    if data_dir.is_file() and archives.is_archive(data_dir):
        return archives.sizes(data_dir, skip=skip)
    found, folders = set(), [data_dir] if data_dir.is_dir() else []
    deepest = 9 if (data_dir / label_file.NAME).is_file() else 3  # the folder, its parts, their classes
    for _ in range(deepest):
        deeper: list[Path] = []
        for place in folders:
            files, inside = layout.entries(place, strict=False)
            deeper += inside
            for path in files:
                with contextlib.suppress(*(ValueError, OSError) if skip else ()):
                    reading.regular(path, "an image")
                    with path.open("rb") as file:
                        found.add(pictures.header(file, str(path), pictures.formats_of(path.suffix))[0])
        folders = deeper
    return found


def fitted(name: str, data_dir: Path | None, nearest: Callable[[Size], Size], *, skip: bool = False) -> tuple[str, str]:
    """The set at the size that a model accepts: see `jgan.data.sources.fitted`."""
    found = set() if sizes.asked_size(name) or data_dir is None else found_sizes(data_dir, skip=skip)
    return sizes.fitted(name, found, nearest)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None, access: Access = AT_ONCE) -> Dataset:
    """Loads a set from a folder of images.

    Args:
      name: the name of the result; a size may follow a colon, see `jgan.data.sizes`.
      data_dir: the folder, or a zip or tar file of one.
      held_out: as in `jgan.data.load`.
      access: as in `jgan.data.load`.

    Returns:
      The `Dataset`, in the order of the names; its note names the files that were left out.

    Raises:
      FileNotFoundError: if there is no such folder.
      ValueError: if a file is not an image, or the images differ in size and the name has no size.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import folder
      >>> folder.load("folder", Path("no/such/folder"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected a folder of images, found nothing there
    """
    size = sizes.asked_size(name)
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(layout.opened(data_dir, name))
        parts = _divided(root, size, access) if layout.is_divided(root) else {"train": _whole(root, size, access)}
        images = stacking.same_channels({part: found.batch for part, found in parts.items()})
        place, shown = str(root), str(data_dir)
        lazy.keep(images, stack, place, shown)
        broken = [message.replace(place, shown) for found in parts.values() for message in found.broken]
        names = parts["train"].classes or ()
        return complete(name, images, held_out=held_out, note=image_files.note(broken), classes=names)


def _divided(data_dir: Path, size: Size | None, access: Access) -> dict[str, _Part]:
    """The parts of a folder with `train/`."""
    folders = layout.parts(data_dir)
    train = _read(folders.pop("train"), size, access)
    return {"train": train} | {part: _read(path, size, access, train.classes) for part, path in folders.items()}


sources.register(
    "folder",
    load,
    "images (PNG, JPEG, WebP, BMP, GIF, TIFF ...) in --data-dir, a folder or a zip or tar archive, flat or with one folder per "
    "class; of one size, or cropped and resized to one",
    usage="folder, folder:HEIGHTxWIDTH",
    holds_out=True,
    streams=True,
    skips=True,
    fitted=fitted,
)
