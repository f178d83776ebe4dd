"""The steps of any game: who is updated, by which gradient, with which randomness, how often compiled; and the errors."""

import functools
from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import Batch, Game, GANState, Network, games, losses, networks, optim, steps
from jgan.types import Step

SHAPE, LATENT, B = (3, 2, 1), 4, 8
KEY = jax.random.key(0)


class Generator(nn.Module):
    """Batch statistics and all: what a convolutional generator has, in one layer."""

    @nn.compact
    def __call__(self, z, *, train=False, axis_name=None):
        h = nn.BatchNorm(use_running_average=not train, axis_name=axis_name)(nn.Dense(5)(z))
        return nn.sigmoid(nn.Dense(6)(nn.relu(h))).reshape(-1, *SHAPE)


class Discriminator(nn.Module):
    """Batch statistics and randomness."""

    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        h = nn.Dropout(0.5, deterministic=not train)(x.reshape(len(x), -1))
        h = nn.BatchNorm(use_running_average=not train, axis_name=axis_name)(nn.Dense(5)(h))
        return nn.Dense(1)(nn.relu(h))[:, 0]


def latents(key, n, axis_name=None):
    return jax.random.normal(key, (n, LATENT))


OPTIMIZERS = steps.Optimizers(optax.sgd(0.1, momentum=0.5), optax.sgd(0.2, momentum=0.5), ema=optim.EMA(optim.warmed_up(0.9)))
RELATIVISTIC = losses.Loss(  # Jolicoeur-Martineau (2018): a generator's loss that looks at the real examples
    discriminator=lambda real, fake: jax.nn.softplus(fake - real),
    generator=lambda real, fake: jax.nn.softplus(real - fake),
    relativistic=True,
)


class Played(NamedTuple):
    """A game, its first state, and its two updates compiled: made once for all tests."""

    game: Game
    state: GANState
    g_step: Step
    d_step: Step


@functools.cache
def played(loss=losses.non_saturating):
    generator = networks.from_module(Generator(), (LATENT,))
    discriminator = networks.from_module(Discriminator(), SHAPE)
    game = games.Adversarial(generator, discriminator, latents, loss)
    init = jax.jit(lambda key: steps.init_state(key, generator, discriminator, OPTIMIZERS))
    return Played(game, init(jax.random.key(1)), *map(jax.jit, steps.player_steps(game, OPTIMIZERS)))


@functools.cache
def compiled(schedule, loss=losses.non_saturating, *, fused=True, **options):
    """The schedule's step, compiled; it is an error to trace it twice."""
    game = played(loss).game
    step = getattr(steps, schedule)(game if fused else in_two_passes(game), OPTIMIZERS, **options).step
    chex.clear_trace_counter()  # steps made by the same lines share a counter
    return jax.jit(chex.assert_max_traces(step, n=1))


def in_two_passes(game):
    """The same game without `both`."""
    return games.Functions(game.fakes, game.g_loss, game.d_loss, game.memory)


def a_batch(*leading, seed=2):
    return Batch(jax.random.uniform(jax.random.key(seed), (*leading, B, *SHAPE)))


assert_identical = functools.partial(chex.assert_trees_all_equal, strict=True)
assert_close = functools.partial(chex.assert_trees_all_close, rtol=1e-5, atol=1e-6)  # sums in another order


def changed(before, after):
    return [not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)]


# ------------------------------------------------------------------------------------------------------------ isolation


@pytest.mark.parametrize("loss", [losses.non_saturating, RELATIVISTIC])
def test_d_step_touches_the_discriminator_alone_and_all_of_it(loss):
    _, state, _, d_step = played(loss)
    after, metrics = d_step(KEY, state, a_batch())
    assert_identical(after.generator, state.generator)
    assert after.step == state.step
    for part in ("params", "model_state", "opt_state"):
        assert any(changed(getattr(state.discriminator, part), getattr(after.discriminator, part))), part
    assert set(metrics) == {"d_loss", "d_real_accuracy", "d_fake_accuracy"}


@pytest.mark.parametrize("loss", [losses.non_saturating, RELATIVISTIC])
def test_g_step_touches_the_generator_alone_and_all_of_it(loss):
    _, state, g_step, _ = played(loss)
    after, metrics = g_step(KEY, state, a_batch())
    assert_identical(after.discriminator, state.discriminator)
    assert after.step == state.step + 1
    for part in ("params", "model_state", "opt_state", "ema"):
        assert any(changed(getattr(state.generator, part), getattr(after.generator, part))), part
    assert set(metrics) == {"g_loss"}


