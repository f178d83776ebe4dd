"""CycleGAN's losses against their formulas in NumPy, on the outputs of its own networks; its pool in training."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, models
from jgan.models import cyclegan
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
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam mixes an int32 count with Python floats
        after, metrics = jax.jit(gan.step)(KEY, state, BATCH)
    return gan, state, generate, after, metrics


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
        return adversarial + 3 * cycle + 2 * (mean(same["ba"], a) + mean(same["ab"], b))

    from jgan.gradients import generator_gradients

    expected = jax.jit(jax.grad(loss))(state.generator.params)
    found, _, _ = jax.jit(generator_gradients(game))(step_key(KEY, state.step), state, BATCH)
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_the_pool_keeps_the_fakes_of_each_domain(played):
    del played
    gan = models.make(dataclasses.replace(CONFIG, pool_size=3), SPEC)
    state = jax.jit(gan.init)(KEY)
    with jax.numpy_dtype_promotion("standard"):
        after, _ = jax.jit(gan.d_step)(KEY, state, BATCH)
    fakes = {"a": gan.generate(state, gan.inputs(KEY, 2, {"ba": BATCH["b"].x}))}
    np.testing.assert_allclose(after.memory["a"].images[:2], fakes["a"], atol=1e-5)
    assert {name: int(held.count) for name, held in after.memory.items()} == {"a": 2, "b": 2}


def test_other_data_are_refused():
    with pytest.raises(
        ValueError, match="this model is for the sets a and b of images of equal channels, found images of 8x8x1"
    ):
        models.make(CONFIG, DataSpec.images((8, 8, 1), 10))
