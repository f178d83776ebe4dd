"""pix2pix: parameter counts, losses against their formulas on the outputs of its own networks, dropout and statistics."""

import dataclasses
import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, Field, models
from jgan.models import pix2pix
from jgan.networks import PatchDiscriminator, from_module

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
SPEC = DataSpec(Batch(Field((8, 8, 3)), None, Field((8, 8, 1))), steps_per_epoch=2)
SMALL = pix2pix.small(pix2pix.Config(l1_weight=3.0, adversarial_weight=0.5))
X, C = (jnp.asarray(RNG.random((4, 8, 8, channels)), jnp.float32) for channels in (3, 1))
BATCH = Batch(X, None, C)


def count(tree):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    ("fields", "side", "generator", "discriminator"),
    [
        ({}, 256, 54_413_955, 2_768_705),
        ({"d_layers": 0}, 256, 54_413_955, 9_024),
        ({}, 128, 41_828_995, 2_768_705),
        ({"g_levels": 7, "norm": "batch"}, 256, 41_828_995, 2_768_705),
    ],
)
def test_the_published_networks_have_as_many_parameters(fields, side, generator, discriminator):
    spec = DataSpec(Batch(Field((side, side, 3)), None, Field((side, side, 3))), steps_per_epoch=2)
    state = jax.eval_shape(models.make(pix2pix.Config(**fields), spec).init, KEY)
    assert count(state.generator.params) == generator
    assert count(state.discriminator.params) == discriminator


def test_the_published_configuration():
    config = pix2pix.Config()
    assert (config.l1_weight, config.adversarial_weight, config.norm, config.keep) == (100, 1, "batch", 0.5)
    assert dataclasses.astuple(config.optimizer)[:5] == ("adam", 2e-4, 0.0, 0.5, 0.999)
    assert (config.epochs.constant, config.epochs.decay, config.rule.name) == (100, 100, "alternating")


@functools.cache
def played():
    """The model, its first state, and the two updates from it."""
    gan = models.make(SMALL, SPEC)
    state = jax.jit(gan.init)(KEY)
    return gan, state, jax.jit(gan.g_step)(KEY, state, BATCH)[1], jax.jit(gan.d_step)(KEY, state, BATCH)


@pytest.mark.slow
def test_the_losses_are_their_formulas():
    """Of the fakes of the step, which are made anew from its key, and of the critic on targets and sources joined."""
    gan, state, g_metrics, (_, d_metrics) = played()
    from jgan.rng import Stream, step_key, stream

    seeds = gan.inputs(stream(step_key(KEY, state.step), Stream.LATENTS), 4).z
    generator, player = pix2pix.generator(SMALL, SPEC), state.generator
    fakes, _ = generator.apply(player.params, player.model_state, seeds, C, train=True)
    critic = from_module(PatchDiscriminator("batch", width=SMALL.d_width, layers=SMALL.d_layers), (8, 8, 4))
    player = state.discriminator
    judge = lambda x: np.asarray(  # noqa: E731
        critic.apply(player.params, player.model_state, jnp.concatenate([x, C], -1), train=True)[0], np.float64
    )
    real, fake = judge(X), judge(fakes)
    softplus = lambda t: np.logaddexp(0, t).mean()  # noqa: E731
    assert g_metrics["g_loss"] == pytest.approx(0.5 * softplus(-fake), rel=1e-4)
    assert g_metrics["l1_to_target"] == pytest.approx(np.abs(np.float64(fakes) - np.float64(X)).mean(), rel=1e-4)
    assert d_metrics["d_loss"] == pytest.approx((softplus(-real) + softplus(fake)) / 2, rel=1e-4)


