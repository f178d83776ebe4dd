"""Runs under faults: damaged checkpoints, other data, edited files, two processes, full disks, signals, closed outputs."""

import dataclasses
import gc
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import jax
import numpy as np
import pytest
from small_runs import SMALL, assert_same_end, small_run, without_clock

from jgan import models, sample, train
from jgan.training import about_file, checkpoint, lock, records, run, stopping
from jgan.training import folder as folders
from jgan.training.journal import Journal, NonFiniteError
from jgan.utils import output


@pytest.fixture(scope="module")
def finished(finished_run) -> Path:
    return finished_run.workdir


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """The finished run of 8 steps, with checkpoints 6 (or the best) and 8."""
    return shutil.copytree(finished, tmp_path / "run")


def resumed(workdir, *more: str) -> None:
    train.main(["--workdir", str(workdir), "--resume", *more])


def edited(workdir: Path, change) -> None:
    path = workdir / records.CONFIG
    record = json.loads(path.read_text())
    change(record["config"])
    path.write_text(json.dumps(record))


# -------------------------------------------------------------------------------------------------- damaged checkpoints


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the storage library's threads, after its errors
@pytest.mark.slow
def test_every_bit_of_a_checkpoint_is_protected(finished, tmp_path):
    """Bits flipped in all files: what is read is right, or the error names the checkpoint."""
    template = run.open_run(finished).template()
    with checkpoint.Checkpoints(finished / "checkpoints", read_only=True) as checkpoints:
        right = [leaf.tobytes() for leaf in jax.tree.leaves(checkpoints.read(8, template).state)]
    work = shutil.copytree(finished / "checkpoints", tmp_path / "checkpoints")
    files = sorted(path for path in (work / "8").rglob("*") if path.is_file() and path.stat().st_size)
    about, largest = work / "8" / about_file.ABOUT / "metadata", max(files, key=lambda path: path.stat().st_size)
    drawn, refused = random.Random(0), set()
    with checkpoint.Checkpoints(work, read_only=True) as checkpoints:
        for path in files * 3 + [largest] * 3:
            before = path.read_bytes()
            bit = drawn.randrange(8 * len(before))
            path.write_bytes(before[: bit // 8] + bytes([before[bit // 8] ^ 1 << bit % 8]) + before[bit // 8 + 1 :])
            message = ""
            try:
                found = checkpoints.read(8, template)
            except ValueError as error:
                message = str(error)
            if message:
                refused.add(path)
                assert str(work / "8") in message
                assert "\n" not in message
            else:
                assert [leaf.tobytes() for leaf in jax.tree.leaves(found.state)] == right, (path, bit)
            path.write_bytes(before)
    assert refused >= {about, largest}  # some bits of the others are never read
    gc.collect()


@pytest.mark.slow
def test_the_score_of_a_checkpoint_is_protected(copy):
    """A changed score would choose another best state."""
    path = copy / "checkpoints" / "8" / about_file.ABOUT / "metadata"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"score": 1e9}))
    with checkpoint.Checkpoints(copy / "checkpoints", read_only=True) as checkpoints:
        assert checkpoints.step("best") != 8 or len(checkpoints.steps()) == 1
        with pytest.raises(ValueError, match=r"checkpoints/8 .*checksum"):
            checkpoints.read(8, run.open_run(copy).template())


def test_the_newest_good_checkpoint_is_used_and_the_bad_one_is_kept(finished, copy, capsys):
    bad = copy / "checkpoints" / "8" / about_file.ABOUT / "metadata"
    content = bad.read_bytes()[:100]
    bad.write_bytes(content)
    with pytest.raises(ValueError, match=r"1 of the . checkpoints in .* are damaged"):
        train.main(["--verify", str(copy)])
    assert "checkpoints/8 cannot be read: it is damaged" in capsys.readouterr().out
    resumed(copy)
    assert_same_end(finished, copy)
    said = capsys.readouterr().out
    assert "warning: the checkpoint" in said
    assert "moved to" in said
    assert (copy / "damaged" / "8" / bad.relative_to(copy / "checkpoints" / "8")).read_bytes() == content
    assert "warning: the checkpoint" in (copy / "log.txt").read_text()
    train.main(["--verify", str(copy)])
    assert "none is damaged" in capsys.readouterr().out


