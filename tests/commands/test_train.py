"""`python -m jgan.train`, end to end: what it writes, that it resumes exactly, what it says of bad input."""

import dataclasses
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from small_runs import SMALL, assert_same_end, small_run

from jgan import fsdp, models, optim, parallel, train
from jgan.training import api, custom, folder, journal, log, loop, programs, records, resuming, run
from jgan.utils import cli

KILLS = [2]
if "JGAN_TEST_KILLS" in os.environ:
    KILLS = [int(os.environ["JGAN_TEST_KILLS"])]
"""how often a run is killed in the test of kill -9"""


def command(*args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "jgan.train", *map(str, args)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def finished(finished_run) -> Path:
    return finished_run.workdir


def copied(finished: Path, place: Path, step: int) -> Path:
    """The folder as it was after a step with a checkpoint."""
    workdir = shutil.copytree(finished, place)
    for path in (workdir / "checkpoints").iterdir():
        if path.name.isdigit() and int(path.name) > step:
            shutil.rmtree(path)
    (workdir / "summary.json").unlink()
    return workdir


def test_the_folder_of_a_run(finished):
    rows = journal.rows(finished)
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    for row in rows:
        assert {"d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "images_per_second"} <= row.keys()
        assert "phase" not in row  # there is only one
    assert [row["step"] for row in rows if "validation_log_likelihood" in row] == [4, 8]
    pictures = sorted(path.name for path in (finished / "samples").iterdir())
    assert pictures == ["step_00000004.png", "step_00000008.png"]
    for name in (*(f"samples/{picture}" for picture in pictures), "nearest.png", "interpolation.png", "curves.png"):
        with Image.open(finished / name) as image:
            assert min(image.size) > 200
            assert np.asarray(image).std() > 1
    config = json.loads((finished / "config.json").read_text())
    assert config["config"]["steps"] == 8
    assert config["config"]["model"]["g_units"] == [16]
    assert config["environment"]["packages"]["jax"] == jax.__version__
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["last"] == rows[-1]
    assert np.isfinite(summary["log_likelihood"]["mean"])


def test_the_best_and_the_last_checkpoint_are_kept(finished):
    scores = {row["step"]: row["validation_log_likelihood"] for row in journal.rows(finished) if "spread" in row}
    opened = run.open_run(finished)
    assert opened.config.model.g_units == (16,)
    assert int(opened.restore("last").step) == 8
    assert int(opened.restore("best").step) == max(scores, key=scores.__getitem__)


def test_the_same_command_gives_the_same_run(finished, tmp_path):
    train.main(small_run(tmp_path / "again"))
    assert_same_end(finished, tmp_path / "again")


def test_a_run_that_was_stopped_and_resumed_ends_like_one_that_was_not(finished, tmp_path, monkeypatch):
    """The signal comes in the middle; the run saves, leaves, and goes on with no flag but the folder's."""
    workdir, original, calls = tmp_path / "stopped", loop.events, []

    def events_then_signal(*args, **options):
        original(*args, **options)
        calls.append(None)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "events", events_then_signal)
        with pytest.raises(SystemExit) as leaving:
            train.main(small_run(workdir))
    assert leaving.value.code == 128 + signal.SIGTERM
    assert 0 < int(run.open_run(workdir).restore().step) < 8
    train.main(["--workdir", str(workdir), "--resume"])
    assert_same_end(finished, workdir)


def test_a_run_goes_on_beyond_its_first_end(finished, tmp_path):
    train.main(small_run(tmp_path / "longer", 4))
    train.main(["--resume", "--steps", "8", "--workdir", str(tmp_path / "longer")])
    assert run.open_run(tmp_path / "longer").config.steps == 8
    assert_same_end(finished, tmp_path / "longer")


@pytest.mark.weekly
@pytest.mark.parametrize("kills", KILLS)
def test_kill_minus_nine_at_random_moments(tmp_path, kills):
    """Killed again and again, each time at another moment from the start of Python on; then left to finish."""
    moments, often = random.Random(kills), ["--eval-every", "0", "--sample-every", "0"]
    whole, workdir = tmp_path / "whole", tmp_path / "killed"
    started = time.monotonic()
    train.main([*small_run(whole, 100), *often])
    span = time.monotonic() - started
    for _ in range(kills):
        resume = ["--resume"] if (workdir / "config.json").exists() else []
        line = [sys.executable, "-m", "jgan.train", *small_run(workdir, 100), *often, *resume]
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not any((workdir / "checkpoints").glob("[0-9]*")):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.2) * span)
        process.kill()
        process.wait()
    train.main(["--workdir", str(workdir), "--resume"])
    assert_same_end(whole, workdir)


