"""Archives written by NumPy, in each naming, and with each thing that can be wrong with one."""

import numpy as np
import pytest

from jgan import data

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (24, 4, 3, 3), dtype=np.uint8)
Y = np.repeat(np.arange(4), 6)


@pytest.mark.parametrize(("images", "labels"), [("x", "y"), ("images", "labels"), ("x", "labels")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_array_is_dealt_out_class_by_class(tmp_path, images, labels, save):
    save(tmp_path / "set.npz", **{images: X, labels: Y})
    found = data.load("npz", tmp_path)
    np.testing.assert_array_equal(found.train.x, X[np.arange(24) % 6 < 4])
    np.testing.assert_array_equal(found.test.x, X[5::6])
    assert found.validation.y.tolist() == [0, 1, 2, 3]
    assert found.train.y.dtype == np.int32


def test_train_and_test_are_kept_as_keras_names_them(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=X[..., 0], y_train=Y[:, None], x_test=X[:3, ..., 0], y_test=Y[:3, None])
    found = data.load("npz", tmp_path / "mnist.npz")
    np.testing.assert_array_equal(found.test.x, X[:3, ..., :1])
    np.testing.assert_array_equal(found.test.y, Y[:3])
    np.testing.assert_array_equal(found.validation.x, X[4::6, ..., :1])  # a fifth of six a class: the fifth
    assert found.train.x.shape == (20, 4, 3, 1)


def test_labels_are_not_needed(tmp_path):
    np.savez(tmp_path / "set.npz", x_train=X, x_validation=X[:2], x_test=X[:3])
    found = data.load("npz", tmp_path)
    assert [(len(part.x), part.y) for part in found.parts.values()] == [(24, None), (2, None), (3, None)]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"a": X}, "expected images under x, images, samples or arr_0, or under x_train, x_test ..., found a"),
        ({"x": X, "x_train": X}, "found x, x_train"),
        ({"x_test": X}, "expected images under x, images, samples or arr_0, or under x_train, x_test ..., found x_test"),
        ({}, "found no arrays"),
        ({"x": X, "images": X}, "expected one array of images and one of labels, found x, images"),
        ({"x": X.astype(np.int64)}, r"expected uint8 images, .* found int64 of the shape \(24, 4, 3, 3\): scale values to 0"),
        ({"x": X.astype(np.float64)}, "set.npz, x: expected image values from 0 to 1, found values from 0.0 to"),
        ({"x": np.zeros((2, 5, 4, 4), np.uint8)}, r"found uint8 of the shape \(2, 5, 4, 4\): .* channels to the last axis"),
        ({"x": X[:, 0, 0]}, r"found uint8 of the shape \(24, 3\)"),
        ({"x": X[:0]}, r"found uint8 of the shape \(0, 4, 3, 3\)"),
        ({"x": X, "y": Y[:-1]}, r"expected 24 integer labels, one per image, found int64 of the shape \(23,\)"),
        ({"x": X, "y": Y.astype(float)}, "expected 24 integer labels, one per image, found float64"),
        ({"x": X, "y": np.eye(24, dtype=int)}, r"found int64 of the shape \(24, 24\)"),
        ({"x_train": X, "x_test": X[:, :2]}, "expected examples of one shape"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "all with labels or all without"),
        ({"x": np.array([None, "a"], object)}, "set.npz, x: expected a plain array of numbers, found object"),
    ],
)
def test_other_arrays_are_told(tmp_path, arrays, told):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(ValueError, match=told):
        data.load("npz", tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.95])
def test_a_file_cut_short_is_named(tmp_path, kept):
    path = tmp_path / "set.npz"
    np.savez_compressed(path, x=X)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"set.npz: expected an .npz archive of plain arrays, found a damaged or other file"):
        data.load("npz", tmp_path)


def test_damaged_values_are_found_by_their_checksum(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x=X)
    content = bytearray(path.read_bytes())
    place = bytes(content).index(X.tobytes())
    content[place + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"set.npz, x: .* found a damaged or other file .Bad CRC"):
        data.load("npz", tmp_path)


def test_a_single_array_is_no_archive(tmp_path):
    np.save(tmp_path / "set.npy", X)
    (tmp_path / "set.npy").rename(tmp_path / "set.npz")
    with pytest.raises(ValueError, match=r"set.npz: expected an .npz archive of plain arrays, found a single array"):
        data.load("npz", tmp_path)


def test_none_and_several_files_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected an .npz file, or a folder that holds one, found none"):
        data.load("npz", tmp_path)
    np.savez(tmp_path / "a.npz", x=X)
    np.savez(tmp_path / "b.npz", x=X)
    with pytest.raises(ValueError, match=r"found a.npz, b.npz: give the path of the file to read"):
        data.load("npz", tmp_path)
    with pytest.raises(ValueError, match="give it, or its folder, with --data-dir"):
        data.load("npz")