@pytest.mark.slow
def test_a_checkpoint_cut_short_is_one_line_in_a_run_that_goes_on(finished, copy, tmp_path):
    """In a process of its own: the storage library's threads outlive its error."""
    files = sorted((copy / "checkpoints" / "8").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    files[-1].write_bytes(files[-1].read_bytes()[:100])
    ended = child("--workdir", str(copy), "--resume", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("warning: the checkpoint") == 1
    assert_same_end(finished, copy)


def test_a_run_whose_checkpoints_are_all_damaged_is_left_as_it_is(copy):
    for bad in (copy / "checkpoints").glob(f"*/{about_file.ABOUT}/metadata"):
        bad.write_bytes(bad.read_bytes()[:100])
    before = sorted(path.relative_to(copy) for path in (copy / "checkpoints").rglob("*"))
    journal = (copy / "metrics.jsonl").read_text()
    with pytest.raises(ValueError, match=r"none of the . checkpoints in .* can be used: the checkpoint .*8 cannot be read"):
        resumed(copy)
    assert sorted(path.relative_to(copy) for path in (copy / "checkpoints").rglob("*")) == before
    assert (copy / "metrics.jsonl").read_text() == journal


def test_what_only_reads_uses_the_newest_good_checkpoint_too(copy):
    kept = sorted(int(path.name) for path in (copy / "checkpoints").iterdir())[-2]
    bad = copy / "checkpoints" / "8" / about_file.ABOUT / "metadata"
    bad.write_bytes(bad.read_bytes()[:100])
    found = run.open_run(copy).snapshot()
    assert (found.step, int(found.state.step)) == (kept, kept)
    assert "checkpoints/8 cannot be read: it is damaged" in found.damaged[0]
    assert bad.exists()


def test_the_commands_say_which_checkpoint_is_damaged(copy, tmp_path, capsys):
    bad = copy / "checkpoints" / "8" / about_file.ABOUT / "metadata"
    bad.write_bytes(bad.read_bytes()[:100])
    sample.main(["--workdir", str(copy), "--checkpoint", "last", "--out", str(tmp_path / "grid.png")])
    error = capsys.readouterr().err
    assert error.startswith("python -m jgan.sample: warning: the checkpoint")
    assert error.count("\n") == 1
    assert (tmp_path / "grid.png").exists()


def test_damaged_lines_of_the_journal_are_said_to_be_removed(copy, capsys):
    path = copy / "metrics.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0][:20], *lines[1:], "garbage"]))
    resumed(copy)
    assert "warning: 1 damaged lines were removed from" in capsys.readouterr().out
    assert [row["step"] for row in without_clock(copy)] == [4, 6, 8]


def test_a_checkpoint_of_the_version_before_is_read(finished, tmp_path):
    """One without checksums, in that version's layout: Orbax's single unnamed item."""
    import orbax.checkpoint as ocp

    template = run.open_run(finished).template()
    with checkpoint.Checkpoints(finished / "checkpoints", read_only=True) as checkpoints:
        state = checkpoints.read(8, template).state
    with ocp.CheckpointManager(
        tmp_path / "old", options=ocp.CheckpointManagerOptions(best_fn=lambda found: found["score"])
    ) as manager:
        manager.save(3, args=ocp.args.StandardSave(state), metrics={"score": 2.0, "phase": 0})
        manager.wait_until_finished()
    with checkpoint.Checkpoints(tmp_path / "old") as checkpoints:
        found = checkpoints.read(3, template)
        assert not found.verified
        assert checkpoints.step("best") == 3
        for ours, theirs in zip(jax.tree.leaves(found.state), jax.tree.leaves(state), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        checkpoints.save(4, state, score=1.0)
        checkpoints.wait()
        assert checkpoints.step("best") == 3
        assert checkpoints.read(4, template).verified


def test_as_many_checkpoints_are_kept_as_asked_for_and_the_best(tmp_path):
    with checkpoint.Checkpoints(tmp_path, keep=3) as checkpoints:
        for step, score in enumerate([1.0, 9.0, None, 2.0, 3.0, None, 4.0], 1):
            checkpoints.save(step, {"w": np.full(2, step, np.float32)}, score=score)
        checkpoints.wait()
        assert checkpoints.steps() == [2, 5, 6, 7]


def test_a_save_that_fails_is_one_line_and_is_known_without_waiting(tmp_path, monkeypatch):
    with checkpoint.Checkpoints(tmp_path / "c") as checkpoints:
        monkeypatch.setattr(checkpoints, "_write", lambda *args: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        checkpoints.save(1, {"w": np.zeros(2)})
        expected = r"the checkpoint of step 1 cannot be written to .*c: No space left on device"
        with pytest.raises(OSError, match=expected):  # noqa: PT012
            for _ in range(1000):
                checkpoints.check()
                time.sleep(0.01)


# -------------------------------------------------------------------------------------------------- a run that was another


def test_fewer_steps_than_were_made_are_refused(copy):
    before = sorted(path.name for path in (copy / "samples").iterdir())
    with pytest.raises(ValueError, match="is at step 8 already; expected --steps of at least that, found 4"):
        resumed(copy, "--steps", "4")
    assert sorted(path.name for path in (copy / "samples").iterdir()) == before
    assert json.loads((copy / records.CONFIG).read_text())["config"]["steps"] == 8
    resumed(copy)


def test_checkpoints_without_their_configuration_are_not_continued(copy):
    (copy / records.CONFIG).unlink()
    for more in ([], ["--resume"], ["--resume", "auto"]):
        with pytest.raises(ValueError, match=r"holds checkpoints of a run, but no config\.json"):
            train.main(small_run(copy, 8, *more))


def test_the_files_of_another_program_are_not_overwritten(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("hello\n")
    with pytest.raises(ValueError, match=r"holds metrics of a run, but no config\.json"):
        train.main(small_run(tmp_path))
    assert (tmp_path / "metrics.jsonl").read_text() == "hello\n"


def test_a_finished_run_without_its_checkpoints_does_not_start_again(copy):
    for path in (copy / "checkpoints").iterdir():
        shutil.rmtree(path)
    for how in ("yes", "auto"):
        with pytest.raises(ValueError, match="holds a finished run whose checkpoints are missing"):
            train.main(small_run(copy, 8, "--resume", how))


@pytest.mark.slow
def test_a_picture_that_could_not_be_written_is_drawn_when_the_run_goes_on(finished, copy):
    picture = copy / "samples" / "step_00000008.png"
    content = picture.read_bytes()
    picture.unlink()
    resumed(copy, "--steps", "9")
    assert picture.read_bytes() == content


def test_missing_lines_of_the_journal_are_said(copy, capsys):
    path = copy / "metrics.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    resumed(copy)
    assert "had 4 lines at step 8 and has 1 now" in capsys.readouterr().out


def test_the_newest_run_of_a_name_is_found_by_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for age, name in enumerate(["digits-2", "digits", "digits-mnist", "digits-3"]):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / records.CONFIG).touch()
        os.utime(tmp_path / "runs" / name / records.CONFIG, (1000 - age, 1000 - age))
    assert folders.newest("digits") == Path("runs/digits-2")
    assert folders.newest("ring8") is None


def test_a_run_whose_checkpoints_were_moved_away_does_not_start_again(copy):
    before = (copy / "metrics.jsonl").read_text()
    (copy / "checkpoints").rename(copy / "elsewhere")
    with pytest.raises(ValueError, match="whose folder checkpoints/ is missing"):
        resumed(copy)
    assert (copy / "metrics.jsonl").read_text() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(batch_size="100"), "batch_size must be int, found '100'"),
        (lambda c: c.update(batch_size=None), "batch_size must be int, found None"),
        (lambda c: c.update(batch_size=True), "batch_size must be int, found 'True'"),
        (lambda c: c.update(seed=1.5), "seed must be int, found 1.5"),
        (lambda c: c.update(steps=-1), "--steps must be from 1 to 2147483646, found -1"),
        (lambda c: c.update(parallel="gpu"), "parallel must be 'jit' or 'pmap' or 'shard' or 'fsdp', found 'gpu'"),
        (lambda c: c.update(dataset=5), "dataset must be str, found 5"),
        (lambda c: c.update(from_the_future=1), "a run has no option 'from_the_future'"),
        (lambda c: c["model"].update(loss="nosuch"), "unknown loss 'nosuch'"),
        (lambda c: c["model"].update(g_units=128), r"g_units must be tuple\[int, \.\.\.\], found 128"),
        (lambda c: c["model"]["optimizer"].update(learning_rate="high"), "optimizer.learning_rate must be float, found 'high'"),
        (lambda c: c["model"].update(model="nosuch"), "unknown model 'nosuch'"),
        (lambda c: c.update(seed=8), "was changed after the checkpoint of step 8: expected seed 7, found 8"),
        (
            lambda c: c["model"]["optimizer"].update(learning_rate=0.5),
            r"was changed after the checkpoint of step 8: expected model\.optimizer\.learning_rate .*, found 0\.5",
        ),
    ],
)
def test_an_edited_configuration_is_refused_in_one_line(copy, change, message):
    edited(copy, change)
    with pytest.raises(ValueError, match=message) as refused:
        resumed(copy)
    assert "\n" not in str(refused.value)


def test_a_configuration_of_the_version_before_is_migrated(copy):
    path = copy / records.CONFIG
    record = json.loads(path.read_text())
    del record["data"], record["command"]
    for name in ("accept_data", "keep_checkpoints", "on_nonfinite", "time_limit", "compilation_cache", "verify"):
        del record["config"][name]
    path.write_text(json.dumps(record | {"version": 2, "config": record["config"] | {"resume": False}}))
    resumed(copy)


@pytest.mark.parametrize(
    ("before", "after"), [((20.0, 10.0), (10.0, 0.5)), ((10.0, 0.0), (5.0, 0.0)), ((0.0, 0.0), (0.0, 0.0)), ((0.0, 1.0), None)]
)
def test_the_weights_of_a_cyclegan_of_the_version_before_keep_their_meaning(tmp_path, before, after):
    """They counted distances of images in [0, 1], and now of images in [-1, 1], which are twice as large."""
    fields = dataclasses.asdict(models.presets()["cyclegan"].config)
    fields |= {"model": "cyclegan", "cycle_weight": before[0], "identity_weight": before[1]}
    spec = records.spec_to_dict(models.MODELS["cyclegan"].small_spec)
    run = {"preset": "cyclegan", "dataset": "inverted:digits", "batch_size": 8, "steps": 10, "workdir": str(tmp_path)}
    (tmp_path / records.CONFIG).write_text(json.dumps({"version": 3, "config": run | {"model": fields}, "spec": spec}))
    if after is None:
        with pytest.raises(ValueError, match="without the cycle loss cannot be continued"):
            records.read(tmp_path)
    else:
        config = records.read(tmp_path).config.model
        assert (config.cycle_weight, config.identity_weight) == after


@pytest.mark.slow
def test_other_data_are_refused(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)

    def started(images, *more):
        np.savez(tmp_path / "data.npz", x=images)
        data = ("--dataset", "npz", "--data-dir", str(tmp_path / "data.npz"), "--metric", "kid", "--extractor", "pixels")
        train.main(small_run(tmp_path / "run", 2, *data, "--eval-every", "0", *more))

    started(images)
    other = images.copy()
    other[0, 0, 0] ^= 1
    for changed, name in ((other, "train.x"), (images[:54], "train.x")):
        with pytest.raises(ValueError, match=rf"holds a run on other data: expected {name} to be 40 of"):
            started(changed, "--resume", "--steps", "4")
    started(other, "--resume", "--steps", "4", "--accept-data")
    assert int(run.open_run(tmp_path / "run").restore().step) == 4


@pytest.mark.slow
def test_where_a_run_is_executed_may_change(finished, copy, capsys):
    """Four simulated devices instead of one: said, and equal to rounding after a step."""
    resumed(copy, "--steps", "9", "--parallel", "pmap")
    assert "trained on 1 device (jit) until step 8, now on 4 devices (pmap)" in capsys.readouterr().out
    alone = shutil.copytree(finished, copy.parent / "alone")
    resumed(alone, "--steps", "9")
    ours, theirs = (jax.tree.leaves(run.open_run(workdir).restore()) for workdir in (copy, alone))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_resume_auto_starts_a_run_or_goes_on_with_it(finished, tmp_path):
    train.main(small_run(tmp_path / "auto", 4, "--resume", "auto"))
    train.main(small_run(tmp_path / "auto", 8, "--resume", "auto"))
    assert_same_end(finished, tmp_path / "auto")


# -------------------------------------------------------------------------------------------------- two processes


def test_a_folder_belongs_to_one_process(copy, monkeypatch):
    with lock.held(copy), pytest.raises(ValueError, match=rf"is in use: process {os.getpid()} on .* trains in it since"):
        resumed(copy)
    (copy / lock.OWNER).write_text(json.dumps({"host": socket.gethostname(), "process": 1, "since": "then"}))
    resumed(copy)  # left by a process that was killed: the system's lock went with it
    assert not (copy / lock.OWNER).exists()


def test_a_refused_process_leaves_the_other_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SIGN_OF_LIFE", 0.1)
    with lock.held(tmp_path) as held:
        elsewhere = lock.owner(tmp_path) | {"host": "elsewhere"}
        (tmp_path / lock.OWNER).write_text(json.dumps(elsewhere))
        with pytest.raises(ValueError, match="is in use"), lock.held(tmp_path):
            pass
        held._checked -= 2
        held.check()
        (tmp_path / lock.OWNER).write_text(json.dumps(elsewhere | {"token": "other"}))
        held._checked -= 2
        with pytest.raises(OSError, match=r"is in use twice: process .* on elsewhere"):
            held.check()
    assert lock.owner(tmp_path)["token"] == "other"  # what another process wrote is not removed


def test_a_lock_that_another_host_cannot_see_is_known_by_its_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SIGN_OF_LIFE", 0.1)
    owner = tmp_path / lock.OWNER
    owner.write_text(json.dumps({"host": "elsewhere", "process": 1, "since": "then"}))
    stop = threading.Event()
    beat = threading.Thread(target=lock._beat, args=(owner, stop))
    beat.start()
    with pytest.raises(ValueError, match="process 1 on elsewhere"), lock.held(tmp_path):
        pass
    stop.set()
    beat.join()
    with lock.held(tmp_path):
        assert lock.owner(tmp_path)["process"] == os.getpid()


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def unsupported(self, **options):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(filelock.FileLock, "acquire", unsupported)
    with lock.held(tmp_path) as held:
        assert lock.owner(tmp_path)["token"] == held.token
    assert lock.owner(tmp_path) == {}


def test_a_run_notices_that_its_folder_is_gone(tmp_path, monkeypatch):
    workdir = tmp_path / "run"
    workdir.mkdir()
    with lock.held(workdir) as held:
        held.check()
        workdir.rename(tmp_path / "moved")
        monkeypatch.setattr(time, "monotonic", lambda: held._checked + 2)
        with pytest.raises(OSError, match="was removed, moved or replaced"):
            held.check()


# -------------------------------------------------------------------------------------------------- leaving early


@pytest.mark.slow
def test_a_line_that_was_begun_before_a_checkpoint_is_finished_after_it(tmp_path):
    """The means of a resumed run are over the whole interval, bit for bit: checkpoints at 3, 6; lines at 5, 10."""
    often = (
        "--keep-checkpoints",
        "9",
        "--log-every",
        "5",
        "--checkpoint-every",
        "3",
        "--sample-every",
        "0",
        "--eval-every",
        "0",
    )
    train.main(small_run(tmp_path / "whole", 10, *often))
    shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    for step in (6, 9, 10):  # as after a kill at step 4
        shutil.rmtree(tmp_path / "parts" / "checkpoints" / str(step))
    resumed(tmp_path / "parts")
    assert without_clock(tmp_path / "whole") == without_clock(tmp_path / "parts")


@pytest.mark.slow
def test_the_time_limit_saves_and_leaves_with_status_0(finished, tmp_path, capsys):
    with pytest.raises(stopping.Stopped) as leaving:
        train.main(small_run(tmp_path / "run", 8, "--time-limit", "0.0001"))
    assert leaving.value.code == 0
    said = capsys.readouterr().out
    assert "time limit: stopped at step 2, saved; continue with: python -m jgan.train --workdir" in said
    resumed(tmp_path / "run")
    assert_same_end(finished, tmp_path / "run")


def test_a_run_that_is_asked_to_leave_saves_though_nothing_was_due(tmp_path, capsys):
    never = ("--checkpoint-every", "0", "--eval-every", "0", "--sample-every", "0", "--log-every", "1000")
    with pytest.raises(stopping.Stopped):
        train.main(small_run(tmp_path / "run", 1000, *never, "--time-limit", "0.0001"))
    (step,) = re.findall(r"stopped at step ([\d,]+), saved; .* --time-limit 0.0001", capsys.readouterr().out)
    assert (tmp_path / "run" / "checkpoints" / step.replace(",", "")).is_dir()


def test_the_time_limit_counts_from_the_start_of_the_run():
    """Compilation and the reading of the data are in it: a scheduler's clock has been running since then."""
    now = time.monotonic()
    with stopping.requests(1.0, since=now - 61) as late, stopping.requests(1.0, since=now - 30) as early:
        assert (late.reason(), early.reason()) == ("time limit", "")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_the_signals_of_schedulers_are_treated_alike(name):
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL if name != "SIGINT" else signal.default_int_handler)  # under nohup, HUP is ignored
    with stopping.requests() as found:
        assert found.reason() == ""
        os.kill(os.getpid(), number)
        assert (found.reason(), found.code) == (f"signal {name}", 128 + number)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_a_signal_that_is_ignored_stays_ignored():
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.requests() as found:
            os.kill(os.getpid(), signal.SIGHUP)
            assert found.reason() == ""
    finally:
        signal.signal(signal.SIGHUP, before)


