"""The photographs of scikit-image: which pieces, that no part sees another's pixels, and what is refused."""

import importlib.util
import sys

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import photos, pieces

INSTALLED = importlib.util.find_spec("skimage") is not None


@pytest.fixture
def package(tmp_path, monkeypatch):
    """scikit-image as a folder of photographs written here, each column of one grey level, rows of noise."""
    place = tmp_path / "skimage" / "data"
    place.mkdir(parents=True)
    (place.parent / "__init__.py").write_text("raise ImportError('it must not be imported')")
    noise = np.random.default_rng(0).integers(0, 2, (100, 400, 3)) * 100
    image = (noise + np.arange(400)[None, :, None] // 4).astype(np.uint8)
    for name in photos.FILES:
        Image.fromarray(image).save(place / name, "PNG")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "skimage", raising=False)
    return image


def test_the_parts_are_strips_of_columns(package):
    found = data.load("photos:40")
    for part, (first, last) in {"train": (0, 240), "validation": (240, 320), "test": (320, 400)}.items():
        expected = [
            package[row : row + 40, column : column + 40] for row in range(0, 61, 10) for column in range(first, last - 39, 10)
        ]
        np.testing.assert_array_equal(getattr(found, part).x, np.stack(expected * len(photos.FILES)))


def test_pieces_without_detail_are_left_out():
    photograph = np.zeros((8, 16, 1), np.uint8)
    photograph[:, 8:] = np.arange(8)[:, None] * 4
    assert [piece.tolist() for piece in pieces.pieces(photograph, 8, 8)] == [photograph[:, 8:].tolist()]
    assert len(pieces.pieces(photograph // 2, 8, 8)) == 0


@pytest.mark.skipif(not INSTALLED, reason="scikit-image is not installed")
@pytest.mark.parametrize(("name", "side"), [("photos", 64), ("photos:32", 32)])
def test_the_installed_photographs(name, side):
    found = data.load(name)
    assert found.train.x.shape[1:] == (side, side, 3)
    assert len(found.train.x) > 3 * len(found.test.x) > 300
    assert found.train.x.std() > 30


@pytest.mark.parametrize("name", ["photos:8", "photos:100", "photos:64x64", "photos:"])
def test_other_sides_are_refused(name):
    with pytest.raises(ValueError, match=r"expected a side from 16 to 80 after the colon, as in photos:32, found 'photos:"):
        data.load(name)


def test_without_the_package_it_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"the package scikit-image is not installed: pip install 'jgan\[samples\]'"):
        photos.load()
