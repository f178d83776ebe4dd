"""How sets are divided and described, the registry, and the two sources that need no files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import Batch, data
from jgan.data import dataset, digits, division, pattern1010, tfds

labels = st.lists(st.integers(0, 3), min_size=1, max_size=80)


@given(labels=labels, every=st.integers(2, 7), data_=st.data())
def test_held_out_parts_are_a_partition_in_which_each_class_has_its_share(labels, every, data_):
    parts = data_.draw(st.integers(1, every - 1))
    y = np.array(labels, np.int32)
    whole = Batch(np.arange(len(y)), y)
    if np.bincount(y).max() < every:  # the last round of every class is short: some part has nothing
        with pytest.raises(ValueError, match="give more examples"):
            division.hold_out(whole, every=every, parts=parts)
        return
    found = division.hold_out(whole, every=every, parts=parts)
    assert len(found) == parts + 1
    assert sorted(np.concatenate([part.x for part in found])) == list(range(len(y)))
    for part in found:
        assert part.x.tolist() == sorted(part.x)
        np.testing.assert_array_equal(part.y, y[part.x])
    for label, size in enumerate(np.bincount(y)):
        for part in found[1:]:
            assert size // every <= np.sum(part.y == label) <= -(-size // every)


@given(size=st.integers(5, 200), test_size=st.integers(1, 100))
def test_the_tail_is_as_large_as_the_test_but_at_most_a_fifth(size, test_size):
    train, validation = division.hold_out_tail(Batch(np.arange(size)), test_size)
    assert np.concatenate([train.x, validation.x]).tolist() == list(range(size))
    assert len(validation.x) == (test_size if 5 * test_size <= size else size // 5)


@pytest.mark.parametrize(("size", "test_size"), [(4, 3), (10, 0)])
def test_too_few_for_a_tail_is_an_error(size, test_size):
    with pytest.raises(ValueError, match=f"found {size} and {test_size}: give a larger set"):
        division.hold_out_tail(Batch(np.arange(size)), test_size)


def test_complete_keeps_what_there_is_and_holds_out_what_is_missing():
    train, test = Batch(np.arange(30)), Batch(np.arange(7))
    found = dataset.complete("name", {"train": train, "test": test})
    assert [len(part.x) for part in found.parts.values()] == [24, 6, 7]
    found = dataset.complete("name", {"train": train, "validation": test})
    assert [len(part.x) for part in found.parts.values()] == [24, 7, 6]
    found = dataset.complete("name", {"train": train})
    assert [len(part.x) for part in found.parts.values()] == [20, 5, 5]
    found = dataset.complete("name", {"train": train, "validation": test, "test": test})
    assert [len(part.x) for part in found.parts.values()] == [30, 7, 7]


@pytest.mark.parametrize(
    "other",
    [Batch(np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int32)), Batch(np.zeros((2, 4, 4, 1), np.uint8))],
    ids=["shape", "labels"],
)
def test_sets_that_do_not_belong_together_are_told(other):
    train = Batch(np.zeros((9, 4, 4, 1), np.uint8), np.zeros(9, np.int32))
    with pytest.raises(ValueError, match=r"found 4x4x1 with labels in train and 4x4x. with.* in test"):
        dataset.complete("name", {"train": train, "test": other})


# -------------------------------------------------------------------------------------------------------------- the spec


def test_the_mean_image_is_exact_and_of_the_training_images_alone():
    x = np.random.default_rng(0).integers(0, 256, (257, 3, 2, 1), dtype=np.uint8)
    zeros = Batch(np.zeros((1, 3, 2, 1), np.uint8))
    found = data.spec(data.Dataset("noise", Batch(x), zeros, zeros), batch_size=32)
    assert found.shape == (3, 2, 1)
    assert found.steps_per_epoch == 8
    assert found.mean.dtype == np.float64
    np.testing.assert_allclose(found.mean, x.astype(object).sum(axis=0).astype(float) / (257 * 255), rtol=1e-15)


def test_the_mean_of_float_images_is_not_scaled():
    found = data.spec(data.load("pattern1010"), batch_size=100)
    assert found.shape == (1, 4, 1)
    # The mean of n uniform draws on an interval of 0.2 has the deviation 0.2 / sqrt(12 n).
    np.testing.assert_allclose(found.mean.ravel(), [0.9, 0.1, 0.9, 0.1], atol=4 * 0.2 / np.sqrt(12 * 8000))


@pytest.mark.parametrize("batch_size", [0, -1, 1205])
def test_a_batch_that_the_set_cannot_fill_is_told(batch_size):
    with pytest.raises(ValueError, match=f"from 1 to the 1204 training examples of digits, found {batch_size}"):
        data.spec(data.load("digits"), batch_size)


# ------------------------------------------------------------------------------------------------------------ registry


@pytest.mark.parametrize(
    ("name", "close"), [("mnits", "mnist"), ("digit", "digits"), ("MNIST", "mnist"), ("fashon_mnist", "fashion_mnist")]
)
def test_an_unknown_name_is_answered_with_the_closest_and_all(name, close):
    with pytest.raises(
        ValueError, match=f"unknown data set {name!r}, did you mean {close!r}.*{', '.join(sorted(data.SOURCES))}"
    ):
        data.load(name)


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(ValueError, match="unknown data set '@@@@': known are arithmetic, blurred, bsds, "):
        data.load("@@@@")


def test_without_tfds_a_name_is_unknown_for_a_reason_that_is_told(monkeypatch):
    def fails():
        raise ValueError("tensorflow-datasets cannot be imported (ImportError: no protobuf)")

    monkeypatch.setattr(tfds, "library", fails)
    with pytest.raises(ValueError, match=r"unknown data set 'celeb_a'.*cannot be imported .ImportError: no protobuf"):
        data.load("celeb_a")
    assert data.load("digits").name == "digits"


# ------------------------------------------------------------------------------------------ digits and the 1010 pattern


def test_the_digits_are_scikit_learns_all_of_them_once():
    from sklearn.datasets import load_digits

    found, original = digits.load(), load_digits()
    x = np.concatenate([part.x for part in found.parts.values()])
    y = np.concatenate([part.y for part in found.parts.values()])
    assert (x.dtype, x.shape, y.dtype) == (np.uint8, (1797, 8, 8, 1), np.int32)
    restored = np.rint(x[..., 0] * (16 / 255))  # 17 levels, 16 apart: rounding loses none
    rows = lambda images, labels: np.column_stack([images.reshape(-1, 64), labels])  # noqa: E731
    ours, theirs = rows(restored, y), rows(original.images, original.target)
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_the_digits_of_each_class_are_shared_in_sixths():
    found = digits.load()
    counts = np.array([np.bincount(part.y, minlength=10) for part in found.parts.values()])
    np.testing.assert_allclose(counts / counts.sum(axis=0), np.array([[4 / 6], [1 / 6], [1 / 6]]) * np.ones(10), atol=0.01)


@pytest.mark.parametrize("name", ["digits", "pattern1010"])
def test_a_folder_for_a_set_that_reads_none_is_told(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} is .* reads no files, found the data folder {tmp_path}: leave it out"):
        data.load(name, tmp_path)


def test_the_1010_rows_are_uniform_in_their_ranges_and_follow_from_the_seed():
    rows = pattern1010.make(4000, seed=1).reshape(-1, 4)
    ones, zeros = rows[:, [0, 2]], rows[:, [1, 3]]
    assert 0.8 <= ones.min() < 0.801
    assert 0.999 < ones.max() <= 1
    assert 0 <= zeros.min() < 0.001
    assert 0.199 < zeros.max() <= 0.2
    np.testing.assert_array_equal(rows, pattern1010.make(4000, seed=1).reshape(-1, 4))
    assert np.abs(rows - pattern1010.make(4000, seed=2).reshape(-1, 4)).max() > 0.1
    assert abs(np.corrcoef(rows.T) - np.eye(4)).max() < 4 / np.sqrt(4000)


def test_the_1010_sets_do_not_share_rows():
    found = data.load("pattern1010")
    rows = np.concatenate([part.x for part in found.parts.values()]).reshape(-1, 4)
    assert len(np.unique(rows, axis=0)) == len(rows) == 10000