# -------------------------------------------------------------------------------------------------- values that are not finite

DIVERGING = ("--model.optimizer.learning-rate", "1e38", "--checkpoint-every", "2")


@pytest.mark.slow
def test_divergence_before_the_first_checkpoint_says_that_there_is_none(tmp_path):
    with pytest.raises(ValueError, match="there is no checkpoint before it"):
        train.main(small_run(tmp_path / "run", 8, *DIVERGING))


@pytest.mark.slow
def test_rollbacks_are_counted_and_end(tmp_path, capsys, monkeypatch):
    from jgan.training import loop

    monkeypatch.setattr(loop, "MOST_ROLLBACKS", 2)
    with pytest.raises(ValueError, match="after 2 rollbacks"):
        train.main(small_run(tmp_path / "run", 8, *DIVERGING, "--on-nonfinite", "rollback"))
    assert capsys.readouterr().out.count("back to step 0, with other random numbers") == 2


@pytest.mark.slow
def test_a_rollback_goes_on_from_the_checkpoint_with_other_random_numbers(copy, monkeypatch, capsys):
    original, failed = Journal.check, []

    def once(self, step):
        original(self, step)
        if not failed and step >= 12:
            failed.append(step)
            raise NonFiniteError("d_loss is nan at step 12")

    monkeypatch.setattr(Journal, "check", once)
    other = shutil.copytree(copy, copy.parent / "other")
    resumed(copy, "--steps", "14", "--on-nonfinite", "rollback")
    assert "d_loss is nan at step 12: back to step 10, with other random numbers (rollback 1)" in capsys.readouterr().out
    assert [row["step"] for row in without_clock(copy)] == [2, 4, 6, 8, 10, 12, 14]
    resumed(other, "--steps", "14")
    assert without_clock(copy)[:5] == without_clock(other)[:5]
    assert without_clock(copy)[5] != without_clock(other)[5]


