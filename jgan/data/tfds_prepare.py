"""Prepares sets of tensorflow-datasets (tfds): MNIST, sets in its format and CIFAR-10 without TensorFlow, others by tfds.

tfds unzips, reads and encodes with TensorFlow. For the sets in `SOURCES`, the two methods of the builder that do so are
replaced by methods without TensorFlow. Everything else is done by tfds: checksums, the cache of downloads, the records.
"""

import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import cifar, idx
from jgan.utils import text

IDX_SETS = ("mnist", "fashion_mnist", "kmnist")
"""The sets whose source files are four IDX files."""

PLACES = ("*", "*/*", "manual/*/*")
"""Where files are searched in tfds' folder of downloads: its cache (old and new layout), its manual folder and subfolders."""

TIMEOUT = 10
"""Timeout of a server in seconds; tfds itself would retry for minutes."""


def library() -> Any:
    """Imports tfds.

    Returns:
      The module.

    Raises:
      ValueError: if it cannot be imported.

    Example:
      >>> from jgan.data import tfds_prepare
      >>> tfds_prepare.library().__name__
      'tensorflow_datasets'
    """
    try:
        import tensorflow_datasets
    except Exception as error:  # incompatible versions of its dependencies cause various errors
        raise ValueError(
            f"tensorflow-datasets cannot be imported ({type(error).__name__}: {text.one_line(error)}): "
            "install it, or give the files themselves with --data-dir"
        ) from error
    return tensorflow_datasets


VERSION = r"\d+\.(?:\d+|\*)\.(?:\d+|\*)"
"""A version of a set, such as 3.0.1 or 3.*.*, as a regular expression."""


def tfds_name(name: str) -> str:
    """Normalises a set's name to tfds' syntax.

    Args:
      name: `set`, `set/config`, `set:config`, each optionally with `:version`.

    Returns:
      `set[/config][:version]`.

    Example:
      >>> from jgan.data import tfds_prepare
      >>> [tfds_prepare.tfds_name(name) for name in ("emnist:letters", "emnist/letters:3.1.0", "mnist:3.0.1")]
      ['emnist/letters', 'emnist/letters:3.1.0', 'mnist:3.0.1']
    """
    return re.sub(rf"^(\w+):(?!{VERSION}$)", r"\1/", name)


def base_name(name: str) -> str:
    """The name of a set without its configuration and version.

    Args:
      name: as `tfds_name` takes it.

    Returns:
      The name up to the first slash or colon.

    Example:
      >>> from jgan.data import tfds_prepare
      >>> tfds_prepare.base_name("emnist/letters:3.1.0")
      'emnist'
    """
    return re.split("[/:]", name, maxsplit=1)[0]


# ---------------------------------------------------------------------------------------------------- without TensorFlow

Examples = Iterator[tuple[int, dict[str, Any]]]
"""Keys and examples, as tfds' builders yield them."""


def _png(image: np.ndarray) -> io.BytesIO:
    """An image encoded with Pillow; tfds would encode an array with TensorFlow."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, "PNG")
    file.seek(0)
    return file


def _idx_examples(split: str, paths: list[Path]) -> Examples:
    files = idx.Files(*paths)
    of_split = {"train": (files.train_images, files.train_labels), "test": (files.test_images, files.test_labels)}
    batch = idx.read_pair(*of_split[split])
    for place, (image, label) in enumerate(zip(batch.x, batch.y, strict=True)):
        yield place, {"image": _png(image), "label": int(label)}


def _cifar10_examples(split: str, paths: list[Path]) -> Examples:
    batch = dict(zip(("train", "test"), cifar.read(paths[0]), strict=True))[split]
    for place, (image, label) in enumerate(zip(batch.x, batch.y, strict=True)):
        yield place, {"image": _png(image), "label": cifar.CLASSES[label], "id": f"{split}_{place:05d}"}


class Source(NamedTuple):
    """The source files of a set.

    Attributes:
      files: their names in tfds' checksum list.
      examples: `examples(split, paths)` yields the examples; `paths` are those of these files.
      classes: the names of the classes, if tfds would read them from a file.
    """

    files: tuple[str, ...]
    examples: Callable[[str, list[Path]], Examples]
    classes: tuple[str, ...] | None = None


SOURCES = {name: Source(tuple(f"{file}.gz" for file in idx.NAMES), _idx_examples) for name in IDX_SETS} | {
    "cifar10": Source(("cifar-10-binary.tar.gz",), _cifar10_examples, cifar.CLASSES)
}
"""The sets that are prepared without TensorFlow."""


def _builder_class(base: Any, source: Source, urls: list[str], found: dict[str, Path]) -> Any:
    """tfds' builder of a set, without the two methods that need TensorFlow; it downloads files that were not found."""
    with library().core.registered.skip_registration():

        class Builder(base):
            name = base.name  # by default the name is that of the class, and so would be the folder

            def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
                missing = {url: url for url in urls if url not in found}
                paths = found | (dl_manager.download(missing) if missing else {})
                if source.classes is not None:
                    self.info.features["label"].names = source.classes
                files = [Path(paths[url]) for url in urls]
                return {split: self._generate_examples(split, files) for split in ("train", "test")}

            def _generate_examples(self, split: str, paths: list[Path]) -> Examples:
                yield from source.examples(split, paths)

    return Builder


