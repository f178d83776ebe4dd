"""The growth of a step's cost: known powers, the committed result, and the command."""

import json

import pytest
from PIL import Image

from benchmarks import growth, tables

RESULT = json.loads((tables.ROOT / "benchmarks" / "results" / "growth.json").read_text())["models"]


def test_the_result_has_all_models_and_values():
    assert list(RESULT) == list(growth.MODELS)
    for found in RESULT.values():
        assert {axis: tuple(point["value"] for point in points) for axis, points in found["axes"].items()} == growth.AXES


@pytest.mark.parametrize("name", growth.MODELS)
def test_operations_are_proportional_to_the_batch_and_quadratic_in_a_large_width(name):
    axes = RESULT[name]["axes"]
    assert growth.exponent(axes["batch size"]) == pytest.approx(1, abs=0.02)
    assert 1.7 < growth.exponent(axes["width"]) < 2.05
    one, two, three = (point["flop"] for point in axes["discriminator updates"][:3])
    assert three - two == pytest.approx(two - one, rel=0.02)  # each further update costs the same


@pytest.mark.slow
def test_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "MODELS", {name: growth.Growing("dcgan", {"width": 4}) for name in ("DCGAN", "another")})
    monkeypatch.setattr(growth, "AXES", dict.fromkeys(growth.AXES, (1, 2)) | {"resolution": (16, 32)})
    monkeypatch.setattr(growth, "BATCH", 2)
    flags = ["--out", str(tmp_path / "a.json"), "--picture", str(tmp_path / "a.png")]
    growth.main(flags)
    first = json.loads((tmp_path / "a.json").read_text())["models"]
    assert first["DCGAN"] == first["another"]
    base, axes = first["DCGAN"]["base"], first["DCGAN"]["axes"]
    assert axes["batch size"][1]["flop"] == base["flop"] == axes["width"][0]["flop"]
    assert axes["batch size"][0]["state"] == base["state"] == base["held"]["1"] > base["held"]["2"]
    monkeypatch.setattr(growth, "BATCH", 4)
    growth.main(["--models", "another", *flags])
    again = json.loads((tmp_path / "a.json").read_text())["models"]
    assert again["DCGAN"] == first["DCGAN"]
    assert again["another"]["base"]["flop"] > first["another"]["base"]["flop"]
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 900


def test_unknown_models_are_refused():
    with pytest.raises(ValueError, match="--models: unknown model 'dcgan': known are DCGAN, R3GAN, StyleGAN2"):
        growth.main(["--models", "dcgan"])