@pytest.mark.slow
def test_an_interruption_does_not_change_where_a_rollback_returns_to(tmp_path, monkeypatch):
    """A checkpoint that was written only because the run was stopped is no place to return to."""
    original = Journal.check

    def failing(self, step):
        original(self, step)
        if step == 7 and not (tmp_path / "failed").exists():
            (tmp_path / "failed").touch()
            raise NonFiniteError("d_loss is nan at step 7")

    often = ("--log-every", "1", "--checkpoint-every", "4", "--eval-every", "0", "--sample-every", "0")
    monkeypatch.setattr(Journal, "check", failing)
    train.main(small_run(tmp_path / "whole", 8, *often, "--on-nonfinite", "rollback"))
    (tmp_path / "failed").unlink()
    calls = itertools.count(1)
    with monkeypatch.context() as patch:
        patch.setattr(stopping.Requests, "reason", lambda self: "signal" if next(calls) == 5 else "")
        with pytest.raises(stopping.Stopped):
            train.main(small_run(tmp_path / "parts", 8, *often, "--on-nonfinite", "rollback"))
    assert (tmp_path / "parts" / "checkpoints" / "5").is_dir()
    resumed(tmp_path / "parts")
    assert_same_end(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.slow
def test_skipped_updates_are_counted_and_leave_the_state_alone(tmp_path):
    train.main(small_run(tmp_path / "run", 8, *DIVERGING, "--on-nonfinite", "skip"))
    rows = without_clock(tmp_path / "run")
    assert sum(row["skipped"] for row in rows) > 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.open_run(tmp_path / "run").restore()))


