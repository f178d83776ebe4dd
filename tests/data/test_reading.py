"""What all readers share: paths, names in messages, the boundary around decoders."""

import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import arrays, cifar, folder, idx, image_files, lines, npz, reading
from jgan.evaluation import sets


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with a file of each kind."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for number in range(6):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(tmp_path / "pictures" / f"{number}.png")
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 4, 4), np.uint8))
    (tmp_path / "a.txt").write_text("to be\n" * 6)
    (tmp_path / "a.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
    (tmp_path / "test_batch.bin").write_bytes(b"")
    return tmp_path


READS = {
    "load folder": lambda base: data.load("folder", f"{base}/pictures"),
    "load npz": lambda base: data.load("npz", f"{base}/a.npz"),
    "load lines": lambda base: data.load("lines", f"{base}/a.txt"),
    "image": lambda base: image_files.read_image(f"{base}/pictures/1.png"),
    "images": lambda base: folder.read(f"{base}/pictures"),
    "npz": lambda base: npz.read(f"{base}/a.npz"),
    "arrays": lambda base: arrays.read(f"{base}/a.npz", ["x"]).found["x"][0, 0, 0],
    "lines": lambda base: lines.read_lines(f"{base}/a.txt"),
    "idx": lambda base: idx.read(f"{base}/a.idx")[0],
    "cifar": lambda base: cifar.find(f"{base}").is_dir(),
    "set": lambda base: sets.read(f"{base}/pictures").images[0, 0, 0, 0],
    "set npz": lambda base: sets.read(f"{base}/a.npz").images[0, 0, 0, 0],
}


@pytest.mark.parametrize("name", READS)
def test_paths_of_users_are_expanded_by_every_reader(home, monkeypatch, name):
    monkeypatch.chdir(home / "pictures")
    for base in ("~", "..", str(home)):
        READS[name](base)
    with pytest.raises(ValueError, match=r"~nobody_of_this_name.*: expected the home folder of a user, found an unknown one"):
        READS[name]("~nobody_of_this_name")


@pytest.mark.parametrize(
    "error",
    [
        zlib.error("bad\nsecond line"),
        struct.error("bad"),
        zipfile.BadZipFile("bad"),
        SyntaxError("bad"),
        EOFError("bad"),
        MemoryError("bad"),
        RecursionError("bad"),
        KeyError("bad"),
        OSError("bad"),
        OSError(22, "bad"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
        ValueError("bad"),
        Image.DecompressionBombError("bad"),
        AssertionError("bad " + "x" * 1000),
        NotImplementedError("bad"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_error_of_a_decoder_becomes_one_line(error):
    with (
        pytest.raises(ValueError, match=r"^a.bin: expected a thing, found a damaged or other file \(.*bad") as raised,
        _naming(),
    ):
        raise error
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300
    assert raised.value.__cause__ is error


def _naming():
    return reading.naming("a.bin", "a thing")


def test_what_names_the_file_already_passes(tmp_path):
    with pytest.raises(ValueError, match=r"^a.bin, x: expected$"), _naming():
        raise ValueError("a.bin, x: expected")
    with pytest.raises(FileNotFoundError), _naming():
        (tmp_path / "none").read_bytes()
    with pytest.raises(KeyboardInterrupt), _naming():
        raise KeyboardInterrupt
    with pytest.raises(SystemExit), _naming():
        raise SystemExit


def test_errors_of_the_arrays_name_the_folder_they_are_from(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 4, 4), np.uint8))
    with pytest.raises(ValueError, match=rf"^{tmp_path}: expected at least 6 examples"):
        data.load("npz", tmp_path)


@pytest.mark.parametrize("name", ["x" * 5000, "inverted:" * 3000 + "digits", "digits\0", "a/../../b", ""])
def test_absurd_names_are_told_in_a_short_line(name, tmp_path):
    for place in (None, tmp_path):
        with pytest.raises(ValueError, match=r"expected|unknown|null|no ") as raised:
            data.load(name, place)
        assert len(str(raised.value)) < 800
