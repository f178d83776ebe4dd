"""Archives written by NumPy, in each naming, and with each thing that can be wrong with one."""

import io
import zipfile

import numpy as np
import pytest

from jgan import data
from jgan.data import arrays, npz
from jgan.types import Field

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


@pytest.mark.parametrize("array", [X, X / 255, np.asfortranarray(X)])
def test_a_single_array_is_one_of_images(tmp_path, array):
    np.save(tmp_path / "set.npy", array)
    found = data.load("npz", tmp_path / "set.npy", held_out=0)
    np.testing.assert_allclose(found.train.x, array, atol=1e-7)
    assert found.train.y is None


def test_a_single_array_that_is_damaged_or_none_of_images_is_named(tmp_path):
    np.save(path := tmp_path / "set.npy", X)
    content = path.read_bytes()
    for spoilt in (content[:-1], content[:20], content.replace(b"(24, 4, 3, 3)", b"(9999, 4, 3, 3)"[:13])):
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match=r"set.npy"):
            data.load("npz", path)
    path.write_bytes(content + b"0")
    with pytest.raises(ValueError, match=r"set.npy: expected 864 bytes of values, found more"):
        data.load("npz", path)
    np.save(path, np.array([None]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"set.npy: expected a plain array of numbers, found object"):
        data.load("npz", path)
    np.save(path, Y)
    with pytest.raises(ValueError, match=r"set.npy, x: expected uint8 images"):
        data.load("npz", path)


@pytest.mark.parametrize(
    "names", [("x", "y"), ("images", "labels"), ("samples", "labels"), ("samples", "y"), ("arr_0", "arr_1"), ("arr_0", "y")]
)
def test_any_of_the_usual_names_is_read(tmp_path, names):
    np.savez(tmp_path / "set.npz", **dict(zip(names, (X, Y % 2), strict=True)), others=np.zeros(5), about="text")
    found = npz.read(tmp_path / "set.npz")
    np.testing.assert_array_equal(found.x, X)
    assert (found.y.tolist(), found.y.dtype) == ((Y % 2).tolist(), np.int32)
    assert len(data.load("npz", tmp_path).train.x) == 16


def test_what_numpy_names_itself_is_read(tmp_path):
    np.savez(tmp_path / "set.npz", X, Y)
    np.testing.assert_array_equal(npz.read(tmp_path / "set.npz").y, Y)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_float_images_become_float32(tmp_path, dtype):
    np.savez(tmp_path / "set.npz", x=(X / 255).astype(dtype))
    found = npz.read(tmp_path / "set.npz").x
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, X / 255, atol=1e-3 if dtype == np.float16 else 1e-7)


@pytest.mark.parametrize("values", [[np.nan, 0.5], [0.5, np.inf], [-0.1, 0.5], [0.5, 1.0001]])
def test_float_images_out_of_range_are_refused(tmp_path, values):
    np.savez(tmp_path / "set.npz", x=np.resize(values, (6, 2, 2, 1)))
    with pytest.raises(ValueError, match=r"set.npz, x: expected image values from 0 to 1"):
        data.load("npz", tmp_path)


def test_points_are_read_and_checked(tmp_path):
    points = np.random.default_rng(0).normal(size=(24, 2))
    np.savez(tmp_path / "set.npz", samples=points)
    found = data.load("npz", tmp_path)
    assert found.fields.x == Field((2,), "points")
    np.testing.assert_array_equal(found.train.x[:4], points[:4].astype(np.float32))
    points[3, 1] = 1e39  # infinite in float32
    np.savez(tmp_path / "set.npz", samples=points)
    with pytest.raises(ValueError, match=r"set.npz, samples: expected finite points, found values from .* to 1e\+39"):
        data.load("npz", tmp_path)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.full(24, 2**40), f"set.npz, x, labels: expected labels from 0 to 2147483647, found {2**40}"),
        (np.full(24, 2**32), f"set.npz, x, labels: expected labels from 0 to 2147483647, found {2**32}"),
        (np.full(24, 2**63, np.uint64), f"set.npz, x, labels: expected labels from 0 to 2147483647, found {2**63}"),
        (np.arange(24) - 1, "set.npz, x, labels: expected labels from 0 to 2147483647, found -1"),
        (np.full(24, 1_000_000), "expected labels from 0 to 65535, found 1000000: number the classes from 0"),
        (np.full(24, 0.5), "expected 24 integer labels, one per image, found float64"),
        (np.full(24, np.nan), "expected 24 integer labels, one per image, found float64"),
    ],
)
def test_labels_that_are_none_are_refused_not_wrapped(tmp_path, labels, told):
    np.savez(tmp_path / "set.npz", x=X, y=labels)
    with pytest.raises(ValueError, match=told):
        data.load("npz", tmp_path)


@pytest.mark.parametrize("dtype", [">i8", np.uint8, bool, np.int16, np.uint64])
def test_labels_of_any_integers_are_read(tmp_path, dtype):
    np.savez(tmp_path / "set.npz", x=X, y=(Y % 2).astype(dtype))
    assert npz.read(tmp_path / "set.npz").y.tolist() == (Y % 2).tolist()


def test_layouts_and_versions_of_numpy_files(tmp_path):
    array = np.random.default_rng(0).random((5, 4, 3))
    for version in ((1, 0), (2, 0)):
        for given in (array, np.asfortranarray(array), array.astype(">f8")):
            with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("x.npy", "w") as file:
                np.lib.format.write_array(file, given, version)
            found = arrays.read(tmp_path / "a.npz", ["x"]).found["x"]
            np.testing.assert_array_equal(found, array)
            assert found.dtype == np.float64


def test_other_compression_and_two_of_one_name_are_refused(tmp_path):
    file = io.BytesIO()
    np.save(file, X)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", file.getvalue())
    with pytest.raises(ValueError, match=r"a.npz, x: expected an array as numpy.savez writes it, found another kind of compr"):
        npz.read(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", file.getvalue())
        archive.writestr("x", file.getvalue())
    with pytest.raises(ValueError, match=r"a.npz: expected one array of each name, found a name twice"):
        npz.read(tmp_path / "a.npz")


@pytest.mark.parametrize("body", [b"junk", b"", b"\x93NUMPY\x01\0", b"\x93NUMPY\x09\0" + bytes(200)])
def test_junk_under_an_array_s_name_is_named_with_it(tmp_path, body):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", body)
    with pytest.raises(ValueError, match=r"a.npz, x: expected"):
        data.load("npz", tmp_path)


def test_names_of_arrays_are_cut(tmp_path):
    np.savez(tmp_path / "a.npz", **{f"array_number_{index}": np.zeros(1) for index in range(500)})
    with pytest.raises(ValueError, match=r"found array_number_0, .* ... \(500 in all\)") as raised:
        data.load("npz", tmp_path)
    assert len(str(raised.value)) < 350 + len(str(tmp_path))


def test_one_set_is_asked_of_a_divided_file(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X, x_test=X)
    with pytest.raises(ValueError, match=r"a.npz: expected one set, found a divided one, train, test"):
        npz.read(tmp_path / "a.npz")


def test_none_and_several_files_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected an .npz file, or a folder that holds one, found none"):
        data.load("npz", tmp_path)
    np.savez(tmp_path / "a.npz", x=X)
    np.savez(tmp_path / "b.npz", x=X)
    with pytest.raises(ValueError, match=r"found a.npz, b.npz: give the path of the file to read"):
        data.load("npz", tmp_path)
    with pytest.raises(ValueError, match="give it, or its folder, with --data-dir"):
        data.load("npz")
