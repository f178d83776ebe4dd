"""The benchmark of faults, short: it counts what it should, and notices a run that does not end as it should."""

import gc
import json
import random
import shutil

import pytest

from benchmarks import faults


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the storage library's threads, after its errors
def test_flips_are_counted(finished_run, tmp_path):
    workdir = shutil.copytree(finished_run.workdir, tmp_path / "run")
    found = faults.flipped(workdir, 6, random.Random(1))
    assert found["silent"] == 0
    assert found["refused"] + found["harmless"] == found["flips"] == 6
    assert found["refused"] > 0
    gc.collect()


def test_a_run_that_ends_differently_is_noticed(finished_run, tmp_path):
    workdir = shutil.copytree(finished_run.workdir, tmp_path / "run")
    expected = faults.signature(finished_run.workdir)
    assert faults.differing(expected, faults.signature(workdir)) == []
    path = workdir / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["images_per_second"] += 1
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert faults.differing(expected, faults.signature(workdir)) == []
    rows[0]["d_loss"] += 1e-9
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (workdir / "samples" / "step_00000008.png").write_bytes(b"other")
    assert faults.differing(expected, faults.signature(workdir)) == ["journal", "pictures"]


@pytest.mark.slow
def test_kills_are_counted_and_the_run_ends_the_same(tmp_path):
    found = faults.killed(faults.RUNS["two phases"], tmp_path / "faults", 2, random.Random(0))
    assert found["kills"] == 2
    assert found["problems"] == {}
