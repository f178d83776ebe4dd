"""WGAN-GP's residual networks: the published parameter counts, the options that go together."""

import jax
import jax.numpy as jnp
import pytest

from jgan import DataSpec
from jgan.models import wgan_gp
from jgan.networks import ResidualGenerator

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("preset", "side", "expected"),
    [("wgan_gp_cifar10_resnet", 32, (1_204_483, 1_053_825)), ("wgan_gp_64", 64, (8_540_483, 7_491_841))],
)
def test_the_parameter_counts_of_the_authors_residual_networks(preset, side, expected):
    """igul222/improved_wgan_training: gan_cifar_resnet.py without labels, gan_64x64.py."""
    config = wgan_gp.PRESETS[preset].config
    initial = [jax.eval_shape(net.init, KEY) for net in wgan_gp.networks(config, DataSpec.images((side, side, 3), 10))]
    assert tuple(sum(leaf.size for leaf in jax.tree.leaves(params)) for params, _ in initial) == expected
    assert [set(model_state) for _, model_state in initial] == [{"batch_stats"}, set()]


def test_the_parameter_count_of_the_generator_with_labels():
    """gan_cifar_resnet.py as it is shipped."""
    module = ResidualGenerator((32, 32, 3), (128,) * 4, n_classes=10)
    params = jax.eval_shape(module.init, KEY, jnp.zeros((1, 128)), jnp.zeros(1, jnp.int32))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 1_218_307


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (48, 32, 3), (64, 128, 3), (128, 128, 3)])
def test_sizes_that_fit(shape):
    gan = wgan_gp.make(wgan_gp.Config(architecture="resnet", width=1), DataSpec.images(shape, 10))

    def images_and_values(key):
        state = gan.init(key)
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
