"""SAGAN: parameter counts, the places of the attention, the published options."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec
from jgan.models import options, sagan
from jgan.networks import ResidualDiscriminator, ResidualGenerator, resnet


def initial(config, shape):
    return jax.eval_shape(sagan.make(config, DataSpec.images(shape, 10)).init, jax.random.key(0))


def counts(config, shape):
    """Of the parameters of both players."""
    state = initial(config, shape)
    players = state.generator.params, state.discriminator.params
    return tuple(sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) for params in players)


def class_gains(channels, classes):
    """How many more parameters the published generator has for its labels: a gain and a shift for each class in its blocks."""
    normalised = sum(before + after for before, after in itertools.pairwise(channels))
    return 2 * normalised * (classes - 1)


PUBLISHED = {(32, 10): (4_386_308, 1_075_586), (128, 1000): (42_078_852, 39_463_618)}
"""Of mimicry's SAGAN 32 and of the authors' SAGAN 128, by the sides of the images and the number of classes."""


def test_the_parameter_counts_are_the_published_ones_without_labels():
    """The published networks have labels, and with them an embedding in D too."""
    generator, discriminator = counts(sagan.Config(), (32, 32, 3))
    assert (generator + class_gains([256] * 4, 10), discriminator + 10 * 128) == PUBLISHED[32, 10]
    generator, discriminator = counts(sagan.Config(), (128, 128, 3))
    more = class_gains([1024, 1024, 512, 256, 128, 64], 1000)
    assert (generator + more, discriminator + 1000 * 1024) == PUBLISHED[128, 1000]


@pytest.mark.parametrize(("side", "classes"), PUBLISHED)
def test_the_parameter_counts_of_the_same_modules_with_labels(side, classes):
    shape, labels = (side, side, 3), np.zeros(1, np.int32)
    up, down = resnet.channels(shape)
    places = sagan.places(shape)
    modules = (
        (ResidualGenerator(shape, up, spectral=True, attention=places[0], n_classes=classes), np.zeros((1, 128), np.float32)),
        (
            ResidualDiscriminator(down, resnet.halvings(shape, len(down)), wide=True, attention=places[1], n_classes=classes),
            np.zeros((1, *shape), np.float32),
        ),
    )
    found = (jax.eval_shape(module.init, jax.random.key(0), x, labels)["params"] for module, x in modules)
    assert tuple(sum(leaf.size for leaf in jax.tree.leaves(params)) for params in found) == PUBLISHED[side, classes]


def test_all_layers_have_spectral_normalisation():
    state = initial(sagan.Config(), (32, 32, 3))
    for player in (state.generator, state.discriminator):
        kernels = [path for path, _ in jax.tree_util.tree_leaves_with_path(player.params) if path[-1].key == "kernel"]
        assert len(jax.tree.leaves(player.model_state["spectral"])) == len(kernels)


def test_the_parameter_counts_of_dcgan_s_networks_with_attention():
    """Of heykeetae/Self-Attention-GAN for 64x64: pooling has no parameters."""
    for pooled in (False, True):
        assert counts(sagan.Config(architecture="plain", pooled=pooled), (64, 64, 3)) == (3_832_885, 3_175_299)


def test_dcgan_s_networks_have_attention_after_their_last_two_hidden_layers():
    state = initial(sagan.Config(architecture="plain"), (64, 64, 3))
    attentive = [
        {name: player.params[name]["value"]["kernel"].shape[-1] for name in player.params if name.startswith("attention")}
        for player in (state.generator, state.discriminator)
    ]
    assert attentive == [{"attention_2": 128, "attention_3": 64}, {"attention_2": 256, "attention_3": 512}]
    with pytest.raises(ValueError, match="leave out g_attention, d_attention"):
        initial(sagan.Config(architecture="plain", d_attention=8), (64, 64, 3))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(8, 8, 1), (10, 20, 3), (28, 28, 1)])
def test_every_parameter_of_dcgan_s_networks_with_attention_is_trained(shape):
    """Once the attention's gain is not 0, which hides what it multiplies."""
    small = sagan.small(sagan.Config(architecture="plain", pooled=False, loss="non_saturating"))
    adam = options.Optimizer("adam", learning_rate=1e-3)
    gan = sagan.make(dataclasses.replace(small, optimizer=adam), DataSpec.images(shape, 10))
    before = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.ones(()) if "'gamma'" in jax.tree_util.keystr(path) and leaf.shape == () else leaf,
        jax.jit(gan.init)(jax.random.key(0)),
    )
    images = jax.random.uniform(jax.random.key(1), (4, *shape))
    after, metrics = jax.jit(gan.step)(jax.random.key(2), before, Batch(images))
    assert all(np.isfinite(value) for value in metrics.values())
    for player in ("generator", "discriminator"):
        old, new = (jax.tree_util.tree_leaves_with_path(getattr(state, player).params) for state in (before, after))
        still = [jax.tree_util.keystr(path) for (path, x), (_, y) in zip(old, new, strict=True) if (x == y).all()]
        assert not still


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8, 8, 1), (4, 4)),
        ((10, 10, 1), (10, 5)),
        ((28, 28, 1), (14, 7)),
        ((32, 32, 3), (16, 8)),
        ((48, 32, 3), (16, 8)),
        ((64, 64, 3), (16, 16)),
        ((128, 128, 3), (32, 32)),
    ],
)
def test_the_places_of_the_attention(shape, expected):
    assert sagan.places(shape) == expected
    state = initial(sagan.Config(width=1), shape)
    assert "attention" in state.generator.params
    assert "attention" in state.discriminator.params


