"""WGAN-GP's residual networks: the published parameter counts, the options that go together."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec
from jgan.models import wgan_gp
from jgan.models.options import Optimizer, Rule

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("preset", "side", "expected"),
    [
        ("wgan_gp_cifar10_resnet", 32, (1_204_483, 1_053_825)),
        ("wgan_gp_cifar10_labels", 32, (1_218_307, 1_055_115)),
        ("wgan_gp_64", 64, (8_540_483, 7_491_841)),
    ],
)
def test_the_parameter_counts_of_the_authors_residual_networks(preset, side, expected):
    """igul222/improved_wgan_training: gan_cifar_resnet.py without labels and as it is shipped, gan_64x64.py."""
    config = wgan_gp.PRESETS[preset].config
    initial = [
        jax.eval_shape(net.init, KEY) for net in wgan_gp.networks(config, DataSpec.images((side, side, 3), 10, n_classes=10))
    ]
    assert tuple(sum(leaf.size for leaf in jax.tree.leaves(params)) for params, _ in initial) == expected
    assert [set(model_state) for _, model_state in initial] == [{"batch_stats"}, set()]


def with_labels(**options):
    """A small model with labels, its critic, a state and a minibatch."""
    config = wgan_gp.small(wgan_gp.PRESETS["wgan_gp_cifar10_labels"].config)
    config = dataclasses.replace(config, dequantise=False, rule=Rule(), optimizer=Optimizer("sgd", 0.1), **options)
    spec = DataSpec.images((8, 8, 1), 10, n_classes=3)
    batch = Batch(jax.random.uniform(KEY, (6, 8, 8, 1)), y=jnp.arange(6) % 3)
    gan = wgan_gp.make(config, spec)
    return gan, wgan_gp.networks(config, spec)[1], jax.jit(gan.init)(KEY), batch


@pytest.mark.slow
def test_the_critic_learns_the_classes_of_real_images_alone():
    gan, critic, state, batch = with_labels(class_weight=2.0)
    new, metrics = jax.jit(gan.d_step)(KEY, state, batch)

    def cross_entropy(params):
        (_, classes), _ = critic.apply(params, {}, batch.x, batch.y)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(classes), batch.y[:, None], axis=1))

    value, gradient = jax.jit(jax.value_and_grad(cross_entropy))(state.discriminator.params)
    assert float(metrics["real_class_loss"]) == pytest.approx(float(value), rel=1e-5)
    for name, expected in gradient["classes"].items():
        change = state.discriminator.params["classes"][name] - new.discriminator.params["classes"][name]
        np.testing.assert_allclose(change, 0.1 * 2.0 * expected, rtol=1e-4, atol=1e-7)


@pytest.mark.slow
def test_the_generator_learns_the_classes_with_its_own_weight():
    changes = []
    for weight in (0.0, 0.1, 0.3):
        gan, _, state, batch = with_labels(g_class_weight=weight)
        new, _ = jax.jit(gan.g_step)(KEY, state, batch)
        changes.append(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(new.generator.params)]))
    assert np.abs(changes[1] - changes[0]).max() > 1e-5
    np.testing.assert_allclose(changes[2] - changes[0], 3 * (changes[1] - changes[0]), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("options", [{"architecture": "cnn"}, {"side": 64}, {"classes": 0}])
def test_what_cannot_have_labels(options):
    options = {"architecture": "resnet", "side": 32, "classes": 10} | options
    spec = DataSpec.images((options["side"], options["side"], 3), 10, n_classes=options["classes"])
    with pytest.raises(ValueError, match="labels"):
        wgan_gp.make(wgan_gp.Config(architecture=options["architecture"], labels=True), spec)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (48, 32, 3), (64, 128, 3), (128, 128, 3)])
def test_sizes_that_fit(shape):
    gan = wgan_gp.make(wgan_gp.Config(architecture="resnet", width=1), DataSpec.images(shape, 10))

    def images_and_values(key):
        state = jax.jit(gan.init)(key)
        images = gan.sample(key, state, 3)
        return images, gan.logits(state, images)

    images, values = jax.eval_shape(images_and_values, KEY)
    assert (images.shape, values.shape) == ((3, *shape), (3,))


def test_what_does_not_fit_the_residual_networks():
    with pytest.raises(ValueError, match=r"the residual WGAN-GP makes images .* nearest squares are 28x28 and 32x32"):
        wgan_gp.make(wgan_gp.Config(architecture="resnet"), DataSpec.images((30, 30, 1), 10))
    for option in ("batch_norm", "symmetric"):
        with pytest.raises(ValueError, match="found one of these options off: choose the cnn"):
            wgan_gp.make(wgan_gp.Config(architecture="resnet", **{option: False}), DataSpec.images((32, 32, 3), 10))
