"""Image sets of tensorflow-datasets (tfds), read without TensorFlow.

tfds keeps a prepared set in its data folder, as records of encoded images. They are read without TensorFlow: tfds unpacks the
records, Pillow decodes the images. Preparing a set often needs TensorFlow: see `jgan.data.tfds_prepare`.

tfds stores a set in the order of a hash of each example's key. If the key is the example's position in the source files, the
original order is restored: `mnist` is the same data set from tfds and from its IDX files.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import idx, reading, sizes, sources, values
from jgan.data.dataset import PARTS, Dataset, class_names, complete
from jgan.data.division import hold_out_tail, take
from jgan.data.lazy import AT_ONCE, Access, Lazy
from jgan.data.sizes import Size
from jgan.data.tfds_prepare import IDX_SETS, VERSION, base_name, library, prepare, tfds_name
from jgan.data.tfds_records import MODES, Images, Part
from jgan.types import Batch
from jgan.utils import text


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


def only_version(name: str) -> None:
    """Checks that nothing but a version follows the colon of the name of a set that is read from other files.

    Args:
      name: the name.

    Raises:
      ValueError: if something else does, such as a size.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.only_version("mnist:3.0.1")
      >>> tfds.only_version("mnist:64")
      Traceback (most recent call last):
      ValueError: mnist:64: expected nothing after mnist, or a version of tensorflow-datasets such as mnist:3.0.1
    """
    base, colon, rest = name.partition(":")
    if colon and not re.fullmatch(VERSION, rest):
        raise ValueError(
            f"{text.listed([name])}: expected nothing after {base}, or a version of tensorflow-datasets such as {base}:3.0.1"
        )


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
    except Exception as error:
        if isinstance(error, UnicodeDecodeError | json.JSONDecodeError) or type(error).__name__ == "ParseError":
            where = "tfds' default folder" if data_dir is None else data_dir
            raise ValueError(
                f"{where}: expected the description of {name}, found a damaged one ({text.one_line(error)}): prepare it again"
            ) from error
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


def _file_order(name: str, split: str, ids: list[bytes], count: int) -> np.ndarray | None:
    """The indices that restore the order of the source files; None if it is unknown."""
    if base_name(name) in IDX_SETS:  # keyed by the place in the file, sorted by the hash of the key, salted with the split
        from tensorflow_datasets.core import hashing

        return np.argsort(np.array(sorted(range(count), key=hashing.Hasher(split).hash_key)))
    if base_name(name) == "cifar10":  # the id of each example holds its position
        return np.argsort(np.array(ids))
    return None


def _read(name: str, builder: Any, split: str, size: Size | None, access: Access) -> Batch:
    """One split, in the order of the source files if it is known, else in tfds' order."""
    image, label = _keys(name, builder)
    channels = builder.info.features[image].shape[-1] or 3
    part = Part(Path(builder.data_dir), split, image)
    images = Images(part, MODES[channels], size)
    labels, ids, pixels = [], [], []
    shape, lazily = None, False
    for place, example in enumerate(part):
        labels.append(example[label] if label else 0)
        ids.append(example.get("id", b""))
        found = size or images.size_of(place, example[image])
        if shape is None:
            shape = (*found, channels)
            lazily = access.is_lazy(len(part) * int(np.prod(shape)))
            if not lazily:
                reading.check_size(f"{builder.data_dir}, {split}", len(part) * int(np.prod(shape)))
        elif found != shape[:2]:
            raise ValueError(
                f"{name}, {split}: expected images of one size, found {shape[:2]} and, at example {place}, {found} "
                f"(height, width): crop and resize them, for instance with --dataset {name}:64x64"
            )
        if not lazily:
            pixels.append(images.decoded(place, example[image]))
    if shape is None:
        raise ValueError(f"{builder.data_dir}: expected examples in {split} of {name}, found none: prepare it again")
    x = Lazy(images, shape, np.arange(len(labels))) if lazily else np.stack(pixels)
    classes = builder.info.features[label].num_classes if label else None
    batch = Batch(x, values.integers(labels, f"{name}, {split}", classes=classes) if label else None)
    order = _file_order(name, split, ids, len(x))
    return batch if order is None else take(batch, order)


def _prepared(name: str, data_dir: Path | None) -> Any:
    """The builder of a set, which is prepared first if it is not."""
    builder = _builder(name, data_dir)
    _keys(name, builder)  # so that a set without images is an error before it is downloaded
    if _is_prepared(builder):
        return builder
    try:
        prepare(name, builder)
    except ValueError:
        if not _is_prepared(builder):  # unless another process has prepared it at the same time
            raise
    return _builder(name, data_dir)


