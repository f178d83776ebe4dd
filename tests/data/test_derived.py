"""Sets made from other sets: two unpaired domains, pairs of images and edges, and a few labels among many images."""

import collections

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from jgan import Batch, data
from jgan.data import coloured, edges, grey, inverted, partly_labelled, stacked


def rows(images: np.ndarray) -> collections.Counter:
    return collections.Counter(image.tobytes() for image in images)


# --------------------------------------------------------------------------------------------------- unpaired domains


def test_the_two_domains_are_disjoint_halves_and_one_is_inverted():
    whole, found = data.load("digits"), data.load("inverted:digits")
    a, b = found.train["a"], found.train["b"]
    assert a.x.dtype == b.x.dtype == np.uint8
    assert rows(a.x) + rows(np.uint8(255) - b.x) == rows(whole.train.x)  # no image in both, none left out
    assert len(a.x) != len(b.x)
    shares = np.bincount(a.y) / np.bincount(whole.train.y)
    np.testing.assert_allclose(shares, 0.5, atol=0.01)
    assert found.fields == {"a": whole.fields, "b": whole.fields}
    assert data.spec(found, 100).steps_per_epoch == 6
    np.testing.assert_allclose(data.spec(found, 100).mean["b"], 1 - (255.0 - b.x).mean(axis=0) / 255, atol=1e-12)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_for_evaluation_both_domains_hold_all_images_and_the_truth_maps_one_to_the_other(part):
    whole, found = data.load("digits").parts[part], data.load("inverted:digits")
    a, b = found.parts[part]["a"], found.parts[part]["b"]
    np.testing.assert_array_equal(a.x, whole.x)
    np.testing.assert_allclose(found.truth(a.x / 255), b.x / 255, atol=1e-12)
    np.testing.assert_allclose(found.truth(b.x / 255), a.x / 255, atol=1e-12)
    np.testing.assert_array_equal(a.y, b.y)


def test_float_images_are_inverted_as_floats():
    found = data.load("inverted:pattern1010")
    assert found.train["b"].x.dtype == np.float32
    np.testing.assert_allclose(found.train["b"].x.mean(axis=(0, 1, 3)), [0.1, 0.9, 0.1, 0.9], atol=0.01)


