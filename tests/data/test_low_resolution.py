"""Pairs for super-resolution from images of one size, and the pieces of scikit-learn's photographs."""

import itertools

import numpy as np
import pytest

from jgan import data
from jgan.data import pieces, reduced, scenes
from jgan.resize import matlab_bicubic


@pytest.mark.parametrize("scale", [2, 4])
def test_the_low_resolution_is_matlabs_of_each_image_rounded(scale):
    found = data.load(f"x{scale}:digits")
    assert (found.train.c.dtype, found.fields.c.shape) == (np.uint8, (8 // scale, 8 // scale, 1))
    expected = matlab_bicubic(found.train.x[5].astype(np.float64), 1 / scale)
    np.testing.assert_array_equal(found.train.c[5], np.clip(np.floor(expected + 0.5), 0, 255))
    np.testing.assert_array_equal(found.truth(found.test.x), found.test.c)
    np.testing.assert_array_equal(found.train.y, data.load("digits").train.y)


def test_float_images_stay_floats_of_8_bits():
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    found = reduced.reduce(images, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(255 * found, np.rint(255 * found), atol=1e-4)


def test_sides_that_are_no_multiples_are_refused():
    with pytest.raises(ValueError, match="multiples of 3, found 8x8"):
        data.load("x3:digits")
    with pytest.raises(ValueError, match="one set of images without conditions"):
        data.load("x4:x4:digits")


def test_pieces_of_the_scenes_have_detail_and_no_part_shares_a_pixel_with_another():
    from sklearn.datasets import load_sample_images

    found = data.load("scenes")
    photographs = load_sample_images().images
    for part, batch in found.parts.items():
        first, last = scenes.COLUMNS[part]
        for piece in batch.x[::9]:
            places = [
                column
                for photograph in photographs
                for column in range(first, last - scenes.SIDE + 1)
                for row in range(0, photograph.shape[0] - scenes.SIDE + 1, scenes.STRIDE)
                if np.array_equal(photograph[row, column : column + scenes.SIDE], piece[0])
            ]
            assert places
        assert min(np.abs(np.diff(piece.astype(int), axis=1)).mean() for piece in batch.x) >= pieces.LEAST
    bounds = sorted(scenes.COLUMNS.values())
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(bounds))
