"""The benchmark of the first step, end to end, and what it makes of its parts."""

import json

import pytest

from benchmarks import drawings, first_step


@pytest.mark.slow
def test_a_filled_cache_saves_the_compilation(tmp_path):
    first_step.main(["--presets", "digits", "--rounds", "1", "--out", str(tmp_path / "a.json")])
    found = json.loads((tmp_path / "a.json").read_text())
    empty, filled = (found["presets"]["digits"][kind] for kind in ("empty cache", "filled cache"))
    assert filled["compiling"] < empty["compiling"] / 2
    for kind in (empty, filled):
        assert min(kind[name] for name in first_step.PARTS) > 0
        assert sum(kind[name] for name in first_step.PARTS) == pytest.approx(kind["total"])
    assert drawings.first_step(found).count("| `digits` |") == 2


def test_medians_of_each_part_and_the_range_of_the_whole():
    starts = [dict.fromkeys(first_step.PARTS, value) | {"total": 4 * value} for value in (1.0, 3.0, 2.0)]
    assert first_step.middle(starts) == dict.fromkeys(first_step.PARTS, 2.0) | {"total": 8.0, "min": 4.0, "max": 12.0}


def test_what_cannot_be_measured_is_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="there is no preset nogan"):
        first_step.main(["--presets", "nogan"])
    monkeypatch.setattr(first_step, "CHILD", "raise SystemExit('no such thing')")
    with pytest.raises(ValueError, match="digits: its first step failed: no such thing"):
        first_step.start("digits", tmp_path)