def test_the_attention_elsewhere():
    """At maps with other channels: 64x64 images have 64 in the last block of G and 512 in the fourth of D."""
    state = initial(sagan.Config(g_attention=64, d_attention=4), (64, 64, 3))
    assert state.generator.params["attention"]["output"]["kernel"].shape == (1, 1, 32, 64)
    assert state.discriminator.params["attention"]["output"]["kernel"].shape == (1, 1, 256, 512)
    with pytest.raises(ValueError, match="attention must be at maps with a side of 8, 16, 32, 64, or 0, found 4"):
        initial(sagan.Config(g_attention=4), (64, 64, 3))


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^SAGAN makes images .* found 30x30; the nearest squares are 28x28 and 32x32$"):
        sagan.check(DataSpec.images((30, 30, 1), 10))


def test_the_published_options():
    config = sagan.Config()
    assert (config.optimizer.learning_rate, config.optimizer.d_learning_rate) == (1e-4, 4e-4)
    assert (config.optimizer.b1, config.optimizer.b2, config.optimizer.decay_steps) == (0.0, 0.9, 0)
    assert (config.loss, config.rule.n_critic, config.latent_size) == ("hinge", 1, 128)


@pytest.mark.parametrize("pooled", [True, False])
def test_each_pixel_attends_to_pooled_keys_or_to_all(pooled):
    """At maps of 4x4, 16 pixels, to 4 of them or to 16."""
    gan = sagan.make(sagan.Config(width=1, pooled=pooled), DataSpec.images((8, 8, 1), 10))
    state, inputs = jax.eval_shape(lambda key: (gan.init(key), gan.inputs(key, 2)), jax.random.key(0))
    logits = lambda state, images: gan.logits(state, images)  # noqa: E731
    for program in (
        jax.make_jaxpr(lambda state, inputs: gan.generate(state, inputs))(state, inputs),
        jax.make_jaxpr(logits)(state, jax.ShapeDtypeStruct((2, 8, 8, 1), np.float32)),
    ):
        assert ("f32[2,16,4]" in str(program)) == pooled
        assert ("f32[2,16,16]" in str(program)) == (not pooled)
