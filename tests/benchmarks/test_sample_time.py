"""The times of samples: what is timed, and the table."""

import json

import jax
import numpy as np
import pytest

from benchmarks import gallery_models, sample_time
from benchmarks.tables import TABLES

ENVIRONMENT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-27T00:00:00+00:00"}


def test_each_call_makes_other_samples():
    _, _, phase = sample_time.phase_of("vae", sample_time.Args(side=8))
    state = phase.gan.init(jax.random.key(0))
    call = sample_time.sampler(phase.gan, state, 3)
    first, second = np.asarray(call()), np.asarray(call())
    assert first.shape == (3, 8, 8, 1)
    assert not np.array_equal(first, second)


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="unknown model 'dcgna', did you mean 'dcgan'"):
        sample_time.main(["--models", "dcgna"])


@pytest.mark.parametrize("name", sample_time.Args().models)
def test_the_models_are_in_the_gallery(name):
    assert name in gallery_models.ENTRIES


def test_the_table_names_the_factor_to_the_fastest():
    time = {"median": 2.0, "min": 1.0, "max": 3.0}
    models = {
        "pixelcnn": {"passes": "784", "parameters": 1000, "one": time | {"median": 500.0}, "each": time},
        "dcgan": {"passes": "1", "parameters": 2000, "one": time, "each": time | {"median": 0.5}},
    }
    result = {"models": models, "batch": 64, "rounds": 5, "command": "c", "environment": ENVIRONMENT}
    first, second = (line for line in TABLES["sample_time"].draw(result).splitlines() if line.startswith("| `"))
    assert first == "| `dcgan` | 1 | 2.00 | 1.0 | 0.500 | 2,000 |"
    assert second == "| `pixelcnn` | 784 | 500.00 | 250.0 | 2.000 | 1,000 |"


@pytest.mark.slow
def test_end_to_end(tmp_path):
    out = tmp_path / "times.json"
    sample_time.main(["--models", "vae", "gan2014", "--side", "8", "--rounds", "2", "--seconds", "0.01", "--out", str(out)])
    found = json.loads(out.read_text())["models"]
    assert {model["passes"] for model in found.values()} == {"1"}
    assert all(model["one"]["median"] > 0 for model in found.values())


def test_the_passes_of_models_of_many_are_told():
    found = {}
    for name, count in sample_time.PASSES.items():
        config, spec, _ = sample_time.phase_of(name, sample_time.Args(side=8))
        found[name] = count(config, spec)
    assert found == {"ddpm": "20", "pixelcnn": "64"}
