"""The command of the collapsing run end to end at a tiny size, and its table."""

import json

import pytest
from PIL import Image

from benchmarks import collapse, drawings


@pytest.mark.slow
def test_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(collapse, "SAMPLES", 100)
    flags = ["--steps", "20", "--every", "10", "--workdir", str(tmp_path / "run")]
    collapse.main([*flags, "--out", str(tmp_path / "result.json"), "--pictures", str(tmp_path / "docs")])
    result = json.loads((tmp_path / "result.json").read_text())
    assert [row["step"] for row in result["measures"]] == [10, 20]
    best = min(result["measures"], key=lambda row: row["fid"])
    assert result["restored"] == pytest.approx({"step": best["step"], "fid": best["fid"]})
    assert result["config"]["optimizer"]["learning_rate"] == 0.25
    assert "| best checkpoint, restored |" in drawings.collapse(result)
    for name in ("collapse", "collapse_samples"):
        with Image.open(tmp_path / "docs" / f"{name}.png") as picture:
            assert picture.width > 100


def test_the_table_says_when_the_monitor_warned():
    measures = [
        {"step": 10, "fid": 9.0, "coverage": 0.5},
        {"step": 20, "fid": 4.0, "coverage": 0.8},
        {"step": 30, "fid": 50.0, "coverage": 0.1, "warning": "collapse? coverage fell from 0.80 to 0.10"},
        {"step": 40, "fid": 99.0, "coverage": 0.0, "warning": "collapse? coverage fell from 0.80 to 0.00"},
    ]
    about = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-27T00:00:00+00:00"}
    result = {"measures": measures, "restored": {"step": 20, "fid": 4.0}, "samples": 5, "command": "c", "environment": about}
    table = drawings.collapse(result)
    assert "| best | 20 | 4 | 0.80 |  |" in table
    assert "| first warning | 30 | 50 | 0.10 | collapse? coverage fell from 0.80 to 0.10 |" in table
    assert "| end | 40 | 99 |" in table
