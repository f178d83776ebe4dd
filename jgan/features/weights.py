"""Reads weights from `.pth` (without PyTorch), `.safetensors` or `.npz` files, and checks their layout and hash."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jgan.features import torch_files
from jgan.utils import text

PUBLISHED = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""sha256 of the file of Inception weights used for FID; the name of the file ends in the first eight digits."""

WHERE = (
    "the usual one, pt_inception-2015-12-05-6726825d.pth (96 MB), is among the releases of mseitzer/pytorch-fid on GitHub, "
    "under the tag fid_weights"
)

IGNORED = ".num_batches_tracked"
"""Name suffix of PyTorch's batch counters, which are used only in training."""

SAFETENSORS = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(jnp.bfloat16),
    "I64": np.dtype(np.int64),
}


LARGEST = 1 << 32
"""The most bytes that a file of weights may have; InceptionV3's have 0.1 GB."""

RATIO = 100
"""The most bytes of an array per compressed byte: weights hardly compress."""


class Weights(NamedTuple):
    """Weights read from a file.

    Attributes:
      arrays: `{name: array}`, float32.
      digest: the result of `digest` for the arrays, which does not depend on the format of the file.
      sha256: the hash of the file.
    """

    arrays: dict[str, np.ndarray]
    digest: str
    sha256: str


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """The sha256 of named arrays, in the order of their names; it covers the name, dtype, shape and bytes of each.

    Args:
      arrays: `{name: array}`.

    Returns:
      64 hexadecimal digits.

    Example:
      >>> import numpy as np
      >>> from jgan.features import weights
      >>> weights.digest({"b": np.ones(2), "a": np.zeros(3)}) == weights.digest({"a": np.zeros(3), "b": np.ones(2)})
      True
    """
    sha256 = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        sha256.update(f"{name} {little.dtype.name} {array.shape}\n".encode())
        sha256.update(little.tobytes())
    return sha256.hexdigest()


def read(
    path: str | Path,
    layout: Mapping[str, tuple[int, ...]],
    *,
    expected: str | None = PUBLISHED,
    where: str = WHERE,
    unused: str | None = None,
) -> Weights:
    """Reads weights with a given layout.

    Args:
      path: a `.pth`, `.safetensors` or `.npz` file; the format is detected from the content, not the name.
      layout: `{name: shape}` of all required arrays. Other arrays are an error, except PyTorch's `num_batches_tracked`.
      expected: at least the first eight digits of the sha256 of the file or of the digest of its arrays; None for any weights.
      where: ends each message: where to find the right file. By default, where InceptionV3's is.
      unused: the beginning of the names of other arrays that the file may hold, which are not converted; None for none.

    Returns:
      The `Weights`, converted to float32.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is damaged, has another format, hash or layout, or asks for more than tensors.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> import numpy as np
      >>> from jgan.features import weights
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     np.savez(Path(folder) / "w.npz", scale=np.ones(3, np.float16))
      ...     weights.read(Path(folder) / "w.npz", {"scale": (3,)}, expected=None).arrays
      {'scale': array([1., 1., 1.], dtype=float32)}
    """
    path = Path(path)
    if expected is not None and len(expected) < 8:
        raise ValueError(f"expected at least eight digits of a hash, found {expected!r}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file of weights, found none; {where}")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path}: expected weights of at most {LARGEST:,} bytes, found {path.stat().st_size:,}; {where}")
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        found = {name: array for name, array in _parsed(data).items() if not name.endswith(IGNORED)}
        found = {name: array for name, array in found.items() if unused is None or not name.startswith(unused)}
    except Exception as error:  # a damaged file can fail in any way
        raise ValueError(
            f"{path}: expected weights as .pth, .safetensors or .npz, found a damaged or other file, of the sha256 {sha256} "
            f"({text.shortened(str(error) or type(error).__name__, 200)}); {where}"
        ) from error
    kinds = {array.dtype.name for array in found.values()} - {"float16", "bfloat16", "float32", "float64"}
    if kinds:
        raise ValueError(f"{path}: expected arrays of floats, found {text.listed(sorted(kinds))}")
    # Copies, because views into a file may not be aligned.
    weights = Weights({name: np.array(array, np.float32, order="C") for name, array in found.items()}, "", sha256)
    for name, array in weights.arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path}: expected finite weights, found NaN or infinity in {text.shortened(name, 60)}; {where}")
    weights = weights._replace(digest=digest(weights.arrays))
    _check_hash(path, weights, expected, where)
    _check_layout(path, weights.arrays, layout, where)
    return weights


