"""`python -m jgan.evaluate --per-class`: on files and on runs, and what it needs."""

import json

import numpy as np
import pytest
from test_sample import folder_of
from tiny_models import CLASSES, Classes

from jgan import data, evaluate
from jgan.types import DataSpec

FLAGS = ["--extractor", "pixels", "--per-class"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Digits with labels and without."""
    folder, digits = tmp_path_factory.mktemp("sets"), data.load("digits")
    np.savez(folder / "real.npz", x=digits.train.x, y=digits.train.y)
    np.savez(folder / "fake.npz", samples=digits.test.x, labels=digits.test.y)
    np.savez(folder / "plain.npz", x=digits.test.x)
    return folder


def run(*flags):
    evaluate.main([str(flag) for flag in flags])


def test_two_files_with_labels(files, tmp_path, capsys):
    out = tmp_path / "a.json"
    run("--fake", files / "fake.npz", "--real", files / "real.npz", "--metrics", "cas,prdc", "--out", out, *FLAGS)
    result, digits = json.loads(out.read_text()), data.load("digits")
    assert [of["class"] for of in result["by_class"]] == list(range(10))
    assert [of["n_real"] for of in result["by_class"]] == np.bincount(digits.train.y).tolist()
    assert [of["n_fake"] for of in result["by_class"]] == np.bincount(digits.test.y).tolist()
    assert {name for of in result["by_class"] for name in of} == {"class", "n_real", "n_fake", "prdc"}  # CAS has all classes
    shown = capsys.readouterr().out
    line = shown[shown.index("within each class") :].splitlines()[5].split()
    assert line[:3] == ["3", str(np.sum(digits.train.y == 3)), str(np.sum(digits.test.y == 3))]
    assert line[3] == f"{result['by_class'][3]['prdc']['precision']:.5g}"
    run("--compare", out, out)  # a result with classes is one


@pytest.mark.parametrize(("side", "what"), [("--fake", "generated"), ("--real", "real")])
def test_the_side_without_labels_is_named(files, tmp_path, monkeypatch, side, what):
    monkeypatch.setattr(evaluate.two_sets, "measure", pytest.fail)
    given = {"--fake": files / "fake.npz", "--real": files / "real.npz"} | {side: files / "plain.npz"}
    told = rf"^--per-class needs the labels of both sets, and the {what} images of \S*plain.npz have none: .*"
    with pytest.raises(ValueError, match=told):
        run(*(word for pair in given.items() for word in pair), "--metrics", "fid", "--out", tmp_path / "a.json", *FLAGS)
    assert not (tmp_path / "a.json").exists()


def test_metrics_that_no_class_has_are_told_before_files_are_read():
    with pytest.raises(ValueError, match=r"^--per-class: expected one of .*fid, .*prdc.* among --metrics, found is$"):
        run("--fake", "no/file", "--real", "no/file", "--metrics", "is", "--per-class")


def test_an_unconditional_run_is_told(finished_run, monkeypatch):
    monkeypatch.setattr(type(finished_run), "snapshot", pytest.fail)
    with pytest.raises(ValueError, match=r"^--per-class: the model of digits is not conditioned on labels: leave it out$"):
        run("--workdir", finished_run.workdir, "--metrics", "fid", "--per-class")
    with pytest.raises(ValueError, match=r"^--per-class: expected one of .* among --metrics, found parzen$"):
        run("--workdir", finished_run.workdir, "--per-class")


def test_a_run_with_labels_is_measured_by_the_labels_it_was_asked_for(tmp_path):
    """Images of one brightness have no covariance: the distance to the class's images is closed-form."""
    workdir = tmp_path / "run"
    folder_of(workdir, CLASSES, Classes(), DataSpec.images((8, 8, 1), 2, n_classes=10), dataset="digits")
    run("--workdir", workdir, "--metrics", "fid", "--num-samples", 200, *FLAGS)
    found, train = json.loads((workdir / "evaluation.json").read_text())["by_class"], data.load("digits").train
    assert sum(of["n_fake"] for of in found) == 200
    for of in found:
        real = (train.x[train.y == of["class"]] / 255).reshape(-1, 64)
        expected = np.sum((real.mean(0) - (of["class"] + 0.5) / 10) ** 2) + np.trace(np.cov(real.T))
        assert of["fid"]["fid"] == pytest.approx(expected, rel=0.01)


def test_a_real_set_without_labels_is_told_before_samples_are_drawn(files, tmp_path, monkeypatch):
    workdir = tmp_path / "run"
    opened = folder_of(workdir, CLASSES, Classes(), DataSpec.images((8, 8, 1), 2, n_classes=10), dataset="digits")
    monkeypatch.setattr(type(opened), "snapshot", pytest.fail)
    with pytest.raises(ValueError, match=r"the real images of \S*plain.npz have none"):
        run("--workdir", workdir, "--metrics", "fid", "--real", files / "plain.npz", *FLAGS)
