"""Mode coverage against loops in float64, SciPy's tree of points, and the shares that a Gaussian has within a radius."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial import cKDTree

from jgan.data import toys
from jgan.metrics import modes

RNG = np.random.default_rng(0)
coverage = jax.jit(modes.mode_coverage, static_argnames=("std", "radius"))


def by_loops(samples, centres, std, radius):
    """The definition, one sample at a time."""
    counts = [0] * len(centres)
    for sample in np.asarray(samples, np.float64):
        distances = [math.dist(sample, centre) for centre in centres]
        nearest = min(range(len(centres)), key=distances.__getitem__)
        counts[nearest] += distances[nearest] <= radius * std
    total = sum(counts)
    kl = sum(count / total * math.log(count / total * len(centres)) for count in counts if count) if total else math.nan
    return sum(count > 0 for count in counts), total / len(samples), kl, counts


def agree(found, expected):
    assert int(found.modes) == expected[0]
    assert float(found.high_quality) == pytest.approx(expected[1], rel=1e-6)
    assert float(found.reverse_kl) == pytest.approx(expected[2], abs=1e-5, nan_ok=True)
    assert np.asarray(found.counts).tolist() == expected[3]


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([1, 30]),
    shape=st.sampled_from([(1, 1), (6, 2), (5, 3)]),
    spread=st.sampled_from([1.0, 10.0]),
)
def test_coverage_is_the_definition(seed, n, shape, spread):
    """With modes in [-10, 10] the balls round them are mostly apart, in [-1, 1] they overlap."""
    rng, std = np.random.default_rng(seed), 0.3  # one deviation: it is a constant of the program
    centres = spread * rng.uniform(-1, 1, shape)
    noise = spread * rng.choice([0.05, 0.2, 1.0]) * rng.standard_normal((n, shape[1]))
    samples = np.float32(centres[rng.integers(len(centres), size=n)] + noise)
    agree(coverage(samples, centres, std), by_loops(samples, centres, std, 3.0))


@pytest.mark.parametrize("name", ["ring8", "grid25", "gaussian1d"])
@pytest.mark.parametrize("spread", [0.9, 3.0])
def test_coverage_is_what_scipys_tree_of_points_finds(name, spread):
    centres, std = toys.centres(name), toys.std(name)
    left_out = centres[1:] if len(centres) > 1 else centres
    samples = left_out[RNG.integers(len(left_out), size=2500)] + spread * std * RNG.standard_normal((2500, centres.shape[1]))
    found = coverage(samples, centres, std)
    distances, nearest = cKDTree(centres).query(samples)
    counts = np.bincount(nearest[distances <= 3 * std], minlength=len(centres))
    within = cKDTree(samples).query_ball_point(centres, 3 * std, return_length=True)  # the literature's words, mode by mode
    np.testing.assert_array_equal(found.counts, counts)
    assert int(found.modes) == np.count_nonzero(within) == len(left_out)
    assert float(found.high_quality) == pytest.approx(within.sum() / 2500, rel=1e-6)
    assert float(found.reverse_kl) == pytest.approx(stats.entropy(counts, np.ones(len(centres))), abs=1e-5)


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("name", ["ring8", "grid25", "gaussian1d"])
def test_real_points_are_of_high_quality_as_often_as_a_gaussian_is_within_the_radius(name, radius):
    centres = toys.centres(name)
    real = toys.make(name, 20_000, seed=3).x
    found = coverage(real, centres, toys.std(name), radius=radius)
    share = 1 - math.exp(-(radius**2) / 2) if centres.shape[1] == 2 else math.erf(radius / math.sqrt(2))
    assert float(found.high_quality) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 20_000))
    assert int(found.modes) == len(centres)
    # 2 n KL to the true shares is chi-squared of K - 1 degrees of freedom, n being the samples that count (Wilks).
    n = int(np.sum(found.counts))
    assert 2 * n * float(found.reverse_kl) <= stats.chi2.ppf(1 - 1e-4, max(1, len(centres) - 1))


def test_the_extremes_of_the_reverse_kl():
    """All modes alike: 0. One of K: log K. m of K alike: log K/m. None: not a number."""
    centres = toys.centres("grid25")
    for m in (1, 5, 25):
        found = coverage(centres[:m].repeat(7, axis=0), centres, 0.05)
        assert float(found.reverse_kl) == pytest.approx(math.log(25 / m), abs=1e-6)
        assert (int(found.modes), float(found.high_quality)) == (m, 1.0)
    nowhere = coverage(np.ones((9, 2)), centres, 0.05)
    assert (int(nowhere.modes), float(nowhere.high_quality)) == (0, 0.0)
    assert math.isnan(float(nowhere.reverse_kl))


def test_unequal_shares_have_the_divergence_of_their_entropy():
    found = coverage(np.repeat([[0.0], [1.0], [2.0]], [1, 2, 5], axis=0), np.arange(4.0)[:, None], 0.1)
    shares = np.array([1, 2, 5]) / 8
    assert float(found.reverse_kl) == pytest.approx(math.log(4) - special.entr(shares).sum(), rel=1e-5)


def test_a_point_on_the_edge_counts_and_one_beyond_does_not():
    centres = np.zeros((1, 1))
    assert int(coverage(np.array([[0.75]]), centres, 0.25).modes) == 1
    assert int(coverage(np.nextafter(np.float32([[0.75]]), np.float32(1)), centres, 0.25).modes) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_of_low_quality(value):
    centres = toys.centres("ring8")
    samples = centres.astype(np.float32).copy()
    samples[3, 1] = value
    found = coverage(samples, centres, 0.01)
    assert np.asarray(found.counts).tolist() == [1, 1, 1, 0, 1, 1, 1, 1]
    assert (int(found.modes), float(found.high_quality)) == (7, 0.875)


def test_leading_axes_vmap_and_jit_measure_one_by_one():
    centres = toys.centres("ring8")
    samples = jnp.asarray(toys.make("ring8", 6 * 50, seed=0).x).reshape(2, 3, 50, 2) * jnp.array([1, 1.02, 0]).reshape(
        1, 3, 1, 1
    )
    measure = lambda points: modes.mode_coverage(points, centres, 0.01)  # noqa: E731
    found = jax.jit(measure)(samples)
    assert [leaf.shape for leaf in found] == [(2, 3), (2, 3), (2, 3), (2, 3, 8)]
    assert [str(leaf.dtype) for leaf in found] == ["int32", "float32", "float32", "int32"]
    mapped = jax.jit(jax.vmap(jax.vmap(measure)))(samples)
    for leaf, other in zip(found, mapped, strict=True):
        np.testing.assert_allclose(leaf, other, rtol=1e-6)
    for place in np.ndindex(2, 3):
        agree(jax.tree.map(lambda leaf, place=place: leaf[place], found), by_loops(samples[place], centres, 0.01, 3))


@pytest.mark.parametrize(
    ("samples", "centres"), [((5, 2), (3, 1)), ((2,), (3, 2)), ((5, 2), (2,)), ((0, 2), (3, 2)), ((5, 2), (0, 2))]
)
def test_shapes_that_do_not_fit_are_told(samples, centres):
    with pytest.raises(ValueError, match=r"expected samples \[..., N, d\] and centres \[K, d\], at least one of each, found"):
        modes.mode_coverage(np.zeros(samples), np.zeros(centres), 0.1)


@pytest.mark.parametrize(("std", "radius"), [(0.0, 3.0), (-0.1, -3.0), (0.1, 0.0), (math.nan, 3.0)])
def test_a_deviation_or_a_radius_that_is_not_positive_is_told(std, radius):
    with pytest.raises(ValueError, match=f"std and radius must be positive, found {std} and {radius}"):
        modes.mode_coverage(np.zeros((5, 2)), np.zeros((3, 2)), std, radius=radius)


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 12))
@pytest.mark.slow
def test_the_coverage_of_classes_is_that_of_its_definition(seed, n, count):
    classes = np.random.default_rng(seed).integers(0, count, (2, n))
    found = modes.class_coverage(classes, count)
    for row, covered, divergence in zip(classes, found.modes, found.reverse_kl, strict=True):
        shares = np.array([(row == label).mean() for label in range(count)])
        assert int(covered) == len(set(row.tolist()))
        np.testing.assert_allclose(divergence, stats.entropy(shares, np.full(count, 1 / count)), atol=1e-5)


def test_classes_that_do_not_exist_are_refused():
    for given_classes, message in (([0, 5], "from 0 to 4, found 0 to 5"), ([0.0], "integer classes"), ([], "at least one")):
        with pytest.raises(ValueError, match=message):
            modes.class_coverage(np.array(given_classes), 5)
