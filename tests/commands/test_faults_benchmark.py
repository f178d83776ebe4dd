"""The benchmark of faults, short: it counts what it should, and notices a run that does not end as it should."""

import gc
import json
import random
import shutil

import pytest

from benchmarks import faults

# The storage library's threads, after its errors on damaged files.
after_errors = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@after_errors
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


@after_errors
@pytest.mark.slow
def test_end_to_end(tmp_path, monkeypatch):
    """The run that is killed ends as the one that is not, and a bit of it that is flipped is noticed."""
    monkeypatch.setattr(faults, "RUNS", {"fully connected": faults.RUNS["two phases"]})
    flags = ["--kills", "3", "--flips", "4", "--workdir", str(tmp_path / "faults"), "--out", str(tmp_path / "a.json")]
    faults.main(flags)
    found = json.loads((tmp_path / "a.json").read_text())
    (kills,) = found["kills"]
    assert (kills["kills"], kills["problems"]) == (3, {})
    assert (found["flips"]["flips"], found["flips"]["silent"]) == (4, 0)
    assert found["command"] == "python -m benchmarks.faults --flips 4 --kills 3 --seed 0"
    gc.collect()
