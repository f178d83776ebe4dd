"""Files made to fill the memory or to make a reader wait: refused before they are decoded, in a child with little memory."""

import gzip
import io
import math
import os
import socket
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

if sys.platform != "linux":
    pytest.skip("the memory of a child process is bounded on Linux only", allow_module_level=True)

import fuzzing
import idx_files
from PIL import Image

from jgan import data, translation
from jgan.data import arrays, cifar, faces, idx, image_files, lines, pictures, reading, tfrecord
from jgan.evaluation import named

MIB = 1 << 20


def refusal(read, path, *, memory=256 * MIB, seconds=10) -> str:
    """The message with which a file is refused, in a child with this memory and time."""

    def attempt(_) -> str:
        try:
            read(path)
        except Exception as error:
            fuzzing.check_refusal(error, path)
            return f"refused {error}"
        return "read"

    (told,) = fuzzing.limited(attempt, [None], memory=memory, seconds=seconds)
    assert told.startswith("refused "), told
    return told.removeprefix("refused ")


def png(width: int, height: int, rows: bytes = b"", colour: int = 0) -> bytes:
    """A PNG of 8 bits by hand: Pillow would have to make the image."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def zeros_deflated(blocks: int) -> bytes:
    """A deflate stream of that many MiB of zeros, made from one."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return block * blocks + compressor.flush()


def npy_header(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    text = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text


# --------------------------------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize("size", [(60000, 60000), (20000, 20000), (9000, 9000), (2**31 - 1, 1), (pictures.MOST_PIXELS + 1, 1)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path, size):
    path = tmp_path / "a.png"
    path.write_bytes(png(*size))
    assert "expected at most 50000000 pixels, found" in refusal(image_files.read_image, path, memory=64 * MIB)


def test_the_largest_picture_is_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(10000, 5000, bytes(5000 * 10001)))
    told = fuzzing.limited(lambda _: str(image_files.read_image(path, (16, 32)).shape), [None], memory=256 * MIB)
    assert told == ["(16, 32, 1)"]


def test_a_larger_picture_is_read_where_it_is_the_user_s_own(tmp_path):
    """As `sample --input` reads it, to translate it in tiles."""
    path = tmp_path / "a.png"
    path.write_bytes(png(10_000, 10_000, bytes(10_000 * 10_001)))
    assert "expected at most 50000000 pixels, found 10000x10000" in refusal(image_files.read_image, path)
    [picture] = named.read(path, translation.MOST_PIXELS)
    assert picture.pixels.shape == (10_000, 10_000, 1)
    path.write_bytes(png(13_000, 13_000))
    with pytest.raises(ValueError, match="expected at most 150000000 pixels, found 13000x13000"):
        next(named.read(path, translation.MOST_PIXELS))


@pytest.mark.parametrize("name", ["BMP", "GIF", "TIFF", "JPEG", "WEBP"])
def test_other_formats_that_declare_too_much(tmp_path, name):
    """The width and the height are replaced in a small file."""
    file = io.BytesIO()
    Image.new("L" if name in ("GIF", "TIFF") else "RGB", (77, 66)).save(
        file, name, **({"lossless": True} if name == "WEBP" else {})
    )
    content = file.getvalue()
    if name == "WEBP":  # 14 bits each, less one
        old, new = (struct.pack("<I", width - 1 | height - 1 << 14 | 1 << 28) for width, height in ((77, 66), (16384, 16384)))
        old, new = old[:3], new[:3]
    else:
        layouts = {"BMP": "<ii", "GIF": "<HH", "TIFF": "<H", "JPEG": ">HH"}
        numbers = {"JPEG": ((66, 77), (65000, 65000)), "TIFF": ((77,), (65535,))}.get(name, ((77, 66), (65000, 65000)))
        old, new = (struct.pack(layouts[name], *pair) for pair in numbers)
        if name == "TIFF":
            content = content.replace(struct.pack("<H", 66), struct.pack("<H", 65535))
    assert old in content
    path = tmp_path / f"a.{name.lower()}"
    path.write_bytes(content.replace(old, new))
    refusal(image_files.read_image, path)


def test_a_text_chunk_that_unfolds_is_refused(tmp_path):
    path = tmp_path / "a.png"
    whole = png(4, 4, bytes(20))
    text = b"zTXtk\0\0" + b"\x78\xda" + zeros_deflated(512)
    path.write_bytes(whole[:33] + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text)) + whole[33:])
    refusal(image_files.read_image, path)


