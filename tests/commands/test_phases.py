"""Runs of several phases: what their folder holds, and that a kill anywhere near a boundary changes nothing."""

import json

import jax
import numpy as np
import pytest
from small_runs import assert_same_end
from tiny_models import NOISE, WALK, Pull, Walk

from jgan import rng
from jgan.training import api, custom, folder, journal, loop, programs, train
from jgan.training.checkpoint import Checkpoints
from jgan.training.run import keys, open_run

POINTS = np.random.default_rng(0).normal(size=(96, 2)).astype(np.float32)
EVERY = {"log_every": 4, "sample_every": 0, "checkpoint_every": 4, "eval_every": 4}


def walk(workdir, steps=14, *, config=None, **options):
    config = config or Walk(pull=Pull(0.1))
    return train(WALK, config, dataset=POINTS, batch_size=16, steps=steps, seed=3, workdir=workdir, **EVERY, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return walk(tmp_path_factory.mktemp("runs") / "whole")


def test_the_walk_is_the_sum_of_its_steps_by_the_keys_of_its_phases(tmp_path):
    """Without drift the place is the first one and a sum of normals: phase 0 has the run's keys, phase 1 its own stream."""
    state = walk(tmp_path / "free", 9, config=Walk(first=4)).state
    init, steps = keys(3).init, keys(3).steps
    later = rng.stream_key(steps, 1001)
    drawn = [jax.random.normal(jax.random.fold_in(steps, step), (2,)) for step in range(4)]
    drawn += [jax.random.normal(jax.random.fold_in(later, step), (2,)) for step in range(5)]
    expected = np.asarray(jax.random.normal(init, (2,)), np.float64) + NOISE * np.sum(np.asarray(drawn, np.float64), axis=0)
    np.testing.assert_allclose(state.generator.params["w"], expected, atol=1e-6)
    np.testing.assert_array_equal(state.generator.params["v"], jax.random.normal(rng.stream_key(init, 1001), (3,)))
    assert int(state.step) == 5


def test_the_journal_and_the_checkpoints_know_the_phases(whole):
    rows = journal.rows(whole.run.workdir)
    assert [(row["step"], row["phase"]) for row in rows] == [
        (4, "coarse"),
        (6, "coarse"),
        (8, "fine"),
        (12, "fine"),
        (14, "fine"),
    ]
    assert [row.get("parameters") for row in rows] == [1, None, 2, 2, 2]
    opened = open_run(whole.run.workdir)
    last = opened.snapshot("last")
    assert (last.step, int(last.state.step), last.run.phase_name, last.run.batch_size) == (14, 8, "fine", 16)
    assert (opened.at(6).phase_name, opened.at(7).phase_name, opened.at(6).batch_size) == ("coarse", "fine", 8)


def test_the_best_checkpoint_is_one_of_the_last_phase(tmp_path):
    """With a drift away from 0 the first measure of all is the smallest; that of the last phase counts."""
    found = walk(tmp_path / "away", config=Walk(pull=Pull(-0.5)))
    measured = {row["step"]: row["distance"] for row in journal.rows(found.run.workdir) if "distance" in row}
    assert min(measured, key=measured.__getitem__) == 4
    assert found.summary["best"]["step"] == 8
    assert open_run(found.run.workdir).snapshot("best").step == 8


class KilledError(Exception):
    """Stands for a kill: whatever is in memory is lost."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "saved", "resumes"),
    [(5, True, 4), (6, False, 4), (6, True, 6), (7, True, 6), (12, True, 12)],
    ids=["before", "at, unsaved", "at, saved", "after", "later"],
)
def test_a_kill_near_the_boundary_changes_nothing(whole, tmp_path, monkeypatch, step, saved, resumes):
    original = loop.events

    def killed(run, stage, session, state, now, *, stopping):
        if now == step and not saved:
            raise KilledError
        original(run, stage, session, state, now, stopping=stopping)
        if now == step:
            session.checkpoints.wait()
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "events", killed)
        with pytest.raises(KilledError):
            walk(tmp_path / "run")
    with Checkpoints(tmp_path / "run" / "checkpoints", read_only=True) as checkpoints:
        assert checkpoints.step() == resumes
    walk(tmp_path / "run", resume=True)
    assert_same_end(whole.run.workdir, tmp_path / "run")


def test_a_run_shorter_than_its_first_phase_ends_inside_it_and_goes_on_from_there(whole, tmp_path):
    short = walk(tmp_path / "run", 4)
    assert short.run.phase_name == "coarse"
    assert short.state.generator.params.keys() == {"w"}
    assert open_run(tmp_path / "run").snapshot("best").run.phase_name == "coarse"
    walk(tmp_path / "run", 14, resume=True)
    assert_same_end(whole.run.workdir, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["steps"] == 14


def test_a_phase_before_the_last_needs_a_length(tmp_path):
    with pytest.raises(ValueError, match="needs a number of steps"):
        walk(tmp_path / "run", config=Walk(first=None))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("batch_size", "options", "message"),
    [
        (6, {"parallel": "pmap"}, "the batch size of the phase coarse must be a multiple of the 4 devices, found 6"),
        (6, {"parallel": "shard"}, "the batch size of the phase coarse must be a multiple of the 4 devices, found 6"),
        (65, {}, "the batch size of the phase coarse must be at most the 64 training examples of arrays:data, found 65"),
        (0, {}, "the batch size of the phase coarse must be at least 1, found 0"),
    ],
)
def test_the_batch_size_of_a_phase_is_checked(tmp_path, batch_size, options, message):
    def make(config, spec):
        first, last = WALK.make(config, spec)
        return first._replace(batch_size=batch_size), last

    with pytest.raises(ValueError, match=message):
        train(WALK._replace(make=make), dataset=POINTS, batch_size=16, steps=8, workdir=tmp_path / "run", **EVERY, **options)
    assert not (tmp_path / "run").exists()


def test_each_phase_is_traced_once_and_before_the_folder_is_made(tmp_path, monkeypatch):
    """A step that cannot be traced is reported with the name of its phase; a good one is not traced again by the loop."""
    traced = []

    def make(config, spec):
        first, last = WALK.make(config, spec)

        def step(key, state, batch, *, axis_name=None):
            if config.pull.rate < 0:
                raise TypeError("no such\n shape")
            traced.append(True)
            return last.gan.step(key, state, batch, axis_name=axis_name)

        return first, last._replace(gan=last.gan._replace(step=step))

    given = {"batch_size": 16, "steps": 8, "workdir": tmp_path / "run"}
    with pytest.raises(ValueError, match="the model does not fit the data or its options in the phase fine: no such shape"):
        train(WALK._replace(make=make), Walk(pull=Pull(-1)), dataset=POINTS, **given)
    assert not (tmp_path / "run").exists()
    asked = api.run_config(custom.choose(WALK), "arrays:data", EVERY | given)
    with folder.opened(asked, tmp_path / "run", WALK._replace(make=make), api.as_dataset(POINTS)) as begun:
        before = len(traced)
        assert before > 0
        assert programs.scans_fast(begun.at(8))
    assert len(traced) == before


def test_the_rate_is_that_of_the_batch_of_the_phase(tmp_path, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(journal.time, "perf_counter", lambda: float(next(clock)))
    written = journal.Journal(tmp_path, 0)
    written.begin(0, 8, "one")
    written.add({"loss": np.float32(1)}, 1)
    assert written.write(6, {})["images_per_second"] == 6 * 8
    written.begin(6, 16, "two")
    assert written.write(7, {})["images_per_second"] == 16


def test_chunks_end_where_something_is_due():
    config = open_run_config(log_every=30, sample_every=0, checkpoint_every=20, eval_every=50)
    assert programs.chunk_length(config, scan=True) == 10
    assert programs.chunk_length(config, scan=False) == 1
    config = open_run_config(log_every=150, sample_every=300, checkpoint_every=0, eval_every=0)
    assert programs.chunk_length(config, scan=True) == 75


def open_run_config(**options):
    from jgan.training import api, custom

    return api.run_config(custom.choose("digits"), None, options)
