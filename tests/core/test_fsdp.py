"""A state that is spread over four devices: the run of one device, a quarter of the memory, and what is exchanged."""

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_parallel import KEY, STEPS, B, assert_same_run, first_state, flops_on_one_device, the_model, the_run

from jgan import Batch, DataSpec, GANState, fsdp, parallel
from jgan.data import resident
from jgan.models import dcgan
from jgan.types import PlayerState

SHAPE = re.compile(r"f32\[([\d,]+)\]")
ALL = 2  # elements of the smallest array that is spread in these tests


@functools.cache
def step_and_shardings(length=1):
    placed = fsdp.shardings(jax.eval_shape(the_model()[0].init, KEY), smallest=ALL)
    inner = fsdp.sharded(parallel.constrained(the_model()[0].step), placed)
    step = resident.on_resident_data(inner, B)
    return parallel.shard(parallel.scan(step, length) if length > 1 else step, resident=True, state=placed), placed


@functools.cache
def compiled():
    state = fsdp.spread(first_state(), smallest=ALL)
    return step_and_shardings()[0].lower(KEY, state, the_model()[1]).compile()


def test_the_longest_axis_that_the_devices_can_share_is_divided():
    leaves = {"a": (8, 12), "b": (12, 8), "c": (7, 4), "d": (7, 9), "e": (), "f": (4, 4)}
    shapes = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in leaves.items()}
    player = PlayerState(shapes, shapes, (shapes,), shapes)
    placed = fsdp.shardings(GANState(shapes["e"], player, player, shapes), smallest=17)
    spread = {"a": (None, "data"), "b": ("data",), "c": (None, "data"), "d": (), "e": (), "f": ()}
    whole = dict.fromkeys(leaves, ())
    specs = jax.tree.map(lambda at: at.spec, placed, is_leaf=lambda node: isinstance(node, jax.sharding.NamedSharding))
    found = jax.tree.map(tuple, specs, is_leaf=lambda node: isinstance(node, jax.sharding.PartitionSpec))
    assert found.generator == found.discriminator == PlayerState(spread, whole, (spread,), spread)
    assert (found.step, found.memory) == ((), whole)
    assert fsdp.shardings(GANState(shapes["e"], player, player), jax.devices()[:2]).generator.params["a"].mesh.size == 2


def test_four_devices_make_the_run_of_one():
    step, placed = step_and_shardings()
    state, history = fsdp.spread(first_state(), smallest=ALL), []
    for _ in range(STEPS):
        state, metrics = step(KEY, state, the_model()[1])
        history.append(metrics)
    assert all(jax.tree.leaves(jax.tree.map(lambda leaf, at: leaf.sharding.is_equivalent_to(at, leaf.ndim), state, placed)))
    found = jax.device_get((state, jax.tree.map(lambda *values: np.stack(values), *history)))
    assert_same_run(found, the_run(), 1e-5)


def test_a_scan_keeps_the_state_spread():
    step, placed = step_and_shardings(STEPS // 2)
    state, history = fsdp.spread(first_state(), smallest=ALL), []
    for _ in range(2):
        state, metrics = step(KEY, state, the_model()[1])
        history.append(metrics)
    found = jax.device_get((state, jax.tree.map(lambda *values: np.concatenate(values), *history)))
    assert_same_run(found, the_run(), 1e-5)
    assert all(jax.tree.leaves(jax.tree.map(lambda leaf, at: leaf.sharding.is_equivalent_to(at, leaf.ndim), state, placed)))


def test_a_device_holds_its_share_of_the_state():
    state = fsdp.spread(first_state(), smallest=ALL)
    whole = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    for device in range(4):
        held = sum(leaf.addressable_shards[device].data.nbytes for leaf in jax.tree.leaves(state))
        assert 0.25 <= held / whole < 0.27
    assert held == fsdp.bytes_on_a_device(state, 4, smallest=ALL)


def gathered(text):
    """The shapes of all arrays that a program gathers."""
    lines = [line.partition(" all-gather")[0] for line in text.splitlines() if " all-gather" in line]
    return [tuple(int(side) for side in shape.split(",")) for line in lines for shape in SHAPE.findall(line)]


def assert_parameters_alone_are_gathered(text, state):
    """The generator's once, the discriminator's before and after its update; neither moments nor activations."""
    assert not re.search(r"all-to-all|collective-permute", text)
    g, d = (jax.tree.leaves(player.params) for player in (state.generator, state.discriminator))
    found = gathered(text)
    assert len(found) > len(g) + len(d) - 2  # of the discriminator's last bias, one number, there is nothing to gather
    assert set(found) <= {leaf.shape for leaf in (*g, *d)}
    assert sum(map(math.prod, found)) <= sum(leaf.size for leaf in g) + 2 * sum(leaf.size for leaf in d)


def test_parameters_are_gathered_and_nothing_else_is():
    assert_parameters_alone_are_gathered(compiled().as_text(), first_state())
    assert compiled().cost_analysis()["flops"] < 0.4 * flops_on_one_device()


def test_with_convolutions_too():
    """Here XLA would divide the discriminator's channels for the generator's update."""
    gan = dcgan.make(dcgan.Config(width=8), DataSpec.images((16, 16, 1), steps_per_epoch=10))
    state = jax.eval_shape(gan.init, KEY)
    placed = fsdp.shardings(state, smallest=ALL)
    step = parallel.shard(fsdp.sharded(parallel.constrained(gan.step), placed), state=placed)
    lowered = step.lower(KEY, state, Batch(jax.ShapeDtypeStruct((64, 16, 16, 1), jnp.float32)))
    assert_parameters_alone_are_gathered(lowered.compile().as_text(), state)


def test_the_old_states_buffers_are_donated():
    step, _ = step_and_shardings()
    state, _ = step(KEY, fsdp.spread(first_state(), smallest=ALL), the_model()[1])
    step(KEY, state, the_model()[1])
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state) if leaf.ndim > 0)


def test_a_batch_that_the_devices_cannot_share_is_an_error():
    _, placed = step_and_shardings()
    odd = parallel.shard(
        resident.on_resident_data(fsdp.sharded(parallel.constrained(the_model()[0].step), placed), 18),
        resident=True,
        state=placed,
    )
    with pytest.raises(ValueError, match="found a batch of 18 on 4 devices"):
        odd(KEY, fsdp.spread(first_state(), smallest=ALL), the_model()[1])
