"""The networks of the tests on stacked MNIST: parameter counts, sizes. Values: `twin_lsgan.py`, `twin_crippled.py`."""

import jax
import jax.numpy as jnp
import pytest

from jgan.networks import (
    CrippledDiscriminator,
    CrippledGenerator,
    FourStageDiscriminator,
    FourStageGenerator,
    UnrolledDiscriminator,
    UnrolledGenerator,
)


def count(module, *shape):
    params = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, *shape)))["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_the_parameter_counts_of_unrolled_gan():
    """Of G, and of D with half and a quarter of its channels."""
    assert count(UnrolledGenerator(), 256) == 287_875
    assert [count(UnrolledDiscriminator(width), 28, 28, 3) for width in (4, 2)] == [1_889, 585]


def test_the_parameter_counts_of_progan_s_test():
    """Of G, and of D with K = 2 and K = 4."""
    assert count(CrippledGenerator(), 64) == 90_187
    assert [count(CrippledDiscriminator(width), 32, 32, 3) for width in (4, 2)] == [1_861, 571]


def test_the_parameter_counts_of_veegan_and_pacgan():
    """Of fjxmlzn/PacGAN, VEEGAN_experiment; the last D judges two images at once."""
    assert count(FourStageGenerator((28, 28, 3)), 100) == 4_514_819
    assert [count(FourStageDiscriminator(), 28, 28, channels) for channels in (3, 6)] == [4_310_401, 4_315_201]


@pytest.mark.parametrize(("shape", "base"), [((5, 9, 1), (1, 1)), ((28, 28, 3), (2, 2)), ((33, 64, 1), (3, 4))])
def test_images_of_any_size(shape, base):
    images, variables = jax.eval_shape(
        lambda: FourStageGenerator(shape, 2).init_with_output(jax.random.key(0), jnp.zeros((3, 5)))
    )
    assert images.shape == (3, *shape)
    assert variables["params"]["project"]["kernel"].shape == (5, base[0] * base[1] * 16)
    params = jax.eval_shape(FourStageDiscriminator(2).init, jax.random.key(0), jnp.zeros((3, *shape)))["params"]
    assert params["output"]["kernel"].shape == (base[0] * base[1] * 16, 1)
