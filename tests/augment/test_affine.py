"""The warp against SciPy on a matrix made in float64, and blitting against NumPy's flips, turns and mirrored margins."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from jgan.augment.affine import Geometry, inverse_matrix, warp

IMAGE = np.random.default_rng(0).uniform(size=(9, 12, 2)).astype(np.float32)
transform = jax.jit(lambda image, geometry: warp(image, inverse_matrix(geometry)))


def forward_matrix(flip, turns, shift, scale, before, stretch, after, drift):
    """The product as the paper builds it up, first transformation first, in float64."""

    def rotation(angle):
        return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])

    def translation(xy):
        return np.array([[1, 0, xy[0]], [0, 1, xy[1]], [0, 0, 1]])

    matrix = np.diag([-1.0 if flip else 1.0, 1, 1])
    for factor in (
        rotation(np.pi / 2 * turns),
        translation(shift),
        np.diag([scale, scale, 1]),
        rotation(before),
        np.diag([stretch, 1 / stretch, 1]),
        rotation(after),
        translation(drift),
    ):
        matrix = factor @ matrix
    return matrix


def scipys_warp(image, forward):
    """SciPy's bilinear sampling, in its own convention: places are (row, column) from the upper left pixel."""
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])
    inverse = swap @ np.linalg.inv(forward) @ swap
    middle = (np.array(image.shape[:2]) - 1) / 2
    offset = inverse[:2, 2] + middle - inverse[:2, :2] @ middle
    options = {"offset": offset, "order": 1, "mode": "mirror"}
    channels = np.moveaxis(image.astype(np.float64), -1, 0)
    return np.stack([ndimage.affine_transform(channel, inverse[:2, :2], **options) for channel in channels], -1)


angles = st.floats(-3.125, 3.125, width=32)
pairs = st.tuples(*[st.floats(-6, 6, width=32)] * 2)
factors = st.floats(0.5, 2, width=32)
geometries = st.builds(
    Geometry,
    flip=st.sampled_from([0.0, 1.0]),
    turns=st.integers(0, 3),
    shift=st.tuples(*[st.integers(-3, 3).map(float)] * 2),
    scale=factors,
    before=angles,
    stretch=factors,
    after=angles,
    drift=pairs,
)


@given(geometries)
def test_the_matrix_is_the_inverse_of_the_papers_product(geometry):
    found = np.asarray(jax.jit(inverse_matrix)(geometry), np.float64)
    np.testing.assert_allclose(found @ forward_matrix(*geometry), np.eye(3), atol=3e-5)


@given(geometries)
def test_the_warp_is_scipys(geometry):
    np.testing.assert_allclose(transform(IMAGE, geometry), scipys_warp(IMAGE, forward_matrix(*geometry)), atol=1e-4)


def test_no_transformation_is_the_identity():
    np.testing.assert_array_equal(transform(IMAGE, Geometry()), IMAGE)


def blitted(image, flip, turns, shift):
    """A clockwise quarter turn is `rot90` with -1; a shift looks into the mirrored margin."""
    image = np.rot90(image[:, ::-1] if flip else image, -turns)
    x, y = shift
    height, width, _ = image.shape
    margin = np.pad(image, ((4, 4), (4, 4), (0, 0)), mode="reflect")
    return margin[4 - y : 4 - y + height, 4 - x : 4 - x + width]


@settings(max_examples=100)
@given(st.booleans(), st.integers(0, 3), st.tuples(*[st.integers(-4, 4)] * 2))
def test_blitting_moves_pixels_and_keeps_their_values(flip, turns, shift):
    square = IMAGE[:, :9]
    geometry = Geometry(flip=float(flip), turns=turns, shift=tuple(map(float, shift)))
    np.testing.assert_array_equal(transform(square, geometry), blitted(square, flip, turns, shift))


@pytest.mark.parametrize("shape", [(9, 12), (1, 5), (5, 1), (1, 1), (2, 3)])
def test_any_shape_is_mirrored_as_often_as_it_takes(shape):
    image = np.random.default_rng(1).uniform(size=(*shape, 1)).astype(np.float32)
    geometry = Geometry(scale=0.5, before=0.3, drift=(7.5, -9.25))
    np.testing.assert_allclose(transform(image, geometry), scipys_warp(image, forward_matrix(*geometry)), atol=1e-5)


def test_the_jacobian_is_that_of_scipys_warp():
    """The warp is linear: the columns of its Jacobian are what it makes of images of one white pixel."""
    geometry = Geometry(scale=1.3, before=0.5, stretch=0.8, after=-1.0, drift=(0.7, -0.4))
    pixels = np.eye(20).reshape(20, 4, 5)  # one channel for each pixel
    columns = scipys_warp(np.moveaxis(pixels, 0, -1), forward_matrix(*geometry))
    found = jax.jacrev(functools.partial(transform, geometry=geometry))(jnp.zeros((4, 5, 1)))
    np.testing.assert_allclose(found.reshape(4, 5, 20), columns, atol=1e-5)
