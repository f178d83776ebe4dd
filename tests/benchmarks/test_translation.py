"""The tasks of image translation: options, criteria, the table, and the command end to end at a tiny size."""

import json

import numpy as np
import pytest

from benchmarks import translation, translation_drawings, translation_measures
from benchmarks.tables import TABLES
from benchmarks.translation_tasks import ENTRIES, Entry
from jgan import data

ENVIRONMENT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-26T00:00:00+00:00"}


def result(run, directions, seed=0):
    about = {"command": "python -m benchmarks.translation", "environment": ENVIRONMENT, "steps": 1000, "batch_size": 8}
    return about | {"run": run, "task": ENTRIES[run].task, "seed": seed, "directions": directions}


def test_criteria_are_decided_on_means_over_seeds():
    good = {"mae": 0.02, "agreement": 0.97, "identity": {"mae": 0.8, "agreement": 0.1}}
    runs = {
        "invert_0": result("invert", {"ab": good, "ba": good}),
        "invert_1": result("invert", {"ab": good | {"mae": 0.09}, "ba": good}, seed=1),
        "edges_pix2pix_0": result("edges_pix2pix", {"x": {"mae": 0.01}}),
        "edges_cyclegan_0": result("edges_cyclegan", {"ab": {"mae": 9.0}, "ba": {"mae": 0.021}}),
        "sharpen_0": result(
            "sharpen",
            {"ab": {"psnr": 24.0, "gradient_energy": 0.9, "true_gradient_energy": 1.0, "identity": {"psnr": 23.0}}},
        ),
        "clothes_0": result("clothes", {"x": {"kid": 0.1, "agreement": 0.8}}),  # without the run that it is compared with
    }
    found = translation_drawings.criteria(runs)
    assert [(round(values[0], 3), met) for _, values, met in found["invert"]] == [
        (0.055, False),
        (0.02, True),
        (0.97, True),
        (0.97, True),
    ]
    assert [(values, met) for _, values, met in found["edges"]] == [([0.021, 0.01], False)]
    assert [met for *_, met in found["sharpen"]] == [True, True]
    assert "clothes" not in found
    table = TABLES["translation"].draw(runs)
    (row,) = (line for line in table.splitlines() if line.startswith("| `invert` ab"))
    assert row.startswith("| `invert` ab | 0.055 (0.8) |  |  | 97.0% (10.0%) |")
    assert "- NOT met: `edges`, CycleGAN's error at most twice pix2pix's (0.021 against 0.01)" in table
    assert "- met: `invert`, classified right at least 95%, ab (0.97)" in table
    assert "Means of 2 seeds of `invert`." in table


def test_every_task_has_criteria_of_runs_and_figures_that_exist():
    assert set(translation_drawings.CRITERIA) == {entry.task for entry in ENTRIES.values()}
    runs = {run for bounds in translation_drawings.CRITERIA.values() for *_, figures in bounds for run, *_ in figures}
    assert runs == set(ENTRIES) - {"invert_no_cycle"}


@pytest.mark.parametrize("name", ENTRIES)
def test_the_options_of_every_run_exist(name):
    entry = ENTRIES[name]
    assert entry.config(1000).optimizer.decay_steps == 1000
    assert not entry.config(1000).epochs.decay


def test_figures_of_images_by_their_formulas():
    rng = np.random.default_rng(0)
    x = rng.random((3, 5, 4, 3))
    down, right = (x[:, 1:] - x[:, :-1]) ** 2, (x[:, :, 1:] - x[:, :, :-1]) ** 2
    assert translation_measures.gradient_energy(x) == pytest.approx(down.mean() + right.mean())
    assert translation_measures.chroma_distance(x, x) == 0
    assert translation_measures.chroma_distance(x, x.mean(-1, keepdims=True).repeat(3, -1)) > 0.3
    grey = translation_measures.as_domain(x, 1)
    assert grey.shape == (3, 5, 4, 1)
    assert translation_measures.as_domain(grey, 3).shape == x.shape


@pytest.mark.parametrize(("name", "direction", "part"), [("edges:digits", "", "x"), ("inverted:digits", "ab", "b")])
def test_the_target_domain_of_a_direction(name, direction, part):
    dataset = data.load(name)
    found = translation_measures.domain(dataset, direction)
    expected = dataset.test if part == "x" else dataset.test[part]
    np.testing.assert_array_equal(found.test.x, expected.x)
    assert found.fields.y.size == 10
    assert found.fields.c == ()
    assert ":" not in found.name


TINY = {
    "pairs": Entry(
        *("edges", "pix2pix", "swapped:edges:digits", "none", 1e-4),
        {"g_width": 2, "d_width": 2},
        edges=-1,
        seeds=2,
    ),
    "ways": Entry(
        *("invert", "cyclegan", "unpaired:blurred:digits", "none", 1e-4),
        {"g_width": 2, "d_width": 2},
        row_pairs=True,
    ),
}


@pytest.mark.slow
def test_end_to_end_and_what_has_a_result_is_left(tmp_path, monkeypatch, capsys):
    for name, entry in TINY.items():
        monkeypatch.setitem(ENTRIES, name, entry)
    monkeypatch.setattr(translation, "SAMPLES", 100)
    places = [word for name in ("workdir", "results", "pictures") for word in (f"--{name}", str(tmp_path / name))]
    call = ["--runs", *TINY, "--epochs", "1", *places]
    translation.main([*call, "--minutes", "0.00001"])
    assert "this call again goes on from there" in capsys.readouterr().out
    translation.main(call)
    files = sorted((tmp_path / "results").iterdir())
    before = [file.stat().st_mtime_ns for file in files]
    translation.main(call)
    assert [file.name for file in files] == ["pairs_0.json", "pairs_1.json", "ways_0.json"]
    assert [file.stat().st_mtime_ns for file in files] == before
    one, _, two = (json.loads(file.read_text()) for file in files)
    figures = one["directions"]["x"]
    assert {"mae", "psnr", "kid", "agreement", "edge_f1", "edge_threshold", "classifier_accuracy"} <= set(figures)
    assert figures["mae"] > 0
    assert figures["identity"]["mae"] > 0
    for direction in ("ab", "ba"):
        assert {"mae", "kid", "agreement", "cycle", "hiding", "noisy_cycle"} <= set(two["directions"][direction])
    sharp = data.load("unpaired:blurred:digits").test
    expected = np.abs(sharp["a"].x[:100] / 255 - sharp["b"].x[:100] / 255).mean()
    assert two["directions"]["ab"]["identity"]["mae"] == pytest.approx(expected, abs=1e-6)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["pairs.png", "ways.png"]


def test_unknown_runs_and_factors_are_refused():
    with pytest.raises(ValueError, match="unknown run 'invret', did you mean 'invert'"):
        translation.main(["--runs", "invret"])
    with pytest.raises(ValueError, match="--times must be above 0, found -1"):
        translation.main(["--times", "-1"])
