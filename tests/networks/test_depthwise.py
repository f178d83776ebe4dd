"""Depthwise convolution against NumPy in float64, and its gradients against those of XLA's convolution with groups."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan.networks.depthwise import depthwise_conv, same_padding


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_channel(x, kernel, stride):
    return np.concatenate(
        [oracle.conv(x[..., c : c + 1], kernel[..., c, None, None], stride=stride) for c in range(x.shape[-1])], -1
    )


@pytest.mark.parametrize(("size", "stride", "height", "width"), [(3, 1, 5, 7), (3, 2, 8, 9), (5, 2, 8, 6), (4, 1, 4, 4)])
def test_each_channel_has_its_own_kernel(size, stride, height, width):
    x, kernel = drawn(2, height, width, 3), drawn(size, size, 3, seed=1)
    expected = by_channel(np.float64(x), np.float64(kernel), stride)
    np.testing.assert_allclose(depthwise_conv(x, kernel, stride=stride), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("size", "stride", "side"), [(3, 1, 5), (3, 2, 8), (5, 2, 8), (5, 2, 7), (3, 2, 7)])
def test_the_padding_and_the_gradients_are_those_of_xla(size, stride, side):
    x, kernel = drawn(2, side, side, 3), drawn(size, size, 3, seed=1)

    def xla(x, kernel):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, kernel[:, :, None], (stride, stride), "SAME", dimension_numbers=numbers, feature_group_count=3
        )

    def ours(x, kernel):
        return depthwise_conv(x, kernel, stride=stride, padding="SAME")

    found, expected = (
        jax.jit(lambda *args, f=f: (f(*args), jax.grad(lambda *args: jnp.sum(jnp.sin(f(*args))), (0, 1))(*args)))(x, kernel)
        for f in (ours, xla)
    )
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    assert same_padding(side, size, stride)[0] <= same_padding(side, size, stride)[1]


def test_a_kernel_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match=r"the kernel must fit into the image, found one of \(4, 4\) on 3x8"):
        depthwise_conv(drawn(1, 3, 8, 2), drawn(4, 4, 2))