@given(labels=st.one_of(st.none(), st.lists(st.integers(0, 3), min_size=4, max_size=60)), n=st.integers(4, 60))
def test_halves_are_disjoint_unequal_and_have_every_class_alike(labels, n):
    y = None if labels is None else np.array(labels, np.int32)
    x = np.arange(n if y is None else len(y))
    counts = np.array([len(x)]) if y is None else np.bincount(y)
    if counts.max() < 2:
        return
    a, b = inverted.halves(Batch(x, y)).values()
    assert not set(a.x) & set(b.x)
    assert len(a.x) > len(b.x) or counts.max() <= 3
    for label, count in enumerate(counts):
        in_a, in_b = (len(half.x) if y is None else np.sum(half.y == label) for half in (a, b))
        assert in_a == (count + 1) // 2
        assert count // 2 - 1 <= in_b <= count // 2
        assert in_b >= min(count // 2, 1)


def test_equal_halves_lose_the_last_of_each_class():
    y = np.array([0, 1] * 4, np.int32)
    a, b = inverted.halves(Batch(np.arange(8), y)).values()
    assert (a.x.tolist(), b.x.tolist()) == ([0, 1, 4, 5], [2, 3])


# ---------------------------------------------------------------------------------------------------------- edge pairs


@pytest.mark.parametrize("shape", [(3, 7, 5, 1), (2, 6, 8, 3), (2, 1, 4, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_edge_map_is_scipys_morphological_gradient(shape, dtype):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    gradients = [scipy.ndimage.morphological_gradient(images[..., c], size=(1, 3, 3)) for c in range(shape[3])]
    found = edges.edge_map(images)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.max(gradients, axis=0)[..., None])
    np.testing.assert_array_equal(edges.edge_map(jnp.asarray(images)), found)


def test_images_and_edges_are_aligned_pairs():
    whole, found = data.load("digits"), data.load("edges:digits")
    for part, batch in found.parts.items():
        np.testing.assert_array_equal(batch.x, whole.parts[part].x)
        np.testing.assert_array_equal(batch.y, whole.parts[part].y)
        np.testing.assert_allclose(batch.c / 255, found.truth(batch.x / 255), atol=1e-12)
    about = data.spec(found, 100)
    assert (about.shape, about.one.c.shape, about.one.c.kind, about.n_classes) == ((8, 8, 1), (8, 8, 1), "image", 10)


# --------------------------------------------------------------------------------------------------------- other pairs


def test_negatives_are_pairs_of_the_source():
    whole, found = data.load("digits"), data.load("negatives:digits")
    for part, batch in found.parts.items():
        np.testing.assert_array_equal(batch.c, whole.parts[part].x)
        np.testing.assert_array_equal(batch.x, 255 - whole.parts[part].x.astype(int))
        np.testing.assert_array_equal(batch.y, whole.parts[part].y)
    floats = data.load("negatives:pattern1010").train
    np.testing.assert_allclose(floats.x + floats.c, 1, atol=1e-6)


def test_swapped_pairs_are_the_pairs_in_the_other_direction():
    edged, found = data.load("edges:stacked:digits"), data.load("swapped:edges:stacked:digits")
    np.testing.assert_array_equal(found.test.x, edged.test.c)
    np.testing.assert_array_equal(found.test.c, edged.test.x)
    assert (found.fields.x.shape, found.fields.c.shape) == ((8, 8, 1), (8, 8, 3))


def test_grey_is_pillows_luma():
    """Pillow converts RGB to L by the same weights in fixed point."""
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), np.uint8)
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])[..., None]
    assert np.abs(grey.as_stored(images).astype(int) - expected).max() <= 1
    found = data.load("grey:stacked:digits").test
    np.testing.assert_allclose(grey.luma(found.x / 255.0), found.c / 255.0, atol=0.5 / 255 + 1e-6)


