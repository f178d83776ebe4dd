"""The photographs and boundary maps of BSDS500, on small files in its layout."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from jgan import data
from jgan.data import bsds_edges

RNG = np.random.default_rng(0)


def write(root, part, name, size=(9, 13), people=3, map_size=None):
    """A photograph and the maps of some people; returns both as arrays."""
    photograph = RNG.integers(0, 256, (*size, 3), np.uint8)
    maps = [(RNG.random(map_size or size) < 0.1).astype(np.uint8) for _ in range(people)]
    for kind in ("images", "groundTruth"):
        (root / kind / part).mkdir(parents=True, exist_ok=True)
    Image.fromarray(photograph).save(root / "images" / part / f"{name}.png")
    cells = np.empty((1, people), object)
    for index, drawn in enumerate(maps):
        cells[0, index] = {"Segmentation": np.ones(size, np.uint16), "Boundaries": drawn}
    scipy.io.savemat(root / "groundTruth" / part / f"{name}.mat", {"groundTruth": cells}, do_compression=True)
    return photograph, np.maximum.reduce(maps)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "BSDS500" / "data"


def three_parts(root):
    return {part: write(root, part, "100") for part in ("train", "val", "test")}


def test_tiles_of_photographs_and_of_what_anybody_has_drawn(root, tmp_path):
    """A 9x13 photograph has 2x3 tiles of 4x4, half a pixel (rounded down) off each end."""
    written = three_parts(root)
    found = data.load("bsds_edges:4", tmp_path)
    for part, own in (("train", "train"), ("validation", "val"), ("test", "test")):
        photograph, drawn = written[own]
        batch = found.parts[part]
        expected = [(row, column) for row in (0, 4) for column in (0, 4, 8)]
        np.testing.assert_array_equal(batch.c, np.stack([photograph[r : r + 4, c : c + 4] for r, c in expected]))
        np.testing.assert_array_equal(batch.x[..., 0], 255 * np.stack([drawn[r : r + 4, c : c + 4] for r, c in expected]))
    assert (found.fields.x.shape, found.fields.c.shape) == ((4, 4, 1), (4, 4, 3))


def test_reduced_lines_stay_whole(root, tmp_path):
    photograph, drawn = three_parts(root)["test"]
    found = data.load("bsds_edges:2/3", tmp_path).test
    assert found.x.shape == (2, 2, 2, 1)  # 9x13 reduced to 3x4: one row of two tiles
    for tile in range(2):
        for row in range(2):
            for column in range(2):
                r, c = 3 * row, 3 * (2 * tile + column)
                assert found.x[tile, row, column, 0] == 255 * drawn[r : r + 3, c : c + 3].max()
                mean = photograph[r : r + 3, c : c + 3].astype(float).mean((0, 1))
                np.testing.assert_allclose(found.c[tile, row, column], mean, atol=0.5001)


def test_the_photographs_alone_need_no_maps(root, tmp_path):
    three_parts(root)
    expected = data.load("bsds_edges:4/2", tmp_path)
    for file in (root / "groundTruth").rglob("*.mat"):
        file.unlink()
    found = data.load("bsds:4/2", tmp_path)
    assert found.fields.c == ()
    np.testing.assert_array_equal(found.train.x, expected.train.c)


def test_swapped_pairs_ask_for_photographs(root, tmp_path):
    three_parts(root)
    assert data.load("swapped:bsds_edges:4", tmp_path).fields.x.shape == (4, 4, 3)


def test_what_is_wrong_is_named(root, tmp_path):
    three_parts(root)
    with pytest.raises(ValueError, match="as in bsds_edges:64 or bsds_edges:64/2, found 'bsds_edges:0'"):
        data.load("bsds_edges:0", tmp_path)
    with pytest.raises(ValueError, match="give it with --data-dir"):
        data.load("bsds_edges")
    with pytest.raises(ValueError, match=r"images/train: expected photographs of at least a tile of 64, found smaller ones"):
        data.load("bsds_edges", tmp_path)
    write(root, "val", "200", map_size=(9, 12))
    with pytest.raises(ValueError, match=r"200\.mat: expected maps of 9x13, found 9x12"):
        data.load("bsds_edges:4", tmp_path)
    file = root / "groundTruth" / "val" / "200.mat"
    file.write_bytes(b"no MATLAB file")
    with pytest.raises(ValueError, match=r"200\.mat: expected a MATLAB file with `groundTruth`, found a damaged or other file"):
        data.load("bsds_edges:4", tmp_path)
    scipy.io.savemat(file, {"groundTruth": np.zeros((2, 2))})
    with pytest.raises(ValueError, match=r"200\.mat: expected a MATLAB file with `groundTruth`"):
        data.load("bsds_edges:4", tmp_path)
    with file.open("wb") as large:
        large.truncate(bsds_edges.LARGEST_FILE + 1)
    with pytest.raises(ValueError, match=r"200\.mat: .* of at most 1048576 bytes, found 1048577"):
        data.load("bsds_edges:4", tmp_path)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"200\.mat: expected a MATLAB file with `groundTruth`, found nothing there"):
        data.load("bsds_edges:4", tmp_path)


REAL = Path(os.environ.get("JGAN_TEST_DATA", "no data")) / "bsds500"


@pytest.mark.skipif(not REAL.is_dir(), reason="JGAN_TEST_DATA has no bsds500")
def test_the_real_set():
    found = data.load("bsds_edges:96", REAL)
    assert [len(part.x) for part in found.parts.values()] == [3000, 1500, 3000]  # 5 by 3 tiles of each photograph
    assert 0.05 < (found.train.x > 0).mean() < 0.1
