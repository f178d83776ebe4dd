"""`python -m jgan.sample`: what it writes against the library's own pieces, and what it says of bad input."""

import itertools
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tiny_models import CLASSES, SHIFT, Classes, Shift, Walk, game, make_walk

from jgan import data, plots, sample
from jgan.models import phases_of, pix2pix, stylegan2
from jgan.training import custom, records
from jgan.training.checkpoint import Checkpoints
from jgan.training.run import RunConfig, Snapshot, keys, open_run
from jgan.types import Average, Batch, DataSpec, Field, Inputs
from jgan.utils import cli


def draw(run, out, *flags):
    """Runs the command in this process and reads what it wrote."""
    sample.main(["--workdir", str(run.workdir), "--out", str(out), *flags])
    if out.suffix == ".npz":
        with np.load(out) as file:
            return {name: file[name] for name in file.files}
    with Image.open(out) as image:
        return np.asarray(image)


def generate(run, z, *, which="best", ema=True):
    """The images of some latents in 8 bits, without the command."""
    images = np.asarray(run.gan.generate(run.restore(which), z, ema=ema), np.float64)
    return np.rint(images * 255)


@pytest.mark.slow
def test_array_holds_the_generators_images(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--num", "10", "--seed", "3")
    expected = generate(finished_run, finished_run.gan.inputs(keys(3).samples, 10))
    assert written["samples"].dtype == np.uint8
    assert written["samples"].shape == (10, 8, 8, 1)
    # Compiled and not, blocked and not: to rounding, which may tip a half.
    assert np.abs(written["samples"] - expected).max() <= 1
    with Checkpoints(finished_run.workdir / "checkpoints", read_only=True) as checkpoints:
        assert written["step"] == checkpoints.step("best")
    assert (written["preset"], written["dataset"], written["checkpoint"]) == ("digits", "digits", "best")
    assert (written["seed"], written["ema"], written["interpolate"]) == (3, True, False)


def test_picture_is_the_grid_of_the_array(finished_run, tmp_path):
    array = draw(finished_run, tmp_path / "a.npz", "--num", "10")["samples"]
    picture = draw(finished_run, tmp_path / "a.png", "--num", "10", "--columns", "5")
    np.testing.assert_array_equal(picture, plots.grid(array, columns=5)[..., 0])


def test_the_runs_seed_gives_the_runs_picture(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.png", "--seed", "7", "--checkpoint", "last")
    with Image.open(finished_run.workdir / "samples" / "step_00000008.png") as image:
        difference = np.abs(written.astype(int) - np.asarray(image))
    assert written.shape == difference.shape
    assert difference.max() <= 1


@pytest.mark.parametrize("which", ["best", "last"])
def test_either_checkpoint_and_either_set_of_weights(finished_run, tmp_path, which):
    z = finished_run.gan.inputs(keys(0).samples, 64)
    for ema, flag in ((True, "--ema"), (False, "--no-ema")):
        written = draw(finished_run, tmp_path / "a.npz", "--checkpoint", which, flag)["samples"]
        assert np.abs(written - generate(finished_run, z, which=which, ema=ema)).max() <= 1


def test_interpolation_walks_on_straight_lines(finished_run, tmp_path):
    written = draw(finished_run, tmp_path / "a.npz", "--interpolate", "--num", "15", "--columns", "5")
    assert written["interpolate"]
    lines = written["samples"].reshape(3, 5, 8, 8, 1)
    ends = finished_run.gan.inputs(keys(0).samples, 6).z
    for column, z in ((0, ends[:3]), (4, ends[3:]), (2, (ends[:3] + ends[3:]) / 2)):
        assert np.abs(lines[:, column] - generate(finished_run, Inputs(z))).max() <= 1
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


@pytest.mark.parametrize("block", [3, 100])
def test_blocks_make_no_difference(finished_run, block):
    state = finished_run.restore()
    z = finished_run.gan.inputs(jax.random.key(1), 7)
    expected = finished_run.gan.generate(state, z)
    np.testing.assert_allclose(sample.draw(finished_run.gan, state, z, block=block), expected, atol=1e-6)


def test_images_that_are_not_finite_are_not_written(finished_run):
    state = finished_run.restore()
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, state.generator.params)
    state = state._replace(generator=state.generator._replace(params=broken))
    z = finished_run.gan.inputs(jax.random.key(1), 2)
    with pytest.raises(ValueError, match="not finite at step 8"):
        sample.draw(finished_run.gan, state, z, ema=False)


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
        (["--out", "a.jpg"], ".npz (an array) or .txt (lines of text), or have no suffix (a folder of images), found a.jpg"),
        (["--out", "nowhere/a.png"], "--out: there is no folder nowhere"),
        (["--num", "0"], "--num must be at least 1, found 0"),
        (["--num", "many"], "--num"),
        (["--columns", "-1"], "--columns must be at least 0, found -1"),
        (["--seed", "-1"], "--seed must be from 0 to 4294967295, found -1"),
        (["--interpolate", "--num", "10"], "--num a multiple of it, found 8 and 10"),
        (["--interpolate", "--columns", "1"], "--columns must be at least 2"),
        (["--checkpoint", "middle"], "middle"),
        (["--nonsense"], "--nonsense"),
        (["--labels", "1"], "--labels: the model of digits is not conditioned on labels: leave it out"),
        (["--input", "a.npz"], "the model of digits is not conditioned on images: leave it out"),
        (["--truncation", "0.5"], "--truncation: the model of digits has no truncation: leave it out"),
        (["--truncation", "nan"], "--truncation must be a finite number, found nan"),
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


@pytest.mark.slow
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


# ------------------------------------------------------------------------------------------------- conditions, and points


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """The folder of a run whose class k has the brightness (k + 1/2) / 10; nothing is measured."""
    workdir = tmp_path_factory.mktemp("runs") / "classes"
    return folder_of(workdir, CLASSES, Classes(), DataSpec.images((8, 8, 1), 2, n_classes=10))


def folder_of(workdir, model, config, spec, dataset="arrays:none"):
    """The folder of a run that has made no step, as training would leave it: its data need not exist."""
    asked = RunConfig("tiny", dataset, batch_size=2, steps=1, model=config)
    (workdir / "checkpoints").mkdir(parents=True)
    records.write(workdir, asked, spec, model)
    (phase,) = phases_of(model, config, spec)
    with Checkpoints(workdir / "checkpoints") as checkpoints:
        checkpoints.save(1, phase.gan.init(keys(0).init), score=0.0)
    return open_run(workdir, model=model)


def test_labels_give_a_row_each(classes, tmp_path):
    picture = draw(classes, tmp_path / "a.png", "--labels", "7,2", "0", "--num", "12")
    assert picture.shape == (3 * 50, 4 * 50)
    np.testing.assert_allclose(picture[25::50, 25::50], np.repeat([[191], [64], [13]], 4, axis=1), atol=2)
    everything = draw(classes, tmp_path / "a.png")
    assert everything.shape == (10 * 50, 6 * 50)  # 64 samples, a row for each of the ten classes


def test_labels_of_an_array(classes, tmp_path):
    written = draw(classes, tmp_path / "a.npz", "--labels", "3,1", "--num", "5")
    assert written["labels"].tolist() == [1, 1, 3, 3, 3]
    np.testing.assert_allclose(written["samples"].mean(axis=(1, 2, 3)), 25.5 * (written["labels"] + 0.5), atol=2)


def test_interpolation_within_the_asked_classes(classes, tmp_path):
    picture = draw(classes, tmp_path / "a.png", "--interpolate", "--labels", "7,2", "--num", "15", "--columns", "3")
    assert picture.shape == (5 * 50, 3 * 50)
    expected = np.repeat([[191], [191], [191], [64], [64]], 3, axis=1)  # five rows for two labels
    np.testing.assert_allclose(picture[25::50, 25::50], expected, atol=2)
    args = sample.Args(classes.workdir, num=15, columns=3, interpolate=True, labels=("7,2",))
    asked, columns = sample.inputs_of(classes.gan, jax.random.key(0), args, picture=True)
    z = np.asarray(asked.z).reshape(5, 3, -1)
    np.testing.assert_allclose(z[:, 1], (z[:, 0] + z[:, 2]) / 2, rtol=1e-5)  # the middle of its row's ends
    assert len(np.unique(z[:, [0, 2], 0])) == 10  # which differ
    assert columns == 3
    assert np.asarray(asked.c).tolist() == [7] * 9 + [2] * 6


def test_an_array_of_an_interpolation_has_the_labels(classes, tmp_path):
    written = draw(classes, tmp_path / "a.npz", "--interpolate", "--labels", "3,7", "--num", "16")
    assert written["labels"].tolist() == [3] * 8 + [7] * 8
    np.testing.assert_allclose(written["samples"].mean(axis=(1, 2, 3)), 25.5 * (written["labels"] + 0.5), atol=2)


def test_an_interpolation_has_a_row_for_each_label(classes, capsys):
    flags = ["--workdir", classes.workdir, "--interpolate", "--labels", "3,5,7", "--num", "16"]
    assert "--num must be at least 24, a row for each label, found 16 for 3 --labels in rows of 8" in refused(capsys, *flags)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("10", "--labels must be from 0 to 9, found 10"),
        ("1,x", "--labels must be class labels such as 0,1,2, found 1, x"),
        ("-1", "--labels"),
    ],
)
def test_labels_out_of_range_are_told_before_anything_is_read(classes, capsys, monkeypatch, labels, message):
    monkeypatch.setattr(type(classes), "snapshot", None)
    assert message in refused(capsys, "--workdir", classes.workdir, f"--labels={labels}")


