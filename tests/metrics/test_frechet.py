"""FID against closed forms, three libraries, and matrix square roots of 50 digits."""

import math

import jax.numpy as jnp
import mpmath
import numpy as np
import oracle_fid
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import NamedSharding, PartitionSpec
from scipy import stats

from jgan import parallel
from jgan.metrics import frechet, moments

GENERATOR = np.random.default_rng(0)
D = 12


def drawn(n, d=D, shift=0.0):
    mix = GENERATOR.normal(size=(d, d))
    return (np.maximum(GENERATOR.normal(size=(n, d)) @ mix, 0) + shift).astype(np.float32)


REAL, FAKE = drawn(500), drawn(400, shift=0.1)


def of(mean, covariance, count=100):
    return moments.from_statistics(count, np.asarray(mean, np.float64), np.asarray(covariance, np.float64))


@pytest.mark.slow
def test_shifted_unit_gaussians_of_the_size_of_inceptions_features():
    one = of(np.zeros(2048), np.eye(2048))
    assert frechet.distance(one, one._replace(mean=np.ones(2048))) == 2048


@settings(max_examples=30)
@given(
    st.lists(st.floats(0, 1e3), min_size=4, max_size=4),
    st.lists(st.floats(0, 1e3), min_size=4, max_size=4),
    st.lists(st.floats(-10, 10), min_size=4, max_size=4),
    st.integers(0, 1000),
)
def test_commuting_covariances(first, second, mean, seed):
    """With common axes it is the sum of the squared differences of the means and of the deviations, axis by axis."""
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
    covariance = lambda values: np.tril(full := axes * values @ axes.T) + np.tril(full, -1).T  # noqa: E731
    found = frechet.fid(of(np.zeros(4), covariance(first)), of(axes @ mean, covariance(second)))
    scale = sum(first) + sum(second)
    assert found.mean_term == pytest.approx(np.sum(np.square(mean)), rel=1e-12)
    expected = np.sum((np.sqrt(first) - np.sqrt(second)) ** 2)
    # Two numbers of the size `scale` are subtracted, and the square root of an eigenvalue below its rounding is lost.
    lost = sum(math.sqrt(1e-15 * max(first)) * math.sqrt(b) for b in second)
    lost += sum(math.sqrt(1e-15 * max(second)) * math.sqrt(a) for a in first)
    assert abs(found.covariance_term - expected) <= 1e-12 * scale + 4 * lost
    assert found.fid == found.mean_term + found.covariance_term


KEPT = oracles.load("fid")


@pytest.mark.parametrize("name", sorted(KEPT))
def test_the_libraries(name):
    """They agree to seven digits; of the singular case the libraries' square root keeps no more."""
    case, inputs = name.split("_")[0], oracle_fid.inputs()
    found = frechet.fid(inputs[f"{case}_real"], inputs[f"{case}_fake"]).fid
    assert found == pytest.approx(float(KEPT[name]), rel=1e-7)


def square_root(matrix):
    values, vectors = mpmath.eigsy(matrix)
    assert min(values) > -(mpmath.mpf(10) ** -40)
    return vectors * mpmath.diag([mpmath.sqrt(max(value, 0)) for value in values]) * vectors.T


def of_50_digits(first, second):
    """tr(S_1 + S_2 - 2 (S_1^(1/2) S_2 S_1^(1/2))^(1/2)), of matrices as they are."""
    with mpmath.workdps(50):
        first, second = mpmath.matrix(first), mpmath.matrix(second)
        root = square_root(first)
        crossed = square_root(root * second * root)
        return mpmath.fsum(first[i, i] + second[i, i] - 2 * crossed[i, i] for i in range(first.rows))


def with_condition(number, seed):
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(D, D)))[0]
    full = axes * np.logspace(0, -math.log10(number), D) @ axes.T
    return np.tril(full) + np.tril(full, -1).T


@pytest.mark.parametrize("number", [10, 1e6, 1e12])
@pytest.mark.parametrize("other", ["apart", "near"])
def test_ill_conditioned_covariances(number, other):
    first = with_condition(number, 1)
    second = with_condition(number, 2) if other == "apart" else 1.1 * first
    true = of_50_digits(first.tolist(), second.tolist())
    found = frechet.distance(of(np.zeros(D), first), of(np.zeros(D), second))
    # Covariances that are alike leave little of their traces.
    assert abs(found - true) < 1e-14 * (np.trace(first) + np.trace(second))
    assert found == pytest.approx(float(true), rel=1e-12)