def test_the_batch_statistics_are_those_of_each_players_own_passes():
    """Flax keeps 0.99 of the old statistics a pass: G's moves once a step; D's twice, for the real and the fake pass."""
    _, state, g_step, d_step = played()
    latent_key, *_ = jax.random.split(jax.random.fold_in(KEY, state.step), 4)
    layer = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), state.generator.params["Dense_0"])
    mean = (np.asarray(latents(latent_key, B), np.float64) @ layer["kernel"] + layer["bias"]).mean(0)
    after, _ = g_step(KEY, state, a_batch())
    np.testing.assert_allclose(
        after.generator.model_state["batch_stats"]["BatchNorm_0"]["mean"], 0.01 * mean, rtol=1e-4, atol=1e-7
    )
    # A variance that starts at 1 and twice keeps 0.99 of itself may fall to 0.9801, not below; after one pass, to 0.99.
    after, _ = d_step(KEY, state, a_batch())
    variances = np.asarray(after.discriminator.model_state["batch_stats"]["BatchNorm_0"]["var"])
    assert (variances >= 0.99**2).all()
    assert variances.min() < 0.99


# ------------------------------------------------------------------------------------------------------------ schedules


@pytest.mark.parametrize(("n_critic", "fresh_latents"), [(1, False), (2, False), (2, True)])
def test_alternating_is_its_d_steps_and_then_a_g_step(n_critic, fresh_latents):
    """The last d_step has the run's own key, and g_step shares it; whoever else moves has a root key of his own."""
    _, state, g_step, d_step = played()
    batches, options = a_batch(n_critic), {}
    if n_critic > 1:
        options = {"n_critic": n_critic, "fresh_latents": fresh_latents}
    expected = state
    stream_key = [jax.random.fold_in(KEY, 2**31 + index) for index in range(n_critic)]
    for index, root in enumerate([*stream_key[:-1], KEY]):
        expected, d_metrics = d_step(root, expected, Batch(batches.x[index]))
    expected, g_metrics = g_step(stream_key[-1] if fresh_latents else KEY, expected, Batch(batches.x[-1]))
    step = compiled("alternating", **options)
    found, metrics = step(KEY, state, batches if n_critic > 1 else Batch(batches.x[0]))
    assert found.step == 1
    assert_close(found, expected)
    assert_close(metrics, d_metrics | g_metrics)


@pytest.mark.parametrize(
    ("loss", "fused"), [(losses.non_saturating, True), (losses.non_saturating, False), (RELATIVISTIC, True)]
)
def test_simultaneous_takes_both_gradients_at_the_same_parameters(loss, fused):
    """Whether one pass of D serves both players or each has its own."""
    _, state, g_step, d_step = played(loss)
    batch = a_batch()
    after_d, d_metrics = d_step(KEY, state, batch)
    after_g, g_metrics = g_step(KEY, state, batch)
    found, metrics = compiled("simultaneous", loss, fused=fused)(KEY, state, batch)
    assert_close(found, after_g._replace(discriminator=after_d.discriminator))
    assert_close(metrics, d_metrics | g_metrics)


def test_a_game_of_two_numbers_needs_no_network():
    """min_g max_d g d, by hand: the same steps serve a game without data, and a generator's loss that names its parameters."""
    game = games.Functions(
        fakes=lambda key, g, state, batch, axis_name: (g, {}),
        # g appears through the fakes (g d) and directly (g^2 / 2): both gradients count.
        g_loss=lambda key, own, state, batch, g, axis_name: (g * state.discriminator.params + own**2 / 2, ((), {})),
        d_loss=lambda key, d, state, batch, g, axis_name: (-g * d, ({}, (), {})),
    )
    optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.2))
    init = lambda value: jax.tree.map(jnp.float32, (value, {}))  # noqa: E731
    players = [
        steps.PlayerState(*init(value), optimizer.init(0.0))
        for value, optimizer in zip((1.0, 2.0), optimizers[:2], strict=True)
    ]
    state = steps.GANState(jnp.int32(0), *players)

    both, _ = steps.simultaneous(game, optimizers).step(KEY, state, None)
    assert both.generator.params == pytest.approx(1 - 0.1 * (2 + 1))
    assert both.discriminator.params == pytest.approx(2 + 0.2 * 1)
    in_turn, _ = steps.alternating(game, optimizers).step(KEY, state, None)
    assert in_turn.discriminator.params == pytest.approx(2.2)
    assert in_turn.generator.params == pytest.approx(1 - 0.1 * (2.2 + 1))


# ----------------------------------------------------------------------------------------------------------- randomness


def overhear(make_step, *batches):
    """Plays uncompiled steps of a game of a few numbers: `[(player, key, latents if the player is G), ...]`, pass by pass."""
    heard = []

    def network(who, function):
        def apply(params, model_state, x, *, key, **_):
            heard.append((who, tuple(jax.random.key_data(key).tolist()), np.asarray(x).tobytes() if who == "G" else None))
            return function(params, x), model_state

        return Network(init=lambda key: (jnp.ones(()), {}), apply=apply)

    generator = network("G", lambda p, z: p * z)
    discriminator = network("D", lambda p, x: p * x.sum(1))
    game = games.Adversarial(generator, discriminator, latents, losses.minimax)
    optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
    state = steps.init_state(KEY, generator, discriminator, optimizers)
    for batch in batches:
        state, _ = make_step(game, optimizers)(KEY, state, batch)
    return heard


