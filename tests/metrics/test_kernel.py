"""KID and MMD against torch-fidelity, clean-fid, sums in float64 with scikit-learn's kernels, and what is known of them."""

import jax
import numpy as np
import oracle_kernel
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.metrics import pairwise

from jgan.metrics import blocks, kernel

SETS = oracle_kernel.inputs()
REAL, FAKE = SETS["real"], SETS["fake"]
OPTIONS = {"subsets": 20, "subset_size": 120}
KERNELS = (
    kernel.Polynomial(),
    kernel.Polynomial(1, 0.0, 1.0),
    kernel.Polynomial(4, 2.0, 0.1),
    kernel.Gaussian((3.0,)),
    kernel.Gaussian((0.5, 2.0, 8.0)),
)


def matrix(chosen, x, y):
    """The kernel's values, by scikit-learn in float64."""
    if isinstance(chosen, kernel.Gaussian):
        return np.mean([pairwise.rbf_kernel(x, y, gamma=1 / (2 * width**2)) for width in chosen.widths], axis=0)
    gamma = 1 / x.shape[1] if chosen.scale is None else chosen.scale
    return pairwise.polynomial_kernel(x, y, degree=chosen.degree, gamma=gamma, coef0=chosen.offset)


def in_float64(chosen, x, y, *, unbiased=True):
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    total = -2 * matrix(chosen, x, y).mean()
    for points in (x, y):
        values, n = matrix(chosen, points, points), len(points)
        total += (values.sum() - np.trace(values)) / (n * (n - 1)) if unbiased else values.mean()
    return total


@pytest.mark.parametrize(
    ("name", "fake", "chosen", "seed"),
    [
        ("cubic", "fake", kernel.Polynomial(), 2020),
        ("same", "same", kernel.Polynomial(), 7),
        ("gaussian", "fake", kernel.Gaussian((3.0,)), 2020),
        ("quartic", "fake", kernel.Polynomial(4, 2.0, 0.1), 2020),
    ],
)
def test_it_is_torch_fidelitys_subset_for_subset(name, fake, chosen, seed):
    found = kernel.kid(REAL, SETS[fake], kernel=chosen, seed=seed, **OPTIONS)
    np.testing.assert_allclose([found.mean, found.std], oracles.load("kernel")[name], rtol=1e-5)
    assert (found.subsets, found.subset_size, found.seed) == (20, 120, seed)


def test_it_is_clean_fids():
    assert kernel.kid(REAL, FAKE, seed=5, **OPTIONS).mean == pytest.approx(float(oracles.load("kernel")["clean"]), rel=1e-5)


def test_subsets_may_be_given():
    indices = kernel.draws(len(REAL), len(FAKE), seed=2020, **OPTIONS)
    assert all(
        len(set(row)) == 120 and max(row) < n for part, n in zip(indices, (300, 250), strict=True) for row in part.tolist()
    )
    found, drawn = kernel.kid(REAL, FAKE, indices=indices), kernel.kid(REAL, FAKE, **OPTIONS)
    assert found == drawn._replace(seed=None)
    by_hand = [in_float64(kernel.CUBIC, REAL[i], FAKE[j]) for i, j in zip(*indices, strict=True)]
    np.testing.assert_allclose([found.mean, found.std], [np.mean(by_hand), np.std(by_hand)], rtol=1e-5)


@pytest.mark.parametrize("chosen", KERNELS)
@pytest.mark.parametrize("unbiased", [True, False])
def test_of_all_pairs_it_is_the_sum_in_float64(chosen, unbiased):
    found = kernel.mmd2(REAL, FAKE, kernel=chosen, unbiased=unbiased)
    assert found == pytest.approx(in_float64(chosen, REAL, FAKE, unbiased=unbiased), rel=1e-5)


@pytest.mark.parametrize(("scale", "offset"), [(1e-3, 0.0), (1e8, 0.0), (1.0, 100.0), (1e-2, 1.0)])
def test_float32_features_of_any_scale_and_offset_keep_five_digits(scale, offset):
    """In float32 sums of the kernel itself the difference would have no digit at the last two of these."""
    x, y = ((scale * points + offset).astype(np.float32) for points in (REAL, FAKE + 0.2))
    expected = in_float64(kernel.CUBIC, x, y)
    assert kernel.mmd2(x, y) == pytest.approx(expected, rel=1e-5)
    width = kernel.median_width(x, y)
    assert kernel.mmd2(x, y, kernel=kernel.Gaussian((width,))) == pytest.approx(
        in_float64(kernel.Gaussian((width,)), x, y), rel=1e-5
    )


def test_with_2048_features_it_keeps_five_digits_of_a_small_distance():
    generator = np.random.default_rng(0)
    x, y = (np.maximum(0.4 + 0.4 * generator.normal(size=(300, 2048)) + shift, 0).astype(np.float32) for shift in (0, 0.02))
    expected = in_float64(kernel.CUBIC, x, y)
    assert 5e-4 < expected < 2e-3
    assert kernel.mmd2(x, y) == pytest.approx(expected, rel=1e-5)
    assert kernel.kid(x, y, subsets=1, subset_size=300).mean == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("chosen", [kernel.Polynomial(), kernel.Gaussian((3.0,))])
