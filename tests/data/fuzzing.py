"""Damages valid files of every format, and has readers try them in a child process with little memory and time.

What a reader may do with a damaged file: raise a `ValueError` or an `OSError` of one line that names the file, or return arrays
of the shape and the range that the whole file has. Where the format has checksums, it must return the very same arrays.
"""

import io
import json
import os
import pickle
import random
import resource
import signal
import struct
import tarfile
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

import h5py
import idx_files
import numpy as np
import scipy.io
from PIL import Image, features

from jgan import data
from jgan.data import cifar, faces, folder, tfrecord

MEMORY = 1 << 29
"""Bytes of memory that a child may take beyond what its parent has."""

SECONDS = 10
"""Time for one file."""

# ------------------------------------------------------------------------------------------------------------- mutations


def _flip(rng: random.Random, content: bytes, end: int | None = None) -> bytes:
    found = bytearray(content)
    found[rng.randrange(min(end or len(found), len(found)))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _flips(rng: random.Random, content: bytes) -> bytes:
    for _ in range(rng.randrange(2, 30)):
        content = _flip(rng, content)
    return content


def _header(rng: random.Random, content: bytes) -> bytes:
    """Writes an extreme number over a field of the first bytes, or of the last ones, where a zip has its directory."""
    value = rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
    field = struct.pack(rng.choice("<>") + ("B" if value < 256 else "H" if value < 65536 else "I"), value)
    place = rng.randrange(min(80, len(content)))
    place = len(content) - place - 1 if rng.random() < 0.3 else place
    return content[:place] + field + content[place + len(field) :]


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.choice([rng.randrange(len(content)), len(content) - rng.randrange(1, min(12, len(content)))])]


def _insert(rng: random.Random, content: bytes) -> bytes:
    place = rng.choice([rng.randrange(len(content)), len(content)])
    return content[:place] + rng.randbytes(rng.randrange(1, 40)) + content[place:]


def _zeros(rng: random.Random, content: bytes) -> bytes:
    first, last = sorted(rng.randrange(len(content)) for _ in range(2))
    return content[:first] + bytes(last - first) + content[last:]


def _exchange(rng: random.Random, content: bytes) -> bytes:
    first, last = sorted(rng.randrange(len(content)) for _ in range(2))
    return content[last:] + content[first:last] + content[:first]


MUTATIONS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "flip": _flip,
    "flip at the start": lambda rng, content: _flip(rng, content, 40),
    "flips": _flips,
    "header": _header,
    "header ": _header,  # twice as often as the others
    "cut": _cut,
    "insert": _insert,
    "zeros": _zeros,
    "exchange": _exchange,
    "another magic": lambda rng, content: rng.randbytes(4) + content[4:],
}

# --------------------------------------------------------------------------------------------------------------- formats


class Format(NamedTuple):
    """A format of files.

    Attributes:
      files: whole files by name.
      read: reads the folder that holds them.
      exact: whether its checksums show any damage.
      grows: whether a part of a file is a file, so that the number of examples may change.
      damaged: the names of the files that are damaged, one at a time; all by default.
    """

    files: dict[str, bytes]
    read: Callable[[Path], Any]
    exact: bool = False
    grows: bool = False
    damaged: tuple[str, ...] = ()


def _smooth(rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
    return rng.integers(0, 256, (n, 4, 4, channels), np.uint8).repeat(4, 1).repeat(4, 2)


def _pictures(name: str, mode: str, **options: Any) -> Format:
    suffix = f".{name.lower()}"
    files = {}
    for index, pixels in enumerate(_smooth(np.random.default_rng(0), 3, 3)):
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, {"TIF": "TIFF", "JP2": "JPEG2000"}.get(name, name), **options)
        files[f"{index}{suffix}"] = file.getvalue()
    # The first and the last are whole, so that another size of the damaged one is seen.
    return Format(files, lambda place: folder.read(place), name == "PNG", damaged=(f"1{suffix}",))


def _npz(save: Callable[..., None]) -> Format:
    file = io.BytesIO()
    save(file, x=_smooth(np.random.default_rng(0), 24, 3), y=np.arange(24) % 4)
    return Format({"a.npz": file.getvalue()}, lambda place: data.load("npz", place), exact=True)


