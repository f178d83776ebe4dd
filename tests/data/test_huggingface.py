"""Sets that Hugging Face's `datasets` has saved: parts, classes, formats, lazy reading, and what is refused."""

import io
import json
import pickle
import shutil
import sys

import datasets
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from jgan import data
from jgan.data import huggingface
from jgan.data.lazy import Access, Lazy


def pictures(n, size=(6, 4), colour=True, seed=0):
    """Pillow images of noise, width x height."""
    random = np.random.default_rng(seed)
    shape = (n, size[1], size[0], 3) if colour else (n, size[1], size[0])
    return [Image.fromarray(image) for image in random.integers(0, 256, shape, dtype=np.uint8)]


def rows(n, classes=2, **options):
    names = [f"class {index}" for index in range(classes)]
    kinds = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names), "id": datasets.Value("int32")}
    )
    columns = {"image": pictures(n, **options), "label": [i % classes for i in range(n)], "id": list(range(n))}
    return datasets.Dataset.from_dict(columns, features=kinds)


@pytest.fixture
def divided(tmp_path):
    """A set of three parts, the validation part with the library's other name; and its arrays."""
    parts = {"train": rows(6, seed=1), "val": rows(3, seed=2), "test": rows(4, seed=3)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    arrays = {name: np.stack([np.asarray(image) for image in part["image"]]) for name, part in parts.items()}
    return tmp_path / "saved", arrays


def test_a_divided_set(divided):
    folder, arrays = divided
    found = data.load("huggingface", folder)
    assert found.classes == ("class 0", "class 1")
    for part, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        batch = getattr(found, part)
        np.testing.assert_array_equal(batch.x, arrays[name])
        np.testing.assert_array_equal(batch.y, np.arange(len(batch.x)) % 2)


def test_classes_whose_names_are_their_numbers_have_no_names(tmp_path):
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["0", "1"])})
    made = datasets.Dataset.from_dict({"image": pictures(12), "label": [0, 1] * 6}, features=kinds)
    made.save_to_disk(tmp_path / "saved")
    assert data.load("huggingface", tmp_path / "saved").classes == ()


def test_a_set_that_is_not_divided_without_classes(tmp_path):
    kinds = datasets.Features({"picture": datasets.Image()})
    made = datasets.Dataset.from_dict({"picture": pictures(12, colour=False)}, features=kinds)
    made.save_to_disk(tmp_path / "saved")
    found = data.load("huggingface", tmp_path / "saved", held_out=0)
    assert found.train.x.shape == (12, 4, 6, 1)
    assert found.train.y is None
    np.testing.assert_array_equal(found.train.x[..., 0], np.stack([np.asarray(image) for image in made["picture"]]))


def test_images_are_read_when_they_are_needed(divided):
    folder, arrays = divided
    found = data.load("huggingface", folder, access=Access(lazy=True))
    assert isinstance(found.train.x, Lazy)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(found.train.x))[[4, 1]], arrays["train"][[4, 1]])
    assert data.fingerprint(found) == data.fingerprint(data.load("huggingface", folder))


def test_images_of_several_sizes_are_resized(tmp_path):
    kinds = datasets.Features({"image": datasets.Image()})
    made = datasets.Dataset.from_dict({"image": pictures(6) + pictures(6, size=(9, 8))}, features=kinds)
    made.save_to_disk(tmp_path / "saved")
    with pytest.raises(ValueError, match=r"saved, example 6: expected 4x6 pixels .* as in huggingface:4x6"):
        data.load("huggingface", tmp_path / "saved", held_out=0)
    assert data.load("huggingface:4x4", tmp_path / "saved", held_out=0).train.x.shape == (12, 4, 4, 3)
    name, says = data.fitted("huggingface", tmp_path / "saved", lambda size: (8, 8))
    assert name == "huggingface:8x8"
    assert "images of 2 sizes cropped and resized to 8x8" in says


def test_a_broken_image_is_named_or_left_out(tmp_path):
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    good = [{"bytes": _png(image), "path": None} for image in pictures(7)]
    columns = {"image": [*good[:3], {"bytes": b"no image", "path": None}, *good[3:]], "label": [0, 1, 0, 1, 0, 1, 0, 1]}
    datasets.Dataset.from_dict(columns, features=kinds).save_to_disk(tmp_path / "saved")
    with pytest.raises(ValueError, match="saved, example 3: expected an image"):
        data.load("huggingface", tmp_path / "saved", held_out=0)
    found = data.load("huggingface", tmp_path / "saved", held_out=0, access=Access(skip=True))
    assert found.train.y.tolist() == [0, 1, 0, 0, 1, 0, 1]
    assert "1 images" in found.note
    assert "example 3" in found.note


def _png(image):
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def test_a_set_that_is_written_anew_is_read_anew(tmp_path):
    rows(6, seed=1).save_to_disk(tmp_path / "saved")
    first = data.load("huggingface", tmp_path / "saved", held_out=0)
    shutil.rmtree(tmp_path / "saved")
    rows(6, seed=2).save_to_disk(tmp_path / "saved")
    assert not np.array_equal(first.train.x, data.load("huggingface", tmp_path / "saved", held_out=0).train.x)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"x": [1.0, 2.0]}, "expected one column of images, found the columns x"),
        ({"image": [None, None]}, "example 0: expected an image in the set itself, found none"),
        ({"image": [{"bytes": None, "path": "/no/such.png"}] * 2}, "expected an image in the set itself, found /no/such.png"),
    ],
)
def test_what_is_refused(tmp_path, made, says):
    kinds = datasets.Features({"image": datasets.Image()}) if "image" in made else None
    set_ = datasets.Dataset.from_dict(made, features=kinds)
    path = tmp_path / "saved"
    # `save_to_disk` puts the content of other files into the set: the arrow table is written as it is
    set_.save_to_disk(path) if "/no/such" not in says else _written(set_, path)
    with pytest.raises(ValueError, match=says):
        data.load("huggingface", path, held_out=0)


def _written(set_, path):
    rows(2).select_columns(["image"]).save_to_disk(path)
    state = json.loads((path / "state.json").read_text())
    file = path / state["_data_files"][0]["filename"]
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, set_.data.table.schema) as writer:
        writer.write_table(set_.data.table)


def test_parts_that_it_does_not_know(tmp_path):
    datasets.DatasetDict({"train": rows(2), "extra": rows(2)}).save_to_disk(tmp_path / "saved")
    with pytest.raises(ValueError, match="expected the parts train, validation and test, found train, extra"):
        data.load("huggingface", tmp_path / "saved")


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"neither dataset_dict\.json nor state\.json"):
        data.load("huggingface", tmp_path)
    with pytest.raises(ValueError, match="huggingface needs --data-dir"):
        data.load("huggingface")


def test_without_the_library(divided, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    huggingface._opened.cache_clear()
    with pytest.raises(ValueError, match=r"pip install 'jgan\[huggingface\]'"):
        data.load("huggingface", divided[0])
