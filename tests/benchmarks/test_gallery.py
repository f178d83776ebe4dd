"""The gallery: budgets in operations, the table, the picture of all models, and the command end to end at a tiny size."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from benchmarks import budget, gallery, gallery_drawings, pictures
from benchmarks.gallery_models import ENTRIES, FEW
from benchmarks.tables import TABLES, render
from jgan import DataSpec, Phase, models
from jgan.models import options

ENVIRONMENT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-26T00:00:00+00:00"}
RUN = {
    "model": "dcgan",
    "dataset": "mnist",
    "flop": 1e14,
    "images_seen": 640_000,
    "samples": 10_000,
    "fid": 7.125,
    "kid": 0.0021,
    "precision": 0.9,
    "recall": 0.7,
    "density": 1.0,
    "coverage": 0.8,
    "sharpness": 1.25,
    "agreement": None,
    "extractor": "classifier of mnist",
    "classifier_accuracy": 0.988,
    "command": "python -m benchmarks.gallery",
    "environment": ENVIRONMENT,
}


def test_the_table_has_a_row_for_each_model_the_best_first(tmp_path):
    runs = {
        "mnist_a": RUN | {"model": "a", "fid": 9.0, "samples": 500},
        "mnist_dcgan": RUN,
        "fashion_mnist_a": RUN | {"model": "a", "dataset": "fashion_mnist", "fid": 30.0, "agreement": 0.985},
    }
    table = TABLES["gallery"].draw(runs)
    first, second = (line for line in table.splitlines() if line.startswith("| `"))
    assert first == "| `dcgan` | 0.64 | 7.1 | 0.0021 | 0.90 / 0.80 | 1.25 |  |  |  |  |  |"
    assert second.startswith("| `a` | 0.64 | 9.0")
    assert "30.0" in second
    assert "budget of 100 TFLOP" in table
    assert "the class that was asked for: `a` 98.5% (fashion_mnist)." in table
    assert "98.8% of the test images" in table
    assert "10,000 samples of the averaged generator; 500 of `a` (mnist). " in table
    both = runs | {"fashion_mnist_a": runs["fashion_mnist_a"] | {"samples": 500}}
    assert "generator; 500 of `a` (mnist, fashion_mnist). " in TABLES["gallery"].draw(both)
    photographs = {"cifar10_jpeg_a": RUN | {"model": "a", "dataset": "cifar10_jpeg", "classifier_accuracy": None}}
    assert TABLES["gallery"].draw(runs | photographs) == table
    assert "cifar10_jpeg: M images | FID" in TABLES["gallery_photographs"].draw(runs | photographs)
    folder = tmp_path / "gallery"
    folder.mkdir()
    for name, run in runs.items():
        (folder / f"{name}.json").write_text(json.dumps(run))
    assert {*render("gallery", tmp_path).splitlines()[2:4]} == {first, second}


def test_a_part_that_some_steps_compute_counts_for_its_share(monkeypatch):
    """R1 in every 4th step: a quarter of the 40 that it adds to a step that costs 100."""
    config, part = options.Penalty("r1", every=4), budget.Part({"name": "none"}, 4)
    monkeypatch.setattr(budget, "flops", lambda gan, spec, size: {"r1": 140.0, "none": 100.0}[gan])
    monkeypatch.setattr(budget, "phases_of", lambda model, config, spec: (Phase(config.name),))
    spec = DataSpec.images((8, 8, 1), 10)
    assert budget.of_steps(models.MODELS["gan2014"], config, spec, 8, [part]) == [110.0]


def test_models_for_few_images_are_trained_when_they_are_named(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(gallery, "trained", lambda args, name, dataset, begun: trained.append(name) or ({}, None))
    for name in ("rows", "write_json", "environment"):
        monkeypatch.setattr(gallery, name, lambda *given: {})
    monkeypatch.setattr(gallery.plots, "save_png", lambda *given: None)
    folders = [f"--{name}={tmp_path / name}" for name in ("workdir", "results", "pictures")]
    gallery.main(["--datasets", "digits", *folders])
    assert trained == list(ENTRIES)
    trained.clear()
    gallery.main(["--datasets", "digits", "--models", *FEW, *folders])
    assert trained == list(FEW)
    for entry in FEW.values():
        assert all(gallery_drawings._of(entry.config, key) == value for key, value in entry.changes.items())


def test_a_budget_that_ends_in_an_early_phase_is_refused():
    with pytest.raises(ValueError, match="the phases before the last cost 2e"):
        budget.steps_for(1e6, [2000.0, 1.0], [1000])


def test_the_rows_stand_under_each_other():
    strips = [("a  1.0", Image.new("RGB", (20, 5), "red")), ("b  2.0", Image.new("RGB", (20, 5), "blue"))]
    picture = pictures.stacked(strips, margin=30)
    assert picture.shape == (10, 50, 3)
    np.testing.assert_array_equal(picture[:5, 30:], np.broadcast_to([255, 0, 0], (5, 20, 3)))
    np.testing.assert_array_equal(picture[5:, 30:], np.broadcast_to([0, 0, 255], (5, 20, 3)))
    assert (picture[:, :30] < 128).any(axis=(1, 2)).any()  # the names


def test_a_name_that_no_source_has_is_a_folder_of_images(tmp_path):
    args = gallery.Args(data_dir=tmp_path)
    assert gallery.place(args, "mnist") == ("mnist", tmp_path / "mnist")
    assert gallery.place(args, "emoji") == ("folder", tmp_path / "emoji")
    assert gallery.place(gallery.Args(), "digits") == ("digits", None)


@pytest.mark.parametrize("name", gallery.ENTRIES)
def test_the_options_of_every_model_exist(name):
    entry = gallery.ENTRIES[name]
    config = gallery.configuration(entry, 1000)
    for part in entry.parts:
        budget.changed(config, part.off)


@pytest.mark.parametrize("name", [*gallery.ENTRIES, *gallery.FEW])
def test_the_rates_fall_to_0_over_the_budget_or_with_the_models_own_schedule(name):
    entry = (gallery.ENTRIES | gallery.FEW)[name]
    optimizer = gallery.configuration(entry, 1000).optimizer
    if entry.decays:
        assert (optimizer.decay, optimizer.decay_from, optimizer.decay_steps, optimizer.decay_to) == ("linear", 0, 1000, 0)
    else:
        assert optimizer == entry.config.optimizer


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="unknown model 'dcgna', did you mean 'dcgan'"):
        gallery.main(["--models", "dcgna"])


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setitem(gallery.ENTRIES, "dcgan", gallery.Entry("dcgan", {"width": 4}))
    monkeypatch.setattr(gallery, "SAMPLES", 200)
    flags = places(tmp_path)
    gallery.main(["--models", "dcgan", "--datasets", "digits", "--tflop", "0.0002", *flags])
    found = json.loads((tmp_path / "results" / "gallery" / "digits_dcgan.json").read_text())
    gallery.main(["--models", "dcgan", "--datasets", "digits", "--tflop", "0.0002", *flags])
    assert json.loads((tmp_path / "results" / "gallery" / "digits_dcgan.json").read_text()) == found
    assert found["steps"] * found["flop_per_step"] == pytest.approx(2e8, rel=0.1)
    assert found["images_seen"] == 64 * found["steps"]
    assert found["fid"] > 0
    assert found["classifier_accuracy"] > 0.95
    with Image.open(tmp_path / "pictures" / "gallery_digits.png") as picture:
        assert picture.width == 130 + gallery.COLUMNS * 10


def places(folder):
    return [word for name in ("workdir", "results", "pictures") for word in (f"--{name}", str(folder / name))]


@pytest.mark.slow
def test_the_runbook_of_an_accelerator_counts_images_and_goes_on_after_its_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gallery, "PUBLISHED", {"dcgan": gallery.Entry("dcgan", {"width": 4}, batch_size=32, images=320)})
    monkeypatch.setattr(gallery, "SAMPLES", 200)
    call = ["--device", "gpu", "--datasets", "digits", *places(tmp_path)]
    result = tmp_path / "results" / "gallery_gpu" / "digits_dcgan.json"
    gallery.main([*call, "--minutes", "0.0001"])
    assert "this call again goes on from there" in capsys.readouterr().out
    assert not result.exists()
    gallery.main(call)
    with pytest.raises(ValueError, match="--images must be at least 32, the images of one step, found 31"):
        gallery.main([*call[:-6], *places(tmp_path / "other"), "--images", "31"])
    found = json.loads(result.read_text())
    assert (found["steps"], found["images_seen"]) == (10, 320)
    assert found["flop"] == 10 * found["flop_per_step"]


@pytest.mark.parametrize("name", gallery.PUBLISHED)
def test_the_options_of_the_runbook_exist_and_their_costs_can_be_counted(name):
    entry = gallery.PUBLISHED[name]
    assert entry.images
    gan = models.make(gallery.configuration(entry, 1000), DataSpec.images((32, 32, 3), 10, batch_size=entry.batch_size))
    jax.eval_shape(gan.init, jax.random.key(0))