# -------------------------------------------------------------------------------------------------- outputs, absurd numbers


def child(*args: str, cwd: Path, shell: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "jgan.train", *map(str, args)]
    given = {**os.environ, **environment}
    if shell:
        line = ["bash", "-o", "pipefail", "-c", f'"$@" {shell}', "bash", *line]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=300, env=given)


TINY = ("pattern1010", "--steps", "4", "--log-every", "2", "--eval-every", "2", "--sample-every", "0")


@pytest.mark.slow
def test_a_reader_that_leaves_costs_nothing(tmp_path):
    ended = child(*TINY, "--workdir", "run", cwd=tmp_path, shell="| head -1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "run" / "summary.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("shell", [">/dev/full", ">&-", "2>&-", "</dev/null >/dev/null 2>&1"])
def test_closed_and_full_outputs_cost_nothing(tmp_path, shell):
    ended = child(*TINY, "--workdir", "run", cwd=tmp_path, shell=shell)
    assert ended.returncode == 0
    assert (tmp_path / "run" / "summary.json").exists()


@pytest.mark.slow
def test_letters_that_the_terminal_lacks_cost_nothing(tmp_path):
    ended = child(*TINY, "--workdir", "ünï 图", cwd=tmp_path, PYTHONIOENCODING="cp1252", HOME="/nonexistent")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "ünï 图" / "summary.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["cuda", "nonsense"])
def test_a_platform_that_is_not_there_is_one_line(tmp_path, platform):
    ended = child(*TINY, "--workdir", "run", cwd=tmp_path, JAX_PLATFORMS=platform)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "expected JAX_PLATFORMS to be one of cpu" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.5, 0.8, 1.6, 3.2])
