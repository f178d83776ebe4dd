"""`python -m jgan.train`, end to end: what it writes, that it resumes exactly, what it says of bad input."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from jgan import models, optim, train
from jgan.training import loop, run
from jgan.utils import cli

SMALL = ["--model.g-units", "16", "--model.d-units", "8", "--batch-size", "20"]
OFTEN = ["--log-every", "10", "--sample-every", "20", "--checkpoint-every", "20", "--eval-every", "40"]
KILLS = int(os.environ.get("JGAN_TEST_KILLS", "2"))
"""how often a run is killed in the test of kill -9"""


def arguments(workdir: Path, steps: int = 80, *more: str) -> list[str]:
    return ["digits", *SMALL, *OFTEN, "--steps", str(steps), "--workdir", str(workdir), *more]


def lines(workdir: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def without_clock(workdir: Path) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in lines(workdir)]


def assert_same_end(first: Path, second: Path) -> None:
    ours, theirs = (jax.tree.leaves(run.open_run(workdir).restore()) for workdir in (first, second))
    for a, b in zip(ours, theirs, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert without_clock(first) == without_clock(second)


def command(*args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "jgan.train", *map(str, args)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    train.main(arguments(workdir))
    return workdir


def test_the_folder_of_a_run(finished):
    rows = lines(finished)
    assert [row["step"] for row in rows] == [10, 20, 30, 40, 50, 60, 70, 80]
    for row in rows:
        assert {"d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "images_per_second"} <= row.keys()
    assert [row["step"] for row in rows if "validation_log_likelihood" in row] == [40, 80]
    pictures = sorted(path.name for path in (finished / "samples").iterdir())
    assert pictures == ["step_00000020.png", "step_00000040.png", "step_00000060.png", "step_00000080.png"]
    for name in (*(f"samples/{picture}" for picture in pictures), "nearest.png", "interpolation.png", "curves.png"):
        with Image.open(finished / name) as image:
            assert min(image.size) > 200
            assert np.asarray(image).std() > 1
    config = json.loads((finished / "config.json").read_text())
    assert config["config"]["steps"] == 80
    assert config["config"]["model"]["g_units"] == [16]
    assert config["environment"]["packages"]["jax"] == jax.__version__
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["last"] == rows[-1]
    assert np.isfinite(summary["log_likelihood"]["mean"])


def test_the_best_and_the_last_checkpoint_are_kept(finished):
    scores = {row["step"]: row["validation_log_likelihood"] for row in lines(finished) if "validation_log_likelihood" in row}
    opened = run.open_run(finished)
    assert opened.config.model.g_units == (16,)
    assert int(opened.restore("last").step) == 80
    assert int(opened.restore("best").step) == max(scores, key=scores.__getitem__)


def test_the_same_command_gives_the_same_run(finished, tmp_path):
    train.main(arguments(tmp_path / "again"))
    assert_same_end(finished, tmp_path / "again")


def test_a_run_that_was_stopped_and_resumed_ends_like_one_that_was_not(finished, tmp_path, monkeypatch):
    """The signal comes in the middle; the run saves, leaves, and goes on with no flag but the folder's."""
    workdir, original, calls = tmp_path / "stopped", loop.events, []

    def events_then_signal(*args, **options):
        original(*args, **options)
        calls.append(None)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "events", events_then_signal)
        with pytest.raises(SystemExit) as leaving:
            train.main(arguments(workdir))
    assert leaving.value.code == 128 + signal.SIGTERM
    stopped_at = int(run.open_run(workdir).restore().step)
    assert 0 < stopped_at < 80
    train.main(["--workdir", str(workdir), "--resume"])
    assert_same_end(finished, workdir)


def test_a_run_goes_on_beyond_its_first_end(finished, tmp_path):
    train.main(arguments(tmp_path / "longer", 40))
    train.main(["--workdir", str(tmp_path / "longer"), "--resume", "--steps", "80"])
    opened = run.open_run(tmp_path / "longer")
    assert opened.config.steps == 80
    assert_same_end(finished, tmp_path / "longer")


