"""The command that times the metrics end to end at a tiny size, its contenders' results, and its sums."""

import doctest
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import drawings, metrics_contenders, metrics_speed
from jgan.utils import cli

TINY = ["--samples", "300", "--subset", "120", "--dim", "16", "--repeats", "1"]


@pytest.mark.slow
def test_end_to_end(tmp_path, capsys):
    path = tmp_path / "made" / "result.json"
    metrics_speed.main([*TINY, "--tasks", "statistics", "distance", "--out", str(path)])
    result = json.loads(path.read_text())
    assert result["command"].startswith("python -m benchmarks.metrics_speed --samples 300 ")
    assert result["options"]["dim"] == 16
    assert {"python", "packages", "device", "date", "threads", "load_before"} <= set(result["environment"])
    assert set(result["tasks"]) == {"statistics", "distance"}
    assert set(result["tasks"]["distance"]["contenders"]) == {
        "jgan",
        "SciPy's sqrtm, as pytorch-fid",
        "NumPy's eigvals, as torch-fidelity",
    }
    for task in result["tasks"].values():
        assert task["difference"] < 1e-5  # NumPy's mean of float32 is one of float32
        for found in task["contenders"].values():
            assert 0 <= found["seconds"]["min"] <= found["seconds"]["median"] <= found["seconds"]["max"]
            assert 10 < found["before_megabytes"] <= found["peak_megabytes"]
    assert "statistics: " in capsys.readouterr().out
    rows = [line.split(" | ") for line in drawings.metrics_speed(result).splitlines() if " | jgan | " in line]
    assert [row[0] for row in rows] == ["| mean and covariance, 300 x 16", "| FID from these statistics"]
    assert rows[0][2] == f"{result['tasks']['statistics']['contenders']['jgan']['seconds']['median']:.1f}"


def test_alone(tmp_path, capsys):
    path = tmp_path / "alone.json"
    metrics_speed.main([*TINY, "--tasks", "distance", "--alone", "--out", str(path)])
    (found,) = json.loads(path.read_text())["tasks"].values()
    assert set(found["contenders"]) == {"jgan"}
    assert found["speedup"] is found["fastest_other"] is None
    assert "times as fast" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("inputs")
    metrics_contenders.make_inputs(made, samples=300, subset=120, dim=16, seed=0)
    return made


@pytest.mark.parametrize("task", metrics_contenders.INPUTS)
def test_the_contenders_do_the_same(task, folder, capsys):
    field = [one for one in metrics_contenders.CONTENDERS if one.task == task and metrics_contenders.installed(one)]
    assert field[0].name == "jgan"
    ours = metrics_contenders.main(task, "jgan", folder, 3)
    for other in field[1:]:
        theirs = metrics_contenders.main(task, other.name, folder, 3)
        assert theirs["figures"] == pytest.approx(ours["figures"], rel=1e-5)
    assert not capsys.readouterr().out  # the line of JSON has standard output to itself


def test_the_inputs_are_like_features(folder):
    real, fake = (np.load(folder / f"{name}.npy") for name in ("real", "fake"))
    assert real.shape == fake.shape == (120, 16)
    assert real.dtype == np.float32
    assert min(real.min(), fake.min()) == 0
    np.testing.assert_allclose(np.load(folder / "fake_mean.npy"), fake.astype(np.float64).mean(0), rtol=1e-12)
    assert np.load(folder / "features.npy").shape == (300, 16)


def test_what_is_not_installed_is_left_out(tmp_path, monkeypatch):
    missing = metrics_contenders.CONTENDERS[1]._replace(name="another", package="a_package_that_nobody_has")
    monkeypatch.setattr(metrics_contenders, "CONTENDERS", (metrics_contenders.CONTENDERS[0], missing))
    turn = {"seconds": 0.5, "before_megabytes": 20, "peak_megabytes": 30, "figures": [1.0]}
    monkeypatch.setattr(metrics_speed, "turn", lambda contender, folder, k: turn)
    args = metrics_speed.Args(tasks=("statistics",), samples=50, subset=10, dim=4, repeats=1)
    found = metrics_speed.measure(args, tmp_path)
    assert found["left_out"] == ["statistics, another"]
    assert found["tasks"]["statistics"]["speedup"] is found["tasks"]["statistics"]["fastest_other"] is None


def test_a_contender_that_fails_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"distance, jgan: FileNotFoundError: .*real_mean.npy"):
        metrics_speed.turn(metrics_contenders.CONTENDERS[3], tmp_path, 5)


def test_the_example_of_the_docstring():
    assert doctest.testmod(metrics_speed).failed == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the process holds from /proc")
def test_the_peak_is_that_of_the_memory_held():
    before = metrics_contenders.peak_megabytes()
    holds = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    assert before >= holds - 5  # the kernel's two counts are some pages apart
    held = np.ones(int((before - holds + 80) * 1e6) // 8)  # 80 MB more than there ever were
    assert before + 40 < metrics_contenders.peak_megabytes() < before + 120
    assert held.sum() == held.size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dim", "0"], "--dim must be at least 1, found 0"),
        (["--repeats", "0"], "--repeats must be at least 1, found 0"),
        (["--samples", "1"], "--samples must be at least 2, found 1"),
        (["--subset", "5"], "--subset must be above the 5 neighbours, found 5"),
        (["--tasks", "kid"], "invalid choice 'kid' for argument '--tasks'"),
        (["--spin", "3"], "Unrecognized options: --spin"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: metrics_speed.main([*TINY, *arguments]), metrics_speed.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
