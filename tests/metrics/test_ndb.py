"""NDB against SciPy's contingency test and distances, scikit-learn's prediction, and counts by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax.sharding import NamedSharding, PartitionSpec
from scipy import stats
from scipy.spatial.distance import cdist, jensenshannon
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from jgan import data
from jgan.metrics import ndb

RNG = np.random.default_rng(0)
DIGITS = data.load("digits").train.x
TRAINING = (RNG.standard_normal((900, 5)) * [1, 2, 30, 0.1, 1] + 100).astype(np.float32)
SAMPLES = (RNG.standard_normal((731, 5)) * [1, 2, 25, 0.1, 1.5] + 100).astype(np.float32)
BINS = ndb.fit(TRAINING, bins=12, seed=0)


def pairs_of_counts():
    counts = lambda k: hnp.arrays(np.int64, k, elements=st.integers(0, 400)).filter(lambda found: found.sum() > 0)  # noqa: E731
    return st.integers(1, 12).flatmap(lambda k: st.tuples(counts(k), counts(k)))


def by_distances(bins, samples):
    """The counts of the nearest centres, from the differences themselves in float64."""
    whitened = (samples.reshape(len(samples), -1).astype(np.float64) - np.float64(bins.mean)) / np.float64(bins.scale)
    return np.bincount(cdist(whitened, np.float64(bins.centres)).argmin(axis=1), minlength=len(bins.centres))


@given(pairs_of_counts())
def test_the_test_is_scipys_of_two_by_two_tables(counts):
    """The square of z is chi-squared of the table, without Yates's correction."""
    real, fake = counts
    found = ndb.p_values(real, fake)
    for a, b, p in zip(real, fake, found, strict=True):
        table = np.array([[a, real.sum() - a], [b, fake.sum() - b]])
        one_sided = not table.sum(axis=0).all()  # a bin with nothing, or everything
        expected = 1.0 if one_sided else stats.chi2_contingency(table, correction=False).pvalue
        assert p == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(pairs_of_counts(), st.sampled_from([0.001, 0.05, 0.3]))
def test_the_numbers_are_those_of_scipy(counts, significance):
    real, fake = counts
    found = ndb.compare(real, fake, significance=significance)
    p, n, m = (real + fake) / (real.sum() + fake.sum()), real.sum(), fake.sum()
    with np.errstate(invalid="ignore"):
        z = (real / n - fake / m) / np.sqrt(p * (1 - p) * (1 / n + 1 / m))
    assert found.different == np.count_nonzero(2 * stats.norm.sf(np.abs(z)) < significance)  # a NaN is not less
    assert found.share == found.different / len(real)
    assert found.js == pytest.approx(jensenshannon(real, fake) ** 2 if (real / n != fake / m).any() else 0, abs=1e-7)
    assert -1e-12 <= found.js <= np.log(2) + 1e-12
    assert found[3:7] == (len(real), n, m, significance)
    assert bool(found.caution) == (min(n, m) < 5 * len(real) or bool((real + fake == 0).any()))


def test_by_hand():
    """Of 100 each: 50 against 36 has z = 14 / sqrt(200 * 0.43 * 0.57) = 2.0, and 50 against 37 z = 1.85; 1.96 is the limit."""
    assert ndb.compare([50, 50], [36, 64]).different == 2
    assert ndb.compare([50, 50], [37, 63]).different == 0
    np.testing.assert_allclose(ndb.p_values([50, 50], [36, 64]), 2 * stats.norm.sf(14 / np.sqrt(200 * 0.43 * 0.57)), rtol=1e-9)


def test_the_extremes():
    """Equal shares, though not equal numbers; and nothing in common."""
    same, apart = ndb.compare([10, 20, 30], [100, 200, 300]), ndb.compare([40, 60, 0, 0], [0, 0, 70, 30])
    assert (same.different, same.js) == (0, pytest.approx(0, abs=1e-15))
    assert (apart.different, apart.share, apart.js) == (4, 1.0, pytest.approx(np.log(2)))


def test_samples_of_one_distribution_differ_in_one_bin_of_twenty():
    """At the level of 5 % in 200 pairs of 20 bins: 5 % of 4,000, within four standard deviations."""
    shares = RNG.dirichlet(np.ones(20) * 5)
    pairs = RNG.multinomial(5000, shares, size=(200, 2))
    rejected = sum(ndb.compare(real, fake).different for real, fake in pairs)
    assert abs(rejected - 200) < 4 * np.sqrt(4000 * 0.05 * 0.95)


