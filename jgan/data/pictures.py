"""Decodes one picture with Pillow: bounded in memory, without loss, or an error of one line that names the file.

Formats: PNG, JPEG, WebP, BMP, GIF, TIFF, PPM, TGA, ICO, PCX, SGI, QOI, JPEG 2000 and AVIF, as far as the installed Pillow reads
them. Not read are formats that Pillow hands to other programs (EPS), pictures of several frames or pages, and values of more
than 8 bits, of which Pillow would drop some.
"""

import re
import warnings
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from jgan.data import reading

FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "TGA": (".tga",),
    "ICO": (".ico",),
    "PCX": (".pcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "QOI": (".qoi",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "AVIF": (".avif", ".avifs"),
}
"""Pillow's names of the formats, and the suffixes of their files."""

SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)

UNSIGNED = ("DIB", "TGA", "ICO", "PCX")
"""Formats without a signature, for which any bytes can be taken: read only from files with their suffix."""

MOST_PIXELS = 50_000_000
"""Pixels of one picture, whose decoding takes up to 0.6 GB; beyond, it may be a small file made to fill the memory."""


def formats_of(suffix: str) -> list[str]:
    """The formats that a file may have: any with a signature, since pictures are often misnamed, and the one of its suffix.

    Args:
      suffix: the suffix of its name, such as `.png`.

    Returns:
      Pillow's names.

    Example:
      >>> from jgan.data import pictures
      >>> "TGA" in pictures.formats_of(".png"), "TGA" in pictures.formats_of(".TGA")
      (False, True)
    """
    return [name for name, own in FORMATS.items() if name not in UNSIGNED or suffix.lower() in own]