@pytest.mark.slow
def test_the_generators_gradient_is_that_of_the_whole_weighted_loss():
    """The L1 distance counts in units of [-1, 1], twice that of [0, 1]: against `jax.grad` of the loss in one piece."""
    gan, state, *_ = played()
    sgd = dataclasses.replace(SMALL, optimizer=dataclasses.replace(SMALL.optimizer, name="sgd", learning_rate=1.0))
    sgd = dataclasses.replace(sgd, epochs=dataclasses.replace(sgd.epochs, decay=0))
    from jgan.rng import Stream, step_key, stream

    plain = models.make(sgd, SPEC)
    state = jax.jit(plain.init)(KEY)
    seeds = gan.inputs(stream(step_key(KEY, state.step), Stream.LATENTS), 4).z
    generator, player = pix2pix.generator(SMALL, SPEC), state.discriminator
    critic = from_module(PatchDiscriminator("batch", width=SMALL.d_width, layers=SMALL.d_layers), (8, 8, 4))

    def loss(params):
        fakes, _ = generator.apply(params, state.generator.model_state, seeds, C, train=True)
        logits, _ = critic.apply(player.params, player.model_state, jnp.concatenate([fakes, C], -1), train=True)
        signed = lambda x: 2 * x - 1  # noqa: E731
        return 0.5 * jnp.mean(jax.nn.softplus(-logits)) + 3 * jnp.mean(jnp.abs(signed(fakes) - signed(X)))

    expected = jax.jit(jax.grad(loss))(state.generator.params)
    after = jax.jit(plain.g_step)(KEY, state, BATCH)[0]
    found = jax.tree.map(jnp.subtract, state.generator.params, after.generator.params)
    chex.assert_trees_all_close(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_step_with_views_is_the_step_on_jittered_and_mirrored_pairs():
    _, state, _, (expected, metrics) = played()
    from jgan import views
    from jgan.models.view_options import AUTHORS
    from jgan.rng import Stream, step_key, stream

    viewed = models.make(dataclasses.replace(SMALL, views=AUTHORS), SPEC)
    after, found = jax.jit(viewed.d_step)(KEY, state, BATCH)
    assert abs(float(found["d_loss"]) - float(metrics["d_loss"])) > 1e-6  # of the pairs as they are
    view = views.of_images(views.jitter(286 / 256), views.flip())
    seen = view(stream(step_key(KEY, state.step), Stream.VIEW), BATCH)
    expected, metrics = jax.jit(played()[0].d_step)(KEY, state, seen)
    assert float(found["d_loss"]) == pytest.approx(float(metrics["d_loss"]), rel=1e-5)
    chex.assert_trees_all_close(after.discriminator.params, expected.discriminator.params, rtol=1e-3, atol=1e-5)


def samples(statistics, sources, key=KEY, **fields):
    config = dataclasses.replace(SMALL, statistics=statistics, **fields)
    gan, (_, state, _, _) = models.make(config, SPEC), played()
    return np.asarray(gan.sample(key, state, len(sources), images=np.asarray(sources), ema=False))


@pytest.mark.slow
def test_dropout_is_the_noise_of_samples():
    one, again, other = (samples("average", C, key) for key in (KEY, KEY, jax.random.key(1)))
    np.testing.assert_array_equal(one, again)
    assert all((one != other).any((1, 2, 3)))
    gan = models.make(dataclasses.replace(SMALL, g_dropouts=0), SPEC)
    assert gan.inputs(KEY, 2, C[:2]).z == ()
    np.testing.assert_array_equal(samples("average", C, g_dropouts=0), samples("average", C, jax.random.key(1), g_dropouts=0))


@pytest.mark.slow
def test_the_statistics_of_samples():
    """`image`: an image's own, as when it is asked for alone. `batch`: those of training. `average`: of neither."""
    still = {"g_dropouts": 0}
    own = samples("image", C, **still)
    np.testing.assert_allclose(own[1:2], samples("image", C[1:2], **still), atol=1e-5)
    np.testing.assert_allclose(own[1:2], samples("batch", C[1:2], **still), atol=1e-5)
    together = samples("batch", C, **still)
    assert not np.allclose(together, own, atol=1e-3)
    network, (_, state, _, _) = pix2pix.generator(dataclasses.replace(SMALL, **still), SPEC), played()
    trained, _ = network.apply(state.generator.params, state.generator.model_state, C, train=True)
    np.testing.assert_allclose(together, trained, atol=1e-5)
    average = samples("average", C, **still)
    np.testing.assert_allclose(average[1:2], samples("average", C[1:2], **still), atol=1e-5)
    assert not np.allclose(average, own, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (30, 17)])
def test_any_size_has_its_levels(height, width):
    spec = DataSpec(Batch(Field((height, width, 3)), None, Field((height, width, 1))), steps_per_epoch=2)
    gan = models.make(dataclasses.replace(SMALL, g_levels=0), spec)
    sources = jax.ShapeDtypeStruct((2, height, width, 1), jnp.float32)
    drawn = jax.eval_shape(lambda key, c: gan.generate(gan.init(key), gan.inputs(key, 2, c)), KEY, sources)
    assert drawn.shape == (2, height, width, 3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="this model is for pairs of images of equal sides, found images of 8x8x1: choose"):
        models.make(SMALL, DataSpec.images((8, 8, 1), 10))
    other_sides = DataSpec(Batch(Field((8, 8, 1)), None, Field((8, 4, 1))), steps_per_epoch=2)
    with pytest.raises(ValueError, match="this model is for pairs of images of equal sides"):
        models.make(SMALL, other_sides)
    with pytest.raises(ValueError, match="unknown statistics 'averages', did you mean 'average'"):
        models.make(dataclasses.replace(SMALL, statistics="averages"), SPEC)
    with pytest.raises(ValueError, match="UNetGenerator of 4 levels takes images whose sides are at least 9, found 8x8"):
        jax.eval_shape(models.make(dataclasses.replace(SMALL, g_levels=4), SPEC).init, KEY)
