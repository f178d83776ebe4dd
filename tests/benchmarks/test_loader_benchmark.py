"""The benchmark of the loader, end to end at a tiny size."""

import json

import pytest

from benchmarks import loader, model_drawings


@pytest.mark.slow
def test_end_to_end(tmp_path, capsys):
    flags = ["--images", "40", "--side", "8", "--batch-size", "8", "--epochs", "2", "--workers", "0", "1"]
    loader.main([*flags, "--presets", "cifar10_fc", "--steps", "2", "--out", str(tmp_path / "loader.json")])
    found = json.loads((tmp_path / "loader.json").read_text())
    assert [stream["workers"] for stream in found["streams"]] == [0, 1]
    for stream in found["streams"]:
        assert len(stream["images_per_second"]) == len(stream["resident_bytes"]) == 2
        assert min(stream["images_per_second"]) > 0
    threads, worker = (stream["resident_bytes"][0] for stream in found["streams"])
    assert worker > threads + 50e6  # the worker counts
    assert found["models"][0]["images_per_second"] > 0
    assert "0 workers: " in capsys.readouterr().out


def test_the_table():
    found = {
        "streams": [
            {"workers": 0, "images_per_second": [400.0, 600.0, 500.0], "resident_bytes": [1_000_000, None, 2_000_000]},
            {"workers": 2, "images_per_second": [1000.0], "resident_bytes": [3_000_000]},
        ],
        "models": [{"preset": "dcgan", "images_per_second": 200.0}],
        "images": 40,
        "side": 8,
        "command": "python -m benchmarks.loader",
        "environment": {"device": "cpu", "packages": {"jax": "1"}, "python": "3", "date": "2026-01-01"},
    }
    table = model_drawings.loader(found)
    assert "| `dcgan` | 200 | 2.5 | 5.0 |" in table
    assert "threads: 500 images/s, with 1, 2 MB of memory after each epoch" in table
