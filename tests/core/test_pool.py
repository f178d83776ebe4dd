"""The image pool against a loop in Python, on one device and on four."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import pool

KEY = jax.random.key(3)
exchange = jax.jit(pool.exchange)


def by_loop(key, held, size, images):
    """The published procedure, image by image, with the same random numbers."""
    held, shown = list(held), []
    for image, own_key in zip(images, jax.random.split(key, len(images)), strict=True):
        swap_key, place_key = jax.random.split(own_key)
        if len(held) < size:
            held.append(image)
            shown.append(image)
        elif jax.random.bernoulli(swap_key):
            place = int(jax.random.randint(place_key, (), 0, size))
            shown.append(held[place])
            held[place] = image
        else:
            shown.append(image)
    return held, shown


def test_it_is_the_published_procedure():
    state, held = pool.init(5, (2,)), []
    for batch in range(6):
        key = jax.random.fold_in(KEY, batch)
        images = jnp.arange(batch * 8.0, batch * 8 + 8).reshape(4, 2)
        held, expected = by_loop(key, held, 5, np.asarray(images))
        shown, state = exchange(key, state, images)
        np.testing.assert_array_equal(shown, np.stack(expected))
        np.testing.assert_array_equal(state.images[: len(held)], np.stack(held))
        assert state.count == len(held)


def test_half_of_the_images_come_from_a_full_pool():
    """4,000 draws: the share is 1/2 to five standard deviations, and every place is used."""
    state = pool.Pool(-1 - jnp.arange(10.0), jnp.asarray(10, jnp.int32))
    shown, state = exchange(KEY, state, jnp.arange(4000.0))
    earlier = np.mean(np.asarray(shown) != np.arange(4000))
    assert abs(earlier - 0.5) < 5 * 0.5 / np.sqrt(4000)
    assert len(set(np.asarray(state.images))) == 10
    assert (np.asarray(state.images) > 0).all()


def test_a_pool_of_size_zero_returns_the_new_images():
    images = jnp.ones((3, 2))
    shown, state = pool.exchange(KEY, pool.init(0, (2,)), images)
    np.testing.assert_array_equal(shown, images)
    assert state == ()
    with pytest.raises(ValueError, match="must be at least 0, found -1"):
        pool.init(-1, (2,))


def test_no_gradient_flows_through_the_pool():
    full = pool.Pool(jnp.ones((2, 1)), jnp.asarray(2, jnp.int32))
    gradient = jax.grad(lambda images: jnp.sum(pool.exchange(KEY, full, images)[0]))(jnp.ones((4, 1)))
    np.testing.assert_array_equal(gradient, 0)


def test_four_devices_hold_the_pool_of_the_whole_batch():
    images = jnp.arange(16.0).reshape(8, 2)
    full = pool.Pool(-jnp.ones((3, 2)) - jnp.arange(3.0)[:, None], jnp.asarray(3, jnp.int32))
    expected, after = exchange(KEY, full, images)
    spread = jax.pmap(lambda state, share: pool.exchange(KEY, state, share, "data"), axis_name="data", in_axes=(None, 0))
    shown, states = spread(full, images.reshape(4, 2, 2))
    np.testing.assert_array_equal(shown.reshape(8, 2), expected)
    for device in range(4):
        np.testing.assert_array_equal(states.images[device], after.images)
        assert states.count[device] == 3
