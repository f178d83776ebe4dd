"""srgan, esrgan, realesrgan: published counts and options, losses against their formulas, views, what a phase takes over."""

import dataclasses
import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, Field, models, optim, phases
from jgan.degradations import RealESRGAN, sharpened
from jgan.features import maps
from jgan.models import esrgan, realesrgan, srgan, super_resolution
from jgan.networks import ESRGANDiscriminator, from_module
from jgan.types import PlayerState

KEY, RNG = jax.random.key(0), np.random.default_rng(0)
X, C = (jnp.asarray(RNG.random((4, side, side, 3)), jnp.float32) for side in (16, 4))
BATCH = Batch(X, None, C)
FULL = DataSpec(Batch(Field((256, 256, 3)), None, Field((64, 64, 3))), steps_per_epoch=2)
HALF = DataSpec(Batch(Field((128, 128, 3)), None, Field((64, 64, 3))), steps_per_epoch=2)


def count(tree):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    ("config", "generator", "discriminator"),
    [
        (srgan.Config(), 1_549_462, 23_565_505),
        (srgan.Config(generator="msrresnet"), 1_517_571, 23_565_505),
        (srgan.Config(g_blocks=5, output="tanh", d_head="pool"), 734_219, 5_215_425),
        pytest.param(esrgan.Config(), 16_697_987, 14_499_401, marks=pytest.mark.slow),
        (models.presets()["esrgan_photographs"].config, 578_755, None),
        pytest.param(realesrgan.Config(), 16_697_987, 4_376_897, marks=pytest.mark.slow),
    ],
)
def test_the_published_networks_have_as_many_parameters(config, generator, discriminator):
    first, second = models.phases(config, FULL)
    state = jax.eval_shape(second.gan.init, KEY)
    assert count(state.generator.params) == count(jax.eval_shape(first.gan.init, KEY).generator.params) == generator
    if discriminator:
        assert count(state.discriminator.params) == discriminator


def test_the_published_options():
    for config, lr, crop, steps in (
        (srgan.Config(), 1e-4, 24, 1_000_000),
        (esrgan.Config(), 2e-4, 32, 1_000_000),
        (realesrgan.Config(), 2e-4, 64, 1_000_000),
    ):
        assert (config.pretrain.learning_rate, config.crop.side, config.pretrain_steps) == (lr, crop, steps)
        assert (config.optimizer.learning_rate, config.optimizer.b1, config.rule.name) == (1e-4, 0.9, "simultaneous")
    assert (esrgan.Config().optimizer.b2, srgan.Config().optimizer.b2) == (0.99, 0.999)
    weights = lambda config: (config.pixel_weight, config.perceptual.weight, config.adversarial_weight)  # noqa: E731
    assert [weights(module.Config()) for module in (srgan, esrgan, realesrgan)] == [(0, 1, 1e-3), (0.01, 1, 5e-3), (1, 1, 0.1)]
    halved = esrgan.Config().schedule.factor()
    assert [float(halved(step)) for step in (49_999, 50_000, 399_999)] == [1, 0.5, 0.0625]
    tenth = srgan.Config().schedule.factor()
    assert [round(float(tenth(step)), 6) for step in (99_999, 100_000)] == [1, 0.1]
    restarts = esrgan.Config().pretrain_schedule.factor()
    assert float(restarts(249_999)) * 2e-4 == pytest.approx(1e-7, rel=1e-3)
    assert [float(restarts(step)) for step in (0, 250_000)] == [1, 1]


SMALL = dataclasses.replace(
    esrgan.small(esrgan.Config(pixel_weight=0.3, adversarial_weight=0.7)),
    crop=super_resolution.Crop(0, flip=False, turn=False),
    perceptual=super_resolution.Perceptual("random:0", 2.0, layers=("conv1_2", "conv3_1"), layer_weights=(0.5, 3.0)),
)


@functools.cache
def played():
    """The two phases of a small ESRGAN without random views: the states, and the metrics of a step from them."""
    first, second = models.phases(SMALL, esrgan.SMALL_SPEC)
    before = jax.jit(first.gan.init)(KEY)
    trained, first_metrics = jax.jit(first.gan.step)(KEY, before, BATCH)
    state = jax.jit(second.enter)(KEY, trained)
    after, metrics = jax.jit(second.gan.step)(KEY, state, BATCH)
    return before, trained, first_metrics, state, after, metrics


