"""Reads the tensors of a `.pth` file without PyTorch and without executing code from the file.

`torch.save` pickles the objects and stores the data of their tensors ("storages") outside the pickle. Before PyTorch 1.6 the
storages followed the pickle in the same file; since then both are members of a zip archive. The published Inception weights
have the older format. A pickle can call any function of any module, and reserve any memory; here its operations are checked
before they are executed, and it can only call those functions that a dictionary of tensors needs.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
"""The magic number of the older format."""

STORAGES = {
    "DoubleStorage": np.dtype(np.float64),
    "FloatStorage": np.dtype(np.float32),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}
"""NumPy dtypes by PyTorch's names."""


OPERATIONS = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "POP", "NONE", "NEWTRUE", "NEWFALSE"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
        *("STRING", "SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES", "BINBYTES"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "LIST", "APPEND", "APPENDS"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
        *("PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "MEMOIZE"),
        *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
    )
)
"""The operations of a pickled dictionary of tensors."""


class _Storage(NamedTuple):
    """A reference in the pickle to data stored outside it."""

    key: str
    kind: str
    numel: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count elements, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    """Creates tensors, dictionaries, numbers and strings; refuses everything else."""

    def __init__(self, file: io.BytesIO):
        super().__init__(file, encoding="utf-8")
        self.file = file
        self.storages: dict[str, _Storage] = {}

    def load_checked(self) -> Any:
        """Loads one pickle, after a look at its operations: each length must fit into the rest of the file."""
        start = self.file.tell()
        for operation, value, _ in pickletools.genops(self.file):
            argument: Any = value
            if operation.name not in OPERATIONS:
                raise pickle.UnpicklingError(f"it has the operation {operation.name}, which no file of weights needs")
            if operation.name in ("PUT", "LONG_BINPUT", "FRAME") and argument > self.file.getbuffer().nbytes:
                raise pickle.UnpicklingError(f"it declares {operation.name} {argument}, more than the file holds")
        self.file.seek(start)
        return self.load()

    def find_class(self, module: str, name: str) -> Any:
        # A pickle can set attributes on the objects it gets, so each unpickler gets functions of its own, and names for types.
        if module == "torch" and name in STORAGES:
            return name
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2":
                return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, shape, strides)
            case "torch._utils", "_rebuild_parameter":
                return lambda tensor, *_: tensor
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no file of weights needs: do not trust it")

    def persistent_load(self, saved: Any) -> _Storage:
        kind, storage, key, _, count, *view = saved
        if kind != "storage" or storage not in STORAGES or any(view):
            raise pickle.UnpicklingError(f"it holds a {kind} of an unknown type")
        return self.storages.setdefault(key, _Storage(key, storage, count))


def read(data: bytes) -> dict[str, np.ndarray]:
    """Reads a dictionary of tensors, such as a `state_dict`, written by `torch.save`.

    Args:
      data: the whole file, in the older format or as a zip archive.

    Returns:
      `{name: array}`, each array a view of `data` or of a part of it, in its own dtype.

    Raises:
      ValueError: if the dictionary holds anything else, or a tensor exceeds its storage.
      Exception: other errors from a damaged file; `pickle.UnpicklingError` if it asks for anything that a tensor does not need.

    Example:
      >>> import pickle
      >>> from jgan.features import torch_files
      >>> torch_files.read(pickle.dumps(print))
      Traceback (most recent call last):
      _pickle.UnpicklingError: it asks for builtins.print, which no file of weights needs: do not trust it
    """
    tree, storages = _zipped(data) if data[:2] == b"PK" else _older(data)
    if not isinstance(tree, dict):
        raise ValueError(f"expected a dictionary of tensors, found {type(tree).__name__}")
    other = [name for name, value in tree.items() if not (isinstance(name, str) and isinstance(value, _Tensor))]
    if other:
        raise ValueError(f"expected a plain dictionary of tensors, found something else under {other[0]!r}: save only tensors")
    return {name: _array(tensor, storages) for name, tensor in tree.items()}


def _older(data: bytes) -> tuple[Any, dict[str, bytes]]:
    """Five pickles (magic number, version, system, objects, storage keys), then each storage after its element count."""
    file = io.BytesIO(data)
    unpicklers = [_Unpickler(file) for _ in range(5)]
    magic = unpicklers[0].load_checked()
    if magic != MAGIC:
        raise ValueError("it is a pickle, but not one that torch.save wrote")
    _, system, tree, keys = (unpickler.load_checked() for unpickler in unpicklers[1:])
    if not system["little_endian"]:
        raise ValueError("it was written on a big-endian machine: save it again on a little-endian one")
    storages = {}
    for key in keys:
        _, kind, count = unpicklers[3].storages[key]
        if int.from_bytes(file.read(8), "little") != count:
            raise ValueError(f"storage {key} has the wrong size")
        size = count * STORAGES[kind].itemsize
        if size > file.getbuffer().nbytes - file.tell():
            raise ValueError(f"storage {key} is cut short")
        storages[key] = file.read(size)
    return tree, storages


def _zipped(data: bytes) -> tuple[Any, dict[str, bytes]]:
    """A zip archive of `NAME/data.pkl` and one `NAME/data/KEY` per storage, uncompressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("a member of the archive is compressed, but torch.save does not compress")
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("it was written on a big-endian machine: save it again on a little-endian one")
        unpickler = _Unpickler(io.BytesIO(archive.read(pickled)))
        tree = unpickler.load_checked()
        return tree, {key: archive.read(f"{folder}data/{key}") for key in unpickler.storages}


def _array(tensor: _Tensor, storages: dict[str, bytes]) -> np.ndarray:
    """The array of a view; NumPy checks that it lies within the storage."""
    dtype = STORAGES[tensor.storage.kind]
    held = len(storages[tensor.storage.key]) // dtype.itemsize
    if min(tensor.shape, default=0) < 0 or math.prod(tensor.shape) > held:  # a stride of 0 could repeat one value without end
        raise ValueError(f"a tensor of the shape {tensor.shape} has more values than the {held} stored")
    strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
    return np.ndarray(tensor.shape, dtype, storages[tensor.storage.key], tensor.offset * dtype.itemsize, strides)