def test_a_ctrl_c_at_the_start_is_one_line(tmp_path, wait):
    line = [sys.executable, "-m", "jgan.train", *TINY, "--workdir", "run"]
    begun = subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(wait)
    begun.send_signal(signal.SIGINT)
    _, errors = begun.communicate(timeout=120)
    assert begun.returncode in (130, -2, 0)
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seed", "4294967296"], "--seed must be from 0 to 4294967295"),
        (["--seed", "99999999999999999999"], "--seed must be from 0 to 4294967295"),
        (["--steps", "2147483647"], "--steps must be from 1 to 2147483646"),
        (["--workdir", ""], "--workdir is empty"),
        (["--workdir="], "--workdir is empty"),
        (["--stps", "10"], r"--stps, did you mean --steps\?"),
        (["--time-limit", "nan"], "--time-limit must be a number of minutes, at least 0, found nan"),
        (["--workdir", "~no-such-user/run"], "found an unknown one"),
        (["--model.g-units", "10000000", "10000000"], "give a smaller model: for its state: about .* of memory are needed"),
        (["--keep-checkpoints", "0"], "--keep-checkpoints must be at least 1"),
        (["--model.g-units", "0"], "--model.g-units must be at least 1, found 0"),
        (["--batch-size", "1000000000000"], "--batch-size must be at most"),
        (["--resume", "perhaps"], "expected one preset"),
        (["--held-out", "1" + "0" * 30], "--held-out must be from 0 to"),
        (
            ["--eval-samples", "1000000000000"],
            r"--eval-samples 1,000,000,000,000: choose a smaller number: about .* are needed",
        ),
        (["--model.optimizer.learning-rate", "-1"], "--model.optimizer.learning-rate must be at least 0, found -1.0"),
        (["--model.g-irange", "nan"], "--model.g-irange must be a finite number, found nan"),
    ],
)
def test_absurd_values_are_refused_before_anything_is_made(tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message) as refused:
        train.main(["digits", *SMALL, *flags])
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_samples_that_no_measure_draws_need_no_memory(capsys):
    """A translation or an enlargement is measured on the test images."""
    train.main(["pix2pix", "--model.optimizer.name", "sgd", "--eval-samples", "1000000000000", "--dry-run"])
    assert "parameters" in capsys.readouterr().out


