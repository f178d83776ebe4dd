"""Minibatches of several sets: each set in an order of its own, each array converted by its kind, on one device or four."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, GANState
from jgan.data import order, resident
from jgan.types import Field

KEY = jax.random.key(7)
SIZES = {"a": 24, "b": 50, "c": 17}
B = 8


def seen(key, state, batch, *, axis_name=None):
    return state, batch


def at(step) -> GANState:
    return GANState(jnp.int32(step), None, None)


@functools.cache
def sets() -> dict[str, Batch]:
    """Each example's label is its place."""
    return {name: Batch(jnp.arange(float(n)), jnp.arange(n)) for name, n in SIZES.items()}


@functools.cache
def served(n_critic=1):
    """`step -> batches`, compiled once for all tests."""
    step = jax.jit(resident.on_resident_data(seen, B, n_critic))
    return lambda number: step(KEY, at(number), sets())[1]


def python_order(key, n: int) -> list[int]:
    """The Feistel network in Python's integers, by its definition: 8 rounds, MurmurHash3's finaliser, walked below n."""
    bits = max(2, (n - 1).bit_length() + (n - 1).bit_length() % 2)
    half, rounds = bits // 2, [int(word) for word in jax.random.bits(key, (8,), "uint32")]

    def once(x: int) -> int:
        left, right = x >> half, x % 2**half
        for word in rounds:
            h = right ^ word
            h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
            h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
            left, right = right, left ^ (h ^ h >> 16) % 2**half
        return left << half | right

    order = []
    for place in range(n):
        value = once(place)
        while value >= n:
            value = once(value)
        order.append(value)
    return order


@functools.cache
def expected_order(name: str, epoch: int) -> list[int]:
    """The keys as they are documented: the data's stream, the set's stream but for the first, the epoch."""
    stream = sorted(SIZES).index(name)
    key = jax.random.fold_in(KEY, 2147483647)
    if stream:
        key = jax.random.fold_in(key, 2147483647 - stream)
    return python_order(jax.random.fold_in(key, epoch), SIZES[name])


