"""Image sets of tensorflow-datasets (tfds), read without TensorFlow.

tfds keeps a set prepared in its data folder, as records of encoded images. Reading them needs no TensorFlow: tfds unpacks the
records, Pillow decodes the images. *Preparing* a set mostly needs it, for tfds unzips and encodes with it; so the sets that
come as IDX files (`mnist`, `fashion_mnist`, `kmnist`) are prepared here, through tfds' own builder, checksums and folders.

tfds stores a set in the order of a hash of each example's key. Where the key is the place in the source's files, that order is
undone: `mnist` is the same data set whether it is read from here or from its IDX files.
"""

import contextlib
import hashlib
import io
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import idx, tfrecord
from jgan.data.dataset import PARTS, Dataset, complete, hold_out_tail, take
from jgan.types import Batch

IDX_SETS = ("mnist", "fashion_mnist", "kmnist")
"""Sets whose sources are the four IDX files: prepared without TensorFlow."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's modes by the number of channels."""

CHUNK = 1000
"""Records read at once: one by one, each would cost the opening of its file's index."""

TIMEOUT = 10
"""Seconds in which a server must answer: tfds itself would try for minutes."""


def _tfds() -> Any:
    try:
        import tensorflow_datasets
    except Exception as error:  # with unfitting versions of its dependencies it fails in many ways
        raise ValueError(
            f"tensorflow-datasets cannot be imported ({type(error).__name__}: {error}): "
            "install it, or give the files themselves with --data-dir"
        ) from error
    return tensorflow_datasets


def names() -> list[str]:
    """The names of the sets that the installed tfds knows, images and others.

    Returns:
      The names, or none if tfds cannot be imported.

    Example:
      >>> from jgan.data import tfds
      >>> "fashion_mnist" in tfds.names()
      True
    """
    try:
        return _tfds().list_builders(with_community_datasets=False)
    except ValueError:
        return []


def knows(name: str, data_dir: Path | None) -> bool:
    """Whether a set is one of tfds', or lies prepared in its data folder.

    Args:
      name: as `tfds_name` takes it.
      data_dir: tfds' data folder; None for its default one.

    Returns:
      True if it may be loaded.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.knows("emnist/letters", None), tfds.knows("no_such_set", None)
      (True, False)
    """
    known = names()
    if not known:
        return False
    root = data_dir or Path(_tfds().core.constants.DATA_DIR)
    return _base(name) in known or (bool(_base(name)) and (root / _base(name)).is_dir())


def _base(name: str) -> str:
    """The set's name, without its configuration and version."""
    return re.split("[/:]", name, maxsplit=1)[0]


def tfds_name(name: str) -> str:
    """A set's name as tfds writes it.

    Args:
      name: `set`, `set/config`, `set:config`, each with `:version` if it is to be read at that version.

    Returns:
      `set[/config][:version]`.

    Example:
      >>> from jgan.data import tfds
      >>> tfds.tfds_name("emnist:letters"), tfds.tfds_name("emnist/letters:3.1.0"), tfds.tfds_name("mnist:3.0.1")
      ('emnist/letters', 'emnist/letters:3.1.0', 'mnist:3.0.1')
    """
    return re.sub(r"^(\w+):(?!\d+\.[\d*]+\.[\d*]+$)", r"\1/", name)


