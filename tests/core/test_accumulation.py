"""Gradients accumulated over micro-batches: those of the whole batch, in less memory."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_games import B, a_batch, assert_close

from jgan import Batch, games, losses, networks, parallel, penalties, rng, steps

KEY, RATE = jax.random.key(0), 0.5
OPTIMIZERS = steps.Optimizers(optax.sgd(RATE), optax.sgd(RATE))


def constant(key, n, axis_name=None):
    """Latents that do not depend on key, place or number."""
    return jnp.ones((n, 3))


class Critic(nn.Module):
    """With batch statistics if asked."""

    statistics: bool = False

    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        h = nn.tanh(nn.Dense(6)(x.reshape(len(x), -1)))
        if self.statistics:
            h = nn.BatchNorm(use_running_average=not train, momentum=0.5, axis_name=axis_name)(h)
        return nn.Dense(1)(h)[:, 0]


class Maker(nn.Module):
    @nn.compact
    def __call__(self, z, *, train=False, axis_name=None):
        return nn.Dense(4)(z).reshape(-1, 2, 2)


@functools.cache
def made(loss=losses.non_saturating, statistics=False, terms=(), latents=constant):
    """`(game, its first state)`."""
    critic, generator = networks.from_module(Critic(statistics), (2, 2)), networks.from_module(Maker(), (3,))
    game = games.Adversarial(generator, critic, latents, loss, penalties=terms)
    return game, jax.jit(lambda key: steps.init_state(key, generator, critic, OPTIMIZERS, game))(jax.random.key(1))


@functools.cache
def compiled(which, micro_batches, loss=losses.non_saturating, terms=()):
    game, _ = made(loss, terms=terms)
    if which in ("d_step", "g_step"):
        step = steps.player_steps(game, OPTIMIZERS, micro_batches=micro_batches)[which == "d_step"]
    else:
        step = getattr(steps, which)(game, OPTIMIZERS, micro_batches=micro_batches).step
    return jax.jit(step)


# ----------------------------------------------------------------------------------------------- the whole batch's gradient


@pytest.mark.parametrize(
    ("which", "loss", "micro_batches"),
    [
        ("d_step", losses.relativistic, 8),
        ("g_step", losses.relativistic, 4),
        ("simultaneous", losses.non_saturating, 2),
        ("alternating", losses.non_saturating, 2),
    ],
)
def test_the_mean_over_the_parts_is_the_gradient_of_the_whole(which, loss, micro_batches):
    """Of a game without randomness; the metrics are means too, and the state keeps its form."""
    terms = (penalties.r1_r2(0.5),)
    _, state = made(loss, terms=terms)
    expected, expected_metrics = compiled(which, 1, loss, terms)(KEY, state, a_batch())
    found, metrics = compiled(which, micro_batches, loss, terms)(KEY, state, a_batch())
    assert jax.tree.map(jax.typeof, found) == jax.tree.map(jax.typeof, state)
    assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert_close(metrics, expected_metrics, rtol=1e-5, atol=1e-6)


def test_labels_are_cut_with_their_examples():
    """A game that wants both: d times the mean of y x, which is its gradient."""
    game = games.Functions(
        fakes=lambda key, g, state, batch, axis_name: (g, {}),
        g_loss=lambda key, own, state, batch, g, axis_name: (g, ((), {})),
        d_loss=lambda key, d, state, batch, g, axis_name: (d * jnp.mean(batch.y * batch.x), ({}, (), {})),
    )
    state = steps.GANState(
        jnp.int32(0), *(steps.PlayerState(jnp.float32(1), {}, optimizer.init(jnp.float32(1))) for optimizer in OPTIMIZERS[:2])
    )
    x, y = np.random.default_rng(0).normal(size=(2, 12)).astype(np.float32)
    _, d_step = steps.player_steps(game, OPTIMIZERS, micro_batches=3)
    after, _ = d_step(KEY, state, Batch(x, y))
    np.testing.assert_allclose(after.discriminator.params, 1 - RATE * np.mean(x * y), rtol=1e-5)


def test_every_critic_accumulates():
    game, state = made()
    batches = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(a_batch(seed=seed) for seed in (3, 4)))
    whole, parts = (
        jax.jit(steps.alternating(game, OPTIMIZERS, n_critic=2, micro_batches=m).step)(KEY, state, batches) for m in (1, 4)
    )
    assert_close(parts, whole, rtol=1e-5, atol=1e-6)


# --------------------------------------------------------------------------------------------------------- what is carried


def test_each_part_sees_the_statistics_and_the_memory_that_the_part_before_it_left():
    """By hand: the discriminator's passes of one part after the other, at the old parameters; the gradients' mean."""
    terms = (penalties.lecam(0.5, decay=0.5),)
    game, state = made(statistics=True, terms=terms)
    batch, after, gradients = a_batch(), state, []
    micro = jax.jit(lambda state, batch: steps.player_steps(game, OPTIMIZERS)[1](KEY, state, batch)[0])
    for part in range(2):
        moved = micro(after, Batch(batch.x[part::2]))
        gradients.append(jax.tree.map(lambda a, b: (a - b) / RATE, after.discriminator.params, moved.discriminator.params))
        after = moved._replace(discriminator=moved.discriminator._replace(params=state.discriminator.params))
    mean = jax.tree.map(lambda a, b: (a + b) / 2, *gradients)
    expected = jax.tree.map(lambda p, g: p - RATE * g, state.discriminator.params, mean)
    found, _ = jax.jit(steps.player_steps(game, OPTIMIZERS, micro_batches=2)[1])(KEY, state, batch)
    assert_close(found.discriminator.params, expected, rtol=1e-5, atol=1e-6)
    assert_close(found.discriminator.model_state, after.discriminator.model_state, rtol=1e-5, atol=1e-6)
    assert_close(found.memory, after.memory, rtol=1e-5, atol=1e-6)


def test_no_two_parts_draw_the_same_numbers():
    heard = []

    def overheard(key, n, axis_name=None):
        z = rng.latents(key, n, 3)
        jax.debug.callback(lambda z: heard.extend(np.asarray(z)[:, 0].tolist()), z)
        return z

    game, state = made(latents=overheard)
    jax.jit(steps.player_steps(game, OPTIMIZERS, micro_batches=4)[1])(KEY, state, a_batch())
    jax.effects_barrier()
    assert len(heard) == B
    assert len(set(heard)) == B


@pytest.mark.parametrize("mode", ["pmap", pytest.param("shard", marks=pytest.mark.slow)])
def test_on_four_devices_every_part_is_spread_over_all(mode):
    """Each part holds the same examples with the same latents on any number of devices, and batch statistics of its own."""
    game, state = made(latents=functools.partial(rng.latents, size=3), statistics=True)
    step = steps.alternating(game, OPTIMIZERS, micro_batches=2).step
    expected = jax.jit(step)(KEY, state, a_batch(16))
    copy = jax.tree.map(jnp.array, state)  # the step is given the buffers of its state
    assert_close(getattr(parallel, mode)(step)(KEY, copy, a_batch(16)), expected, rtol=1e-4, atol=1e-5)


# --------------------------------------------------------------------------------------------------- memory, and the errors


def test_eight_parts_need_a_fraction_of_the_memory_of_the_whole():
    """Of a network whose activations outweigh its parameters: an eighth of them, and the sums of the gradients."""
    wide = networks.from_module(networks.PointDiscriminator((64, 64, 64, 64)), (8,))
    generator = networks.from_module(networks.PointGenerator(8, ()), (3,))
    game = games.Adversarial(generator, wide, constant, losses.non_saturating)
    state = jax.eval_shape(lambda key: steps.init_state(key, generator, wide, OPTIMIZERS, game), KEY)
    batch = Batch(jax.ShapeDtypeStruct((4096, 8), jnp.float32))

    def peak(micro_batches):
        _, d_step = steps.player_steps(game, OPTIMIZERS, micro_batches=micro_batches)
        return jax.jit(d_step).lower(KEY, state, batch).compile().memory_analysis().temp_size_in_bytes

    assert peak(8) < peak(1) / 4


@pytest.mark.parametrize("micro_batches", [0, -1])
@pytest.mark.parametrize("make", [steps.player_steps, steps.alternating, steps.simultaneous])
def test_no_part_at_all_is_an_error(make, micro_batches):
    with pytest.raises(ValueError, match=f"micro_batches must be at least 1, found {micro_batches}"):
        make(made()[0], OPTIMIZERS, micro_batches=micro_batches)


@pytest.mark.parametrize("which", ["d_step", "g_step", "simultaneous", "alternating"])
def test_a_batch_that_is_no_multiple_of_the_parts_is_an_error(which):
    with pytest.raises(ValueError, match="must be a multiple of 3 micro-batches, found 8"):
        jax.eval_shape(compiled(which, 3), KEY, made()[1], a_batch())