@pytest.mark.parametrize("mode", ["pmap", "shard"])
@pytest.mark.slow
def test_four_devices_agree_with_one(finished, tmp_path, mode):
    train.main(small_run(tmp_path / mode, 4, "--parallel", mode))
    ours, theirs = journal.rows(tmp_path / mode), journal.rows(finished)[:2]
    for a, b in zip(ours, theirs, strict=True):
        assert abs(a["d_loss"] - b["d_loss"]) < 1e-5
        assert abs(a["g_loss"] - b["g_loss"]) < 1e-5


WIDE = ["--model.g-units", "128", "128"]


@pytest.mark.slow
def test_a_run_whose_state_is_spread_is_that_of_one_device(tmp_path, capsys):
    """To rounding; its checkpoints are whole, and another mode goes on from them."""
    train.main(small_run(tmp_path / "one", 8, *WIDE))
    train.main(small_run(tmp_path / "spread", 4, *WIDE, "--parallel", "fsdp"))
    assert "on 4 x cpu" in capsys.readouterr().out
    shutil.copytree(tmp_path / "spread", tmp_path / "whole")
    train.main(["--workdir", str(tmp_path / "spread"), "--resume", "--steps", "8"])
    train.main(["--workdir", str(tmp_path / "whole"), "--resume", "--steps", "8", "--parallel", "jit"])
    ours = jax.tree.leaves(run.open_run(tmp_path / "one").restore())
    for name in ("spread", "whole"):
        for a, b in zip(ours, jax.tree.leaves(run.open_run(tmp_path / name).restore()), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_the_steps_of_such_a_run_get_and_give_a_spread_state(tmp_path):
    made = api.run_config(custom.choose("digits"), None, {"parallel": "fsdp", "devices": 2, "batch_size": 20})
    here = run.assemble(made, tmp_path, custom.choose("digits").model)
    state = programs.placed(here, jax.jit(here.gan.init)(jax.random.key(0)))
    kernels = [leaf for leaf in jax.tree.leaves(state.generator) if leaf.size >= fsdp.SMALLEST]
    assert kernels
    assert not any(leaf.is_fully_replicated for leaf in kernels)
    data = parallel.replicate(here.dataset.train, jax.devices()[:2])
    after, _ = programs.compiled_step(here, 2)(programs.step_key(here), state, data)
    placed = fsdp.shardings(here.template(), jax.devices()[:2])
    assert all(jax.tree.leaves(jax.tree.map(lambda leaf, at: leaf.sharding.is_equivalent_to(at, leaf.ndim), after, placed)))


def test_dry_run_writes_nothing(tmp_path, capsys):
    train.main(small_run(tmp_path / "none", 80, "--dry-run"))
    printed = capsys.readouterr().out
    # 100 x 16 + 16 + 16 x 64 + 64 and 64 x 40 + 40 + 8 + 1
    assert "2,704 parameters" in printed
    assert "2,609 parameters" in printed
    assert re.search(r"model\.ema\.decay +0\.999", printed)
    assert not (tmp_path / "none").exists()


def test_a_nan_stops_the_run_and_keeps_the_last_good_checkpoint(finished, tmp_path, monkeypatch):
    workdir = copied(finished, tmp_path / "nan", 8)
    monkeypatch.setattr(resuming, "last_state", _with_a_nan(resuming.last_state))
    with pytest.raises(ValueError, match=r"d_loss is nan at step 9; the checkpoint of step 8 is kept"):
        train.main(["--workdir", str(workdir), "--resume", "--steps", "16"])
    assert int(run.open_run(workdir).restore().step) == 8


def _with_a_nan(restored):
    def poisoned(*args):
        state, step, extra = restored(*args)
        params = jax.tree.map(lambda leaf: leaf.at[0].set(np.nan), state.discriminator.params)
        return state._replace(discriminator=state.discriminator._replace(params=params)), step, extra

    return poisoned


# -------------------------------------------------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    "argv",
    [
        ["mnist", "--steps", "7", "--model.g-units", "3", "4", "--resume"],
        ["--steps", "7", "mnist", "--model.g-units", "3", "4", "--resume"],
        ["--resume", "mnist", "--steps=7", "--model.g-units", "3", "4"],
        ["--model.g-units", "3", "4", "mnist", "--resume", "--steps", "7"],
    ],
)
def test_words_and_flags_in_any_order(argv):
    word, rest = train.split(argv)
    assert word == "mnist"
    assert [argument for argument in rest if argument != "yes"] == [argument for argument in argv if argument != "mnist"]
    assert rest[rest.index("--resume") + 1] == "yes"


