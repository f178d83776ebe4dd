"""`python -m jgan.sample --traverse, --arithmetic, --project, --path`: the pictures against the generator's own images."""

import numpy as np
import pytest
from PIL import Image

from jgan import exploration, latents, plots, sample
from jgan.training.run import keys


def draw(run, out, *flags):
    sample.main(["--workdir", str(run.workdir), "--out", str(out), "--seed", "3", *flags])
    if out.suffix == ".npz":
        with np.load(out) as file:
            return {name: file[name] for name in file.files}
    with Image.open(out) as image:
        return np.asarray(image)


def images_of(run, z):
    return np.rint(
        np.asarray(run.gan.generate(run.restore("best"), run.gan.inputs(keys(3).samples, len(z))._replace(z=z))) * 255
    )


def test_the_spherical_path_is_that_of_the_formula(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--interpolate", "--path", "spherical", "--num", "6", "--columns", "3")
    start, end = np.split(np.asarray(finished_run.gan.inputs(keys(3).samples, 4).z), 2)
    z = latents.interpolate(start, end, 3, "spherical").reshape(6, -1)
    assert np.abs(written["samples"] - images_of(finished_run, z)).max() <= 1


def test_a_traversal_shows_the_latents_that_it_writes(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--traverse", "2", "--columns", "3")
    z = written["latents"].reshape(2, 3, -1)
    np.testing.assert_allclose(z[:, 0] + z[:, 2], 2 * z[:, 1], atol=1e-5)
    np.testing.assert_array_equal(z[0, 1], z[1, 1])  # the same image in the middle
    assert np.abs(z[0, 0] - z[0, 1]).max() > 1e-3
    assert np.abs(written["samples"] - images_of(finished_run, written["latents"])).max() <= 1
    picture = draw(finished_run, tmp_path / "a.png", "--traverse", "2", "--columns", "3")
    np.testing.assert_array_equal(picture, plots.grid(written["samples"], columns=3)[..., 0])


def test_the_first_direction_changes_the_images_more_than_one_at_random(finished_run):
    found = finished_run.snapshot("best")
    explored = exploration.traversal(found, keys(3).samples, 1, 3)
    length = np.linalg.norm(explored.z[2] - explored.z[0])
    random = np.random.default_rng(0).normal(size=(8, explored.z.shape[1]))
    random *= length / np.linalg.norm(random, axis=1, keepdims=True)
    ends = np.concatenate([explored.z[1] - random / 2, explored.z[1] + random / 2]).astype(np.float32)
    before, after = np.split(images_of(finished_run, ends).reshape(16, -1), 2)
    change = np.square(255 * (explored.images[2] - explored.images[0])).sum()
    assert change > np.square(after - before).sum(axis=1).max()


def test_arithmetic_adds_and_subtracts_means(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--arithmetic", "0,2 - 3 + 4,5,6", "--num", "7")
    z = np.asarray(finished_run.gan.inputs(keys(3).samples, 7).z)
    rows = written["latents"].reshape(4, 4, -1)
    np.testing.assert_allclose(rows[0, 0], (z[0] + z[2]) / 2, atol=1e-5)
    np.testing.assert_array_equal(rows[0, 1:3], z[[0, 2]])
    assert np.isnan(rows[0, 3]).all()
    np.testing.assert_allclose(rows[3, 0], (z[0] + z[2]) / 2 - z[3] + z[4:7].mean(0), atol=1e-5)
    assert 0 < np.abs(rows[3, 1:] - rows[3, :1]).max() <= exploration.SHIFT + 1e-5
    images = written["samples"].reshape(4, 4, -1)
    assert (images[0, 3] == plots.BACKGROUND).all()
    known = ~np.isnan(written["latents"]).any(axis=1)
    assert np.abs(written["samples"][known] - images_of(finished_run, written["latents"][known])).max() <= 1


def test_the_projection_of_a_generated_image_is_that_image(finished_run, tmp_path):
    source = draw(finished_run, tmp_path / "source.npz", "--num", "2")["samples"]
    np.savez(tmp_path / "given.npz", samples=source)
    written = draw(finished_run, tmp_path / "a.npz", "--project", str(tmp_path / "given.npz"))
    rows = written["samples"].reshape(2, 3, -1).astype(float)
    np.testing.assert_array_equal(rows[:, 0], source.reshape(2, -1))
    spread = np.abs(rows[0, 0] - rows[1, 0]).mean()
    assert np.abs(rows[:, 0] - rows[:, 1]).mean() < max(spread / 4, 2)
    np.testing.assert_allclose(rows[:, 2], np.abs(rows[:, 0] - rows[:, 1]), atol=1.01)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--traverse", "2", "--interpolate"], "expected one of --interpolate and --traverse, found both"),
        (["--path", "spherical"], "--path is the way between the latents of --interpolate"),
        (["--traverse", "101"], "the number of directions must be from 1 to 64, found 101"),
        (["--traverse", "2", "--columns", "1"], "--columns must be at least 2 with --traverse"),
        (["--arithmetic", "0,1 * 2"], "--arithmetic must be numbers of samples such as"),
        (["--arithmetic", "0 - 64"], "expected numbers of samples from 0 to 63, found 64"),
        (["--arithmetic", "0", "--columns", "3"], "--columns: --arithmetic has rows of its own"),
        (["--traverse", "2", "--labels", "3"], "is not conditioned on labels"),
    ],
)
def test_bad_flags_are_one_line(finished_run, tmp_path, flags, message):
    with pytest.raises(ValueError, match=message) as refused:
        draw(finished_run, tmp_path / "a.png", *flags)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "a.png").exists()


def test_images_of_another_size_are_refused(finished_run, tmp_path):
    np.savez(tmp_path / "given.npz", samples=np.zeros((2, 9, 9, 1), np.uint8))
    with pytest.raises(ValueError, match="--project: the images must be of 8x8x1, found 9x9x1"):
        draw(finished_run, tmp_path / "a.png", "--project", str(tmp_path / "given.npz"))
