"""`python -m jgan.evaluate`: its figures against the paper's formula in float64, its table, its files, its errors."""

import json
import math
import shutil

import jax
import numpy as np
import pytest
from scipy.special import logsumexp

from jgan import evaluate
from jgan.metrics import anchors, parzen
from jgan.training.run import keys, open_run
from jgan.utils import cli

ANCHORS = ("training_images", "kmeans_centroids")
FEW = ["--num-samples", "40"]
NATS = 1e-4
"""how near float32 comes to a mean of logarithms of about 50 nats, its two terms cancelling"""


@pytest.fixture
def folder(finished_run, tmp_path):
    """A copy of the finished run, to write into."""
    return shutil.copytree(finished_run.workdir, tmp_path / "run")


def measure(folder, *flags):
    """Runs the command in this process and reads what it wrote."""
    evaluate.main(["--workdir", str(folder), *flags])
    return json.loads((folder / "evaluation.json").read_text())


def parzen_by_formula(samples, validation, test):
    """The authors' procedure, in float64, from differences: `(value, standard error, sigma, validation value)`."""

    def values(x, sigma):
        d = x.shape[1]
        squared = np.sum((x[:, None] - samples[None]) ** 2, axis=-1)
        kernel = logsumexp(-squared / (2 * sigma**2), axis=1) - math.log(len(samples))
        return kernel - d * math.log(sigma * math.sqrt(2 * math.pi))

    sigmas = [10 ** (-1 + i / 9) for i in range(10)]
    sigma = max(sigmas, key=lambda s: values(validation, s).mean())
    found = values(test, sigma)
    return found.mean(), found.std() / math.sqrt(len(found)), sigma, values(validation, sigma).mean()


def flat(images):
    images = np.asarray(images)
    return (images / 255 if images.dtype == np.uint8 else images.astype(np.float64)).reshape(len(images), -1)


@pytest.mark.parametrize(("which", "flag"), [("best", "--ema"), ("last", "--no-ema")])
def test_the_figures_are_those_of_the_formula(folder, which, flag):
    result = measure(folder, *FEW, "--seed", "3", "--checkpoint", which, flag, "--no-anchors")
    run = open_run(folder)
    state = run.restore(which)
    samples = run.gan.sample(keys(3).evaluation, state, 40, ema=flag == "--ema")
    data = run.dataset
    expected = parzen_by_formula(flat(samples), flat(data.validation.x[:1000]), flat(data.test.x))
    line = result["parzen"]["generator"]
    found = [line[name] for name in ("value", "standard_error", "sigma", "validation")]
    np.testing.assert_allclose(found, expected, rtol=0, atol=NATS)
    assert line["num_samples"] == result["num_samples"] == 40
    assert set(result["parzen"]) == {"generator", "validation_images", "test_images", "unit"}
    assert (result["checkpoint"], result["step"]) == (which, int(state.step))


def test_the_file_says_all_that_the_figures_depend_on(folder):
    result = measure(folder, *FEW)
    assert result.keys() == {
        *("preset", "dataset", "batch_size", "run_seed", "step", "checkpoint", "ema", "num_samples", "seed"),
        *("parzen", "environment"),
    }
    assert (result["preset"], result["dataset"], result["run_seed"], result["seed"]) == ("digits", "digits", 7, 0)
    data = open_run(folder).dataset
    assert result["parzen"]["validation_images"] == len(data.validation.x)  # fewer than 1,000
    assert result["parzen"]["test_images"] == len(data.test.x)
    assert result["environment"]["packages"]["jax"] == jax.__version__
    assert {"device", "date", "git_commit", "python"} <= result["environment"].keys()


