"""Everything that may be added to a game, composed: one device or four, one step or many, one seed or several."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import Batch, games, losses, networks, parallel, penalties, rng, steps, terms
from jgan.augment import instance_noise

KEY, B, STEPS = jax.random.key(3), 16, 4


def noisy(key, x, axis_name=None):
    """An augmentation for the consistency penalty: each example's noise from its own key."""
    keys = rng.example_keys(key, len(x), axis_name)
    return x + 0.1 * jax.vmap(lambda key: jax.random.normal(key, x.shape[1:]))(keys)


GAMES = {
    "penalties": {
        "loss": losses.relativistic_average,
        "penalties": (penalties.gradient_penalty(0.3), penalties.dragan(0.2), penalties.lecam(0.1, decay=0.5)),
        "augment": instance_noise(0.2),
    },
    "groups": {
        "loss": losses.relativistic,
        "penalties": (
            penalties.lazily(penalties.r1_r2(0.3), 2),
            penalties.consistency(noisy, real_weight=0.3, fake_weight=0.3),
        ),
        "augment": instance_noise(0.2),
        "pack": 2,
        "top_k": optax.linear_schedule(1.0, 0.4, STEPS),
        "terms": (terms.feature_matching(0.3),),
    },
}


@functools.cache
def made(name):
    """`(init, step)`: a game on points of the plane."""
    options = dict(GAMES[name])
    loss, pack = options.pop("loss"), options.get("pack", 1)
    generator = networks.from_module(networks.PointGenerator(2, (8,)), (3,))
    critic = networks.from_module(networks.PointDiscriminator((8,), features="terms" in options), (2 * pack,))
    latents = functools.partial(rng.latents, size=3)
    game = games.Adversarial(
        generator, critic, lambda key, n, axis_name=None: latents(key, n, axis_name=axis_name), loss, **options
    )
    optimizers = steps.Optimizers(optax.sgd(0.3), optax.sgd(0.3))
    step = steps.alternating(game, optimizers).step
    return jax.jit(lambda key: steps.init_state(key, generator, critic, optimizers, game)), step


def batches():
    return [Batch(jnp.asarray(x)) for x in np.random.default_rng(0).normal(1.0, 1.0, (STEPS, B, 2)).astype(np.float32)]


def play(step, state, inputs, key=KEY):
    history = []
    for data in inputs:
        state, metrics = step(key, state, data)
        history.append(metrics)
    return jax.device_get((state, jax.tree.map(lambda *values: np.stack(values), *history)))


@functools.cache
def the_run(name):
    init, step = made(name)
    return play(parallel.jit(step), init(KEY), batches())


assert_same_run = functools.partial(chex.assert_trees_all_close, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", GAMES)
def test_the_run_is_a_run(name):
    """What is compared below moves, the memory too; but the last bias of a critic of whose logits only differences count."""
    (state, metrics), before = the_run(name), made(name)[0](KEY)
    for values in (metrics["d_loss"], metrics["g_loss"], metrics["d_penalty"]):
        assert np.ptp(values) > 0.01
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(before), strict=True):
        assert a.shape == (1,) or not np.allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("mode", ["pmap", pytest.param("shard", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", GAMES)
def test_four_devices_make_the_run_of_one(name, mode):
    init, step = made(name)
    assert_same_run(play(getattr(parallel, mode)(step), init(KEY), batches()), the_run(name))


@pytest.mark.parametrize("name", [pytest.param("penalties", marks=pytest.mark.slow), "groups"])
def test_a_population_scanned_is_its_members_apart(name):
    """Two seeds in one program, all steps in one loop; the first seed is that of the run above."""
    init, step = made(name)
    data = jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches())

    def on_its_batch(key, state, data, *, axis_name=None):
        return step(key, state, jax.tree.map(lambda leaf: leaf[state.step], data), axis_name=axis_name)

    keys = jnp.stack([KEY, jax.random.key(9)])
    many = parallel.jit(parallel.vmap(parallel.scan(on_its_batch, STEPS)))
    states, metrics = jax.device_get(many(keys, jax.vmap(init)(keys), data))
    first, second = (jax.tree.map(lambda leaf, i=i: leaf[i], (states, metrics)) for i in range(2))
    assert_same_run(first, the_run(name))
    assert not np.allclose(first[1]["d_loss"], second[1]["d_loss"], atol=1e-3)
