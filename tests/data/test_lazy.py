"""Images that are read when they are needed are those that are read at once."""

import gc
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image

from jgan import Batch, data
from jgan.data import image_files, lazy
from jgan.data.lazy import Access
from jgan.evaluation import sets

LAZY = Access(lazy=True)


@pytest.fixture
def photos(tmp_path):
    """Two classes of grey and coloured images, one of them with a palette."""
    random = np.random.default_rng(0)
    for number in range(40):
        place = tmp_path / "photos" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(random.integers(0, 256, (6, 5, 3) if number % 3 == 0 else (6, 5), np.uint8))
        (image.convert("P") if number == 9 else image).save(place / f"{number:02d}.png")
    return tmp_path / "photos"


def assert_same(found, expected):
    """The parts of two data sets hold the same images, the first of them read when they are needed."""
    for part, batch in expected.parts.items():
        ours = found.parts[part]
        assert lazy.is_lazy(ours.x)
        assert (ours.x.shape, ours.x.dtype, ours.x.nbytes) == (batch.x.shape, batch.x.dtype, batch.x.nbytes)
        np.testing.assert_array_equal(ours.x[:], batch.x)
        np.testing.assert_array_equal(ours.y, batch.y)
    assert data.fingerprint(found) == data.fingerprint(expected)
    theirs, ours = data.spec(expected, 4), data.spec(found, 4)
    assert ours.mean.tobytes() == theirs.mean.tobytes()  # to the last bit, on which some initial parameters depend
    assert ours._replace(mean=None) == theirs._replace(mean=None)


@pytest.mark.parametrize("name", ["folder", "folder:4", "folder:3x8"])
def test_a_folder(photos, name):
    assert_same(data.load(name, photos, access=LAZY), data.load(name, photos))


def test_a_divided_folder_has_colours_if_any_part_has(tmp_path):
    random = np.random.default_rng(0)
    for part, label, channels in (("train", "a", 1), ("train", "b", 1), ("val", "b", 3)):
        (tmp_path / part / label).mkdir(parents=True)
        for number in range(12):
            image = random.integers(0, 256, (4, 6, channels), np.uint8)
            Image.fromarray(image.squeeze()).save(tmp_path / part / label / f"{number}.png")
    found = data.load("folder", tmp_path, access=LAZY)
    assert found.train.x.shape[3] == found.validation.x.shape[3] == 3
    assert set(found.validation.y) == {1}
    assert_same(found, data.load("folder", tmp_path))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_stays_open_for_as_long_as_its_images_are_used(photos, tmp_path, kind):
    path = tmp_path / f"photos.{kind}"
    with zipfile.ZipFile(path, "w") if kind == "zip" else tarfile.open(path, "w") as archive:
        for file in sorted(photos.rglob("*.png")):
            (archive.write if kind == "zip" else archive.add)(file, file.relative_to(photos.parent))
    found = data.load("folder", path, access=LAZY)
    assert_same(found, data.load("folder", path))
    scratch = found.train.x.read.read.paths[0]
    assert scratch.exists()
    some = found.train.x.subset([3])
    broken = found.train.x.subset([2])
    found.train.x.read.read.paths[broken.places[0]].write_bytes(b"no image")
    with pytest.raises(ValueError, match=rf"^{path}/.*png: expected an image"):
        broken[0]
    del found, broken
    gc.collect()
    assert some[0].shape == (6, 5, 3)  # the rest is still there
    del some
    gc.collect()
    assert not scratch.exists()


def test_an_index_is_that_of_numpy(photos):
    images = data.load("folder", photos, access=LAZY).train.x
    whole = images[:]
    for index in (0, -1, slice(2, 9, 3), np.array([5, 1, 5]), whole[:, 0, 0, 0] > 128, slice(0, 0)):
        np.testing.assert_array_equal(images[index], whole[index])
        if not isinstance(index, int):
            np.testing.assert_array_equal(images.subset(index)[:], whole[index])
    with pytest.raises(IndexError):
        images[len(images)]


def test_it_is_never_read_as_a_whole_unseen(photos):
    with pytest.raises(TypeError, match=r"read when they are needed: index them, or convert images\[:\]"):
        np.asarray(data.load("folder", photos, access=LAZY).train.x)


def test_another_process_gets_the_names_alone(photos):
    images = data.load("folder", photos, access=LAZY).train.x
    content = pickle.dumps(images)
    assert len(content) < 10_000
    np.testing.assert_array_equal(pickle.loads(content)[:3], images[:3])


