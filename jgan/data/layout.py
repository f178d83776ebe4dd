"""How folders of images are laid out: images, folders of them, and the parts train, validation and test."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from jgan.data import archives, pictures, reading
from jgan.data.dataset import PARTS
from jgan.utils import text

OTHER_NAMES = {"val": "validation"}
"""Names of parts, as some sets have them, besides `PARTS`."""


def entries(folder: Path, *, strict: bool = True) -> tuple[list[Path], list[Path]]:
    """The images and the subfolders of a folder.

    Args:
      folder: the folder.
      strict: whether any other file is an error, unless it is what desktops and archives leave (`reading.is_litter`).

    Returns:
      `(images, folders)`, each sorted by name.

    Raises:
      ValueError: if there is another file.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> from jgan.data import layout
      >>> with tempfile.TemporaryDirectory() as path:
      ...     (Path(path) / "a.png").touch()
      ...     (Path(path) / ".DS_Store").touch()
      ...     [file.name for file in layout.entries(Path(path))[0]]
      ['a.png']
    """
    files, folders = [], []
    for path in sorted(folder.iterdir()):
        if reading.is_litter(path):
            continue
        if path.is_dir():
            folders.append(path)
        elif path.suffix.lower() in pictures.SUFFIXES:
            files.append(path)
        elif strict:
            raise _another(path)
    return files, folders


def _another(path: Path) -> ValueError:
    expected = f"expected only images ({text.listed(pictures.SUFFIXES)}) in a folder of images"
    return ValueError(f"{path}: {expected}, found another file: move it away")


def inside(folder: Path, around: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files of a folder, then those of the folders in it, but not what desktops and archives leave.

    Args:
      folder: the folder.
      around: the folders in which it was found, without links.

    Yields:
      The files of each folder by name.

    Raises:
      ValueError: at a link to a folder that it lies in.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> from jgan.data import layout
      >>> with tempfile.TemporaryDirectory() as path:
      ...     (Path(path) / "a").mkdir()
      ...     (Path(path) / "a" / "b.png").touch()
      ...     (Path(path) / "c.png").touch()
      ...     [file.name for file in layout.inside(Path(path))]
      ['c.png', 'b.png']
    """
    here = folder.resolve()
    if here in around:
        raise ValueError(f"{folder}: expected a folder of images, found a link to a folder that it lies in: remove it")
    paths = [path for path in sorted(folder.iterdir()) if not reading.is_litter(path)]
    yield from (path for path in paths if not path.is_dir())
    for path in paths:
        if path.is_dir():
            yield from inside(path, (*around, here))


def images_inside(folder: Path) -> list[Path]:
    """The images of a folder and of the folders in it, which hold nothing else.

    Args:
      folder: the folder.

    Returns:
      The files, perhaps none, in the order of `inside`.

    Raises:
      ValueError: if there is another file, or a link to a folder that it lies in.

    Example:
      See `inside`.
    """
    files = list(inside(folder))
    for path in files:
        if path.suffix.lower() not in pictures.SUFFIXES:
            raise _another(path)
    return files


def images(folder: Path) -> list[Path]:
    """The images of a folder that holds nothing else.

    Args:
      folder: the folder.

    Returns:
      The files, sorted by name; at least one.

    Raises:
      ValueError: if there is none, or anything else.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> from jgan.data import layout
      >>> with tempfile.TemporaryDirectory() as path:
      ...     (Path(path) / "a.png").touch()
      ...     len(layout.images(Path(path)))
      1
    """
    files, folders = entries(folder)
    if folders or not files:
        found = f"a folder, {folders[0].name}" if folders else "none"
        raise ValueError(f"{folder}: expected images, found {found}: give the folder that holds them")
    return files


def is_divided(data_dir: Path) -> bool:
    """Whether a folder holds images divided into `train/` and other parts.

    Args:
      data_dir: the folder.

    Returns:
      True if it has a subfolder `train`.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import layout
      >>> layout.is_divided(Path("no/such/folder"))
      False
    """
    return (data_dir / "train").is_dir()


def parts(data_dir: Path) -> dict[str, Path]:
    """The folders of the parts of a divided folder.

    Args:
      data_dir: the folder, which has a subfolder `train`.

    Returns:
      The folders by the names of `PARTS`, so far as they are there; `val` is read as `validation`.

    Raises:
      ValueError: if anything else is there, or one part twice.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> from jgan.data import layout
      >>> with tempfile.TemporaryDirectory() as path:
      ...     for name in ("train", "val"):
      ...         (Path(path) / name).mkdir()
      ...     list(layout.parts(Path(path)))
      ['train', 'validation']
    """
    files, folders = entries(data_dir, strict=False)
    found: dict[str, Path] = {}
    for path in files + folders:
        part = OTHER_NAMES.get(path.name, path.name)
        if part not in PARTS or path in files:
            raise ValueError(
                f"{data_dir}: expected nothing but the folders {', '.join(PARTS)}, found {path.name}: move or rename it"
            )
        if part in found:
            raise ValueError(f"{data_dir}: expected one folder for {part}, found {found[part].name} and {path.name}: join them")
        found[part] = path
    return found


@contextlib.contextmanager
def opened(data_dir: Path | None, name: str) -> Iterator[Path]:
    """The folder of the images, which must have been given and must be there; an archive is unpacked for the length of a block.

    Args:
      data_dir: what was given: a folder, or a zip or tar file of one.
      name: the name of the data set, for messages.

    Yields:
      The folder.

    Raises:
      ValueError: if none was given, or an archive is damaged.
      FileNotFoundError: if there is no such folder.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import layout
      >>> with layout.opened(Path("no/such/folder"), "folder"):
      ...     pass
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected a folder of images, found nothing there
    """
    if data_dir is None:
        raise ValueError(f"{name} reads images from a folder or an archive: give it with --data-dir")
    if data_dir.is_dir():
        yield data_dir
    elif not data_dir.exists():
        raise FileNotFoundError(f"{data_dir}: expected a folder of images, found nothing there")
    elif archives.is_archive(data_dir):
        with archives.unpacked(data_dir) as root:
            yield root
    else:
        raise ValueError(f"{data_dir}: expected a folder of images, or a zip or tar archive of one, found another file")
