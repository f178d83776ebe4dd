"""The names of classes: from the files to the record of a run, its log, and the labels that samples are asked for by."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from jgan import Batch, data, sample, train
from jgan.data import cifar, mnist
from jgan.training import records
from jgan.training.run import open_run

NAMES = ("black cats", "dogs", "foxes")


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run on three folders of grey images, darker ones in the first."""
    root, random = tmp_path_factory.mktemp("names"), np.random.default_rng(0)
    for level, name in enumerate(NAMES):
        (root / "photos" / name).mkdir(parents=True)
        for number in range(12):
            image = random.integers(80 * level, 80 * level + 60, (8, 8), np.uint8)
            Image.fromarray(image).save(root / "photos" / name / f"{number}.png")
    flags = ["--dataset", "folder", "--data-dir", str(root / "photos"), "--steps", "2", "--log-every", "2", "--eval-every", "0"]
    flags += ["--batch-size", "8", "--eval-samples", "50", "--workdir", str(root / "run")]
    train.main(["cgan", *flags])
    return root / "run"


def test_the_names_of_folders_are_recorded_and_logged(workdir):
    assert open_run(workdir).dataset.classes == NAMES
    assert records.read(workdir).classes == NAMES
    assert "classes: black cats, dogs, foxes" in (workdir / "log.txt").read_text()


def test_a_class_is_asked_for_by_its_name(workdir, tmp_path, capsys):
    for words, name in ((["foxes,black cats"], "a.npz"), (["2", "0"], "b.npz")):
        sample.main(["--workdir", str(workdir), "--labels", *words, "--num", "6", "--out", str(tmp_path / name)])
    with np.load(tmp_path / "a.npz") as ours, np.load(tmp_path / "b.npz") as theirs:
        assert ours["labels"].tolist() == theirs["labels"].tolist() == [0, 0, 0, 2, 2, 2]
        np.testing.assert_array_equal(ours["samples"], theirs["samples"])
    capsys.readouterr()
    sample.main(["--workdir", str(workdir), "--labels", "dogs,0", "--num", "4", "--out", str(tmp_path / "a.png")])
    assert "4 images in rows of dogs, black cats of cgan" in capsys.readouterr().out
    sample.main(["--workdir", str(workdir), "--num", "6", "--out", str(tmp_path / "a.png")])
    assert "6 images in rows of black cats, dogs, foxes of cgan" in capsys.readouterr().out
    sample.main(["--workdir", str(workdir), "--labels", "dogs, foxes", "--num", "4", "--out", str(tmp_path / "c.npz")])
    assert "4 images of cgan" in capsys.readouterr().out


def test_a_name_comes_before_a_number_and_may_have_a_comma(workdir):
    path = workdir / "config.json"
    before = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(before) | {"classes": ["2", "cats, small", "10"]}))
        for given, expected in ((("2,1",), ("0", "1")), (("cats, small", "10"), ("1", "2"))):
            assert sample.numbered(sample.Args(workdir, labels=given)).labels == expected
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("fox", "--labels: unknown class 'fox', did you mean 'foxes'? Known are black cats, dogs, foxes"),
        ("3", "--labels: unknown class '3': known are black cats, dogs, foxes"),
    ],
)
def test_a_class_that_is_not_there(workdir, labels, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sample.main(["--workdir", str(workdir), "--labels", labels])


def test_a_record_without_names_is_read_and_a_wrong_one_refused(workdir):
    path = workdir / "config.json"
    before = path.read_text()
    record = json.loads(before)
    try:
        path.write_text(json.dumps({name: value for name, value in record.items() if name != "classes"}))
        assert records.read(workdir).classes == ()
        path.write_text(json.dumps(record | {"classes": [1, 2]}))
        with pytest.raises(ValueError, match="expected the names of the classes, found"):
            records.read(workdir)
    finally:
        path.write_text(before)


def test_names_of_known_sets():
    assert len(cifar.CLASSES) == len(mnist.CLASSES["fashion_mnist"]) == 10
    assert data.load("digits").classes == ()


def test_fewer_names_than_classes_are_refused():
    part = Batch(np.zeros((6, 2), np.float32), np.arange(6))
    with pytest.raises(ValueError, match="six: expected the names of 6 classes, found a, b"):
        data.Dataset("six", part, part, part, classes=("a", "b"))
