"""`python -m jgan.sweep`: what each combination's folder is, the order, resuming, failures, the page, bad input."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from small_runs import SMALL, assert_same_end, small_run

from jgan import report, sample, sweep, train
from jgan.training import seeds, stopping, sweep_results, sweeps

SHORT = [*SMALL, "--steps", "4", "--log-every", "2", "--eval-every", "2", "--eval-samples", "50", "--seed", "7"]
OVER = ["--over", "model.optimizer.learning-rate=0.05,0.2", "model.marginal-bias=true,false"]


def swept(workdir, *more):
    sweep.main(["digits", *SHORT, "--workdir", str(workdir), *more])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("sweep") / "all"
    swept(workdir, "--over", "model.optimizer.learning-rate=0.05,0.2", "--seeds", "2")
    return workdir


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "all")


@pytest.mark.slow
def test_a_combination_ends_as_its_run_alone_does(tmp_path):
    swept(tmp_path / "all", "--over", "model.optimizer.learning-rate=0.05,0.2")
    train.main(["digits", *SHORT, "--workdir", str(tmp_path / "alone"), "--model.optimizer.learning-rate", "0.2"])
    assert {path.name for path in (tmp_path / "all").iterdir()} == {
        *("learning-rate=0.05", "learning-rate=0.2", "summary.json", "sweep.json")
    }
    assert_same_end(tmp_path / "all" / "learning-rate=0.2", tmp_path / "alone")


def test_the_best_combination_comes_first(finished, copy, capsys):
    sweep.main(["--workdir", str(copy), "--resume"])  # nothing is left to train
    out = capsys.readouterr().out
    assert out.count("ended before") == 2
    summary = json.loads((copy / "summary.json").read_text())
    assert summary["settings"] == json.loads((finished / "summary.json").read_text())["settings"]
    means = [entry["mean"] for entry in summary["settings"]]
    assert len(means) == 2
    assert means == sorted(means, reverse=True)  # of log-likelihoods the larger is the better
    for entry in summary["settings"]:
        ends = {
            seed: json.loads((seeds.member(copy / entry["folder"], seed) / "summary.json").read_text())["best"]
            for seed in (7, 8)
        }
        values = [end[entry["measure"]] for end in ends.values()]
        assert list(entry["seeds"].values()) == values
        assert entry["mean"] == pytest.approx(np.mean(values), rel=1e-12)
        assert entry["standard_error"] == pytest.approx(abs(values[0] - values[1]) / 2, rel=1e-9)
        assert entry["options"] == {"model.optimizer.learning-rate": entry["folder"].partition("=")[2]}
    best = summary["settings"][0]["folder"].partition("=")[2]
    assert f"best: --model.optimizer.learning-rate {best}, in " in out
    assert out.index(f"{best} ") < out.index("all on one page")


def test_the_page_shows_all_combinations(copy, tmp_path):
    report.main([str(copy)])
    page = (copy / "report.html").read_text()
    assert "2 of 2 combinations have ended" in page
    assert page.count("<figure") >= 2
    assert page.count("learning-rate 0.05") >= 2  # the curve, the samples
    assert "&lt;h2" not in page
    shutil.rmtree(copy / "learning-rate=0.2")
    report.main([str(copy)])
    assert "1 of 2 combinations have ended" in (copy / "report.html").read_text()
    with pytest.raises(ValueError, match="--animation is of one run"):
        report.main([str(copy), "--animation", str(tmp_path / "a.gif")])
    shutil.rmtree(copy / "learning-rate=0.05")
    with pytest.raises(ValueError, match="found none that has begun"):
        report.main([str(copy)])


def test_verify_reads_all_combinations(copy, capsys):
    train.main(["--verify", str(copy)])
    assert capsys.readouterr().out.count("none is damaged") == 4  # two seeds of each
    shutil.rmtree(copy / "learning-rate=0.2")
    (copy / "learning-rate=0.2").mkdir()  # a start that was killed
    train.main(["--verify", str(copy)])
    assert capsys.readouterr().out.count("none is damaged") == 2
    shutil.rmtree(copy / "learning-rate=0.05")
    with pytest.raises(ValueError, match="found none that has begun"):
        train.main(["--verify", str(copy)])


@pytest.mark.slow
def test_all_combinations_of_several_options_and_of_a_switch(tmp_path, capsys):
    known = train.flags()
    chosen = sweeps.settings({"a.rate": ("1", "2"), "b.rate": ("3", "4 5"), "tensorboard": ("true", "false")})
    assert len(chosen) == 8
    assert chosen[1].folder == "a.rate=1,b.rate=3,tensorboard=false"
    assert chosen[2].folder == "a.rate=1,b.rate=4_5,tensorboard=true"
    assert sweeps.words(chosen[3], {"a.rate": 1, "b.rate": 2, "tensorboard": 0}) == [
        *("--a.rate", "1", "--b.rate", "4", "5", "--no-tensorboard")
    ]
    assert sweeps.axes(["--batch_size=8,16"], known) == {"batch-size": ("8", "16")}
    over = ["--over", "batch-size=8,12", "--over", "model.g-units=8,8 8"]
    sweep.main(["digits", *over, "--workdir", str(tmp_path / "all"), "--dry-run"])
    assert capsys.readouterr().out.count("--model.g-units 8 8:") == 2
    assert not (tmp_path / "all").exists()


@pytest.mark.slow
def test_a_sweep_is_stopped_and_continued(tmp_path):
    command = [sys.executable, "-m", "jgan.sweep", "digits", *SMALL, "--log-every", "10", "--checkpoint-every", "10"]
    command += ["--eval-every", "0", "--sample-every", "0", "--steps", "30000", "--seed", "7"]
    command += ["--over", "model.optimizer.learning-rate=0.05,0.2", "--workdir", str(tmp_path / "all")]
    going = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first, limit = tmp_path / "all" / "learning-rate=0.05" / "checkpoints", time.monotonic() + 100
    while not list(first.glob("[0-9]*")):
        assert time.monotonic() < limit
        time.sleep(0.1)
    going.send_signal(signal.SIGTERM)
    out, err = going.communicate(timeout=100)
    assert (going.returncode, err) == (128 + signal.SIGTERM, "")
    (again,) = re.findall(r"the whole sweep is continued with: (.*)", out)
    assert again == f"python -m jgan.sweep --workdir {tmp_path / 'all'} --resume"
    reached = max(int(path.name) for path in first.glob("[0-9]*"))
    ended = subprocess.run(
        [*command[:3], "--workdir", str(tmp_path / "all"), "--resume", "--time-limit", "0.15"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"continuing from step {reached:,}" in ended.stdout
    assert "the whole sweep is continued with" in ended.stdout


def test_no_time_is_left_for_the_next_combination(copy, capsys):
    (copy / "learning-rate=0.2" / "summary.json").unlink()
    with pytest.raises(stopping.Stopped) as stopped:
        sweep.main(["--workdir", str(copy), "--resume", "--time-limit", "1e-9"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert "time limit: 1 of the 2 combinations have ended; continue with: " in out
    assert "the 1 of 2 combinations that have ended:" in out
    assert "best: --model.optimizer.learning-rate 0.05" in out
    (entry,) = json.loads((copy / "summary.json").read_text())["settings"]
    assert entry["folder"] == "learning-rate=0.05"


@pytest.mark.slow
def test_auto_starts_a_sweep_and_goes_on_with_it(tmp_path, capsys):
    flags = ["--over", "model.marginal-bias=true,false", "--resume", "auto"]
    swept(tmp_path / "all", *flags)
    assert {path.name for path in (tmp_path / "all").glob("marginal*")} == {"marginal-bias=true", "marginal-bias=false"}
    capsys.readouterr()
    swept(tmp_path / "all", *flags)
    assert capsys.readouterr().out.count("ended before") == 2


@pytest.mark.slow
def test_runs_that_were_continued_for_longer_have_ended(tmp_path, capsys):
    swept(tmp_path / "all", "--over", "model.optimizer.learning-rate=0.05,0.2")
    train.main(["--workdir", str(tmp_path / "all" / "learning-rate=0.2"), "--resume", "--steps", "6"])
    capsys.readouterr()
    sweep.main(["--workdir", str(tmp_path / "all"), "--resume"])
    assert capsys.readouterr().out.count("ended before") == 2


def test_runs_that_are_shorter_than_asked_have_not_ended(copy):
    summary = copy / "learning-rate=0.2" / "summary.json"
    assert sweep_results.ended(summary.parent, 4)
    assert sweep_results.ended(summary.parent, 3)
    assert not sweep_results.ended(summary.parent, 5)
    summary.unlink()
    assert not sweep_results.ended(summary.parent, 4)


def test_the_time_that_is_left_is_given_to_a_combination(copy, monkeypatch):
    for folder in copy.glob("learning-rate=*"):
        (folder / "summary.json").unlink()
    given, began = [], time.monotonic()
    monkeypatch.setattr(sweep.train, "main", lambda words: given.append(float(words[words.index("--time-limit") + 1])))
    monkeypatch.setattr(sweep.time, "monotonic", lambda: began + 60 * len(given))
    with pytest.raises(stopping.Stopped):
        sweep.main(["--workdir", str(copy), "--resume", "--time-limit", "1"])
    assert given == [pytest.approx(1.0)]  # after this one nothing is left


@pytest.mark.slow
def test_measures_that_differ_do_not_compare_the_combinations(tmp_path, capsys):
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=random.integers(0, 256, (60, 8, 8, 1), np.uint8))
    over = f"data-dir={tmp_path / 'a.npz'},{tmp_path / 'missing.npz'},{tmp_path / 'b.npz'}"
    with pytest.raises(ValueError, match=r"1 of the 3 combinations have not ended; the first: --data-dir .*missing\.npz"):
        swept(tmp_path / "all", "--dataset", "npz", "--over", over)
    out = capsys.readouterr().out
    assert "the measure depends on data-dir: its values do not say which combination is better" in out
    assert "best: --" not in out
    assert len(json.loads((tmp_path / "all" / "summary.json").read_text())["settings"]) == 2


@pytest.mark.slow
def test_a_sweep_goes_on_from_another_folder(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8))
    monkeypatch.chdir(tmp_path)
    swept("all", "--dataset", "npz", "--data-dir", "a.npz", "--over", "model.optimizer.learning-rate=0.05,0.2")
    shutil.rmtree(tmp_path / "all" / "learning-rate=0.2")
    monkeypatch.chdir("/")
    sweep.main(["--workdir", str(tmp_path / "all"), "--resume"])
    assert (tmp_path / "all" / "learning-rate=0.2" / "summary.json").is_file()


@pytest.mark.slow
def test_a_combination_that_fails_does_not_end_the_others(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"1 of the 2 combinations have not ended; the first: --model\.optim"):
        swept(tmp_path / "all", "--over", "model.optimizer.learning-rate=1e38,0.2")
    out = capsys.readouterr().out
    assert "not trained to its end: --model.optimizer.learning-rate 1e38: " in out
    assert "best: --model.optimizer.learning-rate 0.2, in " in out
    (entry,) = json.loads((tmp_path / "all" / "summary.json").read_text())["settings"]
    assert entry["options"] == {"model.optimizer.learning-rate": "0.2"}


def test_the_difference_of_the_first_two_beside_its_error():
    setting = sweeps.Setting({"a": "1"}, "a=1")
    reached = [(setting, sweep_results.Result("fid", False, {0: mean - 0.1, 1: mean + 0.1})) for mean in (1.0, 1.5, 1.2)]
    assert sweep_results.caution(reached[:1]) == ""
    assert sweep_results.caution(reached[:2]) == ""  # 0.5 apart; each has a standard error of 0.1
    assert "0.14: it may be chance" in sweep_results.caution(reached[::2])  # 0.2 < 2 * 0.1 * sqrt(2)
    assert sweep_results.caution([reached[0], (setting, sweep_results.Result("kid", False, {0: 0.1}))]) == ""  # another measure


def test_settings_of_other_measures_follow(tmp_path):
    settings = sweeps.settings({"metric": ("fid", "kid", "other", "none")})
    for setting, summary in zip(
        settings,
        (
            {"criterion": "fid", "larger_is_better": False, "best": {"fid": 3.0}},
            {"criterion": "kid", "larger_is_better": False, "best": {"kid": 0.1}},
            {"criterion": "fid", "larger_is_better": False, "best": {"fid": 2.0}},
            {"best": None},
        ),
        strict=True,
    ):
        (tmp_path / setting.folder).mkdir()
        (tmp_path / setting.folder / "summary.json").write_text(json.dumps({"steps": 4, **summary}))
    found = sweep_results.ranked(tmp_path, settings)
    assert [setting.options["metric"] for setting, _ in found] == ["other", "fid", "kid"]
    assert [row[1] for row in sweep_results.table(found)] == ["best fid", "2", "3", "0.1 (kid)"]


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "expected the options to vary, --over FLAG=VALUE,VALUE"),
        (["--over", "model.loss"], "found 'model.loss'"),
        (["--over", "model.optimizer.learning-rate=1,,2"], "FLAG=VALUE,VALUE"),
        (
            ["--over", "model.optimizer.learning-rat=1,2"],
            "unknown flag model.optimizer.learning-rat, did you mean model.optimizer.learning-rate?",
        ),
        (["--over", "steps=3,3"], "--over steps: has a value twice, 3,3"),
        (
            ["--over", "model.optimizer.learning-rate=0.1,.10"],
            "--over model.optimizer.learning-rate: has a value twice, 0.1,.10",
        ),
        (
            ["--over", "model.optimizer.learning-rate=nan,nan"],
            "--over model.optimizer.learning-rate: has a value twice, nan,nan",
        ),
        (["--over", "preset=digits,mnist"], "--over preset: there is no sweep over it"),
        (["--over", "no-tensorboard=true,false"], "--over no-tensorboard: give tensorboard=true,false"),
        (["--over", "tensorboard=true,false", "--no-tensorboard"], "--tensorboard is swept and given"),
        (["--over", "steps=3,4", "--over", "steps=5"], "--over steps: given twice"),
        (["--over", "seed=3,4"], "there is no sweep over it: give --seeds"),
        (["--over", "workdir=a,b"], "there is no sweep over it"),
        (["--over", "tensorboard=yes,no"], "the values of a switch are true and false"),
        (["--over", "batch-size=0,8"], "--batch-size must be at least 1, found 0"),
        (["--over", "batch-size=x,8"], "--batch-size"),
        (["--over", "batch-size=4,8", "--batch-size", "8"], "--batch-size is swept and given"),
        (["--over", "batch-size=4,8", "--processes", "2"], "leave --processes out"),
        (["--over", "batch-size=4,8", "--time-limit", "-1"], "--time-limit must be a number of minutes"),
        (["--over", "batch-size=4,8", "--resume"], "holds no sweep.json"),
        (["--over", "data-dir=x/a,y/a"], "two combinations would have the folder data-dir=a"),
        (["--over", f"data-dir={'a' * 250},b"], "the name of a folder would be too long"),
    ],
)
def test_wrong_options(tmp_path, flags, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sweep.main(["digits", "--workdir", str(tmp_path / "all"), *flags])
    assert not (tmp_path / "all").exists()


def test_folders_are_not_mixed(copy, finished_run, tmp_path):
    for given, message in (
        (["digits", "--workdir", str(copy), *OVER], "already holds a sweep; give --resume"),
        (["digits", "--workdir", str(finished_run.workdir), *OVER], "holds a run"),
        (["--workdir", str(tmp_path), "--resume"], "holds no sweep.json"),
        (["digits", *OVER], "expected the folder of the sweep, --workdir"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            sweep.main(given)
    with pytest.raises(ValueError, match=r"holds a sweep: continue it with python -m jgan\.sweep"):
        train.main(small_run(copy, 4))
    with pytest.raises(FileNotFoundError, match="holds a sweep: give the folder of one of its runs"):
        sample.main(["--workdir", str(copy), "--num", "4"])
    with pytest.raises(ValueError, match="holds a sweep: continue it"):
        train.main([*small_run(copy, 4), "--seeds", "2"])
    with pytest.raises(ValueError, match=r"holds a sweep with other options: give those of sweep\.json, or none"):
        sweep.main(["digits", *OVER, "--workdir", str(copy), "--resume", "auto"])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "expected the record of a sweep"),
        ({"arguments": "digits", "over": {"steps": ["4"]}}, "expected arguments and values"),
        ({"arguments": ["digits"], "over": {"steps": "12"}}, "expected lists of texts"),
        ({"arguments": ["digits"], "over": {"steps": []}}, "expected lists of texts"),
        ({"arguments": ["digits"], "over": {"stps": ["1"]}}, "unknown flag stps, did you mean steps?"),
        ({"arguments": ["digits"], "over": {"seeds": ["1"]}}, "--over seeds: there is no sweep over it"),
    ],
)
def test_a_damaged_record(tmp_path, record, message):
    (tmp_path / "sweep.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=re.escape(message)):
        sweep.main(["--workdir", str(tmp_path), "--resume"])