def asked_size(name: str, data_dir: Path | None) -> tuple[str, Size | None]:
    """Parses the size after the last colon of a set's name, unless that is a configuration of the set.

    Args:
      name: as `tfds_name` takes it, optionally with `:64` or `:48x64` (height, width) at its end.
      data_dir: tfds' data folder; None for its default one.

    Returns:
      `(the name without it, the size)`; None for a name without one.

    Raises:
      ValueError: if it is no size, as in `:64x`.

    Example:
      >>> from jgan.data import tfds
      >>> [tfds.asked_size(name, None) for name in ("stl10:48", "imagenet_resized:64x64", "emnist:letters")]
      [('stl10', (48, 48)), ('imagenet_resized:64x64', None), ('emnist:letters', None)]
    """
    head, _, last = name.rpartition(":")
    if not head or not re.fullmatch(r"\d[\dx]*", last) or (head == base_name(name) and _configured(head, last, data_dir)):
        return name, None
    return head, sizes.asked_size(f"{base_name(name)}:{last}")


def _configured(base: str, config: str, data_dir: Path | None) -> bool:
    """Whether a set has a configuration of this name."""
    try:
        return config in library().builder_cls(base).builder_configs
    except Exception:  # tfds has no code of it: a set that lies in its folder
        return data_dir is not None and (data_dir / base / config).is_dir()


def fitted(name: str, data_dir: Path | None, nearest: Callable[[Size], Size]) -> tuple[str, str]:
    """The set at the size that a model accepts.

    Args:
      name: as for `load`.
      data_dir: as for `load`.
      nearest: as in `jgan.data.sources.fitted`.

    Returns:
      As `jgan.data.sources.fitted`.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.fitted("stl10:50", None, lambda size: (48, 48))[0]
      'stl10:48x48'
    """
    base, asked = asked_size(name, data_dir)
    found = set() if asked else _sizes(name, _prepared(name, data_dir))
    return sizes.nearest_size(name, base, asked, found, nearest)


def _sizes(name: str, builder: Any) -> set[Size]:
    """The sizes of the images, from the description of the set, or else from their headers."""
    image, _ = _keys(name, builder)
    height, width = builder.info.features[image].shape[:2]
    if height and width:
        return {(height, width)}
    splits = [Part(Path(builder.data_dir), split, image) for split in PARTS if split in builder.info.splits]
    return {Images(part, "RGB").size_of(place, example[image]) for part in splits for place, example in enumerate(part)}


def load(name: str, data_dir: Path | None, *, held_out: int | None = None, access: Access = AT_ONCE) -> Dataset:
    """Loads an image set of tensorflow-datasets; prepares it first if necessary.

    Args:
      name: as `tfds_name` takes it; a size, to which images are cropped and resized, may follow a colon at its end.
      data_dir: tfds' data folder, which contains `downloads/`; None for tfds' default, `TFDS_DATA_DIR` or
        `~/tensorflow_datasets`.
      held_out: as in `jgan.data.load`, for sets that have only the split `train`.
      access: as in `jgan.data.load`, but none are left out.

    Returns:
      The `Dataset`: tfds' `train`, `validation` and `test`. If only one of the last two exists, it is the test part, and the
      last training images validate, as many but at most a fifth. If neither exists, each is a sixth of the training images.

    Raises:
      ValueError: if tfds has no such set, its images differ in size and none is asked for, or it cannot be prepared.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.load("imdb_reviews", None)
      Traceback (most recent call last):
      ValueError: imdb_reviews: expected one uint8 image per example, found the features text, label
    """
    base, size = asked_size(name, data_dir)
    builder = _prepared(base, data_dir)
    splits = [part for part in PARTS if part in builder.info.splits]
    if held_out is not None and len(splits) > 1:
        raise sources.comes_divided(name)
    if "train" not in splits:
        raise ValueError(f"{name}: expected a split called train, found {text.listed(builder.info.splits)}")
    sets = {part: _read(base, builder, part, size, access) for part in splits}
    classes = _classes(base, builder)
    if base_name(name) in IDX_SETS:
        idx.check_identity(base_name(name), sets["train"].y, builder.data_dir)
    if len(sets) != 2:
        return complete(name, sets, held_out=held_out, classes=classes)
    train, validation = hold_out_tail(sets["train"], len(sets[splits[1]].x))
    parts = {"train": train, "validation": validation, "test": sets[splits[1]]}
    return complete(name, parts, classes=classes)


def _classes(name: str, builder: Any) -> tuple[str, ...]:
    """The names of the classes."""
    label = _keys(name, builder)[1]
    return class_names(builder.info.features[label].names if label else ())
