"""Pictures of any size with their names: one file, a folder, an archive or an array."""

import collections
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import archives, folder, image_files, pictures, reading
from jgan.evaluation import sets
from jgan.utils import text


class Picture(NamedTuple):
    """A picture: its name without a suffix, its file for messages, and its pixels, uint8 `[height, width, 1 or 3]`."""

    name: str
    where: str
    pixels: np.ndarray


def is_picture(path: Path) -> bool:
    """Whether a path is one picture, by its suffix, and not a set of them.

    Args:
      path: the path.

    Returns:
      True for one picture.

    Example:
      >>> from pathlib import Path
      >>> from jgan.evaluation import named
      >>> named.is_picture(Path("lake.jpg")), named.is_picture(Path("lakes.npz"))
      (True, False)
    """
    path = reading.user_path(path)
    return path.suffix.lower() in pictures.SUFFIXES and not path.is_dir()


def has_names(path: Path) -> bool:
    """Whether what is read from a path has names: files do, the rows of an array and the members of an archive do not."""
    return is_picture(path) or reading.user_path(path).is_dir()


def read(path: Path, most: int = pictures.MOST_PIXELS) -> Iterator[Picture]:
    """Reads a picture, or a set of them.

    Args:
      path: a picture; a folder of pictures, which may differ in size; an archive of one, or an `.npz` file, of one size.
      most: the largest number of pixels of a file that is a picture.

    Yields:
      The pictures, one at a time, in the order of their names; those of an archive or an array are named by their number.

    Raises:
      FileNotFoundError: if there is nothing.
      ValueError: if a file is not a picture; the message names it.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> from PIL import Image
      >>> from jgan.evaluation import named
      >>> with tempfile.TemporaryDirectory() as path:
      ...     Image.new("L", (4, 2)).save(Path(path) / "lake.png")
      ...     [(picture.name, picture.pixels.shape) for picture in named.read(Path(path))]
      [('lake', (2, 4, 1))]
    """
    path = reading.user_path(path)
    if has_names(path):
        for name, file in files(path).items():
            yield Picture(name, str(file), image_files.read_image(file, most=most))
        return
    if path.is_file() and not (archives.is_archive(path) or path.suffix.lower() == ".npz"):
        raise ValueError(f"{path}: expected a picture ({text.listed(pictures.SUFFIXES)}), a folder or an .npz file of pictures")
    found = sets.read(path).images
    digits = max(4, len(str(len(found) - 1)))
    for index, pixels in enumerate(found):
        yield Picture(f"{index:0{digits}}", f"{path}, image {index}", pixels)


def files(path: Path) -> dict[str, Path]:
    """The files of a picture or a folder by their names without suffixes.

    Args:
      path: a picture, or a folder of pictures, flat or with one folder per class.

    Returns:
      The files in the order of their paths; those that would have the same name have their whole relative path instead.

    Raises:
      ValueError: if the folder holds anything else, or nothing.

    Example:
      >>> from pathlib import Path
      >>> from jgan.evaluation import named
      >>> list(named.files(Path("lakes/lake.jpg")))
      ['lake']
    """
    path = reading.user_path(path)
    if not path.is_dir():
        return {path.stem: path}
    found = folder.files(path)
    often = collections.Counter(file.stem for file in found)
    return {file.stem if often[file.stem] == 1 else "-".join(file.relative_to(path).parts): file for file in found}