def test_without_arguments_the_digits_are_trained(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["jgan.train"])
    assert train.split([]) == ("", [])
    config = train.configuration([])
    assert (config.preset, config.dataset, config.resume, config.steps) == ("digits", "digits", "no", 12_000)


def test_the_value_of_a_flag_is_no_preset():
    assert train.split(["--dataset", "mnist", "digits"]) == ("digits", ["--dataset", "mnist"])
    assert train.split(["--seed", "-3"]) == ("", ["--seed", "-3"])
    config = train.configuration(["--dataset", "fashion_mnist", "mnist", "--model.ema.decay", "0.5"])
    assert (config.preset, config.dataset, config.model.ema.decay) == ("mnist", "fashion_mnist", 0.5)
    with pytest.raises(ValueError, match="expected one preset, found digits and mnist"):
        train.split(["digits", "--resume", "mnist"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["mnits"], r"unknown preset 'mnits', did you mean 'mnist'\? Known are"),
        (["digits", "--stepz", "5"], r"--stepz"),
        (["digits", "--steps", "many"], r"--steps.*'many'"),
        (["digits", "--steps", "0"], r"--steps must be from 1 to 2147483646, found 0"),
        (["digits", "--batch-size", "100000"], r"--batch-size must be at most the 1204 training examples of digits, found"),
        (["digits", "--parallel", "tpu"], r"--parallel.*"),
        (["digits", "--parallel", "pmap", "--devices", "99"], r"--devices must be at most the 4 .* found 99"),
        (["digits", "--parallel", "shard", "--batch-size", "10"], r"must be a multiple of the 4 devices, found 10"),
        (["digits", "--metric", "fidd"], r"--metric: unknown metric 'fidd', did you mean 'fid'"),
        (["digits", "--extractor", "inceptoin"], r"--extractor: unknown extractor 'inceptoin', did you mean 'inception'"),
        (["digits", "--model.loss", "hing"], r"unknown loss 'hing', did you mean 'hinge'"),
        (["digits", "--dataset", "no_such_set"], r"no_such_set"),
        (["digits", "--dataset", "ring8"], r"this model is for images, found points of 2 .*: choose another --dataset"),
        (["ring8", "--dataset", "digits"], r"this model is for points, found images of 8x8x1 .*: choose another --dataset"),
        (["digits", "--resume"], r"--resume: .* holds no run; leave the flag out to start one"),
        (["mnist", "--data-dir", "no/such/folder"], r"no/such/folder"),
    ],
)
def test_bad_flags(flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=message):
        train.main(flags)
    assert list(tmp_path.iterdir()) == []