def _builder(name: str, data_dir: Path | None) -> Any:
    """tfds' builder of a set; a name that it does not have is an error in its words."""
    tfds = _tfds()
    try:
        return tfds.builder(tfds_name(name), data_dir=data_dir)
    except (ValueError, AssertionError, RuntimeError, ImportError) as error:
        raise ValueError(f"tensorflow-datasets has no {name}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _is_prepared(builder: Any) -> bool:
    return (Path(builder.data_dir) / "dataset_info.json").is_file()


# ----------------------------------------------------------------------------------------------------------- preparing


def _url_infos(builder_class: Any) -> dict[str, Any]:
    """tfds' checksum list of a set: size, SHA-256 and file name by URL."""
    return builder_class.url_infos or {}


def find_downloads(downloads: Path, infos: dict[str, Any]) -> tuple[dict[str, Path], list[Path]]:
    """Looks for the sources of a set among tfds' downloads, by size and SHA-256, whatever they are called there.

    Args:
      downloads: tfds' folder of downloads; files up to two folders below are looked at, `manual/<set>/` among them.
      infos: tfds' checksum list.

    Returns:
      The files by URL, and those files that have the name of a source but not its content.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import tfds
      >>> tfds.find_downloads(Path("no/such/folder"), {})
      ({}, [])
    """
    found: dict[str, Path] = {}
    wrong = []
    for pattern in ("*", "*/*", "*/*/*"):
        for path in sorted(downloads.glob(pattern)):
            if not path.is_file():
                continue
            candidates = {url: info for url, info in infos.items() if int(info.size) == path.stat().st_size}
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if candidates else None
            matches = [url for url, info in candidates.items() if info.checksum == digest]
            found |= dict.fromkeys(matches, path)
            if not matches and path.name in {info.filename for info in infos.values()}:
                wrong.append(path)
    return found, wrong


def _unreachable(url: str) -> str | None:
    """Why a URL cannot be had, or None if it can."""
    import requests  # a dependency of tfds

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
    except requests.RequestException as error:
        return type(error).__name__
    return None


def _prepare_idx_set(name: str, root: Path) -> None:
    """Prepares one of `IDX_SETS` in a data folder of tfds, from its cache, its manual folder or the network."""
    base = _tfds().builder_cls(name)
    urls = {file: urllib.parse.urljoin(base.URL, f"{file}.gz") for file in idx.NAMES}
    infos = _url_infos(base)
    found, wrong = find_downloads(root / "downloads", {url: infos[url] for url in urls.values()})
    missing = [url for url in urls.values() if url not in found]
    if missing and (why := _unreachable(missing[0])):
        needed = ", ".join(f"{infos[url].filename} ({int(infos[url].size)} bytes)" for url in missing)
        others = ", ".join(sorted({str(path.parent) for path in wrong}))
        hint = f" (files of the right names are in {others}, but their checksums are not those of {name})" if wrong else ""
        raise ValueError(
            f"{name} is neither prepared nor downloaded in {root}{hint}, and {missing[0]} cannot be reached ({why}): put "
            f"{needed} into {root / 'downloads' / 'manual' / name}, or give a folder that holds them with --data-dir"
        )
    builder = _idx_builder_class(base, urls, found)(data_dir=root)
    _run(name, builder)


def _idx_builder_class(base: Any, urls: dict[str, str], found: dict[str, Path]) -> Any:
    """tfds' builder of an IDX set, with the two methods that need TensorFlow written without it."""
    from PIL import Image

    with _tfds().core.registered.skip_registration():

        class Builder(base):
            name = base.name  # else it would be the class's own name, and the folder that of another set

            def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
                missing = {url: url for url in urls.values() if url not in found}
                paths = found | (dl_manager.download(missing) if missing else {})
                files = idx.Files(*(Path(paths[urls[file]]) for file in idx.NAMES))
                return {
                    "train": self._generate_examples(files.train_images, files.train_labels),
                    "test": self._generate_examples(files.test_images, files.test_labels),
                }

            def _generate_examples(self, images: Path, labels: Path) -> Iterator[tuple[int, dict[str, Any]]]:
                batch = idx.read_pair(images, labels)
                for place, (image, label) in enumerate(zip(batch.x, batch.y, strict=True)):
                    png = io.BytesIO()
                    Image.fromarray(image[..., 0]).save(png, "PNG")
                    png.seek(0)
                    yield place, {"image": png, "label": int(label)}

    return Builder


def _prepare_other(name: str, builder: Any) -> None:
    """Prepares any other set, as tfds does it."""
    infos = _url_infos(type(builder))
    downloads = Path(builder.data_dir_root) / "downloads"
    if infos and not find_downloads(downloads, infos)[0] and (why := _unreachable(next(iter(infos)))):
        raise ValueError(
            f"{name} is not prepared in {builder.data_dir_root}, and {next(iter(infos))} cannot be reached ({why}): "
            f"{_elsewhere(name)}"
        )
    _run(name, builder)


def _run(name: str, builder: Any) -> None:
    """Lets a builder prepare its set as ArrayRecord files; what goes wrong becomes one line."""
    tfds = _tfds()
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # tfds prints banners there; its progress bars are on stderr
            builder.download_and_prepare(file_format="array_record", download_config=config)
    except ImportError as error:
        needed = error.name or _first_line(error)
        raise ValueError(
            f"tensorflow-datasets needs {needed} to prepare {name} (not to read it): install that, or {_elsewhere(name)}"
        ) from error
    except Exception as error:  # a builder can fail in any way
        raise ValueError(
            f"tensorflow-datasets cannot prepare {name} in {builder.data_dir_root}: "
            f"{type(error).__name__}: {_first_line(error)}"
        ) from error


def _elsewhere(name: str) -> str:
    command = f"tfds build {tfds_name(name)} --file_format=array_record"
    return f"prepare the set on another machine, `{command}`, and give its data folder with --data-dir"


# ------------------------------------------------------------------------------------------------------------- reading


def _keys(name: str, builder: Any) -> tuple[str, str | None]:
    """The features that hold the image and the class."""
    kinds, features = _tfds().features, builder.info.features
    images = [key for key, feature in features.items() if type(feature) is kinds.Image]
    labels = [key for key, feature in features.items() if isinstance(feature, kinds.ClassLabel)]
    supervised = builder.info.supervised_keys or ()
    image = next((key for key in supervised if key in images), images[0] if len(images) == 1 else None)
    label = next((key for key in supervised if key in labels), labels[0] if len(labels) == 1 else None)
    if image is None or np.dtype(features[image].np_dtype) != np.uint8:
        raise ValueError(f"{name}: expected one uint8 image an example, found the features {', '.join(features)}")
    return image, label


def _examples(name: str, builder: Any, split: str, image: str) -> Iterator[dict[str, Any]]:
    """The examples of a split in tfds' order, the image still encoded."""
    decoders = {image: _tfds().decode.SkipDecoding()}
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
            f"{builder.data_dir} ({_first_line(error)})"
        ) from error
    for first in range(0, len(source), CHUNK):
        yield from source.__getitems__(list(range(first, min(first + CHUNK, len(source)))))


