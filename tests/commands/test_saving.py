"""What a run saves, when, and that records which were emptied or replaced are noticed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import small_run

from jgan import sample, train
from jgan.training import checkpoint, evaluators, folder, journal, lock, loop, report, resuming, run


@pytest.fixture(scope="module")
def finished(finished_run) -> Path:
    return finished_run.workdir


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """The finished run of 8 steps, with checkpoints 6 (or the best) and 8."""
    return shutil.copytree(finished, tmp_path / "run")


def resumed(workdir, *more: str) -> None:
    train.main(["--workdir", str(workdir), "--resume", *more])


# ----------------------------------------------------------------------------------------- what a run saves, and when


def test_the_state_is_saved_before_anything_is_shown(tmp_path, monkeypatch):
    happened, save, show = [], checkpoint.Checkpoints.save, report.show

    def saved(self, step, *args, **kwargs):
        happened.append(("saved", step))
        save(self, step, *args, **kwargs)

    def shown(bar, log, row, evaluator):
        happened.append(("shown", row["step"]))
        show(bar, log, row, evaluator)

    monkeypatch.setattr(checkpoint.Checkpoints, "save", saved)
    monkeypatch.setattr(report, "show", shown)
    train.main(small_run(tmp_path / "run", 4))
    assert happened == [("saved", 2), ("shown", 2), ("saved", 4), ("shown", 4)]


@pytest.mark.slow
def test_some_checkpoints_are_kept_for_good(tmp_path, capsys):
    workdir = tmp_path / "run"
    flags = small_run(
        workdir, 16, "--keep-checkpoints", "1", "--checkpoint-every", "2", "--keep-every", "6", "--eval-every", "0"
    )
    train.main(flags)
    found = {int(path.name) for path in (workdir / "checkpoints").iterdir()}
    assert {6, 12, 16} <= found <= {6, 12, 14, 16}  # the best has been measured at the end only
    sample.main(["--workdir", str(workdir), "--checkpoint", "6", "--num", "4"])
    assert "checkpoint of step 6" in capsys.readouterr().out
    with pytest.raises(FileNotFoundError, match=r"checkpoints: expected a checkpoint of step 7, found those of 6, 12, 1"):
        sample.main(["--workdir", str(workdir), "--checkpoint", "7"])
    with pytest.raises(ValueError, match="--checkpoint must be best, last or the number of a step, found 'latest'"):
        sample.main(["--workdir", str(workdir), "--checkpoint", "latest"])
    with pytest.raises(ValueError, match="--keep-every must be a multiple of --checkpoint-every, 4, found 6"):
        train.main(small_run(tmp_path / "other", 16, "--checkpoint-every", "4", "--keep-every", "6"))


def test_a_measure_that_fails_costs_no_training(finished, tmp_path, monkeypatch):
    """Though no checkpoint was due; the run goes on from there, to the same end."""
    never = ("--checkpoint-every", "0", "--eval-every", "0", "--sample-every", "0")

    def failing(self, run, state):
        raise ValueError("cannot be measured")

    with monkeypatch.context() as patched:
        patched.setattr(evaluators.of(run.open_run(finished)).__class__, "measure", failing)
        with pytest.raises(ValueError, match="cannot be measured"):
            train.main(small_run(tmp_path / "run", 8, *never))
    resumed(tmp_path / "run")
    first, second = run.open_run(finished).restore(), run.open_run(tmp_path / "run").restore()
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_loop_notices_that_its_folder_has_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(lock.Folder, "check", lambda self: (_ for _ in ()).throw(OSError("the folder has gone")))
    with pytest.raises(OSError, match="the folder has gone"):
        train.main(small_run(tmp_path / "run", 4))


def test_a_parameter_that_is_not_finite_is_noticed_though_every_metric_is(copy):
    """As one that no example of the last batches has used."""
    state = run.open_run(copy).restore()
    broken = jax.tree.map(lambda leaf: leaf.at[0].set(jnp.nan) if leaf.ndim else leaf, state.generator.params)
    with pytest.raises(journal.NonFiniteError, match=r"state.generator.params.* is not finite after step 8"):
        loop._check_finite(state._replace(generator=state.generator._replace(params=broken)), 8)


def test_a_checkpoint_counts_only_when_it_is_on_the_disk(tmp_path, monkeypatch):
    """Every file of it is flushed, and so are the folders that name them."""
    flushed, fsync = [], os.fsync

    def recording(handle):
        flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", recording)
    with checkpoint.Checkpoints(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(3, {"w": jnp.ones(2)})
    written = {str(path) for path in (tmp_path / "checkpoints" / "3").rglob("*")}
    assert written | {str(tmp_path / "checkpoints"), str(tmp_path / "checkpoints" / "3")} <= set(flushed)


def test_a_missing_best_checkpoint_is_said_beside_the_one_that_is_there(tmp_path):
    with checkpoint.Checkpoints(tmp_path / "checkpoints") as checkpoints:
        with pytest.raises(FileNotFoundError, match=r"holds no last checkpoint: the run was stopped before its first one$"):
            checkpoints.expect("last")
        checkpoints.save(3, {"w": jnp.ones(2)})
        with pytest.raises(FileNotFoundError, match=r"before its first one; --checkpoint last takes that of step 3$"):
            checkpoints.expect("best")


@pytest.mark.slow
def test_a_run_killed_while_it_removes_a_checkpoint_leaves_none_with_some_of_its_files(tmp_path):
    """Its files are removed one after the other; the process ends at the third of them."""
    code = """