def test_coloured_images_lie_on_the_line_between_two_colours_and_tell_their_shape():
    whole, found = data.load("digits"), data.load("coloured:digits")
    for part, batch in found.parts.items():
        low = batch.c.min((1, 2, 3)) == 0
        assert (low & (batch.c.max((1, 2, 3)) == 255)).all()
        stretched = whole.parts[part].x / whole.parts[part].x.max((1, 2, 3), keepdims=True)  # digits have a 0 somewhere
        np.testing.assert_allclose(batch.c / 255, stretched, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(coloured.shape_of(batch.x / 255), batch.c / 255, atol=3 / 255)
        background, ink = batch.x.min((1, 2)) / 255, batch.x.max((1, 2)) / 255
        assert background.max() <= 0.4 + 1 / 255
        assert ink.min() >= 0.6 - 1 / 255
        assert np.std([background, ink], axis=1).min() > 0.1  # of U(0, 0.4) it is 0.115
        np.testing.assert_allclose(
            batch.x / 255, background[:, None, None] + batch.c / 255 * (ink - background)[:, None, None], atol=3 / 255
        )
    np.testing.assert_array_equal(found.train.x, data.load("coloured:digits").train.x)
    assert not np.array_equal(found.train.x[0, 0, 0], found.test.x[0, 0, 0])


@pytest.mark.parametrize(("pairs", "known"), [("edges", {"ba"}), ("negatives", {"ab", "ba"}), ("coloured", {"ba"})])
def test_unpaired_domains_hold_no_pair_in_training_and_all_pairs_in_evaluation(pairs, known):
    paired, found = data.load(f"{pairs}:digits"), data.load(f"unpaired:{pairs}:digits")
    a, b = found.train["a"], found.train["b"]
    place = {image.tobytes(): number for number, image in enumerate(paired.train.x)}
    in_b = {place[image.tobytes()] for image in b.x}
    rest = np.array([number for number in range(len(paired.train.x)) if number not in in_b])
    assert len(a.x) + len(b.x) == len(paired.train.x)
    np.testing.assert_array_equal(a.x, paired.train.c[rest])
    for part in ("validation", "test"):
        np.testing.assert_array_equal(found.parts[part]["a"].x, paired.parts[part].c)
        np.testing.assert_array_equal(found.parts[part]["b"].x, paired.parts[part].x)
    assert set(found.truth) == known
    assert {name: fields.x.shape for name, fields in found.fields.items()} == {"a": a.x.shape[1:], "b": b.x.shape[1:]}
    assert all(batch.c == () for batch in found.train.values())


# ----------------------------------------------------------------------------------------------------------- few labels


@pytest.mark.parametrize(("name", "per_class"), [("partly_labelled:digits", 10), ("partly_labelled:digits:3", 3)])
def test_some_of_each_class_keep_their_labels_and_all_are_there_without(name, per_class):
    whole, found = data.load("digits"), data.load(name)
    labelled, unlabelled = found.train["labelled"], found.train["unlabelled"]
    assert np.bincount(labelled.y).tolist() == [per_class] * 10
    label_of = {image.tobytes(): label for image, label in zip(whole.train.x, whole.train.y, strict=True)}
    assert [label_of[image.tobytes()] for image in labelled.x] == labelled.y.tolist()
    assert rows(unlabelled.x) == rows(whole.train.x)
    assert unlabelled.y is None
    for part in ("validation", "test"):
        np.testing.assert_array_equal(found.parts[part]["labelled"].y, whole.parts[part].y)
        np.testing.assert_array_equal(found.parts[part]["unlabelled"].x, whole.parts[part].x)
    assert data.spec(found, 30).sets["labelled"].y.size == 10
    assert data.spec(found, 30).steps_per_epoch == 1204 // 30


def test_other_choices_of_the_labels_are_other_examples_at_random():
    first, again, second = (data.load(f"partly_labelled:digits:4@{choice}").train["labelled"] for choice in (0, 0, 1))
    np.testing.assert_array_equal(first.x, again.x)
    assert set(rows(first.x)) != set(rows(second.x))
    for found in (first, second):
        assert np.bincount(found.y).tolist() == [4] * 10
        assert len(set(rows(found.x))) == 40
    labels = np.repeat(np.arange(2), 1000)
    places = np.concatenate([partly_labelled.choose(labels, 10, choice) for choice in range(300)]) % 1000
    counts = np.bincount(places // 100, minlength=10)  # 6,000 of them, uniform: chi-squared with 9 degrees of freedom
    assert np.sum((counts - 600) ** 2 / 600) < 28
    with pytest.raises(ValueError, match="expected the number of a choice after @, found 'x'"):
        data.load("partly_labelled:digits:4@x")


@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=50), per_class=st.integers(1, 5))
def test_the_chosen_are_spread_over_each_class(labels, per_class):
    y = np.array(labels)
    if np.unique(y, return_counts=True)[1].min() < per_class:
        with pytest.raises(ValueError, match=f"expected at least {per_class} examples of each class"):
            partly_labelled.choose(y, per_class)
        return
    chosen = partly_labelled.choose(y, per_class)
    assert len(set(chosen.tolist())) == len(chosen) == per_class * len(np.unique(y))
    for label in np.unique(y):
        places = np.flatnonzero(np.isin(np.flatnonzero(y == label), chosen))
        gaps = np.diff([*places, np.sum(y == label)])  # the first is always chosen
        assert places[0] == 0
        assert gaps.max() - gaps.min() <= 1


