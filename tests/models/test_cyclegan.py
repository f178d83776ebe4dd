"""CycleGAN's losses against their formulas in NumPy, on the outputs of its own networks; its pool in training."""

import dataclasses
import functools
import itertools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import Batch, models, pool
from jgan.models import cyclegan, options
from jgan.rng import step_key
from jgan.types import DataSpec, Field

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
CONFIG = dataclasses.replace(cyclegan.small(cyclegan.Config()), cycle_weight=3.0, identity_weight=2.0, pool_size=0)
SPEC = DataSpec({name: Batch(Field((8, 8, 1))) for name in "ab"}, steps_per_epoch=2)
BATCH = {name: Batch(jnp.asarray(RNG.random((2, 8, 8, 1)), jnp.float32)) for name in "ab"}


@pytest.fixture(scope="module")
def played():
    """The model, its first state, and the networks' outputs in evaluation mode: instance norm is the same in training."""
    gan = models.make(CONFIG, SPEC)
    state = jax.jit(gan.init)(KEY)
    generate = jax.jit(lambda state, c: gan.generate(state, gan.inputs(KEY, 2, c)))
    after, metrics = jax.jit(gan.step)(KEY, state, BATCH)
    return gan, state, generate, after, metrics


def both(state):
    return state.generator.params, state.discriminator.params


def l1(x, y):
    return np.abs(np.asarray(x, np.float64) - np.asarray(y, np.float64)).mean()


@pytest.mark.slow
def test_the_cycle_and_identity_losses_are_their_formulas(played):
    _, state, generate, _, metrics = played
    a, b = BATCH["a"].x, BATCH["b"].x
    fake_b, fake_a = generate(state, {"ab": a}), generate(state, {"ba": b})
    cycle = l1(generate(state, {"ba": fake_b}), a) + l1(generate(state, {"ab": fake_a}), b)
    identity = l1(generate(state, {"ba": a}), a) + l1(generate(state, {"ab": b}), b)
    assert metrics["cycle_loss"] == pytest.approx(cycle, rel=1e-4)
    assert metrics["identity_loss"] == pytest.approx(identity, rel=1e-4)


