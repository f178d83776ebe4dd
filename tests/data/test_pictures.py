"""Pictures in every format: without loss, or refused by name."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, features

from jgan import data
from jgan.data import image_files, pictures
from jgan.utils import text

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
SUPPORTED = features.get_supported()

Image.init()
LOSSLESS = [".png", ".apng", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pnm", ".tga", ".pcx", ".sgi", ".rgb"]
LOSSLESS += [".qoi"] if "QOI" in Image.SAVE else []  # older Pillows only read it


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("upper", [False, True])
def test_lossless_formats_are_read_exactly(tmp_path, suffix, upper):
    path = tmp_path / f"a{suffix.upper() if upper else suffix}"
    Image.fromarray(COLOURS).save(path)
    np.testing.assert_array_equal(image_files.read_image(path), COLOURS)


@pytest.mark.skipif("webp" not in SUPPORTED, reason="this Pillow has no WebP")
def test_webp_is_read_also_under_another_name(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.webp", lossless=True)
    (tmp_path / "a.webp").rename(tmp_path / "a.png")
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), COLOURS)


@pytest.mark.skipif("jpg_2000" not in SUPPORTED, reason="this Pillow has no JPEG 2000")
def test_jpeg_2000_is_read_and_its_depth_is_seen(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.jp2", irreversible=False)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.jp2"), COLOURS)
    content = (tmp_path / "a.jp2").read_bytes()
    depths = content.index(b"\xff\x4f\xff\x51") + 42
    assert content[depths : depths + 9 : 3] == b"\7\7\7"  # bits, less one
    (tmp_path / "a.jp2").write_bytes(content[: depths + 3] + b"\x0b" + content[depths + 4 :])
    with pytest.raises(ValueError, match=r"a\.jp2: expected 8 bits per channel, found more"):
        image_files.read_image(tmp_path / "a.jp2")


@pytest.mark.skipif("avif" not in SUPPORTED, reason="this Pillow has no AVIF")
def test_avif_is_read_and_its_depth_is_seen(tmp_path):
    Image.new("RGB", (5, 6), (10, 200, 90)).save(tmp_path / "a.avif")
    np.testing.assert_allclose(image_files.read_image(tmp_path / "a.avif"), np.full((6, 5, 3), (10, 200, 90)), atol=3)
    content = bytearray((tmp_path / "a.avif").read_bytes())
    assert not pictures.is_deep_by_header("AVIF", io.BytesIO(content))
    content[content.index(b"av1C") + 6] |= 0x40  # Pillow writes no 10 bits, and would not decode this as such
    assert pictures.is_deep_by_header("AVIF", io.BytesIO(content))


def test_a_gif_of_one_frame_is_read_and_an_animation_is_named(tmp_path):
    frames = [Image.fromarray(COLOURS), Image.fromarray(255 - COLOURS)]
    frames[0].save(tmp_path / "a.gif")
    assert image_files.read_image(tmp_path / "a.gif").shape == (6, 5, 3)
    for name in ("b.gif", "b.png", "b.tif", *(["b.webp"] if "webp" in SUPPORTED else [])):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(ValueError, match=f"{name}: expected one image, found an animation or several pages"):
            image_files.read_image(tmp_path / name)


def test_a_camera_s_second_picture_does_not_matter(tmp_path):
    first, second = (Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (50, 200))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    np.testing.assert_allclose(image_files.read_image(tmp_path / "a.jpg").astype(int), 50, atol=2)


def _deep_png(path, colour_type, channels):
    """A PNG of 16 bits by hand; Pillow writes only grey ones."""
    rows = b"".join(b"\0" + row.tobytes() for row in RNG.integers(0, 65536, (4, 4 * channels)).astype(">u2"))

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 4, 4, 16, colour_type, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def _deep_sgi(path, compressed):
    header = struct.pack(">HBBHHHH", 474, compressed, 2, 3, 4, 4, 3).ljust(512, b"\0")
    path.write_bytes(header + RNG.integers(0, 65536, (3, 4, 4)).astype(">u2").tobytes())


def _deep_tiff(path):
    """A TIFF of 4 x 4 pixels with 16 bits of red, green and blue, by its definition."""
    tags = [(256, 3, 1, 4), (257, 3, 1, 4), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 140), (277, 3, 1, 3)]
    tags += [(278, 3, 1, 4), (279, 4, 1, 96), (284, 3, 1, 1)]
    content = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    path.write_bytes(content + struct.pack("<HHH", 16, 16, 16) + RNG.integers(0, 65536, 48).astype("<u2").tobytes())


DEEP = {
    "rgb.png": lambda path: _deep_png(path, 2, 3),
    "rgba.png": lambda path: _deep_png(path, 6, 4),
    "la.png": lambda path: _deep_png(path, 4, 2),
    "grey.png": lambda path: _deep_png(path, 0, 1),
    "rgb.sgi": lambda path: _deep_sgi(path, 0),
    "packed.sgi": lambda path: _deep_sgi(path, 1),
    "rgb.tif": _deep_tiff,
    "float.tif": lambda path: Image.fromarray(np.ones((4, 4), np.float32)).save(path),
    "binary.ppm": lambda path: path.write_bytes(b"P6 2 2 1023\n" + bytes(24)),
    "largest.ppm": lambda path: path.write_bytes(b"P6 2 2 65535\n" + bytes(24)),
    "plain.ppm": lambda path: path.write_bytes(b"P3 1 1 1023\n1 2 3\n"),
    "grey.pgm": lambda path: path.write_bytes(b"P5 2 2 65535\n" + bytes(8)),
}


@pytest.mark.parametrize("name", DEEP)
def test_more_than_eight_bits_are_refused_not_dropped(tmp_path, name):
    DEEP[name](tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: expected 8 bits per channel, found more"):
        image_files.read_image(tmp_path / name)


def test_less_than_eight_bits_are_read(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 15\n\0\5\17")  # of 15, so 1/3 is 85
    assert image_files.read_image(tmp_path / "a.ppm").ravel().tolist() == [0, 85, 255]
    header = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 16, 0, 4, 0, 0, 0, 0)
    (tmp_path / "five.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + header + b"\x00\x7c\0\0")
    assert image_files.read_image(tmp_path / "five.bmp").ravel().tolist() == [255, 0, 0]  # 5 bits of each
    masks = struct.pack("<IIII", 0xF800, 0x07E0, 0x001F, 0)
    header = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 16, 3, 4, 0, 0, 0, 0) + masks
    (tmp_path / "six.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 74, 0, 0, 70) + header + b"\xe0\x07\0\0")
    assert image_files.read_image(tmp_path / "six.bmp").ravel().tolist() == [0, 255, 0]  # 6 bits of green


def test_a_damaged_byte_of_a_png_is_never_another_picture(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    unseen, told = [], set()
    for place in range(len(content)):
        (tmp_path / "a.png").write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), COLOURS)
            unseen.append(place)
        except ValueError as error:
            told.add(str(error).partition(":")[0])
    assert told == {str(tmp_path / "a.png")}
    assert all(place >= len(content) - 12 for place in unseen)  # the chunk at the end, which holds nothing


def test_postscript_is_not_given_to_another_program(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("a program was called"))
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n(id) run\n")
    with pytest.raises(ValueError, match=r"a\.png: expected an image, found a file that cannot be read as one"):
        image_files.read_image(tmp_path / "a.png")


def test_bytes_without_a_signature_are_a_picture_only_under_their_suffix(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.tga")
    (tmp_path / "a.tga").rename(tmp_path / "a.png")
    with pytest.raises(ValueError, match="cannot be read as one"):
        image_files.read_image(tmp_path / "a.png")


def test_grey_palettes_among_greys_stay_grey(tmp_path):
    grey = RNG.integers(0, 256, (6, 5), dtype=np.uint8)
    for number in range(6):
        Image.fromarray(grey).save(tmp_path / f"{number}.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "6.png")
    found = data.load("folder", tmp_path).train.x
    assert found.shape[1:] == (6, 5, 1)
    np.testing.assert_array_equal(found[4, ..., 0], grey)  # the fifth and the sixth are held out


def test_odd_metadata_are_not_warned_of(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0junk")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_files.read_image(tmp_path / "a.jpg").shape == (6, 5, 3)


LITTER = [
    "._a.png",
    ".DS_Store",
    "Thumbs.db",
    "thumbs.db",
    "Desktop.ini",
    "__MACOSX/._a.png",
    "lost+found/",
    "@eaDir/a.png/SYNO.png",
]
LITTER += ["#recycle/b.png", "$RECYCLE.BIN/c.png", "System Volume Information/x", ".ipynb_checkpoints/a.png", "~snapshot/d.png"]


@pytest.mark.parametrize("layout", ["flat", "classes", "parts"])
@pytest.mark.parametrize("name", LITTER)
def test_litter_is_ignored_wherever_it_lies(tmp_path, layout, name):
    for number in range(12):
        path = tmp_path / {"flat": "", "classes": "xy"[number % 2], "parts": "train"}[layout] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(COLOURS).save(path)
    clean = data.fingerprint(data.load("folder", tmp_path))
    for place in {tmp_path, path.parent}:
        litter = place / name
        (litter if name.endswith("/") else litter.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            litter.write_bytes(b"x")
    assert data.fingerprint(data.load("folder", tmp_path)) == clean


@pytest.mark.parametrize("name", ["labels.csv", "a.png.tmp", "images.zip", "a.h5", "a.eps", "a.pdf"])
def test_other_files_are_named(tmp_path, name):
    for number in range(6):
        Image.fromarray(COLOURS).save(tmp_path / f"{number}.png")
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=rf"{name}: expected only images .*, found another file: move it away"):
        data.load("folder", tmp_path)


def test_litter_beside_texts_and_archives_is_ignored(tmp_path):
    (tmp_path / "a.txt").write_text("to be\n" * 6)
    (tmp_path / "._a.txt").write_bytes(b"\xff\xfe")
    assert len(data.load("lines", tmp_path).train.x) == 4
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 2, 2), np.uint8))
    (tmp_path / "._a.npz").write_bytes(b"\xff\xfe")
    assert len(data.load("npz", tmp_path).train.x) == 4


def test_long_lists_are_cut(tmp_path):
    for number in range(300):
        path = tmp_path / "train" / f"class {number}" / "a.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(COLOURS).save(path)
        (tmp_path / "test" / f"other {number}").mkdir(parents=True)
    with pytest.raises(
        ValueError, match=r"expected classes of the training set, .* \(300 in all\), found .* \(300 in all\)"
    ) as raised:
        data.load("folder", tmp_path)
    assert len(str(raised.value)) < 400 + len(str(tmp_path))
    assert text.listed(["x" * 1000]) == "x" * 197 + "..."
    assert len(pictures.SUFFIXES) == len(set(pictures.SUFFIXES))
