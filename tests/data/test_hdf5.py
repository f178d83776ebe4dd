"""HDF5 files in each layout that is read, and what is refused in one line."""

import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from jgan import data
from jgan.data import hdf5
from jgan.evaluation import sets

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (24, 6, 4, 3), np.uint8)
Y = np.repeat(np.arange(4), 6)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "set.h5"


def write(path, arrays, **options):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **options)
    return path


@pytest.mark.parametrize("options", [{}, {"chunks": True}, {"compression": "gzip"}, {"compression": "lzf", "shuffle": True}])
@pytest.mark.parametrize(("x", "y"), [("x", "y"), ("images", "labels")])
def test_whole_arrays_are_read_as_from_npz(path, options, x, y):
    found = data.load("hdf5", write(path, {x: X, y: Y, "others": np.zeros(3)}, **options).parent)
    np.savez(path.with_suffix(".npz"), x=X, y=Y)
    expected = data.load("npz", path.with_suffix(".npz"))
    for part, batch in expected.parts.items():
        np.testing.assert_array_equal(getattr(found, part).x, batch.x)
        np.testing.assert_array_equal(getattr(found, part).y, batch.y)


def test_a_divided_file(path):
    arrays = {"x_train": X / 255, "y_train": Y.astype(">i4"), "x_test": (X[:3] / 255).astype(">f8"), "y_test": Y[:3]}
    found = data.load("hdf5", write(path, arrays), held_out=6)
    np.testing.assert_allclose(found.test.x, X[:3] / 255, atol=1e-7)
    assert found.train.x.dtype == np.float32
    assert (len(found.train.x), len(found.validation.x)) == (20, 4)


@pytest.mark.parametrize("group", ["", "img_align_celeba/", "one/two/"])
def test_one_array_an_image(path, group):
    """As the book of 2020 stores its faces."""
    arrays = {f"{group}{index:02}.jpg": image for index, image in enumerate(X)}
    found = data.load("hdf5", write(path, arrays, compression="gzip"), held_out=0)
    np.testing.assert_array_equal(found.train.x, X)
    assert found.train.y is None


def test_groups_are_classes_and_parts(path):
    arrays = {f"train/{'cab'[index % 3]}/{index:02}": X[index, :, :, 0] for index in range(18)}
    arrays |= {f"val/a/{index:02}": X[index] for index in range(18, 24)}
    found = data.load("hdf5", write(path, arrays))
    assert found.validation.y.tolist() == [0] * 6
    np.testing.assert_array_equal(found.validation.x, X[18:])
    assert found.train.x.shape == (15, 6, 4, 3)  # coloured, as the validation images are; one of each class is for testing
    np.testing.assert_array_equal(found.train.x[0], np.repeat(X[1, :, :, :1], 3, axis=2))
    assert found.test.y.tolist() == [0, 1, 2]


def test_images_of_several_sizes_are_resized(path):
    write(path, {str(index): np.full((20 + index, 10, 3), 7 * index, np.uint8) for index in range(6)})
    with pytest.raises(ValueError, match=r"set.h5, 1: expected 20x10 pixels .* found 21x10: resize them all, as in hdf5:20x10"):
        data.load("hdf5", path, held_out=0)
    found = data.load("hdf5:8x4", path, held_out=0).train.x
    np.testing.assert_array_equal(found, np.broadcast_to(7 * np.arange(6, dtype=np.uint8)[:, None, None, None], (6, 8, 4, 3)))
    name, says = data.sources.fitted("hdf5", path, lambda size: (size[0] + 2, size[1] + 2))
    assert name == "hdf5:12x12"
    assert says.startswith("images of 6 sizes cropped and resized to 12x12")
    assert data.sources.fitted("hdf5", write(path, {"x": X}), lambda size: (8, 8)) == ("hdf5", "")
    with pytest.raises(ValueError, match=r"set.h5: only images that lie one by one are resized, found an array of all"):
        data.load("hdf5:8", path)


