"""`python -m jgan.train --metric`: what a run is judged by, the best that is kept by it, the warnings of collapse."""

import contextlib
import dataclasses
import io
import json

import numpy as np
import pytest

from jgan import data, models, train
from jgan.evaluation import criteria, sets
from jgan.evaluation.extract import extract
from jgan.features import choice, classifier, pixels
from jgan.metrics import frechet, kernel, parzen
from jgan.training import evaluators, folder
from jgan.training.evaluators import images
from jgan.training.run import keys, open_run
from jgan.utils import cli

SMALL = [
    "--model.g-units",
    "16",
    "--model.d-units",
    "8",
    "--batch-size",
    "20",
    "--steps",
    "4",
    "--seed",
    "7",
    "--eval-samples",
    "300",
]
EVERY = [argument for name in ("log", "sample", "checkpoint", "eval") for argument in (f"--{name}-every", "2")]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """A run by FID, and what the command printed."""
    workdir = tmp_path_factory.mktemp("runs") / "digits"
    with contextlib.redirect_stdout(io.StringIO()) as words:
        train.main(["digits", *SMALL, *EVERY, "--metric", "fid", "--workdir", str(workdir)])
    return open_run(workdir), words.getvalue()


@pytest.fixture(scope="module")
def by_fid(printed):
    return printed[0]


def rows_of(run):
    rows = [json.loads(line) for line in (run.workdir / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if evaluators.of(run).criterion in row]


def fid_of(run, state, extractor):
    samples = run.gan.sample(keys(run.config.seed).evaluation, state, 300)
    fake = extract(extractor, sets.to_uint8("samples", np.asarray(samples)))
    return frechet.fid(extract(extractor, run.dataset.train.x).features, fake.features).fid


@pytest.mark.slow
def test_the_figure_is_the_fid_of_the_checkpoint(by_fid):
    rows, last = rows_of(by_fid), by_fid.restore("last")
    assert [row["step"] for row in rows] == [2, 4]
    assert rows[-1]["fid"] == pytest.approx(fid_of(by_fid, last, classifier.load()), rel=1e-4)


@pytest.mark.slow
def test_the_best_checkpoint_is_that_of_the_least_fid(by_fid):
    least = min(rows_of(by_fid), key=lambda row: row["fid"])
    assert int(by_fid.restore("best").step) == least["step"]
    summary = json.loads((by_fid.workdir / "summary.json").read_text())
    assert summary["best"]["step"] == least["step"]
    assert summary["last"]["step"] == 4


def test_the_report_names_best_and_last(printed):
    run, words = printed
    rows = rows_of(run)
    best = min(rows, key=lambda row: row["fid"])
    assert f"best: step {best['step']}, FID (classifier of digits) {best['fid']:.4g}" in words
    assert f"last: step 4, FID (classifier of digits) {rows[-1]['fid']:.4g}" in words


def test_kid_of_pixels_is_another_criterion():
    """Named in the flags and in the words; the figure itself is under test in tests/metrics."""
    digits = data.load("digits")
    criterion = criteria.CRITERIA["kid"](criteria.RealImages(lambda: digits), pixels())
    assert (criterion.column, criterion.larger, criterion.phrase) == ("kid", False, "KID (pixels)")
    train = pixels().apply(digits.train.x).features
    expected = kernel.kid(train, train[:100], subset_size=100, seed=0).mean
    assert criterion.of(digits.train.x[:100] / np.float32(255)) == pytest.approx(expected, abs=1e-6)


def test_samples_that_vary_little_are_warned_of_but_not_in_the_first_steps(by_fid, monkeypatch):
    """Four steps do not make a generator, which is no collapse; at a later step it would be one."""
    row = rows_of(by_fid)[-1]
    assert row["spread"] < 0.5
    assert "warning" not in row
    monkeypatch.setattr(type(by_fid), "step_of", lambda run, state: 500)
    row = evaluators.of(by_fid).measure(by_fid, by_fid.restore())
    assert row["warning"] == f"collapse? the samples vary {row['spread']:.2f} times as much as the data"
    assert row["warning"] in evaluators.of(by_fid).phrase(row)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["ring8", "--metric", "fid"], "--metric fid measures single sets of images, and ring8 on ring8 is measured by modes"),
        (["digits", "--metric", "fid", "--weights", "no.pth"], "no.pth: expected a file of weights, found none"),
        (["digits", "--metric", "fid", "--extractor", "inception"], "--extractor inception needs the file of its weights"),
        (["digits", "--metric", "zzz"], "--metric: unknown metric 'zzz': known are auto, "),
    ],
)
def test_bad_measures_are_told_before_a_folder_is_made(flags, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: train.main(flags), train.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_weights_are_read_once(monkeypatch, tmp_path):
    """The check before the folder is made, and the loop on the run with its mean or in another phase, share one evaluator."""
    reads, choose = [], choice.choose
    monkeypatch.setattr(choice, "choose", lambda *args: reads.append(args) or choose(*args))
    config = train.configuration(["digits", *SMALL, "--metric", "kid", "--extractor", "pixels"])
    with folder.opened(config, tmp_path / "a", models.find(config.model)) as run:
        assert evaluators.of(run.with_mean().at(1)) is evaluators.of(run)
    assert evaluators.of(open_run(tmp_path / "a").with_mean()) is not evaluators.of(run)
    assert len(reads) == 2


@pytest.mark.slow
def test_both_sides_of_a_contrast_normalised_model_are_in_one_form(tmp_path):
    """Its pictures have an invented contrast: real images are brought to the same before they are compared."""
    flags = ["--model.contrast-normalized", "--model.g-output", "linear", "--model.no-marginal-bias"]
    few = ["--steps", "1", "--eval-samples", "100", "--sample-every", "0"]
    train.main(["digits", *SMALL, *few, *flags, "--workdir", str(tmp_path / "a")])
    run = open_run(tmp_path / "a")
    real = run.dataset.test.x.reshape(296, -1) / 255.0
    centred = real - real.mean(axis=1, keepdims=True)
    seen = np.clip(0.5 + 0.25 * centred / centred.std(axis=1, keepdims=True), 0, 1)
    np.testing.assert_allclose(images.real_images(run).part("test").reshape(296, -1), seen, atol=1e-5)
    shown = run.dataset.validation.x.reshape(-1, 64) / 255.0
    centred = shown - shown.mean(axis=1, keepdims=True)
    validation = np.clip(0.5 + 0.25 * centred / centred.std(axis=1, keepdims=True), 0, 1)
    samples = images.samples_of(run, run.restore(), 100).reshape(100, -1)
    expected = parzen.evaluate(samples, validation, seen)
    found = json.loads((tmp_path / "a" / "summary.json").read_text())["log_likelihood"]
    assert found["mean"] == pytest.approx(expected.mean, rel=1e-3)
    assert found["mean"] != pytest.approx(parzen.evaluate(samples, shown, real).mean, rel=0.05)


def test_images_of_another_resolution_are_resized_for_the_measure(by_fid):
    """As in a phase of a growing model: the mean of a block of pixels stays, and so does a constant image."""
    half = by_fid.gan._replace(generate=lambda state, inputs, ema=True: np.full((len(inputs.z), 4, 4, 1), 0.25, np.float32))
    grown = dataclasses.replace(by_fid, phases=(by_fid.phase._replace(gan=half),))
    found = images.samples_of(grown, by_fid.restore(), 3)
    assert found.shape == (3, 8, 8, 1)
    np.testing.assert_allclose(found, 0.25, atol=1e-6)
