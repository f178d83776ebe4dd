"""What may be added to the game of two players, through real steps: each option against the gradient of its formula."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_games import (
    KEY,
    OPTIMIZERS,
    SHAPE,
    B,
    a_batch,
    assert_close,
    descended,
    generate,
    judge,
    judge_alone,
    latents,
    played,
)

from jgan import games, groups, losses, penalties, rng, steps, terms
from jgan.types import Augmentation, Inputs

softplus = jax.nn.softplus


def logistic(real, fake):
    return jnp.mean(softplus(-real) + softplus(fake))


def slope_norms(p, x):
    """`|grad D|^2` of each example, by a gradient for each: nothing of the batch in it."""
    return jnp.sum(jnp.square(jax.vmap(jax.grad(judge_alone, argnums=1), (None, 0))(p, x)), axis=(1, 2))


# -------------------------------------------------------------------------------------- R1 and R2 on the loss's own pass


@pytest.mark.parametrize("lazy", [False, True])
def test_one_pass_serves_the_loss_and_r1_and_r2(lazy):
    """The update is that of the formula with its own forward passes; the network is traced twice, as without a penalty."""
    calls, penalty = [], penalties.r1_r2(3.0)
    if lazy:
        penalty = penalties.lazily(penalty, 4)
    game = played(calls=calls, penalties=(penalty,), discriminator_weight=0.25)
    batch, fakes = a_batch(), generate(game.state.generator.params, latents(KEY, B))

    def objective(p):
        r1, r2 = slope_norms(p, batch.x), slope_norms(p, fakes)
        penalty = (4 if lazy else 1) * 3.0 / 2 * jnp.mean(r1 + r2)
        return 0.25 * logistic(judge(p, batch.x)[0], judge(p, fakes)[0]) + penalty, penalty

    (_, penalty), gradient = jax.value_and_grad(objective, has_aux=True)(game.state.discriminator.params)
    after, metrics = game.d_step(KEY, game.state, batch)
    assert len(calls) == 2
    assert_close(descended(game.state.discriminator, after.discriminator), gradient)
    np.testing.assert_allclose(metrics["d_penalty"], penalty, rtol=1e-5)
    _, plain = played(discriminator_weight=0.25).d_step(KEY, game.state._replace(memory=()), batch)
    assert set(metrics) == {*plain, "d_penalty"}
    for name in plain:
        np.testing.assert_allclose(metrics[name], plain[name], rtol=1e-5)  # the penalty is no part of the loss


@pytest.mark.parametrize(
    ("penalty", "passes"),
    [(penalties.r1(), 2), (penalties.drift(), 2), (penalties.gradient_penalty(), 3), (penalties.finite_difference(), 4)],
)
def test_how_often_a_penalty_runs_the_discriminator(penalty, passes):
    calls = []
    game = played(calls=calls, penalties=(penalty,))
    jax.eval_shape(game.d_step, KEY, game.state, a_batch())
    assert len(calls) == passes


def test_several_penalties_add_up_to_one_number():
    terms = (penalties.r1(1.0), penalties.r2(2.0), penalties.drift(0.5))
    game = played(penalties=terms)
    p, x, fakes = game.state.discriminator.params, a_batch().x, generate(game.state.generator.params, latents(KEY, B))
    expected = jnp.mean(slope_norms(p, x) / 2 + slope_norms(p, fakes) + 0.5 * judge(p, x)[0] ** 2)
    np.testing.assert_allclose(game.d_step(KEY, game.state, a_batch())[1]["d_penalty"], expected, rtol=1e-5)


def test_the_generator_learns_nothing_of_the_penalties():
    plain, punished = played(), played(penalties=(penalties.r1_r2(), penalties.lecam()))
    after, metrics = plain.g_step(KEY, plain.state, a_batch())
    found, _ = punished.g_step(KEY, punished.state, a_batch())
    assert set(metrics) == {"g_loss"}
    assert_close(found.generator, after.generator)


# --------------------------------------------------------------------------------------------------------------- memory


def shift(rate=1.0, deviation=0.0):
    """An augmentation that stretches every example by what it remembers, and remembers how often it was updated."""
    return Augmentation(
        init=lambda: jnp.float32(1.0),
        apply=lambda key, memory, x, axis_name: x * (1 + rate * memory) + deviation * jax.random.normal(key, x.shape),
        update=lambda memory, real_logits, axis_name: memory + 1,
    )


def test_both_players_see_augmented_examples_real_and_fake_alike():
    calls = []
    game = played(calls=calls, augment=shift())
    batch, fakes = a_batch(), generate(game.state.generator.params, latents(KEY, B))
    p = game.state.discriminator.params
    after, metrics = game.d_step(KEY, game.state, batch)
    np.testing.assert_allclose(metrics["d_loss"], logistic(judge(p, 2 * batch.x)[0], judge(p, 2 * fakes)[0]), rtol=1e-5)
    assert [call.shape for call in calls] == [(B, *SHAPE)] * 2
    after, _ = game.g_step(KEY, game.state, batch)
    gradient = jax.grad(lambda g: jnp.mean(softplus(-judge(p, 2 * generate(g, latents(KEY, B)))[0])))
    assert_close(descended(game.state.generator, after.generator), gradient(game.state.generator.params))


def test_reals_and_fakes_are_augmented_by_keys_of_their_own_and_both_players_see_the_same_fakes():
    heard = []

    def listen(key, memory, x, axis_name):
        heard.append(tuple(jax.random.key_data(key).tolist()))
        return x

    game = played(augment=shift()._replace(apply=listen))
    state, fakes = game.state, generate(game.state.generator.params, latents(KEY, B))
    made = games.Fakes(fakes, Inputs(latents(KEY, B)))
    game.game.d_loss(KEY, state.discriminator.params, state, a_batch(), made, None)
    game.game.g_loss(KEY, state.generator.params, state, a_batch(), made, None)
    real, fake, of_generator = heard
    assert real != fake == of_generator


def test_the_real_examples_alone_are_dequantised_by_a_key_of_their_own():
    keys = []

    def raised(key, x, axis_name):
        keys.append(key)
        return x + 1

    game, plain = played(dequantise=raised), played()
    batch, fakes = a_batch(), generate(game.state.generator.params, latents(KEY, B))
    p = game.state.discriminator.params
    _, metrics = game.d_step(KEY, game.state, batch)
    np.testing.assert_allclose(metrics["d_loss"], logistic(judge(p, batch.x + 1)[0], judge(p, fakes)[0]), rtol=1e-5)
    assert_close(game.g_step(KEY, game.state, batch), plain.g_step(KEY, plain.state, batch))
    keys.clear()
    own = rng.step_key(KEY, 0)
    game.game.d_loss(own, p, game.state, batch, games.Fakes(fakes, Inputs(latents(KEY, B))), None)
    assert [key.tolist() for key in map(jax.random.key_data, keys)] == [
        jax.random.key_data(rng.stream(own, rng.Stream.DEQUANTISATION)).tolist()
    ]
    assert len(set(rng.Stream)) == len(rng.Stream)


def test_r1_is_the_slope_at_the_examples_themselves_through_their_augmentation():
    game = played(augment=shift(), penalties=(penalties.r1(2.0),))
    p, batch = game.state.discriminator.params, a_batch()
    expected = jnp.mean(4 * slope_norms(p, 2 * batch.x))  # d/dx D(2x) = 2 D'(2x)
    np.testing.assert_allclose(game.d_step(KEY, game.state, batch)[1]["d_penalty"], expected, rtol=1e-5)


def test_only_a_discriminator_update_moves_what_the_game_remembers():
    game = played(augment=shift(), penalties=(penalties.r1(), penalties.lecam(decay=0.5)))
    p, batch = game.state.discriminator.params, a_batch()
    assert_close(game.state.memory, games.Memory(jnp.float32(1), ((), (jnp.float32(0), jnp.float32(0))), ()))
    fakes = generate(game.state.generator.params, latents(KEY, B))
    means = tuple(jnp.mean(judge(p, 2 * x)[0]) / 2 for x in (batch.x, fakes))
    after, _ = game.d_step(KEY, game.state, batch)
    assert_close(after.memory, games.Memory(jnp.float32(2), ((), means), ()))
    later, _ = game.g_step(KEY, after, batch)
    assert_close(later.memory, after.memory, rtol=0, atol=0)


@functools.cache
def with_everything():
    options = {
        "augment": shift(0.1, deviation=0.3),
        "penalties": (penalties.lecam(), penalties.gradient_penalty(), penalties.lazily(penalties.r1_r2(), 2)),
        "top_k": lambda step: 0.5,
        "terms": (terms.feature_matching(0.5),),
        "pack": 2,
    }
    return played(losses.relativistic_average, features=True, **options)


@pytest.mark.parametrize("schedule", ["alternating", "simultaneous"])
def test_the_fused_steps_are_their_parts_with_memory_and_all(schedule):
    game, batch = with_everything(), a_batch()
    state, expected = game.state, game.state
    step = jax.jit(getattr(steps, schedule)(game.game, OPTIMIZERS).step)
    for _ in range(2):
        state, metrics = step(KEY, state, batch)
        after, d_metrics = game.d_step(KEY, expected, batch)
        if schedule == "alternating":
            expected, g_metrics = game.g_step(KEY, after, batch)
        else:
            moved, g_metrics = game.g_step(KEY, expected, batch)
            expected = moved._replace(discriminator=after.discriminator, memory=after.memory)
        assert_close(state, expected)
        assert_close(metrics, d_metrics | g_metrics)
    assert state.memory.augment == 3


def test_every_critic_remembers():
    game = played(augment=shift(0.1), penalties=(penalties.lecam(),))
    step = steps.alternating(game.game, OPTIMIZERS, n_critic=3).step
    state, _ = jax.jit(step)(KEY, game.state, jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), a_batch()))
    assert state.memory.augment == 1 + 3


# -------------------------------------------------------------------------------------------------------------- packing


def test_packs_are_judged_as_one_example_and_teach_the_generator_as_many():
    calls = []
    game, batch = played(calls=calls, pack=2, penalties=(penalties.r1(2.0),)), a_batch()
    p = game.state.discriminator.params
    side_by_side = lambda x: jnp.concatenate([x[0::2], x[1::2]], axis=-1)  # noqa: E731
    fakes = generate(game.state.generator.params, latents(KEY, B))
    _, metrics = game.d_step(KEY, game.state, batch)
    assert [call.shape for call in calls] == [(B // 2, 2, 4)] * 2
    real, fake = (judge(p, side_by_side(x))[0] for x in (batch.x, fakes))
    assert real.shape == (B // 2,)
    np.testing.assert_allclose(metrics["d_loss"], logistic(real, fake), rtol=1e-5)
    np.testing.assert_allclose(metrics["d_real_accuracy"], np.mean(real > 0))
    np.testing.assert_allclose(metrics["d_penalty"], jnp.mean(slope_norms(p, side_by_side(batch.x))), rtol=1e-5)
    after, _ = game.g_step(KEY, game.state, batch)
    gradient = jax.grad(lambda g: jnp.mean(softplus(-judge(p, side_by_side(generate(g, latents(KEY, B))))[0])))
    assert_close(descended(game.state.generator, after.generator), gradient(game.state.generator.params))


def test_the_examples_of_a_pack_are_augmented_each_by_itself():
    """By an augmentation that tells the places in the batch apart; its controller too counts examples, not packs."""
    numbers = jnp.arange(1.0, B + 1).reshape(B, 1, 1)
    remember = lambda memory, real_logits, axis_name: real_logits  # noqa: E731
    augment = Augmentation(lambda: jnp.zeros(B), lambda key, memory, x, axis_name: x * numbers, remember)
    game, batch = played(pack=2, augment=augment), a_batch()
    fakes = generate(game.state.generator.params, latents(KEY, B))
    real, fake = (judge(game.state.discriminator.params, groups.packed(x * numbers, 2))[0] for x in (batch.x, fakes))
    after, metrics = game.d_step(KEY, game.state, batch)
    np.testing.assert_allclose(metrics["d_loss"], logistic(real, fake), rtol=1e-5)
    np.testing.assert_allclose(after.memory.augment, np.repeat(real, 2), rtol=1e-5)


# ---------------------------------------------------------------------------------------------------------------- top-k


@pytest.mark.parametrize("percent", [100, 50, 1])
def test_the_generator_learns_from_its_best_fakes(percent):
    game, whole = played(top_k=lambda step: jnp.float32(percent / 100)), played()
    p, k = game.state.discriminator.params, max(1, B * percent // 100)

    def objective(g):
        logits = judge(p, generate(g, latents(KEY, B)))[0]
        return jnp.mean(softplus(-logits[np.argsort(-np.asarray(jax.lax.stop_gradient(best)))[:k]]))

    best = judge(p, generate(game.state.generator.params, latents(KEY, B)))[0]
    value, gradient = jax.value_and_grad(objective)(game.state.generator.params)
    after, metrics = game.g_step(KEY, game.state, a_batch())
    np.testing.assert_allclose(metrics["g_loss"], value, rtol=1e-5)
    assert_close(descended(game.state.generator, after.generator), gradient)
    if percent == 100:
        assert_close(after.generator, whole.g_step(KEY, whole.state, a_batch())[0].generator, rtol=1e-6, atol=1e-7)


def test_the_share_is_a_schedule_of_the_step():
    game = played(top_k=lambda step: jnp.where(step < 3, 1.0, 0.5))
    values = [float(game.g_step(KEY, game.state._replace(step=jnp.int32(step)), a_batch())[1]["g_loss"]) for step in (0, 2, 3)]
    assert values[0] == values[1] > values[2]