def test_a_weight_below_0_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^--model\.class-weight must be at least 0, found -1\.0$"):
        train.main(["acgan", "--model.class-weight", "-1", "--workdir", str(tmp_path / "run")])
    assert not list(tmp_path.iterdir())


def test_a_folder_whose_name_cannot_be_stored_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"a name in UTF-8, found b'.*bad.xffname'; give another --workdir"):
        train.main(["digits", *SMALL, "--workdir", os.fsdecode(bytes(tmp_path) + b"/bad\xffname")])
    assert not list(tmp_path.iterdir())


def test_two_misspelt_flags_are_each_named_whole():
    """One is the beginning of what is suggested for the other."""
    with pytest.raises(ValueError, match=r"--model.optimizer.d-learning-rate\? 3, --model.optimizer, did you mean"):
        train.main(["ring8", "--model.learning-rate", "3", "--model.optimizer", "sgd"])


def test_a_data_set_given_as_a_preset_is_named():
    with pytest.raises(ValueError, match="folder is a data set: give --dataset folder, and a preset from"):
        train.main(["folder", "--data-dir", "photos"])


def test_output_that_cannot_be_written_is_dropped(capsys):
    class Full:
        encoding = "ascii"

        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            raise OSError(28, "No space left on device")

    stream = output.Tolerant(Full())
    print("a", file=stream)
    stream.flush()
    assert isinstance(stream.failure, OSError)
    missing = output.Tolerant(None)
    print("a", file=missing)
    assert missing.failure is not None


