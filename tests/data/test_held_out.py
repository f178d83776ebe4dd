"""`held_out`: another share of undivided sets for validation and testing, for all sources alike."""

import numpy as np
import pytest
from PIL import Image

from jgan import Batch, data
from jgan.data import dataset


def _folder(place):
    for number in range(40):
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(place / f"{number:02}.png")


def _classes(place):
    for number in range(40):
        (place / "ab"[number % 2]).mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(place / "ab"[number % 2] / f"{number:02}.png")


def _npz(place):
    np.savez(place / "a.npz", x=np.arange(40, dtype=np.uint8).repeat(16).reshape(40, 4, 4))


def _text(place):
    (place / "a.txt").write_text("\n".join(chr(65 + number) for number in range(40)))


UNDIVIDED = {
    "folder": _folder,
    "folder:2": _classes,
    "npz": _npz,
    "lines:1": _text,
    "edges:folder": _folder,
    "inverted:npz": _npz,
    "negatives:npz": _npz,
    "swapped:edges:npz": _npz,
}


def _counts(found):
    return [
        sum(len(batch.x) for batch in (part.values() if isinstance(part, dict) else [part])) for part in found.parts.values()
    ]


@pytest.mark.parametrize("name", UNDIVIDED)
def test_every_undivided_source_takes_it(tmp_path, name):
    UNDIVIDED[name](tmp_path)
    each = 2 if name.startswith("inverted") else 1  # its two domains validate on all images
    lost = 1 if name.startswith("inverted") else 0  # and differ in size in training
    assert _counts(data.load(name, tmp_path)) == [28 - lost, 6 * each, 6 * each]
    assert _counts(data.load(name, tmp_path, held_out=10)) == [32 - lost, 4 * each, 4 * each]
    assert _counts(data.load(name, tmp_path, held_out=20)) == [36 - lost, 2 * each, 2 * each]


def test_of_so_many_successive_examples_the_last_two_are_held_out(tmp_path):
    _npz(tmp_path)
    found = data.load("npz", tmp_path, held_out=8)
    assert [part.x[:, 0, 0, 0].tolist() for part in (found.validation, found.test)] == [
        [6, 14, 22, 30, 38],
        [7, 15, 23, 31, 39],
    ]


@pytest.mark.parametrize("name", UNDIVIDED)
def test_none_is_held_out_if_asked(tmp_path, name):
    UNDIVIDED[name](tmp_path)
    found = data.load(name, tmp_path, held_out=0)
    if not name.startswith("inverted"):
        assert _counts(found) == [40, 40, 40]
        np.testing.assert_array_equal(found.validation.x, found.train.x)
    else:
        assert _counts(found) == [39, 80, 80]


def test_a_part_that_is_there_stays(tmp_path):
    x = np.arange(40, dtype=np.uint8).repeat(16).reshape(40, 4, 4)
    np.savez(tmp_path / "a.npz", x_train=x, x_test=x[:3])
    assert _counts(data.load("npz", tmp_path)) == [32, 8, 3]
    assert _counts(data.load("npz", tmp_path, held_out=20)) == [38, 2, 3]
    assert _counts(data.load("npz", tmp_path, held_out=2)) == [20, 20, 3]
    assert _counts(data.load("npz", tmp_path, held_out=0)) == [40, 40, 3]


@pytest.mark.parametrize("held_out", [1, 2, -1])
def test_nothing_left_for_training_is_told(tmp_path, held_out):
    _npz(tmp_path)
    with pytest.raises(
        ValueError, match=rf"more than 2 examples for each missing part, or 0 for none, found one of {held_out}"
    ):
        data.load("npz", tmp_path, held_out=held_out)


def test_too_few_examples_are_told(tmp_path):
    _npz(tmp_path)
    with pytest.raises(ValueError, match=rf"{tmp_path}: expected at least 41 examples, to hold out 2 in 41, found 40: give"):
        data.load("npz", tmp_path, held_out=41)


@pytest.mark.parametrize("name", ["ring8", "pattern1010", "origin", "mnist", "olivetti", "inverted:mnist"])
def test_divided_sources_refuse_it(name):
    with pytest.raises(ValueError, match=r"comes divided into train, validation and test: leave held_out out"):
        data.load(name, held_out=10)


def test_embedded_digits_and_sets_in_memory():
    assert _counts(data.load("digits", held_out=0)) == [1797, 1797, 1797]
    assert _counts(data.load("partly_labelled:digits:5", held_out=30))[1] == 2 * len(
        data.load("digits", held_out=30).validation.x
    )
    sets = {"a": Batch(np.zeros((40, 1))), "b": Batch(np.zeros((20, 1)))}
    assert _counts(dataset.complete("two", {"train": sets}, held_out=10)) == [48, 6, 6]