def test_many_pictures_are_counted_before_they_are_read(tmp_path, monkeypatch):
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(png(100, 100, bytes(10100)))
    monkeypatch.setattr(reading, "memory", lambda: 110_000)
    with pytest.raises(ValueError, match=rf"{tmp_path}, 12 images: expected at most the 110000 bytes .*, found 120000"):
        data.load("folder", tmp_path)


@pytest.mark.parametrize("name", ["folder:100000", "folder:50001x1000", "olivetti:20000", "lines:100000000000"])
def test_absurd_sizes_after_the_colon_are_refused(tmp_path, name):
    (tmp_path / "a.png").write_bytes(png(4, 4, bytes(20)))
    with pytest.raises(ValueError, match="after the colon"):
        data.load(name, tmp_path)


# ----------------------------------------------------------------------------------------------------------------- arrays


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("shape", [(2**31, 28, 28), (2**62, 2, 2), (1 << 40,), (1 << 30,), (1 << 18,)])
def test_an_array_that_declares_more_than_the_file_holds(tmp_path, shape, method):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x.npy", npy_header(shape) + bytes(100))
    told = refusal(lambda path: data.load("npz", path), path, memory=64 * MIB)
    assert f"a.npz, x: expected {reading.count(math.prod(shape))} bytes of values, found 228" in told


def test_an_array_that_holds_more_than_it_declares(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy_header((12, 8, 8)) + bytes(769))
    assert "a.npz, x: expected 768 bytes of values, found more" in refusal(lambda path: data.load("npz", path), path)


def test_of_a_matlab_file_only_the_faces_are_read(tmp_path):
    path = tmp_path / faces.MAT
    scipy.io.savemat(path, {"others": np.zeros(128 * MIB, np.uint8), "faces": np.ones((4096, 400), np.uint8)})
    told = fuzzing.limited(lambda _: str(faces.read_mat(path).shape), [None], memory=64 * MIB)
    assert told == ["(400, 64, 64)"]
    scipy.io.savemat(path, {"faces": np.zeros((MIB, 128), np.uint8)})
    assert "expected `faces` as uint8 (4096, 400), found uint8" in refusal(faces.read_mat, path, memory=64 * MIB)


@pytest.mark.parametrize("asked", [True, False])
def test_an_archive_that_unfolds_is_read_only_where_nobody_asks_for_it(tmp_path, asked):
    """2 GB of zeros in 2 MB, in the archive's own compression."""
    path = tmp_path / "a.npz"
    big = 2048 * MIB
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy" if not asked else "others.npy", npy_header((12, 8, 8)) + bytes(768))
    # A member by hand: its checksum need not be right, since it is not read to the end.
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = body.compress(npy_header((2048, 1024, 1024))) + body.flush(zlib.Z_FULL_FLUSH) + zeros_deflated(2048)
    name = b"x.npy" if asked else b"z.npy"
    fields = (20, 0, 8, 0, 0, 0, len(head), big + len(npy_header((2048, 1024, 1024))), len(name), 0)
    content = path.read_bytes()
    end = content.rindex(b"PK\5\6")
    start = content.index(b"PK\1\2")
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", *fields) + name + head
    central = content[start:end] + b"PK\1\2" + struct.pack("<H", 20) + struct.pack("<HHHHHIIIHH", *fields)
    central += struct.pack("<HHHII", 0, 0, 0, 0, start) + name
    tail = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(central), start + len(local), 0)
    path.write_bytes(content[:start] + local + central + tail)
    assert arrays.read(path, []).held == (("others", "x") if asked else ("images", "z"))
    if asked:
        told = refusal(lambda path: data.load("npz", path), path, memory=64 * MIB)
        assert "a.npz, x: expected at most 100 times its" in told
    else:
        told = fuzzing.limited(lambda _: str(len(data.load("npz", path).train.x)), [None], memory=64 * MIB)
        assert told == ["8"]


def test_only_the_arrays_asked_for_are_opened(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((12, 4, 4), np.uint8), z=np.arange(1000))
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content.replace(np.arange(1000).tobytes()[:80], bytes(80)))  # a wrong checksum
    assert len(data.load("npz", tmp_path).train.x) == 8
    with pytest.raises(ValueError, match=r"a.npz, z: .*Bad CRC-32"):
        arrays.read(tmp_path / "a.npz", ["z"])


