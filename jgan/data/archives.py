"""Archives of images: zip and tar files (also compressed) of what could be a folder of images.

An archive is unpacked to a temporary folder, after a check of the sizes that it declares, and that each member is a plain file
that stays inside. A folder that holds everything does not count as a class.
"""

import contextlib
import errno
import functools
import io
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from jgan.data import pictures, reading
from jgan.data.sizes import Size
from jgan.utils import memory, text

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")

LARGEST = 1 << 28
"""The most bytes of one member: an image of 50 million pixels has 0.15 GB without compression."""

MOST = 5_000_000
"""The most members."""

PADDING = 1 << 20
"""The most bytes that are read behind the last member."""


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
      >>> from jgan.data import archives
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


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpacks an archive for the length of a block.

    Args:
      path: a zip or tar file.

    Yields:
      The temporary folder: the one below those that hold a single folder and nothing else.

    Raises:
      ValueError: if it is damaged or encrypted, holds a link or a name that leads outside, or does not fit on the disk; and for
        a `ValueError` of the block, in which the archive is named instead of the temporary folder.

    Example:
      >>> import io, tempfile, zipfile
      >>> from PIL import Image
      >>> from jgan.data import archives
      >>> with tempfile.TemporaryDirectory() as scratch:
      ...     with zipfile.ZipFile(Path(scratch) / "a.zip", "w") as archive:
      ...         archive.writestr("images/0.txt", "zero")
      ...     with archives.unpacked(Path(scratch) / "a.zip") as root:
      ...         print([file.name for file in root.iterdir()])
      ['0.txt']
    """
    with tempfile.TemporaryDirectory(prefix="jgan-") as scratch:
        root = Path(scratch) / "unpacked"
        root.mkdir()
        try:
            _unpack(path, root)
            yield _inner(root)
        except ValueError as error:
            message = str(error).replace(str(root), str(path))
            raise ValueError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def sizes(path: Path, *, skip: bool = False) -> set[Size]:
    """The sizes of the images of an archive, by their headers.

    Args:
      path: a zip or tar file.
      skip: whether members that are no images are left out.

    Returns:
      Heights and widths.

    Raises:
      ValueError: as `unpacked`, or if a member with the suffix of an image is none, unless they are left out.

    Example:
      >>> import io, tempfile, zipfile
      >>> from PIL import Image
      >>> from jgan.data import archives
      >>> with tempfile.TemporaryDirectory() as scratch:
      ...     picture = io.BytesIO()
      ...     Image.new("L", (4, 2)).save(picture, "PNG")
      ...     with zipfile.ZipFile(Path(scratch) / "a.zip", "w") as archive:
      ...         archive.writestr("0.png", picture.getvalue())
      ...     archives.sizes(Path(scratch) / "a.zip")
      {(2, 4)}
    """
    found = set()
    with _whole(path), _opened(path) as members:
        for member in _checked(path, members, LARGEST * MOST):
            suffix = Path(member.name).suffix.lower()
            if suffix in pictures.SUFFIXES:
                with member.open() as file:  # copied, because to seek in a compressed file is to read it again
                    content = io.BytesIO(file.read())
                with contextlib.suppress(*(ValueError,) if skip else ()):
                    found.add(pictures.header(content, f"{path}, {member.name}", pictures.formats_of(suffix))[0])
    return found


def _unpack(path: Path, root: Path) -> None:
    """Writes the members of an archive below a folder."""
    with _whole(path), _opened(path) as members:
        for member in list(_checked(path, members, shutil.disk_usage(root).free)):
            target = root / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, target.open("xb") as file:
                shutil.copyfileobj(source, file)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Makes one line of whatever is raised by a damaged archive, which can fail in any way."""
    try:
        yield
    except FileExistsError as error:
        raise ValueError(f"{path}: expected each name once, found {Path(error.filename).name} twice") from error
    except ValueError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG):
            raise OSError(
                error.errno, f"it cannot be unpacked to {tempfile.gettempdir()}: {error.strerror}", str(path)
            ) from error
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
    reading.regular(path, "a zip or tar archive")
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
