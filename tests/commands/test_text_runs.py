"""Runs of models of text: samples as lines, measures, exact resumption across phases, the sample command, bad input."""

import json

import jax
import numpy as np
import pytest

from jgan import models, sample
from jgan.training import train
from jgan.training.run import keys, open_run

TINY = {"batch_size": 8, "eval_samples": 50, "checkpoint_every": 0}


def small(name):
    return models.MODELS[models.model_of(name)].small(models.presets()[name].config)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "hamlet.txt"
    path.write_text("to be or not to be\nthat is the question\nwhether tis nobler\n" * 12, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(file, tmp_path_factory):
    """Two steps of a language model on words."""
    workdir = tmp_path_factory.mktemp("runs") / "words"
    options = TINY | {"dataset": "lines", "data_dir": file, "steps": 2, "eval_every": 1, "sample_every": 1}
    return train("language_model", small("language_model"), workdir=workdir, **options).run


def test_samples_are_lines_and_the_measures_are_there(run):
    for step in (1, 2):
        lines = (run.workdir / "samples" / f"step_{step:08d}.txt").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 64
        assert {word for line in lines for word in line.split()} <= set(run.dataset.truth.entries)
    rows = [json.loads(line) for line in (run.workdir / "metrics.jsonl").read_text().splitlines()]
    expected = {"nll_gen", "bleu_2", "bleu_5", "self_bleu_2", "js_1", "js_4"}
    assert all(expected <= row.keys() for row in rows)
    assert "nll_oracle" not in rows[0]
    summary = json.loads((run.workdir / "summary.json").read_text())
    assert (summary["text"]["samples"], summary["text"]["references"]) == (50, 6)
    assert (run.workdir / "curves.png").exists()


def test_the_sample_command_writes_lines_and_tokens_at_a_temperature(run, tmp_path, capsys):
    command = ["--workdir", str(run.workdir), "--num", "5", "--checkpoint", "last"]
    sample.main(command)
    lines = (run.workdir / "lines.txt").read_text(encoding="utf-8").splitlines()
    sample.main([*command, "--out", str(tmp_path / "a.npz")])
    with np.load(tmp_path / "a.npz") as found:
        assert run.dataset.truth.decode(found["samples"]) == lines
        assert found["temperature"] == 1
    sample.main([*command, "--out", str(tmp_path / "b.txt"), "--temperature", "0.001", "--num", "20"])
    assert len(set((tmp_path / "b.txt").read_text(encoding="utf-8").splitlines())) == 1  # always the likeliest word
    state = open_run(run.workdir).restore()
    drawn = run.gan.sample(keys(0).samples, state, 5, temperature=1.0)
    assert run.dataset.truth.decode(drawn) == lines
    assert "5 lines of language_model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--interpolate"], "--interpolate: language_model makes text"),
        (["--out", "a.png"], r"^--out: .* makes text: give a .txt file \(lines\) or an .npz file"),
        (["--columns", "3"], r"^--columns: .* makes text, which has no columns: leave it out"),
        (["--temperature", "0"], "--temperature must be above 0 and finite, found 0.0"),
        (["--truncation", "0.5"], "has no truncation"),
    ],
)
def test_flags_that_do_not_fit_text_are_told(run, flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        sample.main(["--workdir", str(run.workdir), *flags])


def test_data_that_do_not_fit_are_told_before_a_folder_is_made(file, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    for options, message in (
        ({"dataset": "lines", "data_dir": empty}, "empty.txt: expected lines of text, found none"),
        ({"dataset": "lines:3", "data_dir": file}, "hamlet.txt: expected lines of at most 3 words, found 6 in"),
        ({"dataset": "digits"}, "this model is for sequences of tokens, found images of 8x8x1"),
        ({"dataset": "arithmetic", "metric": "fid"}, "--metric fid measures single sets of images"),
    ):
        with pytest.raises(ValueError, match=message):
            train("language_model", small("language_model"), workdir=tmp_path / "none", steps=1, **TINY | options)


@pytest.mark.slow
def test_a_run_stopped_in_any_phase_goes_on_to_the_same_bits(tmp_path):
    """Phases of 3, 2 and 3 steps: stopped in each of them."""
    name = "seqgan"
    options = TINY | {"dataset": "oracle:6:4", "sample_every": 0}
    whole = train(name, small(name), workdir=tmp_path / "whole", steps=8, **options)
    for steps in (2, 4, 6, 8):
        parts = train(name, small(name), workdir=tmp_path / "parts", steps=steps, resume=steps > 2, **options)
    jax.tree.map(np.testing.assert_array_equal, parts.state, whole.state)
    assert {"nll_oracle", "nll_gen", "nll_sum"} <= parts.summary["text"].keys()
    text = (tmp_path / "whole" / "samples" / "step_00000008.txt").read_text()
    assert all(word.isdigit() for word in text.split())


@pytest.mark.slow
def test_characters_without_a_likelihood(tmp_path, capsys):
    trained = train("wgan_gp_text", small("wgan_gp_text"), workdir=tmp_path / "run", steps=1, **TINY)
    assert 0 <= trained.summary["text"]["valid"] <= 1
    assert "nll_gen" not in trained.summary["text"]
    assert "correct" in capsys.readouterr().out