def test_the_folder_of_a_run_tells_how_it_was_made(finished):
    record = json.loads((finished / records.CONFIG).read_text())
    assert record["command"]
    assert record["data"]["train.x"]["shape"] == [8, 8, 1]
    log = (finished / "log.txt").read_text()
    assert "on 1 x cpu" in log
    assert "compiling the training step" in log
    assert folders.name_of("digits", "mnist") == "digits-mnist"


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(tmp_path):
    """A limit on the size of a file, in kilobytes, stands for the disk: checkpoints fail, smaller files do not."""
    given = small_run("run", 8, "--sample-every", "0", "--model.g-units", "64", "64")
    line = ["bash", "-c", "ulimit -f 20; trap '' XFSZ; exec \"$@\"", "bash", sys.executable, "-m", "jgan.train", *given]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 2
    assert re.fullmatch(
        r"python -m jgan\.train: error: the checkpoint of step 2 cannot be written to .*: File too large\n", ended.stderr
    )
    train.main([*small_run(tmp_path / "whole", 8, *given[len(small_run("run")) :])])
    resumed(tmp_path / "run")
    assert_same_end(tmp_path / "whole", tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("steps", ["2", "3"])
def test_a_restorer_may_be_tried_for_fewer_steps_than_its_prior_needs(tmp_path, monkeypatch, capsys, steps):
    model = models.MODELS["gfpgan"]
    preset = model.presets["gfpgan"]
    config = dataclasses.replace(model.small(preset.config), prior_steps=3)
    monkeypatch.setitem(model.presets, "gfpgan", preset._replace(config=config))
    flags = ["--batch-size", "4", "--eval-samples", "50", "--steps", steps, "--workdir", str(tmp_path / "run")]
    train.main(["gfpgan", *flags])
    assert "the run ended before its second phase, which restores: give it more --steps" in capsys.readouterr().out
