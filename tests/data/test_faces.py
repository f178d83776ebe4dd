"""The Olivetti faces, from a file in the original's form and from scikit-learn's cache: its loader is the oracle."""

import os
import urllib.error
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.io
import sklearn.datasets

from jgan import data
from jgan.data import faces


@pytest.fixture
def columns() -> np.ndarray:
    """400 pictures as columns, none of them symmetric, with values from 3 to 200."""
    columns = np.random.default_rng(0).integers(3, 201, (4096, 400), dtype=np.uint8)
    columns[0, 0], columns[1, 0] = 3, 200
    return columns


@pytest.fixture
def mat(tmp_path, columns) -> Path:
    scipy.io.savemat(tmp_path / faces.MAT, {"faces": columns})
    return tmp_path


def test_the_file_and_scikit_learns_cache_give_the_same_faces(mat, columns, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    joblib.dump(columns.T.copy(), cache / "olivetti_py3.pkz", compress=6)  # what scikit-learn makes of the file it downloads
    from_mat, from_cache = data.load("olivetti:64", mat), data.load("olivetti:64", cache)
    theirs = sklearn.datasets.fetch_olivetti_faces(data_home=cache, download_if_missing=False)
    ours = np.concatenate([part.x for part in from_mat.parts.values()])[..., 0]
    np.testing.assert_allclose(ours / 255, theirs.images, atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(np.concatenate([part.y for part in from_mat.parts.values()]), theirs.target)
    for one, other in zip(from_mat.parts.values(), from_cache.parts.values(), strict=True):
        assert np.abs(one.x.astype(int) - other.x).max() <= 1  # scikit-learn's are float32
        assert np.mean(one.x != other.x) < 1e-3


def test_people_are_divided_and_not_their_pictures(mat):
    found = data.load("olivetti", mat)
    assert [part.x.shape for part in found.parts.values()] == [(300, 48, 48, 1), (50, 48, 48, 1), (50, 48, 48, 1)]
    people = [set(part.y.tolist()) for part in found.parts.values()]
    assert [len(each) for each in people] == [30, 5, 5]
    assert people[0] | people[1] | people[2] == set(range(40))
    assert (found.train.x.dtype, found.train.y.dtype) == (np.uint8, np.int32)


def test_the_original_file_which_declares_doubles_is_read(mat):
    """MATLAB stores an array of doubles that are whole numbers of a byte as bytes; the array's class is the byte 144."""
    expected, file = data.load("olivetti:64", mat), mat / faces.MAT
    content = bytearray(file.read_bytes())
    assert content[144] == 9  # uint8
    content[144] = 6  # double
    file.write_bytes(content)
    assert scipy.io.whosmat(file) == [("faces", (4096, 400), "double")]
    for one, other in zip(data.load("olivetti:64", mat).parts.values(), expected.parts.values(), strict=True):
        np.testing.assert_array_equal(one.x, other.x)


def test_doubles_that_are_stored_as_such_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / faces.MAT, {"faces": np.full((4096, 400), 0.5)})
    with pytest.raises(ValueError, match=r"expected `faces` as uint8 \(4096, 400\), found float64 \(4096, 400\)"):
        data.load("olivetti", tmp_path)


def test_the_people_of_the_parts_can_be_asked_for(mat):
    found = data.load("olivetti:16:28:4:8", mat)
    people = [sorted(set(part.y.tolist())) for part in found.parts.values()]
    assert people == [list(range(28)), list(range(28, 32)), list(range(32, 40))]
    assert [part.x.shape for part in found.parts.values()] == [(280, 16, 16, 1), (40, 16, 16, 1), (80, 16, 16, 1)]
    for wrong, message in (("16:28:4:9", "expected 40 people in the three parts, found 41"), ("16:40", "expected a side")):
        with pytest.raises(ValueError, match=message):
            data.load(f"olivetti:{wrong}", mat)


def test_resizing_keeps_means_and_smooth_pictures():
    height, width = np.mgrid[:64, :64]
    smooth = np.rint(127.5 + 100 * np.sin(2 * np.pi * (height + 0.5) / 64) * np.cos(2 * np.pi * (width + 0.5) / 64))
    height, width = np.mgrid[:48, :48]
    expected = 127.5 + 100 * np.sin(2 * np.pi * (height + 0.5) / 48) * np.cos(2 * np.pi * (width + 0.5) / 48)
    found = faces.resize(smooth.astype(np.uint8)[None], 48)[0]
    np.testing.assert_allclose(found, expected, atol=3)


@pytest.mark.parametrize("name", ["olivetti:0", "olivetti:", "olivetti:48x48", "olivetti:-1"])
def test_what_is_no_side_is_told(name, mat):
    with pytest.raises(
        ValueError, match=f"expected a side in pixels after the colon, as in olivetti:48, or .*, found {name!r}"
    ):
        data.load(name, mat)


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0", bytes(200), b"\x89PNG" + bytes(300)])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / faces.MAT).write_bytes(content)
    with pytest.raises(ValueError, match=r"olivettifaces.mat: expected a MATLAB file with an array `faces`, found a damaged"):
        data.load("olivetti", tmp_path)


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_file_cut_short_is_named(mat, kept):
    os.truncate(mat / faces.MAT, int(kept * (mat / faces.MAT).stat().st_size))
    with pytest.raises(ValueError, match=r"olivettifaces.mat: expected"):
        data.load("olivetti", mat)


def test_another_array_is_told(tmp_path):
    scipy.io.savemat(tmp_path / faces.MAT, {"faces": np.zeros((4096, 10), np.uint8)})
    with pytest.raises(ValueError, match=r"expected `faces` as uint8 \(4096, 400\), found uint8 \(4096, 10\)"):
        data.load("olivetti", tmp_path)


def test_without_files_and_network_one_is_told_what_to_put_where(tmp_path, monkeypatch):
    def fails(**_):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", fails)
    with pytest.raises(ValueError, match=f"cannot be downloaded .*no route.*: put olivettifaces.mat into {tmp_path}"):
        data.load("olivetti", tmp_path)


REAL = Path(os.environ.get("JGAN_TEST_DATA", "no-such-folder")) / "olivetti"


@pytest.mark.skipif(not (REAL / faces.MAT).is_file(), reason="JGAN_TEST_DATA holds no olivetti/olivettifaces.mat")
def test_the_real_faces_are_upright_and_alike_within_a_person():
    train = data.load("olivetti", REAL).train
    x = train.x[..., 0].astype(float)
    mean = x.mean(axis=0)
    mirrored = np.corrcoef(mean.ravel(), mean[:, ::-1].ravel())[0, 1]
    assert mirrored > 0.9  # a mean face is symmetric left to right,
    assert np.corrcoef(mean.ravel(), mean[::-1].ravel())[0, 1] < 0.5  # and not upside down
    people = x.reshape(30, 10, -1)
    assert people.var(axis=1).mean() < 0.5 * x.reshape(300, -1).var(axis=0).mean()