def _hdf5(one_by_one: bool) -> Format:
    images, file = _smooth(np.random.default_rng(0), 24, 3), io.BytesIO()
    with h5py.File(file, "w") as written:
        for index, image in enumerate(images if one_by_one else ()):
            written.create_dataset(f"faces/{index:02}", data=image, compression="gzip", fletcher32=True)
        if not one_by_one:
            written.create_dataset("x", data=images, chunks=(4, 16, 16, 3), compression="gzip", fletcher32=True)
            written.create_dataset("y", data=np.arange(24) % 4, chunks=(24,), fletcher32=True)
    return Format({"a.h5": file.getvalue()}, lambda place: data.load("hdf5", place), grows=True)


def _idx(suffix: str) -> Format:
    with tempfile.TemporaryDirectory() as place:
        idx_files.write_set(Path(place), suffix=suffix, side=8)
        files = {path.name: path.read_bytes() for path in Path(place).iterdir()}
    return Format(files, lambda place: data.load("mnist", place), exact=suffix == ".gz")


def _cifar(version: str) -> Format:
    """Files of 20 images: the child has been told that all have 20."""
    rng = np.random.default_rng(0)
    files = {}
    for name in cifar.FILES:
        pixels, labels = rng.integers(0, 256, (20, 3072), np.uint8), rng.integers(0, 10, 20)
        if version == "bin":
            rows = np.concatenate([labels[:, None].astype(np.uint8), pixels], axis=1)
            files[f"{name}.bin"] = rows.tobytes()
        else:
            files[name] = pickle.dumps({b"data": pixels, b"labels": labels.tolist()}, protocol=2)
    if version == "tar.gz":
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        files = {"cifar-10-python.tar.gz": file.getvalue()}
    return Format(files, lambda place: data.load("cifar10", place), version == "tar.gz")


def _text() -> Format:
    content = "to be\nör not\nto bé\n".encode() * 8
    return Format({"a.txt": content}, lambda place: data.load("lines:characters:8:cut", place / "a.txt"), grows=True)


def _mat() -> Format:
    file = io.BytesIO()
    scipy.io.savemat(
        file, {"faces": np.arange(4096 * 400, dtype=np.int64).reshape(4096, 400).astype(np.uint8)}, do_compression=True
    )
    return Format({faces.MAT: file.getvalue()}, lambda place: faces.read_mat(place / faces.MAT))


def _tfrecord() -> Format:
    content = b""
    for record in (b"first", b"second" * 20):
        length = struct.pack("<Q", len(record))
        content += length + struct.pack("<I", tfrecord.masked(tfrecord.crc32c(length))) + record + bytes(4)
    return Format({"a.tfrecord": content}, lambda place: tfrecord.places(place / "a.tfrecord")[:, 1].tolist())


def formats() -> dict[str, Format]:
    """All formats that are read here, with whole files."""
    found = {
        "idx": _idx(""),
        "idx.gz": _idx(".gz"),
        "npz": _npz(np.savez),
        "npz, compressed": _npz(np.savez_compressed),
        "hdf5": _hdf5(one_by_one=False),
        "hdf5, one by one": _hdf5(one_by_one=True),
        "cifar, binary": _cifar("bin"),
        "cifar, pickle": _cifar("py"),
        "cifar, archive": _cifar("tar.gz"),
        "text": _text(),
        "mat": _mat(),
        "tfrecord": _tfrecord(),
    }
    for mode in ("RGB", "L", "P", "LA"):
        found[f"PNG, {mode}"] = _pictures("PNG", mode)
    for name in ("JPEG", "BMP", "GIF", "TIF", "PPM", "TGA", "PCX", "ICO", "SGI"):
        found[name] = _pictures(name, "P" if name == "GIF" else "RGB", **({"sizes": [(16, 16)]} if name == "ICO" else {}))
    found["TIF, deflated"] = _pictures("TIF", "RGB", compression="tiff_adobe_deflate")
    found["JPEG, CMYK"] = _pictures("JPEG", "CMYK")
    Image.init()
    if "QOI" in Image.SAVE:  # older Pillows only read it
        found["QOI"] = _pictures("QOI", "RGB")
    for name, feature in (("WEBP", "webp"), ("JP2", "jpg_2000"), ("AVIF", "avif")):
        if feature in features.get_supported():
            found[name] = _pictures(name, "RGB")
    return found


