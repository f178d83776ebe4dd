"""The fingerprint of a data set: what it depends on, and what not."""

import hashlib
import json
import struct

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jgan import Batch, data
from jgan.data import Dataset


def _set(x, y=None, c=()):
    part = Batch(x, y, c)
    return Dataset("set", part, part, part)


X = np.arange(24, dtype=np.float32).reshape(6, 4)


def test_the_hash_is_that_of_the_little_endian_values_in_row_major_order():
    found = data.fingerprint(_set(X, np.arange(6, dtype=np.int32)))
    by_hand = hashlib.sha256(struct.pack("<24f", *range(24))).hexdigest()
    assert found["train.x"] == {"count": 6, "shape": [4], "dtype": "float32", "sha256": by_hand}
    assert found["test.y"]["sha256"] == hashlib.sha256(struct.pack("<6i", *range(6))).hexdigest()


@pytest.mark.parametrize(
    "same",
    [X.astype(">f4"), np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], jnp.asarray(X)],
    ids=["big", "F", "view", "jax"],
)
def test_byte_order_and_layout_do_not_matter(same):
    assert data.fingerprint(_set(same)) == data.fingerprint(_set(X))


@pytest.mark.parametrize(
    "other",
    [X.astype(np.float64), X[::-1], X[:-1], X.reshape(6, 2, 2), np.where(X == 13, np.nextafter(np.float32(13), 14), X)],
    ids=["dtype", "order", "count", "shape", "one bit"],
)
def test_other_data_have_another_fingerprint(other):
    assert data.fingerprint(_set(other)) != data.fingerprint(_set(X))


def test_arrays_longer_than_a_chunk_are_hashed_whole(monkeypatch):
    from jgan.data import fingerprints

    whole = data.fingerprint(_set(X))
    for size in (1, 16, 40, 96):  # less than a row, one row, two and a half, all
        monkeypatch.setattr(fingerprints, "CHUNK", size)
        assert data.fingerprint(_set(X)) == whole


@pytest.mark.parametrize(
    "name", ["digits", "ring8", "pattern1010", "inverted:digits", "partly_labelled:digits:5", "edges:digits"]
)
def test_any_source_has_one_that_json_keeps(name):
    found = data.fingerprint(data.load(name))
    assert json.loads(json.dumps(found)) == found == data.fingerprint(data.load(name))
    assert {key.partition(".")[0] for key in found} == {"train", "validation", "test"}


def test_text_and_several_sets_name_every_array(tmp_path):
    (tmp_path / "a.txt").write_text("to be\nor not\n" * 6)
    assert list(data.fingerprint(data.load("lines", tmp_path))) == ["train.x", "validation.x", "test.x"]
    sets = {"a": Batch(X, None, {"source": X}), "b": Batch(X[:5], np.arange(5))}
    found = data.fingerprint(Dataset("two", sets, sets, sets))
    assert [name for name in found if name.startswith("test")] == ["test.a.x", "test.a.c.source", "test.b.x", "test.b.y"]
    assert found["test.b.x"]["count"] == 5


def test_numbers_of_jax_that_numpy_lacks():
    halves = X.astype(ml_dtypes.bfloat16)
    found = data.fingerprint(_set(halves))["train.x"]
    assert found["dtype"] == "bfloat16"
    assert found["sha256"] == hashlib.sha256(halves.view(np.uint16).astype("<u2").tobytes()).hexdigest()
