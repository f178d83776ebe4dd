"""Data sets: one small file for each source, one registry, one shape of result.

`load(name, data_dir)` gives a `Dataset` of NumPy arrays in memory, which `jgan.data.resident` then serves from the device. To
add a source, write a file with a function `load(name, data_dir) -> Dataset` and name it in `SOURCES` below.
"""

import difflib
from collections.abc import Callable
from pathlib import Path

from jgan.data import cifar, digits, faces, folder, idx, npz, origin, pattern1010, tfds, toys
from jgan.data.dataset import Dataset, spec

__all__ = ["SOURCES", "Dataset", "load", "spec"]


def _idx_or_tfds(name: str, data_dir: Path | None) -> Dataset:
    """The IDX files in the folder, or in its subfolder of the set's name; else the folder is that of tensorflow-datasets."""
    base = name.partition(":")[0]
    places = [] if data_dir is None else [data_dir, data_dir / base]
    place = next((place for place in places if idx.find(place) is not None), None)
    return tfds.load(name, data_dir) if place is None else idx.load(base, place)


def _cifar10(name: str, data_dir: Path | None) -> Dataset:
    """The files of CIFAR's authors, or folders of images, if `data_dir` holds any; else it is that of tensorflow-datasets."""
    if data_dir is not None and cifar.find(data_dir) is not None:
        return cifar.load(name, data_dir)
    if data_dir is None or not folder.is_divided(data_dir):
        return tfds.load(name, data_dir)
    dataset = folder.load(name, data_dir)
    if dataset.train.x.shape[1:] != (32, 32, 3):
        raise ValueError(
            f"{data_dir}: expected CIFAR's images, 32x32x3, found {dataset.train.x.shape[1:]}: ask for folder instead"
        )
    return dataset


SOURCES: dict[str, Callable[[str, Path | None], Dataset]] = {
    "digits": digits.load,
    "mnist": _idx_or_tfds,
    "fashion_mnist": _idx_or_tfds,
    "kmnist": _idx_or_tfds,
    "cifar10": _cifar10,
    "olivetti": faces.load,
    "folder": folder.load,
    "npz": npz.load,
    "pattern1010": pattern1010.load,
    "origin": origin.load,
    **dict.fromkeys(toys.MIXTURES, toys.load),
}
"""The sources by the names that `load` takes, up to a colon; every other name is asked of tensorflow-datasets."""


def load(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Loads a data set into memory.

      digits                        1,797 real digits, 8x8, embedded
      mnist, fashion_mnist, kmnist  70,000 grey images, 28x28: the IDX files in `data_dir`, else tensorflow-datasets
      cifar10                       60,000 photographs, 32x32x3: its authors' files or folders of images in `data_dir`, else
                                    tensorflow-datasets
      olivetti, olivetti:SIDE       400 faces, 48x48 or as asked: `olivettifaces.mat` in `data_dir`, else scikit-learn
      folder, folder:HEIGHTxWIDTH   PNG and JPEG files in `data_dir`, of one size or brought to one
      npz                           arrays in `data_dir`, a file or the folder of one
      pattern1010                   synthetic rows of four numbers
      ring8, grid25, gaussian1d     synthetic points, 60,000 of a mixture of Gaussians in two dimensions or one
      NAME, NAME/CONFIG             any image set of tensorflow-datasets; `data_dir` is its data folder, None for its default

    Args:
      name: one of these.
      data_dir: the folder (for `npz`, or the file) where the data are.

    Returns:
      The `Dataset`.

    Raises:
      ValueError: if the name is unknown, or the data are not what they should be.
      FileNotFoundError: if files are missing.

    Example:
      >>> from jgan import data
      >>> data.load("digits").test.x.shape
      (296, 8, 8, 1)
      >>> data.load("digit")  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      ValueError: unknown data set 'digit', did you mean 'digits'? Known are digits, mnist, ...
    """
    folder_or_none = None if data_dir is None else Path(data_dir).expanduser()
    source = SOURCES.get(name.partition(":")[0])
    if source is None:
        if not tfds.knows(name, folder_or_none):
            raise ValueError(_unknown(name))
        source = tfds.load
    return source(name, folder_or_none)


def _unknown(name: str) -> str:
    """What to say of a name that no source has."""
    try:
        others = tfds.names()
        rest = f"the {len(others)} of tensorflow-datasets"
    except ValueError as error:
        others, rest = [], f"those of tensorflow-datasets; but {error}"
    close = difflib.get_close_matches(name.lower(), [*SOURCES, *others], n=1)
    hint = f", did you mean {close[0]!r}? Known" if close else ": known"
    return f"unknown data set {name!r}{hint} are {', '.join(SOURCES)} and {rest}"
