"""Images from folders and files that jgan did not make: what is read, and what is refused."""

import os

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.evaluation import sets


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)


def test_a_folder_gives_its_images_in_the_order_of_their_names(tmp_path, images):
    for index in reversed(range(6)):
        Image.fromarray(images[index]).save(tmp_path / f"{index:02}.png")
    found = sets.read(tmp_path)
    np.testing.assert_array_equal(found.images, images)
    assert (found.name, found.labels) == (str(tmp_path), None)


def test_folders_of_classes_give_labels(tmp_path, images):
    for index, name in enumerate(["a", "b"]):
        (tmp_path / name).mkdir()
        Image.fromarray(images[index]).save(tmp_path / name / "0.png")
    assert sets.read(tmp_path).labels.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["samples", "images", "x", "arr_0"])
def test_an_npz_file_gives_its_array_under_any_of_the_usual_names(tmp_path, images, name):
    np.savez(tmp_path / "a.npz", **{name: images, "y": np.arange(6), "other": np.zeros(3)})
    found = sets.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == list(range(6))


def test_floats_are_rounded_as_a_file_would_hold_them(tmp_path, images):
    np.savez(tmp_path / "a.npz", samples=images.astype(np.float32) / 255)
    np.testing.assert_array_equal(sets.read(tmp_path / "a.npz").images, images)


def test_a_part_of_a_data_set():
    digits = data.load("digits")
    found = sets.of_dataset(digits, "validation")
    np.testing.assert_array_equal(found.images, digits.validation.x)
    np.testing.assert_array_equal(found.labels, digits.validation.y)


def test_the_digest_is_of_the_images_and_of_their_shape(images):
    one = sets.ImageSet("one", images)
    assert one.digest == sets.ImageSet("other", images.copy(), np.arange(6)).digest
    assert one.digest != sets.ImageSet("one", images.reshape(6, 4, 5, 3)).digest
    changed = images.copy()
    changed[3, 2, 1, 0] ^= 1
    assert one.digest != sets.ImageSet("one", changed).digest


def test_the_first_images(images):
    one = sets.ImageSet("one", images, np.arange(6))
    assert one.first(0) is one
    assert one.first(2).labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match="one: expected at least 7 images, found 6; lower the number"):
        one.first(7)


def test_one_unreadable_image_is_named(tmp_path, images):
    Image.fromarray(images[0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(ValueError, match=r"b\.png: expected an image, found a damaged"):
        sets.read(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"other": np.zeros(3)}, "expected images under x, images, samples or arr_0, .* found other"),
        ({"x": np.zeros((2, 4, 4, 2), np.uint8)}, r"expected uint8 images, .* found uint8 of the shape \(2, 4, 4, 2\)"),
        ({"x": np.zeros((2, 4, 4), np.int64)}, "expected uint8 images, or float images .* found int64"),
        ({"x": np.full((2, 4, 4), np.nan)}, "expected image values from 0 to 1, found values from nan"),
        ({"x": np.full((2, 4, 4), 1.5)}, "found values from 0.0 to 1.5"),
        (
            {"x": np.zeros((2, 4, 4)), "y": np.zeros(3, int)},
            "expected 2 integer labels, one per image, found int64 of the shape",
        ),
        ({"x": np.zeros((2, 4, 4)), "y": np.array([0, 2**40])}, "abels"),
        ({"x": np.zeros((2, 4, 4)), "y": np.array([0, -1])}, "abels"),
    ],
)
def test_other_files_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        sets.read(tmp_path / "a.npz")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(ValueError, match="found a pipe"):
        sets.read(tmp_path / "pipe.zip")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ValueError, match=r"a\.npz: expected an \.npz archive of plain arrays, found a damaged"):
        sets.read(tmp_path / "a.npz")