def test_the_choice_follows_the_free_memory(photos, monkeypatch):
    for room, expected in ((40 * 6 * 5 * 3 * 2, False), (40 * 6 * 5 * 3 * 2 - 2, True)):
        monkeypatch.setattr("jgan.utils.memory.available", lambda room=room: room)
        assert lazy.is_lazy(data.load("folder", photos, access=Access(lazy=None)).train.x) is expected


@pytest.mark.parametrize("kind", [True, False], ids=["lazy", "at once"])
def test_broken_images_are_left_out_and_named(photos, kind):
    whole = data.load("folder", photos)
    for number in (4, 7):
        (photos / "ab"[number % 2] / f"{number:02d}.png").write_bytes(b"\x89PNG\r\n\x1a\n, but no more")
    with pytest.raises(ValueError, match=r"a/04\.png: expected an image"):
        _pairs(data.load("folder", photos, access=Access(lazy=kind)))
    found = data.load("folder", photos, access=Access(lazy=kind, skip=True))
    assert sum(len(part.x) for part in found.parts.values()) == 38
    assert "2 images" in found.note
    assert "04.png" in found.note
    assert "07.png" in found.note
    images = {image.tobytes(): label for image, label in _pairs(whole)}
    assert all(images[image.tobytes()] == label for image, label in _pairs(found))  # each still has its own class


def _pairs(dataset):
    return [pair for part in dataset.parts.values() for pair in zip(part.x[:], part.y, strict=True)]


