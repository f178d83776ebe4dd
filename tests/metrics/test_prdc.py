"""Precision, recall, density and coverage against the package of their authors, torch-fidelity, and what is known of them."""

import contextlib
import io

import jax
import numpy as np
import oracle_prc
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from jgan.metrics import blocks
from jgan.metrics import prdc as measures

GENERATOR = np.random.default_rng(0)
REAL = GENERATOR.normal(size=(150, 24))
FAKE = 0.8 * GENERATOR.normal(size=(130, 24)) + 0.1


def of_the_authors(real, fake, k):
    """The package `prdc`, which prints."""
    import prdc as package

    with contextlib.redirect_stdout(io.StringIO()):
        found = package.compute_prdc(real, fake, k)
    return [float(found[name]) for name in ("precision", "recall", "density", "coverage")]


def in_float64(real, fake, k, *, closed=False):
    """From the whole matrices of distances."""
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    inside = np.less_equal if closed else np.less
    of_real, of_fake = (np.sort(cdist(points, points), axis=1)[:, k] for points in (real, fake))
    in_real, in_fake = inside(cdist(real, fake), of_real[:, None]), inside(cdist(real, fake), of_fake[None])
    return [in_real.any(0).mean(), in_fake.any(1).mean(), in_real.sum(0).mean() / k, in_real.any(1).mean()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_it_is_the_package_of_the_authors(dtype, k):
    real, fake = REAL.astype(dtype), FAKE.astype(dtype)
    found = measures.prdc(real, fake, k=k)
    np.testing.assert_allclose(found[:4], of_the_authors(real, fake, k), rtol=1e-6)
    assert len(set(found[:4])) == 4 or k == 10
    assert found.k == k


def clustered(dtype):
    """Clusters a ten-thousandth as wide as the distance between them: float32 sees each as little more than a point."""
    centres = GENERATOR.normal(size=(6, 24))
    sets = (centres[GENERATOR.integers(6, size=n)] + 1e-4 * GENERATOR.normal(size=(n, 24)) for n in (150, 130))
    return tuple(points.astype(dtype) for points in sets)


def copies(dtype):
    """Fakes that are copies of reals, some of them many times: every radius of the reals is a distance to a fake, exactly."""
    real = REAL.astype(dtype)
    return real, np.concatenate([real[:100], np.repeat(real[100:101], 30, axis=0)])


def lattice(dtype):
    """Small integers: few distances, all of them exact, nearly all tied."""
    return tuple(GENERATOR.integers(3, size=(n, 24)).astype(dtype) * (np.arange(24) < 6).astype(dtype) for n in (150, 130))


def off_centre(dtype):
    """Far from the origin, where |x|^2 + |y|^2 - 2 x.y of the features themselves has no digit left in float32."""
    return (REAL + 1e3).astype(dtype), (FAKE + 1e3).astype(dtype)


def with_an_outlier(dtype):
    """Beside one point at 1e12 the scale of all others vanishes in float32."""
    real = REAL.astype(dtype)
    real[7] = 1e12
    return real, FAKE.astype(dtype)


def tiny(dtype):
    """Whose squares underflow in float32."""
    return (REAL * 1e-30).astype(dtype), (FAKE * 1e-30).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sets", [clustered, copies, lattice, off_centre, with_an_outlier])
def test_it_is_the_package_where_float32_would_not_do(sets, dtype):
    real, fake = sets(dtype)
    np.testing.assert_allclose(measures.prdc(real, fake)[:4], of_the_authors(real, fake, 5), rtol=1e-6)


@pytest.mark.parametrize("sets", [clustered, copies, lattice, off_centre, with_an_outlier, tiny])
def test_it_is_the_whole_matrix_in_float64(sets):
    real, fake = sets(np.float64)
    np.testing.assert_allclose(measures.prdc(real, fake, k=5)[:4], in_float64(real, fake, 5), rtol=1e-12)
    np.testing.assert_allclose(measures.improved(real, fake, k=5)[:2], in_float64(real, fake, 5, closed=True)[:2], rtol=1e-12)


def test_open_and_closed_balls_differ_where_a_fake_is_a_copy_of_the_kth_neighbour():
    real, fake = np.array([[0.0], [3.0], [10.0]]), np.array([[3.0], [30.0], [31.0]])
    assert measures.prdc(real, fake, k=1).coverage == 1 / 3  # 3 holds its copy, on the surface of the balls of 0 and 10
    fake = np.array([[-3.0], [-4.0]])  # -3 is as far from 0 as 3 is
    assert measures.prdc(real, fake, k=1).precision == 0
    assert measures.improved(real, fake, k=1).precision == 0.5


def test_improved_precision_and_recall_are_torch_fidelitys():
    real, fake = oracle_prc.inputs().values()
    reference = oracles.load("prc")
    for k in (3, 5):
        found = measures.improved(real, fake, k=k)
        np.testing.assert_allclose(
            [found.precision, found.recall], [reference[f"precision_{k}"], reference[f"recall_{k}"]], rtol=1e-6
        )
        assert 0 < found.recall != found.precision < 1


@pytest.mark.parametrize("k", [1, 5])
def test_of_one_distribution_the_coverage_tends_to_its_limit(k):
    """1 - 2^-k: of the 2 k nearest to a real, the first k are not all real."""
    draws = [GENERATOR.normal(size=(2, 400, 3)) for _ in range(4)]
    coverage, density = np.mean(
        [(found.coverage, found.density) for found in (measures.prdc(*draw, k=k) for draw in draws)], axis=0
    )
    error = 4 * np.sqrt(0.25 / 1600)
    assert coverage == pytest.approx(1 - 2.0**-k, abs=error)
    assert density == pytest.approx(1, abs=0.1)


def test_identical_sets_and_distant_ones():
    same, apart = measures.prdc(REAL, REAL), measures.prdc(REAL, REAL + 100)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert apart[:4] == (0, 0, 0, 0)


def test_a_lost_mode_lowers_recall_and_coverage_alone():
    real = np.concatenate([REAL, REAL + 20])
    found = measures.prdc(real, real[:150])
    assert (found.precision, found.recall, found.coverage) == (1, 0.5, 0.5)


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_order_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    assert measures.prdc(generator.permutation(REAL), generator.permutation(FAKE)) == measures.prdc(REAL, FAKE)


@pytest.mark.parametrize(("rows", "columns"), [(32, 64), (96, 4096)])
def test_the_size_of_the_blocks_does_not_matter(rows, columns, monkeypatch):
    expected = measures.prdc(REAL, FAKE)
    monkeypatch.setattr(blocks, "ROWS", rows)
    monkeypatch.setattr(blocks, "COLUMNS", columns)
    assert measures.prdc(REAL, FAKE) == expected


def test_four_devices_find_the_same():
    devices = jax.devices()
    assert len(devices) == 4
    assert measures.prdc(REAL, FAKE, devices=devices) == measures.prdc(REAL, FAKE)
    sharding = jax.sharding.NamedSharding(jax.make_mesh((2,), ("x",), devices=devices[:2]), jax.sharding.PartitionSpec("x"))
    spread = [jax.device_put(features.astype(np.float32), sharding) for features in (REAL, FAKE)]
    assert measures.prdc(*spread) == measures.prdc(*(features.astype(np.float32) for features in (REAL, FAKE)))


def test_the_progress_is_told_from_nothing_to_all():
    told = []
    measures.prdc(REAL, FAKE, progress=lambda done, total: told.append((done, total)))
    assert told == [(150, 430), (280, 430), (430, 430)]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"real: expected at least 6 samples, found 5"):
        measures.prdc(REAL[:5], FAKE)
    with pytest.raises(ValueError, match=r"fake: expected at least 4 samples, found 3"):
        measures.improved(REAL, FAKE[:3])
    with pytest.raises(ValueError, match=r"fake: expected 24 features per sample like the others, found 23"):
        measures.prdc(REAL, FAKE[:, 1:])
    with pytest.raises(ValueError, match=r"fake: 1 of 130 samples has a feature that is not finite, the first is number 2"):
        measures.prdc(REAL, np.where(np.arange(130)[:, None] == 2, np.nan, FAKE))
    with pytest.raises(ValueError, match="k must be at least 1, found 0"):
        measures.prdc(REAL, FAKE, k=0)
