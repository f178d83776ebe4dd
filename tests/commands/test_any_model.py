"""`jgan.training.train`: any model on any data, as the command does it; and folders that are opened again."""

import json
import shutil
import signal
import sys
import threading
from importlib import metadata
from pathlib import Path

import jax
import numpy as np
import pytest
import tiny_models
from tiny_models import CLASSES, SHIFT, WALK, Pull, Shift, Walk

from jgan import Batch, data, models
from jgan.training import evaluators, loop, records, train
from jgan.training.evaluators import pairs
from jgan.training.run import open_run
from jgan.types import Batch as Fields
from jgan.types import DataSpec, Field
from jgan.utils import registry

POINTS = np.random.default_rng(0).normal(size=(96, 2)).astype(np.float32)
SHORT = {"dataset": POINTS, "batch_size": 16, "steps": 2, "checkpoint_every": 0, "sample_every": 0}


def one_phase(spec):
    return tiny_models.make_walk(Walk(), spec)[0].gan


def test_a_model_of_ones_own_is_trained_and_opened_from_its_folder_alone(tmp_path):
    trained = train(WALK, Walk(first=1, pull=Pull(0.5)), workdir=tmp_path / "a", **SHORT)
    assert trained.summary["best"]["step"] == 2
    assert (tmp_path / "a" / "curves.png").is_file()
    recorded = json.loads((tmp_path / "a" / "config.json").read_text())
    assert recorded["config"]["model"]["model"] == "tiny_models:WALK"
    moved = shutil.move(tmp_path / "a", tmp_path / "elsewhere")
    opened = open_run(moved)
    assert opened.config.model == Walk(first=1, pull=Pull(0.5))
    assert opened.spec == trained.run.spec._replace(mean=None)
    jax.tree.map(np.testing.assert_array_equal, opened.restore(), trained.state)
    with pytest.raises(ValueError, match=r"data, were in memory: pass them again, open_run\(workdir, dataset=\.\.\.\)"):
        _ = opened.dataset
    assert len(open_run(moved, dataset=trained.run.dataset).dataset.test.x) == 16


def test_a_model_that_cannot_be_imported_is_given_again(tmp_path, monkeypatch):
    trained = train(WALK, Walk(first=1), workdir=tmp_path / "a", **SHORT)
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "tiny_models")
        patch.setattr(sys, "path", [folder for folder in sys.path if not folder.endswith("commands")])
        with pytest.raises(
            ValueError, match=r"the module tiny_models, which cannot be imported here.*open_run\(workdir, model="
        ):
            open_run(tmp_path / "a")
        jax.tree.map(np.testing.assert_array_equal, open_run(tmp_path / "a", model=WALK).restore(), trained.state)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["function", "gan"])
def test_functions_and_gans_are_models(tmp_path, kind):
    given = one_phase if kind == "function" else one_phase(None)
    trained = train(given, workdir=tmp_path / "a", **SHORT)
    assert {"coverage", "precision"} <= trained.summary["mode_coverage"].keys()  # points of an unknown density
    with pytest.raises(ValueError, match=r"has no name and no module: give it, open_run\(workdir, model=\.\.\.\)"):
        open_run(tmp_path / "a")
    opened = open_run(tmp_path / "a", model=given)
    jax.tree.map(np.testing.assert_array_equal, opened.restore(), trained.state)
    assert opened.config.preset == ("one_phase" if kind == "function" else "gan")


def test_options_find_their_model():
    from jgan.training import custom

    assert custom.choose(Walk(first=2)) == custom.Chosen("tiny_models", WALK, Walk(first=2))
    assert custom.choose("mnist").name == "mnist"
    with pytest.raises(ValueError, match="unknown preset 'mnits', did you mean 'mnist'"):
        custom.choose("mnits")
    with pytest.raises(ValueError, match=r"expected the options of digits, .*gan2014\.Config, found tiny_models\.Walk"):
        custom.choose("digits", Walk())
    with pytest.raises(ValueError, match="which no Model has: give the Model"):
        custom.choose(Pull())
    with pytest.raises(ValueError, match="expected a model: a preset's name, a Model,"):
        custom.choose(3)


