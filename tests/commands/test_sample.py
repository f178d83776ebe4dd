"""`python -m jgan.sample`: what it writes against the library's own pieces, and what it says of bad input."""

import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan import plots, sample
from jgan.training.checkpoint import Checkpoints
from jgan.training.run import keys
from jgan.utils import cli


def draw(run, out, *flags):
    """Runs the command in this process and reads what it wrote."""
    sample.main(["--workdir", str(run.workdir), "--out", str(out), *flags])
    if out.suffix == ".npz":
        with np.load(out) as file:
            return {name: file[name] for name in file.files}
    with Image.open(out) as image:
        return np.asarray(image)


def generate(run, z, *, which="best", averaged=True):
    """The images of some latents in 8 bits, without the command."""
    images = np.asarray(run.gan.generate(run.restore(which), z, averaged=averaged), np.float64)
    return np.rint(images * 255)


def test_array_holds_the_generators_images(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--num", "10", "--seed", "3")
    expected = generate(finished_run, finished_run.gan.latents(keys(3).samples, 10))
    assert written["samples"].dtype == np.uint8
    assert written["samples"].shape == (10, 8, 8, 1)
    # Compiled and not, blocked and not: to rounding, which may tip a half.
    assert np.abs(written["samples"] - expected).max() <= 1
    with Checkpoints(finished_run.workdir / "checkpoints", read_only=True) as checkpoints:
        assert written["step"] == checkpoints.step("best")
    assert (written["preset"], written["dataset"], written["checkpoint"]) == ("digits", "digits", "best")
    assert (written["seed"], written["averaged"], written["interpolate"]) == (3, True, False)


def test_picture_is_the_grid_of_the_array(finished_run, tmp_path):
    array = draw(finished_run, tmp_path / "a.npz", "--num", "10")["samples"]
    picture = draw(finished_run, tmp_path / "a.png", "--num", "10", "--columns", "5")
    np.testing.assert_array_equal(picture, plots.grid(array, columns=5)[..., 0])


def test_the_runs_seed_gives_the_runs_picture(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.png", "--seed", "7", "--checkpoint", "last")
    with Image.open(finished_run.workdir / "samples" / "step_00000004.png") as image:
        difference = np.abs(written.astype(int) - np.asarray(image))
    assert written.shape == difference.shape
    assert difference.max() <= 1


@pytest.mark.parametrize("which", ["best", "last"])
def test_either_checkpoint_and_either_set_of_parameters(finished_run, tmp_path, which):
    z = finished_run.gan.latents(keys(0).samples, 64)
    for averaged, flag in ((True, "--averaged"), (False, "--no-averaged")):
        written = draw(finished_run, tmp_path / "a.npz", "--checkpoint", which, flag)["samples"]
        assert np.abs(written - generate(finished_run, z, which=which, averaged=averaged)).max() <= 1


def test_interpolation_walks_on_straight_lines(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--interpolate", "--num", "15", "--columns", "5")
    assert written["interpolate"]
    lines = written["samples"].reshape(3, 5, 8, 8, 1)
    ends = finished_run.gan.latents(keys(0).samples, 6)
    assert np.abs(lines[:, 0] - generate(finished_run, ends[:3])).max() <= 1
    assert np.abs(lines[:, 4] - generate(finished_run, ends[3:])).max() <= 1
    assert np.abs(lines[:, 2] - generate(finished_run, (ends[:3] + ends[3:]) / 2)).max() <= 1
    picture = draw(finished_run, tmp_path / "a.png", "--interpolate")
    assert picture.shape == (8 * 50, 8 * 50)  # 64 images: 8 lines of 8


def test_same_command_same_bytes(finished_run, tmp_path):
    draw(finished_run, tmp_path / "a.png")
    draw(finished_run, tmp_path / "b.png")
    draw(finished_run, tmp_path / "c.png", "--seed", "1")
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert a == b
    assert a != c


def test_by_default_the_picture_lies_in_the_runs_folder(finished_run, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(finished_run.workdir, folder)
    sample.main(["--workdir", str(folder)])
    assert (folder / "grid.png").is_file()
    assert str(folder / "grid.png") in capsys.readouterr().out


@pytest.mark.parametrize("block", [1, 3, 7, 100])
def test_blocks_make_no_difference(finished_run, block):
    state = finished_run.restore()
    z = finished_run.gan.latents(jax.random.key(1), 7)
    expected = finished_run.gan.generate(state, z)
    np.testing.assert_allclose(sample.draw(finished_run.gan, state, z, block=block), expected, atol=1e-6)


def test_images_that_are_not_finite_are_not_written(finished_run):
    state = finished_run.restore()
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, state.generator.params)
    state = state._replace(generator=state.generator._replace(params=broken))
    z = finished_run.gan.latents(jax.random.key(1), 2)
    with pytest.raises(ValueError, match="not finite at step 4"):
        sample.draw(finished_run.gan, state, z, averaged=False)


def refused(capsys, *argv):
    """The one line of stderr, after exit status 2."""
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: sample.main([str(argument) for argument in argv]), sample.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out", "a.jpg"], "--out must end in .png (a picture) or .npz (an array), found a.jpg"),
        (["--out", "nowhere/a.png"], "--out: there is no folder nowhere"),
        (["--num", "0"], "--num must be at least 1, found 0"),
        (["--num", "many"], "--num"),
        (["--columns", "-1"], "--columns must be at least 0, found -1"),
        (["--seed", "-1"], "--seed must be at least 0, found -1"),
        (["--interpolate", "--num", "10"], "--num a multiple of it, found 8 and 10"),
        (["--interpolate", "--columns", "1"], "--columns must be at least 2"),
        (["--checkpoint", "middle"], "middle"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_bad_flags(finished_run, capsys, monkeypatch, tmp_path, flags, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "--workdir", finished_run.workdir, *flags)
    assert not list(tmp_path.iterdir())


def test_no_run(capsys, tmp_path):
    assert "--workdir" in refused(capsys)
    assert "config.json" in refused(capsys, "--workdir", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_cut_short(finished_run, tmp_path):
    """As a command of its own: nothing but the one line is printed, whatever the storage layer's threads have to say."""
    folder = tmp_path / "run"
    shutil.copytree(finished_run.workdir, folder)
    before = draw(finished_run, folder / "grid.png")
    for path in (folder / "checkpoints").rglob("d/*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    command = [sys.executable, "-m", "jgan.sample", "--workdir", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"python -m jgan.sample: error: the checkpoint {folder / 'checkpoints'}")
    assert ended.stderr.count("\n") == 1
    assert not ended.stdout
    with Image.open(folder / "grid.png") as image:
        np.testing.assert_array_equal(np.asarray(image), before)
