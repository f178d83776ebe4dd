"""The benchmark of restoration: its measures against others of the package, its conditions, and a run of a tiny size."""

import json

import numpy as np
import pytest
import scipy.io

from benchmarks import restoration, restoration_drawings, restoration_measures
from jgan.data import faces
from jgan.metrics import kernel


def test_kid_is_that_of_the_metric_and_resamples_are_of_persons():
    random = np.random.default_rng(0)
    real, ours, persons = random.normal(size=(24, 5)), random.normal(0.5, 1, (24, 5)), np.arange(24) // 4
    found = restoration_measures.kids(real, ours, persons, resamples=0)
    assert found[0] == pytest.approx(kernel.mmd2(real, ours), rel=1e-4)
    many = restoration_measures.kids(real, ours, persons, resamples=50)
    draw = np.random.default_rng(0).integers(0, 6, (50, 6))[0]
    # By hand: all faces of the drawn persons, pairs of a face with its own copies left out.
    rows = np.concatenate([np.flatnonzero(persons == person) for person in draw])
    cubes = lambda x, y: (x @ y.T / 5 + 1) ** 3  # noqa: E731
    apart = rows[:, None] != rows[None]
    expected = (cubes(real, real) + cubes(ours, ours))[np.ix_(rows, rows)][apart].mean()
    expected -= 2 * cubes(real, ours)[np.ix_(rows, rows)].mean()
    assert many[0] == pytest.approx(expected, rel=1e-9)


def test_a_face_is_not_compared_with_its_own_original():
    real = np.eye(4)
    assert restoration_measures.rank1(real, real, np.array([0, 1, 2, 3])) == 0
    pairs = np.array([[1, 0.1], [1, 0.2], [0.1, 1], [0.2, 1]])
    assert restoration_measures.rank1(pairs, pairs, np.array([0, 0, 1, 1])) == 1
    assert restoration_measures.rank1(pairs, pairs, np.array([0, 1, 0, 1])) == 0


def run(**changes):
    return {"psnr": 25.0, "ssim": 0.7, "perceptual": 0.2, "kid": 0.1, "rank1": 0.9, "prior_unchanged": True} | changes


def test_the_conditions_hold_as_the_figures_say():
    result = {"bicubic": run(psnr=24.0, perceptual=0.4, kid=0.5, rank1=0.8)}
    result["runs"] = {
        "l1": {"0": run(psnr=26.0, perceptual=0.3, kid=0.2), "1": run(psnr=25.4, perceptual=0.3, kid=0.2)},
        "gfp": {"0": run()},
        "random": {"0": run(kid=0.3)},
        "styles": {"0": run(psnr=24.0)},
    }
    found = list(restoration_measures.success(result).values())
    assert found[0] == {"psnr": True}
    assert set(found[1].values()) == set(found[3].values()) == {True}
    assert found[2] == {"rank1": True}
    assert found[4] is True
    result["runs"]["l1"]["1"]["psnr"] = 24.0
    result["runs"]["gfp"]["0"] |= {"kid": 0.6, "rank1": 0.7, "prior_unchanged": False}
    found = list(restoration_measures.success(result).values())
    assert found[0] == {"psnr": False}
    assert (found[1]["kid_below_l1_and_bicubic"], found[1]["perceptual_below_l1_and_bicubic"]) == (False, True)
    assert (found[2]["rank1"], found[3]["kid_of_a_random_prior_is_worse"], found[4]) == (False, False, False)
    del result["runs"]["random"]
    assert list(restoration_measures.success(result).values())[3] is None


@pytest.mark.weekly
def test_a_tiny_run_goes_on_where_it_ended(tmp_path):
    random = np.random.default_rng(0)
    smooth = random.integers(0, 255, (400, 8, 8)).repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    scipy.io.savemat(tmp_path / faces.MAT, {"faces": smooth.transpose(0, 2, 1).reshape(400, 4096).T})
    options = {
        "dataset": "degraded:x4noise10:olivetti:16:28:4:8",
        "data-dir": tmp_path,
        "widths": 64,
        "epochs": 1,
        "judge": "classifier",
    }
    options |= {"steps": 2, "prior-steps": 2, "batch-size": 4, "seeds": 1}
    options |= {"workdir": tmp_path / "work", "out": tmp_path / "out.json", "picture": tmp_path / "faces.png"}
    argv = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    restoration.main([*argv, "--runs", "1"])
    first = json.loads((tmp_path / "out.json").read_text())
    assert {arm: len(runs) for arm, runs in first["runs"].items()} == {"l1": 1}
    restoration.main(argv)
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["runs"]["l1"] == first["runs"]["l1"]
    assert all(len(runs) == 1 for runs in result["runs"].values())
    assert result["success"]["5 frozen priors are unchanged"] is True
    assert all(np.isfinite(run["0"][name]) for run in result["runs"].values() for name in ("psnr", "ssim", "kid", "rank1"))
    assert (tmp_path / "faces.png").is_file()
    table = restoration_drawings.restoration(result)
    assert table.count("\n|") == 6
    assert "GFP-GAN" in table
