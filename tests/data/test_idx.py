"""The IDX reader against files written here by the format's definition, whole and damaged in every way that was thought of."""

import contextlib
import gzip
import hashlib
import os
from pathlib import Path

import idx_files
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jgan import data
from jgan.data import idx

any_array = st.sampled_from(sorted(idx_files.CODES)).flatmap(
    lambda name: hnp.arrays(np.dtype(name), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)


@given(array=any_array, zipped=st.booleans())
def test_reads_what_was_written(tmp_path_factory, array, zipped):
    path = tmp_path_factory.getbasetemp() / "array"
    content = idx_files.encode(array)
    path.write_bytes(gzip.compress(content) if zipped else content)
    found = idx.read(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    assert found.dtype.isnative


@pytest.fixture(params=["gzipped", "plain"])
def whole(request, tmp_path) -> Path:
    path = tmp_path / "labels-idx1-ubyte"
    content = idx_files.encode(np.arange(50, dtype=np.uint8))
    path.write_bytes(gzip.compress(content, mtime=0) if request.param == "gzipped" else content)
    return path


def test_cut_anywhere_is_an_error_that_names_the_file(whole):
    content = whole.read_bytes()
    for length in range(len(content)):
        whole.write_bytes(content[:length])
        with pytest.raises(ValueError, match=f"{whole.name}: expected .* found"):
            idx.read(whole)


def test_anything_after_the_end_is_an_error(whole):
    content = whole.read_bytes()
    whole.write_bytes(content + b"\1")
    with pytest.raises(ValueError, match=f"{whole.name}: expected .* found .*get it again"):
        idx.read(whole)


def test_a_damaged_byte_of_a_gzip_file_never_gives_other_values(tmp_path):
    path = tmp_path / "labels.gz"
    content = gzip.compress(idx_files.encode(np.arange(50, dtype=np.uint8)), mtime=0)
    unseen = 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        with contextlib.suppress(ValueError):
            np.testing.assert_array_equal(idx.read(path), np.arange(50))
            unseen += 1
    assert unseen == 6  # the time (4 bytes), the level and the system: they carry nothing


@pytest.mark.parametrize("start", [b"\0\1\x08\1", b"\0\0\x07\1", b"\x89PNG", b"<htm"])
def test_wrong_magic_is_told_with_what_was_found(tmp_path, start):
    path = tmp_path / "file"
    path.write_bytes(start + bytes(20))
    with pytest.raises(ValueError, match=f"expected an IDX file.*found {start.hex(' ').upper()}"):
        idx.read(path)


def test_absurd_dimensions_are_refused_before_anything_is_made_of_them(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\0\0\x0e\4" + b"\xff" * 16 + bytes(8))
    with pytest.raises(ValueError, match="cut short"):
        idx.read(path)


def test_missing_file_and_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="found nothing there"):
        idx.read(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="found a folder there"):
        idx.read(tmp_path)


# ------------------------------------------------------------------------------------------------------------ four files


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_a_set_is_divided_as_by_the_papers_authors(tmp_path, suffix):
    train_x, train_y, test_x, test_y = idx_files.write_set(tmp_path, suffix=suffix)
    found = data.load("mnist", tmp_path)
    np.testing.assert_array_equal(found.train.x[..., 0], train_x[:50])
    np.testing.assert_array_equal(found.train.y, train_y[:50])
    np.testing.assert_array_equal(found.validation.x[..., 0], train_x[50:])
    np.testing.assert_array_equal(found.validation.y, train_y[50:])
    np.testing.assert_array_equal(found.test.x[..., 0], test_x)
    np.testing.assert_array_equal(found.test.y, test_y)
    assert {part.x.dtype.name for part in found.parts.values()} == {"uint8"}
    assert {part.y.dtype.name for part in found.parts.values()} == {"int32"}


def test_one_data_folder_may_hold_each_set_in_a_folder_of_its_name(tmp_path):
    mnist, *_ = idx_files.write_set(tmp_path / "mnist", seed=1)
    fashion, *_ = idx_files.write_set(tmp_path / "fashion_mnist", seed=2)
    np.testing.assert_array_equal(data.load("mnist", str(tmp_path)).train.x[..., 0], mnist[:50])
    np.testing.assert_array_equal(data.load("fashion_mnist", str(tmp_path)).train.x[..., 0], fashion[:50])


def test_names_with_a_dot_are_found_too(tmp_path):
    idx_files.write_set(tmp_path, suffix="")
    for name in idx_files.NAMES:
        (tmp_path / name).rename(tmp_path / name.replace("-idx", ".idx"))
    assert len(data.load("mnist", tmp_path).test.x) == 10


@pytest.mark.parametrize("name", idx_files.NAMES)
def test_a_missing_one_of_the_four_is_named(tmp_path, name):
    idx_files.write_set(tmp_path)
    (tmp_path / f"{name}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=f"found 3 of them: put {name}.gz there"):
        data.load("mnist", tmp_path)


def test_labels_and_images_of_different_counts_are_told_with_both(tmp_path):
    idx_files.write_set(tmp_path, suffix="")
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_files.encode(np.zeros(59, np.uint8)))
    with pytest.raises(ValueError, match="found 60 images and 59 labels"):
        data.load("mnist", tmp_path)


def test_labels_in_the_place_of_images_are_told(tmp_path):
    idx_files.write_set(tmp_path, suffix="")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_files.encode(np.zeros(60, np.uint8)))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte: expected uint8 images .* found uint8 of the shape \[60\]"):
        data.load("mnist", tmp_path)


def test_other_types_are_told(tmp_path):
    idx_files.write_set(tmp_path, suffix="")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_files.encode(np.zeros(10, np.int32)))
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte: expected uint8 labels .* found int32"):
        data.load("mnist", tmp_path)