@pytest.mark.parametrize("step", [0, 1, 2, 3, 11])
def test_each_set_is_served_in_the_order_of_its_own_key(step):
    found = served()(step)
    for name, n in SIZES.items():
        epoch, position = divmod(step, n // B)
        assert found[name].y.tolist() == expected_order(name, epoch)[position * B : (position + 1) * B], name
        np.testing.assert_array_equal(found[name].x, found[name].y)


def test_a_lone_set_is_served_as_by_version_0_1():
    """The numbers are those of the first release: runs that began with it go on with the same batches."""
    indices = jax.jit(lambda step: order.batch_indices(KEY, step, 50, 8))
    assert indices(0).tolist() == [49, 33, 39, 43, 38, 37, 45, 29]
    assert indices(5).tolist() == [41, 28, 3, 5, 1, 47, 40, 44]
    assert indices(6).tolist() == [22, 11, 45, 21, 1, 0, 2, 26]


def test_the_first_of_several_sets_is_served_as_if_it_were_alone():
    alone = jax.jit(resident.on_resident_data(seen, B))
    for step in (0, 2, 7):
        np.testing.assert_array_equal(alone(KEY, at(step), sets()["a"])[1].y, served()(step)["a"].y)


def test_the_order_of_a_dict_does_not_matter():
    step, backwards = resident.on_resident_data(seen, B), {name: sets()[name] for name in reversed(sets())}
    found = jax.jit(lambda number: step(KEY, at(number), backwards)[1])(3)  # not an argument: `jit` would sort it
    for name in SIZES:
        np.testing.assert_array_equal(found[name].y, served()(3)[name].y)


def test_an_epoch_of_each_set_meets_every_example_once():
    for name, n in SIZES.items():
        length = n // B
        for epoch in range(3):
            places = np.concatenate([served()(epoch * length + step)[name].y for step in range(length)])
            assert len(set(places.tolist())) == len(places) == length * B
            assert 0 <= places.min() <= places.max() < n


def test_sets_of_one_size_have_independent_orders():
    n = 100
    several = lambda epoch: [order.batch_indices(KEY, epoch, n, n, stream=stream) for stream in range(4)]  # noqa: E731
    orders = np.asarray(jax.jit(jax.vmap(several))(jnp.arange(3))).reshape(12, n)
    agreeing = [np.mean(one == other) for place, one in enumerate(orders) for other in orders[:place]]
    assert max(agreeing) < 0.1  # a hundredth is expected


def test_several_minibatches_a_step_are_those_of_successive_counts():
    for step in (0, 3):
        found, single = served(2)(step), [served()(2 * step + index) for index in range(2)]
        for name in SIZES:
            np.testing.assert_array_equal(found[name].y, np.stack([batch[name].y for batch in single]))


def test_on_four_devices_each_gets_its_part_of_every_sets_batch():
    step = resident.on_resident_data(seen, B, 2)
    shares = jax.pmap(
        lambda number: step(KEY, at(number), sets(), axis_name="data")[1], axis_name="data", devices=jax.devices()[:4]
    )
    for number in (0, 2, 13):
        found, whole = shares(jnp.full(4, number)), served(2)(number)
        for name in SIZES:
            share = np.asarray(found[name].y)
            assert share.shape == (4, 2, B // 4)
            np.testing.assert_array_equal(np.concatenate(share, axis=-1), whole[name].y)


# ---------------------------------------------------------------------------------------------------------------- kinds


def test_arrays_are_converted_by_their_declared_kind():
    n, levels = 256, np.arange(256, dtype=np.uint8)
    data = Batch(jnp.asarray(levels[:, None]), jnp.asarray(levels), {"image": jnp.asarray(levels.reshape(n, 1, 1, 1))})
    example = Batch(Field((1,), "tokens", 256), Field((), "label", 256), {"image": Field((1, 1, 1))})
    found = jax.jit(lambda data: resident.cut(data, jnp.arange(n)[::-1], example))(data)
    assert (found.x.dtype, found.y.dtype, found.c["image"].dtype) == (jnp.int32, jnp.int32, jnp.float32)
    np.testing.assert_array_equal(found.x[:, 0], np.arange(256)[::-1])
    np.testing.assert_array_equal(found.y, np.arange(256)[::-1])
    np.testing.assert_allclose(found.c["image"].ravel(), np.arange(256)[::-1] / 255, rtol=1e-6)


def test_declared_kinds_reach_the_step():
    data = {"text": Batch(jnp.full((9, 2), 255, jnp.uint8)), "more": Batch(jnp.full((9, 1, 1, 1), 255, jnp.uint8))}
    example = {"text": Batch(Field((2,), "tokens", 256)), "more": Batch(Field((1, 1, 1)))}
    _, found = resident.on_resident_data(seen, 3, example=example)(KEY, at(0), data)
    assert found["text"].x.tolist() == [[255, 255]] * 3
    assert found["more"].x.ravel().tolist() == [1, 1, 1]


def test_bytes_of_no_declared_kind_are_never_guessed():
    with pytest.raises(ValueError, match=r"x: cannot tell what uint8 \(9, 2\) holds"):
        resident.on_resident_data(seen, 3)(KEY, at(0), Batch(jnp.zeros((9, 2), jnp.uint8)))


# -------------------------------------------------------------------------------------------- errors before compilation


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (Batch(jnp.zeros(9), jnp.zeros(8, int)), "the data: expected arrays of one length, found x of 9, y of 8"),
        (Batch(jnp.zeros(9), c={"to": jnp.zeros(3)}), "found x of 9, c.to of 3"),
        ({"a": Batch(jnp.zeros(9)), "b": Batch(jnp.zeros(9), jnp.zeros(8, int))}, "the data, set 'b': .* x of 9, y of 8"),
        (Batch(jnp.zeros(3)), "must not be larger than the set, found a batch of 4 from 3 examples"),
        ({"a": Batch(jnp.zeros(9)), "b": Batch(jnp.zeros(3))}, "found a batch of 4 from 3 examples of the set 'b'"),
        (jnp.zeros(9), "expected a Batch or a dict of named Batches"),
    ],
)
def test_data_that_would_be_clamped_are_told_while_tracing(data, told):
    with pytest.raises(ValueError, match=told):
        jax.eval_shape(resident.on_resident_data(seen, 4), KEY, at(0), data)


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ({"a": Batch(Field((), "points"))}, r"expected the sets 'a', found ''"),
        (Batch(Field((2,), "points")), r"the data, x: expected float points \[N, 2\], found float32 \(9,\)"),
        (Batch(Field((), "points"), Field((), "label", 3)), "expected the arrays x, y, found x"),
    ],
)
def test_data_that_are_not_those_of_the_example_are_told(example, told):
    with pytest.raises(ValueError, match=told):
        jax.eval_shape(resident.on_resident_data(seen, 4, example=example), KEY, at(0), Batch(jnp.zeros(9)))


def test_cut_itself_refuses_a_shorter_array():
    with pytest.raises(ValueError, match="x of 5, y of 4"):
        resident.cut(Batch(jnp.zeros(5), jnp.zeros(4, int)), jnp.array([4]))
