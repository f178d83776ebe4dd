"""Folders of images written here with Pillow, in each layout, and with each thing that can be wrong with one."""

import re

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import folder, image_files, survey

RNG = np.random.default_rng(0)


def noise(height: int = 6, width: int = 5, channels: int = 3) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, channels), dtype=np.uint8)


def save(path, image: np.ndarray, **options) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path, **options)
    return image


def together(found: data.Dataset) -> np.ndarray:
    return np.concatenate([part.x for part in found.parts.values()])


def test_a_flat_folder_is_read_in_the_order_of_its_names_and_dealt_out_in_rounds_of_six(tmp_path):
    images = [save(tmp_path / f"{number:02}.png", noise()) for number in range(13)]
    found = data.load("folder", tmp_path)
    place = np.arange(13) % 6
    np.testing.assert_array_equal(found.train.x, np.stack(images)[place < 4])
    np.testing.assert_array_equal(found.validation.x, np.stack(images)[place == 4])
    np.testing.assert_array_equal(found.test.x, np.stack(images)[place == 5])
    assert found.train.y is None


def test_folders_of_classes_give_labels_by_name(tmp_path):
    for name in ("dog", "cat"):
        for number in range(6):
            save(tmp_path / name / f"{number}.png", np.full((4, 4, 1), number + 10 * (name == "dog"), np.uint8))
    found = data.load("folder", tmp_path)
    assert found.train.x[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13]
    assert found.train.y.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert (found.validation.x[:, 0, 0, 0].tolist(), found.validation.y.tolist()) == ([4, 14], [0, 1])
    assert (found.test.x[:, 0, 0, 0].tolist(), found.test.y.tolist()) == ([5, 15], [0, 1])
    assert found.train.y.dtype == np.int32


def test_a_divided_folder_keeps_its_test_and_validates_a_fifth_of_each_class(tmp_path):
    for name in ("a", "b"):
        for number in range(10):
            save(tmp_path / "train" / name / f"{number}.png", np.full((4, 4, 1), number, np.uint8))
    save(tmp_path / "test" / "b" / "0.png", np.full((4, 4, 1), 99, np.uint8))
    (tmp_path / "README.md").write_text("what this is")
    found = data.load("folder", tmp_path)
    assert found.validation.x[:, 0, 0, 0].tolist() == [4, 9, 4, 9]
    assert found.validation.y.tolist() == [0, 0, 1, 1]
    assert (found.test.x[:, 0, 0, 0].tolist(), found.test.y.tolist()) == ([99], [1])  # b is 1, though alone here


def test_a_divided_folder_with_all_three_is_taken_as_it_is(tmp_path):
    for part, count in (("train", 3), ("validation", 2), ("test", 1)):
        for number in range(count):
            save(tmp_path / part / f"{number}.jpg", noise())
    assert [len(part.x) for part in data.load("folder", tmp_path).parts.values()] == [3, 2, 1]


def test_cifar10_may_be_such_a_folder_if_its_images_are_32x32x3(tmp_path):
    for number in range(5):
        save(tmp_path / "train" / "cat" / f"{number}.png", noise(32, 32))
    save(tmp_path / "test" / "cat" / "0.png", noise(32, 32))
    assert data.load("cifar10", tmp_path).train.x.shape == (4, 32, 32, 3)
    save(tmp_path / "train" / "cat" / "5.png", noise(16, 16))
    with pytest.raises(ValueError, match=r"5.png: expected 32x32 pixels .* found 16x16"):
        data.load("cifar10", tmp_path)


def test_cifar10_of_another_size_is_refused(tmp_path):
    for number in range(6):
        save(tmp_path / "train" / f"{number}.png", noise(28, 28, 1))
    with pytest.raises(ValueError, match=r"expected CIFAR's images, 32x32x3, found \(28, 28, 1\): load folder instead"):
        data.load("cifar10", tmp_path)


# ------------------------------------------------------------------------------------------------------------ one image