# -------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "inverted",
            "inverted is made from another data set: write its name after a colon, as in inverted:mnist, found 'invert",
        ),
        ("edges:", "as in edges:mnist, found 'edges:'"),
        ("stacked:ring8", "expected grey images with labels after the colon, found ring8"),
        ("stacked:stacked:digits", "expected grey images with labels after the colon, found stacked:digits"),
        ("inverted:digit", "unknown data set 'digit', did you mean 'digits'"),
        ("inverted:ring8", "expected one set of images after the colon, found ring8"),
        ("inverted:inverted:digits", "expected one set of images after the colon, found inverted:digits"),
        ("edges:ring8", "expected one set of images without conditions after the colon, found ring8"),
        ("edges:edges:digits", "expected one set of images without conditions after the colon, found edges:digits"),
        ("grey:digits", "expected one set of colour images without conditions after the colon, found digits"),
        ("coloured:stacked:digits", "expected one set of grey images without conditions after the colon, found stacked:"),
        ("negatives:inverted:digits", "expected one set of images without conditions after the colon, found inverted:"),
        ("swapped:digits", "expected a set of pairs of images after the colon, found digits"),
        ("unpaired:inverted:digits", "expected a set of pairs of images after the colon, found inverted:digits"),
        ("partly_labelled:pattern1010", "expected one set with class labels, found pattern1010"),
        ("partly_labelled:inverted:digits", "expected one set with class labels, found inverted:digits"),
        ("partly_labelled:digits:0", "expected at least 1 labelled example of each class, found 0"),
        ("partly_labelled:digits:500", "expected at least 500 examples of each class, found 1.. of class 0"),
    ],
)
def test_a_source_that_does_not_suit_is_told(name, told):
    with pytest.raises(ValueError, match=told):
        data.load(name)


def test_options_of_the_source_go_before_the_number(monkeypatch):
    asked = []

    def load(name, data_dir):
        asked.append((name, data_dir))
        return data.load("digits")

    monkeypatch.setitem(data.SOURCES._entries, "olivetti", data.SOURCES["olivetti"]._replace(load=load))
    assert len(data.load("partly_labelled:olivetti:32:5").train["labelled"].x) == 50
    data.load("edges:olivetti:32")
    data.load("inverted:olivetti", "somewhere")
    assert [(name, str(data_dir)) for name, data_dir in asked] == [
        ("olivetti:32", "None"),
        ("olivetti:32", "None"),
        ("olivetti", "somewhere"),
    ]


def test_conditions_and_edges_stay_when_the_source_is_inverted():
    found, whole = data.load("inverted:edges:digits"), data.load("edges:digits")
    np.testing.assert_array_equal(found.test["b"].x, 255 - whole.test.x)
    np.testing.assert_array_equal(found.test["b"].c, whole.test.c)


# ------------------------------------------------------------------------------------------------------- stacked images


def test_each_channel_holds_all_images_and_the_label_names_the_three():
    whole, found = data.load("digits"), data.load("stacked:digits")
    for part, batch in found.parts.items():
        source = whole.parts[part]
        known = {image.tobytes(): label for image, label in zip(source.x, source.y, strict=True)}
        for channel, unit in enumerate((100, 10, 1)):
            images = batch.x[..., channel : channel + 1]
            assert rows(images) == rows(source.x)
            np.testing.assert_array_equal(batch.y // unit % 10, [known[image.tobytes()] for image in images])
    assert len(np.unique(found.train.y)) > 600  # of 1,000, in 1,204 images: the channels are in different orders
    again = data.load("stacked:digits")
    np.testing.assert_array_equal(found.train.x, again.train.x)


def test_the_orders_of_the_channels_differ_and_follow_the_seed():
    batch = Batch(np.arange(50).reshape(50, 1, 1, 1), np.zeros(50, np.int32))
    first, second = stacked.stack(batch, 1, 0).x[:, 0, 0], stacked.stack(batch, 1, 1).x[:, 0, 0]
    assert not (first[:, 1] == first[:, 2]).all()
    assert not (first[:, 1] == second[:, 1]).all()
    np.testing.assert_array_equal(first[:, 0], second[:, 0])