def _file_order(name: str, split: str, ids: list[bytes], count: int) -> np.ndarray | None:
    """The indices that bring tfds' examples into the order of the source's files, where that is known."""
    if _base(name) in IDX_SETS:  # keyed by the place in the file, sorted by the hash of the key, salted with the split
        from tensorflow_datasets.core import hashing

        return np.argsort(np.array(sorted(range(count), key=hashing.Hasher(split).hash_key)))
    if _base(name) == "cifar10":  # each example carries its place in its name
        return np.argsort(np.array(ids))
    return None


def _decoded(name: str, encoded: list[bytes], channels: int | None) -> np.ndarray:
    """The images as one array uint8 `[N, height, width, channels]`."""
    from PIL import Image

    images = []
    for number, content in enumerate(encoded):
        with Image.open(io.BytesIO(content)) as image:
            images.append(np.asarray(image.convert(MODES[channels or 3])))
        if images[-1].shape != images[0].shape:
            raise ValueError(
                f"{name}: expected images of one size, found {images[0].shape[:2]} and, at example {number}, "
                f"{images[-1].shape[:2]} (height, width): resize them into a folder, and load that as folder:SIZE"
            )
    stacked = np.stack(images)
    return stacked if stacked.ndim == 4 else stacked[..., None]


def _read(name: str, builder: Any, split: str) -> Batch:
    """One split, in the order of the source's files where that is known, else in tfds'."""
    image, label = _keys(name, builder)
    encoded, labels, ids = [], [], []
    for example in _examples(name, builder, split, image):
        encoded.append(example[image])
        labels.append(example[label] if label else 0)
        ids.append(example.get("id", b""))
    x = _decoded(f"{name}, {split}", encoded, builder.info.features[image].shape[-1])
    batch = Batch(x, np.array(labels, np.int32) if label else None)
    order = _file_order(name, split, ids, len(x))
    return batch if order is None else take(batch, order)


def load(name: str, data_dir: Path | None) -> Dataset:
    """An image set of tensorflow-datasets, prepared first if it is not yet.

    Args:
      name: as `tfds_name` takes it.
      data_dir: tfds' data folder, `downloads/` below it; None for tfds' own default, `TFDS_DATA_DIR` or
        `~/tensorflow_datasets`.

    Returns:
      The `Dataset`: tfds' `train`, `validation` and `test`. If there is only one of the latter two, it is the test, and the
      last training images validate: as many as it has, but at most a fifth. If there is neither, a sixth each.

    Raises:
      ValueError: if tfds has no such set, it is not one of images of one size, or it can neither be found nor had.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import tfds
      >>> dataset = tfds.load("mnist", Path("~/tensorflow_datasets").expanduser())  # doctest: +SKIP
    """
    builder = _builder(name, data_dir)
    _keys(name, builder)  # a set of texts is refused before it is downloaded
    if not _is_prepared(builder):
        if _base(name) in IDX_SETS:
            _prepare_idx_set(_base(name), Path(builder.data_dir_root))
        else:
            _prepare_other(name, builder)
        builder = _builder(name, data_dir)
    splits = [part for part in PARTS if part in builder.info.splits]
    if "train" not in splits:
        raise ValueError(f"{name}: expected a split called train, found {', '.join(builder.info.splits)}")
    sets = {part: _read(name, builder, part) for part in splits}
    if _base(name) in IDX_SETS:
        idx.check_identity(_base(name), sets["train"].y, builder.data_dir)
    if len(sets) != 2:
        return complete(name, sets)
    train, validation = hold_out_tail(sets["train"], len(sets[splits[1]].x))
    return complete(name, {"train": train, "validation": validation, "test": sets[splits[1]]})
