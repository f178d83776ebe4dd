"""The evaluators that are for one kind of model: a short run writes their measures, pictures and closing sentence."""

import json

import pytest

from jgan import models
from jgan.training import train

EXPECTED = {
    "infogan": ("code_error", "code_error", "code error on test images"),
    "sgan": ("validation_error", "test_errors", "errors on 296 test images"),
    "autoencoder": ("squared_error", "squared_error", "squared error of a pixel of test images"),
    "vae": ("elbo", "bounds", "ELBO of grey pixels"),
    "ddpm": ("validation_loss", "test_loss", "test loss"),
    "pixelcnn": ("validation_nats", "bits_per_dimension", "bits per pixel"),
    "pixelcnn_pp": ("validation_nats", "bits_per_dimension", "bits per pixel"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.weekly] * (name == "pixelcnn_pp")) for name in EXPECTED]
)
def test_a_short_run_has_its_measures_and_pictures(name, tmp_path, capsys):
    column, entry, words = EXPECTED[name]
    preset = models.presets()[name]
    small = models.MODELS[models.model_of(name)].small(preset.config)
    trained = train(name, small, steps=4, eval_every=2, eval_samples=50, batch_size=20, workdir=tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if column in row] == [2, 4]
    assert entry in trained.summary
    assert words in capsys.readouterr().out
    assert (tmp_path / "run" / "samples" / "step_00000004.png").exists()
    assert (tmp_path / "run" / "curves.png").exists()
    assert (tmp_path / "run" / "reconstructions.png").exists() == (name in ("vae", "autoencoder"))
