"""The examples of a prepared set of tensorflow-datasets (tfds), read one at a time in any order, and its images when needed.

tfds gives this for its formats of random access (`tfds.data_source`: array_record); for TFRecord, its default, the places of
the records are found once from their headers. TensorFlow is not needed.
"""

import dataclasses
import functools
import io
import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import pictures, reading, stacking, tfrecord
from jgan.data.sizes import Size
from jgan.data.tfds_prepare import library
from jgan.utils import text

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's image modes by number of channels."""

CHUNK = 1000
"""Records per read where all are gone through; single reads would open the file's index each time."""

_OPENING = threading.Lock()
"""One thread opens a set; the others wait for it, instead of opening their own."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A split of a prepared set; copied to another process it holds nothing but where it is.

    Attributes:
      folder: the folder of the prepared set, with its version.
      split: for instance `train`.
      image: the feature that holds the image.
    """

    folder: Path
    split: str
    image: str

    def __str__(self) -> str:
        return f"{self.folder}, {self.split}"

    def __len__(self) -> int:
        return len(self._source())

    def __getitem__(self, place: int) -> dict[str, Any]:
        """One example, its image encoded."""
        return self._at([place])[0]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All examples, in tfds' order."""
        for first in range(0, len(self), CHUNK):
            yield from self._at(range(first, min(first + CHUNK, len(self))))

    def _at(self, places: Sequence[int]) -> list[dict[str, Any]]:
        with reading.naming(str(self), "records of tensorflow-datasets"):
            return self._source().__getitems__(list(places))

    def _source(self) -> Any:
        with reading.naming(str(self), "records of tensorflow-datasets"), _OPENING:
            return _opened(self.folder, self.split, self.image, (self.folder / "dataset_info.json").stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _opened(folder: Path, split: str, image: str, stamp: int) -> Any:
    """One opening for each process, as long as the set is not written anew."""
    tfds = library()
    builder, decoders = tfds.builder_from_directory(folder), {image: tfds.decode.SkipDecoding()}
    if builder.info.file_format.value == "tfrecord":
        return _TFRecords(builder.info.features, decoders, [Path(path) for path in builder.info.splits[split].filepaths])
    try:
        return builder.as_data_source(split, decoders=decoders)
    except (NotImplementedError, ImportError) as error:
        raise ValueError(
            f"{folder}, {split}: expected records that can be read here, as array_record or tfrecord, found "
            f"{builder.info.file_format.value} ({text.one_line(error)}): prepare the set with file_format='array_record'"
        ) from error


class _TFRecords:
    """The examples of files of TFRecords, as tfds' data sources give them."""

    def __init__(self, features: Any, decoders: Any, paths: Sequence[Path]) -> None:
        self.features, self.decoders, self.paths = features, decoders, paths
        found = [tfrecord.places(path) for path in paths]
        self.file = np.repeat(np.arange(len(paths)), [len(places) for places in found])
        self.places = np.concatenate([*found, np.empty((0, 2), np.int64)])

    def __len__(self) -> int:
        return len(self.places)

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        found = []
        for number, of_file in itertools.groupby(indices, key=lambda index: self.file[index]):
            with self.paths[number].open("rb") as file:
                for offset, length in self.places[list(of_file)].tolist():
                    file.seek(offset)
                    found.append(self.features.deserialize_example_np(file.read(length), decoders=self.decoders))
        return found


@dataclasses.dataclass(frozen=True)
class Images:
    """Reads one of the images of a split, turned as its EXIF data say.

    Attributes:
      part: the split.
      mode: Pillow's mode, to which images of another are converted; only with RGBA they may be transparent.
      size: the height and width to which images are cropped and resized; None to leave them.
    """

    part: Part
    mode: str
    size: Size | None = None

    def __call__(self, place: int) -> np.ndarray:
        return self.decoded(place, self.part[place][self.part.image])

    def decoded(self, place: int, content: bytes) -> np.ndarray:
        """An encoded image as uint8 `[height, width, channels]`."""
        where = self.where(place)
        image = pictures.decode(io.BytesIO(content), where, pictures.formats_of(""))
        image = image if self.mode == "RGBA" else pictures.upright(image, where)
        with reading.naming(where, "an image"):
            image = image if image.mode == self.mode else image.convert(self.mode)
            return stacking.pixels(image if self.size is None else stacking.fit(image, self.size))

    def size_of(self, place: int, content: bytes) -> Size:
        """The height and width of an encoded image, from its header."""
        where = self.where(place)
        with reading.naming(where, "an image"):
            return pictures.header(io.BytesIO(content), where, pictures.formats_of(""))[0]

    def where(self, place: int) -> str:
        """What error messages call an image."""
        return f"{self.part}, example {place}"
