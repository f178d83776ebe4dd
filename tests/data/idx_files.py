"""Writers of small IDX files for the tests, by the format's definition."""

import gzip
import struct
from pathlib import Path

import numpy as np

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def encode(array: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, CODES[array.dtype.name], array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def arrays(seed: int, train: int = 60, test: int = 10, side: int = 28) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = [(train, side, side), (train,), (test, side, side), (test,)]
    return [rng.integers(0, 256 if len(size) == 3 else 10, size, dtype=np.uint8) for size in sizes]


def write_set(folder: Path, seed: int = 0, suffix: str = ".gz", **sizes: int) -> list[np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    written = arrays(seed, **sizes)
    for name, array in zip(NAMES, written, strict=True):
        content = encode(array)
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content, mtime=0) if suffix == ".gz" else content)
    return written
