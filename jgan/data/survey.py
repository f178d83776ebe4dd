"""What a source of data holds, for `python -m jgan.data`: numbers, classes, sizes, and the files that cannot be read.

A folder of images, or an archive of one, is looked at file by file, so that every broken one is named, not only the first. Any
other set is loaded as training loads it.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import folder, huggingface, image_files, label_file, layout, pictures, reading, sources, stacking
from jgan.data.dataset import Dataset
from jgan.data.fingerprints import fingerprint
from jgan.data.hdf5 import SUFFIXES as HDF5
from jgan.data.kinds import label_of, length, sets_of
from jgan.data.lazy import Access
from jgan.ragged import is_ragged
from jgan.utils import text

SHOWN, SIDE = 64, 64
"""The most pictures of a contact sheet, and the side of those that are large or not all of one size."""

TINY = 8
"""The side at which a folder is read as for training, to see whether it can be."""


class Survey(NamedTuple):
    """What a source holds.

    Attributes:
      parts: the number of examples by part, and by set if there are several: `{"train": 4}`, `{"train a": 4}`.
      classes: the number of examples by class, or by label; empty without labels.
      sizes: the number of images by height, width and channels; `(2,)` for points of the plane.
      broken: the message for each file that cannot be read.
      pictures: uint8 `[n, height, width, 1 or 3]`, for a contact sheet; None if there are none.
      digest: the SHA-256 by which a run recognises the training examples; None where a size must be given for them.
    """

    parts: Counter[str]
    classes: Counter[str]
    sizes: Counter[tuple[int, ...]]
    broken: list[str]
    pictures: np.ndarray | None
    digest: str | None


def source_of(path: Path) -> str:
    """The data source that reads a path.

    Args:
      path: a folder or a file.

    Returns:
      Its name, such as `"folder"`, `"npz"`, `"hdf5"`, `"huggingface"`, `"lines"`, `"mnist"` or `"cifar10"`.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it is a pipe or a device, or a set of tensorflow-datasets, which is read by its name.

    Example:
      >>> from jgan.data import survey
      >>> survey.source_of(Path("no/such/folder"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected a folder or a file of data, found nothing there
    """
    if not path.is_dir():
        reading.regular(path, "a folder or a file of data")
    names = [found.name for found in path.iterdir() if not reading.is_litter(found)] if path.is_dir() else [path.name]
    if any("-ubyte" in name or ".ubyte" in name for name in names):
        return "mnist"
    if any(name.startswith(("data_batch", "cifar-10-")) for name in names):
        return "cifar10"
    if any(mark in names for mark in huggingface.MARKS):
        return "huggingface"
    if {"dataset_info.json", "features.json"} <= set(names):
        raise ValueError(
            f"{path}: expected images, found a set that tensorflow-datasets has prepared: give its name, and the folder of all "
            "such sets, as in python -m jgan.data NAME --data-dir FOLDER"
        )
    for source, known in (("npz", (".npz", ".npy")), ("hdf5", HDF5), ("lines", (".txt",))):
        alike = [name for name in names if Path(name).suffix.lower() in known]
        if len(alike) == 1 and (not path.is_dir() or (source != "lines" and not layout.entries(path, strict=False)[0])):
            return source
    return "folder"


def survey(name: str, data_dir: Path | None) -> Survey:
    """Looks at a source of data.

    Args:
      name: the name of the data set, as for training.
      data_dir: its folder or file.

    Returns:
      The `Survey`.

    Raises:
      FileNotFoundError, ValueError: if it cannot be read at all; a folder with broken files can.

    Example:
      >>> from jgan.data import survey
      >>> found = survey.survey("digits", None)
      >>> dict(found.parts), found.classes["3"], dict(found.sizes)
      ({'train': 1204, 'validation': 297, 'test': 296}, 183, {(8, 8, 1): 1797})
    """
    if name != "folder" or data_dir is None:
        return of_dataset(sources.load(name, data_dir))
    data_dir = reading.user_path(data_dir)
    with layout.opened(data_dir, name) as root:
        found = of_files(root)
        shown = [message.replace(str(root), str(data_dir)) for message in found.broken]
    return found._replace(broken=shown)


def of_files(root: Path) -> Survey:
    """Looks at the images of a folder, one by one.

    Args:
      root: the folder.

    Returns:
      The `Survey`, with a digest if all images have one size. If every file can be read, what else would keep training from
      reading the folder, such as a class without images, is in `broken` too.

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> from jgan.data import survey
      >>> with tempfile.TemporaryDirectory() as path:
      ...     Image.new("L", (4, 2)).save(Path(path) / "a.png")
      ...     _ = (Path(path) / "b.png").write_text("no")
      ...     found = survey.of_files(Path(path))
      >>> dict(found.parts), dict(found.sizes), len(found.broken)
      ({'all': 1}, {(2, 4, 1): 1}, 1)
    """
    found = Survey(Counter(), Counter(), Counter(), [], None, None)
    files = list(_files(root, found.broken))
    chosen = set(np.linspace(0, max(0, len(files) - 1), SHOWN).round().astype(int).tolist())
    kept = []
    for index, (part, label, path) in enumerate(files):
        try:
            image = image_files.read_image(path)
        except (ValueError, OSError) as error:
            found.broken.append(text.one_line(error))
            continue
        found.parts[part] += 1
        found.sizes[image.shape] += 1
        if label:
            found.classes[label] += 1
        if index in chosen:
            kept.append(_small(image))
    digest = None
    if not found.broken:
        try:
            if len({shape[:2] for shape in found.sizes}) == 1:
                digest = _digest(folder.load("folder", root, access=Access(lazy=True)))
            else:
                folder.load(f"folder:{TINY}", root)
        except ValueError as error:
            found.broken.append(text.one_line(error))
    return found._replace(pictures=_sheet(kept), digest=digest)


def _digest(dataset: Dataset) -> str:
    """The SHA-256 of the training examples of the first set."""
    return next(iter(fingerprint(dataset).values()))["sha256"]


def _files(root: Path, broken: list[str]) -> Iterator[tuple[str, str, Path]]:
    """The part, the class and the path of each image; what is none is noted."""
    try:
        labelled = label_file.read(root)
    except ValueError as error:
        broken.append(text.one_line(error))
        return
    if labelled is not None:
        labels = [""] * len(labelled.files) if labelled.labels is None else map(str, labelled.labels.tolist())
        yield from (("all", label, path) for label, path in zip(labels, labelled.files, strict=True))
        return
    parts = {"all": root}
    if layout.is_divided(root):
        try:
            parts = layout.parts(root)
        except ValueError as error:
            broken.append(text.one_line(error))
            return
    for part, place in parts.items():
        yield from ((part, label, path) for label, path in _of_part(place, broken))


def _of_part(place: Path, broken: list[str]) -> Iterator[tuple[str, Path]]:
    """The class and the path of each image of a part."""
    for path in sorted(place.iterdir()):
        if reading.is_litter(path):
            continue
        try:
            files = list(layout.inside(path)) if path.is_dir() else [path]
        except ValueError as error:
            broken.append(text.one_line(error))
            continue
        for file in files:
            if file.suffix.lower() not in pictures.SUFFIXES:
                broken.append(f"{file}: expected only images in a folder of images, found another file: move it away")
            else:
                yield path.name if path.is_dir() else "", file


def of_dataset(dataset: Dataset) -> Survey:
    """Looks at a data set in memory.

    Args:
      dataset: the data set.

    Returns:
      The `Survey`; of several sets, the pictures of the first that has some.

    Example:
      >>> from jgan import data
      >>> from jgan.data import survey
      >>> survey.of_dataset(data.load("digits")).pictures.shape
      (64, 8, 8, 1)
    """
    found = Survey(Counter(), Counter(), Counter(), [], None, None)
    pictured = None
    for part, batches in dataset.parts.items():
        for name, batch in sets_of(batches).items():
            found.parts[label_of(part, name)] += length(batch)
            for label in () if batch.y is None else np.asarray(batch.y).tolist():
                found.classes[str(label)] += 1
            images = batch.x.images() if is_ragged(batch.x) else batch.x
            if isinstance(images, list):
                found.sizes.update(image.shape for image in images)
            elif isinstance(images, np.ndarray):
                found.sizes[images.shape[1:]] += len(images)
            else:
                continue
            pictured = pictured if pictured is not None else _some(images)
    return found._replace(pictures=pictured, digest=_digest(dataset))


def _some(images: list[np.ndarray] | np.ndarray) -> np.ndarray | None:
    """A few of the images of a set, evenly chosen; None of points."""
    chosen = np.unique(np.linspace(0, len(images) - 1, SHOWN).round().astype(int))
    if images[0].ndim != 3 or images[0].shape[2] not in (1, 3):
        return None
    return _sheet([_small(images[index]) for index in chosen])


def _small(image: np.ndarray) -> np.ndarray:
    """An image as uint8, cropped and resized if it is large."""
    image = image if image.dtype == np.uint8 else np.round(image * 255).astype(np.uint8)
    return _resized(image) if max(image.shape[:2]) > 4 * SIDE else image


def _resized(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    return stacking.pixels(stacking.fit(Image.fromarray(image[..., 0] if image.shape[2] == 1 else image), (SIDE, SIDE)))


def _sheet(images: list[np.ndarray]) -> np.ndarray | None:
    """Images of one size and as many channels: those of several are cropped and resized."""
    if not images:
        return None
    if len({image.shape[:2] for image in images}) > 1:
        images = [_resized(image) for image in images]
    channels = max(image.shape[2] for image in images)
    return np.stack([np.broadcast_to(image, (*image.shape[:2], channels)) for image in images])
