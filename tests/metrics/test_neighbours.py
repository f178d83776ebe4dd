"""The engine of nearest neighbours and balls, against scikit-learn and SciPy, and the memory that it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from jgan.metrics import blocks, neighbours

GENERATOR = np.random.default_rng(0)
POINTS = GENERATOR.normal(size=(140, 16))
REFERENCES = GENERATOR.normal(size=(155, 16))
K = 5


def test_the_nearest_references_are_those_of_scikit_learn():
    found = neighbours.nearest(POINTS, REFERENCES, k=K)
    distances, indices = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(REFERENCES).kneighbors(POINTS)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-12)
    assert (found.distances.dtype, found.indices.dtype) == (np.float64, np.int64)


def test_a_point_is_no_neighbour_of_its_own_but_its_copy_is_one_at_the_distance_0():
    points = np.concatenate([POINTS, POINTS[:3]])
    found = neighbours.nearest(points, k=K)
    every = cdist(points, points)
    np.fill_diagonal(every, np.inf)
    np.testing.assert_allclose(found.distances, np.sort(every, axis=1)[:, :K], rtol=1e-12)
    assert found.distances[:3, 0].tolist() == [0, 0, 0]
    assert found.indices[:3, 0].tolist() == [140, 141, 142]
    assert found.indices[140:, 0].tolist() == [0, 1, 2]


def test_of_float32_the_distances_are_float32():
    found = neighbours.nearest(POINTS.astype(np.float32), jnp.asarray(REFERENCES, jnp.float32), k=K)
    assert found.distances.dtype == np.float32
    exact = np.sort(cdist(POINTS.astype(np.float32), REFERENCES.astype(np.float32)), axis=1)[:, :K]
    np.testing.assert_allclose(found.distances, exact, rtol=1.2e-7)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32", "uint8"])
def test_other_types_are_taken_for_what_they_hold(dtype):
    points = (4 * jnp.abs(jnp.asarray(POINTS, jnp.float32))).astype(dtype)
    whole = np.asarray(points.astype(jnp.float32), np.float64)
    found = neighbours.nearest(points, k=K)
    assert found.distances.dtype == (np.float32 if dtype.endswith("float16") else np.float64)
    np.testing.assert_allclose(found.distances, np.sort(cdist(whole, whole), axis=1)[:, 1 : K + 1], rtol=1e-6)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([1e-7, 1e-5, 1e-3, 1.0]),
    offset=st.sampled_from([0.0, 1.0, 1e4]),
    decimals=st.sampled_from([1, 8]),
)
def test_the_distances_are_those_of_float64_however_the_points_lie(seed, spread, offset, decimals):
    """Near-copies, offsets, ties: where the products of float32 have lost all digits, and those of float64 most."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(4, 16))
    draw = lambda n: offset + centres[generator.integers(4, size=n)] + spread * generator.normal(size=(n, 16)).round(decimals)  # noqa: E731
    points, references = draw(140), draw(155)
    found = neighbours.nearest(points, references, k=K)
    every = cdist(points, references)
    np.testing.assert_allclose(found.distances, np.sort(every, axis=1)[:, :K], rtol=1e-12)
    np.testing.assert_allclose(found.distances, np.take_along_axis(every, found.indices, 1), rtol=1e-12)
    assert all(len(set(row)) == K for row in found.indices.tolist())
    radii = np.sort(cdist(points, points), axis=1)[:, K], np.sort(cdist(references, references), axis=1)[:, K]
    counts = neighbours.inside(points, references, *radii)
    np.testing.assert_array_equal(counts.held_by_x, (every < radii[0][:, None]).sum(1))
    np.testing.assert_array_equal(counts.x_held, (every < radii[1][None]).sum(1))
    np.testing.assert_array_equal(counts.y_held, (every < radii[0][:, None]).sum(0))


@pytest.mark.parametrize("width", [4096, 640, 96, 100])
def test_the_lowest_of_groups_are_the_lowest_of_all(width):
    values = GENERATOR.normal(size=(7, width)).astype(np.float32)
    values[0, : width // 2] = values[0, 0]  # a row of ties
    lowest, where = neighbours._lowest(jnp.asarray(values), 5)
    np.testing.assert_array_equal(lowest, np.sort(values, axis=1)[:, :5])
    np.testing.assert_array_equal(np.take_along_axis(values, np.asarray(where), 1), lowest)
    assert all(len(set(row)) == 5 for row in where.tolist())


@pytest.mark.parametrize("d", [3, 64, 2048])
@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_rounding_takes_no_more_than_the_slack(d, low):
    """Of float32, on the device; features that are all positive, left off centre, are the worst."""
    points = GENERATOR.uniform(low, 1, size=(200, d))
    block = blocks.Frame(np.zeros(d), np.sqrt(d)).block(points, 200, np.float32)
    cross = jnp.matmul(block.points, block.points.T, precision="highest")
    lower, upper = neighbours._bounds(cross, *(jax.tree.map(jnp.asarray, (block, block))))
    exact = cdist(points, points, "sqeuclidean") / d
    assert (np.asarray(lower) <= exact).all()
    assert (np.asarray(upper) >= exact).all()
    assert np.abs(np.asarray(upper) - np.asarray(lower)).max() < 2e-4


def test_four_devices_find_the_same_neighbours():
    one, four = (neighbours.nearest(POINTS, REFERENCES, k=K, devices=devices) for devices in (None, jax.devices()))
    np.testing.assert_array_equal(one.indices, four.indices)
    np.testing.assert_array_equal(one.distances, four.distances)


def test_50_000_against_50_000_of_2048_features_stay_under_4_gigabytes():
    """By the compiler's account of each program, the sets in float64, and their copies on the device in float32."""
    n, d = 50_000, 2048
    rows, columns = blocks.size(n, blocks.ROWS), blocks.size(n, blocks.COLUMNS)
    block = lambda size: blocks.Block(*(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((size, d), *[(size,)] * 3)))  # noqa: E731
    best = tuple(jax.ShapeDtypeStruct((rows, 9), dtype) for dtype in (jnp.float32, jnp.int32))
    programs = (
        neighbours._merge.lower(best, block(rows), block(columns), 0, 0, itself=True),
        neighbours._compare_on_device.lower(block(rows), block(columns)),
    )
    of_program = max(
        memory.temp_size_in_bytes + memory.output_size_in_bytes + memory.argument_size_in_bytes
        for memory in (program.compile().memory_analysis() for program in programs)
    )
    sets, copy = 2 * n * d * 8, (n + columns) * d * 4
    # On the host: a block in float64 three times over, the pairs that are measured, and a tier in float64.
    host = 3 * columns * d * 8 + 3 * blocks.PAIRS * d * 8 + 6 * 2**22 * 8
    total = sets + copy + of_program + host
    assert of_program < 0.3e9
    assert total < 4e9


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"points: expected at least 6 samples, found 5"):
        neighbours.nearest(POINTS[:5], k=5)
    with pytest.raises(ValueError, match=r"references: expected at least 5 samples, found 4"):
        neighbours.nearest(POINTS, REFERENCES[:4], k=5)
    with pytest.raises(ValueError, match=r"references: expected 16 features"):
        neighbours.nearest(POINTS, REFERENCES[:, 1:])
    with pytest.raises(ValueError, match=r"expected 140 and 155 radii, found \(140,\) and \(140,\)"):
        neighbours.inside(POINTS, REFERENCES, np.ones(140), np.ones(140))
