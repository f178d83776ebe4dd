"""Image sets of Hugging Face's `datasets`, as `save_to_disk` writes them.

    datasets.load_dataset("NAME").save_to_disk("FOLDER")

The one column of images is read, and the one of classes, if there is one. The images stay encoded, and are decoded by the rules
of `folder`. Nothing is downloaded, and no code of a set is run.
"""

import dataclasses
import functools
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from jgan.data import image_files, layout, reading, sizes, sources, stacking, values
from jgan.data.dataset import PARTS, Dataset, class_names, complete
from jgan.data.lazy import AT_ONCE, Access
from jgan.data.sizes import Size
from jgan.types import Batch
from jgan.utils import text

MARKS = ("dataset_dict.json", "state.json")
"""The file of a saved set that is divided, and of one that is not."""


_OPENING = threading.Lock()
"""One thread opens a set; the others wait for it: `datasets` cannot open the same one in two at once."""


@dataclasses.dataclass(frozen=True)
class Record:
    """An encoded image of a saved set; copied to another process it holds nothing but where it is."""

    parent: Path
    part: str
    column: str
    place: int
    suffix: str = ""

    def __str__(self) -> str:
        return f"{self.parent}, {self.part or 'example'} {self.place}"

    def open(self, mode: Any = "rb") -> IO[Any]:
        found = _encoded(self.parent, self.part, self.column)[self.place][self.column]
        if not found or found["bytes"] is None:
            raise ValueError(f"{self}: expected an image in the set itself, found {'none' if not found else found['path']}")
        return io.BytesIO(found["bytes"])


def _saved(folder: Path) -> dict[str, Any]:
    """The parts of a saved set by their names, "" if it is not divided."""
    return _opened(folder, _stamp(folder))


def _stamp(folder: Path) -> tuple[int, ...]:
    """What changes when a set is written anew."""
    return tuple((folder / mark).stat().st_mtime_ns for mark in MARKS if (folder / mark).is_file())


@functools.lru_cache(maxsize=8)
def _opened(folder: Path, stamp: tuple[int, ...]) -> dict[str, Any]:
    """One opening for each process, as long as the set is not written anew."""
    try:
        import datasets
    except ImportError as error:
        raise ValueError(
            f"{folder}: such sets are read with datasets, which is not installed: pip install 'jgan[huggingface]'"
        ) from error
    with reading.naming(folder, "a set that datasets has saved"):
        found = datasets.load_from_disk(str(folder))
    return dict(found) if isinstance(found, datasets.DatasetDict) else {"": found}


def _encoded(folder: Path, part: str, column: str) -> Any:
    """The rows of a part, their images not decoded."""
    with _OPENING:
        return _rows(folder, part, column, _stamp(folder))


@functools.lru_cache(maxsize=8)
def _rows(folder: Path, part: str, column: str, stamp: tuple[int, ...]) -> Any:
    import datasets

    return _opened(folder, stamp)[part].select_columns([column]).cast_column(column, datasets.Image(decode=False))


def _columns(folder: Path, features: Any) -> tuple[str, str | None]:
    """The columns of the image and of the class."""
    import datasets

    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    classes = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    if len(images) != 1:
        raise ValueError(f"{folder}: expected one column of images, found the columns {text.listed(features)}")
    return images[0], classes[0] if len(classes) == 1 else None


def _records(folder: Path) -> dict[str, tuple[list[Record], np.ndarray | None]]:
    """The images of each part, and their classes."""
    found = {}
    for part, rows in _saved(folder).items():
        image, label = _columns(folder, rows.features)
        records = [Record(folder, part, image, place) for place in range(len(rows))]
        if not records:
            raise ValueError(f"{folder}: expected examples{f' in {part}' if part else ''}, found none")
        classes = None
        if label:
            count = rows.features[label].num_classes
            classes = values.integers(rows.with_format("numpy")[label], f"{folder}, {part} {label}".strip(), classes=count)
        found[layout.OTHER_NAMES.get(part, part) or "train"] = (records, classes)
    if "train" not in found or not found.keys() <= set(PARTS):
        raise ValueError(f"{folder}: expected the parts train, validation and test, found {text.listed(_saved(folder))}")
    return found


def _folder(data_dir: Path | None) -> Path:
    """The folder of a saved set."""
    if data_dir is None:
        raise ValueError("huggingface needs --data-dir, a folder that save_to_disk of datasets has written")
    if not any((data_dir / mark).is_file() for mark in MARKS):
        what = "nothing there" if not data_dir.exists() else f"neither {' nor '.join(MARKS)}"
        raise FileNotFoundError(f"{data_dir}: expected a set that save_to_disk of datasets has written, found {what}")
    return data_dir


def fitted(name: str, data_dir: Path | None, nearest: Callable[[Size], Size], *, skip: bool = False) -> tuple[str, str]:
    """The set at the size that a model accepts: see `jgan.data.sources.fitted`."""
    if sizes.asked_size(name):
        return sizes.fitted(name, set(), nearest)
    records = [record for found, _ in _records(_folder(data_dir)).values() for record in found]
    return sizes.fitted(name, image_files.sizes_of(records), nearest)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None, access: Access = AT_ONCE) -> Dataset:
    """Loads an image set that `save_to_disk` of Hugging Face's `datasets` has written.

    Args:
      name: the name of the result; a size may follow a colon, as for `folder`.
      data_dir: the folder.
      held_out: as in `jgan.data.load`, for a set that is not divided.
      access: as in `jgan.data.load`.

    Returns:
      The `Dataset`, in the order of the set.

    Raises:
      FileNotFoundError: if there is no such set.
      ValueError: if it has not one column of images, they cannot be read, or `datasets` is not installed.

    Example:
      >>> from jgan.data import huggingface
      >>> huggingface.load("huggingface", Path("no/such/set"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/set: expected a set that save_to_disk of datasets has written, found nothing there
    """
    folder, size = _folder(data_dir), sizes.asked_size(name)
    parts, broken = {}, []
    for part, (records, classes) in _records(folder).items():
        found = image_files.images(records, size, access, "huggingface")
        parts[part] = Batch(found.x, None if classes is None else classes[found.kept])
        broken += found.broken
    names = _names(folder)
    return complete(name, stacking.same_channels(parts), held_out=held_out, note=image_files.note(broken), classes=names)


def _names(folder: Path) -> tuple[str, ...]:
    """The names of the classes."""
    rows = next(iter(_saved(folder).values()))
    label = _columns(folder, rows.features)[1]
    return class_names(rows.features[label].names if label else ())


sources.register(
    "huggingface",
    load,
    "images of a set that save_to_disk of Hugging Face's datasets has written to --data-dir; of one size, or cropped and "
    "resized to one",
    usage="huggingface, huggingface:HEIGHTxWIDTH",
    holds_out=True,
    streams=True,
    skips=True,
    fitted=fitted,
)
