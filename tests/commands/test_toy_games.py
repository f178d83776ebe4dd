"""The toy games through the commands: trained, drawn, animated, measured like any other model."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from jgan import evaluate, sample, train
from jgan.training import evaluators, run

SHORT = ["--steps", "40", "--log-every", "20", "--sample-every", "20", "--checkpoint-every", "20", "--eval-every", "20"]
SMALL = ["--model.g-units", "8", "--model.d-units", "8", "--batch-size", "32"]
MEASURED = {"ring8": "modes", "gaussian1d": "divergence", "dirac": "distance", "bilinear": "distance"}


@pytest.fixture(scope="module", autouse=True)
def _promotion():
    """Optax's Adam mixes an int32 count with Python floats."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module", params=MEASURED)
def finished(request, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("toys") / request.param
    small = SMALL if request.param in ("ring8", "gaussian1d") else []
    train.main([request.param, "--workdir", str(workdir), *SHORT, *small])
    return run.open_run(workdir)


def test_the_folder_of_a_toy(finished):
    display = evaluators.of(finished)
    rows = [json.loads(line) for line in (finished.workdir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40]
    assert all(display.criterion in row for row in rows)
    summary = json.loads((finished.workdir / "summary.json").read_text())
    assert summary["best"] in rows
    assert display.score(summary["best"]) == max(map(display.score, rows))
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
    with pytest.raises(ValueError, match=f"is measured by {name}, found parzen"):
        evaluate.main(["--workdir", str(finished.workdir), "--metrics", "parzen"])


def test_it_is_sampled_as_a_picture_and_as_points(finished, tmp_path):
    workdir = ["--workdir", str(finished.workdir), "--checkpoint", "last"]
    sample.main([*workdir, "--out", str(tmp_path / "a.png")])
    with Image.open(tmp_path / "a.png") as found, Image.open(finished.workdir / "samples" / "step_00000040.png") as drawn:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(drawn))
    sample.main([*workdir, "--out", str(tmp_path / "a.npz"), "--num", "7"])
    with np.load(tmp_path / "a.npz") as held:
        assert held["samples"].shape == (7, *finished.spec.image_shape)
    with pytest.raises(ValueError, match="makes points: leave it out"):
        sample.main([*workdir, "--interpolate", "--num", "8"])


def test_the_trajectory_is_that_of_the_run(finished):
    """Played anew for the picture, it ends where the checkpoint is."""
    if evaluators.name_of(finished) != "trajectory":
        pytest.skip("no trajectory")
    state = finished.restore("last")
    path = evaluators.trajectory.path(finished, 40)
    assert path.shape == (41, 2)
    np.testing.assert_allclose(path[0], finished.config.model.start)
    np.testing.assert_allclose(path[-1], [state.generator.params, state.discriminator.params], rtol=1e-5)


@pytest.mark.parametrize("rule", ["simultaneous", "extragradient", "optimistic", "consensus", "unrolled"])
def test_every_rule_and_penalty_has_its_flag(rule, tmp_path, capsys):
    flags = ["--model.rule", rule, "--model.penalty", "r1", "--model.penalty-weight", "0.5"]
    train.main(["dirac", "--workdir", str(tmp_path / rule), *SHORT, *flags])
    assert "distance from the equilibrium" in capsys.readouterr().out