def _parsed(data: bytes) -> dict[str, np.ndarray]:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            numpys = all(name.endswith(".npy") for name in archive.namelist())
        return read_npz(data) if numpys else torch_files.read(data)
    return _safetensors(data) if data[8:9] == b"{" else torch_files.read(data)


def read_npz(data: bytes) -> dict[str, np.ndarray]:
    """Reads all arrays of an `.npz` file whose sizes are those of weights.

    Args:
      data: the whole file.

    Returns:
      `{name: array}`.

    Raises:
      ValueError: if an array is compressed too well to be of weights, or holds objects.
      Exception: other errors from a damaged file.

    Example:
      >>> import io
      >>> import numpy as np
      >>> from jgan.features import weights
      >>> file = io.BytesIO()
      >>> np.savez(file, a=np.ones(2))
      >>> weights.read_npz(file.getvalue())
      {'a': array([1., 1.])}
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.file_size > RATIO * max(member.compress_size, 1000):
                raise ValueError(f"{text.shortened(member.filename, 60)} is compressed to less than 1 / {RATIO}")
            with archive.open(member) as values:  # NumPy reserves what a header declares
                version = np.lib.format.read_magic(values)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = header(values)
            if math.prod(shape) * dtype.itemsize > member.file_size:
                raise ValueError(f"{text.shortened(member.filename, 60)} declares more values than it holds")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _safetensors(data: bytes) -> dict[str, np.ndarray]:
    """Parses the format: eight bytes with the length of a JSON header, the header, the data. (Its package lacks bfloat16.)

    As in its specification, the arrays fill the data without gaps and overlaps, and no name occurs twice.
    """
    start = 8 + int.from_bytes(data[:8], "little")
    if start > len(data):
        raise ValueError("its header is longer than the file")
    header = json.loads(data[8:start], object_pairs_hook=_unique)
    header.pop("__metadata__", None)
    numbers, arrays, end = memoryview(data)[start:], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        if first != end or last < first:
            raise ValueError(f"the bytes of {text.shortened(name, 60)} do not follow those before")
        arrays[name], end = np.frombuffer(numbers[first:last], SAFETENSORS[entry["dtype"]]).reshape(entry["shape"]), last
    if end != len(numbers):
        raise ValueError(f"{len(numbers) - end} bytes belong to no array")
    return {name: arrays[name] for name in header}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _check_hash(path: Path, weights: Weights, expected: str | None, where: str) -> None:
    if expected is not None and not any(found.startswith(expected.lower()) for found in (weights.sha256, weights.digest)):
        raise ValueError(
            f"{path}: expected weights whose hash begins with {expected[:8]}, found the sha256 {weights.sha256} and the array "
            f"digest {weights.digest}: other weights give different results. To use these weights, pass this digest as "
            f"`expected`; otherwise, {where}"
        )


def _check_layout(path: Path, arrays: Mapping[str, np.ndarray], layout: Mapping[str, tuple[int, ...]], where: str) -> None:
    missing, others = sorted(layout.keys() - arrays.keys()), sorted(arrays.keys() - layout.keys())
    shapes = [
        f"{name} {arrays[name].shape} instead of {tuple(shape)}"
        for name, shape in sorted(layout.items())
        if name in arrays and arrays[name].shape != tuple(shape)
    ]
    wrong = [
        f"{len(names)} {what} ({text.listed(names, 4)})"
        for what, names in (("missing", missing), ("unexpected", others), ("of another shape", shapes))
        if names
    ]
    if wrong:
        raise ValueError(f"{path}: expected the {len(layout)} arrays of the layout, found {'; '.join(wrong)}: {where}")