@pytest.mark.parametrize("declared", [60, 2**31])
def test_a_gzip_that_unfolds_is_read_no_further_than_its_header_says(tmp_path, declared):
    """4 GB of zeros in 4 MB."""
    idx_files.write_set(tmp_path)
    header = bytes([0, 0, 8, 3]) + struct.pack(">III", declared, 28, 28)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = compressor.compress(header) + compressor.flush(zlib.Z_FULL_FLUSH) + zeros_deflated(4096)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\3" + stream + bytes(8))
    told = refusal(idx.read, path, memory=64 * MIB, seconds=2)
    assert ("there are bytes after its values" if declared == 60 else "expected at most") in told


def test_compression_that_is_no_trap_is_read(tmp_path):
    """Ten pictures of zeros are compressed 1,000 to 1."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((12, 256, 256), np.uint8))
    assert len(data.load("npz", tmp_path).train.x) == 8
    with pytest.raises(ValueError, match="expected at most 100 times its 1000 compressed bytes, found 268435457"):
        reading.check_size("a", reading.ALWAYS + 1, compressed=1000)
    reading.check_size("a", reading.ALWAYS, compressed=1000)
    reading.check_size("a", reading.ALWAYS + 1, compressed=reading.ALWAYS // 100 + 1)


def test_values_that_do_not_fit_into_the_memory_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a\n")
    os.truncate(path, 1 << 42)  # of which the disk holds nothing
    assert f"expected at most the {reading.memory()} bytes of this machine's memory" in refusal(lines.read_lines, path)


def test_a_tar_of_a_large_file_is_refused(tmp_path):
    path = tmp_path / "cifar-10-python.tar.gz"
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = 3 << 30
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = compressor.compress(member.tobuf()) + compressor.flush(zlib.Z_FULL_FLUSH) + zeros_deflated(3 << 10)
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\3" + stream + bytes(8))
    assert "too large" in refusal(lambda path: data.load("cifar10", path.parent), path)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.REGTYPE])
def test_a_tar_of_endless_headers_is_refused(tmp_path, kind):
    path = tmp_path / "cifar-10-python.tar.gz"
    member = tarfile.TarInfo("a")
    member.type, member.size = kind, 3 << 30
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = compressor.compress(member.tobuf()) + compressor.flush(zlib.Z_FULL_FLUSH) + zeros_deflated(3 << 10)
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\3" + stream + bytes(8))
    refusal(lambda path: data.load("cifar10", path.parent), path, memory=768 * MIB)


def test_a_record_longer_than_its_file_is_refused(tmp_path):
    path = tmp_path / "a.tfrecord"
    length = struct.pack("<Q", 1 << 40)
    path.write_bytes(length + struct.pack("<I", tfrecord.masked(tfrecord.crc32c(length))) + b"abc")
    assert "cut short" in refusal(lambda path: tfrecord.places(path), path, memory=64 * MIB)


# ------------------------------------------------------------------------------------------------------- what is no file


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


MAKES = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
}

READS = {
    "a.png": lambda path: image_files.read_image(path),
    "a.npz": lambda path: data.load("npz", path) if not path.is_dir() else arrays.read(path, []),
    "a.txt": lambda path: data.load("lines", path) if not path.is_dir() else lines.read_lines(path),
    "a.tfrecord": lambda path: tfrecord.places(path),
    "train-images-idx3-ubyte": idx.read,
    "data_batch_1.bin": lambda path: cifar.read(path.parent),
    "cifar-10-python.tar.gz": cifar.read,
}


@pytest.mark.parametrize("kind", MAKES)
@pytest.mark.parametrize("name", READS)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch, kind, name):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    if (kind, name) == ("folder", "cifar-10-python.tar.gz"):
        pytest.skip("a folder is another place of the files")
    MAKES[kind](Path(name))
    refusal(READS[name], tmp_path / name, seconds=3)


def test_a_pipe_among_pictures_is_named(tmp_path):
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(png(4, 4, bytes(20)))
    os.mkfifo(tmp_path / "5a.png")
    assert "found a pipe: give a regular file" in refusal(lambda path: data.load("folder", path.parent), tmp_path / "5a.png")


def test_gzip_in_gzip_is_no_idx(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(gzip.compress(idx_files.encode(np.zeros(3, np.uint8)))))
    assert "found 1F 8B 08" in refusal(idx.read, path)
