"""A folder of PNG or JPEG images, of one size or resized to one.

  FOLDER/*.png                                    no labels; a sixth for validation, a sixth for testing
  FOLDER/CLASS/*.png                              labels number the classes in the order of their names; divided class by class
  FOLDER/train/..., validation/..., test/...      each as above; a missing part is a fifth of the training images

A file that is not a readable image of the common size raises an error that names it. Only names that begin with a dot and the
desktop files `Thumbs.db` and `desktop.ini` are ignored.
"""

import re
from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import PARTS, Dataset, complete
from jgan.types import Batch

SUFFIXES = (".png", ".jpg", ".jpeg")
LITTER = ("Thumbs.db", "desktop.ini")

Size = tuple[int, int]
"""Height and width in pixels."""


def asked_size(name: str) -> Size | None:
    """Parses the size after the colon of a data set's name.

    Args:
      name: as in `folder`, `folder:64` (a square) or `folder:48x64` (height, width).

    Returns:
      The size, or None if the name has none.

    Raises:
      ValueError: if the text after the colon is not a size.

    Example:
      >>> from jgan.data import folder
      >>> folder.asked_size("folder:48x64"), folder.asked_size("folder:64"), folder.asked_size("folder")
      ((48, 64), (64, 64), None)
    """
    base, colon, size = name.partition(":")
    if not colon:
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", size)
    if match is None:
        raise ValueError(f"expected a size after the colon, as in {base}:64 or {base}:48x64 (height x width), found {name!r}")
    return int(match[1]), int(match[2] or match[1])


def read_image(path: str | Path, size: Size | None = None) -> np.ndarray:
    """Reads one image.

    Args:
      path: the file.
      size: height and width of the result: the largest centred crop of that aspect ratio is resized with antialiasing.

    Returns:
      uint8 `[height, width, 1]` if the file is grey, `[height, width, 3]` if it is coloured; rotated as its EXIF data say.

    Raises:
      ValueError: if it cannot be read, has more than 8 bits per channel, or is partly transparent.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import folder
      >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
      ...     Image.new("L", (4, 2), 7).save(file.name)
      ...     folder.read_image(file.name).shape
      (2, 4, 1)
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path}: expected a PNG or JPEG image, found a file that cannot be read as one ({error})") from error
    if upright.mode.startswith(("I", "F")):
        raise ValueError(f"{path}: expected 8 bits per channel, found Pillow's mode {upright.mode}: convert it")
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        if upright.getchannel("A").getextrema() != (255, 255):
            raise ValueError(f"{path}: expected an opaque image, found transparent pixels: put it on a background")
    grey = image.mode in ("1", "L", "LA")
    upright = upright.convert("L" if grey else "RGB")
    if size is not None:
        upright = ImageOps.fit(upright, (size[1], size[0]), Image.Resampling.LANCZOS)
    return np.array(upright).reshape(upright.height, upright.width, 1 if grey else 3)


def stack(images: dict[Path, np.ndarray]) -> np.ndarray:
    """Stacks images into one array, RGB if any of them is.

    Args:
      images: uint8 `[height, width, 1 or 3]` by file.

    Returns:
      uint8 `[N, height, width, 1 or 3]`.

    Raises:
      ValueError: if the sizes differ.

    Example:
      >>> from pathlib import Path
      >>> import numpy as np
      >>> from jgan.data import folder
      >>> folder.stack({Path("a"): np.zeros((2, 2, 1), np.uint8), Path("b"): np.ones((2, 2, 3), np.uint8)}).shape
      (2, 2, 2, 3)
    """
    first_path, first = next(iter(images.items()))
    for path, image in images.items():
        if image.shape[:2] != first.shape[:2]:
            raise ValueError(
                f"{path}: expected {first.shape[0]}x{first.shape[1]} pixels (height x width) as {first_path}, found "
                f"{image.shape[0]}x{image.shape[1]}: resize them all, as in folder:{first.shape[0]}x{first.shape[1]}"
            )
    channels = max(image.shape[2] for image in images.values())
    return np.stack([np.broadcast_to(image, (*image.shape[:2], channels)) for image in images.values()])


def _entries(folder: Path, *, strict: bool = True) -> tuple[list[Path], list[Path]]:
    """The images and the subfolders of a folder, sorted; anything else is an error if `strict`."""
    files, folders = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in LITTER:
            continue
        if path.is_dir():
            folders.append(path)
        elif path.suffix.lower() in SUFFIXES:
            files.append(path)
        elif strict:
            raise ValueError(f"{path}: expected only {', '.join(SUFFIXES)} files in a folder of images: move it away")
    return files, folders


def _read(folder: Path, size: Size | None, classes: list[str] | None = None) -> tuple[Batch, list[str] | None]:
    """The images of one part, flat or by class; `classes` are those of the training part, unless this is it."""
    files, folders = _entries(folder)
    if files and folders:
        raise ValueError(f"{folder}: expected images or folders of images, found both, {files[0].name} and {folders[0].name}")
    names = [path.name for path in folders]
    if classes is not None and (unknown := sorted(set(names) - set(classes))):
        raise ValueError(f"{folder}: expected classes of the training set, {', '.join(classes)}, found {', '.join(unknown)}")
    labels = []
    for path in folders:
        members, deeper = _entries(path)
        if deeper or not members:
            raise ValueError(
                f"{path}: expected images of one class, found {'a folder, ' + deeper[0].name if deeper else 'none'}"
            )
        files += members
        labels += [(classes or names).index(path.name)] * len(members)
    if not files:
        raise ValueError(f"{folder}: expected {', '.join(SUFFIXES)} files, or a folder of them for each class, found none")
    x = stack({path: read_image(path, size) for path in files})
    return (Batch(x, np.array(labels, np.int32)), classes or names) if folders else (Batch(x), None)


def read(path: Path, size: Size | None = None) -> Batch:
    """Reads all images of a folder, flat or with one folder per class.

    Args:
      path: the folder.
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
    return _read(path, size)[0]