def test_kill_minus_nine_at_random_moments(finished, tmp_path):
    """Killed again and again, each time at another moment from the start of Python on; then left to finish."""
    workdir, moments = tmp_path / "killed", random.Random(0)
    line = [sys.executable, "-m", "jgan.train", *arguments(workdir, 80)]

    def begin() -> subprocess.Popen[bytes]:
        resume = ["--resume"] if (workdir / "config.json").exists() else []
        return subprocess.Popen([*line, *resume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    started, process = time.monotonic(), begin()  # the first one tells how long it takes here to a checkpoint
    while process.poll() is None and not any((workdir / "checkpoints").glob("[0-9]*")):
        time.sleep(0.02)
    span = time.monotonic() - started
    for _ in range(KILLS):
        process.kill()
        process.wait()
        process = begin()
        time.sleep(moments.uniform(0.3, 1.3) * span)
    process.kill()
    process.wait()
    done = subprocess.run([*line, "--resume"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert_same_end(finished, workdir)


@pytest.mark.parametrize("mode", ["pmap", "shard"])
def test_four_devices_agree_with_one(finished, tmp_path, mode):
    train.main(arguments(tmp_path / mode, 40, "--parallel", mode))
    ours, theirs = lines(tmp_path / mode), lines(finished)[:4]
    for a, b in zip(ours, theirs, strict=True):
        assert abs(a["d_loss"] - b["d_loss"]) < 1e-4
        assert abs(a["g_loss"] - b["g_loss"]) < 1e-4


def test_dry_run_writes_nothing(tmp_path, capsys):
    train.main(arguments(tmp_path / "none", 80, "--dry-run"))
    printed = capsys.readouterr().out
    # 100 x 16 + 16 + 16 x 64 + 64 and 64 x 40 + 40 + 8 + 1
    assert "2,704 parameters" in printed
    assert "2,609 parameters" in printed
    assert not (tmp_path / "none").exists()


def test_a_nan_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    workdir = tmp_path / "nan"
    train.main(arguments(workdir, 40))
    monkeypatch.setattr(loop, "_initial", _with_a_nan(loop._initial))
    with pytest.raises(ValueError, match=r"d_loss is nan at step 41; the last good checkpoint is kept"):
        train.main(["--workdir", str(workdir), "--resume", "--steps", "80"])
    assert int(run.open_run(workdir).restore().step) == 40


def _with_a_nan(initial):
    def poisoned(*args):
        state, step = initial(*args)
        params = jax.tree.map(lambda leaf: leaf.at[0].set(np.nan), state.discriminator.params)
        return state._replace(discriminator=state.discriminator._replace(params=params)), step

    return poisoned


# -------------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["mnits"], r"expected a preset among .*, found 'mnits', did you mean mnist\?"),
        (["digits", "--stepz", "5"], r"--stepz"),
        (["digits", "--steps", "many"], r"--steps.*'many'"),
        (["digits", "--steps", "0"], r"--steps must be at least 1, found 0"),
        (["digits", "--batch-size", "-4"], r"--batch-size must be at least 1, found -4"),
        (
            ["digits", "--batch-size", "100000"],
            r"--batch-size must be at most the \d+ training examples of digits, found 100000",
        ),
        (["digits", "--log-every", "0"], r"--log-every must be at least 1, found 0"),
        (["digits", "--parallel", "tpu"], r"--parallel.*"),
        (["digits", "--parallel", "pmap", "--devices", "99"], r"--devices must be at most the 4 .* found 99"),
        (
            ["digits", "--parallel", "shard", "--batch-size", "10"],
            r"--batch-size must be a multiple of the 4 devices, found 10",
        ),
        (["digits", "--dataset", "no_such_set"], r"no_such_set"),
        (["digits", "--resume"], r"--resume: .* holds no run; leave the flag out to begin one"),
        (["mnist", "--data-dir", "no/such/folder"], r"no/such/folder"),
    ],
)
def test_bad_flags(flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=message):
        train.main(flags)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_run_is_not_touched(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    with pytest.raises(ValueError, match=r"already holds a run; give --resume"):
        train.main(arguments(finished))
    with pytest.raises(ValueError, match=r"holds a run with other options: expected --seed 0, found 7"):
        train.main(["--workdir", str(finished), "--resume", "--seed", "7"])
    with pytest.raises(ValueError, match=r"holds a run of digits, found mnist"):
        train.main(["mnist", "--workdir", str(finished), "--resume"])
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match=r"cannot be made: .*; give another --workdir"):
        train.main(arguments(tmp_path / "file" / "run"))
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_checkpoint_cut_short(tmp_path):
    """In a process of its own: the storage library's threads outlive the error."""
    workdir = tmp_path / "cut"
    train.main(arguments(workdir, 40))
    files = sorted((workdir / "checkpoints" / "40").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    files[-1].write_bytes(files[-1].read_bytes()[:100])
    before = sorted(path for path in workdir.rglob("*"))
    done = command("--workdir", workdir, "--resume", "--steps", "80", cwd=tmp_path)
    assert done.returncode == 2
    expected = r"python -m jgan.train: error: the checkpoint .*40 cannot be read, it is damaged .* move that folder away .*\n"
    assert re.fullmatch(expected, done.stderr)
    assert sorted(path for path in workdir.rglob("*")) == before
    (workdir / "checkpoints" / "40").rename(tmp_path / "moved away")
    train.main(["--workdir", str(workdir), "--resume", "--steps", "80"])
    assert int(run.open_run(workdir).restore().step) == 80


def test_errors_are_one_line_and_exit_status_two(tmp_path):
    done = command("mnits", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("python -m jgan.train: error: expected a preset among")


def test_help_names_every_flag_and_preset(capsys):
    with pytest.raises(SystemExit) as leaving:
        train.main(["--help"])
    assert leaving.value.code == 0
    printed = capsys.readouterr().out
    for flag in ("steps", "batch-size", "seed", "workdir", "data-dir", "resume", "parallel", "dry-run"):
        assert f"--{flag}" in printed
    for every in ("log", "sample", "checkpoint", "eval"):
        assert f"--{every}-every" in printed
    for preset in models.presets():
        assert preset in printed


def test_a_new_run_takes_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = train.configuration(["digits"])
    assert train.choose_workdir(config) == Path("runs/digits")
    for folder in ("runs/digits", "runs/digits-2"):
        Path(folder).mkdir(parents=True)
        run.write_config(config, Path(folder))
    assert train.choose_workdir(config) == Path("runs/digits-3")
    assert train.configuration(["digits", "--resume"]).workdir == Path("runs/digits-2")


def test_run_turns_errors_into_one_line(capsys):
    def failing() -> None:
        raise FileNotFoundError(2, "No such file or directory", "x.gz")

    with pytest.raises(SystemExit) as leaving:
        cli.run(failing, "p")
    assert leaving.value.code == 2
    assert capsys.readouterr().err == "p: error: No such file or directory: x.gz\n"


# -------------------------------------------------------------------------------------------------------------- two stages


def test_the_second_stage_of_the_faces_begins_from_the_first(tmp_path, monkeypatch):
    """The grown generator holds the averaged generator of the first run, and its discriminator begins afresh."""
    small = ["--dataset", "digits", "--model.latent-size", "6", "--model.g-units", "8", "8", "--model.d-units", "4"]
    small += ["--model.g-sparse", "3", "--batch-size", "20", "--steps", "20", "--log-every", "10"]
    first, second = tmp_path / "first", tmp_path / "second"
    train.main(["faces48_pretrain", *small, "--workdir", str(first)])
    begun = []

    def recorded(*args, original=loop._initial):
        state, step = original(*args)
        begun.append(jax.tree.map(np.array, state))  # a copy: the first step takes the state's buffers
        return state, step

    monkeypatch.setattr(loop, "_initial", recorded)
    grown = ["--model.under-units", "8", "6", "--model.pretrained", str(first)]
    train.main(["faces48", *small, *grown, "--workdir", str(second)])
    assert int(run.open_run(second).restore().step) == 20
    assert begun[0].step == 0
    expected = optim.ema_params(run.open_run(first).restore().generator)
    jax.tree.map(np.testing.assert_array_equal, begun[0].generator.params["pretrained"], expected)

    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        train.main(["faces48", *small, *grown[:-1], str(tmp_path / "none"), "--workdir", str(tmp_path / "third")])