@pytest.mark.slow
def test_the_adversarial_losses_are_least_squares_of_the_patches(played):
    _, state, generate, _, metrics = played
    fakes = {"a": generate(state, {"ba": BATCH["b"].x}), "b": generate(state, {"ab": BATCH["a"].x})}
    game = _game()
    player = state.discriminator
    real = game.discriminator.apply(player.params, player.model_state, {name: BATCH[name].x for name in "ab"})[0]
    fake = game.discriminator.apply(player.params, player.model_state, fakes)[0]
    square = lambda x, target: np.mean((np.asarray(x, np.float64) - target) ** 2)  # noqa: E731
    assert metrics["g_loss"] == pytest.approx(sum(square(fake[name], 1) for name in "ab"), rel=1e-4)
    expected = sum(square(real[name], 1) / 2 + square(fake[name], 0) / 2 for name in "ab")
    assert metrics["d_loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_a_step_with_views_is_the_step_on_images_mirrored_each_by_itself(played):
    gan, state, *_ = played
    from jgan import views
    from jgan.models.view_options import Views
    from jgan.rng import Stream, stream

    made = models.make(dataclasses.replace(CONFIG, views=Views(flip=True)), SPEC)
    seen = views.of_images(views.flip())(stream(step_key(KEY, state.step), Stream.VIEW), BATCH)
    found, expected, plain = (
        jax.jit(step)(KEY, state, batch)[1] for step, batch in ((made.g_step, BATCH), (gan.g_step, seen), (gan.g_step, BATCH))
    )
    assert float(found["cycle_loss"]) == pytest.approx(float(expected["cycle_loss"]), rel=1e-5)
    assert abs(float(found["cycle_loss"]) - float(plain["cycle_loss"])) > 1e-6


def _game():
    """The game of the model, rebuilt: `make` does not return it."""
    from jgan.losses import LOSSES
    from jgan.networks import PatchDiscriminator, ResNetGenerator, from_module, several

    size = {"width": CONFIG.g_width, "blocks": CONFIG.g_blocks, "downsamplings": CONFIG.g_downsamplings}
    generator = from_module(ResNetGenerator(channels=1, **size), (8, 8, 1))
    critic = from_module(PatchDiscriminator(width=CONFIG.d_width, layers=CONFIG.d_layers), (8, 8, 1))
    shapes = dict.fromkeys("ab", (8, 8, 1))
    return cyclegan.CycleGame(
        several(ab=generator, ba=generator), several(a=critic, b=critic), LOSSES[CONFIG.loss], CONFIG, shapes
    )


@pytest.mark.slow
def test_the_generators_gradient_is_that_of_the_whole_weighted_loss(played):
    """Against `jax.grad` of the loss written in one piece, through plain `generate`: no vjp of fakes, no stop of gradients."""
    _, state, _, _, _ = played
    game, a, b = _game(), BATCH["a"].x, BATCH["b"].x

    def run(network, params, images):
        return network.apply(params, {name: {} for name in params}, images, train=True)[0]

    def loss(params):
        fake = run(game.generator, params, {"ab": a, "ba": b})
        back = run(game.generator, params, {"ab": fake["ba"], "ba": fake["ab"]})
        same = run(game.generator, params, {"ab": b, "ba": a})
        logits = run(game.discriminator, state.discriminator.params, {"a": fake["ba"], "b": fake["ab"]})
        adversarial = sum(jnp.mean(jnp.square(logits[name] - 1)) for name in "ab")
        mean = lambda x, y: jnp.mean(jnp.abs(x - y))  # noqa: E731
        cycle = mean(back["ba"], a) + mean(back["ab"], b)
        return adversarial + 2 * 3 * cycle + 2 * 3 * 2 * (mean(same["ba"], a) + mean(same["ab"], b))

    from jgan.gradients import generator_gradients

    expected = jax.jit(jax.grad(loss))(state.generator.params)
    found, _, _ = jax.jit(generator_gradients(game))(step_key(KEY, state.step), state, BATCH)
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_the_orders_of_update_differ_in_whose_fakes_the_other_player_sees(played):
    """Simultaneous: both updates from the old networks. The generators first: the critics on fakes of the new generators."""
    gan, state, *_ = played
    first = models.make(dataclasses.replace(CONFIG, rule=options.Rule("generator_first")), SPEC)
    g_step, d_step = jax.jit(gan.g_step), jax.jit(gan.d_step)
    after_g, _ = g_step(KEY, state, BATCH)
    old, new = d_step(KEY, state, BATCH)[0], d_step(KEY, after_g._replace(step=state.step), BATCH)[0]
    at_once, turned = (jax.jit(made.step)(KEY, state, BATCH)[0] for made in (gan, first))
    close = functools.partial(chex.assert_trees_all_close, rtol=1e-4, atol=1e-6)
    close(at_once.discriminator.params, old.discriminator.params)
    close(turned.discriminator.params, new.discriminator.params)
    close(turned.generator.params, after_g.generator.params)
    assert at_once.step == turned.step == 1
    with pytest.raises(AssertionError):
        close(turned.discriminator.params, old.discriminator.params)


@pytest.mark.slow
def test_the_rates_of_both_players_fall_by_epochs():
    """In the third epoch, of 1 constant and 3 of decay, an update is half as long as in the first."""
    gan = models.make(dataclasses.replace(CONFIG, identity_weight=0.0, epochs=options.EpochDecay(1, 3)), SPEC)
    state, step = jax.jit(gan.init)(KEY), jax.jit(gan.step)
    moved = []
    for count in (0, 4):
        counted = optax.tree_utils.tree_set(state, count=jnp.asarray(count, jnp.int32))
        after, _ = step(KEY, counted, BATCH)
        moved.append(jax.tree.map(jnp.subtract, both(after), both(state)))
    half = jax.tree.map(lambda leaf: leaf / 2, moved[0])
    chex.assert_trees_all_close(moved[1], half, rtol=1e-3, atol=1e-7)
    for player in half:
        assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(player)) > 1e-5


@pytest.mark.slow
def test_the_pool_keeps_the_fakes_of_each_domain(played):
    del played
    gan = models.make(dataclasses.replace(CONFIG, pool_size=3), SPEC)
    state = jax.jit(gan.init)(KEY)
    after, _ = jax.jit(gan.d_step)(KEY, state, BATCH)
    fakes = {"a": gan.generate(state, gan.inputs(KEY, 2, {"ba": BATCH["b"].x}))}
    np.testing.assert_allclose(after.memory["a"].images[:2], fakes["a"], atol=1e-5)
    assert {name: int(held.count) for name, held in after.memory.items()} == {"a": 2, "b": 2}


