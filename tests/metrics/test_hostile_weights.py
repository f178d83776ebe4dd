"""Hostile files of weights: no code, little memory, one line; a shape is taken only if its values are there."""

import io
import json
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import weight_files
from weight_files import opcodes, ordered, tensor

from jgan.features import classifier, torch_files, weights

TWO = np.array([1, 2], np.float32)
DATA = TWO.tobytes()
LAYOUT = {"a": (2,)}


def pickled(code):
    """An archive of `torch.save` whose pickle is `code`, with one storage of two numbers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/data.pkl", code)
        archive.writestr("x/data/0", TWO.tobytes())
    return file.getvalue()


def of_tensor(**changes):
    return pickled(weight_files.complete(ordered({"a": tensor(TWO, "0", **changes)})))


def safetensors(header, data=DATA, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(first=0, last=8, **changes):
    return {"dtype": "F32", "shape": [2], "data_offsets": [first, last]} | changes


def npz(compressed=False, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def declared(shape):
    """An .npz file whose array has no values."""
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", 118) + header.ljust(117) + b"\n")
    return file.getvalue()


HOSTILE = {
    "one number, 34 GB of it": (of_tensor(shape=(2**31, 4), strides=(0, 0), numel=2**40), "more values than the 2 stored"),
    "a negative shape": (of_tensor(shape=(-1, -2), strides=(1, 1)), "more values than the 2 stored"),
    "70 dimensions": (of_tensor(shape=(1,) * 70, strides=(0,) * 70), "found a damaged or other file"),
    "a memo of 34 GB": (pickled(b"\x80\x02Nr\xff\xff\xff\x7f."), "it declares LONG_BINPUT 2147483647"),
    "a memo in text": (pickled(b"N" + b"p2147483647\n."), "it declares PUT 2147483647"),
    "a frame of 2^62": (pickled(b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N."), "it declares FRAME"),
    "bytes of 2^33": (pickled(b"\x80\x05\x96" + struct.pack("<Q", 2**33) + b"x."), "found a damaged or other file"),
    "a bytearray": (pickled(pickle.dumps(bytearray(b"x"), 5)), "it has the operation BYTEARRAY8"),
    "text of 2^60": (pickled(b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"x."), "found a damaged or other file"),
    "an integer of 2^31 bytes": (pickled(b"\x80\x02\x8b" + struct.pack("<I", 2**31 - 1) + b"x."), "found a damaged or other"),
    "an integer of 10^6 digits": (pickled(b"L" + b"9" * 10**6 + b"L\n."), "found a damaged or other file"),
    "a set": (pickled(pickle.dumps({1}, 4)), "it has the operation EMPTY_SET"),
    "an object": (pickled(b"\x80\x02)\x81."), "it has the operation NEWOBJ"),
    "the extension registry": (pickled(b"\x80\x02\x82\x01."), "it has the operation EXT1"),
    "nested": (pickled(b"\x80\x02)" + b"\x85" * 100_000 + b"."), "found a damaged or other file"),
    "the older format cut short": (
        weight_files.older({"a": TWO}, counts={"a": 2})[:-4],
        "storage 1000 is cut short",
    ),
    "safetensors: a header of 2^63": (safetensors(b'{"a":1}', length=2**63), "its header is longer than the file"),
    "safetensors: nested": (safetensors(b'{"a":' * 50_000), "found a damaged or other file"),
    "safetensors: negative offsets": (safetensors({"a": entry(-8, 100)}), "the bytes of a do not follow those before"),
    "safetensors: overlapping": (safetensors({"a": entry(), "b": entry()}), "the bytes of b do not follow those before"),
    "safetensors: a gap": (safetensors({"a": entry(4, 12)}, bytes(12)), "the bytes of a do not follow those before"),
    "safetensors: trailing bytes": (safetensors({"a": entry()}, bytes(17)), "9 bytes belong to no array"),
    "safetensors: a name twice": (
        safetensors(json.dumps({"a": entry(), "b": entry(8, 16)}).replace('"b"', '"a"').encode(), bytes(16)),
        "a name occurs twice",
    ),
    "safetensors: an unknown type": (safetensors({"a": entry(dtype="F4")}), "found a damaged or other file"),
    "npz: objects": (npz(a=np.array([None], object)), "found a damaged or other file"),
    "npz: 4 TB": (declared((2**40,)), "a.npy declares more values than it holds"),
    "npz: a bomb": (npz(compressed=True, a=np.zeros(10**6, np.float32)), "a.npy is compressed to less than 1 / 100"),
    "NaN": (npz(a=np.array([np.nan, 1], np.float32)), "expected finite weights, found NaN or infinity in a"),
    "beyond float32": (npz(a=np.array([1e300, 1])), "expected finite weights, found NaN or infinity in a"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_hostile_file_is_one_line_and_takes_little_memory(name, tmp_path):
    data, message = HOSTILE[name]
    path = tmp_path / "w.pth"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=re.escape(message)) as error:
            weights.read(path, LAYOUT, expected=None)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    told = str(error.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    assert len(told) < 700


@pytest.mark.parametrize("data", [of_tensor(), weight_files.older({"a": TWO}), safetensors({"a": entry()}), npz(a=TWO)])
def test_the_same_file_without_the_fault_is_read(data, tmp_path):
    (tmp_path / "w.pth").write_bytes(data)
    np.testing.assert_array_equal(weights.read(tmp_path / "w.pth", LAYOUT, expected=None).arrays["a"], TWO)


def test_operations_are_checked_before_they_are_executed(monkeypatch):
    """The unpickler never sees the file."""
    monkeypatch.setattr(torch_files._Unpickler, "load", None)
    with pytest.raises(pickle.UnpicklingError, match="LONG_BINPUT"):
        torch_files.read(pickled(b"\x80\x02Nr\xff\xff\xff\x7f."))


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "LARGEST", 100)
    (tmp_path / "w.pth").write_bytes(bytes(101))
    with pytest.raises(ValueError, match="expected weights of at most 100 bytes, found 101"):
        weights.read(tmp_path / "w.pth", LAYOUT, expected=None)
    with pytest.raises(ValueError, match="it has more than 100 bytes"):
        classifier.load(tmp_path / "w.pth")


ABOUT = {"dataset": "d", "image_shape": [8, 8, 1], "classes": 10, "test_accuracy": 0.5}


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ("no", "Expecting value"),
        ("[]", "expected a file that python -m jgan.classifier wrote"),
        ("[" * 100_000, "maximum recursion depth exceeded"),
        (json.dumps(ABOUT | {"image_shape": ["a", 8, 1]}), "image_shape must be a whole number, found 'a'"),
        (json.dumps(ABOUT | {"image_shape": [8, 8]}), "its description or its weights are not those of a classifier"),
        (json.dumps(ABOUT | {"image_shape": [8, 10**9, 1]}), "image_shape must be from 1 to 65536"),
        (json.dumps(ABOUT | {"classes": 10**12}), "classes must be from 1 to 65536, found 1000000000000"),
        (json.dumps(ABOUT | {"classes": "ten"}), "classes must be a whole number, found 'ten'"),
        (json.dumps(ABOUT | {"more": 1}), "unexpected keyword argument 'more'"),
    ],
)
def test_a_classifiers_description_is_checked(tmp_path, about, message):
    np.savez(tmp_path / "c.npz", about=np.array(about))
    for read in (classifier.load, classifier.shape_of):
        with pytest.raises(ValueError, match=re.escape(message)) as error:
            read(tmp_path / "c.npz")
        assert str(error.value).startswith(f"{tmp_path / 'c.npz'}: expected a file that python -m jgan.classifier wrote")
        assert len(str(error.value)) < 500


def test_opcodes_of_a_plain_value_pass():
    assert {"BINPERSID", "REDUCE"} <= torch_files.OPERATIONS
    with pytest.raises(ValueError, match="expected a dictionary of tensors, found list"):
        torch_files.read(pickled(weight_files.complete(opcodes([1, 2.5, "text", None, True]))))
