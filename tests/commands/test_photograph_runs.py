"""Runs on photographs of different sizes, on any devices and resumed; models for images refuse them; CycleGAN on folders."""

import dataclasses
import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_models
from PIL import Image

from jgan import train, views
from jgan.models import Model
from jgan.steps import Steps
from jgan.training import loop
from jgan.training import train as train_in_process
from jgan.training.evaluators import Evaluator
from jgan.types import DataSpec
from jgan.utils import cli


@dataclasses.dataclass(frozen=True)
class Mean:
    """The options of a model that sums up what it has seen."""

    side: int = 8
    """side of the crops"""


def make_mean(config, spec):
    """Its parameters are a chain of sums over crops and their quarters: any other crop gives other ones."""
    field, source = spec.one.x, spec.one.c
    assert (field.kind, source.kind, min(field.shape[:2]) >= config.side) == ("photographs", "photographs", True)

    def step(key, params, batch):
        assert batch.x.shape[1:] == (config.side, config.side, 3)
        return {"x": 0.5 * params["x"] + batch.x.mean(axis=0), "c": 0.5 * params["c"] + batch.c.mean(axis=0)}

    params = {"x": (config.side, config.side, 3), "c": (config.side // 4, config.side // 4, 3)}
    gan = tiny_models.game(lambda key: jax.tree.map(jnp.zeros, params, is_leaf=lambda p: isinstance(p, tuple)), step, None)

    def over_devices(key, state, batch, *, axis_name=None):
        if axis_name is not None:
            batch = jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, axis_name, tiled=True), batch)
        return gan.step(key, state, batch)

    view = views.of_images(views.crop(config.side, 4), views.flip())
    return gan._replace(step=views.viewed(Steps(over_devices, over_devices, over_devices), view).step)


def judged(run):
    """Measures on whole photographs of the validation part."""

    def measure(run, state):
        return {"brightness": float(np.mean([image.mean() for image in run.dataset.validation.x.images()]))}

    drawn = lambda run, state: np.zeros((8, 8, 1), np.uint8)  # noqa: E731
    finish = lambda run, state: (measure(run, state), "done")  # noqa: E731
    return Evaluator("mean", "brightness", False, measure, str, drawn, finish)


MEAN = Model(Mean, make_mean, {}, lambda spec: None, lambda config: config, DataSpec.images((8, 8, 3), 2), evaluator=judged)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for index in range(24):
        size = random.integers(8, 30, 2)
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(folder / f"{index:02}.png")
    return folder


def mean(photographs, workdir, **options):
    options = {"steps": 6, "batch_size": 4, "log_every": 2, "checkpoint_every": 2, "sample_every": 0} | options
    return train_in_process(MEAN, workdir=workdir, dataset="photographs:x4", data_dir=str(photographs), **options)


@pytest.mark.slow
def test_a_run_on_photographs_is_resumed_with_the_same_bits(photographs, tmp_path, monkeypatch):
    whole = mean(photographs, tmp_path / "whole")
    assert np.asarray(whole.state.generator.params["x"]).std() > 0.01
    events = loop.events

    def interrupted(run, stage, session, state, step, **rest):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return events(run, stage, session, state, step, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "events", interrupted)
        with pytest.raises(KeyboardInterrupt, match="saved in"):
            mean(photographs, tmp_path / "parts")
    resumed = mean(photographs, tmp_path / "parts", resume=True)
    jax.tree.map(np.testing.assert_array_equal, resumed.state, whole.state)
    (photographs / "00.png").rename(photographs / "99.png")
    try:
        with pytest.raises(ValueError, match="data"):  # they are in another order
            mean(photographs, tmp_path / "parts", resume=True, steps=8)
    finally:
        (photographs / "99.png").rename(photographs / "00.png")


@pytest.mark.parametrize("parallel", ["pmap", "shard"])
@pytest.mark.slow
def test_a_run_on_photographs_is_the_same_on_several_devices(photographs, tmp_path, parallel):
    alone = mean(photographs, tmp_path / "alone", steps=2)
    spread = mean(photographs, tmp_path / "spread", steps=2, parallel=parallel, devices=4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), spread.state, alone.state)


@pytest.mark.parametrize("preset", ["mnist", "pix2pix", "cyclegan"])
def test_models_for_images_of_one_size_say_so(photographs, tmp_path, capsys, preset):
    line = [preset, "--dataset", "photographs", "--data-dir", str(photographs), "--workdir", str(tmp_path / "run")]
    line += ["--batch-size", "4"]
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: train.main(line), train.PROG)
    assert leaving.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "found photographs of at least 8x9x3: choose another --dataset" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_cyclegan_trains_on_two_folders_from_the_command_line(tmp_path, capsys):
    random = np.random.default_rng(0)
    for name, n in (("trainA", 12), ("trainB", 15), ("testA", 3), ("testB", 3)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(n):
            image = random.integers(0, 256, (9, 11, 3), np.uint8)
            Image.fromarray(image).save(tmp_path / "data" / name / f"{index}.jpg")
    line = ["cyclegan", "--dataset", "domains:8", "--data-dir", str(tmp_path / "data"), "--workdir", str(tmp_path / "run")]
    small = ["--model.g-width", "2", "--model.d-width", "2", "--model.g-blocks", "1", "--batch-size", "2", "--steps", "4"]
    viewed = ["--model.views.jitter", "1.25", "--model.views.flip"]
    train.main(line + small + viewed)
    assert (tmp_path / "run" / "translations.png").is_file()
    assert "KID" in capsys.readouterr().out
