"""Images of the user's own whose size does not fit the model: resized, said so, and the same when the run is opened again."""

import json

import numpy as np
import pytest
from PIL import Image

from jgan import models, sample, train
from jgan.models import dcgan
from jgan.training import api
from jgan.training.run import open_run

TINY = ("--model.width", "2", "--model.latent-size", "3", "--batch-size", "4", "--eval-samples", "50", "--sample-every", "0")
SAYS = "images of 17x21 cropped and resized to 16x20 (height x width), the size nearest to 17x21 that the model accepts"


@pytest.fixture
def photos(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(90):
        image = np.full((17, 21, 3), random.integers(40, 200)) + random.integers(0, 40, (17, 21, 3))
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


@pytest.mark.slow
def test_a_run_resumed_sampled_and_opened_has_the_size_of_its_start(photos, tmp_path, capsys):
    run, flags = tmp_path / "run", ("--dataset", "folder", "--data-dir", str(photos), *TINY)
    train.main(["dcgan", *flags, "--workdir", str(run), "--steps", "2"])
    assert SAYS in capsys.readouterr().out
    assert SAYS in (run / "log.txt").read_text()
    config = json.loads((run / "config.json").read_text())["config"]
    assert config["dataset"] == "folder:16x20"
    train.main(["dcgan", *flags, "--workdir", str(run), "--resume", "--steps", "3"])  # the same command
    assert SAYS in capsys.readouterr().out
    train.main(["--workdir", str(run), "--resume", "--dry-run"])  # no more than the folder of the run
    assert "60 of 16 x 20 x 3" in (out := capsys.readouterr().out)
    assert "resized" not in out
    assert open_run(run).spec.shape == (16, 20, 3)
    assert open_run(run).dataset.test.x.shape == (15, 16, 20, 3)
    sample.main(["--workdir", str(run), "--num", "2", "--out", str(tmp_path / "samples.npz")])
    assert np.load(tmp_path / "samples.npz")["samples"].shape == (2, 16, 20, 3)


def test_the_size_that_is_asked_for(photos, tmp_path, capsys):
    """As a dry run, whose plan says it too; a size that fits is not talked about."""
    flags = ["dcgan", "--data-dir", str(photos), *TINY, "--workdir", str(tmp_path / "run"), "--dry-run"]
    train.main([*flags, "--dataset", "folder:11x12"])
    out = capsys.readouterr().out
    assert "images cropped and resized to 12x12 (height x width), the size nearest to 11x12 that the model accepts" in out
    assert "12 x 12 x 3" in out
    train.main([*flags, "--dataset", "folder:8x12"])
    assert "resized" not in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"expected a size after the colon"):
        train.main([*flags, "--dataset", "folder:large"])


@pytest.mark.slow
def test_the_python_function_does_the_same(photos, tmp_path):
    config = dcgan.Config(width=2, latent_size=3)
    options = {"batch_size": 4, "eval_samples": 50, "sample_every": 0, "steps": 2}
    trained = api.train(config, dataset="folder", data_dir=photos, workdir=tmp_path / "run", **options)
    assert trained.run.config.dataset == "folder:16x20"
    assert SAYS in (tmp_path / "run" / "log.txt").read_text()
    unfitted = models.MODELS["dcgan"]._replace(nearest=lambda size: size)
    with pytest.raises(ValueError, match=r"found 17x21; the nearest squares are"):
        api.train(unfitted, config, dataset="folder", data_dir=photos, workdir=tmp_path / "other", **options)
