"""The table of the first models, and the command end to end at a tiny size."""

import json

import pytest

from benchmarks import first_models, judges, model_drawings
from benchmarks.tables import TABLES

ENVIRONMENT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-26T00:00:00+00:00"}
RESULT = {
    "command": "python -m benchmarks.first_models",
    "environment": ENVIRONMENT,
    "models": {
        "cgan": {
            "dataset": "digits",
            "steps": 12_000,
            "batch_size": 100,
            "log_likelihood": {"mean": 26.84, "standard_error": 0.96},
            "fid": 3.214,
            "agreement": 0.987,
            "classifier_accuracy": 0.98,
        },
        "cyclegan": {"dataset": "inverted:digits", "steps": 3000, "batch_size": 8, "translation": {"error": 0.0412}},
        "sgan": {"dataset": "partly_labelled:digits:10", "steps": 5000, "batch_size": 64, "test_errors": 9}
        | {"test_images": 296, "labels": 100},
        "infogan": {"dataset": "digits", "steps": 1, "batch_size": 2, "code_error": 0.081},
    },
}


def test_the_table():
    table = TABLES["first_models"].draw(RESULT)
    assert "| `cgan` | 12,000 x 100 | 26.8 +- 1.0 | 3.21 | 98.7% |  |" in table
    assert "| `cyclegan` | 3,000 x 8 |  |  |  | translation error 0.041 |" in table
    assert "| `sgan` | 5,000 x 64 |  |  |  | 9 errors on 296 test images with 100 labels |" in table
    assert "| code error 8.1% |" in table
    assert "digits 98.0%." in table


def test_an_unknown_preset_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(ValueError, match="unknown preset 'cgna', did you mean 'cgan'"):
        first_models.main(
            ["--presets", "digits", "cgna", "--workdir", str(tmp_path / "runs"), "--out", str(tmp_path / "a.json")]
        )
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(judges, "PER_CLASS", 2)
    args = [
        "--presets",
        "cgan",
        "cyclegan",
        "--steps",
        "2",
        "--workdir",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path / "a.json"),
    ]
    first_models.main(args)
    found = json.loads((tmp_path / "a.json").read_text())
    first_models.main(args)
    assert json.loads((tmp_path / "a.json").read_text()) == found
    assert 0 <= found["models"]["cgan"]["agreement"] <= 1
    assert found["models"]["cgan"]["classifier_accuracy"] > 0.95
    assert found["models"]["cyclegan"]["translation"]["error"] > 0
    assert model_drawings.first_models(found)
