"""The benchmark of few labels end to end at a tiny size, how it goes on, and its table."""

import json

import pytest

from benchmarks import few_labels, model_drawings
from benchmarks.tables import TABLES
from jgan.models import sgan


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path, monkeypatch, capsys):
    of_full_size = few_labels.config
    monkeypatch.setattr(few_labels, "config", lambda steps, changes: sgan.small(of_full_size(steps, changes)))
    flags = ["--source", "digits", "--per-class", "3", "--epochs", "1", "--epochs-alone", "1", "--batch-size", "30"]
    flags += ["--workdir", str(tmp_path / "runs"), "--out", str(tmp_path / "result.json")]
    few_labels.main([*flags, "--choices", "1"])
    first = json.loads((tmp_path / "result.json").read_text())["ways"]
    few_labels.main([*flags, "--choices", "2"])
    result = json.loads((tmp_path / "result.json").read_text())
    for way, found in result["ways"].items():
        assert list(found) == ["0", "1"]
        assert found["0"] == first[way]["0"]
        assert found["1"]["labels"] == 30
        assert 0 < found["1"]["test_errors"] < found["1"]["test_images"] == 296
    assert "partly_labelled:digits:3@1" in (tmp_path / "runs" / "labels_alone_1" / "config.json").read_text()
    assert "labels alone, choice 1: " in capsys.readouterr().out
    assert "published" not in model_drawings.few_labels(result).split("Errors on")[0]  # of other data
    few_labels.main([*flags, "--choices", "3", "--minutes", "1e-9"])
    assert "the same command goes on" in capsys.readouterr().out
    with pytest.raises(ValueError, match="other options"):
        few_labels.main([*flags, "--epochs", "2"])


def test_the_rates_fall_over_the_last_third():
    config = few_labels.config(300, few_labels.WAYS[few_labels.ALONE])
    optimizer = config.optimizer
    assert (optimizer.learning_rate, optimizer.decay, optimizer.decay_from, optimizer.decay_steps) == (3e-3, "linear", 200, 100)
    assert config.unlabelled_weight == 0
    assert few_labels.config(2, {}).unlabelled_weight == 1


def test_the_table():
    ways = {"sgan": {"0": 130, "1": 100}, "labels alone": {"0": 2000}}
    found = {
        way: {
            choice: {"test_errors": count, "test_images": 10_000, "labels": 100, "steps": 1} for choice, count in each.items()
        }
        for way, each in ways.items()
    }
    options = {"source": "mnist", "per_class": 10, "epochs": 30, "epochs_alone": 5, "batch_size": 100}
    environment = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-26T00:00:00+00:00"}
    result = {"ways": found, "options": options, "published": [93.0, 6.5], "command": "x", "environment": environment}
    table = TABLES["few_labels"].draw(result)
    assert "| sgan | 115 +- 21 | 100 | 130 | 2 |" in table
    assert "| labels alone | 2,000 | 2000 | 2000 | 1 |" in table
    assert "| sgan (published) | 93 +- 6.5 |  |  | 10 |" in table
    assert "30 epochs, published 300" in table


@pytest.mark.parametrize("flag", ["--choices", "--epochs", "--epochs-alone", "--per-class"])
def test_bad_flags(flag, tmp_path):
    with pytest.raises(ValueError, match=f"{flag} must be .*found 0"):
        few_labels.main([flag, "0", "--out", str(tmp_path / "result.json")])
    assert not (tmp_path / "result.json").exists()