def shifting(folder, spec=None):
    field = Field((8, 8, 1))
    return folder_of(folder, SHIFT, Shift(0.25), spec or DataSpec({"a": Batch(field), "b": Batch(field)}, 2))


def test_an_array_of_images_is_translated(tmp_path, capsys):
    run = shifting(tmp_path / "shift")
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "images.npz", x=images)
    given = ["--input", str(tmp_path / "images.npz")]
    found = draw(run, tmp_path / "a.npz", *given)["samples"]
    assert np.abs(found - np.clip(images + 0.25 * 255, 0, 255)).max() <= 0.5
    assert draw(run, tmp_path / "a.png", *given, "--direction", "ba").shape == (2 * 50, 5 * 50)
    sheet = draw(run, tmp_path / "b.png", *given, "--columns", "2", "--num", "3")
    np.testing.assert_array_equal(sheet, plots.comparison(images[:3], found[:3], columns=2)[..., 0])
    message = "--direction must be among ab, ba, found cd"
    assert message in refused(capsys, "--workdir", run.workdir, *given, "--direction", "cd")
    assert "give them with --input" in refused(capsys, "--workdir", run.workdir, "--out", tmp_path / "b.npz")


def picture(path, shape, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_one_picture_becomes_one_picture(tmp_path, capsys):
    run = shifting(tmp_path / "shift")
    pixels = picture(tmp_path / "lake.png", (8, 8))
    sample.main(["--workdir", str(run.workdir), "--input", str(tmp_path / "lake.png")])
    with Image.open(run.workdir / "translated-lake.png") as written:
        np.testing.assert_allclose(np.asarray(written), np.clip(pixels + 0.25 * 255, 0, 255), atol=0.5)
    assert "1 translation of" in capsys.readouterr().out


def test_a_folder_becomes_a_folder_of_the_same_names(tmp_path, capsys):
    """A model that takes only its own size: others are cropped and resized, colours converted, and both are said."""
    run = shifting(tmp_path / "shift")
    (tmp_path / "in").mkdir()
    picture(tmp_path / "in" / "a.png", (8, 8))
    coloured = picture(tmp_path / "in" / "b.bmp", (8, 8, 3))
    picture(tmp_path / "in" / "c.png", (16, 20))
    sample.main(["--workdir", str(run.workdir), "--input", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "c.png"]
    with Image.open(tmp_path / "out" / "b.png") as written:
        luma = coloured @ [0.299, 0.587, 0.114]
        np.testing.assert_allclose(np.asarray(written), np.clip(luma + 0.25 * 255, 0, 255), atol=1)
    notes = capsys.readouterr().err.splitlines()
    assert any("b.bmp: the model takes grey: colours converted to their luma" in note for note in notes)
    assert any(
        "c.png: cropped and resized to 8x8 (height x width), the only size that the model takes" in note for note in notes
    )
    assert not any("a.png" in note for note in notes)


@pytest.mark.slow
def test_pictures_of_other_sizes_pass_through_convolutions(tmp_path, capsys):
    """Each has the translation that the generator makes of it alone, by its own latents; an array takes one size only."""
    field = Field((8, 8, 3))
    config = pix2pix.small(pix2pix.Config())
    run = folder_of(tmp_path / "run", pix2pix.MODEL, config, DataSpec(Batch(field, None, field), 2), "grey:stacked:digits")
    (tmp_path / "in").mkdir()
    sizes = {"a": (13, 9, 3), "b": (8, 8, 3), "c": (8, 8, 3)}
    pixels = {name: picture(tmp_path / "in" / f"{name}.png", size, seed) for seed, (name, size) in enumerate(sizes.items())}
    given = ["--workdir", run.workdir, "--input", tmp_path / "in"]
    sample.main([*map(str, given), "--out", str(tmp_path / "out"), "--checkpoint", "last"])
    state, gan = run.restore("last"), run.gan
    for index, name in enumerate(sizes):
        z = gan.inputs(jax.random.fold_in(keys(0).samples, index), 1).z
        expected = np.asarray(gan.generate(state, Inputs(z, jnp.asarray(pixels[name][None] / 255, jnp.float32))))[0]
        with Image.open(tmp_path / "out" / f"{name}.png") as written:
            assert np.abs(np.asarray(written) - 255 * expected).max() <= 1
    several = refused(capsys, *given, "--out", tmp_path / "a.npz", "--checkpoint", "last")
    assert "an array holds images of one size, found 13x9 and 8x8: give a folder" in several
    picture(tmp_path / "small.png", (4, 30))
    small = refused(capsys, "--workdir", run.workdir, "--input", tmp_path / "small.png", "--checkpoint", "last")
    assert "small.png: expected at least 5x5 pixels, found 4x30 (height x width)" in small


def test_a_picture_that_does_not_fit_into_the_memory_is_refused(tmp_path, capsys, monkeypatch):
    run = shifting(tmp_path / "shift")
    picture(tmp_path / "lake.png", (8, 8))
    monkeypatch.setattr("jgan.translation.memory.available", lambda: 100)
    monkeypatch.setattr("jgan.sample.check_memory", lambda *args: None)
    message = refused(capsys, "--workdir", run.workdir, "--input", tmp_path / "lake.png")
    assert "lake.png, 8x8 pixels (height x width): make it smaller: about" in message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.png", "nothing.png: expected an image, found nothing there"),
        ("broken.png", "broken.png: expected an image, found a file that cannot be read as one"),
        ("text.txt", "text.txt: expected a picture (.png"),
        ("folder", "folder: expected images, or a folder of them for each class, found none"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, capsys, name, message):
    run = shifting(tmp_path / "shift")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.png").write_bytes(b"broken")
    (tmp_path / "text.txt").write_text("text")
    assert message in refused(capsys, "--workdir", run.workdir, "--input", tmp_path / name)


def test_a_model_of_one_image_without_images_gives_its_evaluators_picture(tmp_path, capsys):
    """A row of sources, one of outputs and one of targets, of validation images; an array needs --input."""
    field = Field((8, 8, 1))
    run = folder_of(tmp_path / "shift", SHIFT, Shift(0.25), DataSpec(Batch(field, None, field), 2), "edges:digits")
    picture = draw(run, tmp_path / "a.png")
    assert picture.shape == (3 * 50, 12 * 50)
    part = data.load("edges:digits").validation
    expected = plots.grid(
        np.concatenate([part.c[:12] / 255, np.minimum(part.c[:12] / 255 + 0.25, 1), part.x[:12] / 255]), columns=12
    )
    assert np.abs(picture.astype(int) - expected[..., 0]).max() <= 1
    refusal = refused(capsys, "--workdir", run.workdir, "--out", tmp_path / "b.npz")
    assert "the model of tiny translates images: give them with --input" in refusal
    refusal = refused(capsys, "--workdir", run.workdir, "--interpolate")
    assert "--interpolate: the model of tiny translates images: leave it out" in refusal
    assert not (tmp_path / "b.npz").exists()


def test_a_model_conditioned_on_other_data_takes_the_conditions_of_its_training_set(tmp_path):
    """Each image has the brightness that it is conditioned on."""

    def make(spec):
        def generate(params, given):
            return jnp.broadcast_to(given.c[:, :, None, None], (len(given.c), 8, 8, 1))

        return game(lambda key: {}, lambda key, params, batch: params, generate, Field((1,), "points"))

    spec = DataSpec(Batch(Field((8, 8, 1)), None, Field((1,), "points")), 2)
    model = custom.of_functions(make)
    run = folder_of(tmp_path / "bright", model, custom.NoOptions(), spec)
    part = Batch(np.zeros((30, 8, 8, 1), np.uint8), None, np.full((30, 1), 0.2, np.float32))
    opened = open_run(run.workdir, model=model, dataset=data.Dataset("bright", part, part, part))
    args = sample.Args(run.workdir, num=5)
    assert sample.takes_data(opened.gan)
    assert sample.points(Snapshot(opened, run.restore(), 1), args, tmp_path / "a.npz") == "5 images"
    with np.load(tmp_path / "a.npz") as held:
        np.testing.assert_array_equal(held["samples"], np.full((5, 8, 8, 1), 51, np.uint8))


@pytest.mark.slow
def test_points_honour_the_seed_and_the_average(tmp_path):
    """The average of this state is another than its weights: pictures and arrays tell the four combinations apart."""
    spec = DataSpec.points((2,), 2)
    model = custom.of_functions(lambda spec: make_walk(Walk(), spec)[0].gan)
    run = folder_of(tmp_path / "walk", model, custom.NoOptions(), spec)
    part = Batch(np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32))
    opened = open_run(run.workdir, model=model, dataset=data.Dataset("still", part, part, part))
    state = run.restore()
    weights = np.asarray(state.generator.params["w"])
    average = Average(jnp.int32(1), {"w": jnp.asarray(weights + 3)}, ())
    snapshot = Snapshot(opened, state._replace(generator=state.generator._replace(ema=average)), 1)
    pictures = []
    for ema, seed in itertools.product((True, False), (0, 1)):
        args = sample.Args(run.workdir, seed=seed, ema=ema)
        sample.points(snapshot, args, tmp_path / "a.npz")
        sample.points(snapshot, args, tmp_path / "a.png")
        expected = weights + (3 if ema else 0) + np.asarray(jax.random.normal(keys(seed).samples, (64, 2)))
        with np.load(tmp_path / "a.npz") as held:
            np.testing.assert_allclose(held["samples"], expected, atol=1e-6)
        pictures.append((tmp_path / "a.png").read_bytes())
    assert len(set(pictures)) == 4


# -------------------------------------------------------------------------------------------------------------- truncation


@pytest.mark.slow
def test_truncation_moves_samples_towards_the_average(tmp_path):
    spec = DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=2)
    run = folder_of(tmp_path / "run", stylegan2.MODEL, stylegan2.small(stylegan2.Config()), spec)
    of_psi = [draw(run, tmp_path / "a.npz", "--num", "3", "--truncation", psi) for psi in ("0", "1")]
    assert [float(written["truncation"]) for written in of_psi] == [0, 1]
    average, plain = (written["samples"] for written in of_psi)
    np.testing.assert_array_equal(average, np.broadcast_to(average[:1], average.shape))
    assert (plain != plain[:1]).any()
    np.testing.assert_array_equal(draw(run, tmp_path / "a.npz", "--num", "3")["samples"], plain)
