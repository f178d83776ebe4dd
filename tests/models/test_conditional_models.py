"""The models with labels: published parameter counts, and what the labels change."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jgan import Batch, DataSpec, models, networks
from jgan.models import acgan, biggan, cdcgan, options, projection, r3gan, stylegan2
from jgan.networks.biggan import ConditionedBatchNorm, started
from jgan.types import Network

DIGITS = DataSpec.images((28, 28, 1), steps_per_epoch=10, n_classes=10)
PHOTOGRAPHS = DataSpec.images((32, 32, 3), steps_per_epoch=10, n_classes=10)
IMAGENET = DataSpec.images((128, 128, 3), steps_per_epoch=10, n_classes=1000)


def preset(name):
    return models.presets()[name].config


@pytest.mark.parametrize(
    ("model", "config", "spec", "expected"),
    [
        # The conditional MNIST model of DCGAN's authors; Odena et al., appendix; pfnet-research/sngan_projection.
        pytest.param(cdcgan, preset("cdcgan_mnist"), DIGITS, (6_820_538, 6_688_202), id="cdcgan"),
        pytest.param(acgan, acgan.Config(), PHOTOGRAPHS, (626_691, 1_664_875), id="acgan"),
        # ajbrock/BigGAN-PyTorch, the scripts for CIFAR-10 and for ImageNet 128x128.
        pytest.param(biggan, preset("biggan_cifar10"), PHOTOGRAPHS, (4_304_387, 4_207_361), id="biggan"),
        pytest.param(biggan, preset("biggan_128"), IMAGENET, (70_433_988, 87_982_370), id="biggan_128", marks=pytest.mark.slow),
        pytest.param(
            biggan, preset("biggan_deep_128"), IMAGENET, (50_244_484, 34_590_210), id="biggan_deep_128", marks=pytest.mark.slow
        ),
        pytest.param(projection, preset("projection_cifar10"), PHOTOGRAPHS, (4_304_387, 1_055_104), id="projection"),
        pytest.param(projection, projection.Config(), IMAGENET, (41_996_931, 30_041_857), id="projection_128"),
    ],
)
def test_the_parameter_counts_of_the_published_networks(model, config, spec, expected):
    def count(network):
        return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0))[0]))

    assert tuple(map(count, model.networks(config, spec))) == expected


@pytest.mark.parametrize(
    ("model", "config", "classes", "expected"),
    [
        # brownvc/R3GAN and NVlabs/stylegan2-ada-pytorch with their flag --cond=1; R3GAN on ImageNet of 32x32.
        (r3gan, r3gan.PUBLISHED["cifar10"], 10, (20_781_952, 21_280_512)),
        (r3gan, r3gan.PUBLISHED["imagenet32"], 1000, (82_914_304, 86_548_992)),
        (stylegan2, stylegan2.CONFIGS["cifar"], 10, (20_215_315, 23_089_664)),
    ],
)
def test_the_parameter_counts_of_models_that_may_have_labels(model, config, classes, expected):
    spec = DataSpec.images((32, 32, 3), steps_per_epoch=10, n_classes=classes, batch_size=64)
    state = jax.eval_shape(model.make(dataclasses.replace(config, labels=True), spec).init, jax.random.key(0))
    counts = [sum(leaf.size for leaf in jax.tree.leaves(player.params)) for player in (state.generator, state.discriminator)]
    assert tuple(counts) == expected


def test_acgan_weighs_the_class_of_real_and_of_generated_images_for_both_players(monkeypatch):
    taken = []
    monkeypatch.setattr(acgan, "play", lambda *args, terms, **options: taken.extend(terms))
    acgan.make(acgan.Config(class_weight=3.0), DIGITS)
    of_real, of_fake = taken
    assert (of_real.name, of_real.generator, of_real.discriminator) == ("real_class_loss", 0, 3)
    assert (of_fake.name, of_fake.generator, of_fake.discriminator) == ("fake_class_loss", 3, 3)


@pytest.mark.parametrize("model", [projection, biggan])
def test_what_a_label_adds_to_a_logit_depends_on_the_image(model):
    """By the projection: the difference of the logits of two labels is linear in the features, and has a gradient by them."""
    spec = DataSpec.images((8, 8, 1), steps_per_epoch=10, n_classes=3)
    _, discriminator = model.networks(model.small(model.Config()), spec)
    params, model_state = jax.jit(discriminator.init)(jax.random.key(0))
    x = jax.random.uniform(jax.random.key(1), (2, 8, 8, 1))

    def difference(x):
        first, second = (discriminator.apply(params, model_state, x, jnp.full(2, label))[0] for label in (0, 1))
        return jnp.sum(first - second)

    slope = np.asarray(jax.jit(jax.grad(difference), compiler_options={"xla_backend_optimization_level": 0})(x))
    assert np.abs(slope).max() > 1e-6


@pytest.mark.parametrize("model", [r3gan, stylegan2])
def test_labels_that_the_data_do_not_have_are_asked_for_in_vain(model):
    config = dataclasses.replace(model.small(model.Config()), labels=True)
    with pytest.raises(ValueError, match=r"images with class labels, found images of 8x8x1: choose another --dataset"):
        model.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10, batch_size=4))


def test_the_gain_and_the_shift_of_a_conditioned_normalisation_are_linear_in_the_condition():
    """By kernels of spectral norm 1, as `numpy.linalg.svd` has it; the gain is centred at 1."""
    x = np.random.default_rng(0).normal(2, 3, (16, 2, 2, 4)).astype(np.float32)
    condition = np.random.default_rng(1).normal(size=(16, 5)).astype(np.float32)
    layer = ConditionedBatchNorm()
    variables = layer.init(jax.random.key(0), x, condition)
    for _ in range(100):  # the power iteration converges
        y, changed = layer.apply(variables, x, condition, train=True, mutable=["batch_stats", "spectral"])
        variables = {"params": variables["params"], **changed}
    kernels = {name: np.asarray(variables["params"][name]["kernel"], np.float64) for name in ("gain", "shift")}
    gain, shift = (condition @ (kernel / np.linalg.svd(kernel)[1][0]) for kernel in kernels.values())
    normed = (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(y, normed * (1 + gain[:, None, None]) + shift[:, None, None], atol=1e-3)


def test_truncated_latents_are_normal_ones_cut_off_at_two_times_psi():
    seen = biggan.truncated(Network(lambda key: ({}, {}), lambda params, state, z, **_: (z, state)), 0.5)
    z = jax.random.normal(jax.random.key(0), (4000, 1))
    found = np.asarray(seen.apply({}, {}, z)[0])[:, 0]
    assert np.abs(found).max() < 1.0
    assert stats.kstest(found, stats.truncnorm(-2, 2, scale=0.5).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(np.argsort(found), np.argsort(np.asarray(z)[:, 0]))  # the ranks stay


@pytest.mark.slow
def test_the_orthogonal_regularisation_is_in_the_generator_s_gradient_alone():
    spec, key = biggan.MODEL.small_spec, jax.random.key(0)
    batch = Batch(jax.random.uniform(key, (4, 8, 8, 1)), jnp.array([0, 1, 2, 0]))
    config = biggan.small(biggan.Config(rule=options.Rule()))
    after = []
    for weight in (0.0, 10.0):
        gan = biggan.make(dataclasses.replace(config, orthogonal=weight), spec)
        after.append(jax.jit(gan.step)(key, gan.init(key), batch)[0])
    plain, regular = after
    for a, b in zip(jax.tree.leaves(plain.discriminator.params), jax.tree.leaves(regular.discriminator.params), strict=True):
        np.testing.assert_array_equal(a, b)
    kernels = [state.generator.params["block_1"]["conv_1"]["kernel"] for state in after]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-7


def test_kernels_start_orthogonal():
    network = started(networks.from_module(networks.PointGenerator(2, (4,)), (3,)), biggan.INITIALISERS["orthogonal"])
    kernel = np.asarray(jax.jit(network.init)(jax.random.key(0))[0]["Dense_0"]["kernel"])
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(3), atol=1e-5)


def test_biggan_deep_without_blocks_is_refused():
    with pytest.raises(ValueError, match="depth must be at least 1, found 0"):
        biggan.networks(biggan.Config(deep=True, depth=0), biggan.MODEL.small_spec)


def test_latents_that_cannot_be_cut_are_refused():
    config = biggan.Config(latent_size=7, shared=True, width=1)
    with pytest.raises(ValueError, match="latent_size must be a multiple of 3 for these images, found 7"):
        biggan.networks(config, biggan.MODEL.small_spec)[0].init(jax.random.key(0))
