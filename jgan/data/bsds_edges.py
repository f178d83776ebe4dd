"""Pairs of BSDS500: photographs as the condition, and the boundaries that people have drawn in them.

The set has 200 photographs for training, 100 for validation and 200 for testing, 481x321 or 321x481, each annotated by about
five people (Arbelaez et al., 2011). A pixel of the map is white if any of them has drawn a boundary there, because the lines of
two people are rarely on the same pixels: of those that anybody has drawn, 9 in 100 were drawn by more than half of the
people.

Photographs and maps are cut into the same square tiles side by side, as many as fit, centred. They may be reduced before:
photographs by the mean of square blocks of pixels, maps by their maximum, so that lines stay whole.

  FOLDER/images/{train,val,test}/NAME.jpg    FOLDER/groundTruth/{train,val,test}/NAME.mat

also below FOLDER/data or FOLDER/BSDS500/data, as the archive has it. `swapped:bsds_edges` asks for photographs of drawn lines,
and `bsds` is the photographs alone.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import image_files, layout, reading, sources
from jgan.data.dataset import Dataset
from jgan.types import Batch, Field

SIDE = 64

PLACES = (".", "data", "BSDS500/data")
"""Where the folder `images` may be."""

PARTS = {"train": "train", "validation": "val", "test": "test"}
"""The set's own names of the parts."""

LARGEST_FILE = 1 << 20
"""The most bytes of a file of maps, which have about 50,000: they are compressed, and must not fill the memory."""


class Tiles(NamedTuple):
    """How photographs are cut: the side of a tile, and the factor by which they are reduced before."""

    side: int = SIDE
    reduction: int = 1


def asked(name: str) -> Tiles:
    """Parses the tiles after the colon of the name.

    Args:
      name: `bsds_edges`, `bsds_edges:SIDE` or `bsds_edges:SIDE/REDUCTION`.

    Returns:
      The `Tiles`.

    Raises:
      ValueError: if the text after the colon is anything else.

    Example:
      >>> from jgan.data import bsds_edges
      >>> bsds_edges.asked("bsds_edges:96/2")
      Tiles(side=96, reduction=2)
    """
    base, colon, rest = name.partition(":")
    if not colon:
        return Tiles()
    match = re.fullmatch(r"([1-9]\d{0,2})(?:/([1-9]))?", rest)
    if match is None:
        raise ValueError(
            f"expected a side in pixels of at most three digits, and a reduction of one, as in {base}:64 or {base}:64/2, "
            f"found {name!r}"
        )
    return Tiles(int(match[1]), int(match[2] or 1))


def read_map(path: Path) -> np.ndarray:
    """Reads the boundaries that anybody has drawn in a photograph.

    Args:
      path: a file of the set's `groundTruth`: a cell array, in each cell a structure with the field `Boundaries`.

    Returns:
      uint8 `[height, width, 1]`, 0 or 255.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it is anything else.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import bsds_edges
      >>> bsds_edges.read_map(Path("no/such.mat"))
      Traceback (most recent call last):
      FileNotFoundError: no/such.mat: expected a MATLAB file with `groundTruth`, found nothing there
    """
    from scipy.io import loadmat

    expected = "a MATLAB file with `groundTruth`"
    size = reading.regular(path, expected)
    if size > LARGEST_FILE:
        raise ValueError(f"{path}: expected {expected} of at most {LARGEST_FILE} bytes, found {size}")
    with reading.naming(path, expected):
        people = loadmat(path, variable_names=["groundTruth"])["groundTruth"].ravel()
        maps = [person["Boundaries"][0, 0] for person in people]
    if not maps or any(one.ndim != 2 or one.shape != maps[0].shape or one.dtype.kind not in "bu" for one in maps):
        found = ", ".join(f"{one.dtype} {one.shape}" for one in maps) or "none"
        raise ValueError(f"{path}: expected boundary maps [height, width] of one size, found {found}: get the file again")
    return 255 * np.any(maps, axis=0)[..., None].astype(np.uint8)