@pytest.mark.parametrize("ranks", [(3, 12), (3, 5), (11, 12), (1, 1)])
def test_rank_deficient_covariances(ranks):
    """Of whole numbers, so that the matrices are just what they should be, and their rank too."""
    parts = [np.random.default_rng(rank).integers(-3, 4, (rank, D)).astype(float) for rank in ranks]
    covariances = [part.T @ part for part in parts]
    true = of_50_digits(*(covariance.tolist() for covariance in covariances))
    found = frechet.distance(*(of(np.zeros(D), covariance) for covariance in covariances))
    assert found == pytest.approx(float(true), rel=1e-13)


@pytest.mark.parametrize(("n", "m"), [(7, 9), (7, 40), (12, 12), (13, 12)])
def test_fewer_samples_than_features(n, m):
    """By the features themselves, and by their moments, whose covariances are singular but for rounding."""
    real, fake = drawn(n, shift=5), drawn(m, shift=5)

    def covariance(features):
        with mpmath.workdps(50):
            x = mpmath.matrix(features.astype(float).tolist())
            mean = mpmath.ones(1, x.rows) * x / x.rows
            centred = x - mpmath.ones(x.rows, 1) * mean
            return centred.T * centred / (x.rows - 1)

    true = float(of_50_digits(covariance(real), covariance(fake)))
    assert frechet.fid(real, fake).covariance_term == pytest.approx(true, rel=1e-13)
    assert frechet.fid(moments.of(real), moments.of(fake)).covariance_term == pytest.approx(true, rel=1e-12)
    assert frechet.fid(real, moments.of(fake)).covariance_term == pytest.approx(true, rel=1e-12)


def test_features_and_their_moments_are_told_alike():
    found = frechet.fid(REAL, FAKE)
    assert (found.n_real, found.n_fake) == (500, 400)
    assert all(isinstance(value, float) for value in found[:3])
    expected = np.sum((REAL.astype(float).mean(0) - FAKE.astype(float).mean(0)) ** 2)
    assert found.mean_term == pytest.approx(expected, rel=1e-12)
    in_pairs = moments.of(FAKE, form="pairs", batch_size=256)
    for real, fake in ((moments.of(REAL), FAKE), (REAL, moments.of(FAKE)), (REAL, in_pairs)):
        assert frechet.fid(real, fake)[:5] == pytest.approx(found[:5], rel=1e-11)
    assert frechet.distance(moments.of(REAL), in_pairs) == pytest.approx(found.fid, rel=1e-11)


def test_the_distance_is_the_same_both_ways_and_0_to_itself():
    there, back = frechet.fid(REAL, FAKE), frechet.fid(FAKE, REAL)
    assert there.fid == pytest.approx(back.fid, rel=1e-12)
    itself = frechet.fid(REAL, REAL)
    assert itself.mean_term == 0
    assert 0 <= itself.covariance_term < 1e-12 * np.trace(np.cov(REAL, rowvar=False))
    assert frechet.fid(REAL[:5], REAL[:5]).fid < 1e-12 * np.trace(np.cov(REAL[:5], rowvar=False))


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 600))
def test_neither_order_nor_batches_matter(seed, batch_size):
    order = np.random.default_rng(seed).permutation(len(FAKE))
    assert frechet.fid(REAL, FAKE[order], batch_size=batch_size).fid == pytest.approx(frechet.fid(REAL, FAKE).fid, rel=1e-11)


def test_it_knows_no_origin_and_no_axes_and_is_a_square():
    rotation = np.linalg.qr(GENERATOR.normal(size=(D, D)))[0]
    moved = [(100 + 7 * x.astype(np.float64)) @ rotation for x in (REAL, FAKE)]
    assert frechet.fid(*moved).fid == pytest.approx(49 * frechet.fid(REAL, FAKE).fid, rel=1e-10)


def test_arrays_of_jax_on_one_device_and_on_four():
    expected = frechet.fid(REAL, FAKE)
    spread = NamedSharding(parallel.mesh(), PartitionSpec(parallel.AXIS))
    for put in (jnp.asarray, lambda x: jnp.asarray(x, device=spread)):
        assert frechet.fid(put(REAL), put(FAKE))[:5] == pytest.approx(expected[:5], rel=1e-12)


def test_features_of_one_value_have_no_spread():
    still = np.full((30, 3), 0.1, np.float32)
    assert frechet.fid(still, still + np.float32(1)).fid == pytest.approx(3, rel=1e-6)
    assert frechet.fid(still, drawn(50, 3)).covariance_term > 0


