"""Image sets of tensorflow-datasets (tfds), read without TensorFlow.

tfds keeps a prepared set in its data folder, as records of encoded images. They are read without TensorFlow: tfds unpacks the
records, Pillow decodes the images. Preparing a set often needs TensorFlow: see `jgan.data.tfds_prepare`.

tfds stores a set in the order of a hash of each example's key. If the key is the example's position in the source files, the
original order is restored: `mnist` is the same data set from tfds and from its IDX files.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import idx, pictures, reading, sources, tfrecord, values
from jgan.data.dataset import PARTS, Dataset, complete, hold_out_tail, take
from jgan.data.tfds_prepare import IDX_SETS, base_name, library, prepare, tfds_name
from jgan.types import Batch
from jgan.utils import text

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's image modes by number of channels."""

CHUNK = 1000
"""Records per read; single reads would open the file's index each time."""


def names() -> list[str]:
    """The names of all sets of the installed tfds, images and others.

    Returns:
      The names.

    Raises:
      ValueError: if tfds cannot be imported.

    Example:
      >>> from jgan.data import tfds
      >>> "fashion_mnist" in tfds.names()
      True
    """
    return library().list_builders(with_community_datasets=False)


def knows(name: str, data_dir: Path | None) -> bool:
    """Whether tfds knows a set, or its data folder holds it prepared.

    Args:
      name: as `tfds_name` takes it.
      data_dir: tfds' data folder; None for its default one.

    Returns:
      True if it can be loaded or prepared; False also if tfds cannot be imported.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.knows("emnist/letters", None), tfds.knows("no_such_set", None)
      (True, False)
    """
    base = base_name(name)
    try:
        root = data_dir or Path(library().core.constants.DATA_DIR).expanduser()
        return base in names() or (bool(base) and (root / base).is_dir())
    except (ValueError, OSError):  # OSError: no folder can have this name
        return False


def _builder(name: str, data_dir: Path | None) -> Any:
    """tfds' builder of a set; the error for an unknown name quotes tfds."""
    tfds = library()
    try:
        return tfds.builder(tfds_name(name), data_dir=data_dir)
    except Exception as error:  # an unknown name, or a damaged description in its folder
        raise ValueError(f"tensorflow-datasets has no {name}: {text.one_line(error, most=1000)}") from error


def _is_prepared(builder: Any) -> bool:
    return (Path(builder.data_dir) / "dataset_info.json").is_file()


def _keys(name: str, builder: Any) -> tuple[str, str | None]:
    """The features that hold the image and the class."""
    kinds, features = library().features, builder.info.features
    images = [key for key, feature in features.items() if type(feature) is kinds.Image]
    labels = [key for key, feature in features.items() if isinstance(feature, kinds.ClassLabel)]
    supervised = builder.info.supervised_keys or ()
    image = next((key for key in supervised if key in images), images[0] if len(images) == 1 else None)
    label = next((key for key in supervised if key in labels), labels[0] if len(labels) == 1 else None)
    if image is None or np.dtype(features[image].np_dtype) != np.uint8:
        raise ValueError(f"{name}: expected one uint8 image per example, found the features {text.listed(features)}")
    return image, label


def _examples(name: str, builder: Any, split: str, image: str) -> Iterator[dict[str, Any]]:
    """The examples of a split in tfds' order, the image still encoded."""
    decoders = {image: library().decode.SkipDecoding()}
    info = builder.info
    if info.file_format.value == "tfrecord":
        for path in info.splits[split].filepaths:
            for record in tfrecord.read(path):
                yield info.features.deserialize_example_np(record, decoders=decoders)
        return
    try:
        source = builder.as_data_source(split, decoders=decoders)
    except (NotImplementedError, ImportError) as error:
        raise ValueError(
            f"{name}: expected records that can be read here, as array_record or tfrecord, found {info.file_format.value} in "
            f"{builder.data_dir} ({text.one_line(error)})"
        ) from error
    for first in range(0, len(source), CHUNK):
        yield from source.__getitems__(list(range(first, min(first + CHUNK, len(source)))))