def cut(image: np.ndarray, tiles: Tiles, *, lines: bool) -> np.ndarray:
    """Reduces an image and cuts it into tiles.

    Args:
      image: uint8 `[height, width, channels]`.
      tiles: how.
      lines: whether to reduce by the maximum of blocks, instead of their mean.

    Returns:
      uint8 `[N, side, side, channels]`, row by row; N is 0 if the image is too small.

    Example:
      >>> import numpy as np
      >>> from jgan.data import bsds_edges
      >>> image = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
      >>> bsds_edges.cut(image, bsds_edges.Tiles(1, 2), lines=True).ravel().tolist()
      [7, 9, 11, 19, 21, 23]
    """
    height, width, channels = image.shape
    factor, side = tiles.reduction, tiles.side
    blocks = image[: height // factor * factor, : width // factor * factor]
    blocks = blocks.reshape(height // factor, factor, width // factor, factor, channels)
    reduced = blocks.max((1, 3)) if lines else np.rint(blocks.mean((1, 3))).astype(np.uint8)
    rows, columns = reduced.shape[0] // side, reduced.shape[1] // side
    top, left = (reduced.shape[0] - rows * side) // 2, (reduced.shape[1] - columns * side) // 2
    whole = reduced[top : top + rows * side, left : left + columns * side]
    return whole.reshape(rows, side, columns, side, channels).swapaxes(1, 2).reshape(-1, side, side, channels)


def _part(root: Path, own: str, tiles: Tiles, maps_too: bool) -> Batch:
    """The tiles of one part, photograph after photograph."""
    files = layout.images(root / "images" / own)
    first = cut(image_files.read_image(files[0]), tiles, lines=False)
    reading.check_size(root / "images" / own, len(files) * max(1, len(first)) * tiles.side**2 * 4)
    images, maps = [], []
    for file in files:
        image = image_files.read_image(file)
        images.append(cut(np.broadcast_to(image, (*image.shape[:2], 3)), tiles, lines=False))
        if maps_too:
            maps.append(cut(_map_of(image, root / "groundTruth" / own / f"{file.stem}.mat"), tiles, lines=True))
    if not sum(map(len, images)):
        raise ValueError(
            f"{root / 'images' / own}: expected photographs of at least a tile of {tiles.side}, found smaller ones"
        )
    photographs = np.concatenate(images)
    return Batch(np.concatenate(maps), c=photographs) if maps_too else Batch(photographs)


def _map_of(image: np.ndarray, path: Path) -> np.ndarray:
    drawn = read_map(path)
    if image.shape[:2] != drawn.shape[:2]:
        expected, found = (f"{shape[0]}x{shape[1]}" for shape in (image.shape, drawn.shape))
        raise ValueError(f"{path}: expected maps of {expected}, found {found}: get the set again")
    return drawn


def load(name: str = "bsds_edges", data_dir: Path | None = None) -> Dataset:
    """Loads the photographs and the boundary maps of BSDS500, or the photographs alone.

    Args:
      name: `bsds_edges`, in tiles of 64x64, `bsds_edges:SIDE`, or `bsds_edges:SIDE/REDUCTION`; the same of `bsds`.
      data_dir: the folder of the set.

    Returns:
      The `Dataset`: `x` the maps `[N, side, side, 1]`, `c` the photographs `[N, side, side, 3]`; of `bsds` these are `x`.

    Raises:
      FileNotFoundError: if there is no such folder, or a photograph has no map.
      ValueError: if a file is damaged, or a photograph and its map differ in size.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import bsds_edges
      >>> bsds_edges.load("bsds_edges", Path("no/such/folder"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected images/train and groundTruth/train of BSDS500, found neither

    References:
      Arbelaez et al., "Contour Detection and Hierarchical Image Segmentation" (2011), https://doi.org/10.1109/TPAMI.2010.161
    """
    tiles = asked(name)
    if data_dir is None:
        raise ValueError(f"{name} reads photographs from a folder: give it with --data-dir")
    root = next((data_dir / place for place in PLACES if (data_dir / place / "images" / "train").is_dir()), None)
    if root is None:
        raise FileNotFoundError(f"{data_dir}: expected images/train and groundTruth/train of BSDS500, found neither")
    maps_too = name.partition(":")[0] == "bsds_edges"
    parts = {part: _part(root, own, tiles, maps_too) for part, own in PARTS.items()}
    drawn, photographs = (Field((tiles.side, tiles.side, channels)) for channels in (1, 3))
    return Dataset(name, **parts, fields=Batch(drawn, None, photographs) if maps_too else Batch(photographs))


sources.register(
    "bsds_edges",
    load,
    "pairs of BSDS500 in --data-dir: the boundaries that people have drawn and, as c, the photographs, in tiles of SIDExSIDE "
    "(default 64) after a reduction by a whole factor",
    usage="bsds_edges, bsds_edges:SIDE, bsds_edges:SIDE/REDUCTION",
)
sources.register(
    "bsds",
    load,
    "photographs of BSDS500 in --data-dir, in tiles of SIDExSIDE (default 64) after a reduction by a whole factor",
    usage="bsds, bsds:SIDE, bsds:SIDE/REDUCTION",
)
