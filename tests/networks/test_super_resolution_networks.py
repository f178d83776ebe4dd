"""The networks of super-resolution: published parameter counts, PyTorch's order of channels, sizes and scales that fit."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import networks
from jgan.networks import (
    ESRGANDiscriminator,
    MSRResNet,
    RRDBNet,
    SRGANDiscriminator,
    SRResNet,
    UNetDiscriminator,
    subpixel,
)
from jgan.networks.rrdb import DenseBlock

COUNTS = [
    (SRResNet(), (24, 24, 3), 1_549_462),
    (SRResNet(blocks=5, output="tanh"), (22, 22, 3), 734_219),
    (MSRResNet(), (32, 32, 3), 1_517_571),
    (RRDBNet(), (32, 32, 3), 16_697_987),
    (RRDBNet(blocks=3), (32, 32, 3), 2_309_507),
    (RRDBNet(blocks=3, width=32, growth=16), (32, 32, 3), 578_755),
    (DenseBlock(), (8, 8, 64), 239_808),
    (SRGANDiscriminator(), (96, 96, 3), 23_565_505),
    (SRGANDiscriminator(head="pool"), (96, 96, 3), 4_689_088 + 512 * 1024 + 1024 + 1025),
    (ESRGANDiscriminator(), (128, 128, 3), 14_499_401),
    (UNetDiscriminator(), (256, 256, 3), 4_376_897),
]


@pytest.mark.parametrize(("module", "shape", "expected"), COUNTS, ids=lambda value: "" if not isinstance(value, int) else value)
def test_the_parameter_counts_of_the_published_networks(module, shape, expected):
    output, variables = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((1, *shape))))
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"])) == expected
    scale = getattr(module, "scale", None)
    if scale:
        assert output.shape == (1, scale * shape[0], scale * shape[1], 3)
    elif isinstance(module, UNetDiscriminator):
        assert output.shape == (1, *shape[:2])


def test_pixel_shuffle_is_that_of_pytorch():
    """`out[c, r h + i, r w + j] = in[c r^2 + i r + j, h, w]`, its definition in PyTorch, element by element."""
    x = np.arange(2 * 3 * 4 * 18).reshape(2, 3, 4, 18)
    found = np.asarray(subpixel.pixel_shuffle(jnp.asarray(x), 3))
    assert found.shape == (2, 9, 12, 2)
    for h, w, c, i, j in np.ndindex(3, 4, 2, 3, 3):
        np.testing.assert_array_equal(found[:, 3 * h + i, 3 * w + j, c], x[:, h, w, 9 * c + 3 * i + j])
    np.testing.assert_array_equal(subpixel.pixel_unshuffle(jnp.asarray(found), 3), x)
    with pytest.raises(ValueError, match="multiples of 4, found 18"):
        subpixel.pixel_shuffle(jnp.asarray(x), 2)
    with pytest.raises(ValueError, match="multiples of 2, found 3x4"):
        subpixel.pixel_unshuffle(jnp.asarray(x), 2)


def test_a_dense_block_starts_at_a_tenth_of_kaimings_weights_and_near_the_identity():
    block, x = DenseBlock(), jnp.ones((1, 4, 4, 64))
    y, variables = jax.jit(block.init_with_output)(jax.random.key(0), x)
    for index, inputs in enumerate((64, 96, 128, 160, 192)):
        kernel = variables["params"][f"conv_{index}"]["kernel"]
        assert kernel.shape[2] == inputs
        assert float(kernel.std()) == pytest.approx(0.1 * (2 / (9 * inputs)) ** 0.5, rel=0.03)
    assert 0 < float(jnp.abs(y - x).max()) < 0.2


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (SRResNet(scale=5, width=2, blocks=1), (4, 4, 3), "must be among 1, 2, 3, 4, 8, found 5"),
        (RRDBNet(scale=3, width=2, blocks=1), (4, 4, 3), "must be 4, 2 or 1, found 3"),
        (SRResNet(output="sigmoid", width=2), (4, 4, 3), "output"),
        (SRGANDiscriminator(width=2), (96, 88, 3), "multiples of 16, found 96x88"),
        (ESRGANDiscriminator(width=2, head="mean"), (32, 32, 3), "head"),
        (UNetDiscriminator(width=2), (12, 16, 3), "multiples of 8, found 12x16"),
    ],
)
def test_what_does_not_fit_is_refused(module, shape, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(networks.from_module(module, shape).init, jax.random.key(0))


def test_a_pooled_head_takes_any_size():
    network = networks.from_module(SRGANDiscriminator(width=2, levels=2, head="pool"), (8, 8, 3))
    other = networks.from_module(SRGANDiscriminator(width=2, levels=2, head="pool"), (16, 24, 3))
    given = jax.eval_shape(network.init, jax.random.key(0))
    assert jax.eval_shape(lambda p, s, x: other.apply(p, s, x)[0], *given, jnp.zeros((2, 16, 24, 3))).shape == (2,)