def flat(*leading):
    return Batch(jnp.zeros((*leading, B, LATENT)))


def test_both_players_of_a_step_see_the_same_latents_and_masks():
    g_heard, d_heard = (overhear(lambda *game, i=i: steps.player_steps(*game)[i], flat()) for i in range(2))
    (d_fakes, d_real, d_fake), (g_fakes, g_fake) = d_heard, g_heard
    assert g_fakes == d_fakes
    assert g_fake == d_fake
    assert d_real[1] != d_fake[1]


@pytest.mark.parametrize("fresh_latents", [False, True])
def test_every_step_and_every_critic_draws_its_own(fresh_latents):
    options = {"n_critic": 3, "fresh_latents": fresh_latents}
    heard = overhear(lambda *game: steps.alternating(*game, **options).step, flat(3), flat(3))
    drawn = [z for who, _, z in heard if who == "G"]
    assert len(drawn) == 2 * (3 + fresh_latents)  # two steps, three critics; a pass of its own for G only if it asks for one
    assert len(set(drawn)) == len(drawn)
    masks = [key for who, key, _ in heard if who == "D"]
    assert len(masks) == 2 * (2 * 3 + 1)
    assert len(masks) - len(set(masks)) == (0 if fresh_latents else 2)  # the last critic's masks serve G again, once a step


def test_the_same_key_and_state_give_the_same_step_and_another_key_another():
    _, state, g_step, _ = played()
    once, _ = g_step(KEY, state, a_batch())
    assert_identical(g_step(KEY, state, a_batch())[0], once)
    assert any(changed(once.generator.params, g_step(jax.random.key(9), state, a_batch())[0].generator.params))
    later = state._replace(step=state.step + 1)
    assert any(changed(once.generator.params, g_step(KEY, later, a_batch())[0].generator.params))


# ---------------------------------------------------------------------------------------------------------- compilation


class TestTransformations(chex.TestCase):
    @chex.variants(with_jit=True, without_jit=True, with_pmap=True)
    def test_an_update_is_the_same_jitted_or_not_and_on_each_of_several_devices(self):
        game, state, g_step, _ = played()
        update, _ = steps.player_steps(game, OPTIMIZERS)
        found = self.variant(lambda state, batch: update(KEY, state, batch))(state, a_batch())
        assert_close(found, g_step(KEY, state, a_batch()))


@pytest.mark.parametrize("schedule", ["alternating", "simultaneous"])
def test_a_step_is_traced_once_and_keeps_the_types_of_its_state(schedule):
    state = played().state
    step = compiled(schedule)
    described = lambda tree: jax.tree.map(jax.typeof, tree)  # noqa: E731
    before = described(state)
    for seed in range(4):
        state, metrics = step(KEY, state, a_batch(seed=seed))
    assert described(state) == before
    assert not any(leaf.weak_type for leaf in jax.tree.leaves((state, metrics)))
    assert {leaf.dtype for leaf in jax.tree.leaves(metrics)} == {np.dtype(np.float32)}


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("schedule", ["alternating", "simultaneous"])
def test_images_of_another_shape_are_an_error_that_names_both(schedule):
    game, state, *_ = played()
    step = getattr(steps, schedule)(game, OPTIMIZERS).step
    for shape in ((B, 3, 2), (B, 2, 3, 1), (B, 6)):
        with pytest.raises(ValueError, match=rf"found \({', '.join(map(str, shape))}\) and \(8, 3, 2, 1\)"):
            jax.eval_shape(step, KEY, state, Batch(jnp.zeros(shape)))


def test_logits_with_a_trailing_axis_are_an_error_that_names_both_shapes():
    wide = Network(init=lambda key: ({}, {}), apply=lambda params, model_state, x, **_: (x.reshape(B, -1)[:, :1], model_state))
    game = games.Adversarial(networks.from_module(Generator(), (LATENT,)), wide, latents, losses.minimax)
    state = played().state
    for step in steps.player_steps(game, OPTIMIZERS):
        with pytest.raises(ValueError, match=r"logits \[8\], or a map .* found the shape \(8, 1\)"):
            jax.eval_shape(step, KEY, state, a_batch())


@pytest.mark.parametrize("n_critic", [0, -1])
def test_no_critic_at_all_is_an_error(n_critic):
    game = played().game
    with pytest.raises(ValueError, match=f"n_critic must be at least 1, found {n_critic}"):
        steps.alternating(game, OPTIMIZERS, n_critic=n_critic)


def test_a_batch_without_its_axis_of_critics_is_an_error_that_names_both_shapes():
    game, state, *_ = played()
    step = steps.alternating(game, OPTIMIZERS, n_critic=3).step
    with pytest.raises(ValueError, match=r"n_critic = 3, found \(8, 3, 2, 1\)"):
        step(KEY, state, a_batch())