def _file_order(name: str, split: str, ids: list[bytes], count: int) -> np.ndarray | None:
    """The indices that restore the order of the source files; None if it is unknown."""
    if base_name(name) in IDX_SETS:  # keyed by the place in the file, sorted by the hash of the key, salted with the split
        from tensorflow_datasets.core import hashing

        return np.argsort(np.array(sorted(range(count), key=hashing.Hasher(split).hash_key)))
    if base_name(name) == "cifar10":  # the id of each example holds its position
        return np.argsort(np.array(ids))
    return None


def _decoded(name: str, encoded: list[bytes], channels: int | None) -> np.ndarray:
    """The images as one array uint8 `[N, height, width, channels]`."""
    images, mode, formats = [], MODES[channels or 3], pictures.formats_of("")
    for number, content in enumerate(encoded):
        where = f"{name}, example {number}"
        image = pictures.decode(io.BytesIO(content), where, formats)
        with reading.naming(where, "an image"):
            images.append(np.asarray(image if image.mode == mode else image.convert(mode)))
        if not number:
            reading.check_size(name, len(encoded) * images[0].nbytes)
        if images[-1].shape != images[0].shape:
            raise ValueError(
                f"{name}: expected images of one size, found {images[0].shape[:2]} and, at example {number}, "
                f"{images[-1].shape[:2]} (height, width): resize them into a folder, and load that as folder:SIZE"
            )
    stacked = np.stack(images)
    return stacked if stacked.ndim == 4 else stacked[..., None]


def _read(name: str, builder: Any, split: str) -> Batch:
    """One split, in the order of the source files if it is known, else in tfds' order."""
    image, label = _keys(name, builder)
    encoded, labels, ids = [], [], []
    with reading.naming(builder.data_dir, f"the records of {name}"):
        for example in _examples(name, builder, split, image):
            encoded.append(example[image])
            labels.append(example[label] if label else 0)
            ids.append(example.get("id", b""))
    if not encoded:
        raise ValueError(f"{builder.data_dir}: expected examples in {split} of {name}, found none: prepare it again")
    x = _decoded(f"{name}, {split}", encoded, builder.info.features[image].shape[-1])
    classes = builder.info.features[label].num_classes if label else None
    batch = Batch(x, values.integers(labels, f"{name}, {split}", classes=classes) if label else None)
    order = _file_order(name, split, ids, len(x))
    return batch if order is None else take(batch, order)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads an image set of tensorflow-datasets; prepares it first if necessary.

    Args:
      name: as `tfds_name` takes it.
      data_dir: tfds' data folder, which contains `downloads/`; None for tfds' default, `TFDS_DATA_DIR` or
        `~/tensorflow_datasets`.
      held_out: as in `jgan.data.load`, for sets that have only the split `train`.

    Returns:
      The `Dataset`: tfds' `train`, `validation` and `test`. If only one of the last two exists, it is the test part, and the
      last training images validate, as many but at most a fifth. If neither exists, each is a sixth of the training images.

    Raises:
      ValueError: if tfds has no such set, its images differ in size, or it cannot be prepared.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.load("imdb_reviews", None)
      Traceback (most recent call last):
      ValueError: imdb_reviews: expected one uint8 image per example, found the features text, label
    """
    builder = _builder(name, data_dir)
    _keys(name, builder)  # so that a set without images is an error before it is downloaded
    if not _is_prepared(builder):
        try:
            prepare(name, builder)
        except ValueError:
            if not _is_prepared(builder):  # unless another process has prepared it at the same time
                raise
        builder = _builder(name, data_dir)
    splits = [part for part in PARTS if part in builder.info.splits]
    if held_out is not None and len(splits) > 1:
        raise sources.comes_divided(name)
    if "train" not in splits:
        raise ValueError(f"{name}: expected a split called train, found {text.listed(builder.info.splits)}")
    sets = {part: _read(name, builder, part) for part in splits}
    if base_name(name) in IDX_SETS:
        idx.check_identity(base_name(name), sets["train"].y, builder.data_dir)
    if len(sets) != 2:
        return complete(name, sets, held_out=held_out)
    train, validation = hold_out_tail(sets["train"], len(sets[splits[1]].x))
    return complete(name, {"train": train, "validation": validation, "test": sets[splits[1]]})