def test_test_images_of_another_size_are_told(tmp_path):
    idx_files.write_set(tmp_path, suffix="")
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_files.encode(np.zeros((10, 14, 14), np.uint8)))
    with pytest.raises(ValueError, match=r"of one size, found \(28, 28\) and \(14, 14\)"):
        data.load("mnist", tmp_path)


def test_a_known_set_under_anothers_name_is_refused(tmp_path, monkeypatch):
    _, labels, *_ = idx_files.write_set(tmp_path)
    monkeypatch.setitem(idx.LABELS, hashlib.sha256(labels.tobytes()).hexdigest(), "mnist")
    assert data.load("mnist", tmp_path).name == "mnist"
    with pytest.raises(ValueError, match="expected fashion_mnist, found the labels of mnist"):
        data.load("fashion_mnist", tmp_path)


# -------------------------------------------------------------------------------------------------- the real files, if any

REAL = Path(os.environ.get("JGAN_TEST_DATA", "no-such-folder"))
needs_real = pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="JGAN_TEST_DATA holds no mnist/ and fashion_mnist/")


@needs_real
@pytest.mark.parametrize(("name", "mean", "std"), [("mnist", 0.1307, 0.3081), ("fashion_mnist", 0.2860, 0.3530)])
def test_the_real_sets_have_the_mean_and_deviation_by_which_everyone_normalises_them(name, mean, std):
    found = data.load(name, REAL / name)
    assert [part.x.shape for part in found.parts.values()] == [(50000, 28, 28, 1), (10000, 28, 28, 1), (10000, 28, 28, 1)]
    counts = sum(np.bincount(part.x.ravel(), minlength=256) for part in (found.train, found.validation))
    share, value = counts / counts.sum(), np.arange(256) / 255
    assert share @ value == pytest.approx(mean, abs=5e-5)
    assert np.sqrt(share @ value**2 - (share @ value) ** 2) == pytest.approx(std, abs=5e-5)


@needs_real
@pytest.mark.parametrize(("asked", "given"), [("fashion_mnist", "mnist"), ("mnist", "fashion_mnist")])
def test_the_real_sets_are_not_mistaken_for_each_other(asked, given):
    with pytest.raises(ValueError, match=f"expected {asked}, found the labels of {given}"):
        data.load(asked, REAL / given)
