"""The benchmark of several seeds at once: its arithmetic on known times, and end to end at a tiny size."""

import json

import pytest

from benchmarks import many_seeds, model_drawings, timing
from jgan.training.environment import environment


@pytest.mark.slow
def test_the_gain_is_that_over_one_after_the_other(monkeypatch):
    seconds = {1: [1.0, 2.0, 1.0], 2: [1.0, 1.0, 2.0], 4: [4.0, 4.0, 4.0]}
    known = [timing.Timing(str(count), 0.0, times) for count, times in seconds.items()]
    monkeypatch.setattr(timing, "rounds", lambda contenders, *rest: known)
    found = many_seeds.measure("digits", many_seeds.Args(seeds=(2, 4)))
    batch = found["batch_size"]
    assert found["seeds"]["1"]["images_per_second"] == {"median": batch, "min": batch / 2, "max": batch}
    assert found["seeds"]["2"]["gain"] == {"median": 2.0, "min": 1.0, "max": 4.0}
    assert found["seeds"]["4"]["gain"] == {"median": 1.0, "min": 1.0, "max": 2.0}
    result = {"presets": {"digits": found}, "options": {"repeats": 3}, "command": "", "environment": environment()}
    table = model_drawings.many_seeds(result)
    assert "| `digits` | 2.00 | 1.00 |" in table.replace(f"{batch:,} | ", "")


@pytest.mark.slow
def test_one_and_several_are_timed_in_turn(tmp_path):
    flags = ["--presets", "digits", "--seeds", "2", "--repeats", "2", "--seconds", "0.01", "--out", str(tmp_path / "a.json")]
    many_seeds.main(flags)
    seeds = json.loads((tmp_path / "a.json").read_text())["presets"]["digits"]["seeds"]
    assert set(seeds) == {"1", "2"}
    assert 0.02 < seeds["2"]["gain"]["median"] < 20


def test_numbers_of_seeds_that_are_none():
    with pytest.raises(ValueError, match="--seeds must be numbers of at least 2, found 1 4"):
        many_seeds.main(["--seeds", "1", "4"])