@pytest.mark.slow
def test_the_discriminators_see_what_the_pool_returns(played):
    """A full pool returns one of its images, all 0 here, for half of the fakes: the loss is that of a mixture."""
    _, state, generate, *_ = played
    gan = models.make(dataclasses.replace(CONFIG, pool_size=3), SPEC)
    full = {name: pool.Pool(jnp.zeros((3, 8, 8, 1)), jnp.int32(3)) for name in "ab"}
    state = jax.jit(gan.init)(KEY)._replace(memory=full)
    fakes = {"a": generate(state, {"ba": BATCH["b"].x}), "b": generate(state, {"ab": BATCH["a"].x})}
    network, player = _game().discriminator, state.discriminator

    def judged(images):
        logits, _ = network.apply(player.params, player.model_state, images)
        return {name: np.asarray(value, np.float64) for name, value in logits.items()}

    real, fake, zero = (judged(x) for x in ({n: BATCH[n].x for n in "ab"}, fakes, {n: jnp.zeros((2, 8, 8, 1)) for n in "ab"}))
    mixtures = {}
    for swaps in itertools.product((False, True), repeat=4):
        shown = {n: np.stack([(zero if swaps[2 * i + j] else fake)[n][j] for j in (0, 1)]) for i, n in enumerate("ab")}
        losses = [np.mean((real[n] - 1) ** 2) / 2 + np.mean(shown[n] ** 2) / 2 for n in "ab"]
        mixtures[swaps] = sum(losses)
    step, seen = jax.jit(gan.d_step), set()
    for seed in range(8):
        value = float(step(jax.random.key(seed), state, BATCH)[1]["d_loss"])
        swaps, nearest = min(mixtures.items(), key=lambda item: abs(item[1] - value))
        assert value == pytest.approx(nearest, rel=1e-4)
        seen.add(swaps)
    assert len(seen) > 2


def test_other_data_are_refused():
    with pytest.raises(ValueError, match="this model is for the sets a and b of images, found images of 8x8x1: choose"):
        models.make(CONFIG, DataSpec.images((8, 8, 1), 10))
    mixed = DataSpec({"a": Batch(Field((8, 8, 1))), "b": Batch(Field((8, 8, 3)))}, steps_per_epoch=2)
    with pytest.raises(ValueError, match="needs sets of equal channels, found 1 and 3: set identity_weight to 0"):
        models.make(CONFIG, mixed)


def test_sets_of_different_channels_are_translated_without_an_identity_loss():
    mixed = DataSpec({"a": Batch(Field((8, 8, 1))), "b": Batch(Field((8, 8, 3)))}, steps_per_epoch=2)
    gan = models.make(dataclasses.replace(CONFIG, identity_weight=0.0), mixed)
    asked = lambda key, c: gan.generate(gan.init(key), gan.inputs(key, 2, c))  # noqa: E731
    grey, coloured = jnp.zeros((2, 8, 8, 1)), jnp.zeros((2, 8, 8, 3))
    assert jax.eval_shape(asked, KEY, {"ab": grey}).shape == coloured.shape
    assert jax.eval_shape(asked, KEY, {"ba": coloured}).shape == grey.shape


def count(tree):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def test_the_default_weights_are_the_authors():
    """10 for the cycle and 0.5 of it for the identity, on distances in [-1, 1], which are twice those in [0, 1]."""
    assert (cyclegan.Config().cycle_weight, cyclegan.Config().identity_weight) == (10, 0.5)


def test_the_authors_configuration_has_as_many_parameters_as_theirs():
    """Two ResNet-9 generators of 11,378,179 and two PatchGANs of 2,764,737."""
    published = cyclegan.Config(g_width=64, g_blocks=9, d_width=64, d_layers=3)
    spec = DataSpec({name: Batch(Field((256, 256, 3))) for name in "ab"}, steps_per_epoch=2)
    state = jax.eval_shape(models.make(published, spec).init, KEY)
    assert count(state.generator.params) + count(state.discriminator.params) == 28_285_832
    smaller = jax.eval_shape(models.make(dataclasses.replace(published, g_blocks=6), spec).init, KEY)
    assert count(smaller.generator.params) == 2 * 7_837_699
