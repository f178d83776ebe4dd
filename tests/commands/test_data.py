"""`python -m jgan.data`: what is told of each kind of source, and every broken file by name."""

import hashlib
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import __main__ as command
from jgan.data import image_files, survey

RNG = np.random.default_rng(0)


def told(capsys, *flags):
    """The lines and the exit status of the command."""
    status = 0
    try:
        command.main([str(flag) for flag in flags])
    except SystemExit as leaving:
        status = leaving.code
    return capsys.readouterr().out.splitlines(), status


def photos(place, n=12, size=(6, 5)):
    """Images by class, in train/ and val/."""
    for index in range(n):
        path = place / ("val" if index % 4 == 3 else "train") / "cd"[index % 2] / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(path)
    return place


def test_a_folder(tmp_path, capsys):
    lines, status = told(capsys, photos(tmp_path / "p"), "--sheet", tmp_path / "sheet.png")
    digest = hashlib.sha256(data.load("folder", tmp_path / "p").train.x.tobytes()).hexdigest()
    assert lines == [
        f"{tmp_path / 'p'}: 12 images, read as --dataset folder",
        "parts: train 9, validation 3",
        "classes: 2: c 6, d 6",
        "sizes: 6x5x3 (12)",
        f"SHA-256 of the training examples: {digest}",
        f"contact sheet: {tmp_path / 'sheet.png'}",
    ]
    assert status == 0
    assert image_files.read_image(tmp_path / "sheet.png").shape[2] == 3


def test_every_broken_file_is_named(tmp_path, capsys):
    place = photos(tmp_path / "p")
    (place / "train" / "c" / "bad.png").write_bytes(b"\x89PNG no")
    (place / "train" / "d" / "notes.txt").write_text("no")
    (place / "train" / ".DS_Store").write_text("no")
    Image.new("RGBA", (6, 5), (0, 0, 0, 9)).save(place / "val" / "d" / "clear.png")
    Image.new("L", (9, 9)).save(place / "train" / "c" / "grey.jpg")
    lines, status = told(capsys, place)
    assert status == 1
    assert lines[3] == "sizes: 6x5x3 (12), 9x9x1 (1)"
    assert lines[4] == "broken: 3"
    told_of = "\n".join(lines[5:])
    for name in (
        "train/c/bad.png: expected an image",
        "train/d/notes.txt: expected only images",
        "val/d/clear.png: expected an opaque",
    ):
        assert f"  {place}/{name}" in told_of
    assert len(lines) == 8
    (place / "other").mkdir()
    lines, status = told(capsys, place)
    assert lines[-1] == f"  {place}: expected nothing but the folders train, validation, test, found other: move or rename it"


def linked(place):
    (place.parent / "far").mkdir()
    (place / "train" / "c").rename(place.parent / "far" / "c")
    (place / "train" / "c").symlink_to(place.parent / "far" / "c")


def cached(place):
    (place / ".cache").mkdir()
    (place / ".cache" / "a.bin").write_text("no")


SOUND = {"as it is": lambda place: None, "a link to a folder": linked, "what a system leaves": cached}


@pytest.mark.parametrize("case", SOUND)
def test_what_training_reads_is_sound(tmp_path, capsys, case):
    place = photos(tmp_path / "p", 24)
    SOUND[case](place)
    lines, status = told(capsys, place)
    assert (lines[0], status) == (f"{place}: 24 images, read as --dataset folder", 0)
    assert len(data.load("folder", place).train.x) == 15


def loose(place):
    Image.new("RGB", (5, 6)).save(place / "train" / "loose.png")


def twice(place):
    (place / "validation").mkdir()


def unknown(place):
    (place / "val" / "x").mkdir()
    Image.new("RGB", (5, 6)).save(place / "val" / "x" / "a.png")


