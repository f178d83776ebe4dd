"""Pickles that are read without calling anything they name."""

import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest

from jgan.data import cifar, plain_pickle


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("writeable", [True, False])
def test_any_version_of_pickle_is_read(monkeypatch, protocol, writeable):
    monkeypatch.setattr(cifar, "IMAGES_PER_FILE", 2)
    pixels = np.arange(2 * 3072).astype(np.uint8).reshape(2, 3072)
    pixels.flags.writeable = writeable
    found = cifar.read_pickle(pickle.dumps({b"data": pixels, b"labels": [3, 9]}, protocol), "here")
    np.testing.assert_array_equal(found.x, pixels.reshape(2, 3, 32, 32).transpose(0, 2, 3, 1))
    assert found.y.tolist() == [3, 9]


def batch(pixels=None, labels=None):
    pixels = np.zeros((10_000, 3072), np.uint8) if pixels is None else pixels
    return pickle.dumps({b"data": pixels, b"labels": [0] * 10_000 if labels is None else labels}, 2)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([-1] * 10_000, "expected labels from 0 to 9, found -1"),
        ([10] * 10_000, "expected labels from 0 to 9, found 10"),
        ([2**40] * 10_000, f"expected labels from 0 to 9, found {2**40}"),
        ([2**70] * 10_000, "expected integer labels, found object"),
        ([0.5] * 10_000, "expected 10000 integer labels, found other values"),
        ([float("nan")] * 10_000, "expected 10000 integer labels, found other values"),
        ([True] * 10_000, "expected 10000 integer labels, found other values"),
        ([[0]] * 10_000, "expected 10000 integer labels, found other values"),
        ([0] * 9_999, "expected 10000 integer labels, found other values"),
        ("x" * 10_000, "expected an array and a list, found PickledArray and"),
    ],
)
def test_other_labels_are_refused(labels, told):
    with pytest.raises(ValueError, match=f"here: {told}"):
        cifar.read_pickle(batch(labels=labels), "here")


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float32, bool])
def test_other_pixels_are_refused(dtype):
    with pytest.raises(ValueError, match=r"here: expected uint8 data of the shape \(10000, 3072\)"):
        cifar.read_pickle(batch(np.zeros((10_000, 3072), dtype)), "here")
    with pytest.raises(ValueError, match=r"here: expected uint8 data of the shape"):
        cifar.read_pickle(batch(np.asfortranarray(np.zeros((10_000, 3072), np.uint8))), "here")


HOSTILE = {
    "a module that runs when it is imported": (b"cnumpy.f2py.__main__\nndarray\n.", "it names numpy.f2py.__main__.ndarray"),
    "any module of NumPy": (b"cnumpy.testing\nndarray\n.", "it names numpy.testing.ndarray"),
    "a name with dots": (b"\x80\x04\x8c\x05numpy\x8c\x16ndarray.__subclasses__\x93.", "it names numpy.ndarray.__subclasses__"),
    "an array of 39 GB": (b"cnumpy\nndarray\n((I70000\nI70000\nttR.", "it makes an array of any size"),
    "an array over bytes as objects": (
        b"\x80\x03cnumpy\nndarray\n((I1\ntU\x01OC\x08AAAAAAAAtR.",
        "it makes an array of any size",
    ),
    "a function that is changed": (b"\x80\x02cnumpy\ndtype\n}U\x08functionNsb.", "it changes a function"),
    "a memo of 34 GB": (b"\x80\x02Nr\xff\xff\xff\x7f.", "it remembers a value under 2147483647"),
    "a memo in text": (b"Np2147483647\n.", "it remembers a value under 2147483647"),
    "a text of 2^60 bytes": (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x.", "expected"),
    "a bytearray of 8 GB": (b"\x80\x05\x96" + struct.pack("<Q", 1 << 33) + b"x.", "expected"),
    "a frame of 2^62 bytes": (b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"x.", "it is cut short"),
    "an integer of 10^6 digits": (b"L" + b"9" * 10**6 + b"L\n.", "Exceeds the limit"),
    "a registered extension": (b"\x80\x02\x82\x01.", "it has the operation EXT1"),
    "a persistent name": (b"Pname\n.", "it has the operation PERSID"),
    "an instance": (b"(inumpy\ndtype\n.", "it has the operation INST"),
    "nothing": (b"", ""),
    "no end": (b"N", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(name):
    content, told = HOSTILE[name]
    with pytest.raises(ValueError, match=rf"here: expected a pickle of arrays, found a damaged or other file \(.*{told}"):
        plain_pickle.load(content, "here")


def test_the_state_of_an_array_is_not_trusted():
    """NumPy would take the eight bytes for the address of an object."""
    content = (
        b"\x80\x03}(C\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR(I1\n(I1\nt"
        b"cnumpy\ndtype\n(U\x02O8I00\nI01\ntRI00\nC\x08AAAAAAAAtbC\x06labels]u."
    )
    with pytest.raises(ValueError, match="here: expected uint8 data of the shape"):
        cifar.read_pickle(content, "here")


def test_no_module_is_imported():
    asked = "from jgan.data import cifar; import sys, contextlib\n"
    asked += "with contextlib.suppress(ValueError): cifar.read_pickle(b'cnumpy.f2py.__main__\\nndarray\\n.', 'here')\n"
    asked += "print('numpy.f2py.__main__' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