def test_all_broken_is_an_error(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.png").write_text("no")
    with pytest.raises(ValueError, match=r"a\.png: expected an image.*; all 2 images are left out"):
        data.load("folder", tmp_path, access=Access(skip=True))


def test_a_source_that_cannot_leave_images_out_says_so():
    with pytest.raises(ValueError, match=r"digits: only some sets can do without images that are broken, folder"):
        data.load("digits", access=Access(skip=True))
    assert data.load("digits", access=LAZY).train.x.dtype == np.uint8  # there is nothing to read


@pytest.mark.parametrize("change", ["size", "colour"])
def test_a_file_that_was_changed_meanwhile_is_an_error(photos, change):
    for file in photos.rglob("*.png"):
        Image.open(file).convert("L").save(file)
    images = data.load("folder", photos, access=LAZY).train.x
    Image.new("RGB" if change == "colour" else "L", (5, 6) if change == "colour" else (9, 6)).save(photos / "a" / "00.png")
    with pytest.raises(ValueError, match=r"00\.png: expected an image of 6x5x1, found 6x.x.: the file was changed"):
        images[:]


def test_other_sizes_are_told_before_training(photos):
    Image.new("L", (9, 6)).save(photos / "a" / "38.png")
    with pytest.raises(ValueError, match=r"38\.png: expected 6x5 pixels \(height x width\) as .*00\.png, found 6x9"):
        data.load("folder", photos, access=LAZY)


def test_a_measure_reads_no_more_than_it_may_and_of_all_classes(photos, monkeypatch):
    found = data.load("folder", photos, access=LAZY)
    images = found.train.x
    monkeypatch.setattr(lazy, "MOST_READ", 4 * 7 * 6 * 5 * 3 + 1)
    assert len(lazy.some(images)) == len(lazy.some(images, 9)) == 7
    assert lazy.some(images, 2).tolist() == [0, len(images) - 1]
    assert len(images[:][lazy.some(images[:])]) == len(images)
    measured = sets.of_dataset(found, "train")
    assert measured.name == "folder, train, 7 spread over it"
    assert sorted(np.bincount(measured.labels)) == [3, 4]
    np.testing.assert_array_equal(measured.images, images[lazy.some(images)])


def test_a_file_of_arrays_that_is_replaced(tmp_path):
    """The same process reads the new one when it is loaded again; images that were listed before are an error."""
    for value in (3, 9):
        np.save(tmp_path / "a.npy", np.full((24, 4, 6), value, np.uint8))
        images = data.load("npz", tmp_path / "a.npy", access=LAZY).train.x
        assert images[:].min() == images[:].max() == value
    np.save(tmp_path / "a.npy", np.zeros((24, 2, 12), np.uint8))
    with pytest.raises(ValueError, match=r"a\.npy, image 0: expected an image.*when the set was loaded"):
        images[:]


def test_a_damaged_chunk_of_an_hdf5_file_is_named(tmp_path):
    _whole_arrays(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        chunk = file["x_train"].id.get_chunk_info(0)
    content = bytearray((tmp_path / "a.h5").read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    (tmp_path / "a.h5").write_bytes(content)
    images = data.load("hdf5", tmp_path / "a.h5", access=LAZY).train.x
    with pytest.raises(ValueError, match=r"a\.h5, image 0: expected an image"):
        images[0]


def test_many_broken_images_are_counted():
    text = image_files.note([f"{n}.png: no" for n in range(9)])
    assert text.startswith("left out, because they cannot be read, 9 images: 0.png: no; 1.png: no;")
    assert text.endswith("; and 4 more: python -m jgan.data lists them")


def test_grey_images_get_equal_channels():
    grey = lazy.Lazy(lambda i: np.full((2, 3, 1), i, np.uint8), (2, 3, 1), np.arange(4))
    found = grey.with_channels(3)
    assert found.shape == (4, 2, 3, 3)
    np.testing.assert_array_equal(found[:], np.broadcast_to(np.arange(4).reshape(4, 1, 1, 1), (4, 2, 3, 3)))
    assert grey.with_channels(1) is grey
    assert Batch(found).x is found


def _whole_arrays(path):
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for part, n in (("train", 20), ("test", 6)):
            file.create_dataset(
                f"x_{part}", data=random.integers(0, 256, (n, 4, 6), np.uint8), chunks=(5, 4, 6), compression="gzip"
            )
            file[f"y_{part}"] = np.arange(n) % 3


def _one_by_one(path):
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for number in range(36):
            shape = (6, 5, 3) if number % 4 == 0 else (6, 5)
            file[f"faces/{'ab'[number % 2]}/{number:02d}.jpg"] = random.integers(0, 256, shape, np.uint8)


def _rows(path):
    np.save(path, np.random.default_rng(0).integers(0, 256, (24, 4, 6, 3), np.uint8))


FILES = [
    ("hdf5", "a.h5", _whole_arrays),
    ("hdf5", "a.h5", _one_by_one),
    ("hdf5:3x4", "a.h5", _one_by_one),
    ("npz", "a.npy", _rows),
]


@pytest.mark.parametrize(("name", "file", "write"), FILES, ids=["arrays", "one by one", "resized", "npy"])
def test_a_file_of_arrays(tmp_path, name, file, write):
    write(tmp_path / file)
    found, expected = (data.load(name, tmp_path / file, access=access) for access in (LAZY, lazy.AT_ONCE))
    assert_same(found, expected)
    again = pickle.loads(pickle.dumps(found.train.x))
    np.testing.assert_array_equal(again[2], expected.train.x[2])


def test_arrays_that_are_no_images_are_read_at_once(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(24, 2)))
    assert data.load("npz", tmp_path / "points.npy", access=LAZY).train.x.dtype == np.float32


def test_an_npy_file_that_was_cut_short(tmp_path):
    _rows(tmp_path / "a.npy")
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-7])
    with pytest.raises(ValueError, match=r"a\.npy: expected 1728 bytes of values, found 1721"):
        data.load("npz", tmp_path / "a.npy", access=LAZY)


def test_images_of_an_hdf5_file_are_checked_before_training(tmp_path):
    _one_by_one(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["faces/a/99.jpg"] = np.zeros((5, 5), np.uint8)
    with pytest.raises(ValueError, match=r"a/99\.jpg: expected 6x5 pixels \(height x width\) as .*a/00\.jpg, found 5x5"):
        data.load("hdf5", tmp_path / "a.h5", access=LAZY)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["faces/b/99.jpg"] = np.zeros((6, 5), np.float32)
    with pytest.raises(ValueError, match=r"b/99\.jpg: expected an image, uint8 \[height, width\]"):
        data.load("hdf5:8", tmp_path / "a.h5", access=LAZY)


@pytest.mark.parametrize("access", [LAZY, lazy.AT_ONCE], ids=["lazy", "at once"])
def test_a_first_array_that_is_no_image_is_told_as_such(tmp_path, access):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["faces/0.jpg"] = np.zeros(5, np.uint8)
    with pytest.raises(ValueError, match=r"0\.jpg: expected an image, uint8 \[height, width\] .* of the shape \(5,\)"):
        data.load("hdf5", tmp_path / "a.h5", access=access)