def test_png_is_read_exactly_and_jpeg_nearly(tmp_path):
    grey, colour = noise(9, 7, 1), noise(9, 7, 3)
    save(tmp_path / "g.png", grey)
    save(tmp_path / "c.png", colour)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "g.png"), grey)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "c.png"), colour)
    smooth = np.broadcast_to(np.linspace(0, 255, 16).astype(np.uint8)[:, None, None], (16, 16, 3))
    save(tmp_path / "s.JPG", smooth, quality=95)
    assert np.abs(image_files.read_image(tmp_path / "s.JPG").astype(int) - smooth).max() <= 8


def test_palettes_one_bit_and_opaque_alpha_are_read_as_what_they_show(tmp_path):
    colour = noise()
    opaque = np.concatenate([colour, np.full((6, 5, 1), 255, np.uint8)], axis=-1)
    Image.fromarray(opaque).save(tmp_path / "a.png")
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), colour)
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "b.png")
    assert image_files.read_image(tmp_path / "b.png").ravel().tolist() == [255, 0]
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.save(tmp_path / "grey.png")
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "grey.png"), np.full((2, 2, 1), 9))
    palette.putpalette([0, 0, 0, 7, 7, 8])
    palette.save(tmp_path / "colour.png")
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "colour.png")[0, 0], [7, 7, 8])


def test_a_photograph_is_turned_upright(tmp_path):
    image = Image.fromarray(noise(4, 6, 1)[..., 0])
    exif = image.getexif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "turned.png")[..., 0], np.rot90(np.array(image), -1))


