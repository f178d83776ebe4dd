"""The toy games through the commands: trained, drawn, animated, measured like any other model."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from jgan import data, evaluate, sample, train
from jgan.models import options
from jgan.training import evaluators, run
from jgan.training.evaluators import density

SHORT = [
    "--steps",
    "40",
    "--log-every",
    "20",
    "--sample-every",
    "20",
    "--checkpoint-every",
    "20",
    "--eval-every",
    "20",
    "--eval-samples",
    "200",
]
SMALL = ["--model.g-units", "8", "--model.d-units", "8", "--batch-size", "32"]
MEASURED = {"ring8": "modes", "gaussian1d": "divergence", "dirac": "distance", "bilinear": "distance"}


OFTEN = ("ring8", "dirac")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[] if name in OFTEN else pytest.mark.slow) for name in MEASURED]
)
def finished(request, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("toys") / request.param
    small = SMALL if request.param in ("ring8", "gaussian1d") else []
    train.main([request.param, "--workdir", str(workdir), *SHORT, *small])
    return run.open_run(workdir)


def test_the_folder_of_a_toy(finished):
    evaluator = evaluators.of(finished)
    rows = [json.loads(line) for line in (finished.workdir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40]
    assert all(evaluator.criterion in row for row in rows)
    summary = json.loads((finished.workdir / "summary.json").read_text())
    assert summary["best"] in rows
    assert evaluator.score(summary["best"]) == max(map(evaluator.score, rows))
    with Image.open(finished.workdir / "animation.gif") as animation, Image.open(finished.workdir / "curves.png") as curves:
        assert np.asarray(curves).std() > 1
        shown = animation.size
    for step in (20, 40):
        with Image.open(finished.workdir / "samples" / f"step_{step:08d}.png") as picture:
            assert picture.size == shown
            assert np.asarray(picture).std() > 1


def test_it_is_measured_as_it_was_while_it_trained(finished, capsys):
    name = MEASURED[finished.config.preset]
    evaluate.main(["--workdir", str(finished.workdir), "--checkpoint", "last"])
    found = json.loads((finished.workdir / "evaluation.json").read_text())
    last = json.loads((finished.workdir / "metrics.jsonl").read_text().splitlines()[-1])
    assert found[name].items() <= last.items()
    assert evaluators.of(finished).phrase(last) in capsys.readouterr().out
    with pytest.raises(ValueError, match=f"unknown metric 'parzen': known are {name}"):
        evaluate.main(["--workdir", str(finished.workdir), "--metrics", "parzen"])


def test_it_is_sampled_as_a_picture_and_as_points(finished, tmp_path):
    workdir = ["--workdir", str(finished.workdir), "--checkpoint", "last"]
    sample.main([*workdir, "--out", str(tmp_path / "a.png")])
    with Image.open(tmp_path / "a.png") as found, Image.open(finished.workdir / "samples" / "step_00000040.png") as drawn:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(drawn))
    sample.main([*workdir, "--out", str(tmp_path / "a.npz"), "--num", "7"])
    with np.load(tmp_path / "a.npz") as held:
        assert held["samples"].shape == (7, *finished.spec.shape)
    with pytest.raises(ValueError, match="makes points: leave it out"):
        sample.main([*workdir, "--interpolate", "--num", "8"])


def test_the_trajectory_is_that_of_the_run(finished):
    """Played anew for the picture, it ends where the checkpoint is."""
    if evaluators.of(finished).name != "distance":
        return
    state = finished.restore("last")
    path = evaluators.trajectory.path(finished, 40)
    assert path.shape == (41, 2)
    np.testing.assert_allclose(path[0], finished.config.model.start)
    np.testing.assert_allclose(path[-1], [state.generator.params, state.discriminator.params], rtol=1e-5)


@pytest.mark.slow
def test_rules_and_penalties_have_their_flags(tmp_path):
    flags = ["--model.rule.name", "extragradient", "--model.penalty.name", "r1", "--model.penalty.weight", "0.5"]
    train.main(["dirac", "--workdir", str(tmp_path / "a"), *SHORT, *flags])
    assert run.open_run(tmp_path / "a").config.model.penalty == options.Penalty("r1", 0.5)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model.rule.name", "extragradien"], "did you mean 'extragradient'"),
        (["--model.penalty.name", "dragn"], "did you mean 'dragan'"),
        (["--metric", "fid"], "--metric fid measures single sets of images, and dirac on origin is measured by distance"),
    ],
)
def test_unknown_names_are_told_before_a_folder_is_made(flags, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train.main(["dirac", "--workdir", str(tmp_path / "a"), *SHORT, *flags])
    assert not (tmp_path / "a").exists()


def test_the_density_of_the_data_is_that_of_scipy():
    dataset = data.load("gaussian1d")
    truth = dataset.truth
    assert density.density(SimpleNamespace(dataset=dataset), [[4.0], [4.5]]) == pytest.approx(
        stats.norm(truth.centres[0, 0], truth.std).pdf([4.0, 4.5]), rel=1e-12
    )
