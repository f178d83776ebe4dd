"""Runs of super-resolution: what is measured and kept, a kill at the boundary of the phases, and pictures of the user's own."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from small_runs import assert_same_end

from jgan import Batch, data, sample, translation
from jgan.data import reduced
from jgan.models import options, srgan
from jgan.training import journal, loop, train
from jgan.training.checkpoint import Checkpoints
from jgan.training.run import open_run

EVERY = {"log_every": 2, "sample_every": 0, "checkpoint_every": 2, "eval_every": 2, "keep_checkpoints": 1}
SGD = options.Optimizer("sgd", learning_rate=0.1)  # optax's Adam does not allow strict promotion
CONFIG = dataclasses.replace(
    srgan.small(srgan.Config()), pretrain_steps=2, crop=srgan.Crop(4), pretrain=SGD, optimizer=SGD, schedule=srgan.Schedule()
)


def pieces():
    """Twenty-four pixels of the scenes."""

    def pair(batch):
        x = batch.x[:6, :24, :24]
        return Batch(x, None, reduced.reduce(x, 4))

    return data.Dataset("pieces", **{part: pair(batch) for part, batch in data.load("scenes").parts.items()})


DATA = pieces()


def run(workdir, **more):
    return train(srgan.MODEL, CONFIG, dataset=DATA, batch_size=4, steps=6, workdir=workdir, **EVERY, **more)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("jgan.features.efficientnet.path", missing)  # the network of random weights, which is small
    made = run(tmp_path_factory.mktemp("runs") / "whole")
    yield made
    patch.undo()


def missing(variant):
    raise FileNotFoundError("not installed")


@pytest.mark.slow
def test_each_phase_has_its_measure_and_the_summary_names_the_networks(finished):
    rows = [row for row in journal.rows(finished.run.workdir) if "psnr" in row]
    assert [(row["step"], "distance" in row) for row in rows] == [(2, False), (4, True), (6, True)]
    best = finished.summary["best"]
    assert best["distance"] == min(row["distance"] for row in rows if "distance" in row)
    found = finished.summary["super_resolution"]
    assert found["bicubic"].keys() == found["model"].keys() == {"psnr", "ssim", "distance", "kid"}
    assert (found["scale"], found["pictures"]) == (4, 6)
    names = {name: found[name]["name"] for name in ("metric_network", "loss_network")}
    assert names == {"metric_network": "random VGG, seed 1", "loss_network": "random VGG, seed 0"}
    for name in ("super_resolution.png", "before_after.png"):
        with Image.open(finished.run.workdir / name) as picture:
            assert picture.height >= 24


@pytest.mark.slow
def test_the_end_of_the_first_phase_is_kept_and_samples_are_made_between_the_two(finished, tmp_path):
    workdir = finished.run.workdir
    with Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        assert checkpoints.steps()[0] == 2
        assert len(checkpoints.steps()) <= 3  # with the last and the best
    picture = tmp_path / "small.png"
    Image.fromarray(DATA.test.c[0]).save(picture)
    made = {}
    for share in (0.0, 0.5, 1.0):
        flags = ["--workdir", workdir, "--input", picture, "--checkpoint", "last", "--between-phases", share]
        sample.main([*map(str, flags), "--out", str(tmp_path / f"{share}.png")])
        with Image.open(tmp_path / f"{share}.png") as opened_picture:
            made[share] = np.asarray(opened_picture)
        assert made[share].shape == (24, 24, 3)
    opened = open_run(workdir, dataset=DATA)
    first = opened.at(2)
    with Checkpoints(workdir / "checkpoints", read_only=True) as checkpoints:
        state = checkpoints.read(2, first.template()).state
    expected = np.asarray(first.gan.generate(state, first.gan.inputs(None, 1, np.float32(DATA.test.c[:1]) / 255)))[0]
    np.testing.assert_allclose(made[0.0], 255 * expected, atol=1)
    assert (made[0.0] != made[1.0]).any()
    with pytest.raises(ValueError, match=r"in \[0, 1\], found 2"):
        sample.main([*map(str, flags[:-1]), "2", "--out", str(tmp_path / "a.png")])


@pytest.mark.slow
def test_a_large_picture_goes_through_in_tiles_without_seams_and_a_grey_one_is_converted(
    finished, tmp_path, monkeypatch, capsys
):
    grey = np.random.default_rng(0).integers(0, 256, (70, 61), np.uint8)
    Image.fromarray(grey).save(tmp_path / "large.png")
    made = []
    for tile in (translation.TILE, 4):
        monkeypatch.setattr(translation, "TILE", tile)
        out = tmp_path / f"{tile}.png"
        sample.main(["--workdir", str(finished.run.workdir), "--input", str(tmp_path / "large.png"), "--out", str(out)])
        with Image.open(out) as picture:
            made.append(np.asarray(picture).astype(int))
        monkeypatch.setattr(translation, "MARGIN", 13)  # how far this network sees
    assert made[0].shape == (280, 244, 3)
    assert np.abs(made[0] - made[1]).max() <= 1
    assert "the model takes RGB: grey converted to it" in capsys.readouterr().err


class KilledError(Exception):
    """Stands for a kill: whatever is in memory is lost."""


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 3])
def test_a_kill_at_the_boundary_changes_nothing(finished, tmp_path, monkeypatch, step):
    original = loop.events

    def killed(run, stage, session, state, now, *, stopping):
        original(run, stage, session, state, now, stopping=stopping)
        if now == step:
            session.checkpoints.wait()
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "events", killed)
        with pytest.raises(KilledError):
            run(tmp_path / "run")
    run(tmp_path / "run", resume=True)
    assert_same_end(finished.run.workdir, tmp_path / "run", dataset=DATA)


def test_pictures_too_small_to_measure_are_refused_before_anything_is_written(tmp_path):
    config = dataclasses.replace(CONFIG, crop=srgan.Crop(0), d_levels=1)
    with pytest.raises(ValueError, match="measured on pictures of at least 19x19 pixels, found a side of 8"):
        train(srgan.MODEL, config, dataset="x4:digits", batch_size=4, steps=6, workdir=tmp_path / "run", **EVERY)


@pytest.mark.parametrize(
    ("extractor", "message"), [("pixels", "must be among auto, classifier"), ("inception", "must be among auto, classifier")]
)
def test_an_extractor_without_maps_is_refused(tmp_path, extractor, message):
    with pytest.raises(ValueError, match=message):
        train(srgan.MODEL, CONFIG, dataset=DATA, batch_size=4, steps=6, workdir=tmp_path / "a", extractor=extractor, **EVERY)