# -------------------------------------------------------------------------------------------------------------- the child


def limited(work: Callable[[Any], str], cases: Iterable[Any], *, memory: int = MEMORY, seconds: float = SECONDS) -> list[str]:
    """Calls a function for each case in a child process.

    Args:
      work: the function; returns one word.
      cases: its arguments.
      memory: bytes that the child may take beyond what this process has.
      seconds: the time for each case.

    Returns:
      For each case the word, or the error and where it was raised; the list ends early if the child was killed.
    """
    with tempfile.TemporaryFile("w+") as results:
        with warnings.catch_warnings():  # the child uses none of JAX's threads
            warnings.simplefilter("ignore")
            child = os.fork()
        if not child:
            try:
                _work(work, cases, memory, seconds, results)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        results.seek(0)
        found = [json.loads(line) for line in results]
    return [*found, f"ended by signal {os.WTERMSIG(status)}"] if status else found


def _work(work: Callable[[Any], str], cases: Iterable[Any], memory: int, seconds: float, results: IO[str]) -> None:
    """The child."""
    warnings.simplefilter("ignore")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, also inside a decoder
    for case in cases:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            told = work(case)
        except BaseException as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        signal.setitimer(signal.ITIMER_REAL, 0)
        results.write(json.dumps(told) + "\n")
        results.flush()


def arrays_of(found: Any) -> list[np.ndarray]:
    """All arrays of what a reader returns."""
    if isinstance(found, data.Dataset):
        found = list(found.parts.values())
    if isinstance(found, list | tuple):
        return [array for part in found for array in arrays_of(part)]
    return [] if found is None else [np.asarray(found)]


def check_refusal(error: Exception, path: Path) -> None:
    """Checks that an error is one line that names the file."""
    if not isinstance(error, ValueError | OSError):
        raise AssertionError(f"raised {type(error).__name__}: {error}") from error
    told = str(error)
    assert path.name in told, f"the file is not named: {told}"
    assert "\n" not in told, f"several lines: {told}"
    assert len(told) < 600 + 2 * len(str(path)), f"too long: {told}"


def _survey(form: Format, count: int, seed: int, place: Path) -> list[str]:
    """Damages files of one format: for each "refused", "same", "accepted", or what was wrong."""
    for name, content in form.files.items():
        (place / name).write_bytes(content)
    whole = arrays_of(form.read(place))
    rng = random.Random(seed)

    def attempt(_: int) -> str:
        name, mutation = rng.choice(form.damaged or tuple(form.files)), rng.choice(list(MUTATIONS))
        (place / name).write_bytes(MUTATIONS[mutation](rng, form.files[name]))
        try:
            found = arrays_of(form.read(place))
        except Exception as error:
            check_refusal(error, place / name)
            return "refused"
        finally:
            (place / name).write_bytes(form.files[name])
        if [array.tobytes() for array in found] == [array.tobytes() for array in whole]:
            return "same"
        shapes, expected = ([(array.shape[form.grows :], array.dtype) for array in part] for part in (found, whole))
        assert shapes == expected, f"another shape after {mutation!r} of {name}"
        assert not form.exact, f"other values after {mutation!r} of {name}"
        return "accepted"

    return limited(attempt, range(count))


def survey(count: int, seed: int = 0) -> tuple[dict[str, Counter[str]], list[str]]:
    """Damages files of all formats.

    Args:
      count: the number of files, rounded up to a multiple of the number of formats.
      seed: chooses the damage.

    Returns:
      How many files of each format were "refused", read as the "same", "accepted" with other values, or wrong; what was wrong.
    """
    counts, wrong = {}, []
    every = formats()
    for name, form in every.items():
        with tempfile.TemporaryDirectory() as place:
            told = _survey(form, -(-count // len(every)), seed, Path(place))
        counts[name] = Counter(word if word in ("refused", "same", "accepted") else "wrong" for word in told)
        wrong += [f"{name}, file {index}: {word}" for index, word in enumerate(told) if counts[name]["wrong"] and " " in word]
    return counts, wrong