def test_what_does_not_fit_is_said_before_a_folder_is_made(tmp_path):
    line = np.zeros((12, 5), np.float32)
    for options, message in (
        ({"dataset": line, "batch_size": 2}, r"expected points of two coordinates, found \(5,\)"),
        ({"stepz": 3}, "unknown option 'stepz', did you mean 'steps'"),
        ({"dry_run": True}, "unknown option 'dry_run'"),
        (
            {"batch_size": 100},
            r"--batch-size must be at most the 64 training examples of arrays:data, found 100: give --batch-size 64$",
        ),
        ({"dataset": 5}, r"expected data as a name, a Dataset, a Batch, an array \[N, ...\] or examples"),
    ):
        with pytest.raises(ValueError, match=message):
            train(WALK, workdir=tmp_path / "none", **SHORT | options)
    with pytest.raises(ValueError, match=r"has no preset and so no default steps: give steps=\.\.\."):
        train(WALK, workdir=tmp_path / "none", dataset=POINTS)
    assert not (tmp_path / "none").exists()


def test_a_run_without_a_folder_s_name_is_stopped_and_resumed(tmp_path, monkeypatch):
    """Ctrl-C after the first step, saved after the second; the message names the folder, and `resume` finds it."""
    monkeypatch.chdir(tmp_path)
    options = SHORT | {"steps": 3, "checkpoint_every": 1, "eval_every": 0, "log_every": 1}
    original = loop.events

    def interrupted(run, stage, session, state, step, **named):
        if step == 1:
            signal.raise_signal(signal.SIGINT)
        original(run, stage, session, state, step, **named)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "events", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"saved in runs/gan; continue with .*workdir='runs/gan', resume=True"):
            train(one_phase(None), **options)
    assert int(open_run("runs/gan", model=one_phase).restore().step) == 2
    trained = train(one_phase(None), resume=True, **options)
    assert (trained.run.workdir, int(trained.state.step)) == (Path("runs/gan"), 3)
    with pytest.raises(ValueError, match="runs/one_phase holds no run; leave the flag out"):
        train(one_phase, resume=True, **options)
    assert [path.name for path in Path("runs").iterdir()] == ["gan"]


def test_a_run_in_a_thread_takes_no_signals(tmp_path):
    failed = []

    def begin():
        try:
            train(WALK, Walk(first=1), workdir=tmp_path / "a", **SHORT)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert not failed
    assert (tmp_path / "a" / "summary.json").is_file()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no_such_module:MODEL", r"plugin = no_such_module:MODEL .* cannot be loaded \(ModuleNotFoundError: No module named"),
        ("tiny_models:NOTHING", r"plugin = tiny_models:NOTHING .* cannot be loaded \(AttributeError: "),
        ("tiny_models:NOISE", r"plugin = tiny_models:NOISE .*: expected a jgan.models.Model, found float"),
    ],
)
def test_an_entry_point_that_cannot_be_loaded_is_named(monkeypatch, value, message):
    point = metadata.EntryPoint("plugin", value, "jgan.models")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == "jgan.models" else [])
    monkeypatch.setattr(models, "MODELS", registry.Registry("model", models._fill))
    for _ in range(2):  # the error stays until it is corrected
        with pytest.raises(ValueError, match=message):
            models.presets()


def test_an_entry_point_adds_a_model(monkeypatch):
    monkeypatch.setattr(
        metadata, "entry_points", lambda group: [metadata.EntryPoint("walk", "tiny_models:WALK", "jgan.models")]
    )
    monkeypatch.setattr(models, "MODELS", registry.Registry("model", models._fill))
    assert models.find(Walk()) is WALK
    with pytest.raises(ValueError, match="phase 0 of 2 needs a number of steps"):
        models.phases(Walk(first=None), DataSpec.points((2,), 5))
    monkeypatch.setattr(models, "MODELS", {"walk": WALK._replace(make=lambda config, spec: ())})
    with pytest.raises(ValueError, match="expected at least one phase, found none"):
        models.phases(Walk(), DataSpec.points((2,), 5))


