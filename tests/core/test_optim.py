"""The optimiser pieces against loops written by hand in NumPy, float64; moving averages have a file of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import optim

GRADIENTS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
START = np.array([1.0, -2.0, 0.5], np.float32)


def descend(optimizer, gradients=GRADIENTS, start=START):
    """`(parameters after every update, last state)` of an optax optimiser."""

    @jax.jit
    def update(carry, grads):
        params, state = carry
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    params = {"w": jnp.asarray(start)}
    (_, state), history = jax.lax.scan(update, (params, optimizer.init(params)), {"w": gradients})
    return np.asarray(history["w"]), state


# ------------------------------------------------------------------------------------------------------------- momentum


@pytest.mark.parametrize("rate", [0.1, optim.exponential_decay(0.1, 1.05, 0.03)])
@pytest.mark.parametrize("momentum", [0.0, 0.9, optim.epoch_ramp(0.5, 0.9, 4, 7)])
def test_momentum_is_v_m_v_minus_lr_g(rate, momentum):
    found, _ = descend(optim.momentum_sgd(rate, momentum))
    lr = [max(0.1 / 1.05**t, 0.03) if callable(rate) else rate for t in range(40)]
    m = [0.5 + 0.4 * min((t // 7) / 3, 1) if callable(momentum) else momentum for t in range(40)]
    p, v = START.astype(np.float64), np.zeros(3)
    for t in range(40):
        v = m[t] * v - lr[t] * GRADIENTS[t]
        p = p + v
        np.testing.assert_allclose(found[t], p, rtol=1e-5, atol=1e-6)


def test_with_constants_it_is_the_usual_momentum():
    found, _ = descend(optim.momentum_sgd(0.1, 0.9))
    expected, _ = descend(optax.sgd(0.1, momentum=0.9))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_with_a_falling_rate_it_is_not():
    """Where the rate is outside the velocity, a cut of the rate brakes at once what it had set in motion."""
    fall = lambda count: jnp.where(count < 1, 1.0, 0.0)  # noqa: E731
    one_push = np.array([[1.0], [0.0], [0.0]], np.float32)
    inside, _ = descend(optim.momentum_sgd(fall, 0.5), one_push, np.zeros(1, np.float32))
    outside, _ = descend(optax.sgd(fall, momentum=0.5), one_push, np.zeros(1, np.float32))
    np.testing.assert_allclose(inside[:, 0], [-1, -1.5, -1.75])
    np.testing.assert_allclose(outside[:, 0], [-1, -1, -1])


# ------------------------------------------------------------------------------------------------------------ schedules


@given(
    initial=st.floats(1e-3, 1),
    factor=st.floats(1.000001, 1.5),
    floor=st.floats(1e-7, 1e-3),
    t=st.integers(0, 10**6),
)
def test_exponential_decay_is_its_formula(initial, factor, floor, t):
    expected = max(initial * np.exp(-t * np.log(factor)), floor)
    # The exponent, up to log(initial / floor) = 16, is rounded in float32: 1e-6 on its scale.
    found = float(optim.exponential_decay(initial, factor, floor)(jnp.int32(t)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_authors_rates_at_epochs_50_250_and_1000():
    rate = optim.exponential_decay(0.1, 1.000004, 1e-6)
    found = [float(rate(jnp.int32(500 * epoch))) for epoch in (0, 50, 250, 1000, 100_000)]
    exact = [max(0.1 / 1.000004 ** (500 * epoch), 1e-6) for epoch in (0, 50, 250, 1000, 100_000)]
    assert found == pytest.approx(exact, rel=1e-6)
    assert [round(value, 4) for value in found[1:4]] == [0.0905, 0.0607, 0.0135]
    assert found[-1] == pytest.approx(1e-6)


@given(
    initial=st.floats(0, 1),
    final=st.floats(0, 1),
    epochs=st.integers(2, 300),
    steps_per_epoch=st.integers(1, 1000),
    t=st.integers(0, 10**6),
)
def test_epoch_ramp_is_its_formula(initial, final, epochs, steps_per_epoch, t):
    expected = initial + (final - initial) * min((t // steps_per_epoch) / (epochs - 1), 1)
    found = float(optim.epoch_ramp(initial, final, epochs, steps_per_epoch)(jnp.int32(t)))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_epoch_ramp_changes_once_an_epoch():
    ramp = optim.epoch_ramp(0.5, 0.7, 250, 500)
    values = np.asarray(jax.vmap(ramp)(jnp.arange(1500)))
    assert len(np.unique(values)) == 3
    assert (np.diff(values).nonzero()[0] == [499, 999]).all()


def test_a_number_is_no_schedule_of_an_average():
    with pytest.raises(TypeError, match=r"decay must be a schedule, such as optim\.warmed_up\(0\.999\), found 0\.995"):
        optim.EMA(0.995)


def adam_with_a_schedule():
    return optax.adam(optax.cosine_decay_schedule(0.1, 10), b1=0.5)


def test_an_optimiser_is_the_same_where_promotion_is_strict():
    params = {"w": jnp.asarray([1.0, -2.0]), "b": jnp.zeros((1, 1))}
    gradient = jax.tree.map(lambda leaf: 0.3 * leaf + 1, params)

    def course(optimizer):
        state = optimizer.init(params)
        for _ in range(3):
            updates, state = jax.jit(optimizer.update)(gradient, state, params)
        return updates, state

    with jax.numpy_dtype_promotion("standard"):
        expected = course(adam_with_a_schedule())
    with jax.numpy_dtype_promotion("strict"):
        found = course(optim.under_standard_promotion(adam_with_a_schedule()))
        assert jax.config.jax_numpy_dtype_promotion == "strict"
        with pytest.raises(Exception, match="promotion"):
            course(adam_with_a_schedule())
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_further_arguments_of_an_optimiser_are_passed_on():
    scaled = optax.GradientTransformationExtraArgs(
        lambda params: (), lambda gradient, state, params=None, *, value: (gradient * value, state)
    )
    optimizer = optim.under_standard_promotion(scaled)
    updates, _ = optimizer.update(jnp.ones(1), optimizer.init(jnp.ones(1)), value=jnp.float32(3))
    assert updates == 3
