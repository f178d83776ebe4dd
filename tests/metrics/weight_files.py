"""Files of weights written by hand, byte by byte: what `torch.save` and `safetensors` write, without either."""

import io
import json
import pickle
import sys
import zipfile

import ml_dtypes
import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"float64": "Double", "float32": "Float", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long"}
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def opcodes(value):
    """The opcodes that put a plain value on the stack: a pickle without its head and its end."""
    return pickle.dumps(value, 2)[2:-1]


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def tensor(array, key, *, older=False, offset=0, shape=None, strides=None, numel=None, view=None, kind=None):
    """The opcodes of a tensor, `_rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict())`."""
    shape = array.shape if shape is None else shape
    strides = tuple(stride // array.itemsize for stride in array.strides) if strides is None else strides
    numel = array.size if numel is None else numel
    storage = b"(" + opcodes("storage") + named("torch", f"{kind or STORAGES[array.dtype.name]}Storage") + opcodes(key)
    storage += opcodes("cpu") + opcodes(numel) + (opcodes(view) if older else b"") + b"tQ"
    numbers = opcodes(offset) + opcodes(shape) + opcodes(strides)
    return named("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + numbers + b"\x89" + ordered({}) + b"tR"


def ordered(entries):
    """The opcodes of an ordered dictionary, `{name: opcodes}`."""
    items = b"".join(opcodes(name) + value for name, value in entries.items())
    return named("collections", "OrderedDict") + b")R(" + items + b"u"


def complete(code):
    return b"\x80\x02" + code + b"."


def older(state, *, code=None, system=None, counts=None):
    """`torch.save` until PyTorch 1.6: five pickles, then the numbers."""
    keys = {name: str(1000 + index) for index, name in enumerate(state)}
    made = ordered({name: tensor(array, keys[name], older=True) for name, array in state.items()})
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}} if system is None else system
    heads = [pickle.dumps(MAGIC, 2), pickle.dumps(1001, 2), pickle.dumps(system, 2)]
    tail = [pickle.dumps(list(keys.values()), 2)]
    for name, array in state.items():
        tail += [(counts or {}).get(name, array.size).to_bytes(8, "little"), array.tobytes()]
    return b"".join([*heads, complete(made if code is None else code), *tail])


def zipped(state, *, code=None, compression=zipfile.ZIP_STORED, byteorder=sys.byteorder):
    """`torch.save` since: an archive."""
    keys = {name: str(index) for index, name in enumerate(state)}
    made = ordered({name: tensor(array, keys[name]) for name, array in state.items()})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", complete(made if code is None else code))
        archive.writestr("archive/byteorder", byteorder)
        for name, array in state.items():
            archive.writestr(f"archive/data/{keys[name]}", array.tobytes())
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def safetensors(state):
    """Eight bytes of the length of a header, the header, the numbers."""
    kinds = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}
    header, numbers = {"__metadata__": {"format": "np"}}, b""
    for name, array in state.items():
        last = len(numbers) + array.nbytes
        header[name] = {"dtype": kinds[array.dtype.name], "shape": array.shape, "data_offsets": [len(numbers), last]}
        numbers += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def npz(state):
    file = io.BytesIO()
    np.savez(file, **state)
    return file.getvalue()


FORMATS = {"older": older, "zipped": zipped, "safetensors": safetensors, "npz": npz}
