"""How long a run still takes, as it is said where no progress bar is shown."""

import types

import pytest

from jgan.training import report
from jgan.training.log import Log


@pytest.fixture
def said(tmp_path, capsys):
    """A function that shows a line of metrics of a run of 1,000 steps from a step on, and returns what is printed."""

    def show(step, images_per_second, start=0, bar=None):
        bar = report.progress(types.SimpleNamespace(steps=1000), start) if bar is None else bar
        report.pace(bar, Log(tmp_path), {"step": step, "images_per_second": images_per_second}, 8, 100)
        return capsys.readouterr().out

    return show


def test_it_is_said_at_the_second_line(said):
    text = "step 200: 16 img/s, about 7 min to go\n"  # 800 steps of 8 images, 16 images a second: 400 s
    assert [said(step, 16.0) for step in (100, 200, 300, 1000)] == ["", text, "", ""]
    assert said(700, 16.0, start=500) == "step 700: 16 img/s, about 2 min to go\n"  # 150 s


def test_it_is_not_said_of_a_minute(said):
    assert said(200, 106.0) != ""
    assert said(200, 107.0) == ""


def test_it_is_not_said_at_a_rate_that_is_rounded_to_0(said):
    assert said(200, 0.0) == ""


def test_it_is_not_said_beside_a_bar_or_by_one_of_several_seeds(said):
    assert said(200, 16.0, bar=types.SimpleNamespace(disable=False, total=1000, n=0)) == ""
    assert said(200, 16.0, bar=report.silent()) == ""
