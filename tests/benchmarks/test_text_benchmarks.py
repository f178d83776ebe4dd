"""The benchmarks of text end to end at a tiny size, how they go on, and their tables."""

import json

import pytest

from benchmarks import text_drawings, text_oracle, text_quality
from jgan import models
from jgan.training import train

SIZES = ["--vocabulary", "8", "--length", "5", "--batch-size", "8", "--samples", "30", "--width", "100", "--measures", "1"]
STEPS = ["--pretrain-steps", "2", "--d-pretrain-steps", "1", "--seqgan-steps", "1", "--n-critic", "2", "--relaxed-steps", "1"]


@pytest.mark.slow
def test_the_oracle_experiment_end_to_end_and_on_from_where_it_was(tmp_path, capsys):
    out = tmp_path / "result.json"
    command = [*SIZES, *STEPS, "--out", str(out)]
    text_oracle.main([*command, "--models", "SeqGAN", "--seeds", "1"])
    first = json.loads(out.read_text())
    text_oracle.main([*command, "--models", "SeqGAN", "Gumbel LSTM", "--seeds", "1"])
    again = json.loads(out.read_text())
    assert again["models"]["SeqGAN"] == first["models"]["SeqGAN"]
    assert list(again["models"]["SeqGAN"]["0"]["phases"]) == ["likelihood", "discriminator", "adversarial"]
    assert list(again["models"]["Gumbel LSTM"]["0"]["phases"]) == ["likelihood", "adversarial"]
    assert again["anchors"]["real"] < again["anchors"]["unigram"] < again["anchors"]["uniform"]
    table = text_drawings.text_oracle(again)
    assert "| real data |" in table
    assert "| Gumbel LSTM | after the game |" in table
    with pytest.raises(ValueError, match="other options"):
        text_oracle.main([*command, "--oracle-seed", "1"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--models", "LeakGAN"], "--models must be among SeqGAN; .* found 'LeakGAN'"),
        (["--seeds", "0"], "--seeds must be at least 1, found 0"),
    ],
)
def test_bad_flags(flags, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        text_oracle.main([*flags, "--out", str(tmp_path / "result.json")])


@pytest.mark.slow
def test_quality_against_diversity_of_runs(tmp_path):
    for name in ("language_model", "wgan_gp_text"):
        config = models.MODELS[models.model_of(name)].small(models.presets()[name].config)
        options = {"batch_size": 8, "eval_samples": 50, "checkpoint_every": 0, "sample_every": 0}
        train(name, config, dataset="arithmetic", workdir=tmp_path / name, steps=1, **options)
    out = tmp_path / "result.json"
    command = ["--language-model", str(tmp_path / "language_model"), "--samples", "40", "--out", str(out)]
    text_quality.main([*command, "--temperatures", "0.5"])
    first = json.loads(out.read_text())
    text_quality.main([*command, "--temperatures", "0.5", "1.5", "--gans", str(tmp_path / "wgan_gp_text")])
    found = json.loads(out.read_text())
    assert found["curve"]["0.5"] == first["curve"]["0.5"]
    assert found["curve"]["0.5"]["self_bleu_5"] > found["curve"]["1.5"]["self_bleu_5"]
    assert found["gans"]["wgan_gp_text"]["nll_gen"] is None
    assert found["real"]["valid"] == 1
    table = text_drawings.text_quality(found)
    assert "| language model, temperature 0.5 |" in table
    assert "training lines" in table
    with pytest.raises(ValueError, match="--temperatures above 0"):
        text_quality.main([*command, "--temperatures", "0"])
