"""`python -m jgan.sample`: folders of images, runs whose data are gone, absurd numbers, and outputs that cannot be shown."""

import io
import os
import re
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from small_runs import SMALL
from test_sample import draw, folder_of, refused
from tiny_models import CLASSES, Classes

from jgan import evaluate, sample, train
from jgan.data import image_files
from jgan.evaluation import sets
from jgan.training import outputs
from jgan.types import DataSpec
from jgan.utils import checks, cli, memory

PAGE = Path(__file__).parents[2] / "docs" / "index.md"


def test_a_folder_holds_the_images_of_the_array(finished_run, tmp_path):
    array = draw(finished_run, tmp_path / "a.npz", "--num", "12")["samples"]
    sample.main(["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "images"), "--num", "12"])
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert names == [f"{index:04}.png" for index in range(12)]
    np.testing.assert_array_equal(sets.read(tmp_path / "images").images, array)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "images"]  # and nothing temporary


def test_an_empty_folder_is_filled_and_a_full_one_refused(finished_run, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    flags = ["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "images"), "--num", "2"]
    sample.main(flags)
    before = {path: path.read_bytes() for path in (tmp_path / "images").iterdir()}
    assert "the folder" in (error := refused(capsys, *flags, "--seed", "1"))
    assert "is not empty" in error
    assert {path: path.read_bytes() for path in (tmp_path / "images").iterdir()} == before


def test_a_label_stands_in_the_name(tmp_path):
    """The folder stays flat, which pytorch-fid and torch-fidelity need; class k has the brightness (k + 1/2) / 10."""
    run = folder_of(tmp_path / "run", CLASSES, Classes(), DataSpec.images((8, 8, 1), 2, n_classes=10))
    flags = ["--labels", "7,2", "--num", "5", "--out", str(tmp_path / "images")]
    sample.main(["--workdir", str(run.workdir), *flags])
    files = sorted((tmp_path / "images").iterdir())
    assert [path.name for path in files] == [f"{index:04}-label{label}.png" for index, label in enumerate((2, 2, 7, 7, 7))]
    brightness = [image_files.read_image(path).mean() for path in files]
    np.testing.assert_allclose(brightness, 25.5 * (np.array([2, 2, 7, 7, 7]) + 0.5), atol=2)


def test_other_tools_find_all_images(finished_run, tmp_path):
    """As pytorch-fid and torch-fidelity look for them: by suffix, in the folder itself, opened by Pillow as RGB."""
    sample.main(["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "images"), "--num", "11"])
    found = sorted(entry.path for entry in os.scandir(tmp_path / "images") if entry.name.lower().endswith(".png"))
    assert len(found) == 11
    with Image.open(found[3]) as image:
        assert np.asarray(image.convert("RGB")).shape == (8, 8, 3)


def test_more_than_ten_thousand_names_stay_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(sample.plots, "save_png", lambda path, image: Path(path).touch())
    outputs.write_folder(tmp_path / "images", np.zeros((10_001, 1, 1, 1), np.uint8))
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert (names[0], names[-1], len(names)) == ("00000.png", "10000.png", 10_001)


def test_an_interrupted_folder_leaves_nothing(tmp_path, monkeypatch):
    saved = []

    def interrupted(path, image):
        saved.append(path)
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(sample.plots, "save_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        outputs.write_folder(tmp_path / "images", np.zeros((5, 1, 1, 1), np.uint8))
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------------------------- a run stands alone


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """The folder of a run, moved, whose data are gone."""
    root = tmp_path_factory.mktemp("moved")
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8)
    (root / "data").mkdir()
    np.savez(root / "data" / "set.npz", x=images)
    flags = ["--dataset", "npz", "--data-dir", str(root / "data"), "--steps", "2", "--workdir", str(root / "run")]
    train.main(["digits", *SMALL, "--eval-samples", "50", *flags])
    shutil.rmtree(root / "data")
    shutil.move(root / "run", root / "elsewhere")
    return root / "elsewhere"


@pytest.mark.parametrize("out", ["a.png", "a.npz", "images"])
def test_samples_need_no_data_and_no_folder(moved, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    sample.main(["--workdir", os.path.relpath(moved), "--out", out, "--num", "3"])
    assert (tmp_path / out).exists()


def test_a_measure_needs_the_data_and_says_where_they_were(moved, capsys):
    with pytest.raises(SystemExit):
        cli.run(lambda: evaluate.main(["--workdir", str(moved), "--metrics", "fid", "--num-samples", "20"]), evaluate.PROG)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(moved.parent / "data") in error


def test_the_documented_lines_load_a_generator(finished_run, tmp_path):
    (code,) = re.findall(r"<!-- example: load -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict = {}
    exec(code.replace('"RUN"', repr(str(finished_run.workdir))), names)
    written = draw(finished_run, tmp_path / "a.npz", "--num", "64")["samples"]
    assert names["images"].shape == (64, 8, 8, 1)
    assert np.abs(np.asarray(names["images"]) * 255 - written).max() <= 1
    assert names["found"].step in (4, 8)


# -------------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num", str(10**12)], "--num 1,000,000,000,000, --columns 0: choose smaller numbers: about"),
        (["--columns", str(10**12)], "--num 64, --columns 1,000,000,000,000: choose smaller numbers"),
        (["--num", "9" * 20], "choose smaller numbers"),
        (["--seed", str(2**63)], "--seed must be from 0 to 4294967295, found 9223372036854775808"),
        (["--seed", "9" * 20], "--seed must be from 0 to 4294967295"),
        (["--out", ""], "--out is empty: give it a value, or leave it out"),
        (["--out", "images", "--columns", "3"], "--columns lays out a picture, and --out is a folder of images"),
        (["--out", "nowhere/images"], "--out: there is no folder nowhere"),
        (["--out", "."], "is not empty"),
        (["--out", "made.png"], "--out: made.png is a folder, not a file"),
    ],
)
def test_absurd_flags_are_refused_before_anything_is_read(finished_run, capsys, monkeypatch, tmp_path, flags, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    monkeypatch.setattr(type(finished_run), "snapshot", None)
    (tmp_path / "made.png").mkdir()
    assert message in refused(capsys, "--workdir", finished_run.workdir, *flags)
    assert [path.name for path in tmp_path.iterdir()] == ["made.png"]


def test_an_empty_folder_name_and_a_word_without_a_flag(capsys, finished_run):
    assert "--workdir is empty" in refused(capsys, "--workdir", "")
    assert "expected --workdir RUN, found" in refused(capsys, finished_run.workdir)


def test_seeds_that_would_be_cut_to_32_bits_are_refused():
    """JAX would silently make them another seed; all that are accepted differ."""
    of = lambda seed: jax.random.key_data(jax.random.key(seed)).tolist()  # noqa: E731
    assert of(2**32) == of(0)
    assert len({tuple(of(seed)) for seed in (0, 1, 2**31 - 1, 2**31, checks.LARGEST_SEED)}) == 5
    with pytest.raises(ValueError, match="seed must be from 0 to 4294967295, found 4294967296"):
        checks.seed(2**32)


class Full(io.TextIOBase):
    """Standard output on a full disk."""

    encoding = "utf-8"

    def write(self, text):
        raise OSError(28, "No space left on device")


def test_an_output_that_cannot_be_shown_is_a_warning(finished_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Full())
    sample.main(["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "a.png")])
    assert (tmp_path / "a.png").is_file()
    assert capsys.readouterr().err.count("standard output cannot be written to ([Errno 28] No space left on device)") == 1
