"""Labels that are none, in Python and on the command line: one line for each, before a folder is made or a step compiled."""

import re

import jax
import numpy as np
import pytest

from jgan import DataSpec, models
from jgan import train as command
from jgan.training import loop, train
from jgan.types import Batch

Y = np.arange(60) % 4
X = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8)
NONE = "data, y: expected 60 integer class labels, one per example, found "
GAP = "expected training examples of all 4 classes that the model is conditioned on, found none of class 2: "


@pytest.fixture(autouse=True)
def nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(loop, "train", pytest.fail)


def small(name="cgan"):
    preset = models.presets()[name].config
    return models.find(preset).small(preset)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (Y.astype(float), NONE + "float64 (60,)"),
        (np.eye(4)[Y], NONE + "float64 (60, 4): of one-hot rows, give the argmax"),
        (np.eye(4, dtype=int)[Y], NONE + "int64 (60, 4): of one-hot rows, give the argmax"),
        (Y[:, None], NONE + "int64 (60, 1)"),
        (Y[1:], NONE + "int64 (59,)"),
        (np.int64(3), NONE + "int64 ()"),
        (Y.astype(str), NONE + "<U21 (60,)"),
        (Y.astype(object), NONE + "object (60,)"),
        ([[0], [1, 2]], NONE + "rows of several lengths"),
        (np.where(Y == 2, -1, Y), "data, y: expected labels from 0 to 2147483647, found -1"),
        (Y + 2**40, "data, y: expected labels from 0 to 2147483647, found 1099511627779"),
        (np.where(np.arange(60) == 5, 10**6, Y), "data: expected labels from 0 to 65535, found 1000000: "),
        (None, "this model is for images with class labels, found images of 8x8x1: "),
        (np.where(Y == 2, 3, Y), "data: " + GAP),
        (Y + 1, "expected training examples of all 5 classes that the model is conditioned on, found none of class 0: "),
        (3 * Y, "of all 10 classes that the model is conditioned on, found none of class 1 and 5 more: "),
    ],
)
def test_labels_of_examples_in_memory(tmp_path, labels, told):
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        train("cgan", small(), dataset=Batch(X, labels), steps=1, batch_size=8, eval_samples=50, workdir=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_lists_and_booleans_are_labels():
    from jgan.training import api

    assert api.as_dataset(Batch(X, Y.tolist())).fields.y.size == 4
    assert api.as_dataset(Batch(X, Y > 1)).train.y.dtype == np.int32


def test_a_class_without_examples_does_not_matter_without_labels(tmp_path, monkeypatch):
    """An unconditional model of the same data goes on to train."""
    monkeypatch.setattr(loop, "train", lambda run: (_ for _ in ()).throw(RuntimeError(f"trains {run.config.preset}")))
    gap = Batch(X, np.where(Y == 2, 3, Y))
    with pytest.raises(RuntimeError, match="trains digits"):
        train("digits", small("digits"), dataset=gap, steps=1, batch_size=8, eval_samples=50, workdir=tmp_path / "run")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (Y.astype(float), "expected 60 integer labels, one per image, found float64 of the shape (60,)"),
        (np.eye(4, dtype=int)[Y], "expected 60 integer labels, one per image, found int64 of the shape (60, 4)"),
        (np.where(Y == 2, -1, Y), "labels: expected labels from 0 to 2147483647, found -1"),
        (np.where(Y == 2, 3, Y), "npz: " + GAP),
        (None, "this model is for images with class labels"),
    ],
)
def test_labels_of_an_npz_file(tmp_path, labels, told):
    np.savez(tmp_path / "a.npz", x=X, **({} if labels is None else {"y": labels}))
    flags = ["--dataset", "npz", "--data-dir", str(tmp_path / "a.npz"), "--batch-size", "8"]
    with pytest.raises(ValueError, match=re.escape(told)):
        command.main(["cgan", *flags, "--workdir", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, 10], "labels must be integers from 0 to 9, found 10"),
        ([-1, 2], "labels must be integers from 0 to 9, found -1"),
        ([0.0, 1.0], "labels must be integers of the shape (2,), found float64 of (2,)"),
        (np.eye(10)[:2], "found float64 of (2, 10); of one-hot rows, give the argmax"),
        ([1], "labels must be integers of the shape (2,), found int64 of (1,)"),
        (3, "labels must be integers of the shape (2,), found int64 of ()"),
        (["a", "b"], "labels must be integers of the shape (2,), found <U1 of (2,)"),
        (None, "this model is conditioned on labels: give labels for 2 examples, found nothing"),
    ],
)
def test_labels_to_generate_from(labels, told):
    gan = models.make(small(), DataSpec.images((8, 8, 1), steps_per_epoch=10, n_classes=10))
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=re.escape(told)):
        gan.sample(key, None, 2, labels=labels)
    if labels is not None:  # without labels, latents alone
        with pytest.raises(ValueError, match=re.escape(told)):
            gan.inputs(key, 2, labels)


def test_inputs_may_be_traced():
    gan = models.make(small(), DataSpec.images((8, 8, 1), steps_per_epoch=10, n_classes=10))
    labels = np.array([3, 4], np.int32)
    traced = jax.jit(lambda key, c: gan.inputs(key, 2, c))(jax.random.key(0), labels)
    np.testing.assert_array_equal(traced.c, gan.inputs(jax.random.key(0), 2, labels).c)