UNFIT = "the model does not fit the data or its options"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["cyclegan_mnist", "--dataset", "inverted:digits"], f"{UNFIT}: PatchDiscriminator takes images .*, found 8x8"),
        (["cifar10_conv", "--dataset", "digits"], f"{UNFIT}: the pooling window must fit .*, found a window of 4 on 3x3"),
        (["cyclegan", "--model.pool-size", "-1"], r"--model\.pool-size must be at least 0, found -1"),
        (["digits", "--model.latent-size", "-1"], r"--model\.latent-size must be at least 1, found -1"),
        (["digits", "--model.latent-size", "-1", "--dry-run"], r"--model\.latent-size must be at least 1, found -1"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_a_folder_is_made(flags, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: train.main(flags), train.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"python -m jgan.train: error: {message}.*\n", error)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_run_is_not_touched(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    with pytest.raises(ValueError, match=r"already holds a run; give --resume"):
        train.main(small_run(finished))
    with pytest.raises(ValueError, match=r"holds a run with other options: expected --seed 7, found 8"):
        train.main(["--workdir", str(finished), "--resume", "--seed", "8"])
    with pytest.raises(ValueError, match=r"holds a run of digits, found mnist"):
        train.main(["mnist", "--workdir", str(finished), "--resume"])
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match=r"cannot be made: .*; give another --workdir"):
        train.main(small_run(tmp_path / "file" / "run"))
    assert (tmp_path / "file").read_text() == "not a folder"


def test_help_names_every_flag_group_and_preset(capsys):
    with pytest.raises(SystemExit) as leaving:
        train.main(["--help"])
    assert leaving.value.code == 0
    printed = capsys.readouterr().out
    for flag in ("steps", "batch-size", "seed", "workdir", "data-dir", "resume", "parallel", "dry-run", "model.ema.decay"):
        assert f"--{flag}" in printed
    for every in ("log", "sample", "checkpoint", "eval"):
        assert f"--{every}-every" in printed
    for group in ("model options", "model.rule options", "model.ema options"):
        assert group in printed
    for preset in models.presets():
        assert preset in printed


def test_a_new_run_takes_a_new_folder(finished_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = train.configuration(["digits"])
    assert folder.choose(config) == Path("runs/digits")
    for place in ("runs/digits", "runs/digits-2"):
        Path(place).mkdir(parents=True)
        records.write(Path(place), config, finished_run.spec, finished_run.model)
    assert folder.choose(config) == Path("runs/digits-3")
    assert train.configuration(["digits", "--resume"]).workdir == Path("runs/digits-2")
    assert folder.choose(train.configuration(["digits", "--dataset", "inverted:mnist"])) == Path("runs/digits-inverted-mnist")


def test_two_runs_started_at_once_take_two_folders(tmp_path, monkeypatch):
    """The second one has chosen the same name, and finds the folder made when it comes to make it."""
    monkeypatch.chdir(tmp_path)
    config = train.configuration(["digits", *SMALL])
    chosen = folder.choose(config)
    with folder.opened(config, chosen, models.find(config.model)) as first:
        with folder.opened(config, chosen, models.find(config.model)) as second:
            assert (first.workdir, second.workdir) == (Path("runs/digits"), Path("runs/digits-2"))
        given = dataclasses.replace(config, workdir=chosen)
        with pytest.raises(ValueError, match=r"holds a run"), folder.opened(given, chosen, models.find(config.model)):
            pass


def test_ctrl_c_while_a_compiled_module_is_imported_is_not_an_error_of_the_import(capsys):
    """Such a module reports its interrupted initialisation as an ImportError."""

    def importing() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None

    with pytest.raises(SystemExit) as leaving:
        cli.run(importing, "a command")
    assert leaving.value.code == 130
    assert capsys.readouterr().err == "a command: stopped\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_full_disk_is_reported_with_the_name_of_the_file(tmp_path):
    written, lines = log.Log(tmp_path), journal.Journal(tmp_path, 0, None)
    for name, write in (
        (log.LOG, lambda: written.write("a line")),
        (journal.METRICS, lambda: lines.write(1, {"fid": 1.0})),
    ):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left") as failed:
            write()
        assert failed.value.filename == str(tmp_path / name)


def test_errors_are_one_line_and_exit_status_two(capsys):
    def failing() -> None:
        raise FileNotFoundError(2, "No such file or directory", "x.gz")

    for main, line in (
        (failing, "p: error: No such file or directory: x.gz\n"),
        (lambda: train.main(["mnits"]), "p: error: unknown preset 'mnits', did you mean 'mnist'? Known are"),
    ):
        with pytest.raises(SystemExit) as leaving:
            cli.run(main, "p")
        assert leaving.value.code == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(line)
        assert printed.err.count("\n") == 1


# -------------------------------------------------------------------------------------------------------------- two phases


@pytest.mark.slow
def test_the_faces_are_one_run_of_two_phases_resumed_across_the_boundary(tmp_path, monkeypatch):
    """The grown generator takes over the averaged one of the first phase; stopped before the boundary, it ends the same."""
    small = ["--dataset", "digits", "--model.latent-size", "6", "--model.g-units", "8", "8", "--model.d-units", "4"]
    small += ["--model.g-sparse", "3", "--model.under-units", "8", "6", "--model.pretrain-steps", "3", "--batch-size", "20"]
    small += ["--log-every", "1", "--eval-every", "0", "--sample-every", "0", "--eval-samples", "50"]
    entered = []

    def recorded(run, previous, original=resuming.entered):
        state = original(run, previous)
        if previous is not None:
            entered.append((optim.ema_params(previous.generator), jax.tree.map(np.array, state)))
        return state

    monkeypatch.setattr(resuming, "entered", recorded)
    for name, lengths in (("whole", [5]), ("parts", [2, 5])):
        for steps in lengths:
            resume = ["--resume"] if steps != lengths[0] else []
            train.main(["faces48", *small, "--steps", str(steps), "--workdir", str(tmp_path / name), *resume])
    assert len(entered) == 2
    for expected, state in entered:
        assert state.step == 0
        jax.tree.map(np.testing.assert_array_equal, state.generator.params["pretrained"], expected)
    ours, theirs = (jax.tree.leaves(run.open_run(tmp_path / name).restore()) for name in ("whole", "parts"))
    for a, b in zip(ours, theirs, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
