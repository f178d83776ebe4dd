"""SN-GAN: the published parameter counts, its sizes, its power iterations."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec
from jgan.models import sngan
from jgan.networks import ResidualDiscriminator, ResidualGenerator


def counts(config, shape):
    """Of the parameters of both players."""
    state = jax.eval_shape(sngan.make(config, DataSpec.images(shape, 10)).init, jax.random.key(0))
    players = state.generator.params, state.discriminator.params
    return tuple(sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) for params in players)


def test_the_parameter_counts_of_the_plain_cnn():
    assert counts(sngan.Config(), (32, 32, 3)) == (3_813_379, 2_935_873)
    assert counts(sngan.Config(d_early=True), (32, 32, 3)) == (3_813_379, 5_860_865)


def test_the_parameter_counts_of_the_authors_residual_networks():
    config = sngan.Config(architecture="resnet", d_bias=False)
    assert counts(config, (32, 32, 3)) == (4_276_739, 1_053_824)
    assert counts(config, (28, 28, 3))[1] == 1_053_824  # from 7x7: one block less in the generator


@pytest.mark.parametrize(
    ("side", "expected"),
    [(32, (4_276_739, 1_053_825)), (64, (12_220_675, 10_141_441)), (128, (32_150_787, 29_017_857))],
)
def test_the_parameter_counts_of_mimicry(side, expected):
    assert counts(sngan.Config(architecture="resnet"), (side, side, 3)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["cnn", "resnet"])
@pytest.mark.parametrize(
    "shape", [(8, 8, 1), (10, 10, 1), (28, 28, 1), (32, 48, 3), (48, 48, 3), (64, 64, 3), (80, 64, 1), (112, 112, 3)]
)
def test_sizes_that_fit(architecture, shape):
    gan = sngan.make(sngan.Config(width=1, architecture=architecture), DataSpec.images(shape, 10))

    def images_and_logits(key):
        state = jax.jit(gan.init)(key)
        images = gan.sample(key, state, 3)
        return images, gan.logits(state, images)

    images, logits = jax.eval_shape(images_and_logits, jax.random.key(0))
    assert images.shape == (3, *shape)
    assert logits.shape == (3,)


@pytest.mark.parametrize(
    ("shape", "nearest"), [((30, 30, 1), "28x28 and 32x32"), ((3, 3, 1), "8x8"), ((64, 72, 3), "56x56 and 80x80")]
)
def test_sizes_that_do_not_fit(shape, nearest):
    message = rf"^SN-GAN makes images .* found {shape[0]}x{shape[1]}; the nearest squares are {nearest}$"
    with pytest.raises(ValueError, match=message):
        sngan.check(DataSpec.images(shape, 10))


def test_options_of_the_residual_networks_that_do_not_fit():
    z, x = jnp.zeros((1, 4)), jnp.zeros((1, 12, 14, 1))
    for module, value, message in (
        (ResidualGenerator((8, 8, 1), (4, 4)), z, "channels must have 3 numbers for these images, found 2"),
        (
            ResidualGenerator((8, 8, 1), (4, 4, 4), attention=16),
            z,
            "attention must be at maps with a side of 4, 8, or 0, found 16",
        ),
        (ResidualDiscriminator((4, 4)), x, "the sides of images must be multiples of 4, found 12x14"),
        (ResidualDiscriminator((4, 4), 1, attention=3), x, "attention must be at maps with a side of 6, or 0, found 3"),
    ):
        with pytest.raises(ValueError, match=message):
            jax.eval_shape(module.init, jax.random.key(0), value)


def test_the_presets_for_cifar10_draw_twice_as_many_fakes_for_the_generator():
    """pfnet-research/sngan_projection, 64 and 128; w86763777/pytorch-gan-collections, 128 and 256, and no noise."""
    for name, n_critic, dequantise in (("sngan_cifar10", 1, False), ("sngan_cifar10_resnet", 5, True)):
        config = sngan.PRESETS[name].config
        assert (config.rule.n_critic, config.rule.generator_batch, config.dequantise) == (n_critic, 2, dequantise)


@pytest.mark.slow
def test_an_update_of_d_makes_an_iteration_for_the_reals_and_one_for_the_fakes_and_one_of_g_none():
    config = sngan.small(sngan.Config())
    gan = sngan.make(config, DataSpec.images((8, 8, 1), 10))
    state = jax.jit(gan.init)(jax.random.key(0))
    batch = Batch(jax.random.uniform(jax.random.key(1), (4, 8, 8, 1)))
    vectors = lambda state: state.discriminator.model_state["spectral"]  # noqa: E731
    (after_d, metrics), (after_g, _) = (jax.jit(step)(jax.random.key(2), state, batch) for step in (gan.d_step, gan.g_step))
    assert metrics["d_loss"] == pytest.approx(2, rel=0.05)  # the hinge loss at logits near 0
    jax.tree.map(np.testing.assert_array_equal, vectors(after_g), vectors(state))
    assert len(vectors(state)) == 6
    for name, entry in vectors(state).items():
        kernel = np.float64(state.discriminator.params[name.removeprefix("spectral_")]["kernel"])
        kernel = kernel.reshape(-1, kernel.shape[-1])
        u = np.float64(entry["kernel"])
        for _ in range(2):
            u = kernel.T @ (kernel @ u)
            u /= np.linalg.norm(u)
        np.testing.assert_allclose(vectors(after_d)[name]["kernel"], u, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_in_bfloat16_images_and_logits_differ_by_its_8_bits():
    """Parameters and statistics are those of float32, see the contract; what the networks compute differs by a few percent."""
    spec, key = DataSpec.images((8, 8, 1), 10), jax.random.key(0)
    gans = [sngan.make(sngan.Config(architecture="resnet", width=4, dtype=dtype), spec) for dtype in ("float32", "bfloat16")]
    state, inputs = jax.jit(gans[0].init)(key), gans[0].inputs(key, 4)
    x = jax.random.uniform(jax.random.key(1), (4, 8, 8, 1))
    (images, logits), (images_16, logits_16) = (
        jax.jit(lambda state, gan=gan: (gan.generate(state, inputs), gan.logits(state, x)))(state) for gan in gans
    )
    for found, expected in ((images_16, images), (logits_16, logits)):
        assert found.dtype == jnp.float32
        assert (found != expected).any()
        np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
