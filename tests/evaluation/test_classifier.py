"""The small classifier: the one that is shipped, the command that trained it, the files that it refuses."""

import json
from importlib import resources

import jax
import numpy as np
import pytest

from jgan import classifier as command
from jgan import data
from jgan.evaluation.extract import extract
from jgan.features import choice, classifier
from jgan.types import Batch
from jgan.utils import cli


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file of one epoch."""
    path = tmp_path_factory.mktemp("classifier") / "small.npz"
    command.main(["--out", str(path), "--epochs", "1"])
    return path


def test_the_shipped_one_is_small_and_names_real_digits():
    shipped = resources.files("jgan.features") / classifier.SHIPPED
    with resources.as_file(shipped) as path:
        assert path.stat().st_size < 300_000
    test = data.load("digits").test
    extracted = extract(classifier.load(), test.x)
    assert np.mean(np.argmax(extracted.logits, axis=1) == test.y) > 0.95
    assert extracted.features.shape == (len(test.x), 64)


def test_its_accuracy_is_what_its_file_says():
    with np.load(resources.files("jgan.features") / classifier.SHIPPED) as file:
        about = str(file["about"])
    test = data.load("digits").test
    named = np.argmax(extract(classifier.load(), test.x).logits, axis=1) == test.y
    assert f'"test_accuracy": {round(float(named.mean()), 4)}' in about


@pytest.mark.slow
def test_the_command_writes_what_load_reads(small):
    extractor = classifier.load(small)
    assert extractor.digest != classifier.load().digest
    images = data.load("digits").test.x[:4]
    bytes_, floats = extractor.apply(images), extractor.apply(images.astype(np.float32))
    np.testing.assert_array_equal(bytes_.features, floats.features)


def test_its_description_is_one_that_earlier_versions_read(small):
    with np.load(small) as file:
        assert set(json.loads(str(file["about"]))) == {"dataset", "image_shape", "classes", "test_accuracy"}


def test_the_same_seed_gives_the_same_weights(small, tmp_path):
    command.main(["--out", str(tmp_path / "again.npz"), "--epochs", "1"])
    command.main(["--out", str(tmp_path / "other.npz"), "--epochs", "1", "--seed", "1"])
    digests = [classifier.load(path).digest for path in (small, tmp_path / "again.npz", tmp_path / "other.npz")]
    assert digests[0] == digests[1] != digests[2]


def test_training_lowers_the_loss():
    train = data.load("digits").train
    few = Batch(train.x[:200], train.y[:200])
    params = classifier.fit(jax.random.key(0), few, 10, epochs=15, batch_size=50)
    assert classifier.accuracy(params, 10, few) > 0.9


def test_the_choice_of_auto(small):
    assert choice.choose("auto", (8, 8, 1)).name == "classifier of digits"
    assert choice.choose("auto", (32, 32, 3)).name == "pixels"
    assert choice.choose("classifier", (8, 8, 1), small).digest == classifier.load(small).digest


@pytest.mark.parametrize(
    ("name", "shape", "weights", "message"),
    [
        ("classifier", (28, 28, 1), None, "the classifier takes images of 8x8x1, found 28x28x1: train one by"),
        ("pixels", (8, 8, 1), "a.npz", "--weights: pixels have none, found a.npz"),
        ("inception", (8, 8, 1), None, "--extractor inception needs the file of its weights"),
    ],
)
def test_choices_that_do_not_fit(name, shape, weights, message):
    with pytest.raises(ValueError, match=message):
        choice.choose(name, shape, weights)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.npz: there is no such file; python -m jgan.classifier writes one"):
        classifier.load(tmp_path / "no.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"expected a file that python -m jgan\.classifier wrote"):
        classifier.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--epochs", "0"], "--epochs must be from 1 to 100000, found 0"),
        (["--out", "a.txt"], "--out must end in .npz, found a.txt"),
        (["--out", "no/such/a.npz"], "--out: there is no folder no/such"),
        (["--dataset", "ring8"], "--dataset must name images with labels, found ring8"),
        (["--batch-size", "5000"], "the batch size must be at most the 1204 training images, found 5000"),
    ],
)
def test_bad_flags(flags, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: command.main(["--out", "a.npz", *flags]), command.PROG)
    assert leaving.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
