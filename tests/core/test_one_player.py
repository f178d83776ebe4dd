"""One player alone against optax; and games whose fakes hold integers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import Batch, Network, games, optim, parallel, steps
from jgan.gradients import forward, g_gradients

KEY, B = jax.random.key(0), 8
X, Y = (jnp.asarray(a) for a in np.random.default_rng(0).normal(size=(2, B, 3)).astype(np.float32))


def linear(params, model_state, x, *, key=None, train=False, axis_name=None):
    return x @ params["w"], {"seen": model_state["seen"] + 1}


NETWORK = Network(lambda key: ({"w": jax.random.normal(key, (3, 3))}, {"seen": jnp.int32(0)}), linear)
OPTIMIZERS = steps.Optimizers(optax.sgd(0.3, momentum=0.5), optax.sgd(0.1), optim.EMA(optim.warmed_up(0.5)))


def squared_error(key, params, state, batch, axis_name, player="generator"):
    found, model_state = linear(params, getattr(state, player).model_state, batch.c)
    noise = 0.01 * jax.random.normal(key, ())  # so that the key of the step matters
    value = jnp.mean((found - batch.x) ** 2) * (1 + noise)
    return value, (model_state, {"squared_error": value})


def by_optax(player, count):
    """`(params, the losses)`: optax in a loop, the key of each step folded by hand."""
    state = steps.init_state(jax.random.key(1), NETWORK, NETWORK, OPTIMIZERS)
    params, optimizer = getattr(state, player).params, getattr(OPTIMIZERS, player)
    opt_state, average, values = optimizer.init(params), params, []
    for step in range(count):

        def loss(params, step=step):
            noise = 0.01 * jax.random.normal(jax.random.fold_in(KEY, step), ())
            return jnp.mean((X @ params["w"] - Y) ** 2) * (1 + noise)

        value, grads = jax.value_and_grad(loss)(params)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        params = optax.apply_updates(params, updates)
        keep = min(0.5, (1 + step) / (10 + step))
        average = jax.tree.map(lambda a, p, keep=keep: keep * a + (1 - keep) * p, average, params)
        values.append(float(value))
    return params, average, values


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("mode", ["jit", "pmap"])
def test_one_player_descends_as_optax_does_and_the_other_waits(player, mode):
    made = steps.one_player(functools.partial(squared_error, player=player), OPTIMIZERS, player=player)
    step = getattr(parallel, mode)(made.step)
    before = steps.init_state(jax.random.key(1), NETWORK, NETWORK, OPTIMIZERS)
    state, values = jax.tree.map(jnp.array, before), []
    for _ in range(3):
        state, metrics = step(KEY, state, Batch(Y, c=X))
        values.append(float(metrics["squared_error"]))
    params, average, expected = by_optax(player, 3)
    own, other = getattr(state, player), "discriminator" if player == "generator" else "generator"
    np.testing.assert_allclose(own.params["w"], params["w"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    np.testing.assert_array_equal(own.model_state["seen"], np.int32(3), strict=True)
    jax.tree.map(np.testing.assert_array_equal, getattr(state, other), getattr(before, other))
    assert state.step == 3
    if player == "generator":
        np.testing.assert_allclose(own.ema.params["w"], average["w"], rtol=1e-5, atol=1e-6)
        assert own.ema.count == 3


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_the_update_of_the_player_that_waits_changes_nothing(player):
    made = steps.one_player(functools.partial(squared_error, player=player), OPTIMIZERS, player=player)
    state = steps.init_state(jax.random.key(1), NETWORK, NETWORK, OPTIMIZERS)
    waits, learns = (made.d_step, made.g_step) if player == "generator" else (made.g_step, made.d_step)
    after, metrics = waits(KEY, state, Batch(Y, c=X))
    assert after is state
    assert metrics == {}
    after, metrics = learns(KEY, state, Batch(Y, c=X))
    assert set(metrics) == {"squared_error"}
    assert int(after.step) == (player == "generator")


def test_a_third_player_is_an_error():
    with pytest.raises(ValueError, match="player must be 'generator' or 'discriminator', found 'critic'"):
        steps.one_player(squared_error, OPTIMIZERS, player="critic")


# ------------------------------------------------------------------------------------------------- fakes with integers

LABELS, TOKENS = jnp.arange(B) % 3, jnp.arange(2 * B).reshape(B, 2) % 5


def fakes(key, params, state, batch, axis_name):
    """What a step passes from the generator to the losses: floats, labels, tokens, a flag, and a key."""
    made = {"x": jnp.tanh(X @ params), "labels": LABELS, "tokens": TOKENS, "even": LABELS % 2 == 0, "key": key}
    return made, state.generator.model_state


def score(d, made):
    """Uses all of them: `D(x, label, tokens)`."""
    weights = jnp.asarray([1.0, 2.0, 3.0])[made["labels"]] + made["tokens"].sum(axis=1).astype(jnp.float32)
    noise = jax.random.normal(made["key"], (B,))
    return jnp.where(made["even"], weights, -weights) * (made["x"] @ d) + 0.1 * noise


def g_loss(key, own, state, batch, made, axis_name):
    return jnp.mean(jnp.square(score(state.discriminator.params, made) - 1)), (state.memory, {})


def d_loss(key, d, state, batch, made, axis_name):
    return jnp.mean(jnp.square(score(d, made))), (state.discriminator.model_state, state.memory, {})


def both(key, own, d, state, batch, made, axis_name):
    g_value = jnp.mean(jnp.square(score(d, made) - 1))
    return (g_value, jnp.mean(jnp.square(score(d, made)))), (state.discriminator.model_state, state.memory, {})


@pytest.mark.parametrize("one_pass", [False, True])
@pytest.mark.parametrize("schedule", ["alternating", "simultaneous"])
def test_integers_among_the_fakes_are_passed_on_and_not_differentiated(schedule, one_pass):
    """The gradients are those of the losses with the fakes made inside, as autodiff has them without a shared pass."""
    game = games.Functions(fakes, g_loss, d_loss, both=both if one_pass else None)
    optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
    players = (steps.PlayerState(p, {}, optimizers.generator.init(p)) for p in (jnp.eye(3) * 0.5, jnp.array([1.0, -1.0, 2.0])))
    state = steps.GANState(jnp.int32(0), *players)
    g, d, key = state.generator.params, state.discriminator.params, jax.random.fold_in(KEY, 0)
    made = lambda g: fakes(key, g, state, None, None)[0]  # noqa: E731
    new_d = d - 0.1 * jax.grad(lambda d: jnp.mean(score(d, made(g)) ** 2))(d)
    opponent = d if schedule == "simultaneous" else new_d
    new_g = g - 0.1 * jax.grad(lambda g: jnp.mean((score(opponent, made(g)) - 1) ** 2))(g)
    after, _ = getattr(steps, schedule)(game, optimizers).step(KEY, state, None)
    np.testing.assert_allclose(after.discriminator.params, new_d, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after.generator.params, new_g, rtol=1e-5, atol=1e-6)


def test_the_forward_pass_gives_back_every_leaf_and_its_type():
    game = games.Functions(fakes, g_loss, d_loss)
    player = steps.PlayerState(jnp.eye(3), {}, ())
    state = steps.GANState(jnp.int32(0), player, player._replace(params=jnp.ones(3)))
    found, pull_back, _ = forward(game, KEY, state, None, None)
    expected, _ = fakes(KEY, jnp.eye(3), state, None, None)
    assert jax.tree.map(jax.typeof, found) == jax.tree.map(jax.typeof, expected)
    for name in ("x", "labels", "tokens", "even"):
        np.testing.assert_array_equal(found[name], expected[name])
    grads, _, _ = g_gradients(game, KEY, state, None, found, pull_back, None)
    assert grads.shape == (3, 3)
