"""The toy sets: where the modes are, how the points lie round them, and that points go where images go."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from jgan import Batch, data
from jgan.data import dataset, division, resident, toys

NAMES = ("ring8", "grid25", "gaussian1d")


@functools.cache
def loaded(name):
    return data.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_toy_set_is_points_and_their_modes(name):
    found, (modes, d) = loaded(name), toys.centres(name).shape
    assert found.name == name
    assert found.truth is toys.MIXTURES[name]
    assert [len(part.x) for part in found.parts.values()] == [50_000, 5_000, 5_000]
    for part in found.parts.values():
        assert (part.x.dtype, part.x.shape[1:], part.y.dtype) == (np.float32, (d,), np.int32)
        assert part.y.shape == part.x.shape[:1]
        assert set(part.y.tolist()) == set(range(modes))


def test_the_ring_has_eight_different_modes_at_equal_angles_on_the_unit_circle():
    centres = toys.centres("ring8")
    turned = np.exp(1j * math.pi / 4) * (centres @ [1, 1j])  # the ring turned by an eighth is the ring
    np.testing.assert_allclose(turned, np.roll(centres @ [1, 1j], -1), atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1)
    np.testing.assert_allclose(centres[0], [1, 0], atol=1e-15)
    assert np.linalg.norm(centres[:, None] - centres, axis=-1)[~np.eye(8, dtype=bool)].min() > 0.7
    assert toys.std("ring8") == 0.01


def test_the_grid_is_every_pair_of_its_numbers_once():
    numbers = {-4.0, -2.0, 0.0, 2.0, 4.0}
    assert sorted(map(tuple, toys.centres("grid25").tolist())) == sorted((a, b) for a in numbers for b in numbers)
    assert toys.std("grid25") == 0.05


@pytest.mark.parametrize("name", NAMES)
def test_points_are_gaussian_round_the_mode_of_their_label_and_modes_equally_likely(name):
    x, y, _ = loaded(name).train
    centres = toys.centres(name)
    standard = (x - centres[y]) / toys.std(name)  # float32 leaves five digits of the ring's
    for column in standard.T:
        assert stats.kstest(column, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(standard.T, rowvar=True) - np.eye(x.shape[1])).max() < 4 / math.sqrt(len(x))
    counts = np.bincount(y, minlength=len(centres))
    assert len(centres) == 1 or stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_points_follow_from_their_seed_and_the_sets_share_none(name):
    first, again, other = (toys.make(name, 100, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.isin(first.x, other.x).any()
    parts = [part.x[:, 0].astype(np.float64) for part in loaded(name).parts.values()]
    assert len(np.intersect1d(parts[0][:100], np.concatenate(parts[1:]))) <= 2  # a float32 may fall twice by chance
    np.testing.assert_array_equal(toys.load(name).test.x, loaded(name).test.x)
    assert (toys.load(name, seed=1).test.x != loaded(name).test.x).any()


def test_the_density_of_the_line_is_scipys():
    x = np.linspace(-2, 10, 101)
    np.testing.assert_allclose(toys.density("gaussian1d", x[:, None]), stats.norm.pdf(x, 4, 0.5), rtol=1e-12)


@pytest.mark.parametrize(("name", "mode"), [("ring8", 3), ("grid25", 7), ("grid25", 24)])
def test_the_density_of_a_mixture_is_the_mean_of_its_modes_and_holds_an_equal_share_near_each(name, mode):
    centres, std = toys.centres(name), toys.std(name)
    points = np.concatenate([centres + std, centres[:1], np.zeros((1, 2))])
    scipys = [stats.multivariate_normal(centre, std**2 * np.eye(2)).pdf(points) for centre in centres]
    np.testing.assert_allclose(toys.density(name, points[:, None])[:, 0], np.mean(scipys, axis=0), rtol=1e-12)
    (x, y), far = centres[mode], 8 * std
    mass, _ = integrate.dblquad(lambda b, a: toys.density(name, [a, b]), x - far, x + far, y - far, y + far, epsabs=1e-6)
    assert mass == pytest.approx(1 / len(centres), abs=1e-6)


def test_centres_may_be_changed_by_who_asked_for_them():
    toys.centres("ring8")[:] = 0
    assert toys.centres("ring8")[0, 0] == 1


def test_points_of_another_dimension_have_no_density():
    with pytest.raises(ValueError, match=r"expected points \[..., 2\] of ring8, found \(5, 3\)"):
        toys.density("ring8", np.zeros((5, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_for_a_toy_set_is_told(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} is synthetic and reads no files, found the data folder {tmp_path}: leave it"):
        data.load(name, tmp_path)


@pytest.mark.parametrize("ask", [toys.centres, toys.std, toys.load, lambda name: toys.make(name, 1, seed=0)])
def test_an_unknown_toy_set_is_told(ask):
    with pytest.raises(ValueError, match="unknown toy set 'ring9': known are ring8, grid25, gaussian1d"):
        ask("ring9")


# ------------------------------------------------------------------------------------------------- points where images go


@pytest.mark.parametrize("name", NAMES)
def test_the_spec_of_points_is_their_dimension_and_mean(name):
    found, centres = data.spec(loaded(name), batch_size=512), toys.centres(name)
    assert found.shape == (centres.shape[1],)
    assert found.n_classes == len(centres)
    assert found.one.x.kind == "points"
    assert found.steps_per_epoch == 50_000 // 512
    deviation = np.sqrt(centres.var(axis=0) + toys.std(name) ** 2)
    np.testing.assert_array_less(abs(found.mean - centres.mean(axis=0)), 4 * deviation / math.sqrt(50_000))


def test_points_are_cut_and_held_out_like_images():
    batch = division.take(loaded("grid25").train, slice(60))
    indices = jnp.array([[5, 0], [59, 5]])
    found = jax.jit(resident.cut)(jax.tree.map(jnp.asarray, batch), indices)
    np.testing.assert_array_equal(found.x, batch.x[indices])
    np.testing.assert_array_equal(found.y, batch.y[indices])
    rest, held = division.hold_out(Batch(batch.x), every=6)
    assert (rest.x.shape, held.x.shape) == ((50, 2), (10, 2))
    with pytest.raises(ValueError, match="found 2 with labels in train and 1 with labels in test"):
        dataset.complete("mixed", {"train": batch, "test": loaded("gaussian1d").test})