# --------------------------------------------------------------------------------------------------------- preparation


def prepare(name: str, builder: Any) -> None:
    """Prepares a set in its builder's data folder, from files in its `downloads/` or from the network.

    Args:
      name: the set, as `tfds_name` takes it.
      builder: tfds' builder of it.

    Raises:
      ValueError: if its files cannot be found or downloaded, or tfds needs a package that is not installed.

    Example:
      See `jgan.data.tfds.load`.
    """
    if base_name(name) in SOURCES:
        _prepare_source(base_name(name), Path(builder.data_dir_root))
    else:
        _prepare_other(name, builder)


def _prepare_source(name: str, root: Path) -> None:
    """Prepares one of `SOURCES` in a data folder of tfds, from its cache, its manual folder or the network."""
    base, source = library().builder_cls(name), SOURCES[name]
    infos = _url_infos(base)
    of_file = {info.filename: url for url, info in infos.items()}
    urls = [of_file[file] for file in source.files]
    found, wrong = find_downloads(root / "downloads", infos)
    missing = [url for url in urls if url not in found]
    if missing and (why := _unreachable(missing[0])):
        needed = text.listed(f"{infos[url].filename} ({int(infos[url].size)} bytes)" for url in missing)
        others = text.listed(sorted({str(path.parent) for path in wrong}))
        hint = f" (files of the right names are in {others}, but their checksums are not those of {name})" if wrong else ""
        raise ValueError(
            f"{name} is neither prepared nor downloaded in {root}{hint}, and {missing[0]} cannot be reached ({why}): put "
            f"{needed} into {root / 'downloads' / 'manual' / name}, or give a folder that holds them with --data-dir"
        )
    _run(name, _builder_class(base, source, urls, found)(data_dir=root))


def _prepare_other(name: str, builder: Any) -> None:
    """Prepares any other set by tfds itself."""
    infos = _url_infos(type(builder))
    found, _ = find_downloads(Path(builder.data_dir_root) / "downloads", infos)
    if infos and not found and (why := _unreachable(next(iter(infos)))):
        raise ValueError(
            f"{name} is not prepared in {builder.data_dir_root}, and {next(iter(infos))} cannot be reached ({why}): "
            f"{_elsewhere(name)}"
        )
    _run(name, builder)


def _run(name: str, builder: Any) -> None:
    """Prepares a set as ArrayRecord files; any failure becomes a one-line error."""
    checked = base_name(name) in SOURCES  # other sets may have no checksums
    config = library().download.DownloadConfig(try_download_gcs=False, force_checksums_validation=checked)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # tfds prints banners to stdout and progress bars to stderr
            builder.download_and_prepare(file_format="array_record", download_config=config)
    except ImportError as error:
        raise ValueError(
            f"tensorflow-datasets needs {error.name or text.one_line(error)} to prepare {name} (not to read it): "
            f"install that, or {_elsewhere(name)}"
        ) from error
    except Exception as error:  # a builder can fail in any way
        raise ValueError(
            f"tensorflow-datasets cannot prepare {name} in {builder.data_dir_root}: {type(error).__name__}: "
            f"{text.one_line(error, most=1000)}"
        ) from error


def _elsewhere(name: str) -> str:
    command = f"tfds build {tfds_name(name)} --file_format=array_record"
    return f"prepare the set on another machine, `{command}`, and give its data folder with --data-dir"


# ------------------------------------------------------------------------------------------------------------- sources


def _url_infos(builder_class: Any) -> dict[str, Any]:
    """tfds' checksum list of a set: size, SHA-256 and file name by URL."""
    return builder_class.url_infos or {}


def find_downloads(downloads: Path, infos: dict[str, Any]) -> tuple[dict[str, Path], list[Path]]:
    """Searches tfds' downloads for the source files of a set, by size and SHA-256; their names do not matter.

    Args:
      downloads: tfds' folder of downloads.
      infos: tfds' checksum list.

    Returns:
      The files by URL, and those files that have the name of a source but not its content.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import tfds_prepare
      >>> tfds_prepare.find_downloads(Path("no/such/folder"), {})
      ({}, [])
    """
    found: dict[str, Path] = {}
    wrong = []
    names = {info.filename for info in infos.values()}
    for path in (path for pattern in PLACES for path in sorted(downloads.glob(pattern)) if path.is_file()):
        candidates = {url: info for url, info in infos.items() if int(info.size) == path.stat().st_size}
        digest = _sha256(path) if candidates else None
        matches = [url for url, info in candidates.items() if info.checksum == digest]
        found |= dict.fromkeys(matches, path)
        if not matches and path.name in names:
            wrong.append(path)
    return found, wrong


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreachable(url: str) -> str | None:
    """Why a URL cannot be reached, or None if it can."""
    import requests  # a dependency of tfds

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
    except requests.RequestException as error:
        return type(error).__name__
    return None
