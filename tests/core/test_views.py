"""Random views: each change against NumPy and Pillow, pairs that stay pairs, and steps that see the same views."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan import Batch, GANState, parallel, views
from jgan.steps import Steps

KEY = jax.random.key(0)
KEYS = jax.random.split(KEY, 400)


def numbered(height, width, channels=1):
    """An image whose pixels are all different: what became of each can be read off."""
    return jnp.arange(height * width * channels, dtype=jnp.float32).reshape(height, width, channels)


def outcomes(change, *images):
    """What a change makes of the same images with many keys, as NumPy arrays, a list for each image."""
    return [np.asarray(found) for found in jax.jit(jax.vmap(change, in_axes=(0, None)))(KEYS, images)]


# ---------------------------------------------------------------------------------------------------------- the changes


def test_a_crop_is_a_window_and_all_windows_are_equally_likely():
    image = numbered(4, 6, 2)
    (found,) = outcomes(views.crop(3), image)
    windows = [np.asarray(image[top : top + 3, left : left + 3]) for top in range(2) for left in range(4)]
    counts = [sum(np.array_equal(crop, window) for crop in found) for window in windows]
    assert sum(counts) == len(KEYS)
    assert min(counts) > 25  # of 50 expected: 5 standard deviations are 33


def test_a_pair_of_two_sizes_is_cropped_at_the_same_place():
    small = numbered(5, 4)
    large = jnp.repeat(jnp.repeat(small, 4, axis=0), 4, axis=1)
    x, c = outcomes(views.crop(8, 4), large, small)
    assert x.shape[1:] == (8, 8, 1)
    np.testing.assert_array_equal(x[:, ::4, ::4], c)
    np.testing.assert_array_equal(x[:, 3::4, 3::4], c)
    assert len({crop.tobytes() for crop in c}) == 4 * 3


def test_a_flip_mirrors_half_of_the_examples_and_both_images_of_each():
    image = numbered(3, 5)
    x, c = outcomes(views.flip(), image, 2 * image)
    flipped = np.array([np.array_equal(one, image[:, ::-1]) for one in x])
    assert all(np.array_equal(one, image) for one in x[~flipped])
    assert 150 < flipped.sum() < 250  # 5 standard deviations of 10
    np.testing.assert_array_equal(c, 2 * x)


def test_quarter_turns_are_all_four_equally_likely():
    image = numbered(3, 3)
    x, c = outcomes(views.quarter_turns(), image, 2 * image)
    counts = [sum(np.array_equal(one, np.rot90(image, k)) for one in x) for k in range(4)]
    assert sum(counts) == len(KEYS)
    assert min(counts) > 57  # of 100 expected, 5 standard deviations of 8.7
    np.testing.assert_array_equal(c, 2 * x)


def test_jitter_is_a_window_of_pillows_enlarged_image():
    image = np.random.default_rng(0).uniform(0.3, 0.7, (8, 12)).astype(np.float32)
    enlarged = np.asarray(Image.fromarray(image).resize((15, 10), Image.Resampling.BICUBIC))  # 1.25 times as large
    x, c = outcomes(views.jitter(1.25), jnp.asarray(image)[..., None], 1 - jnp.asarray(image)[..., None])
    windows = np.stack([enlarged[top : top + 8, left : left + 12] for top in range(3) for left in range(4)])
    nearest = np.abs(x[:, None, ..., 0] - windows).max(axis=(2, 3))
    assert nearest.min(axis=1).max() < 1e-6
    assert set(nearest.argmin(axis=1)) == set(range(12))
    np.testing.assert_allclose(c, 1 - x, atol=1e-6)


def test_jitter_keeps_the_range_of_images_and_the_authors_size():
    edge = jnp.zeros((16, 16, 1)).at[:, 8:].set(1.0)
    (found,) = outcomes(views.jitter(1.5), edge)
    assert found.min() == 0
    assert found.max() == 1
    assert round(286 / 256 * 256) == 286


@pytest.mark.parametrize(
    ("change", "shapes", "message"),
    [
        (views.crop(8), [(7, 9, 1)], "expected images of at least 8x8 pixels, found 7x9"),
        (views.crop(8, 4), [(16, 16, 1), (4, 5, 1)], "1/4 as large as x, 16x16, found 4x5"),
        (views.jitter(1.1), [(8, 8, 1), (4, 4, 1)], "1/1 as large as x, 8x8, found 4x4"),
        (views.quarter_turns(), [(8, 9, 1)], "quarter turns need square images, found 8x9"),
    ],
)
def test_images_that_do_not_fit_are_errors(change, shapes, message):
    with pytest.raises(ValueError, match=message):
        change(KEY, tuple(map(jnp.zeros, shapes)))


def test_options_out_of_range_are_errors():
    with pytest.raises(ValueError, match="multiple of the scale, found 10 and 4"):
        views.crop(10, 4)
    with pytest.raises(ValueError, match=r"must enlarge the images, found the ratio 0\.5"):
        views.jitter(0.5)


# ------------------------------------------------------------------------------------------------------------ the views

VIEW = views.of_images(views.jitter(1.5), views.crop(4), views.flip(), views.quarter_turns())


def images(*leading, seed=0):
    return jax.random.uniform(jax.random.key(seed), (*leading, 6, 6, 1))


def test_a_pair_is_changed_alike_and_everything_else_stays():
    x, tokens, labels = images(8), jnp.arange(16).reshape(8, 2), jnp.arange(8)
    seen = VIEW(KEY, Batch(x, labels, {"source": 1 - x, "tokens": tokens}))
    np.testing.assert_allclose(seen.c["source"], 1 - seen.x, atol=1e-6)
    np.testing.assert_array_equal(seen.y, labels)
    np.testing.assert_array_equal(seen.c["tokens"], tokens)
    same = VIEW(KEY, Batch(jnp.broadcast_to(x[:1], x.shape))).x
    assert len({one.tobytes() for one in np.asarray(same)}) > 4  # each example has a view of its own


def test_unpaired_sets_are_changed_independently():
    x = images(8)
    seen = VIEW(KEY, {"a": Batch(x), "b": Batch(x)})
    differ = [not np.array_equal(a, b) for a, b in zip(seen["a"].x, seen["b"].x, strict=True)]
    assert sum(differ) > 4


# ------------------------------------------------------------------------------------------------------------ the steps


def reporting(key, state, batch, *, axis_name=None):
    """A step whose metrics are the batch that it was given, all devices' shares of it."""
    gathered = batch if axis_name is None else jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, axis_name, tiled=True), batch)
    return state, gathered


