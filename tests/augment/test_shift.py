"""Shifts of whole batches: against NumPy's padding, with the offsets counted, and what they do to the gradient of a stride."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import augment

IMAGES = np.random.default_rng(0).random((2, 7, 9, 3)).astype(np.float32)


def offsets(images, found, below):
    """The offsets down and to the right that give what was found."""
    _, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (below - 1, 0), (below - 1, 0), (0, 0)), mode="reflect")
    return [
        (down, right)
        for down in range(below)
        for right in range(below)
        if np.array_equal(padded[:, below - 1 - down :, below - 1 - right :][:, :height, :width], found)
    ]


def test_each_shift_comes_equally_often():
    shifted = jax.jit(lambda key: augment.shifted(key, IMAGES, 3))
    counts = np.zeros((3, 3))
    for key in jax.random.split(jax.random.key(0), 450):
        ((down, right),) = offsets(IMAGES, shifted(key), 3)
        counts[down, right] += 1
    assert ((counts - 50) ** 2 / 50).sum() < 26.1  # the 99.9 % point of chi squared with 8 degrees of freedom


def test_equal_keys_give_equal_shifts_in_batches_of_all_sizes():
    for key in jax.random.split(jax.random.key(1), 20):
        np.testing.assert_array_equal(augment.shifted(key, IMAGES, 4)[:1], augment.shifted(key, IMAGES[:1], 4))


def test_below_one_pixel_is_no_shift():
    np.testing.assert_array_equal(augment.shifted(jax.random.key(0), IMAGES, 1), IMAGES)


def test_the_mean_gradient_of_a_stride_is_flat():
    """A loss that reads every fourth pixel has a gradient on these alone; over random shifts, a sixteenth on each."""

    def loss(images, key):
        return augment.shifted(key, images, 4)[:, ::4, ::4].sum()

    keys = jax.random.split(jax.random.key(0), 4000)
    each = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(jnp.zeros((1, 16, 16, 1)), keys)
    inside = np.asarray(each).mean(0)[0, 4:12, 4:12, 0]  # away from the reflections
    assert np.abs(inside - 1 / 16).max() < 4 * np.sqrt(1 / 16 * 15 / 16 / len(keys))


def test_it_is_an_augmentation_of_a_game():
    augmentation, key = augment.shift(3), jax.random.key(5)
    assert augmentation.init() == augmentation.update((), None, None) == ()
    np.testing.assert_array_equal(augmentation.apply(key, (), IMAGES, None), augment.shifted(key, IMAGES, 3))


@pytest.mark.parametrize(
    ("shape", "below", "message"),
    [
        ((2, 7, 9), 2, r"images must have the shape \[B, height, width, channels\], found \(2, 7, 9\)"),
        ((2, 7, 9, 3), 0, r"below must be from 1 to the sides of the images, \(7, 9\), found 0"),
        ((2, 7, 9, 3), 8, r"below must be from 1 to the sides of the images, \(7, 9\), found 8"),
    ],
)
def test_what_cannot_be_shifted_is_refused(shape, below, message):
    with pytest.raises(ValueError, match=message):
        augment.shifted(jax.random.key(0), jnp.zeros(shape), below)