@pytest.mark.parametrize(
    "spec",
    [
        DataSpec.points((2,), 5),
        DataSpec({"a": Fields(Field((8, 8, 1))), "b": Fields(Field((8, 8, 3)), Field((), "label", 4))}, 7),
        DataSpec(Fields(Field((9,), "tokens", 50), None, {"source": Field((4, 4, 1)), "pair": (Field((2,), "points"),)}), 3),
    ],
    ids=["points", "two sets", "trees"],
)
def test_descriptions_of_data_survive_json(spec):
    assert records.spec_from_dict(json.loads(json.dumps(records.spec_to_dict(spec)))) == spec


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"config": {}}', r"expected version 4, found 1, of jgan 0\.1: open it with jgan 0\.1"),
        ('{"version": 5}', "expected version 4, found 5, of a later jgan: open it with a later jgan"),
    ],
)
def test_a_configuration_of_another_version_is_refused(tmp_path, content, message):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        open_run(tmp_path)


# -------------------------------------------------------------------------------------------- conditions and translations


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A finished run of a model conditioned on labels, on digits of which all zeros but one are left out."""
    workdir = tmp_path_factory.mktemp("runs") / "classes"
    digits = data.load("digits")
    kept = lambda y: (y > 0) | (np.arange(len(y)) == np.argmin(y))  # noqa: E731
    without = {
        name: Batch(part.x[kept(part.y)], part.y[kept(part.y)])
        for name, part in (("train", digits.train), ("validation", digits.validation), ("test", digits.test))
    }
    dataset = data.Dataset("nonzero", **without)
    options = {"steps": 2, "batch_size": 16, "eval_samples": 300, "sample_every": 2}
    return train(CLASSES, dataset=dataset, workdir=workdir, **options).run


@pytest.mark.slow
def test_samples_of_a_measure_have_the_labels_of_the_data(classes):
    """The one zero of the data is hardly drawn, and the other digits in their proportions."""
    from jgan.training.evaluators import sampling
    from jgan.training.run import keys

    labels = np.asarray(sampling.inputs(classes, keys(0).evaluation, 2000).c)
    shares = np.bincount(labels, minlength=10) / 2000
    expected = np.bincount(classes.dataset.train.y, minlength=10) / len(classes.dataset.train.y)
    assert shares[0] < 0.005
    np.testing.assert_allclose(shares, expected, atol=0.03)


@pytest.mark.slow
def test_the_picture_has_a_row_for_each_class(classes):
    from PIL import Image

    with Image.open(classes.workdir / "samples" / "step_00000002.png") as image:
        picture = np.asarray(image)
    side = picture.shape[0] // 10  # ten rows of ten
    assert picture.shape == (10 * side, 10 * side)
    middles = picture[side // 2 :: side, side // 2 :: side].astype(float)
    expected = np.repeat(255 * (np.arange(10)[:, None] + 0.5) / 10, 10, axis=1)
    np.testing.assert_allclose(middles, expected, atol=2)


def test_conditions_are_converted_by_their_kind_as_in_training():
    """Tokens in uint8 are numbers of words, not brightnesses."""
    from jgan.data import resident
    from jgan.training.evaluators import sampling

    arrays = {
        "words": np.array([[1, 7], [255, 0]], np.uint8),
        "image": np.full((2, 4, 4, 1), 51, np.uint8),
        "place": np.array([[0.5], [1.5]], np.float32),
    }
    fields = {"words": Field((2,), "tokens", 256), "image": Field((4, 4, 1)), "place": Field((1,), "points")}
    batch = Batch(np.zeros((2, 4, 4, 1), np.uint8), np.array([3, 1], np.uint8), arrays)
    found = sampling.condition_of(batch, fields, np.arange(2))
    assert {name: leaf.dtype for name, leaf in found.items()} == {"words": np.int32, "image": np.float32, "place": np.float32}
    np.testing.assert_array_equal(found["words"], [[1, 7], [255, 0]])
    in_training = resident.cut(batch, np.arange(2), Fields(Field((4, 4, 1)), Field((), "label", 4), fields))
    jax.tree.map(np.testing.assert_array_equal, found, in_training.c)
    labels = sampling.condition_of(batch, Field((), "label", 4), np.arange(2))
    assert (labels.dtype, labels.tolist()) == (np.int32, [3, 1])


def test_the_measures_of_translations_as_text():
    row = {"kid": 0.5, "kid_ab": 0.25, "kid_ba": 0.75, "error_ba": 0.1, "cycle": 0.2, "hiding_ab": 12.0, "noisy_cycle_ab": 1.0}
    expected = "mean absolute error (ba 0.1), KID (pixels) 0.5 (ab 0.25, ba 0.75), cycle error 0.2, hiding ratio (ab 12)"
    assert pairs.phrase(row) == expected
    assert pairs.phrase({"error": 0.25}) == "mean absolute error 0.25"


@pytest.mark.slow
def test_where_only_one_direction_is_known_domains_are_compared_as_sets(tmp_path):
    trained = train(SHIFT, Shift(0.25), dataset="unpaired:edges:digits", steps=1, batch_size=16, workdir=tmp_path / "a")
    found, test = trained.summary["translation"], trained.run.dataset.test
    edge, image = (test[name].x / 255.0 for name in "ab")
    assert found["error_ba"] == pytest.approx(np.abs(np.clip(image + 0.25, 0, 1) - edge).mean(), abs=1e-6)
    assert {"error", "error_ab"}.isdisjoint(found)
    assert found["kid"] == pytest.approx((found["kid_ab"] + found["kid_ba"]) / 2)
    assert found["cycle_ba"] > 0


@pytest.mark.parametrize("dataset", ["inverted:digits", "edges:digits"])
def test_translations_are_measured_against_the_truth(tmp_path, dataset):
    trained = train(
        SHIFT, Shift(0.25), dataset=dataset, steps=1, batch_size=16, workdir=tmp_path / "a", eval_every=1, sample_every=1
    )
    found = trained.summary["translation"]
    test = trained.run.dataset.test

    def error(source, truth):
        return np.abs(np.clip(source + 0.25, 0, 1) - truth).mean()

    if dataset.startswith("inverted"):
        a, b = (test[name].x / 255.0 for name in "ab")
        assert found["error_ab"] == pytest.approx(error(a, 1 - a), abs=1e-6)
        assert found["error_ba"] == pytest.approx(error(b, 1 - b), abs=1e-6)
        assert found["error"] == pytest.approx((found["error_ab"] + found["error_ba"]) / 2)
        there_and_back = np.clip(np.clip(a + 0.25, 0, 1) + 0.25, 0, 1)
        assert found["cycle_ab"] == pytest.approx(np.abs(there_and_back - a).mean(), abs=1e-6)
        assert found["cycle"] == pytest.approx((found["cycle_ab"] + found["cycle_ba"]) / 2)
        assert found["hiding_ab"] == pytest.approx(found["noisy_cycle_ab"] / found["cycle_ab"])
        assert found["hiding_ab"] == pytest.approx(1, abs=0.05)  # nothing is hidden
        assert 0 < abs(found["jpeg_cycle_ab"] - found["cycle_ab"]) < 0.02
        directions = 2
    else:
        assert found["error"] == pytest.approx(error(test.c / 255.0, test.x / 255.0), abs=1e-6)
        assert not any("cycle" in name or "hiding" in name for name in found)
        directions = 1
    from PIL import Image

    with Image.open(tmp_path / "a" / "samples" / "step_00000001.png") as image:
        assert image.size == (pairs.SHOWN * 50, directions * 3 * 50)  # rows of sources, outputs and truths
    with Image.open(tmp_path / "a" / "translations.png") as image:
        assert image.size == (pairs.SHOWN * 50, directions * 2 * 3 * 50)


def test_the_end_of_a_run_translates_nothing_twice(tmp_path, monkeypatch):
    """In each direction: there, back, back with noise, back after JPEG. The picture takes what was measured."""
    trained = train(SHIFT, Shift(0.25), dataset="inverted:digits", steps=1, batch_size=16, workdir=tmp_path / "a")
    passes, translate = [], pairs.translate

    def counted(run, state, condition):
        passes.append(len(next(iter(condition.values()))))
        return translate(run, state, condition)

    monkeypatch.setattr(pairs, "translate", counted)
    evaluators.of(trained.run).finish(trained.run, trained.state)
    assert passes == [296] * 8
