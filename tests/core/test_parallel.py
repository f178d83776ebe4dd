"""One device or four, one step or many, one seed or several: the same run."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, parallel
from jgan.data import resident
from jgan.models import gan2014

B, N, STEPS = 20, 210, 50
KEY = jax.random.key(3)


@functools.cache
def the_model():
    """The MNIST model at reduced width, and data that stay in it: `(gan, set, batches)`."""
    config = gan2014.Config(g_units=(32, 32), d_units=(16, 16), d_pieces=3, d_irange=0.1, latent_size=10)
    gan = gan2014.make(config, DataSpec((8, 8, 1), steps_per_epoch=N // B))
    data = Batch(np.random.default_rng(0).integers(0, 256, (N, 8, 8, 1), dtype=np.uint8))
    batch = jax.jit(lambda step: resident.cut(jax.tree.map(jnp.asarray, data), resident.batch_indices(KEY, step, N, B)))
    return gan, data, [batch(step) for step in range(STEPS)]


def first_state(key=KEY):
    return jax.jit(the_model()[0].init)(key)


def play(step, state, inputs, key=KEY):
    """`(last state, metrics with a leading axis of steps)`."""
    history = []
    for data in inputs:
        state, metrics = step(key, state, data)
        history.append(metrics)
    return jax.device_get((state, jax.tree.map(lambda *values: np.stack(values), *history)))


def on_resident(**options):
    return resident.on_resident_data(the_model()[0].step, B, **options)


@functools.cache
def one_device():
    return parallel.jit(on_resident())


@functools.cache
def the_run():
    return play(one_device(), first_state(), [the_model()[1]] * STEPS)


def assert_same_run(found, expected, tolerance):
    for name in expected[1]:
        if name.endswith("loss"):
            np.testing.assert_allclose(found[1][name], expected[1][name], rtol=0, atol=tolerance, err_msg=name)
    leaves = jax.tree.leaves(found[0]), jax.tree.leaves(expected[0])
    for a, b in zip(*leaves, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def test_there_are_four_devices():
    assert len(jax.devices()) == 4


def test_the_run_is_a_run():
    """What is compared below moves: both losses change by more than the tolerance, and so do the parameters."""
    state, metrics = the_run()
    assert np.ptp(metrics["d_loss"]) > 0.01
    assert np.ptp(metrics["g_loss"]) > 0.01
    for before, after in zip(
        jax.tree.leaves(first_state().generator.params), jax.tree.leaves(state.generator.params), strict=True
    ):
        assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("mode", ["pmap", "shard"])
@pytest.mark.parametrize("kind", ["resident", "batches"])
def test_four_devices_make_the_run_of_one(mode, kind):
    gan, data, batches = the_model()
    if kind == "batches":
        found = play(getattr(parallel, mode)(gan.step), first_state(), batches)
    else:
        inner = parallel.constrained(gan.step) if mode == "shard" else gan.step
        step = getattr(parallel, mode)(resident.on_resident_data(inner, B), resident=True)
        found = play(step, first_state(), [data] * STEPS)
    assert_same_run(found, the_run(), 1e-4)


@pytest.mark.parametrize("mode", ["pmap", "shard"])
def test_four_devices_share_each_of_several_critics_batches(mode):
    config = gan2014.Config(g_units=(8,), d_units=(4,), latent_size=4, schedule="alternating", n_critic=2, d_irange=0.1)
    gan = gan2014.make(config, DataSpec((8, 8, 1), steps_per_epoch=N // B))
    inner = parallel.constrained(gan.step, axis=1) if mode == "shard" else gan.step
    spread = getattr(parallel, mode)(resident.on_resident_data(inner, B, n_critic=2), resident=True)
    alone = parallel.jit(resident.on_resident_data(gan.step, B, n_critic=2))
    data = [the_model()[1]] * 5
    init = jax.jit(gan.init)
    assert_same_run(play(spread, init(KEY), data), play(alone, init(KEY), data), 1e-6)


def test_a_scan_of_n_steps_is_n_steps():
    step = parallel.jit(parallel.scan(on_resident(), STEPS // 2))
    state, data = first_state(), the_model()[1]
    state, first = step(KEY, state, data)
    state, second = step(KEY, state, data)
    found = jax.device_get((state, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)))
    assert_same_run(found, the_run(), 1e-5)


def test_a_population_is_its_members_apart():
    gan, data, _ = the_model()
    keys = jax.random.split(jax.random.key(8), 2)
    states, metrics = play(parallel.jit(parallel.vmap(on_resident())), jax.jit(jax.vmap(gan.init))(keys), [data] * 10, key=keys)
    for index, key in enumerate(keys):
        member = jax.tree.map(lambda leaf: leaf[index], states), jax.tree.map(lambda leaf: leaf[:, index], metrics)
        assert_same_run(member, play(one_device(), first_state(key), [data] * 10, key=key), 1e-6)


@pytest.mark.parametrize("kind", ["resident", "batches"])
def test_shard_spreads_the_work(kind):
    """Each device's program multiplies its own quarter of the batch, costs a quarter, and adds the gradients up."""
    gan, data, batches = the_model()
    if kind == "resident":
        sharded, single, data = parallel.shard(on_resident_constrained(), resident=True), one_device(), data
    else:
        sharded, single, data = parallel.shard(gan.step), jax.jit(gan.step), batches[0]
    compiled = jax.jit(sharded).lower(KEY, first_state(), data).compile()
    text = compiled.as_text()
    assert "all-reduce" in text
    assert f"f32[{B // 4},64]" in text
    assert f"f32[{B},64]" not in text
    whole = single.lower(KEY, first_state(), data).compile().cost_analysis()["flops"]
    assert compiled.cost_analysis()["flops"] < 0.4 * whole


def on_resident_constrained():
    return resident.on_resident_data(parallel.constrained(the_model()[0].step), B)


def test_the_old_states_buffers_are_donated():
    gan, _, batches = the_model()
    for wrap in (parallel.jit, parallel.pmap, parallel.shard):
        step = wrap(gan.step)
        state, _ = step(KEY, first_state(), batches[0])  # the first call may copy the state to where it belongs
        new, _ = step(KEY, state, batches[1])
        assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state)), wrap.__name__
        assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(new)), wrap.__name__


@pytest.mark.parametrize("wrap", [parallel.pmap, parallel.shard])
def test_a_batch_that_four_devices_cannot_share_is_an_error(wrap):
    gan, data, batches = the_model()
    message = "found a batch of 18 on 4 devices"
    with pytest.raises(ValueError, match=message):
        wrap(gan.step)(KEY, first_state(), Batch(batches[0].x[:18]))
    inner = parallel.constrained(gan.step) if wrap is parallel.shard else gan.step
    with pytest.raises(ValueError, match=message):
        wrap(resident.on_resident_data(inner, 18), resident=True)(KEY, first_state(), data)


def test_some_of_the_devices_can_be_chosen():
    two = jax.devices()[:2]
    assert parallel.mesh(two).devices.tolist() == two
    _, _, batches = the_model()
    count = lambda key, state, batch, *, axis_name=None: (state, {"n": jnp.float32(batch.x.shape[0])})  # noqa: E731
    _, metrics = parallel.pmap(count, two)(KEY, jnp.zeros(()), batches[0])
    assert metrics["n"] == B / 2
