"""Archives of images: zip and tar files (also compressed) of what could be a folder of images, flat or a folder per class.

`dataset.json`, as StyleGAN's data sets have it, gives the labels instead of the folders: `{"labels": [[NAME, LABEL], ...]}`, or
null for none.

An archive is unpacked to a temporary folder, after a check of the sizes that it declares, and that each member is a plain file
that stays inside.
"""

import contextlib
import functools
import json
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from jgan.data import folder, reading
from jgan.types import Batch
from jgan.utils import memory, text
from jgan.utils.checks import whole

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")

LARGEST = 1 << 28
"""The most bytes of one member: an image of 50 million pixels has 0.15 GB without compression."""

MOST = 5_000_000
"""The most members."""

PADDING = 1 << 20
"""The most bytes that are read behind the last member."""

LABELS = "dataset.json"


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
      name: its name, with `/` between folders.
      size: the bytes that it will have.
      open: opens it.
    """

    name: str
    size: int
    open: Callable[[], Any]


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of files, by its suffix or its content; an `.npz` file is an archive of arrays.

    Args:
      path: an existing file.

    Returns:
      True for a zip or tar archive.

    Example:
      >>> from jgan.evaluation import archives
      >>> archives.is_archive(Path("images.tar.gz"))
      True
    """
    name = path.name.lower()
    if name.endswith(SUFFIXES):
        return True
    if name.endswith(".npz") or not path.is_file():
        return False
    if not zipfile.is_zipfile(path):
        return tarfile.is_tarfile(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return not all(member.endswith(".npy") for member in archive.namelist())
    except zipfile.BadZipFile:
        return True


def read(path: Path, size: folder.Size | None = None) -> Batch:
    """Reads the images of an archive.

    Args:
      path: a zip or tar file.
      size: height and width to resize them to; None if they must already have the same size.

    Returns:
      The `Batch`, as `jgan.data.folder.read` returns it for the unpacked folder. A folder that holds everything does not count
      as a class.

    Raises:
      ValueError: if it is damaged or encrypted, holds a link or a name that leads outside, does not fit on the disk, or what it
        holds is not a folder of images.

    Example:
      >>> import io, tempfile, zipfile
      >>> from PIL import Image
      >>> from jgan.evaluation import archives
      >>> with tempfile.TemporaryDirectory() as scratch:
      ...     picture = io.BytesIO()
      ...     Image.new("L", (4, 2), 7).save(picture, "PNG")
      ...     with zipfile.ZipFile(Path(scratch) / "a.zip", "w") as archive:
      ...         archive.writestr("images/0.png", picture.getvalue())
      ...     archives.read(Path(scratch) / "a.zip").x.shape
      (1, 2, 4, 1)
    """
    with tempfile.TemporaryDirectory(prefix="jgan-") as scratch:
        root = Path(scratch) / "unpacked"
        root.mkdir()
        try:
            _unpack(path, root)
            labels = _labels(path, root)
            return _flat(root, labels, size) if labels is not None else folder.read(_inner(root), size)
        except ValueError as error:
            message = str(error).replace(str(root), str(path))
            raise ValueError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def _unpack(path: Path, root: Path) -> None:
    """Writes the members of an archive below a folder."""
    try:
        with _opened(path) as members:
            for member in list(_checked(path, members, shutil.disk_usage(root).free)):
                target = root / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with member.open() as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)
    except FileExistsError as error:
        raise ValueError(f"{path}: expected each name once, found {Path(error.filename).name} twice") from error
    except ValueError:
        raise
    except Exception as error:  # a damaged archive can fail in any way
        if isinstance(error, OSError) and error.filename is not None:
            raise
        what = text.shortened(" ".join(str(error).split()) or type(error).__name__, 200)
        raise ValueError(f"{path}: expected a whole zip or tar archive, found a damaged or other file ({what})") from error


def _checked(path: Path, members: Iterable[Member], room: int) -> Iterator[Member]:
    """The members of an archive, without what desktops leave there, if they may all be unpacked."""
    total = 0
    for number, member in enumerate(members):
        parts = PurePosixPath(member.name).parts
        if not parts or ".." in parts or member.name.startswith("/") or "\\" in member.name or "\0" in member.name:
            raise ValueError(f"{path}: expected names inside the archive, found {text.shortened(member.name, 60)!r}")
        if member.size > LARGEST:
            raise ValueError(
                f"{path}: expected images of at most {memory.in_words(LARGEST)}, found {memory.in_words(member.size)} in "
                f"{text.shortened(member.name, 60)!r}"
            )
        total += member.size
        if total > room or number >= MOST:
            raise ValueError(
                f"{path}: expected at most {MOST:,} files that fit on the disk ({memory.in_words(room)} are free), found more"
            )
        if not any(reading.is_litter(Path(part)) for part in parts):
            yield member


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Iterator[Member]]:
    """The members of an archive, which is open until the block ends."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as zipped:
            yield _of_zip(path, zipped)
    else:
        with tarfile.open(path) as tape:
            yield _of_tar(path, tape)


def _of_zip(path: Path, archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise ValueError(f"{path}: expected a plain archive, found an encrypted one")
        if not info.is_dir():
            yield Member(info.filename, info.file_size, functools.partial(archive.open, info))


def _of_tar(path: Path, archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive:
        if info.isdir():
            continue
        if not info.isreg():
            raise ValueError(f"{path}: expected plain files, found a link or a device, {text.shortened(info.name, 60)!r}")
        yield Member(info.name.removeprefix("./"), info.size, functools.partial(archive.extractfile, info))
    # tarfile takes the end of a file that was cut short between two members for the end of the archive.
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    rest = archive.fileobj.read(PADDING)  # to the end, where gzip compares its checksum
    if rest[: 2 * tarfile.BLOCKSIZE] != bytes(2 * tarfile.BLOCKSIZE):
        raise ValueError(f"{path}: expected a whole zip or tar archive, found one without its end: get it again")


def _inner(root: Path) -> Path:
    """The folder below those that hold one folder and nothing else."""
    while len(found := list(root.iterdir())) == 1 and found[0].is_dir():
        root = found[0]
    return root


def _labels(path: Path, root: Path) -> dict[str, int] | None:
    """The labels of `dataset.json` by name, none if it says null; None if there is no such file. The file is removed."""
    file = _inner(root) / LABELS
    if not file.is_file():
        return None
    try:
        pairs = json.loads(file.read_text())["labels"] or []
        labels = {str(name): whole("label", label, 0, 2**31 - 1) for name, label in pairs}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: expected labels [[name, number], ...] in {LABELS}, found others") from error
    file.unlink()
    return labels


def _flat(root: Path, labels: dict[str, int], size: folder.Size | None) -> Batch:
    """The images of all folders in the order of their names, with their labels if there are any."""
    inner = _inner(root)
    files = sorted(file for file in inner.rglob("*") if file.is_file())
    names = [file.relative_to(inner).as_posix() for file in files]
    missing = [name for name in names if name not in labels] if labels else []
    if missing:
        raise ValueError(f"expected a label of each image in {LABELS}, found none of {text.listed(missing, 3)}")
    flat = root / "flat"
    flat.mkdir()
    for index, file in enumerate(files):
        file.rename(flat / f"{index:08}-{file.name}")
    batch = folder.read(flat, size)
    return batch._replace(y=np.array([labels[name] for name in names], np.int32)) if labels else batch
