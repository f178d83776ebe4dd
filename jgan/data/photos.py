"""Colour photographs that come with scikit-image, cut into pieces: real photographs for a first run, without a download.

Five photographs: a portrait, a cat, a cup of coffee, a rocket and a motorcycle. Of each the left three fifths are for training,
the next fifth for validation and the last for testing, so that no piece shares a pixel with one of another part. They are few
scenes in many pieces: examples of a task, not a benchmark. The files are read here, without importing scikit-image.
"""

import re
from pathlib import Path

import numpy as np

from jgan.data import image_files, reading, sources
from jgan.data.dataset import PARTS, Dataset, reads_no_files
from jgan.data.pieces import pieces
from jgan.types import Batch

FILES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
"""The files in the folder `data` of scikit-image."""

SHARES = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0)}
"""The columns of each part."""

SIDE, SMALLEST, LARGEST = 64, 16, 80
"""The usual side of a piece, the smallest and the largest; the narrowest strip has 90 columns."""


def asked_side(name: str) -> int:
    """Parses the side after the colon of the set's name.

    Args:
      name: `photos`, or `photos:SIDE`.

    Returns:
      The side of the pieces in pixels.

    Raises:
      ValueError: if it is not a number from 16 to 80.

    Example:
      >>> from jgan.data import photos
      >>> photos.asked_side("photos"), photos.asked_side("photos:32")
      (64, 32)
    """
    _, colon, side = name.partition(":")
    if not colon:
        return SIDE
    if not re.fullmatch(r"\d{1,3}", side) or not SMALLEST <= int(side) <= LARGEST:
        raise ValueError(f"expected a side from {SMALLEST} to {LARGEST} after the colon, as in photos:32, found {name!r}")
    return int(side)


def _folder() -> Path:
    """The folder of the files in the installed package; a ValueError if there is none."""
    found = reading.package_folders("skimage")
    for place in found:
        if all((place / "data" / name).is_file() for name in FILES):
            return place / "data"
    missing = "the package scikit-image is not installed" if not found else "this scikit-image has not all of them"
    raise ValueError(f"photos are read from files of scikit-image, and {missing}: pip install 'jgan[samples]'")


def load(name: str = "photos", data_dir: Path | None = None) -> Dataset:
    """Loads the pieces.

    Args:
      name: the name of the result: see `asked_side`.
      data_dir: must be None: the files are those of the package.

    Returns:
      The `Dataset`, its images `[N, side, side, 3]`; neighbouring pieces overlap by three quarters.

    Raises:
      ValueError: if scikit-image is not installed, or a folder is given.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import photos
      >>> photos.load("photos", Path("here"))
      Traceback (most recent call last):
      ValueError: photos is part of scikit-image and reads no files, found the data folder here: leave it out

    References:
      https://scikit-image.org/docs/stable/api/skimage.data.html, which names the photographers and the licences.
    """
    reads_no_files("photos", data_dir, kind="part of scikit-image")
    side, place = asked_side(name), _folder()
    found: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for file in FILES:
        photograph = image_files.read_image(place / file)
        for part, (first, last) in SHARES.items():
            strip = photograph[:, round(first * photograph.shape[1]) : round(last * photograph.shape[1])]
            found[part] += pieces(strip, side, side // 4)
    return Dataset(name, **{part: Batch(np.stack(images)) for part, images in found.items()})


sources.register(
    "photos",
    load,
    "pieces of five photographs that come with scikit-image, 64x64: pip install 'jgan[samples]'",
    usage="photos, photos:SIDE",
)
