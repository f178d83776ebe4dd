"""Data on the device: each epoch's order is a permutation, a new one, uniform, and the same however the batch is spread."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jgan import Batch
from jgan.data import order, resident
from jgan.types import GANState

KEY = jax.random.key(7)


@functools.cache
def permute(n: int):
    return jax.jit(lambda key: order.shuffled(key, jnp.arange(n), n))


@given(n=st.one_of(st.integers(1, 40), st.integers(41, 5000)), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)  # each n is compiled anew
def test_shuffled_is_a_bijection(n, seed):
    found = np.asarray(permute(n)(jax.random.key(seed)))
    assert found.dtype == np.int32
    assert np.sort(found).tolist() == list(range(n))


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257])
def test_shuffled_is_a_bijection_at_the_powers_of_its_domain(n):
    for seed in range(5):
        assert np.sort(permute(n)(jax.random.key(seed))).tolist() == list(range(n))


def test_shuffled_is_a_bijection_of_the_papers_training_set():
    found = np.asarray(permute(50_000)(KEY))
    np.testing.assert_array_equal(np.sort(found), np.arange(50_000))


def test_shuffled_is_evaluated_at_any_places_alone():
    whole = np.asarray(permute(1000)(KEY))
    places = jnp.array([[3, 999], [0, 512]])
    np.testing.assert_array_equal(order.shuffled(KEY, places, 1000), whole[np.asarray(places)])


@pytest.mark.parametrize("n", [2**30, 2**30 - 1, 2**29 + 1])
def test_shuffled_holds_for_the_largest_sets(n):
    places = jnp.concatenate([jnp.arange(500), n - 1 - jnp.arange(500)])
    found = np.asarray(order.shuffled(KEY, places, n))
    assert len(np.unique(found)) == 1000
    assert 0 <= found.min() < n // 2 < found.max() < n


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 13, 33])
def test_where_a_place_goes_is_uniform(n):
    draws = 200 * n
    keys = jax.random.split(jax.random.key(n), draws)
    found = np.asarray(jax.jit(jax.vmap(lambda key: order.shuffled(key, jnp.arange(n), n)))(keys))
    for place in range(n):
        assert stats.chisquare(np.bincount(found[:, place], minlength=n)).pvalue > 1e-4, place


@pytest.mark.parametrize("n", [5, 9, 16])
def test_where_two_places_go_together_is_uniform_too(n):
    keys = jax.random.split(jax.random.key(n), 100 * n * (n - 1))
    found = np.asarray(jax.jit(jax.vmap(lambda key: order.shuffled(key, jnp.array([0, 1]), n)))(keys))
    counts = np.bincount(found[:, 0] * n + found[:, 1], minlength=n * n).reshape(n, n)
    assert not counts.diagonal().any()
    assert stats.chisquare(counts[~np.eye(n, dtype=bool)]).pvalue > 1e-4


# ---------------------------------------------------------------------------------------------------------------- epochs


@functools.cache
def batches(n: int, batch_size: int):
    return jax.jit(jax.vmap(lambda key, step: order.batch_indices(key, step, n, batch_size), in_axes=(None, 0)))


def epoch(key: jax.Array, number: int, n: int, batch_size: int) -> np.ndarray:
    length = n // batch_size
    return np.asarray(batches(n, batch_size)(key, number * length + jnp.arange(length))).ravel()


@pytest.mark.parametrize(("n", "batch_size"), [(60, 10), (60, 60), (61, 10), (7, 3), (5, 1)])
def test_an_epoch_meets_every_example_once_but_for_what_fills_no_batch(n, batch_size):
    for number in range(3):
        found = epoch(KEY, number, n, batch_size)
        assert len(found) == n // batch_size * batch_size
        assert len(np.unique(found)) == len(found)
        assert 0 <= found.min() <= found.max() < n


def test_what_fills_no_batch_is_another_part_in_each_epoch():
    left = [set(range(25)) - set(epoch(KEY, number, 25, 10).tolist()) for number in range(12)]
    assert set.union(*left) == set(range(25))


def test_orders_differ_between_epochs_and_between_keys():
    orders = [epoch(key, number, 100, 10) for key in (KEY, jax.random.key(8)) for number in range(4)]
    agreeing = [np.mean(one == other) for place, one in enumerate(orders) for other in orders[:place]]
    assert max(agreeing) < 0.1  # a hundredth is expected


def test_the_order_is_told_by_the_key_and_the_step_alone():
    np.testing.assert_array_equal(epoch(KEY, 2, 100, 10), epoch(jax.random.key(7), 2, 100, 10))


def test_the_order_does_not_draw_on_the_steps_own_stream():
    """A step folds its count into the run's key; the data's stream must be none of these."""
    orders = {tuple(np.asarray(permute(20)(jax.random.fold_in(KEY, step))).tolist()) for step in range(200)}
    assert tuple(epoch(KEY, 0, 20, 20).tolist()) not in orders


@pytest.mark.parametrize(("n", "batch_size"), [(64, 16), (65, 8), (50, 4)])
def test_on_four_devices_each_gets_its_part_of_the_batch_that_one_would_get(n, batch_size):
    devices = jax.devices()[:4]
    assert len(devices) == 4
    shares = jax.pmap(lambda step: order.batch_indices(KEY, step, n, batch_size, "data"), axis_name="data", devices=devices)
    whole = jax.jit(lambda step: order.batch_indices(KEY, step, n, batch_size))  # the very function, not `batches`
    for step in (0, 1, n // batch_size - 1, n // batch_size, 37):
        found = np.asarray(shares(jnp.full(4, step)))
        assert found.shape == (4, batch_size // 4)
        np.testing.assert_array_equal(found.ravel(), whole(step))


def test_a_batch_larger_than_the_set_is_told():
    with pytest.raises(ValueError, match="must not be larger than the set, found a batch of 9 from 8 examples"):
        order.batch_indices(KEY, 0, 8, 9)


def test_a_batch_that_the_devices_cannot_share_is_told():
    with pytest.raises(ValueError, match="multiple of the number of devices, found a batch of 6 on 4 devices"):
        jax.pmap(lambda step: order.batch_indices(KEY, step, 8, 6, "data"), axis_name="data")(jnp.zeros(4, jnp.int32))


# ------------------------------------------------------------------------------------------------------- cutting batches


def test_cut_divides_every_grey_level_as_numpy_does():
    levels = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    indices = np.random.default_rng(0).permutation(256)
    found = jax.jit(resident.cut)(Batch(jnp.asarray(levels), jnp.arange(256)), jnp.asarray(indices))
    assert found.x.dtype == jnp.float32
    np.testing.assert_array_almost_equal_nulp(np.asarray(found.x), levels[indices].astype(np.float32) / np.float32(255), nulp=1)
    np.testing.assert_array_equal(found.y, indices)
    assert (found.x.min(), found.x.max()) == (0, 1)


def test_cut_leaves_floats_and_missing_labels_as_they_are():
    x = np.random.default_rng(0).random((9, 2, 3, 1)).astype(np.float32)
    found = resident.cut(Batch(jnp.asarray(x)), jnp.array([[8, 0], [3, 3]]))
    np.testing.assert_array_equal(found.x, x[[[8, 0], [3, 3]]])
    assert found.y is None


@pytest.mark.parametrize("n_critic", [1, 3])
def test_a_resident_step_gets_the_batches_of_its_count(n_critic):
    data = Batch(jnp.arange(24, dtype=jnp.uint8)[:, None, None, None], jnp.arange(24))
    seen = lambda key, state, batch, *, axis_name=None: (state, batch)  # noqa: E731
    step = jax.jit(resident.on_resident_data(seen, 4, n_critic))
    for number in (0, 1, 5):
        _, batch = step(KEY, GANState(jnp.int32(number), None, None), data)
        expected = np.asarray(batches(24, 4)(KEY, number * n_critic + jnp.arange(n_critic)))
        np.testing.assert_array_equal(batch.y, expected[0] if n_critic == 1 else expected)
        np.testing.assert_allclose(batch.x[..., 0, 0, 0], batch.y / 255, rtol=1e-6)
