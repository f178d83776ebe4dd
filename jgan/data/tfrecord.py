"""Reads TFRecord files, the default format of tensorflow-datasets, without TensorFlow.

Each record is its length (uint64, little-endian), the masked CRC-32C of these eight bytes, the data, and the masked CRC-32C of
the data. The checksum of the length is verified, which detects truncated or shifted files. That of the data is not: it takes
longer than decoding, and PNG images have their own checksums.

References:
  https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

import struct
from pathlib import Path

import numpy as np

from jgan.data import reading

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_table_entry(byte) for byte in range(256)]


def crc32c(data: bytes) -> int:
    """The cyclic redundancy check with Castagnoli's polynomial.

    Args:
      data: any bytes.

    Returns:
      The checksum, in [0, 2^32).

    Example:
      >>> from jgan.data import tfrecord
      >>> hex(tfrecord.crc32c(b"123456789"))
      '0xe3069283'

    References:
      RFC 3720, appendix B.4, https://www.rfc-editor.org/rfc/rfc3720
    """
    check = 0xFFFFFFFF
    for byte in data:
        check = check >> 8 ^ _TABLE[(check ^ byte) & 0xFF]
    return check ^ 0xFFFFFFFF


def masked(check: int) -> int:
    """Masks a checksum as TFRecord stores it: rotated right by 15 bits, plus a constant.

    Args:
      check: the checksum, in [0, 2^32).

    Returns:
      The masked checksum, in [0, 2^32).

    Example:
      >>> from jgan.data import tfrecord
      >>> hex(tfrecord.masked(0))
      '0xa282ead8'
    """
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF


def places(path: str | Path) -> np.ndarray:
    """Where the records of one file lie, from their headers.

    Args:
      path: the file, uncompressed.

    Returns:
      int64 `[N, 2]`: the first byte of each record's data, and the number of bytes.

    Raises:
      ValueError: if the file is damaged or cut short.

    Example:
      >>> import struct, tempfile
      >>> from jgan.data import tfrecord
      >>> length = struct.pack("<Q", 3)
      >>> with tempfile.NamedTemporaryFile() as file:
      ...     _ = file.write(length + struct.pack("<I", tfrecord.masked(tfrecord.crc32c(length))) + b"abc" + bytes(4))
      ...     file.flush()
      ...     tfrecord.places(file.name).tolist()
      [[12, 3]]
    """
    path = reading.user_path(path)
    size = reading.regular(path, "a file of TFRecords")
    found, at = [], 0
    with reading.naming(path, "a file of TFRecords"), path.open("rb") as file:
        while header := file.read(12):
            if len(header) < 12 or masked(crc32c(header[:8])) != struct.unpack("<I", header[8:])[0]:
                raise ValueError(f"{path}: expected the header of a TFRecord at byte {at}: prepare it again")
            (length,) = struct.unpack("<Q", header[:8])
            left = size - at - 12
            if length + 4 > left:
                raise ValueError(
                    f"{path}: expected a record of {length + 4} bytes, found {left}: it is cut short, prepare it again"
                )
            found.append((at + 12, length))
            at = file.seek(at + 12 + length + 4)
    return np.array(found, np.int64).reshape(-1, 2)