def is_divided(data_dir: Path) -> bool:
    """Whether a folder holds images divided into `train/` and other parts.

    Args:
      data_dir: the folder.

    Returns:
      True if it has a subfolder `train`.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import folder
      >>> folder.is_divided(Path("no/such/folder"))
      False
    """
    return (data_dir / "train").is_dir()


def load(name: str, data_dir: Path | None) -> Dataset:
    """Loads a set from a folder of images.

    Args:
      name: the name of the result; a size may follow a colon, see `asked_size`.
      data_dir: the folder.

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
    size = asked_size(name)
    if data_dir is None:
        raise ValueError(f"{name} reads images from a folder: give it with --data-dir")
    if not data_dir.is_dir():
        found = "a file" if data_dir.exists() else "nothing"
        raise FileNotFoundError(f"{data_dir}: expected a folder of images, found {found} there")
    if is_divided(data_dir):
        return complete(name, _divided(data_dir, size))
    whole, _ = _read(data_dir, size)
    return complete(name, {"train": whole})


def _divided(data_dir: Path, size: Size | None) -> dict[str, Batch]:
    """The parts of a folder with `train/`, RGB if any of them is."""
    images, folders = _entries(data_dir, strict=False)
    unknown = [path.name for path in images + folders if path.name not in PARTS]
    if unknown:
        raise ValueError(
            f"{data_dir}: expected nothing but the folders {', '.join(PARTS)}, found {unknown[0]}: move or rename it"
        )
    train, classes = _read(data_dir / "train", size)
    sets = {path.name: _read(path, size, classes)[0] for path in folders if path.name != "train"} | {"train": train}
    channels = max(batch.x.shape[3] for batch in sets.values())
    return {
        part: batch._replace(x=np.array(np.broadcast_to(batch.x, (*batch.x.shape[:3], channels))))
        for part, batch in sets.items()
    }


sources.register(
    "folder",
    load,
    "PNG and JPEG files in --data-dir, flat or with one folder per class; of one size, or cropped and resized to one",
    usage="folder, folder:HEIGHTxWIDTH",
)