def test_it_is_unbiased(chosen):
    """Over many pairs of sets of one distribution the mean is 0, within four standard errors; the biased one's is far above."""
    generator = np.random.default_rng(1)
    sets = generator.normal(size=(2, 60 * 40, 8))
    indices = tuple(np.arange(60 * 40).reshape(60, 40) for _ in range(2))
    found = kernel.kid(*sets, indices=indices, kernel=chosen)
    assert abs(found.mean) < 4 * found.std / np.sqrt(60)
    biased = [kernel.mmd2(sets[0][some], sets[1][some], kernel=chosen, unbiased=False) for some in indices[0][:10]]
    assert np.mean(biased) > 10 * found.std / np.sqrt(60)


def test_of_a_linear_kernel_it_is_the_distance_of_the_means():
    found = kernel.mmd2(REAL, FAKE, kernel=kernel.Polynomial(1, 0.0, 1.0), unbiased=False)
    assert found == pytest.approx(np.sum(np.square(REAL.mean(0) - FAKE.mean(0))), rel=1e-5)


def test_between_gaussians_it_is_the_closed_form():
    """E k = (1 + 2 / w^2)^(-d/2) exp(-|m|^2 / (2 w^2 + 4)) for normal samples of means m apart, and a kernel of width w."""
    generator, d, width, shift = np.random.default_rng(2), 8, 3.0, 1.0
    x, y = generator.normal(size=(2, 60 * 40, d))
    y[:, 0] += shift
    indices = tuple(np.arange(60 * 40).reshape(60, 40) for _ in range(2))
    found = kernel.kid(x, y, indices=indices, kernel=kernel.Gaussian((width,)))
    shrunk = (1 + 2 / width**2) ** (-d / 2)
    expected = 2 * shrunk * (1 - np.exp(-(shift**2) / (2 * width**2 + 4)))
    assert found.mean == pytest.approx(expected, abs=4 * found.std / np.sqrt(60))
    assert found.mean > 10 * found.std / np.sqrt(60)


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_order_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    found = kernel.mmd2(generator.permutation(REAL), generator.permutation(FAKE))
    assert found == pytest.approx(kernel.mmd2(REAL, FAKE), rel=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(32, 96)])
def test_the_size_of_the_blocks_does_not_matter(rows, columns, monkeypatch):
    expected = [kernel.mmd2(REAL, FAKE, unbiased=unbiased) for unbiased in (True, False)]
    monkeypatch.setattr(blocks, "ROWS", rows)
    monkeypatch.setattr(blocks, "COLUMNS", columns)
    found = [kernel.mmd2(REAL, FAKE, unbiased=unbiased) for unbiased in (True, False)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_four_devices_find_the_same():
    assert kernel.mmd2(REAL, FAKE, devices=jax.devices()) == pytest.approx(kernel.mmd2(REAL, FAKE), rel=1e-6)


def test_the_median_width_is_scipys():
    together = np.concatenate([REAL, FAKE])
    assert kernel.median_width(REAL, FAKE) == pytest.approx(np.median(pdist(together)), rel=1e-12)
    assert kernel.median_width(REAL, FAKE, most=100, seed=3) == pytest.approx(np.median(pdist(together)), rel=0.05)
    assert kernel.median_width(REAL, FAKE, most=100, seed=3) != kernel.median_width(REAL, FAKE, most=100, seed=4)


def test_the_median_width_is_taken_of_no_more_samples_than_told():
    """Of two of three samples there is one distance, any of the three."""
    x, y = np.array([[0.0], [1.0]]), np.array([[10.0]])
    assert {kernel.median_width(x, y, most=2, seed=seed) for seed in range(30)} == {1.0, 9.0, 10.0}


def test_the_progress_is_told():
    told = []
    kernel.mmd2(REAL, FAKE, progress=lambda done, total: told.append((done, total)))
    assert told == [(300, 850), (550, 850), (850, 850)]
    told.clear()
    kernel.kid(REAL, FAKE, subsets=3, subset_size=120, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_bad_input_is_named():
    with pytest.raises(
        ValueError, match="found 1,000 and 300 real and 250 generated samples; draw more, or choose another subset_size"
    ):
        kernel.kid(REAL, FAKE)
    with pytest.raises(ValueError, match="subset_size must be at least 2, found 1"):
        kernel.kid(REAL, FAKE, subset_size=1)
    with pytest.raises(ValueError, match="y: expected 64 features per sample like the others, found 63"):
        kernel.mmd2(REAL, FAKE[:, 1:])
    with pytest.raises(ValueError, match="fake: 1 of 250 samples has a feature that is not finite"):
        kernel.kid(REAL, np.where(np.arange(250)[:, None] == 2, np.inf, FAKE), subset_size=10)
    with pytest.raises(ValueError, match="expected positive widths"):
        kernel.mmd2(REAL, FAKE, kernel=kernel.Gaussian((1.0, 0.0)))
    with pytest.raises(ValueError, match="of degree 1 or more, found 0"):
        kernel.mmd2(REAL, FAKE, kernel=kernel.Polynomial(0))
    with pytest.raises(ValueError, match="most samples are equal"):
        kernel.median_width(np.ones((9, 2)), np.zeros((1, 2)))
