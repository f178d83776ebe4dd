"""What arrays hold: inferred from shapes and dtypes, declared, and checked against each other and against their values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import Batch, data
from jgan.data import dataset, division, kinds, values
from jgan.types import Field

IMAGES = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)
POINTS = np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2)
LABELS = np.array([0, 2, 1, 1, 0], np.int32)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (IMAGES, Field((2, 2, 3), "image")),
        (IMAGES.astype(np.float32) / 255, Field((2, 2, 3), "image")),
        (POINTS, Field((2,), "points")),
        (jnp.zeros((5, 2), jnp.bfloat16), Field((2,), "points")),
        (np.zeros((5, 4, 4), np.float32), Field((4, 4), "points")),
        (LABELS, Field((), "label")),
        (LABELS.astype(np.uint8), Field((), "label")),
        (np.zeros((5, 7), np.int32), Field((7,), "tokens")),
    ],
)
def test_kinds_follow_from_shape_and_dtype_also_under_jit(array, expected):
    found = kinds.infer(Batch(array)).x
    assert found == expected
    traced = []
    jax.eval_shape(lambda array: traced.append(kinds.infer(Batch(array)).x), array)
    assert traced == [expected]


@pytest.mark.parametrize("array", [np.zeros((5, 64), np.uint8), np.zeros((5, 8, 8), np.uint8), np.zeros(5, bool)])
def test_arrays_of_more_than_one_possible_kind_need_a_declaration(array):
    with pytest.raises(
        ValueError, match=r"noise, train, x: cannot tell what .* holds: images are \[N, height, width, channels\]"
    ):
        data.Dataset("noise", *[Batch(array)] * 3)


def test_the_number_of_classes_is_that_of_all_parts():
    parts = [Batch(POINTS, LABELS), Batch(POINTS, LABELS + 1), Batch(POINTS, LABELS + 4)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        found = data.Dataset("points", *(parts[place] for place in order))
        assert found.fields == Batch(Field((2,), "points"), Field((), "label", 7))
        assert data.spec(found, 5).n_classes == 7


@given(lengths=st.lists(st.integers(1, 6), min_size=4, max_size=4))
def test_arrays_of_different_length_are_an_error_that_names_them(lengths):
    x, y, one, two = (np.zeros(length, np.int32) for length in lengths)
    batch = Batch(x, y, {"one": one, "two": two})
    if len(set(lengths)) == 1:
        assert kinds.length(batch) == lengths[0]
        return
    names = [f"{name} of {length}" for name, length in zip(("x", "y", "c.one", "c.two"), lengths, strict=True)]
    with pytest.raises(ValueError, match=f"expected arrays of one length, found {', '.join(names)}: every array"):
        kinds.length(batch)


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        (Batch(POINTS, LABELS - 1), r"y: expected label values from 0 to 1, found values from -1 to 1"),
        (Batch(POINTS, LABELS[:4]), r"expected arrays of one length, found x of 5, y of 4"),
        (Batch(POINTS, LABELS[:, None]), r"y: expected integer class labels \[N\], found .*tokens"),
        (Batch(POINTS, POINTS[:, 0]), r"y: expected integer class labels \[N\], found .*points"),
        (Batch(POINTS, POINTS), r"y: expected integer class labels \[N\], found .*points.*: put other conditions into c"),
        (Batch(np.where(POINTS > 0, np.nan, POINTS)), "x: expected finite points, found values from nan"),
        (Batch(np.where(POINTS > 0, np.inf, POINTS)), "x: expected finite points, found values from -1.0 to inf"),
        (Batch(np.full((5, 2, 2, 1), 1.5)), "x: expected image values from 0 to 1, found values from 0.0 to 1.5"),
        (Batch(np.full((5, 2, 2, 1), -0.5)), "x: expected image values from 0 to 1, found values from -0.5"),
        (Batch(np.full((5, 2, 2, 1), np.nan)), "x: expected image values from 0 to 1, found values from nan"),
        (Batch(POINTS, c=IMAGES[:3]), r"expected arrays of one length, found x of 5, c of 3"),
        (Batch(POINTS, c={"w": np.full((5, 1), np.nan)}), r"c.w: expected finite points"),
        (Batch(np.float32(1)), "expected arrays with a leading axis of examples, found x without one"),
        (Batch(()), "expected arrays with a leading axis of examples, found no array"),
        (POINTS, "expected a Batch or a dict of named Batches, found ndarray"),
        ({"a": POINTS}, "expected a Batch or a dict of named Batches, found dict"),
        ({}, "expected a Batch or a dict of named Batches, found dict"),
    ],
)
def test_wrong_arrays_are_told_when_the_data_set_is_made(batch, told):
    with pytest.raises(ValueError, match=told):
        data.Dataset("wrong", batch, batch, batch)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_wrong_values_are_found_in_every_part(part):
    right, wrong = Batch(POINTS, LABELS), Batch(POINTS * np.inf, LABELS)
    parts = dict.fromkeys(dataset.PARTS, right) | {part: wrong}
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=f"noise, {part}, x: expected finite points"):
        data.Dataset("noise", **parts)


def test_labels_must_be_below_the_declared_number_of_classes():
    fields = Batch(Field((2,), "points"), Field((), "label", 3))
    right = Batch(POINTS, LABELS)
    assert data.Dataset("three", right, right, right, fields).fields is fields
    with pytest.raises(ValueError, match="two, train, y: expected label values from 0 to 1, found values from 0 to 2"):
        data.Dataset("two", right, right, right, fields._replace(y=Field((), "label", 2)))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (Batch(Field((2,), "points")), "expected the arrays x, found x, y"),
        (Batch(Field((3,), "points"), Field((), "label", 3)), r"x: expected float points \[N, 3\], found float32 \(5, 2\)"),
        (Batch(Field((2,), "image"), Field((), "label", 3)), r"x: expected uint8 or float image \[N, 2\]"),
        (Batch(Field((2,), "tokens", 9), Field((), "label", 3)), r"x: expected integer tokens \[N, 2\], found float32"),
        ({"a": Batch(Field((2,), "points"))}, "expected fields of one set, found fields of the sets a"),
    ],
)
def test_fields_that_are_not_those_of_the_arrays_are_told(fields, told):
    part = Batch(POINTS, LABELS)
    if told.startswith("x: expected uint8"):
        part = part._replace(x=POINTS.astype(np.int32))
    with pytest.raises(ValueError, match=told):
        data.Dataset("wrong", part, part, part, fields)


def test_tokens_may_be_bytes_if_they_are_declared():
    tokens = np.array([[0, 3], [4, 1]], np.uint8)
    fields = Batch(Field((2,), "tokens", 5))
    found = data.Dataset("tokens", *[Batch(tokens)] * 3, fields=fields)
    about = data.spec(found, 2)
    assert about.example == fields
    assert about.mean is None
    with pytest.raises(ValueError, match="tokens, train, x: expected tokens values from 0 to 3, found values from 0 to 4"):
        data.Dataset("tokens", *[Batch(tokens)] * 3, fields=Batch(Field((2,), "tokens", 4)))


# --------------------------------------------------------------------------------------------------------- several sets


def two_sets(sizes=(9, 6)):
    rng = np.random.default_rng(0)
    a = Batch(rng.integers(0, 256, (sizes[0], 2, 2, 1), dtype=np.uint8), np.arange(sizes[0]) % 3)
    b = Batch(rng.normal(size=(sizes[1], 2)).astype(np.float32), c={"to": rng.integers(0, 5, (sizes[1], 4), dtype=np.int32)})
    return {"b": b, "a": a}


def test_sets_of_different_sizes_have_a_description_each():
    parts = two_sets()
    found = data.Dataset("two", parts, two_sets((3, 8)), two_sets((4, 4)))
    about = data.spec(found, batch_size=3)
    assert about.sets["a"] == Batch(Field((2, 2, 1)), Field((), "label", 3))
    assert about.sets["b"].x == Field((2,), "points")
    assert about.sets["b"].c["to"] == Field((4,), "tokens", 5)
    assert about.steps_per_epoch == 3  # of the larger one
    assert set(about.mean) == {"a", "b"}
    np.testing.assert_allclose(about.mean["a"], parts["a"].x.astype(float).mean(axis=0) / 255, rtol=1e-14)
    np.testing.assert_allclose(about.mean["b"], parts["b"].x.astype(float).mean(axis=0), rtol=1e-14)


def test_a_batch_larger_than_one_of_the_sets_names_it():
    found = data.Dataset("two", two_sets(), two_sets(), two_sets())
    with pytest.raises(ValueError, match="from 1 to the 6 training examples of two, set 'b', found 7"):
        data.spec(found, batch_size=7)


def test_other_sets_or_shapes_in_another_part_are_told():
    parts = two_sets()
    with pytest.raises(
        ValueError, match="expected the same sets in all parts, found the sets a, b in train and the sets a, z in"
    ):
        data.Dataset("two", parts, parts, {"a": parts["a"], "z": parts["b"]})
    with pytest.raises(
        ValueError, match="expected the same sets in all parts, found the sets a, b in train and one set in val"
    ):
        data.Dataset("two", parts, parts["a"], parts)
    with pytest.raises(ValueError, match=r"two, set 'a': .* found 2x2x1 with labels in train and 2x2x1 without labels in test"):
        data.Dataset("two", parts, parts, parts | {"a": parts["a"]._replace(y=None)})
    with pytest.raises(ValueError, match=r"found 2 without labels and c 4 in train and 2 without labels and c 3 in test"):
        data.Dataset("two", parts, parts, parts | {"b": parts["b"]._replace(c={"to": parts["b"].c["to"][:, :3]})})


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", ">i4", "i8", "u8", "?"])
def test_integers_are_converted_without_change(dtype):
    found = values.integers(np.array([[0, 1], [1, 0]]).astype(dtype), "here", classes=2)
    assert (found.dtype, found.tolist()) == (np.int32, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([2**31], "here: expected labels from 0 to 2147483647, found 2147483648"),
        (np.array([2**64 - 1], np.uint64), "here: expected labels from 0 to 2147483647, found 18446744073709551615"),
        ([-1, 3], "here: expected labels from 0 to 2147483647, found -1"),
        ([0.0], "here: expected integer labels, found float64"),
        (["a"], "here: expected integer labels, found <U1"),
        ([None], "here: expected integer labels, found object"),
        ([1j], "here: expected integer labels, found complex128"),
    ],
)
def test_what_does_not_fit_is_not_converted(labels, told):
    with pytest.raises(ValueError, match=told):
        values.integers(labels, "here")
    assert values.integers([2**31 - 1], "here").tolist() == [2**31 - 1]
    with pytest.raises(ValueError, match="here: expected labels from 0 to 4, found 5"):
        values.integers([5], "here", classes=5)


def test_labels_of_arrays_in_memory_are_not_wrapped_on_the_device():
    x = np.zeros((6, 2), np.float32)
    for label, told in ((2**32, "from 0 to 65535, found 4294967296"), (70_000, "from 0 to 65535, found 70000")):
        part = Batch(x, np.full(6, label))
        with pytest.raises(ValueError, match=told):
            data.Dataset("set", part, part, part)
    part = Batch(x, np.full(6, 2**32))
    fields = Batch(Field((2,), "points"), Field((), "label", 2**33))  # declared, and yet no int32
    with pytest.raises(ValueError, match="expected label values from 0 to 2147483647, found values from 0 to 4294967296"):
        data.Dataset("set", part, part, part, fields)
    part = Batch(x, np.full(6, 70_000))
    assert (
        data.Dataset("set", part, part, part, Batch(Field((2,), "points"), Field((), "label", 70_001))).fields.y.size == 70_001
    )


def test_as_many_classes_as_examples_are_no_error(monkeypatch):
    monkeypatch.setattr(kinds, "MOST_CLASSES", 10)
    for largest, fits in ((17, True), (18, False)):
        part = Batch(np.zeros((6, 2), np.float32), np.array([0, 1, 2, 3, 4, largest]))
        if fits:
            assert data.Dataset("set", part, part, part).fields.y.size == 18
        else:
            with pytest.raises(ValueError, match="set: expected labels from 0 to 17, found 18"):
                data.Dataset("set", part, part, part)


def test_points_that_float32_does_not_hold_are_refused():
    for value in (1e39, -1e39, np.inf):
        part = Batch(np.full((6, 2), value))
        with pytest.raises(ValueError, match="expected finite points, found values from"):
            data.Dataset("set", part, part, part)


def test_wrong_values_name_their_set():
    parts = two_sets()
    wrong = parts | {"b": parts["b"]._replace(x=parts["b"].x * np.nan)}
    with pytest.raises(ValueError, match="two, test, set 'b', x: expected finite points"):
        data.Dataset("two", parts, parts, wrong)


@given(sizes=st.tuples(st.integers(6, 40), st.integers(6, 40)), every=st.integers(2, 6))
def test_each_of_several_sets_is_divided_like_a_lone_one_with_all_its_arrays(sizes, every):
    a, b = (Batch(np.arange(n), np.zeros(n, np.int32), {"twice": 2 * np.arange(n)}) for n in sizes)
    found = division.hold_out({"a": a, "b": b}, every=every)
    assert len(found) == 2
    for name, whole in (("a", a), ("b", b)):
        for part, alone in zip(found, division.hold_out(whole, every=every), strict=True):
            np.testing.assert_array_equal(part[name].x, alone.x)
            np.testing.assert_array_equal(part[name].c["twice"], 2 * alone.x)


def test_complete_holds_out_of_several_sets_and_keeps_conditions():
    sets = two_sets((18, 12))
    found = dataset.complete("two", {"train": sets})
    assert [{name: len(batch.x) for name, batch in part.items()} for part in found.parts.values()] == [
        {"a": 12, "b": 8},
        {"a": 3, "b": 2},
        {"a": 3, "b": 2},
    ]
    np.testing.assert_array_equal(found.test["b"].c["to"], sets["b"].c["to"][[5, 11]])
    with pytest.raises(ValueError, match="same sets in all parts"):
        dataset.complete("two", {"train": sets, "test": sets["a"]})