import os, sys
import jax.numpy as jnp
from jgan.training.checkpoint import Checkpoints

with Checkpoints(sys.argv[1], keep=1) as checkpoints:
    for step in 1, 2:
        checkpoints.save(step, {"w": jnp.ones(3)})
        checkpoints.wait()
    remove, removed = os.unlink, []
    def unlink(*path, **options):
        removed.append(path)
        os._exit(9) if len(removed) == 3 else remove(*path, **options)
    os.unlink = unlink
    checkpoints.save(3, {"w": jnp.ones(3)})
    checkpoints.wait()
"""
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    template = {"w": jnp.zeros(3)}
    with checkpoint.Checkpoints(tmp_path, read_only=True) as left:
        assert left.steps() == [2, 3]  # the older one is removed when the newer one is known to be on the disk
        assert all(left.read(step, template).verified for step in left.steps())
    with checkpoint.Checkpoints(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {"2", "3"}


@pytest.mark.slow
def test_the_programs_of_a_run_are_kept_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        train.main(small_run(tmp_path / "without", 2, "--no-compilation-cache"))
        assert not (tmp_path / "cache").exists()
        train.main(small_run(tmp_path / "with", 2))
        assert Path(jax.config.jax_compilation_cache_dir) == tmp_path / "cache" / "jgan" / "programs"
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


# ------------------------------------------------------------------------------------------------ records that were emptied


def test_a_configuration_without_its_fingerprint_does_not_let_other_data_in(copy, monkeypatch):
    path, other = copy / "config.json", folder.data.fingerprint
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": {}}))
    resumed(copy)  # the same data
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": {}}))
    with monkeypatch.context() as patched:
        patched.setattr(
            folder.data, "fingerprint", lambda dataset: {name: {**entry, "count": 1} for name, entry in other(dataset).items()}
        )
        with pytest.raises(ValueError, match="holds a run on other data: so says its checkpoint of step 8"):
            resumed(copy, "--steps", "12")


def test_an_edited_number_of_steps_per_epoch_is_refused(copy):
    path = copy / "config.json"
    record = json.loads(path.read_text())
    record["spec"]["steps_per_epoch"] += 1
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"config.json was changed: expected \d+ steps per epoch, found \d+; restore it"):
        resumed(copy)


def test_a_run_is_continued_in_its_own_precision(copy, monkeypatch):
    monkeypatch.setattr(resuming, "x64", lambda: True)
    with pytest.raises(ValueError, match="was trained with JAX_ENABLE_X64=0, found 1"):
        resumed(copy, "--steps", "12")


@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt", "summary.json"])
def test_what_is_not_a_file_is_not_waited_for(copy, name):
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(ValueError, match=f"expected .*{name} to be a file, found something else: move it away"):
        resumed(copy)


def test_an_empty_folder_among_the_checkpoints_is_not_the_newest_one(copy):
    (copy / "checkpoints" / "999").mkdir()
    resumed(copy, "--steps", "12")
    assert run.open_run(copy).snapshot().step == 12
