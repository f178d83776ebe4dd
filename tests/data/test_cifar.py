"""CIFAR-10's files, written here by their published format, ten images each instead of ten thousand."""

import io
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest

from jgan import data
from jgan.data import cifar

N = 10


@pytest.fixture
def small(monkeypatch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The six files as (images [N, 32, 32, 3], labels)."""
    monkeypatch.setattr(cifar, "IMAGES_PER_FILE", N)
    rng = np.random.default_rng(0)
    return {
        name: (rng.integers(0, 256, (N, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, N, dtype=np.uint8))
        for name in cifar.FILES
    }


def planes(image: np.ndarray) -> bytes:
    """1,024 bytes of red, row by row, then of green, then of blue."""
    return b"".join(image[:, :, channel].tobytes() for channel in range(3))


def binary(images: np.ndarray, labels: np.ndarray) -> bytes:
    return b"".join(bytes([label]) + planes(image) for image, label in zip(images, labels, strict=True))


class Python2Pickler(pickle._Pickler):  # the one written in Python, which can be changed
    """Pickles strings as Python 2 did: bytes, that do not tell whether they are text."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_string(self, value):
        content = value.encode("ascii") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


def pickled(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A dict with the labels as a list, by a Python and a NumPy of 2009."""
    rows = np.array([np.frombuffer(planes(image), np.uint8) for image in images])
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump({"data": rows, "labels": labels.tolist(), "batch_label": "training batch"})
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


FORMATS = {"cifar-10-batches-bin": (binary, ".bin"), "cifar-10-batches-py": (pickled, "")}


def write(folder, files, version) -> None:
    encode, suffix = FORMATS[version]
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in files.items():
        (folder / f"{name}{suffix}").write_bytes(encode(*contents))


@pytest.mark.parametrize("version", sorted(FORMATS))
@pytest.mark.parametrize("place", ["itself", "subfolder", "archive"])
def test_both_versions_are_read_wherever_they_lie(tmp_path, small, version, place):
    write(tmp_path if place == "itself" else tmp_path / version, small, version)
    if place == "archive":
        with tarfile.open(tmp_path / cifar.VERSIONS[version], "w:gz") as archive:
            archive.add(tmp_path / version, version)
        for path in (tmp_path / version).iterdir():
            path.unlink()
    found = data.load("cifar10", tmp_path)
    x = np.concatenate([small[name][0] for name in cifar.FILES])
    y = np.concatenate([small[name][1] for name in cifar.FILES])
    for part, ours in zip(found.parts.values(), (slice(40), slice(40, 50), slice(50, 60)), strict=True):
        np.testing.assert_array_equal(part.x, x[ours])
        np.testing.assert_array_equal(part.y, y[ours])
        assert (part.x.dtype, part.y.dtype) == (np.uint8, np.int32)


@pytest.mark.parametrize("version", sorted(FORMATS))
def test_a_missing_file_is_named(tmp_path, small, version):
    del small["data_batch_3"]
    write(tmp_path, small, version)
    with pytest.raises(FileNotFoundError, match="data_batch_3 is missing"):
        data.load("cifar10", tmp_path)


@pytest.mark.parametrize("version", sorted(FORMATS))
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_named(tmp_path, small, version, kept):
    write(tmp_path, small, version)
    path = tmp_path / f"data_batch_2{FORMATS[version][1]}"
    os.truncate(path, int(kept * path.stat().st_size))
    with pytest.raises(ValueError, match=f"{path.name}: expected .* found"):
        data.load("cifar10", tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_an_archive_cut_short_is_named(tmp_path, small, kept):
    write(tmp_path / "cifar-10-batches-bin", small, "cifar-10-batches-bin")
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "cifar-10-batches-bin", "cifar-10-batches-bin")
    os.truncate(path, int(kept * path.stat().st_size))
    with pytest.raises(ValueError, match=r"cifar-10-binary.tar.gz: expected a whole tar.gz archive, found a damaged"):
        cifar.load("cifar10", _only(path))


def test_the_checksum_of_an_archive_is_compared(tmp_path, small):
    write(tmp_path / "cifar-10-batches-bin", small, "cifar-10-batches-bin")
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "cifar-10-batches-bin", "cifar-10-batches-bin")
    content = path.read_bytes()
    path.write_bytes(content[:-8] + bytes([content[-8] ^ 1]) + content[-7:])  # the checksum itself
    with pytest.raises(ValueError, match=r"cifar-10-binary.tar.gz: expected a whole tar.gz archive, .*CRC check failed"):
        cifar.load("cifar10", _only(path))


def _only(path):
    """A folder that holds this file and nothing else."""
    folder = path.parent / "only"
    folder.mkdir()
    path.rename(folder / path.name)
    return folder


def test_labels_above_nine_are_told(small, tmp_path):
    small["test_batch"][1][0] = 10
    write(tmp_path, small, "cifar-10-batches-bin")
    with pytest.raises(ValueError, match=r"test_batch.bin: expected labels from 0 to 9, found 10"):
        data.load("cifar10", tmp_path)


class Trap:
    """What a hostile pickle does: it has a function of another module called."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, small, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, small, "cifar-10-batches-py")
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": Trap(), b"labels": []}))
    with pytest.raises(ValueError, match=r"data_batch_1: expected a pickle of arrays, .*it names \w+.mkdir"):
        data.load("cifar10", tmp_path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [{b"data": 3}, [1, 2], {b"data": np.zeros((N, 3072)), b"labels": [0] * N}])
def test_another_pickle_is_told(small, content):
    with pytest.raises(ValueError, match="here: expected"):
        cifar.read_pickle(pickle.dumps(content), "here")


def test_nothing_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected the six files of CIFAR-10, .* cifar-10-binary.tar.gz .* found none"):
        cifar.load("cifar10", tmp_path)