UNSOUND = {
    "an image beside classes": (loose, "expected images or folders of images, found both, loose.png and c"),
    "a part twice": (twice, "expected one folder for validation, found val and validation: join them"),
    "a class that is not trained on": (unknown, "expected classes of the training set, c, d, found x"),
    "an empty class": (lambda place: (place / "train" / "e").mkdir(), "expected images of one class, found none"),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_what_training_refuses_is_told(tmp_path, capsys, case):
    spoil, message = UNSOUND[case]
    spoil(place := photos(tmp_path / "p", 24))
    lines, status = told(capsys, place)
    assert status == 1
    assert message in lines[-1]
    with pytest.raises(ValueError, match=message):
        data.load("folder", place)


def test_an_empty_folder_and_too_few_images_are_told(tmp_path, capsys):
    lines, status = told(capsys, tmp_path)
    assert (status, lines[-1]) == (1, f"  {tmp_path}: expected images, or a folder of them for each class, found none")
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    lines, status = told(capsys, tmp_path)
    assert status == 1
    assert "expected at least 6 examples, to hold out 2 in 6, found 1" in lines[-1]


def test_labels_in_a_file(tmp_path, capsys):
    for index in range(12):
        Image.new("L", (4, 4), index).save(tmp_path / f"{index:02}.png")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [[f"{index:02}.png", index % 2] for index in range(12)]}))
    lines, status = told(capsys, tmp_path)
    assert (status, lines[1]) == (0, "classes: 2: 0 6, 1 6")


def test_large_pictures_are_kept_small(tmp_path):
    for index in range(6):
        Image.new("RGB", (1000, 700 + index), (index, 0, 0)).save(tmp_path / f"{index}.png")
    assert survey.of_files(tmp_path).pictures.shape == (6, survey.SIDE, survey.SIDE, 3)


def test_long_lists_are_cut(tmp_path, capsys):
    for index in range(30):
        (tmp_path / f"{index:02}.png").write_text("no")
    lines, status = told(capsys, tmp_path)
    assert (lines[0], status) == (f"{tmp_path}: 0 examples, read as --dataset folder", 1)
    assert len(lines) == 2 + command.MOST + 1
    assert lines[-1] == "  ... and 10 more"


def test_an_archive(tmp_path, capsys):
    place = photos(tmp_path / "p")
    (place / "train" / "c" / "bad.png").write_bytes(b"no")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in place.rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path))
    lines, status = told(capsys, tmp_path / "a.zip")
    assert lines[0] == f"{tmp_path / 'a.zip'}: 12 images, read as --dataset folder"
    assert lines[-1].startswith(f"  {tmp_path / 'a.zip'}/train/c/bad.png: expected an image")
    assert status == 1


@pytest.mark.parametrize("kind", ["npz", "hdf5"])
def test_arrays(tmp_path, capsys, kind):
    x, y = RNG.integers(0, 256, (24, 4, 3, 1), np.uint8), np.repeat(np.arange(12), 2)
    if kind == "npz":
        np.savez(tmp_path / "a.npz", x=x, y=y % 2)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["x"], file["y"] = x, y % 2
    lines, _ = told(capsys, tmp_path, "--sheet", tmp_path / "sheet.png")
    assert lines[:4] == [
        f"{tmp_path}: 24 images, read as --dataset {kind}",
        "parts: train 16, validation 4, test 4",
        "classes: 2: 0 12, 1 12",
        "sizes: 4x3x1 (24)",
    ]
    assert lines[4].startswith("SHA-256 of the training examples: ")


def test_sets_by_name_points_and_text(tmp_path, capsys):
    assert told(capsys, "digits")[0][2].startswith("classes: 10: 0 178, 1 182, 2 177")
    lines, _ = told(capsys, "ring8")
    assert lines[0].endswith("examples, read as --dataset ring8")
    assert lines[3].startswith("sizes: 2 (")
    (tmp_path / "a.txt").write_text("to be or not\n" * 12)
    assert "12 examples, read as --dataset lines" in told(capsys, tmp_path / "a.txt")[0][0]
    with pytest.raises(ValueError, match="ring8: expected images, for --sheet, found none"):
        command.main(["ring8", "--sheet", str(tmp_path / "a.png")])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "expected a folder or a file of data, or the name of a data set, as in python -m jgan.data photos"),
        (["no/such"], "no/such: expected a folder or a file of data, found nothing there"),
        (["digist"], "unknown data set 'digist', did you mean 'digits'"),
        (["no/such", "--dataset", "folder"], "expected one folder or file, found no/such, which is not there"),
        (["digits", "--sheet", "a.gif"], "--sheet must end in .png, found a.gif"),
        (["digit", "--data-dir", "x"], "unknown data set 'digit', did you mean 'digits'"),
    ],
)
def test_errors_are_one_line(flags, message):
    with pytest.raises((ValueError, OSError)) as error:
        command.main(flags)
    assert message in str(error.value)


def test_the_installed_command(tmp_path):

    found = subprocess.run(
        [sys.executable, "-m", "jgan.data", "no/such"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "python -m jgan.data: error: no/such: expected a folder or a file of data, found nothing there\n"