def decode(file: IO[bytes], where: str, formats: Iterable[str], most: int = MOST_PIXELS) -> Any:
    """Decodes a picture.

    Args:
      file: the open file, which can be positioned.
      where: its name, for messages.
      formats: Pillow's names of the formats it may have.
      most: the largest number of pixels.

    Returns:
      Pillow's image, loaded, with at most 8 bits per channel; not turned by its EXIF data.

    Raises:
      ValueError: if it is damaged (in a PNG every checksum is verified), too large, has several frames, or more than 8 bits.

    Example:
      >>> import io
      >>> from jgan.data import pictures
      >>> pictures.decode(io.BytesIO(b"GIF89a"), "a.gif", ["GIF"])
      Traceback (most recent call last):
      ValueError: a.gif: expected an image, found a file that cannot be read as one: get it again
    """
    with reading.naming(where, "an image"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which do not concern the pixels
        image = _opened(file, where, formats, most)
        if image.format == "PNG":  # while it decodes, Pillow compares no checksums
            image.verify()
            file.seek(0)
            image = _opened(file, where, ["PNG"], most)
        image.load()
    return image


def header(file: IO[bytes], where: str, formats: Iterable[str]) -> tuple[tuple[int, int], str]:
    """What the header of a picture says, without decoding it.

    Args:
      file: the open file, which can be positioned.
      where: its name, for messages.
      formats: Pillow's names of the formats it may have.

    Returns:
      Height and width in pixels, turned as its EXIF data say; and Pillow's mode, such as "RGB".

    Raises:
      ValueError: as `decode`, so far as the header tells.

    Example:
      >>> import io
      >>> from PIL import Image
      >>> from jgan.data import pictures
      >>> Image.new("L", (4, 2)).save(file := io.BytesIO(), "PNG")
      >>> pictures.header(file, "a.png", ["PNG"])
      ((2, 4), 'L')
    """
    with reading.naming(where, "an image"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _opened(file, where, formats)
        on_its_side = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        return (image.width, image.height) if on_its_side else (image.height, image.width), image.mode


_ORIENTATION = 0x0112
"""EXIF's number of the orientation."""


def _opened(file: IO[bytes], where: str, formats: Iterable[str], most: int = MOST_PIXELS) -> Any:
    """Pillow's image, its header read and checked."""
    from PIL import Image, UnidentifiedImageError

    Image.init()
    known = [name for name in formats if name in Image.OPEN]
    try:
        image = Image.open(file, formats=known)
    except Image.DecompressionBombError:
        raise ValueError(f"{where}: expected at most {most} pixels, found far more: make it smaller") from None
    except UnidentifiedImageError:  # its message is the file's representation
        raise ValueError(f"{where}: expected an image, found a file that cannot be read as one: get it again") from None
    _check(image, file, where, most)
    return image


def _check(image: Any, file: IO[bytes], where: str, most: int) -> None:
    """Checks what the header of a picture says, before it is decoded."""
    if image.width * image.height > most:
        raise ValueError(
            f"{where}: expected at most {most} pixels, found {image.width}x{image.height} (width x height): make it smaller"
        )
    check_mode(image, where, deep=_is_deep(image, file))


def check_mode(image: Any, where: str, *, deep: bool = False) -> None:
    """Checks that a picture is one of at most 8 bits per channel.

    Args:
      image: Pillow's image.
      where: its name, for messages.
      deep: whether its file has more bits than its mode tells.

    Raises:
      ValueError: if it is not.

    Example:
      >>> from PIL import Image
      >>> from jgan.data import pictures
      >>> pictures.check_mode(Image.new("F", (2, 2)), "a")
      Traceback (most recent call last):
      ValueError: a: expected 8 bits per channel, found more (Pillow's mode F): convert it
    """
    # A photograph of a camera is often MPO, a JPEG with a small second picture behind it.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ValueError(f"{where}: expected one image, found an animation or several pages: save each as a file")
    if deep or image.mode.startswith(("I", "F")):
        raise ValueError(f"{where}: expected 8 bits per channel, found more (Pillow's mode {image.mode}): convert it")


def _is_deep(image: Any, file: IO[bytes]) -> bool:
    """Whether colours have more than 8 bits per channel, of which Pillow would silently keep 8."""
    if image.format in ("JPEG2000", "AVIF"):
        return is_deep_by_header(image.format, file)
    for decoder, _, _, options in image.tile or ():  # None for some formats in Pillow 10
        options = options if isinstance(options, tuple) else (options,)
        words = [option for option in options if isinstance(option, str)]
        if decoder == "SGI16" or any(re.search(r"(?<!BGR);(12|16|32)", word) for word in words):  # BGR;16 has 16 bits in all
            return True
        if decoder.startswith("ppm") and len(options) > 1 and options[1] > 255:  # the largest value
            return True
    return False


def is_deep_by_header(name: str, file: IO[bytes]) -> bool:
    """Whether a picture of a format of which Pillow does not tell the depth has more than 8 bits per channel.

    Args:
      name: `"JPEG2000"` or `"AVIF"`.
      file: the open file; its position is kept.

    Returns:
      True if its header says so, or does not say.

    Example:
      >>> import io
      >>> from jgan.data import pictures
      >>> [pictures.is_deep_by_header("AVIF", io.BytesIO(b"av1C\\x81\\x04" + flags)) for flags in (b"\\x0c", b"\\x4c")]
      [False, True]

    References:
      ISO/IEC 15444-1, A.5.1: the marker SIZ; AV1 Codec ISO Media File Format Binding, 2.3: the box av1C.
    """
    place = file.tell()
    file.seek(0)
    head = file.read(1 << 16)
    file.seek(place)
    if name == "AVIF":
        start = head.find(b"av1C")
        return start < 0 or len(head) < start + 7 or bool(head[start + 6] & 0x40)  # the bit "high_bitdepth"
    start = head.find(b"\xff\x4f\xff\x51")  # the start of the code, and the marker SIZ
    if start < 0 or len(head) < start + 43:
        return True
    channels = int.from_bytes(head[start + 40 : start + 42], "big")
    return any((depth & 0x7F) + 1 > 8 for depth in head[start + 42 : start + 42 + 3 * channels : 3])


def upright(image: Any, where: str) -> Any:
    """Converts a picture to grey or RGB, turned as its EXIF data say.

    Args:
      image: Pillow's image, from `decode`.
      where: its name, for messages.

    Returns:
      Pillow's image of the mode L if the file is grey (a palette of greys included), else RGB.

    Raises:
      ValueError: if it is partly transparent, or has no colours.

    Example:
      >>> from PIL import Image
      >>> from jgan.data import pictures
      >>> pictures.upright(Image.new("1", (2, 2)), "a.png").mode
      'L'
    """
    from PIL import ImageOps

    with reading.naming(where, "an image"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ImageOps.exif_transpose(image, in_place=True)
        if image.has_transparency_data and _alpha(image).getextrema() != (255, 255):
            raise ValueError(f"{where}: expected an opaque image, found transparent pixels: put it on a background")
        if image.mode in ("1", "L", "LA"):
            return image if image.mode == "L" else image.convert("L")
        colours = image if image.mode == "RGB" else image.convert("RGB")
        if image.mode in ("P", "PA"):
            red, green, blue = (np.asarray(channel) for channel in colours.split())
            if np.array_equal(red, green) and np.array_equal(red, blue):
                return colours.getchannel("R")
        return colours


def _alpha(image: Any) -> Any:
    return (image if image.mode in ("LA", "RGBA") else image.convert("RGBA")).getchannel("A")
