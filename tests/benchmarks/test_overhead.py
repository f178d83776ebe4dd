"""The benchmark of the training loop, end to end at a tiny size."""

import json

import pytest

from benchmarks import drawings, overhead


@pytest.mark.slow
def test_loop_and_bare_step_are_timed_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(overhead, "MEGABYTES", 4)
    flags = ["--preset", "digits", "--steps", "200", "--rounds", "2", "--out", str(tmp_path / "a.json")]
    overhead.main(flags)
    found = json.loads((tmp_path / "a.json").read_text())
    assert len(found["rounds"]) == 2
    assert 0.2 < found["ratio"]["median"] < 20
    assert 0 < found["checkpoint"]["returns_seconds"] <= found["checkpoint"]["on_disk_seconds"]
    assert drawings.overhead(found)
