"""Resized convolutions, residual blocks and self-attention, against their definitions in NumPy float64."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan.networks import ConvMeanPool, ResidualBlock, SelfAttention, UpsampleConv, resample
from jgan.networks.layers import glorot_uniform


def drawn(module, *shape, seed=0):
    """Variables of every size, and an input; the gains are about 1."""
    generator = np.random.default_rng(seed)
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros(shape))
    leaves, tree = jax.tree.flatten(shapes)
    variables = jax.tree.unflatten(tree, [0.5 * generator.normal(size=leaf.shape).astype(np.float32) for leaf in leaves])
    return variables, generator.normal(size=shape).astype(np.float32)


def repeated(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def pooled(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def close(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("layer", [UpsampleConv, ConvMeanPool])
def test_a_resized_convolution_is_the_two_operations(layer, size):
    module = layer(4, size)
    variables, x = drawn(module, 2, 6, 4, 3)
    kernel, bias = (np.float64(variables["params"][name]) for name in ("kernel", "bias"))
    up = layer is UpsampleConv
    expected = oracle.conv(repeated(np.float64(x)) if up else np.float64(x), kernel, bias, padding=size // 2)
    close(jax.jit(module.apply)(variables, x), expected if up else pooled(expected))


def test_resizing():
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(resample.nearest(x), repeated(x))
    close(resample.average_pool(x), pooled(np.float64(x)))
    for call in (resample.average_pool, lambda x: ConvMeanPool(2).init(jax.random.key(0), x)):
        with pytest.raises(ValueError, match="the sides of images that are halved must be even, found 4x5"):
            call(jnp.zeros((1, 4, 5, 1)))
    with pytest.raises(ValueError, match="UpsampleConv needs kernels with an odd side, found 4"):
        UpsampleConv(2, 4).init(jax.random.key(0), jnp.zeros((1, 4, 4, 1)))


def block_in_numpy(params, x, *, resample, first, norm):
    """In training mode, the resampling apart from the convolutions, the shortcut's at full size."""
    up, down = repeated if resample == "up" else lambda x: x, pooled if resample == "down" else lambda x: x
    act = lambda h, index: oracle.relu(oracle.batch_norm(h, params[f"norm_{index}"]) if norm else h)  # noqa: E731
    conv = lambda name, h, padding: oracle.conv(h, params[name]["kernel"], params[name]["bias"], padding=padding)  # noqa: E731
    h = conv("conv_1", up(x if first else act(x, 1)), 1)
    h = down(conv("conv_2", act(h, 2), 1))
    return h + (down(conv("shortcut", up(x), 0)) if "shortcut" in params else x)


@pytest.mark.parametrize(
    ("features", "resample", "hidden", "first", "norm"),
    [(4, "up", 0, False, True), (4, "down", 3, False, False), (3, "none", 5, False, True), (4, "down", 0, True, False)],
)
def test_a_residual_block_is_its_definition(features, resample, hidden, first, norm):
    module = ResidualBlock(features, resample, hidden, first, norm)
    variables, x = drawn(module, 2, 4, 6, 3)
    assert variables["params"]["conv_1"]["kernel"].shape[-1] == (hidden or features)
    assert ("shortcut" in variables["params"]) == (resample != "none" or features != 3)
    apply = jax.jit(functools.partial(module.apply, train=True, mutable=["batch_stats"]))
    expected = block_in_numpy(oracle.f64(variables["params"]), np.float64(x), resample=resample, first=first, norm=norm)
    close(apply(variables, x)[0], expected)


def test_spectral_normalisation_of_a_block_is_that_of_its_layers():
    """With kernels divided by their singular values beforehand, it changes nothing once its vectors have settled."""
    block, plain = ResidualBlock(4, "down", spectral=True), ResidualBlock(4, "down")
    variables, x = drawn(block, 2, 4, 4, 3)
    assert set(variables["spectral"]) == {"spectral_conv_1", "spectral_conv_2", "spectral_shortcut"}
    top = lambda kernel: np.linalg.svd(kernel.reshape(-1, 4), compute_uv=False)[0]  # noqa: E731
    divided = jax.tree.map(lambda leaf: leaf / top(leaf) if leaf.ndim == 4 else leaf, variables["params"])
    train = jax.jit(functools.partial(block.apply, train=True, mutable=["spectral"]))
    for _ in range(60):
        y, changed = train(variables, x)
        variables = {**variables, **changed}
    close(y, plain.apply({"params": divided}, x))


