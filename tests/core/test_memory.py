"""What a game remembers of its batches is equal on all devices, and that of one device: an image pool."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import Batch, collectives, games, losses, networks, parallel, rng, steps, terms

KEY, B, STEPS, POOL = jax.random.key(3), 8, 3, 6
GENERATOR = networks.from_module(networks.PointGenerator(2, (4,)), (3,))
CRITIC = networks.from_module(networks.PointDiscriminator((4,)), (2,))
OPTIMIZERS = steps.Optimizers(optax.sgd(0.3), optax.sgd(0.3))


def latents(key, n, axis_name=None):
    return rng.latents(key, n, 3, axis_name=axis_name)


def pool(gather):
    """CycleGAN's pool: after each update some old fakes, chosen at random, are replaced; D is to call them fakes too."""

    def update(view):
        fakes = gather(view.fake, view.axis_name)
        places = jax.random.choice(view.key, POOL, (4,), replace=False)
        return view.memory.at[places].set(fakes[jnp.array([0, 2, 5, 7])])

    def value(view):
        return jnp.mean(jax.nn.softplus(view.discriminate(view.memory)[0]))

    return terms.Term("pool", value, discriminator=0.5, init=lambda: jnp.zeros((POOL, 2)), update=update)


def game_of(gather):
    return games.Adversarial(GENERATOR, CRITIC, latents, losses.non_saturating, terms=(pool(gather),))


def local(tree, axis_name):
    """What breaks the contract: the device's own fakes, as many times as there are devices."""
    if axis_name is None:
        return tree
    return jax.tree.map(lambda leaf: jnp.concatenate([leaf] * jax.lax.psum(1, axis_name)), tree)


@functools.cache
def batches():
    return [Batch(jnp.asarray(x)) for x in np.random.default_rng(0).normal(1.0, 1.0, (STEPS, B, 2)).astype(np.float32)]


def run(step, game):
    state = steps.init_state(KEY, GENERATOR, CRITIC, OPTIMIZERS, game)
    for batch in batches():
        state, _ = step(KEY, state, batch)
    return jax.device_get(state)


def memories_of_the_devices(game):
    """`[devices, ...]`: every device's own memory after a step, which `parallel.pmap` would reduce to that of the first."""
    step = steps.alternating(game, OPTIMIZERS).step
    state = steps.init_state(KEY, GENERATOR, CRITIC, OPTIMIZERS, game)
    shares = jax.tree.map(lambda leaf: leaf.reshape(4, B // 4, 2), batches()[0])
    mapped = jax.pmap(lambda s, b: step(KEY, s, b, axis_name="data")[0].memory, axis_name="data", in_axes=(None, 0))
    return mapped(state, shares)


def assert_equal_on_all_devices(memories):
    for leaf in jax.tree.leaves(memories):
        np.testing.assert_array_equal(leaf, np.broadcast_to(leaf[:1], leaf.shape))


@functools.cache
def compiled():
    return jax.jit(steps.alternating(game_of(collectives.gather), OPTIMIZERS).step)


@functools.cache
def on_one_device():
    return run(compiled(), game_of(collectives.gather))


def test_the_pool_holds_fakes_of_the_whole_batch():
    """After a step, four places hold the fakes 0, 2, 5 and 7 of the global batch."""
    game = game_of(collectives.gather)
    state = steps.init_state(KEY, GENERATOR, CRITIC, OPTIMIZERS, game)
    fakes, _ = game.fakes(rng.step_key(KEY, state.step), state.generator.params, state, batches()[0], None)
    after, _ = compiled()(KEY, state, batches()[0])
    held = np.asarray(after.memory.terms[0])
    for index in (0, 2, 5, 7):
        assert np.isclose(held, np.asarray(fakes.x)[index], atol=1e-6).all(axis=1).sum() == 1
    assert (held == 0).all(axis=1).sum() == POOL - 4


@pytest.mark.parametrize("mode", ["pmap", pytest.param("shard", marks=pytest.mark.slow)])
def test_the_pool_of_four_devices_is_that_of_one(mode):
    game = game_of(collectives.gather)
    found = run(getattr(parallel, mode)(steps.alternating(game, OPTIMIZERS).step), game)
    expected = on_one_device()
    assert np.abs(expected.memory.terms[0]).min() > 0  # every place has been filled
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, expected)


def test_the_memory_is_equal_on_all_devices():
    assert_equal_on_all_devices(memories_of_the_devices(game_of(collectives.gather)))


def test_a_memory_of_a_devices_own_share_breaks_the_contract():
    with pytest.raises(AssertionError):
        assert_equal_on_all_devices(memories_of_the_devices(game_of(local)))


# ---------------------------------------------------------------------------------------------------------- collectives


def test_a_mean_over_devices_keeps_the_type_of_every_leaf():
    """Integers and keys among a network's variables (counters, random streams) are equal on all devices, and remain so."""

    def on_device(x):
        tree = {"x": x, "count": jnp.int32(7), "flag": jnp.array(True), "key": jax.random.key(1)}
        found = collectives.mean(tree, "data")
        return found | {"key": jax.random.key_data(found["key"])}

    found = jax.pmap(on_device, axis_name="data")(jnp.arange(4.0))
    np.testing.assert_array_equal(found["x"], np.full(4, 1.5, np.float32))
    np.testing.assert_array_equal(found["count"], np.full(4, 7, np.int32), strict=True)
    np.testing.assert_array_equal(found["flag"], np.full(4, True), strict=True)
    np.testing.assert_array_equal(found["key"][3], jax.random.key_data(jax.random.key(1)))


def test_a_gather_puts_the_shares_of_the_devices_in_their_order():
    found = jax.pmap(lambda tree: collectives.gather(tree, "data"), axis_name="data")({"x": jnp.arange(24).reshape(4, 2, 3)})
    np.testing.assert_array_equal(found["x"], np.broadcast_to(np.arange(24).reshape(8, 3), (4, 8, 3)))
    tree = {"x": np.ones(2)}
    assert collectives.gather(tree, None) is tree
    assert collectives.mean(tree, None) is tree