@pytest.mark.slow
def test_the_losses_are_their_formulas():
    before, _, first_metrics, state, _, metrics = played()
    network, _ = esrgan.generator(SMALL, esrgan.SMALL_SPEC)
    apply = jax.jit(lambda params: network.apply(params, {}, C)[0])
    made = lambda params: np.asarray(apply(params), np.float64)  # noqa: E731
    x = np.asarray(X, np.float64)
    assert first_metrics["pixel_loss"] == pytest.approx(np.abs(made(before.generator.params) - x).mean(), rel=1e-5)
    fakes = made(state.generator.params)
    assert metrics["l1_to_target"] == pytest.approx(np.abs(fakes - x).mean(), rel=1e-5)
    layers = dict(zip(maps.choose("random:0").layers, range(6), strict=True))
    look = jax.jit(maps.choose("random:0").apply)
    on_fake, on_real = (look(jnp.asarray(images, jnp.float32)) for images in (fakes, x))
    distance = {name: float(jnp.abs(on_fake[index] - on_real[index]).mean()) for name, index in layers.items()}
    assert metrics["perceptual_loss"] == pytest.approx(0.5 * distance["conv1_2"] + 3 * distance["conv3_1"], rel=1e-4)
    judge = from_module(ESRGANDiscriminator(SMALL.d_width, SMALL.d_levels, SMALL.d_head), (16, 16, 3))
    player = state.discriminator
    logits = jax.jit(lambda images: judge.apply(player.params, player.model_state, images, train=True)[0])
    real, fake = (np.asarray(logits(jnp.asarray(images, jnp.float32)), np.float64) for images in (x, fakes))
    softplus = lambda t: np.logaddexp(0, t).mean()  # noqa: E731
    d_loss = (softplus(-(real - fake.mean())) + softplus(fake - real.mean())) / 2
    g_loss = (softplus(real - fake.mean()) + softplus(-(fake - real.mean()))) / 2
    assert metrics["d_loss"] == pytest.approx(d_loss, rel=1e-4)
    assert metrics["g_loss"] == pytest.approx(0.7 * g_loss, rel=1e-4)


@pytest.mark.slow
def test_the_pixel_loss_of_the_adversarial_phase_counts_by_its_weight():
    """A step of plain descent with this loss alone goes `rate * weight` along its gradient."""
    sgd = dataclasses.replace(SMALL.optimizer, name="sgd", learning_rate=0.01, b1=0.0)
    none = super_resolution.Perceptual("none")
    config = dataclasses.replace(SMALL, adversarial_weight=0.0, perceptual=none, optimizer=sgd, pretrain_steps=0)
    (phase,) = models.phases(config, esrgan.SMALL_SPEC)
    network, _ = esrgan.generator(config, esrgan.SMALL_SPEC)
    state = jax.jit(phase.gan.init)(KEY)
    after, _ = jax.jit(phase.gan.step)(KEY, state, BATCH)
    slope = jax.jit(jax.grad(lambda params: jnp.mean(jnp.abs(network.apply(params, {}, C)[0] - X))))(state.generator.params)
    expected = jax.tree.map(lambda p, g: p - 0.01 * 0.3 * g, state.generator.params, slope)
    moved = jax.tree.map(jnp.subtract, after.generator.params, state.generator.params)
    wanted = jax.tree.map(jnp.subtract, expected, state.generator.params)
    chex.assert_trees_all_close(moved, wanted, rtol=2e-2, atol=2e-7)


def test_vgg_features_count_as_if_divided_by_the_authors_number():
    """SRGAN's code divides the maps by 12.75 before they are squared."""
    assert srgan.VGG54["conv5_4"] * 12.75**2 == pytest.approx(1)


@pytest.mark.slow
def test_the_adversarial_phase_begins_with_the_averaged_generator_and_moves_both_players():
    _, trained, _, state, after, _ = played()
    chex.assert_trees_all_equal(state.generator.params, trained.generator.ema.params)
    assert not np.array_equal(*(jax.tree.leaves(player.params)[0] for player in (trained.generator, state.generator)))
    for player in ("generator", "discriminator"):
        moved = [jax.tree.leaves(getattr(each, player).params)[0] for each in (state, after)]
        assert not np.array_equal(*moved)
    assert state.step == 0


def test_no_weight_of_the_features_is_in_the_state():
    """A frozen network belongs to the function of the loss: neither optimiser nor checkpoint knows it."""
    with_features, without = (
        jax.eval_shape(
            models.phases(dataclasses.replace(SMALL, perceptual=super_resolution.Perceptual(features)), esrgan.SMALL_SPEC)[
                -1
            ].gan.init,
            KEY,
        )
        for features in ("random:0", "none")
    )
    assert count(with_features) == count(without)


def test_a_model_whose_features_are_not_at_hand_can_be_sampled_and_not_trained():
    config = dataclasses.replace(SMALL, perceptual=super_resolution.Perceptual("vgg19:nowhere.pth"))
    gan = models.make(config, esrgan.SMALL_SPEC)
    state = jax.eval_shape(gan.init, KEY)
    assert jax.eval_shape(lambda s: gan.generate(s, gan.inputs(KEY, 4, C)), state).shape == (4, 16, 16, 3)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth: expected a file of weights"):
        jax.eval_shape(gan.step, KEY, state, BATCH)