def test_both_anchors_stand_beside_the_generator(folder):
    lines = measure(folder, *FEW, "--seed", "2")["parzen"]
    data = open_run(folder).dataset
    train, validation, test = flat(data.train.x), flat(data.validation.x), flat(data.test.x)
    sets = {
        "training_images": anchors.training_images(train, 40, seed=2),
        "kmeans_centroids": anchors.centroids(train, 40, seed=2),
    }
    for name, images in sets.items():
        found = [lines[name][part] for part in ("value", "standard_error", "sigma", "validation")]
        np.testing.assert_allclose(found, parzen_by_formula(flat(images), validation, test), rtol=0, atol=NATS)
        assert lines[name]["num_samples"] == 40


def test_the_table_shows_what_the_file_holds(folder, capsys):
    lines = measure(folder, *FEW)["parzen"]
    table = capsys.readouterr().out
    for label, name in (
        ("generator", "generator"),
        ("training images", "training_images"),
        ("k-means centroids", "kmeans_centroids"),
    ):
        (row,) = [row for row in table.splitlines() if row.startswith(label)]
        line = lines[name]
        samples, sigma, validation, value, _, error = row.removeprefix(label).split()
        assert (samples, sigma) == ("40", f"{line['sigma']:.3f}")
        assert (validation, value, error) == tuple(f"{line[part]:.1f}" for part in ("validation", "value", "standard_error"))
    assert str(folder / "evaluation.json") in table


def test_the_anchors_are_measured_once(folder, monkeypatch):
    calls = []

    def counted(train, validation, test, *, n, seed):
        calls.append((n, seed))
        return {name: anchors.Anchor(n, parzen.Parzen(float(n), float(seed), 0.2, 1.0)) for name in ANCHORS}

    monkeypatch.setattr(anchors, "evaluate", counted)
    first = measure(folder, *FEW)["parzen"]
    again = measure(folder, *FEW, "--checkpoint", "last")["parzen"]
    assert calls == [(40, 0)]
    assert first["kmeans_centroids"] == again["kmeans_centroids"]
    measure(folder, *FEW, "--seed", "1")  # measured again for another seed,
    measure(folder, "--num-samples", "41", "--seed", "1")  # another number of samples,
    (folder / "anchors.json").write_text('{"of": ')  # or a file that is no longer whole
    assert measure(folder, *FEW)["parzen"] == first
    assert calls == [(40, 0), (40, 1), (41, 1), (40, 0)]


def test_out_names_another_file(folder, tmp_path):
    evaluate.main(["--workdir", str(folder), *FEW, "--no-anchors", "--out", str(tmp_path / "here.json")])
    assert "parzen" in json.loads((tmp_path / "here.json").read_text())
    assert not (folder / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num-samples", "0"], "--num-samples must be at least 1, found 0"),
        (["--seed", "-1"], "--seed must be from 0 to 4294967295, found -1"),
        (["--metrics", "fidd"], "--metrics, a run of digits: unknown metric 'fidd', did you mean 'fid'"),
        (["--extractor", "pixel"], "--extractor: unknown extractor 'pixel', did you mean 'pixels'"),
        (["--metrics", "msssim"], "msssim needs images of at least 11x11 pixels, found 8x8x1"),
        (["--metrics", "fid", "--num-real", "5000"], "digits, train: expected at least 5,000 images, found 1,204"),
        (["--metrics", "fid", "--extractor", "inception"], "--extractor inception needs the file of its weights"),
        (["--metrics", "cas"], "cas needs the labels of both sets, and fake has none"),
        (["--metrics", "is", "--extractor", "pixels"], "is needs a classifier's logits, and pixels have none"),
        (["--fake", "here"], "expected one of --workdir (a run), --fake with --real (images) and --compare (results)"),
        (["--checkpoint", "middle"], "middle"),
        (["--out", "nowhere/a.json"], "--out: there is no folder nowhere"),
        (["--nonsense"], "--nonsense"),
        (["--workdir", "no/such/run"], "no/such/run holds no config.json"),
    ],
)
def test_bad_flags(finished_run, capsys, monkeypatch, tmp_path, flags, message):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: evaluate.main(["--workdir", str(finished_run.workdir), *flags]), evaluate.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("python -m jgan.evaluate: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
