"""A folder of images, or an archive of one, of one size or resized to one, in any format of `jgan.data.pictures`.

  FOLDER/*.png                                    no labels; a sixth for validation, a sixth for testing
  FOLDER/CLASS/*.png                              labels number the classes in the order of their names; divided class by class
  FOLDER/train/..., validation/..., test/...      each as above; a missing part is a fifth of the training images;
                                                  `val` is read as `validation`
  FOLDER/dataset.json, FOLDER/**/*.png            labels as StyleGAN's data sets have them: `jgan.data.label_file`

A file that is not a readable image of the common size raises an error that names it. Ignored is only what desktops, archives
and storage systems leave in folders (`jgan.data.reading.is_litter`): names that begin with a dot, `Thumbs.db`, `desktop.ini`,
`__MACOSX`, `lost+found` and the like.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from jgan.data import archives, label_file, layout, pictures, reading, sizes, sources, stacking, values
from jgan.data.dataset import Dataset, complete
from jgan.data.sizes import Size
from jgan.types import Batch
from jgan.utils import text


def read_image(path: str | Path, size: Size | None = None, most: int = pictures.MOST_PIXELS) -> np.ndarray:
    """Reads one image.

    Args:
      path: the file.
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
      >>> from jgan.data import folder
      >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
      ...     Image.new("L", (4, 2), 7).save(file.name)
      ...     folder.read_image(file.name).shape
      (2, 4, 1)
    """
    path = reading.user_path(path)
    reading.regular(path, "an image")
    with reading.naming(path, "an image"):
        with path.open("rb") as file:
            decoded = pictures.decode(file, str(path), pictures.formats_of(path.suffix), most)
            image = pictures.upright(decoded, str(path))
        return stacking.pixels(image if size is None else stacking.fit(image, size))


def read_images(paths: list[Path], size: Size | None = None, source: str = "folder") -> np.ndarray:
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
      >>> from jgan.data import folder
      >>> with tempfile.TemporaryDirectory() as path:
      ...     files = [Path(path) / "a.png", Path(path) / "b.png"]
      ...     Image.new("L", (4, 2)).save(files[0])
      ...     Image.new("RGB", (4, 2)).save(files[1])
      ...     folder.read_images(files).shape
      (2, 2, 4, 3)
    """
    images = ((str(path), read_image(path, size)) for path in paths)
    return stacking.stack(images, len(paths), f"{paths[0].parent}, {len(paths)} images", source)


def _either(folder: Path, files: list[Path], folders: list[Path]) -> None:
    """Checks that a folder holds images or folders, not both."""
    if files and folders:
        raise ValueError(f"{folder}: expected images or folders of images, found both, {files[0].name} and {folders[0].name}")


def _members(folder: Path) -> list[Path]:
    """The images of one class."""
    files, deeper = layout.entries(folder)
    if deeper or not files:
        raise ValueError(f"{folder}: expected images of one class, found {'a folder, ' + deeper[0].name if deeper else 'none'}")
    return files


def _nothing(folder: Path) -> ValueError:
    return ValueError(f"{folder}: expected images, or a folder of them for each class, found none")


def _read(folder: Path, size: Size | None, classes: list[str] | None = None) -> tuple[Batch, list[str] | None]:
    """The images of one part, flat or by class; `classes` are those of the training part, unless this is it."""
    files, folders = layout.entries(folder)
    _either(folder, files, folders)
    names = [path.name for path in folders]
    if classes is not None and (unknown := sorted(set(names) - set(classes))):
        raise ValueError(
            f"{folder}: expected classes of the training set, {text.listed(classes)}, found {text.listed(unknown)}"
        )
    labels = []
    for path in folders:
        members = _members(path)
        files += members
        labels += [(classes or names).index(path.name)] * len(members)
    if not files:
        raise _nothing(folder)
    x = read_images(files, size)
    return (Batch(x, values.integers(labels, str(folder))), classes or names) if folders else (Batch(x), None)


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
        labelled = label_file.read(root)
        if labelled is None:
            return _read(root, size)[0]
        if not labelled.files:
            raise _nothing(root)
        return Batch(read_images(labelled.files, size), labelled.labels)


def found_sizes(data_dir: Path) -> set[Size]:
    """The sizes of all images of a folder, by their headers; any layout that `load` accepts.

    Args:
      data_dir: the folder, or a zip or tar file.

    Returns:
      Heights and widths.

    Raises:
      ValueError: if a file is not an image.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import folder
      >>> folder.found_sizes(Path("no/such/folder"))
      set()
    """
    if data_dir.is_file() and archives.is_archive(data_dir):
        return archives.sizes(data_dir)
    found, folders = set(), [data_dir] if data_dir.is_dir() else []
    deepest = 9 if (data_dir / label_file.NAME).is_file() else 3  # the folder, its parts, their classes
    for _ in range(deepest):
        deeper: list[Path] = []
        for place in folders:
            files, inside = layout.entries(place, strict=False)
            deeper += inside
            for path in files:
                reading.regular(path, "an image")
                with path.open("rb") as file:
                    found.add(pictures.size(file, str(path), pictures.formats_of(path.suffix)))
        folders = deeper
    return found


def fitted(name: str, data_dir: Path | None, nearest: Callable[[Size], Size]) -> tuple[str, str]:
    """The set at the size that a model accepts: see `jgan.data.sources.fitted`."""
    found = set() if sizes.asked_size(name) or data_dir is None else found_sizes(data_dir)
    return sizes.fitted(name, found, nearest)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set from a folder of images.

    Args:
      name: the name of the result; a size may follow a colon, see `jgan.data.sizes`.
      data_dir: the folder, or a zip or tar file of one.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`, in the order of the names.

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
    with layout.opened(data_dir, name) as root:
        if layout.is_divided(root):
            return complete(name, _divided(root, size), held_out=held_out)
        return complete(name, {"train": read(root, size)}, held_out=held_out)


def _divided(data_dir: Path, size: Size | None) -> dict[str, Batch]:
    """The parts of a folder with `train/`, RGB if any of them is."""
    folders = layout.parts(data_dir)
    train, classes = _read(folders["train"], size)
    sets = {part: _read(path, size, classes)[0] for part, path in folders.items() if part != "train"} | {"train": train}
    return stacking.same_channels(sets)


sources.register(
    "folder",
    load,
    "images (PNG, JPEG, WebP, BMP, GIF, TIFF ...) in --data-dir, a folder or a zip or tar archive, flat or with one folder per "
    "class; of one size, or cropped and resized to one",
    usage="folder, folder:HEIGHTxWIDTH",
    holds_out=True,
    fitted=fitted,
)
