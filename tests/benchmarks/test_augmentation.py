"""The benchmark of generated data: what its classifiers see, its table, and end to end at a tiny size."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from benchmarks import augmentation, lesson_drawings
from jgan import Batch, data

ABOUT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-27T00:00:00+00:00"}


def test_some_images_of_each_class():
    train = Batch(np.arange(40), np.arange(40) % 4)
    few = augmentation.some(train, 3, seed=1)
    assert np.bincount(few.y).tolist() == [3, 3, 3, 3]
    assert (few.x % 4 == few.y).all()
    assert len(set(few.x.tolist())) == 12
    assert set(few.x.tolist()) != set(augmentation.some(train, 3, seed=2).x.tolist())
    assert sorted(augmentation.some(train, 0, seed=1).x.tolist()) == list(range(40))


@pytest.mark.parametrize(("source", "real"), [("real", 8), ("generated", 0), ("both", 4)])
def test_the_minibatches_of_each_training_set(source, real):
    args = augmentation.Args(classifier_steps=50, batch_size=8)
    found = np.asarray(augmentation.indices(jax.random.key(0), source, 5, 7, args))
    assert found.shape == (50, 8)
    assert ((found < 5).sum(axis=1) == real).all()
    assert found.min() >= 0
    assert found.max() < 12
    expected = (range(5) if real else range(0)), (range(5, 12) if real < 8 else range(0))
    assert set(found.ravel().tolist()) == {*expected[0], *expected[1]}


@pytest.mark.slow
def test_classifiers_learn_from_the_data_they_are_given():
    """Generated images whose labels are wrong spoil the classifiers that see them, and those only."""
    digits = data.load("digits")
    wrong = digits.train._replace(y=((digits.train.y + 1) % 10).astype(np.int32))
    args = augmentation.Args(classifier_steps=150, batch_size=32)
    found = augmentation.classified(args, digits, digits.train, wrong, seed=0)
    assert found["real"] > 0.9
    assert found["generated"] < 0.05
    assert found["generated"] < found["both"] < found["real"]
    assert found["real, shifted"] > 0.6
    assert found["generated, shifted"] < 0.1


def test_the_table():
    accuracy = dict.fromkeys(augmentation.ARMS, 0.9) | {"both": 0.8}
    options = {"width": 16, "gan_steps": 2000, "batch_size": 64, "generated": 1000, "classifier_steps": 500}
    runs = {"0": {"accuracy": accuracy}, "1": {"accuracy": accuracy | {"both": 0.82}}}
    result = {"sizes": {"10": runs, "0": {"0": runs["0"]}}, "options": options, "command": "c", "environment": ABOUT}
    table = lesson_drawings.augmentation(result)
    assert "| 10 | 2 | 90.00 +- 0.00 | 90.00 +- 0.00 | 81.00 +- 1.41 |" in table
    assert "| all | 1 | 90.00 | 90.00 | 80.00 |" in table
    assert "2,000 steps of 64 on the images of its row only" in table


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--gan-steps", "30"], "--gan-steps must be a multiple of 50, found 30"),
        (["--per-class", "10", "-1"], "--per-class must be at least 0, found -1"),
        (["--batch-size", "1"], "--batch-size must be at least 2, found 1"),
    ],
)
def test_bad_flags(flags, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        augmentation.main([*flags, "--out", str(tmp_path / "result.json")])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_end_to_end_a_run_at_a_time(tmp_path):
    flags = [
        "--dataset",
        "digits",
        "--per-class",
        "10",
        "0",
        "--seeds",
        "1",
        "--gan-steps",
        "50",
        "--width",
        "4",
        "--units",
        "8",
    ]
    flags += ["--generated", "20", "--classifier-steps", "20", "--batch-size", "16"]
    flags += ["--out", str(tmp_path / "result.json"), "--picture", str(tmp_path / "picture.png")]
    augmentation.main([*flags, "--runs", "1"])
    first = json.loads((tmp_path / "result.json").read_text())
    assert list(first["sizes"]) == ["10"]
    augmentation.main(flags)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["sizes"]["10"] == first["sizes"]["10"]
    assert result["sizes"]["0"]["0"]["images"] == 1204
    assert set(result["sizes"]["0"]["0"]["accuracy"]) == set(augmentation.ARMS)
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > 100