def test_a_wrong_resampling_is_named():
    with pytest.raises(ValueError, match="resample must be 'up', 'down' or 'none', found 'half'"):
        ResidualBlock(4, "half").init(jax.random.key(0), jnp.zeros((1, 4, 4, 1)))


# -------------------------------------------------------------------------------------------------------- self-attention


def attention_in_numpy(params, x, pooled, gamma):
    """Pixel by pixel."""
    kernels = {name: params[name]["kernel"][0, 0] for name in ("query", "key", "value", "output")}
    result = np.empty_like(x)
    for image, y in zip(x, result, strict=True):
        sources = {}
        for name in ("key", "value"):
            h = image @ kernels[name]
            if pooled:
                height, width = (side // 2 for side in h.shape[:2])
                h = h[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).max((1, 3))
            sources[name] = h.reshape(-1, h.shape[-1])
        for place in np.ndindex(image.shape[:2]):
            weights = np.exp(sources["key"] @ (image[place] @ kernels["query"]))
            mean = weights @ sources["value"] / weights.sum()
            y[place] = image[place] + gamma * (mean @ kernels["output"])
    return result


@pytest.mark.parametrize("pooled", [True, False])
def test_self_attention_is_its_definition(pooled):
    module = SelfAttention(pooled, value_divisor=2 if pooled else 1, spectral=False)
    variables, x = drawn(module, 2, 4, 6, 16)
    params = variables["params"] | {"gamma": np.float32(1.5)}
    assert {name: params[name]["kernel"].shape[2:] for name in ("query", "key", "value", "output")} == {
        "query": (16, 2),
        "key": (16, 2),
        "value": (16, 8 if pooled else 16),
        "output": (8 if pooled else 16, 16),
    }
    close(jax.jit(module.apply)({"params": params}, x), attention_in_numpy(oracle.f64(params), np.float64(x), pooled, 1.5))


def test_self_attention_starts_as_the_identity():
    module, x = SelfAttention(), jax.random.normal(jax.random.key(1), (2, 4, 4, 8))
    variables = jax.jit(module.init)(jax.random.key(0), x)

    @jax.jit
    def output_and_gradient(params):
        apply = lambda params: module.apply({**variables, "params": params}, x)  # noqa: E731
        return apply(params), jax.grad(lambda params: jnp.sum(apply(params)))(params)

    output, gradient = output_and_gradient(variables["params"])
    np.testing.assert_array_equal(output, x)
    assert gradient["gamma"] != 0


def test_in_bfloat16_the_softmax_is_float32():
    """Inner products of 256 and 256.5, which bfloat16 does not tell apart: it would weight both pixels alike."""
    params = {
        "gamma": jnp.ones(()),
        "query": _ones(16, 2, (0, 0), (1, 1)),
        "key": _ones(16, 2, (2, 0), (3, 1)),
        "value": _ones(16, 16, (4, 0)),
        "output": _ones(16, 16, (0, 5)),
    }
    x = np.zeros((1, 1, 2, 16), np.float32)
    x[..., :3] = 16, 0.5, 16
    x[0, 0, 1, 3:5] = 1
    module = SelfAttention(pooled=False, value_divisor=1, spectral=False, dtype=jnp.bfloat16)
    found = module.apply({"params": params}, x)[0, 0, 0, 5]
    np.testing.assert_allclose(float(found), 1 / (1 + np.exp(-0.5)), atol=0.004)


def _ones(inputs, outputs, *places):
    """A 1x1 convolution whose kernel is one at these places and zero elsewhere."""
    kernel = np.zeros((1, 1, inputs, outputs), np.float32)
    for row, column in places:
        kernel[0, 0, row, column] = 1
    return {"kernel": kernel}


def test_the_computation_in_bfloat16():
    x = jnp.zeros((1, 4, 4, 2))
    for module in (ResidualBlock(4, "up", norm=True, dtype=jnp.bfloat16), SelfAttention(dtype=jnp.bfloat16)):
        y, variables = jax.eval_shape(lambda m=module: m.init_with_output(jax.random.key(0), x))
        assert y.dtype == jnp.bfloat16
        assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype(jnp.float32)}


def test_glorots_initialiser():
    shape = (3, 3, 40, 60)
    for gain in (1.0, 2**0.5):
        kernel = glorot_uniform(gain)(jax.random.key(0), shape)
        bound = gain * (6 / (9 * 100)) ** 0.5
        assert 0.99 * bound < abs(kernel).max() <= bound
        flax = nn.initializers.variance_scaling(gain**2, "fan_avg", "uniform")(jax.random.key(0), shape)
        np.testing.assert_allclose(kernel.std(), flax.std(), rtol=0.02)
