"""One device or four, one step or many, one seed or several: the same run."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, GANState, parallel
from jgan.data import order, resident
from jgan.models import gan2014

B, N, STEPS = 20, 210, 20
KEY = jax.random.key(3)


@functools.cache
def the_model():
    """The MNIST model at reduced width, and data that stay in it: `(gan, set, batches)`."""
    config = gan2014.Config(g_units=(32, 32), d_units=(16, 16), d_pieces=3, g_irange=0.3, d_irange=0.3, latent_size=10)
    gan = gan2014.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=N // B))
    data = Batch(np.random.default_rng(0).integers(0, 256, (N, 8, 8, 1), dtype=np.uint8))
    batch = jax.jit(lambda step: resident.cut(jax.tree.map(jnp.asarray, data), order.batch_indices(KEY, step, N, B)))
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
def four_devices(mode, kind):
    step = the_model()[0].step
    if kind == "batches":
        return getattr(parallel, mode)(step)
    inner = parallel.constrained(step) if mode == "shard" else step
    return getattr(parallel, mode)(resident.on_resident_data(inner, B), resident=True)


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
@pytest.mark.parametrize("kind", ["resident", pytest.param("batches", marks=pytest.mark.slow)])
def test_four_devices_make_the_run_of_one(mode, kind):
    _, data, batches = the_model()
    found = play(four_devices(mode, kind), first_state(), batches if kind == "batches" else [data] * STEPS)
    assert_same_run(found, the_run(), 1e-5)


def test_four_devices_share_each_of_several_critics_batches():
    """A step that only looks: it tells the minibatches of its critics apart, and needs no network to be compiled."""

    def look(key, state, batch, *, axis_name=None):
        assert batch.x.shape == (2, B // 4 if axis_name else B, 8, 8, 1)
        seen = jnp.mean(jnp.square(batch.x), axis=(1, 2, 3, 4))
        return state._replace(step=state.step + 1), {"loss": seen if axis_name is None else jax.lax.pmean(seen, axis_name)}

    def run(wrap, inner, **options):
        step = wrap(resident.on_resident_data(inner, B, n_critic=2), **options)
        return play(step, GANState(jnp.int32(0), (), ()), [the_model()[1]] * 7)

    alone = run(parallel.jit, look)
    assert len(np.unique(alone[1]["loss"])) == 2 * 7  # every critic of every step sees other images
    assert_same_run(run(parallel.pmap, look, resident=True), alone, 1e-6)
    assert_same_run(run(parallel.shard, parallel.constrained(look, axis=1), resident=True), alone, 1e-6)


def test_a_scan_of_n_steps_is_n_steps():
    step = parallel.jit(parallel.scan(on_resident(), STEPS // 2))
    state, data = first_state(), the_model()[1]
    state, first = step(KEY, state, data)
    state, second = step(KEY, state, data)
    found = jax.device_get((state, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)))
    assert_same_run(found, the_run(), 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("together", [parallel.vmap, parallel.each])
def test_a_population_is_its_members_apart(together):
    gan, data, _ = the_model()
    keys = jax.random.split(jax.random.key(8), 2)
    states, metrics = play(parallel.jit(together(on_resident())), jax.jit(jax.vmap(gan.init))(keys), [data] * 10, key=keys)
    for index, key in enumerate(keys):
        member = (
            jax.tree.map(lambda leaf, i=index: leaf[i], states),
            {name: values[:, index] for name, values in metrics.items()},
        )
        assert_same_run(member, play(one_device(), first_state(key), [data] * 10, key=key), 1e-6)


@pytest.mark.parametrize("kind", ["resident", pytest.param("batches", marks=pytest.mark.slow)])
def test_shard_spreads_the_work(kind):
    """Each device's program multiplies its own quarter of the batch, costs a quarter, and adds the gradients up."""
    _, data, batches = the_model()
    step = four_devices("shard", kind)
    compiled = step.lower(KEY, first_state(), batches[0] if kind == "batches" else data).compile()
    text = compiled.as_text()
    assert "all-reduce" in text
    assert f"f32[{B // 4},64]" in text
    assert f"f32[{B},64]" not in text
    assert compiled.cost_analysis()["flops"] < 0.4 * flops_on_one_device()


@functools.cache
def flops_on_one_device():
    return one_device().lower(KEY, first_state(), the_model()[1]).compile().cost_analysis()["flops"]


@pytest.mark.parametrize("mode", ["jit", "pmap", "shard"])
def test_the_old_states_buffers_are_donated(mode):
    data = the_model()[1]
    step = one_device() if mode == "jit" else four_devices(mode, "resident")
    state, _ = step(KEY, first_state(), data)  # the first call may copy the state to where it belongs
    new, _ = step(KEY, state, data)
    # Scalars that the step computes anew and does not read (a schedule's last value) are dropped, not donated.
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state) if leaf.ndim > 0)
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(new))


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


# ------------------------------------------------------------------------------------------------- what may be scanned


def convolved(x):
    return jax.lax.conv_general_dilated(x, jnp.ones((3, 3, 1, 1)), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@jax.custom_vjp
def with_a_gradient_of_its_own(x):
    return x


with_a_derivative_of_its_own = jax.custom_jvp(convolved)
with_a_derivative_of_its_own.defjvp(lambda x, dx: (convolved(*x), convolved(*dx)))
with_a_gradient_of_its_own.defvjp(lambda x: (x, None), lambda _, g: (convolved(g),))

LOOPS = {
    "alone": convolved,
    "jit": jax.jit(convolved),
    "scan": lambda x: jax.lax.scan(lambda x, _: (convolved(x), None), x, length=2)[0],
    "cond": lambda x: jax.lax.cond(x.sum() > 0, lambda x: x, convolved, x),
    "while": lambda x: jax.lax.while_loop(lambda x: x.sum() > 9, convolved, x),
    "vjp": jax.grad(lambda x: jnp.sum(convolved(x) ** 2)),
    "custom_vjp": jax.grad(lambda x: jnp.sum(with_a_gradient_of_its_own(x) ** 2)),
    "custom_jvp": with_a_derivative_of_its_own,
    "checkpoint": jax.grad(lambda x: jnp.sum(jax.checkpoint(convolved)(x) ** 2)),
    "vmap": jax.vmap(lambda x: convolved(x[None])),
}


@pytest.mark.parametrize("where", LOOPS)
def test_a_convolution_is_found_wherever_it_is(where):
    def step(key, state, data, *, axis_name=None):
        return state + jnp.sum(LOOPS[where](data)), {}

    assert not parallel.scans_fast(step, KEY, 0.0, jax.ShapeDtypeStruct((2, 4, 4, 1), jnp.float32))


def test_a_step_without_convolutions_is_scanned_and_nothing_runs():
    gan, data, _ = the_model()
    state = jax.eval_shape(gan.init, KEY)
    assert parallel.scans_fast(on_resident(), KEY, state, jax.tree.map(jnp.asarray, data))
    assert parallel.scans_fast(parallel.scan(on_resident(), 3), KEY, state, jax.tree.map(jnp.asarray, data))


def test_elsewhere_than_on_cpu_everything_is_scanned(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert parallel.scans_fast(lambda key, state, data: (convolved(data), {}), KEY, 0.0, jnp.zeros((2, 4, 4, 1)))
