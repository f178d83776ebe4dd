"""WGAN-GP's networks: published parameter counts, sizes, initial weights. `twin_wgan_gp.py` has their values."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.networks import WGANGPCritic, WGANGPGenerator, wgan_gp


def count(module, *shape):
    params = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, *shape)))["params"]
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize(
    ("shape", "options", "generator", "critic"),
    [
        ((28, 28, 1), {"batch_norm": False, "symmetric": False}, 1_554_177, 1_030_145),
        ((32, 32, 3), {}, 1_565_955, 1_033_345),
        ((32, 32, 3), {"width": 128}, 5_179_907, 4_114_689),
    ],
)
def test_the_authors_parameter_counts(shape, options, generator, critic):
    assert count(WGANGPGenerator(shape, **options), 128) == generator
    assert count(WGANGPCritic(options.get("width", 64)), *shape) == critic


@pytest.mark.parametrize(
    ("shape", "smallest", "stages"),
    [
        ((5, 5, 1), (2, 2), 2),
        ((8, 8, 1), (2, 2), 2),
        ((28, 28, 1), (4, 4), 3),
        ((31, 45, 3), (4, 6), 3),
        ((33, 33, 1), (3, 3), 4),
        ((64, 64, 3), (4, 4), 4),
    ],
)
def test_images_of_any_size(shape, smallest, stages):
    assert (wgan_gp.sizes(shape)[-1], len(wgan_gp.sizes(shape)) - 1) == (smallest, stages)
    made = jax.eval_shape(lambda: WGANGPGenerator(shape, 2).init_with_output(jax.random.key(0), jnp.zeros((3, 5)))[0])
    assert made.shape == (3, *shape)
    values = jax.eval_shape(lambda: WGANGPCritic(2).init_with_output(jax.random.key(0), jnp.zeros((3, *shape)))[0])
    assert values.shape == (3,)


def test_an_image_smaller_than_a_kernel_is_refused():
    with pytest.raises(ValueError, match=r"kernels of 5x5 .* found 4x28; the nearest is 5x28"):
        wgan_gp.sizes((4, 28, 1))


def test_initial_weights_have_the_authors_spread():
    """A kernel's standard deviation is sqrt(4 / (fan in + fan out)), its fans of stride 2 a fourth; a dense one is Glorot's."""
    generator = jax.jit(WGANGPGenerator((32, 32, 3), 16).init)(jax.random.key(0), jnp.zeros((1, 128)))["params"]
    critic = jax.jit(WGANGPCritic(16).init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    expected = {
        "project": math.sqrt(2 / (128 + 1024)),
        "up_1": math.sqrt(4 / (25 * 64 / 4 + 25 * 32)),
        "up_2": math.sqrt(4 / (25 * 32 / 4 + 25 * 16)),
        "output": math.sqrt(4 / (25 * 16 / 4 + 25 * 3)),
    }
    for name, std in expected.items():
        kernel = np.asarray(generator[name]["kernel"])
        assert kernel.std() == pytest.approx(std, rel=0.05)
        assert abs(kernel).max() <= std * math.sqrt(3) * 1.0001
    assert not any(generator[name].any() for name in ("bias_0", "bias_1", "bias_2"))
    expected = {
        "down_1": math.sqrt(4 / (25 * 16 + 25 * 32 / 4)),
        "down_2": math.sqrt(4 / (25 * 32 + 25 * 64 / 4)),
        "output": math.sqrt(2 / (1024 + 1)),
    }
    for name, std in expected.items():
        assert np.asarray(critic[name]["kernel"]).std() == pytest.approx(std, rel=0.05)


@pytest.mark.slow
def test_a_bias_that_batch_norm_undoes_has_no_gradient():
    """That of the training mode is 0 but for rounding; one that is not 0 would be a step of Adam of any size."""
    module, z = WGANGPGenerator((8, 8, 1), 2), jnp.asarray(np.random.default_rng(0).normal(size=(4, 5)), jnp.float32)
    variables = module.init(jax.random.key(0), z)

    def loss(params):
        made, _ = module.apply(variables | {"params": params}, z, train=True, mutable=["batch_stats"])
        return jnp.sum(jnp.sin(9 * made))

    gradient = jax.grad(loss)(variables["params"])
    assert not any(gradient[name].any() for name in ("bias_0", "bias_1"))
    assert gradient["output"]["bias"].all()
    shifted = jax.tree.map(lambda leaf: leaf, variables["params"])
    shifted["bias_0"] += 3.0
    assert loss(shifted) == pytest.approx(float(loss(variables["params"])), rel=1e-4)