def state_at(step):
    return GANState(jnp.int32(step), jnp.zeros(()), jnp.zeros(()))


MADE = views.viewed(Steps(reporting, reporting, reporting), VIEW)


def test_all_updates_of_a_step_see_one_view_and_each_step_another():
    batch = Batch(images(8), c=images(8))
    _, seen = MADE.step(KEY, state_at(3), batch)
    for step in (MADE.g_step, MADE.d_step):
        np.testing.assert_array_equal(step(KEY, state_at(3), batch)[1].x, seen.x)
    assert not np.array_equal(MADE.step(KEY, state_at(4), batch)[1].x, seen.x)
    assert not np.array_equal(MADE.step(jax.random.key(1), state_at(3), batch)[1].x, seen.x)


def test_several_minibatches_of_a_step_have_the_views_of_its_updates():
    made = views.viewed(Steps(reporting, reporting, reporting), VIEW, n_critic=3)
    batch = Batch(jnp.broadcast_to(images(8), (3, 8, 6, 6, 1)))
    _, seen = made.step(KEY, state_at(5), batch)
    roots = [jax.random.fold_in(KEY, 2**31), jax.random.fold_in(KEY, 2**31 + 1), KEY]  # those of steps.alternating
    for index, root in enumerate(roots):
        np.testing.assert_array_equal(made.d_step(root, state_at(5), Batch(batch.x[index]))[1].x, seen.x[index])
    assert not np.array_equal(seen.x[0], seen.x[1])
    with pytest.raises(ValueError, match="leading axis of length n_critic = 3"):
        made.step(KEY, state_at(5), Batch(batch.x[:2]))


@pytest.mark.parametrize("sets", [False, True])
@pytest.mark.slow
def test_the_views_do_not_depend_on_the_number_of_devices(sets):
    pair = Batch(images(8), c=images(8, seed=1))
    batch = {"a": pair, "b": pair} if sets else pair
    _, alone = jax.jit(MADE.step)(KEY, state_at(2), batch)
    _, mapped = parallel.pmap(MADE.step, jax.devices()[:4])(KEY, state_at(2), batch)
    _, sharded = parallel.shard(MADE.step, jax.devices()[:4])(KEY, state_at(2), batch)
    for found in (mapped, sharded):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, alone)
