"""Packs and the k best, against NumPy; and on four devices as on one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jgan import groups

SHAPES = st.sampled_from([(1,), (3,), (2, 3, 2)])


def numbered(n, shape):
    """Examples no two of whose numbers are equal."""
    return np.arange(n * np.prod(shape), dtype=np.float32).reshape(n, *shape)


@settings(max_examples=15)
@given(packs=st.integers(1, 3), m=st.integers(1, 3), shape=SHAPES)
def test_neighbours_lie_side_by_side_in_the_channels_and_come_back(packs, m, shape):
    x = numbered(packs * m, shape)
    found = groups.packed(x, m)
    np.testing.assert_array_equal(found, [np.concatenate(x[m * i : m * (i + 1)], axis=-1) for i in range(packs)])
    np.testing.assert_array_equal(groups.unpacked(found, m), x)


def test_gradients_reach_every_example_of_a_pack():
    x = jnp.asarray(numbered(4, (2, 3)))
    weights = jnp.asarray(numbered(2, (2, 6)))
    gradient = jax.grad(lambda x: jnp.sum(weights * groups.packed(x, 2)))(x)
    np.testing.assert_array_equal(groups.packed(gradient, 2), weights)


def test_a_batch_that_is_no_multiple_of_the_pack_is_an_error():
    with pytest.raises(ValueError, match="a multiple of the 3 examples of a pack, found 8"):
        groups.packed(jnp.zeros((8, 2)), 3)


# ------------------------------------------------------------------------------------------------------------- the k best


def by_numpy(values, logits, percent):
    """The mean over the k highest logits, k rounded up: in whole numbers, without the rounding of a float."""
    k = max(1, -(-percent * len(values) // 100))
    return values[np.argsort(-logits, kind="stable")[:k]].mean()


@jax.jit
def top_k(values, logits, share):
    return groups.top_k_mean(values, logits, share)


@given(n=st.sampled_from([1, 2, 7, 100]), percent=st.integers(1, 100), seed=st.integers(0, 99))
def test_the_mean_of_the_k_best(n, percent, seed):
    generator = np.random.default_rng(seed)
    values, logits = generator.normal(size=n).astype(np.float32), generator.permutation(n).astype(np.float32)
    found = top_k(values, logits, np.float32(percent / 100))
    np.testing.assert_allclose(found, by_numpy(values.astype(np.float64), logits, percent), rtol=1e-5, atol=1e-6)


def test_a_share_that_float32_cannot_hold_still_counts_whole_examples():
    """0.15 in float32 is above 0.15, and its product with 100 rounds to a number above 15."""
    for percent in range(1, 101):
        values = np.zeros(100, np.float32)
        values[:percent] = 1
        logits = -np.arange(100, dtype=np.float32)
        assert top_k(values, logits, np.float32(percent / 100)) == 1, percent
        if percent < 100:
            assert top_k(values, logits, np.float32((percent + 0.5) / 100)) < 1, percent


def test_equal_logits_count_alike():
    """Whoever is as good as the k-th counts: the half of four is here three."""
    values, logits = jnp.array([1.0, 2.0, 6.0, 100.0]), jnp.array([5.0, 3.0, 3.0, 0.0])
    assert groups.top_k_mean(values, logits, 0.5) == 3
    assert groups.top_k_mean(values, jnp.zeros(4), 0.25) == np.mean(values)


def test_one_example_counts_however_small_the_share_and_all_at_one():
    values, logits = jnp.array([1.0, 5.0, 3.0]), jnp.array([0.0, 2.0, 1.0])
    assert groups.top_k_mean(values, logits, 0.0) == 5
    assert groups.top_k_mean(values, logits, 1e-6) == 5
    assert groups.top_k_mean(values, logits, 1.0) == 3
    assert groups.top_k_mean(values, logits, 2.0) == 3


def test_the_choice_has_no_gradient_and_the_chosen_share_theirs():
    values, logits = jnp.array([1.0, 2.0, 4.0, 8.0]), jnp.array([3.0, 1.0, 2.0, 0.0])
    on_values, on_logits = jax.grad(groups.top_k_mean, argnums=(0, 1))(values, logits, 0.5)
    np.testing.assert_array_equal(on_values, [0.5, 0, 0.5, 0])
    np.testing.assert_array_equal(on_logits, 0)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7, 1.0])
@pytest.mark.slow
def test_four_devices_choose_among_the_whole_batch(share):
    """The best all lie on the last device; the mean over the devices of value and gradient is that of one device."""
    generator = np.random.default_rng(0)
    values, logits = generator.normal(size=12).astype(np.float32), np.arange(12, dtype=np.float32)

    @functools.partial(jax.pmap, axis_name="data")
    def spread(values, logits):
        value, gradient = jax.value_and_grad(groups.top_k_mean)(values, logits, jnp.float32(share), "data")
        return jax.lax.pmean(value, "data"), gradient

    found, gradient = spread(values.reshape(4, 3), logits.reshape(4, 3))
    expected, alone = jax.value_and_grad(groups.top_k_mean)(jnp.asarray(values), jnp.asarray(logits), jnp.float32(share))
    np.testing.assert_allclose(found, np.full(4, expected), rtol=1e-6)
    np.testing.assert_allclose(gradient.reshape(-1) / 4, alone, rtol=1e-6)  # the step takes the mean over the devices
