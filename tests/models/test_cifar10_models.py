"""The CIFAR-10 models of the paper: the authors' sizes, and the game on contrast-normalised images."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, models
from jgan.models import gan2014, gan2014_conv
from jgan.models.options import Rule

SMALL = dataclasses.replace(
    models.presets()["cifar10_fc"].config, g_units=(8, 8), d_units=(6,), d_irange=0.1, input_keep=1.0, hidden_keep=1.0
)
SPEC = DataSpec.images((4, 4, 3), steps_per_epoch=2)


def test_the_authors_fully_connected_configuration():
    spec = DataSpec.images((32, 32, 3), 400)
    shapes = [
        sorted(leaf.shape for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0))[0]) if leaf.ndim == 2)
        for network in gan2014.networks(models.presets()["cifar10_fc"].config, spec)
    ]
    assert shapes == [[(100, 8000), (8000, 3072), (8000, 8000)], [(1600, 1), (1600, 8000), (3072, 8000)]]


def test_the_output_weights_have_their_own_range():
    params = jax.jit(gan2014.make(SMALL, SPEC).init)(jax.random.key(0)).generator.params
    greatest = lambda layer: np.abs(params[layer]["affine"]["kernel"]).max()  # noqa: E731
    assert 0.04 < greatest("hidden_0") <= 0.05
    assert 0.4 < greatest("output") <= 0.5


@pytest.mark.parametrize("n_critic", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_brightness_and_contrast_of_the_real_images_do_not_matter(n_critic):
    """That is what the normalisation is for; so a x + b in place of x changes no update."""
    config = dataclasses.replace(SMALL, rule=Rule("alternating", n_critic=n_critic))
    gan = gan2014.make(config, SPEC)
    images = np.random.default_rng(0).random((4, 4, 4, 3), np.float32)
    if n_critic > 1:
        images = np.stack([images, images[::-1]])
    key = jax.random.key(0)
    state, step = jax.jit(gan.init)(key), jax.jit(gan.step)
    seen, dimmed = (step(key, state, Batch(jnp.asarray(x)))[0] for x in (images, 0.5 * images + 0.2))
    for a, b in zip(jax.tree.leaves(seen), jax.tree.leaves(dimmed), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_discriminator_sees_the_image_of_norm_55():
    """A game on images normalised beforehand, in NumPy, without the normalisation, is the same game."""
    images = np.random.default_rng(0).random((4, 4, 4, 3))
    centred = images - images.mean((1, 2, 3), keepdims=True)
    normalized = 55 * centred / np.sqrt((centred**2).sum((1, 2, 3), keepdims=True))
    key = jax.random.key(0)
    inside, outside = (gan2014.make(dataclasses.replace(SMALL, contrast_normalized=c), SPEC) for c in (True, False))
    state = jax.jit(inside.init)(key)
    found, metrics = jax.jit(inside.d_step)(key, state, Batch(jnp.asarray(images, jnp.float32)))
    expected, others = jax.jit(outside.d_step)(key, state, Batch(jnp.asarray(normalized, jnp.float32)))
    assert metrics["d_loss"] == pytest.approx(float(others["d_loss"]), rel=1e-5)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"marginal_bias is a logit"):
        gan2014.make(dataclasses.replace(SMALL, marginal_bias=True), SPEC)
    with pytest.raises(ValueError, match=r"needs g_output 'linear'"):
        gan2014.make(dataclasses.replace(SMALL, g_output="sigmoid"), SPEC)
    with pytest.raises(ValueError, match=r"g_activations must have one value, or one for each of the 3 layers, found 2"):
        gan2014.make(dataclasses.replace(SMALL, g_units=(8, 8, 8)), SPEC)
    with pytest.raises(ValueError, match=r"3 d_channels, 2 d_kernels"):
        gan2014_conv.make(gan2014_conv.Config(d_kernels=(8, 8)), DataSpec.images((32, 32, 3), 312))


def test_real_images_are_brought_into_the_form_of_the_generated_ones():
    """Only where the model makes contrast-normalised images: their mean and norm are those of the pictures it shows."""
    images = jnp.asarray(np.random.default_rng(0).random((4, 8, 8, 3), np.float32))
    for name, expected in (("cifar10_fc", True), ("cifar10_conv", True), ("mnist", False)):
        config = models.presets()[name].config
        view = models.find(config).real_view(config)
        assert (view is not None) == expected
    conv = models.MODELS["gan2014_conv"].real_view(gan2014_conv.Config())
    np.testing.assert_allclose(conv(images), conv(0.5 * images + 0.2), atol=1e-5)