def test_transparent_pixels_are_refused(tmp_path):
    Image.fromarray(np.full((2, 2, 4), 254, np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png: expected an opaque image, found transparent pixels"):
        image_files.read_image(tmp_path / "a.png")


def test_sixteen_bits_are_refused(tmp_path):
    Image.fromarray(np.full((2, 2), 1000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep.png: expected 8 bits per channel, found more .Pillow's mode I"):
        image_files.read_image(tmp_path / "deep.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.9])
def test_an_image_cut_short_is_named(tmp_path, suffix, kept):
    path = tmp_path / f"broken{suffix}"
    save(path, noise(64, 64))
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(
        ValueError, match=f"{path.name}: expected an image, found a (file that cannot be read as one|damaged or other file)"
    ):
        image_files.read_image(path)


# ----------------------------------------------------------------------------------------------------------------- size


def test_a_size_after_the_colon_crops_the_centre_and_resizes(tmp_path):
    image = np.full((64, 128, 3), 255, np.uint8)
    image[:, 32:96] = 77  # the centred square; its margins are white, and reach in by the filter's tails alone
    for number in range(6):
        save(tmp_path / f"{number}.png", image)
    found = together(data.load("folder:8", tmp_path)).astype(int)
    assert found.shape == (6, 8, 8, 3)
    assert np.unique(found[:, :, 3:5]).tolist() == [77]
    assert np.abs(found - 77).max() < 0.2 * (255 - 77)
    assert together(data.load("folder:4x8", tmp_path)).shape == (6, 4, 8, 3)


def test_resizing_is_antialiased(tmp_path):
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    for number in range(6):
        save(tmp_path / f"{number}.png", stripes)
    found = together(data.load("folder:8", tmp_path)).astype(int)
    assert np.abs(found - 127.5).max() < 10  # nearest or bilinear sampling would give 0 or 255


@pytest.mark.parametrize("name", ["folder:", "folder:0", "folder:4x", "folder:x4", "folder:-3", "folder:big", "folder:4x4x3"])
def test_what_is_no_size_is_told(name, tmp_path):
    with pytest.raises(ValueError, match=f"expected a size after the colon, .* found {name!r}"):
        data.load(name, tmp_path)


# ---------------------------------------------------------------------------------------------------------- bad folders


def test_grey_images_among_coloured_ones_become_coloured(tmp_path):
    grey = save(tmp_path / "0.png", noise(channels=1))
    for number in range(1, 6):
        save(tmp_path / f"{number}.png", noise())
    np.testing.assert_array_equal(data.load("folder", tmp_path).train.x[0], np.repeat(grey, 3, axis=-1))


def test_images_of_two_sizes_are_named_with_both(tmp_path):
    save(tmp_path / "a.png", noise(4, 4))
    save(tmp_path / "b.png", noise(4, 5))
    with pytest.raises(ValueError, match=r"b.png: expected 4x4 pixels .* as .*a.png, found 4x5: resize them all"):
        data.load("folder", tmp_path)


def test_nothing_is_dropped_in_silence(tmp_path):
    for number in range(6):
        save(tmp_path / f"{number}.png", noise())
    for litter in (".DS_Store", "Thumbs.db"):
        (tmp_path / litter).write_bytes(b"x")
    assert len(together(data.load("folder", tmp_path))) == 6
    (tmp_path / "6.txt").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"6.txt: expected only images \(.png, .apng, .jpg, .* in all\)"):
        data.load("folder", tmp_path)


def test_images_beside_folders_are_told(tmp_path):
    save(tmp_path / "0.png", noise())
    save(tmp_path / "cat" / "1.png", noise())
    with pytest.raises(ValueError, match=r"found both, 0.png and cat"):
        data.load("folder", tmp_path)


def test_an_empty_class_is_told(tmp_path):
    save(tmp_path / "cat" / "1.png", noise())
    (tmp_path / "dog" / "small").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"dog: expected images of one class, found none"):
        data.load("folder", tmp_path)


def test_a_class_has_the_images_of_the_folders_inside_its_own(tmp_path):
    shades = {"cat/1.png": 10, "dog/2.png": 20, "dog/small/1.png": 30, "dog/small/old/1.png": 40, "dog/tall/0.png": 50}
    for name, shade in shades.items():
        save(tmp_path / name, np.full((4, 4, 1), shade, np.uint8))
    (tmp_path / "dog" / "small" / ".DS_Store").write_bytes(b"x")
    found = folder.read(tmp_path)
    assert found.x[:, 0, 0, 0].tolist() == [10, 20, 30, 40, 50]
    assert found.y.tolist() == [0, 1, 1, 1, 1]
    assert [path.name for path in folder.files(tmp_path)] == ["1.png", "2.png", "1.png", "1.png", "0.png"]
    (tmp_path / "dog" / "small" / "notes.txt").write_text("no")
    with pytest.raises(ValueError, match=r"small/notes.txt: expected only images"):
        folder.read(tmp_path)


@pytest.mark.parametrize("target", ["..", ".", "../dog"])
def test_links_in_a_circle_are_told(tmp_path, target):
    for name in ("cat", "dog"):
        save(tmp_path / name / "1.png", noise())
        (tmp_path / name / "up").symlink_to("../cat" if (target, name) == ("../dog", "dog") else target)
    with pytest.raises(ValueError, match=r": expected a folder of images, found a link to a folder that it lies in"):
        data.load("folder", tmp_path)
    found = survey.of_files(tmp_path)
    assert len(found.broken) == 2
    assert all("found a link to a folder that it lies in" in message for message in found.broken)


def test_a_class_that_training_does_not_know_is_told(tmp_path):
    save(tmp_path / "train" / "cat" / "1.png", noise())
    save(tmp_path / "test" / "dog" / "1.png", noise())
    with pytest.raises(ValueError, match=r"test: expected classes of the training set, cat, found dog"):
        data.load("folder", tmp_path)


def test_other_folders_beside_train_are_told(tmp_path):
    save(tmp_path / "train" / "1.png", noise())
    save(tmp_path / "valid" / "1.png", noise())
    with pytest.raises(ValueError, match=r"nothing but the folders train, validation, test, found valid"):
        data.load("folder", tmp_path)


def test_empty_missing_and_no_folder_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"expected images, or a folder of them for each class, found none"):
        data.load("folder", tmp_path)
    with pytest.raises(FileNotFoundError, match="expected a folder of images, found nothing there"):
        data.load("folder", tmp_path / "none")
    with pytest.raises(ValueError, match="give it with --data-dir"):
        data.load("folder")


def test_five_images_are_too_few_to_divide(tmp_path):
    for number in range(5):
        save(tmp_path / f"{number}.png", noise())
    with pytest.raises(ValueError, match=r"expected at least 6 examples, to hold out 2 in 6, found 5: give more"):
        data.load("folder", tmp_path)


# -------------------------------------------------------------------------------------------- the size that a model accepts


def tens(size):
    """A model whose sides are multiples of ten."""
    return tuple(max(10, round(side / 10) * 10) for side in size)


@pytest.mark.parametrize(
    ("sizes", "name", "expected", "says"),
    [
        ([(20, 30)], "folder", "folder", ""),
        ([(20, 30), (50, 60)], "folder:20x30", "folder:20x30", ""),
        (
            [(20, 33)],
            "folder",
            "folder:20x30",
            "images of 20x33 .* to 20x30 .*, the size nearest to 20x33 that",
        ),
        ([(20, 33)], "folder:44", "folder:40x40", "^images cropped and resized to 40x40 .*, the size nearest to 44x44 that"),
        (
            [(20, 30), (50, 60), (40, 90)],
            "folder",
            "folder:20x20",
            r"images of 3 sizes .* to 20x20 \(height x width\); --dataset",
        ),
        ([(71, 72), (300, 400)], "folder", "folder:60x60", "images of 2 sizes .* to 60x60 .*, the size nearest to 64x64 that"),
        ([(256, 200)], "folder", "folder:260x200", "nearest to 256x200"),
        ([(300, 400)], "folder", "folder:60x80", "images of 300x400 .* to 60x80 .* nearest to 64x85"),
    ],
)
def test_images_are_resized_to_the_size_nearest_to_theirs_or_to_the_one_asked(tmp_path, sizes, name, expected, says):
    for number in range(6):
        height, width = sizes[number % len(sizes)]
        save(tmp_path / f"{number}.png", np.full((height, width, 1), 9, np.uint8))
    found, done = data.fitted(name, tmp_path, tens)
    assert found == expected
    assert re.search(says, done)
    assert bool(says) == bool(done)
    assert "\n" not in done
    size = tuple(map(int, expected.partition(":")[2].split("x"))) if ":" in expected else sizes[0]
    assert data.load(found, tmp_path).train.x.shape == (4, *size, 1)
    assert data.fitted(found, tmp_path, tens) == (found, "")  # of a run that is continued


def test_sizes_are_those_of_all_parts_and_classes_turned_upright(tmp_path):
    save(tmp_path / "train" / "a" / "0.png", noise(5, 6))
    save(tmp_path / "train" / "b" / "0.jpg", noise(7, 8))
    image = Image.fromarray(noise(9, 4, 1)[..., 0])
    exif = image.getexif()
    exif[0x0112] = 8
    image.save(tmp_path / "turned.png", exif=exif)
    (tmp_path / ".DS_Store").write_bytes(b"litter")
    assert folder.found_sizes(tmp_path) == {(5, 6), (7, 8), (4, 9)}
    assert image_files.read_image(tmp_path / "turned.png").shape == (4, 9, 1)


def test_what_is_wrong_with_a_folder_is_said_of_its_size_too(tmp_path):
    assert data.fitted("folder", tmp_path, tens) == ("folder", "")  # empty: `load` says so
    assert data.fitted("folder", tmp_path / "none", tens) == ("folder", "")
    assert data.fitted("folder", None, tens) == ("folder", "")
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"a.png: expected an image, found a file that cannot be read as one"):
        data.fitted("folder", tmp_path, tens)
    with pytest.raises(ValueError, match=r"expected a size after the colon"):
        data.fitted("folder:big", tmp_path, tens)


def test_other_sets_have_the_size_they_have(tmp_path):
    for name in ("digits", "olivetti:30", "inverted:folder:33", "no such set"):
        assert data.fitted(name, tmp_path, tens) == (name, "")
