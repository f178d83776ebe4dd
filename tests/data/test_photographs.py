"""Photographs of different sizes: the buffer, the crops of a step on any number of devices, and the source."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan import Batch, DataSpec, GANState, data, parallel, views
from jgan.data import division, kinds, resident
from jgan.evaluation import sets
from jgan.ragged import Ragged
from jgan.steps import Steps
from jgan.types import Field

KEY = jax.random.key(0)
SIZES = [(9, 14), (12, 8), (8, 8), (17, 10), (8, 21)]


def pictures(channels=3, sizes=SIZES):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, channels), np.uint8) for size in sizes]


def save(folder, images, suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze(-1) if image.shape[2] == 1 else image).save(folder / f"{index:02}{suffix}")


# ----------------------------------------------------------------------------------------------------------- the buffer


def test_the_buffer_holds_the_images_and_a_selection_holds_nothing_else():
    images = pictures()
    whole = Ragged.of(images)
    assert [len(whole), len(whole.pixels)] == [5, sum(height * width for height, width in SIZES)]
    for found, image in zip(whole.images(), images, strict=True):
        np.testing.assert_array_equal(found, image)
    rest, held = division.hold_out(Batch(whole), every=5)
    assert [image.shape[:2] for image in rest.x.images()] == SIZES[:4]
    assert len(held.x.pixels) == 8 * 21
    np.testing.assert_array_equal(held.x.images()[0], images[4])


def test_it_is_no_array_and_says_so():
    whole = Ragged.of(pictures())
    for use in (np.asarray, lambda x: x[:2]):
        with pytest.raises(TypeError):
            use(whole)
    with pytest.raises((TypeError, ValueError)):  # before 0.10 JAX tries to stack the arrays of a tree
        jnp.asarray(whole)
    with pytest.raises(ValueError, match="photographs cannot be spread over devices"):
        parallel.shard(lambda key, state, batch: (state, {}))(KEY, 0, Batch(whole))
    with pytest.raises(ValueError, match="photographs cannot be spread over devices"):
        parallel.pmap(lambda key, state, batch, axis_name: (state, {}))(KEY, 0, Batch(whole))


def test_the_first_leaf_has_the_length_of_the_batch():
    """What counts examples by the first leaf of a batch counts photographs, not pixels."""
    assert len(jax.tree.leaves(Batch(Ragged.of(pictures())))[0]) == 5


def test_a_set_of_photographs_is_described_by_the_smallest_sides():
    part = Batch(Ragged.of(pictures()))
    found = data.Dataset("photos", part, division.take(part, slice(2)), division.take(part, slice(4, 5)))
    assert found.fields.x == Field((8, 8, 3), "photographs")
    assert data.spec(found, 2) == DataSpec(found.fields, 2, None, 2)
    prints = data.fingerprint(found)
    assert prints["train.x.sizes"]["count"] == 5
    other = data.Dataset("photos", division.take(part, np.array([1, 0, 2, 3, 4])), found.validation, found.test)
    assert data.fingerprint(other)["train.x.offsets"] != prints["train.x.offsets"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": np.array([0, 5], np.int32)}, "expected arrays of one length"),
        ({"offsets": np.array([0, 18], np.int32)}, "found one of 4x3 from pixel 18 on"),
        ({"sizes": np.array([[4, 3], [0, 5]], np.int32)}, "found one of 0x5 from pixel 12 on"),
        ({"pixels": np.zeros((24, 3), np.float32)}, "expected uint8 photographs with 3 channels, found float32"),
    ],
)
def test_a_damaged_buffer_is_an_error(change, message):
    good = Ragged.of([np.zeros((4, 3, 3), np.uint8)] * 2)
    bad = Batch(dataclasses.replace(good, **change), c=np.zeros((3, 1), np.float32) if "length" in message else ())
    with pytest.raises(ValueError, match=message):
        data.Dataset("photos", bad, bad, bad)


def test_photographs_are_not_taken_for_other_data():
    part = Batch(Ragged.of(pictures()))
    with pytest.raises(ValueError, match="expected photographs, a Ragged, found uint8"):
        kinds.check(Batch(Field((8, 8, 3), "photographs")), Batch(np.zeros((2, 8, 8, 3), np.uint8)), "here")
    with pytest.raises(ValueError, match="expected uint8 image with 3 channels, found uint8 photographs"):
        kinds.check(Batch(Field((8, 8, 3))), part, "here")
    with pytest.raises(ValueError, match="expected photographs of at least 9x8, found sides down to 8x8"):
        kinds.check(Batch(Field((9, 8, 3), "photographs")), part, "here")
    with pytest.raises(ValueError, match="expected images of one size, found photographs of several"):
        sets.of_dataset(data.Dataset("photos", part, part, part), "test")


# ------------------------------------------------------------------------------------------------------------ the crops


def reporting(key, state, batch, *, axis_name=None):
    gathered = batch if axis_name is None else jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, axis_name, tiled=True), batch)
    return state, gathered


def numbered_pair():
    """Photographs whose every pixel is known by its values: the number of the image, the row, and the column in units of c."""
    small = [
        np.stack([*np.indices((height, width)), np.full((height, width), index)], axis=-1)
        for index, (height, width) in enumerate([(3, 5), (2, 2), (6, 2), (4, 4), (2, 7), (3, 3), (2, 3), (5, 2)])
    ]
    small = [image.astype(np.uint8) for image in small]
    large = [image.repeat(4, axis=0).repeat(4, axis=1) for image in small]
    return large, small


def test_a_step_crops_pairs_at_the_same_place_anywhere_in_the_photograph():
    large, small = numbered_pair()
    whole = Batch(Ragged.of(large), c=Ragged.of(small))
    made = views.viewed(Steps(reporting, reporting, reporting), views.of_images(views.crop(8, 4)))
    step = jax.jit(resident.on_resident_data(made.step, batch_size=8))
    places = set()
    for index in range(40):
        _, batch = step(KEY, GANState(jnp.int32(index), (), ()), whole)
        assert batch.x.dtype == jnp.float32
        x, c = (np.rint(np.asarray(images) * 255).astype(int) for images in (batch.x, batch.c))
        for crop, quarter in zip(x, c, strict=True):
            row, column, number = quarter[0, 0]
            np.testing.assert_array_equal(quarter, small[number][row : row + 2, column : column + 2])
            np.testing.assert_array_equal(crop, large[number][4 * row : 4 * row + 8, 4 * column : 4 * column + 8])
            places.add((number, row, column))
    assert len(places) == sum((len(image) - 1) * (len(image[0]) - 1) for image in small)  # all that there are


VIEW = views.of_images(views.crop(8, 4), views.flip())


@pytest.mark.parametrize("n_critic", [1, 2])
@pytest.mark.slow
def test_the_crops_do_not_depend_on_the_number_of_devices(n_critic):
    large, small = numbered_pair()
    whole = Batch(Ragged.of(large), c=Ragged.of(small))
    made = views.viewed(Steps(reporting, reporting, reporting), VIEW, n_critic)
    step = resident.on_resident_data(made.step, 4, n_critic)
    state = lambda: parallel.replicate(GANState(jnp.int32(3), (), ()), devices)  # noqa: E731  each call takes its own
    devices = jax.devices()[:4]
    _, alone = jax.jit(step)(KEY, GANState(jnp.int32(3), (), ()), whole)
    assert alone.x.shape == (*(n_critic,) * (n_critic > 1), 4, 8, 8, 3)
    inner = parallel.constrained(made.step, devices, axis=0 if n_critic == 1 else 1)
    sharded = parallel.shard(resident.on_resident_data(inner, 4, n_critic), devices, resident=True)
    data_there = parallel.replicate(whole, devices)
    found = [sharded(KEY, state(), data_there)[1]]
    if n_critic == 1:
        found.append(parallel.pmap(step, devices, resident=True)(KEY, state(), data_there)[1])
    for other in found:
        jax.tree.map(np.testing.assert_array_equal, other, alone)


def test_photographs_must_be_cropped_first():
    batch = Batch(Ragged.of(pictures()))
    with pytest.raises(ValueError, match=r"must be cropped before any other change: put views\.crop first"):
        views.of_images(lambda key, images: images, views.crop(4))(KEY, batch)


# ----------------------------------------------------------------------------------------------------------- the source


def test_a_folder_is_read_whole_and_a_sixth_is_held_out_for_each_part(tmp_path):
    images = pictures(sizes=SIZES * 3)
    save(tmp_path, images)
    found = data.load("photographs", tmp_path)
    assert [len(part.x) for part in found.parts.values()] == [11, 2, 2]
    assert [image.shape for image in found.test.x.images()] == [images[5].shape, images[11].shape]
    np.testing.assert_array_equal(found.test.x.images()[1], images[11])
    assert found.train.c == ()
    assert found.note == ""
    assert [len(part.x) for part in data.load("photographs", tmp_path, held_out=15).parts.values()] == [13, 1, 1]


def test_pairs_are_whole_multiples_and_their_rounded_bicubic_quarters(tmp_path):
    images = pictures()
    save(tmp_path / "train", images)
    save(tmp_path / "val", images[:1])
    save(tmp_path / "test", images[1:3])
    found = data.load("photographs:x4", tmp_path)
    assert [len(part.x) for part in found.parts.values()] == [5, 1, 2]
    assert found.fields.x == Field((8, 8, 3), "photographs")
    assert found.fields.c == Field((2, 2, 3), "photographs")
    for image, x, c in zip(images, found.train.x.images(), found.train.c.images(), strict=True):
        height, width = (length // 4 * 4 for length in image.shape[:2])
        np.testing.assert_array_equal(x, image[:height, :width])
        assert c.shape == (height // 4, width // 4, 3)
        small = np.asarray(found.truth(x / 255.0))
        assert np.abs(c / 255 - small.clip(0, 1)).max() <= 0.5 / 255 + 1e-12


def test_grey_among_coloured_photographs_is_said(tmp_path):
    save(tmp_path / "train", pictures())
    save(tmp_path / "val", pictures(channels=1)[:1])
    save(tmp_path / "test", pictures()[:1])
    found = data.load("photographs", tmp_path)
    assert found.note == "1 of the 7 photographs is grey and read as coloured"
    (grey,) = found.validation.x.images()
    np.testing.assert_array_equal(grey, np.repeat(pictures(channels=1)[0], 3, axis=2))
    save(tmp_path / "grey", pictures(channels=1) * 2)
    assert data.load("photographs", tmp_path / "grey").fields.x.shape == (8, 8, 1)
    assert data.load("photographs", tmp_path / "grey").note == ""


def test_bad_input_is_one_line(tmp_path):
    def message(name="photographs", folder=tmp_path, error=ValueError):
        with pytest.raises(error) as caught:
            data.load(name, folder)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "reads images from a folder or an archive: give it with --data-dir" in message(folder=None)
    assert "expected a folder of images, found nothing there" in message(folder=tmp_path / "none", error=FileNotFoundError)
    assert message() == f"{tmp_path}: expected images, found none: give the folder that holds them"
    for name in ("photographs:", "photographs:4", "photographs:x1", "photographs:x4x4", "photographs:x0"):
        assert (
            message(name)
            == f"{tmp_path}: expected a scale from x2 to x16 after the colon, as in photographs:x4, found {name!r}"
        )
    save(tmp_path, pictures())
    Image.new("RGB", (40, 3)).save(tmp_path / "flat.png")
    assert "flat.png: expected at least 4x4 pixels, found 3x40: remove it" in message("photographs:x4")
    (tmp_path / "flat.png").write_bytes(b"\x89PNG")
    assert "flat.png: expected an image" in message()
    (tmp_path / "flat.png").unlink()
    (tmp_path / "notes.txt").touch()
    assert "notes.txt: expected only images" in message()
    (tmp_path / "notes.txt").unlink()
    (tmp_path / "deeper").mkdir()
    assert "expected images, found a folder, deeper" in message()
    (tmp_path / "deeper").rename(tmp_path / "train")
    assert "expected nothing but the folders train, validation, test, found 00.png" in message()


def test_val_and_validation_together_are_an_error(tmp_path):
    for name in ("train", "val", "validation"):
        save(tmp_path / name, pictures())
    for source in ("photographs", "folder:8"):
        with pytest.raises(ValueError, match="expected one folder for validation, found val and validation"):
            data.load(source, tmp_path)


def test_more_pixels_than_memory_are_an_error_before_they_are_read(tmp_path, monkeypatch):
    save(tmp_path, pictures())
    monkeypatch.setattr("jgan.data.reading.memory", lambda: 3 * 650)  # there are 630 pixels
    assert len(data.load("photographs", tmp_path, held_out=0).train.x) == 5
    monkeypatch.setattr("jgan.data.reading.memory", lambda: 1000)
    with pytest.raises(ValueError, match="5 images: expected at most the 1000 bytes of this machine's memory"):
        data.load("photographs", tmp_path)