REFUSED = {
    "none": ({}, "expected images under x, images, samples, or one by one, found no arrays"),
    "other shapes": ({"a": np.zeros((3, 2, 2, 3), np.uint8)}, "set.h5, a: expected an image, uint8 [height, width] or"),
    "floats one by one": ({"a": np.zeros((3, 2))}, "found float64 of the shape (3, 2)"),
    "text": ({"x": np.array([b"ab"])}, "set.h5, x: expected a plain array of numbers, found |S2 of the shape (1,)"),
    "both": ({"a/0": X[0], "b": X[0]}, "set.h5: expected images or groups of images, found both, b and a"),
    "deeper": ({"a/b/0": X[0], "c/0": X[0]}, "set.h5, a: expected images of one class, found a group, b"),
    "other parts": (
        {"train/0": X[0], "rest/0": X[0]},
        "expected nothing but the groups train, validation, test, found rest, tr",
    ),
    "another class": ({"train/a/0": X[0], "test/b/0": X[0]}, "expected classes of the training set, a, found b"),
    "labels": ({"x": X, "y": Y / 2}, "set.h5, x: expected 24 integer labels, one per image, found float64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_content_is_told(path, case):
    arrays, message = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        data.load("hdf5", write(path, arrays))
    assert "\n" not in str(error.value)


def external_link(file, folder):
    write(folder / "other.h5", {"secret": X[0]})
    file["a"] = h5py.ExternalLink(str(folder / "other.h5"), "secret")


def link_that_leads_out(file, folder):
    """A link in the file itself, through one to another file in a group that is never listed."""
    write(folder / "other.h5", {"secret": X})
    file["z/other"] = h5py.ExternalLink(str(folder / "other.h5"), "/")
    file["x"] = h5py.SoftLink("/z/other/secret")


def external_array(file, folder):
    (folder / "secret").write_bytes(bytes(100))
    file.create_dataset("x", (25, 2, 2), np.uint8, external=[(str(folder / "secret"), 0, 100)])


def virtual_array(file, folder):
    write(folder / "other.h5", {"x": X})
    layout = h5py.VirtualLayout(X.shape, np.uint8)
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", X.shape)
    file.create_virtual_dataset("x", layout)


HOSTILE = {
    "a link to another file": (external_link, "found a link, a: copy what it leads to"),
    "values in another file": (external_array, "found an array stored in another: copy it"),
    "a virtual array": (virtual_array, "found an array stored in another: copy it"),
    "nothing of 4 GB": (lambda file, _: file.create_dataset("x", (2**20, 64, 64), np.uint8), "bytes of values, found 0: write"),
    "nothing of 4 GB, compressed": (
        lambda file, _: file.create_dataset("x", (2**20, 64, 64), np.uint8, compression="gzip"),
        "expected at most 100 times its 0 compressed bytes",
    ),
    "a bomb": (
        lambda file, _: file.create_dataset("x", data=np.zeros((2**17, 64, 64), np.uint8), compression="gzip"),
        "expected at most 100 times its",
    ),
    "a type": (
        lambda file, _: file.__setitem__("a", np.dtype("f8")),
        "found something else, a",
    ),
    "a broken link": (lambda file, _: file.__setitem__("a", h5py.SoftLink("/no")), "found a link, a: copy what it leads to"),
    "a link that leads out": (link_that_leads_out, "found a link, x: copy what it leads to"),
    "labels beside images": (
        lambda file, _: file.update({"0": X[0], "1": X[1], "labels": Y[:2]}),
        "found labels beside them: put each class into a group",
    ),
    "a large image": (
        lambda file, _: file.create_dataset("0", (8000, 7000), np.uint8, compression="gzip"),
        "expected at most 50000000 pixels, found 8000x7000",
    ),
    "a group in itself": (lambda file, _: file.__setitem__("a/b", file.create_group("a")), "found a group, b"),
    "references": (
        lambda file, _: file.create_dataset("x", data=[file.ref], dtype=h5py.ref_dtype),
        "expected a plain array of numbers, found object",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_one_line(path, case):
    make, message = HOSTILE[case]
    with h5py.File(path, "w") as file:
        make(file, path.parent)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        data.load("hdf5", path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_many_arrays_take_no_more_memory_than_their_images(path, monkeypatch):
    """One is open at a time: an open array keeps its index and its chunks."""
    write(path, {str(index): X[0] for index in range(50)}, compression="gzip")
    opened, image = [], hdf5._image

    def counted(array, *more):
        opened.append(h5py.h5f.get_obj_count(array.file.id, h5py.h5f.OBJ_DATASET))
        return image(array, *more)

    monkeypatch.setattr(hdf5, "_image", counted)
    assert data.load("hdf5", path, held_out=0).train.x.shape == (50, 6, 4, 3)
    assert max(opened) <= 2


def test_a_file_that_is_written_or_may_not_be_read_is_not_called_damaged(path):
    with h5py.File(path, "w") as file:
        file["x"] = X
        file.flush()
        words = "import sys; from jgan.data import hdf5; hdf5.read(sys.argv[1])"
        found = subprocess.run([sys.executable, "-c", words, str(path)], capture_output=True, text=True, check=False)
    assert "expected a complete HDF5 file, found one that another process has locked" in found.stderr


def test_samples_in_hdf5_are_measured(path):
    write(path, {"images": X})
    np.testing.assert_array_equal(sets.read(path).images, X)
    write(path, {"x_train": X, "x_test": X})
    with pytest.raises(ValueError, match=r"set.h5: expected one set, found a divided one, train, test"):
        sets.read(path)


def test_damage_is_named(path):
    content = write(path, {"x": X}, fletcher32=True, chunks=(4, 6, 4, 3)).read_bytes()
    place = content.index(X[:4].tobytes())
    path.write_bytes(content[: place + 5] + b"\0\1\2" + content[place + 8 :])
    with pytest.raises(ValueError, match=r"set.h5, x: expected a plain array, found a damaged or other file"):
        data.load("hdf5", path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"set.h5: expected an HDF5 file, found a damaged or other file .*truncated"):
        data.load("hdf5", path)
    path.write_text("no")
    with pytest.raises(ValueError, match=r"set.h5: expected an HDF5 file, found a damaged or other file .*signature not found"):
        data.load("hdf5", path)


def test_which_file_of_a_folder(path):
    with pytest.raises(ValueError, match="hdf5 reads arrays from a file: give it, or its folder, with --data-dir"):
        data.load("hdf5")
    with pytest.raises(FileNotFoundError, match=r"expected an .h5 file, or a folder that holds one, found none"):
        data.load("hdf5", path.parent)
    write(path, {"x": X})
    write(path.with_suffix(".hdf5"), {"x": X})
    with pytest.raises(ValueError, match=r"expected one .h5 file, found set.h5, set.hdf5: give the path of the file to read"):
        data.load("hdf5", path.parent)


def test_without_h5py_it_is_said(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ValueError, match=r"which is not installed: pip install 'jgan\[hdf5\]'"):
        hdf5.read_parts(path)