def test_fid_falls_with_the_number_of_samples_and_its_limit_does_not():
    """Two samples of one Gaussian: what FID tends to with ever more fakes is known, and most of the bias is gone."""
    real, fake = np.random.default_rng(0).normal(size=(2, 3000, 48))
    found = frechet.fid_infinity(real, fake, seed=0, least=300, points=8)
    limit = frechet.distance(moments.of(real), of(np.zeros(48), np.eye(48)))
    assert found.fids[0] > 2 * found.fids[-1]
    assert found.fids[-1] > 1.5 * limit
    assert abs(found.fid - limit) < 0.5 * (found.fids[-1] - limit)


def test_the_limit_is_that_of_the_line():
    """By the normal equations, and every point by hand."""
    calls = []
    progress = lambda done, points: calls.append((done, points))  # noqa: E731
    found = frechet.fid_infinity(REAL, FAKE, seed=3, least=20, points=4, progress=progress)
    assert found.sizes == (20, 146, 273, 400)
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert found.fids[-1] == pytest.approx(frechet.fid(REAL, FAKE).fid, rel=1e-11)
    design = np.stack([np.ones(4), 1 / np.array(found.sizes)], axis=1)
    coefficients, rest = np.linalg.lstsq(design, np.array(found.fids))[:2]
    assert (found.fid, found.slope) == pytest.approx(tuple(coefficients), rel=1e-9)
    error = math.sqrt(rest[0] / (4 - 2) * np.linalg.inv(design.T @ design)[0, 0])
    assert found.standard_error == pytest.approx(error, rel=1e-6)
    assert (found.n_real, found.n_fake, found.seed) == (500, 400, 3)


def test_the_subsets_are_drawn_by_the_seed_without_replacement():
    run = lambda seed, real=REAL: frechet.fid_infinity(real, FAKE, seed=seed, least=20, points=3)  # noqa: E731
    assert run(0) == run(0)
    assert run(0).fids[:2] != run(1).fids[:2]
    assert run(0, moments.of(REAL)).fids == pytest.approx(run(0).fids, rel=1e-10)
    # All values at once: a set drawn with replacement would lack some.
    assert run(1).fids[2] == pytest.approx(run(0).fids[2], rel=1e-11)


def test_the_bias_is_a_line_in_one_over_n():
    """What the extrapolation assumes, on Gaussians: a straight line explains nearly all."""
    real, fake = GENERATOR.normal(size=(2, 3000, 6))
    sizes = np.array([100, 200, 400, 800, 1600])
    fids = [np.mean([frechet.fid(real, GENERATOR.permutation(fake)[:n]).fid for _ in range(10)]) for n in sizes]
    assert stats.linregress(1 / sizes, fids).rvalue > 0.99


WITH_NAN = np.where(np.arange(400)[:, None] == 7, np.nan, FAKE)
NOT_FINITE = moments.of(REAL)._replace(mean=np.full(D, np.inf))


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (REAL, FAKE[:1], "fake: expected at least 2 samples, found 1"),
        (REAL[:1], FAKE, "real: expected at least 2 samples, found 1"),
        (REAL, FAKE[:, :5], "fake: expected 12 features per sample like the others, found 5"),
        (moments.of(REAL), FAKE[:, :5], "fake: expected 12 features per sample like the others, found 5"),
        (REAL, moments.of(FAKE[:, :5]), "fake: expected moments of 12 features like the others, found 5"),
        (REAL, moments.of(FAKE[:1]), "fake: expected moments of at least 2 samples, found 1"),
        (REAL, WITH_NAN, "fake: 1 of 400 samples has a feature that is not finite, the first is number 7"),
        (NOT_FINITE, FAKE, "real: a moment is not finite"),
        (REAL, FAKE[0], r"fake: expected features \[N, d\]"),
    ],
)
def test_bad_input_is_an_error_that_says_what_is_wrong(real, fake, message):
    with pytest.raises(ValueError, match=message):
        frechet.fid(real, fake)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "fake: expected at least 5,014 samples, found 400"),
        ({"least": 398, "points": 4}, "fake: expected at least 401 samples"),
        ({"least": 20, "points": 2}, "points must be at least 3, found 2"),
        ({"least": 1, "points": 3}, "least must be at least 2, found 1"),
    ],
)
def test_bad_sizes_of_subsets(options, message):
    with pytest.raises(ValueError, match=message):
        frechet.fid_infinity(REAL, FAKE, seed=0, **options)