@pytest.mark.parametrize("whiten", [False, True])
def test_bins_are_the_nearest_centres_sorted_by_size(whiten):
    bins = ndb.fit(TRAINING, bins=12, whiten=whiten, seed=0)
    counts = np.asarray(bins.counts)
    np.testing.assert_array_equal(counts, by_distances(bins, TRAINING))
    assert counts.sum() == 900
    assert (np.diff(counts) <= 0).all()
    assert [str(leaf.dtype) for leaf in bins] == ["float32", "int32", "float32", "float32"]
    scaler = StandardScaler(with_std=whiten).fit(TRAINING)
    np.testing.assert_allclose(bins.mean, TRAINING.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(bins.scale, scaler.scale_ if whiten else 1, rtol=1e-4)
    model = KMeans(12, n_init=1, random_state=0).fit(scaler.transform(TRAINING.astype(np.float64)))
    np.testing.assert_array_equal(counts, np.sort(np.bincount(model.labels_))[::-1])
    np.testing.assert_array_equal(ndb.assign(bins, SAMPLES), by_distances(bins, SAMPLES))
    predicted = np.bincount(model.predict(scaler.transform(SAMPLES.astype(np.float64))), minlength=12)
    assert sorted(predicted) == sorted(np.asarray(ndb.assign(bins, SAMPLES)).tolist())


def test_images_are_binned_by_their_pixels():
    bins = ndb.fit(DIGITS[:600], bins=10, seed=1)
    assert bins.centres.shape == (10, 64)
    np.testing.assert_array_equal(ndb.assign(bins, DIGITS[600:]), by_distances(bins, DIGITS[600:]))
    whole = ndb.evaluate(bins, DIGITS[600:])
    assert whole == ndb.compare(bins.counts, by_distances(bins, DIGITS[600:]))
    assert (whole.n_real, whole.n_fake) == (600, 604)


def test_a_training_set_against_itself_does_not_differ_and_a_collapsed_one_does():
    assert ndb.evaluate(BINS, TRAINING)[:3] == (0, 0.0, 0.0)
    collapsed = ndb.evaluate(BINS, TRAINING[:1].repeat(500, axis=0))
    assert collapsed.different >= 11
    assert collapsed.js > 0.5


@pytest.mark.parametrize("size", [100, 731])
def test_the_counts_of_batches_add_up_in_any_order(size):
    shuffled = RNG.permutation(SAMPLES)
    parts = [np.asarray(ndb.assign(BINS, shuffled[first : first + size])) for first in range(0, 731, size)][: 731 // size + 1]
    np.testing.assert_array_equal(sum(parts), ndb.assign(BINS, SAMPLES))


@pytest.mark.parametrize("block", [64, 5000])
def test_the_size_of_the_blocks_does_not_matter(monkeypatch, block):
    monkeypatch.setattr(ndb, "BLOCK", block)
    assert ndb.evaluate(BINS, SAMPLES) == ndb.compare(BINS.counts, by_distances(BINS, SAMPLES))


def test_sharded_jitted_and_scanned_it_counts_alike():
    expected = np.asarray(ndb.assign(BINS, SAMPLES[:720]))
    mesh = jax.make_mesh((4,), ("devices",), devices=jax.devices()[:4])
    sharded = jax.device_put(SAMPLES[:720], NamedSharding(mesh, PartitionSpec("devices")))
    np.testing.assert_array_equal(ndb.assign(BINS, sharded), expected)
    add = lambda counts, batch: (counts + ndb.assign(BINS, batch), None)  # noqa: E731
    scanned, _ = jax.jit(lambda batches: jax.lax.scan(add, jnp.zeros(12, jnp.int32), batches))(SAMPLES[:720].reshape(8, 90, 5))
    np.testing.assert_array_equal(scanned, expected)


def test_far_from_the_origin_the_nearest_is_still_found():
    """Features near 1e4 that differ by less than 1: without the mean taken off, their squares would lose it."""
    shifted = ndb.fit(TRAINING[:, :2] + 1e4, bins=12, seed=0)
    np.testing.assert_array_equal(
        ndb.assign(shifted, SAMPLES[:, :2] + np.float32(1e4)), by_distances(shifted, SAMPLES[:, :2] + np.float32(1e4))
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_belongs_to_no_bin(value):
    broken = SAMPLES.copy()
    broken[3, 1] = broken[70, 4] = value
    np.testing.assert_array_equal(ndb.assign(BINS, broken), by_distances(BINS, np.delete(SAMPLES, [3, 70], axis=0)))
    with pytest.raises(ValueError, match="samples: 2 of 731 samples have a feature that is not finite, the first is number 3"):
        ndb.evaluate(BINS, broken)


def test_equal_training_samples_leave_bins_empty_and_nothing_warns():
    bins = ndb.fit(np.repeat([[0.0, 1.0], [5.0, 5.0]], [30, 10], axis=0), bins=4, seed=0)
    assert np.asarray(bins.counts).sum() == 40
    assert sorted(np.asarray(bins.counts).tolist()) == [0, 0, 10, 30]
    assert ndb.evaluate(bins, np.zeros((9, 2))).bins == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ndb.fit(TRAINING[:9], bins=10, seed=0), "training: expected at least 10 samples, found 9"),
        (lambda: ndb.fit(TRAINING, bins=1, seed=0), "bins must be at least 2, found 1"),
        (lambda: ndb.fit(np.full((20, 2), np.nan), bins=10, seed=0), "training: 20 of 20 samples"),
        (lambda: ndb.assign(BINS, SAMPLES[:, :4]), "expected samples of 5 features, as the bins have, found 4"),
        (lambda: ndb.evaluate(BINS, SAMPLES[:, :4]), "samples: expected 5 features"),
        (lambda: ndb.evaluate(BINS, SAMPLES[:11]), "samples: expected at least 12 samples, found 11"),
        (lambda: ndb.compare([1, 2], [1, 2, 3]), r"found the shapes \(2,\) and \(3,\)"),
        (lambda: ndb.compare([1, 2], [0, 0]), "nonnegative counts, not all 0"),
        (lambda: ndb.compare([1, -2], [1, 0]), "nonnegative counts, not all 0"),
    ],
)
def test_what_cannot_be_measured_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