@pytest.mark.slow
def test_real_esrgan_compares_with_sharpened_images_and_lets_the_discriminator_see_the_true_ones():
    """The targets of the terms against the sharpened examples; the judge's loss does not change with sharpening."""
    plain = dataclasses.replace(realesrgan.small(realesrgan.Config()), crop=super_resolution.Crop(0, flip=False, turn=False))
    found = {}
    for sharpen in (False, True):
        gan = models.make(dataclasses.replace(plain, sharpen=sharpen), esrgan.SMALL_SPEC)
        state = jax.jit(gan.init)(KEY)
        found[sharpen] = jax.jit(gan.step)(KEY, state, BATCH)[1]
    network, _ = esrgan.generator(plain, esrgan.SMALL_SPEC)
    made = jax.jit(network.apply)(state.generator.params, {}, C)[0]  # the states of both are one: they have one key
    for sharpen, target in ((False, X), (True, sharpened(X))):
        assert found[sharpen]["l1_to_target"] == pytest.approx(float(jnp.abs(made - target).mean()), rel=1e-4)
    assert found[True]["d_loss"] == found[False]["d_loss"]
    assert found[True]["l1_to_target"] != found[False]["l1_to_target"]


@pytest.mark.slow
def test_the_small_images_of_real_esrgan_are_made_from_the_large_ones():
    view = realesrgan.degrading(RealESRGAN())
    seen = jax.eval_shape(view, KEY, BATCH)
    assert (seen.x.shape, seen.c.shape) == (X.shape, C.shape)
    spy = lambda key, images, axis_name=None: images[:, ::4, ::4]  # noqa: E731
    np.testing.assert_array_equal(realesrgan.degrading(spy)(KEY, BATCH).c, X[:, ::4, ::4])


@pytest.mark.parametrize("turn", [False, True])
def test_a_view_cuts_the_same_place_out_of_both_images(turn):
    """Large images that repeat each pixel of the small ones 4 x 4 times stay so."""
    small = jnp.asarray(RNG.random((3, 9, 11, 3)), jnp.float32)
    batch = Batch(jnp.repeat(jnp.repeat(small, 4, axis=1), 4, axis=2), None, small)
    seen = super_resolution.Crop(5, turn=turn).view(4)(KEY, batch)
    assert (seen.x.shape, seen.c.shape) == ((3, 20, 20, 3), (3, 5, 5, 3))
    np.testing.assert_array_equal(seen.x[:, ::4, ::4], seen.c)


def test_scales_follow_from_the_data():
    assert super_resolution.scale_of(HALF) == 2
    gan = models.make(dataclasses.replace(SMALL, crop=super_resolution.Crop(8)), HALF)
    assert (gan.whole.scale, gan.condition.shape) == (2, (8, 8, 3))


def test_what_does_not_fit_is_refused():
    photographs = DataSpec(
        Batch(Field((320, 321, 3), "photographs"), None, Field((80, 80, 3), "photographs")), steps_per_epoch=2
    )
    with pytest.raises(ValueError, match="choose another --dataset"):
        models.make(SMALL, photographs)
    photographs = DataSpec(
        Batch(Field((320, 480, 3), "photographs"), None, Field((80, 120, 3), "photographs")), steps_per_epoch=2
    )
    with pytest.raises(ValueError, match=r"trained on in crops: give --model\.crop\.side"):
        models.make(SMALL, photographs)
    with pytest.raises(ValueError, match="from 1 to the sides of the smallest low resolution, 80x120, found 81"):
        models.make(dataclasses.replace(SMALL, crop=super_resolution.Crop(81)), photographs)
    with pytest.raises(ValueError, match="equally many, found 1 and 0"):
        models.make(
            dataclasses.replace(SMALL, perceptual=super_resolution.Perceptual("random:0", layers=("conv1_1",))),
            esrgan.SMALL_SPEC,
        )
    with pytest.raises(ValueError, match=r"unknown perceptual\.features 'vgg16', did you mean 'vgg19'"):
        models.make(dataclasses.replace(SMALL, perceptual=super_resolution.Perceptual("vgg16:a")), esrgan.SMALL_SPEC)


def test_weights_between_two_phases_are_means_of_the_averaged_ones():
    player = lambda value, ema: PlayerState(  # noqa: E731
        {"w": jnp.full(2, value)}, {"batch_stats": jnp.full(1, 10 * value)}, (), ema
    )
    average = optim.EMA(lambda count: 0.5).init({"w": jnp.full(2, 4.0)}, {"batch_stats": jnp.full(1, 8.0)})
    found = phases.interpolated(player(1.0, average), player(2.0, ()), 0.25)
    np.testing.assert_allclose(found.params["w"], 0.75 * 4 + 0.25 * 2)
    np.testing.assert_allclose(found.model_state["batch_stats"], 0.75 * 8 + 0.25 * 20)
    assert found.ema == ()
    with pytest.raises(ValueError, match=r"in \[0, 1\], found 1.5"):
        phases.interpolated(player(1.0, ()), player(2.0, ()), 1.5)
