"""The controller against the trajectories that its rule has in closed form."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import augment
from jgan.augment import controller

B = 20


@functools.cache
def run(**options):
    """`(first memory, [T, B] logits) -> ([T] p, last memory)`, one compiled scan."""

    def step(memory, logits):
        memory = controller.update(memory, logits, **options)
        return memory, memory.p

    return jax.jit(lambda memory, logits: jax.lax.scan(step, memory, logits)[::-1])


@pytest.mark.parametrize("interval", [1, 4])
@pytest.mark.parametrize(("sign", "start"), [(1, 0.0), (1, 0.35), (-1, 1.0), (-1, 0.2)])
def test_a_constant_sign_moves_p_on_a_staircase_to_its_end(interval, sign, start):
    steps = np.arange(1, 61)
    rises = B * interval / 800  # 40 minibatches of 20 from 0 to 1
    expected = np.clip(start + sign * rises * (steps // interval), 0, 1)
    found, _ = run(images_to_full=800, interval=interval)(controller.start(start), jnp.full((60, B), sign * 3.0))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[-1] == (1 if sign > 0 else 0)  # clipped, and not only near


def test_the_papers_speed_is_500_000_images_in_64_minibatches_of_4():
    memory = controller.start()
    for _ in range(4):
        memory = controller.update(memory, jnp.ones(64))
    assert float(memory.p) == pytest.approx(64 * 4 / 500_000, rel=1e-6)


@pytest.mark.parametrize(("reals", "direction"), [(16, 0), (15, -1), (17, 1)])
def test_p_rests_where_the_mean_sign_is_the_target(reals, direction):
    """16 of 20 called real: r = (16 - 4) / 20 = 0.6, the target."""
    logits = jnp.where(jnp.arange(B) < reals, 0.1, -5.0)
    found, _ = run(images_to_full=8000, target=0.6)(controller.start(0.5), jnp.broadcast_to(logits, (8, B)))
    np.testing.assert_allclose(found[-1], 0.5 + direction * 2 * 4 * B / 8000, atol=1e-6)


def test_the_signs_of_all_minibatches_since_the_last_move_count():
    """Of four minibatches three are called real: r = 0.5; the last alone would say -1."""
    logits = jnp.array([1.0, 1.0, 1.0, -1.0])[:, None] * jnp.ones((4, B))
    up, memory = run(images_to_full=8000, target=0.4)(controller.start(0.5), logits)
    down, _ = run(images_to_full=8000, target=0.6)(controller.start(0.5), logits)
    np.testing.assert_allclose(up, [0.5, 0.5, 0.5, 0.51], atol=1e-6)
    np.testing.assert_allclose(down, [0.5, 0.5, 0.5, 0.49], atol=1e-6)
    assert [float(value) for value in memory[1:]] == [0, 0, 0]


@given(st.integers(0, 2**31 - 1), st.floats(0, 1), st.floats(-1, 1))
def test_p_is_always_a_probability_and_memory_keeps_its_types(seed, start, boundary):
    logits = jnp.array(np.random.default_rng(seed).normal(boundary, 2, (12, B)), jnp.float32)
    found, memory = run(images_to_full=100)(controller.start(start), logits)
    assert ((found >= 0) & (found <= 1)).all()
    assert [leaf.dtype.name for leaf in memory] == ["float32", "float32", "float32", "int32"]


def test_the_boundary_of_least_squares_is_a_half():
    memory = controller.update(controller.start(0.5), jnp.array([0.4, 0.45, 0.3, 0.9]), boundary=0.5, interval=8)
    assert (float(memory.signs), float(memory.images)) == (-2, 4)


def test_four_devices_count_as_one():
    logits = jnp.array(np.random.default_rng(0).normal(0.8, 1, (8, B)), jnp.float32)
    _, alone = run(images_to_full=200, interval=2)(controller.start(0.5), logits)

    def device(logits):
        memory = controller.start(0.5)
        for minibatch in logits:
            memory = controller.update(memory, minibatch, images_to_full=200, interval=2, axis_name="devices")
        return memory

    spread = jax.pmap(device, in_axes=1, axis_name="devices")(logits.reshape(8, 4, B // 4))
    for found, expected in zip(spread, alone, strict=True):
        np.testing.assert_allclose(found, np.full(4, expected), atol=1e-6)


def test_without_a_target_p_stays():
    augmentation = augment.ada(p=0.25, target=None)
    memory = augmentation.init()
    for _ in range(5):
        memory = augmentation.update(memory, jnp.ones(B), None)
    assert memory == controller.start(0.25)


def test_its_options_reach_the_controller():
    augmentation = augment.ada(target=-0.5, images_to_full=100, interval=2, boundary=2.0, p=0.5)
    memory = augmentation.init()
    for _ in range(2):
        memory = augmentation.update(memory, jnp.array([1.0, 1.0, 3.0, 1.5]), None)  # r = (1 - 3) / 4 = target
    assert float(memory.p) == 0.5
    for _ in range(2):
        memory = augmentation.update(memory, jnp.array([1.0, 1.0, 1.0, 1.5]), None)  # r = -1
    assert float(memory.p) == pytest.approx(0.5 - 8 / 100)


def test_a_target_of_0_is_held_and_is_not_none():
    augmentation = augment.ada(target=0.0, images_to_full=100, interval=1, p=0.5)
    assert float(augmentation.update(augmentation.init(), jnp.ones(4), None).p) == pytest.approx(0.54)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_an_error(p):
    for make in (controller.start, lambda p: augment.ada(p=p)):
        with pytest.raises(ValueError, match=r"p must be a probability, in \[0, 1\], found"):
            make(p)


@pytest.mark.parametrize("options", [{"interval": 0}, {"images_to_full": 0}])
def test_a_controller_that_would_never_move_is_an_error(options):
    with pytest.raises(ValueError, match="images_to_full and interval must be at least 1, found"):
        augment.ada(**options)
