"""`Conv`, `ConvTranspose` and the normalisations, against NumPy in float64 and the gradients of JAX's and Flax's own."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan import networks
from jgan.networks import BatchNorm, Conv, ConvTranspose, InstanceNorm, convolution


def filled(module, *shape, seed=0):
    """Parameters of every size, and an input."""
    generator = np.random.default_rng(seed)
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros(shape))["params"]
    return {k: generator.normal(size=v.shape).astype(np.float32) for k, v in shapes.items()}, generator.normal(
        size=shape
    ).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "zeros"),
    [(3, 1, "SAME", 1), (4, 2, 1, 1), (3, 2, "SAME", 1), (5, 3, 0, 0), (7, 1, "SAME", 3)],
)
def test_a_convolution_is_its_definition(size, stride, padding, zeros):
    layer = Conv(4, size, stride, padding)
    params, x = filled(layer, 2, 7, 9, 3)
    expected = oracle.conv(*map(np.float64, (x, params["kernel"], params["bias"])), stride=stride, padding=zeros)
    np.testing.assert_allclose(layer.apply({"params": params}, x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "output_padding", "cut", "added"),
    [(4, 2, "SAME", 0, 1, 0), (3, 2, "SAME", 0, 1, 1), (5, 2, "SAME", 0, 2, 1), (3, 1, "SAME", 0, 1, 0), (3, 3, 0, 2, 0, 2)],
)
def test_a_transposed_convolution_is_its_definition(size, stride, padding, output_padding, cut, added):
    layer = ConvTranspose(4, size, stride, padding, output_padding)
    params, x = filled(layer, 2, 3, 5, 3)
    assert params["kernel"].shape == (size, size, 3, 4)
    expected = oracle.conv_transpose(
        *map(np.float64, (x, params["kernel"], params["bias"])), stride=stride, padding=cut, output_padding=added
    )
    found = layer.apply({"params": params}, x)
    assert found.shape == expected.shape
    if padding == "SAME":
        assert found.shape[1:3] == (3 * stride, 5 * stride)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def gradients(function, *args):
    return jax.jit(jax.grad(lambda *args: jnp.sum(jnp.sin(function(*args))), argnums=tuple(range(len(args)))))(*args)


def test_the_gradients_of_a_convolution_are_those_of_flax():
    ours, flax = Conv(4, 4, 2, 1), nn.Conv(4, (4, 4), strides=2, padding=1)
    params, x = filled(ours, 2, 6, 6, 3)
    found, expected = (gradients(lambda p, x, m=m: m.apply({"params": p}, x), params, x) for m in (ours, flax))
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), found, expected)


@pytest.mark.parametrize(("size", "added"), [(4, 0), (3, 1)])
def test_the_gradients_of_a_transposed_convolution_are_those_of_jax(size, added):
    """Of a convolution of the input with zeros between its pixels, by the kernel turned by 180 degrees."""
    layer = ConvTranspose(4, size, 2, 1, added)
    params, x = filled(layer, 2, 3, 5, 3)

    def plain(params, x):
        margins = [(size - 2, size - 2 + added)] * 2
        y = jax.lax.conv_general_dilated(
            x, params["kernel"][::-1, ::-1], (1, 1), margins, (2, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return y + params["bias"].reshape(1, 1, 1, -1)

    found, expected = gradients(lambda p, x: layer.apply({"params": p}, x), params, x), gradients(plain, params, x)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), found, expected)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "channels", "outputs", "sides"),
    [
        (4, 2, 1, 3, 4, (6, 8)),
        (4, 2, 1, 6, 4, (6, 8)),
        (4, 2, 1, 9, 9, (16, 18)),
        (3, 1, 1, 5, 4, (5, 4)),
        (3, 1, 1, 9, 3, (5, 4)),
        (3, 1, 0, 1, 9, (5, 4)),
        (5, 3, 0, 2, 4, (9, 7)),
        (3, 2, 1, 5, 4, (5, 6)),
    ],
)
def test_second_derivatives_are_those_of_jax(size, stride, padding, channels, outputs, sides):
    """Of a gradient penalty, with respect to the image, the kernel and the code that is convolved back; both ways."""
    random = np.random.default_rng(0)
    image, kernel = random.normal(size=(2, *sides, channels)), random.normal(size=(size, size, channels, outputs))
    image, kernel = (jnp.asarray(array, jnp.float32) for array in (image, kernel))
    convolved = functools.partial(convolution.conv, stride=stride, padding=padding)

    def plain(image, kernel):
        margins = [(padding, padding)] * 2
        return jax.lax.conv_general_dilated(
            image, kernel, (stride, stride), margins, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def penalty(conv):
        def value(image, kernel):
            logit = lambda image, kernel: jnp.sum(jnp.sin(conv(image, kernel)))  # noqa: E731
            of_image, of_kernel = jax.grad(logit, (0, 1))(image, kernel)
            return jnp.sum(jnp.square(of_image)) + jnp.sum(jnp.sin(of_kernel))

        return jax.jit(jax.value_and_grad(value, (0, 1)))

    found, expected = penalty(convolved)(image, kernel), penalty(plain)(image, kernel)
    scale = float(max(jnp.abs(leaf).max() for leaf in jax.tree.leaves(expected)))
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5 * scale), found, expected)

    def transposed(image, kernel, transpose):
        return transpose(plain(image, kernel), kernel)

    ours = lambda code, kernel: convolution._conv_transpose(code, kernel, stride, padding, sides)  # noqa: E731
    jaxs = lambda code, kernel: jax.vjp(lambda x: plain(x, kernel), image)[1](code)[0]  # noqa: E731
    found, expected = (penalty(functools.partial(transposed, transpose=t))(image, kernel) for t in (ours, jaxs))
    scale = float(max(jnp.abs(leaf).max() for leaf in jax.tree.leaves(expected)))
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5 * scale), found, expected)


def test_options_of_the_convolutions():
    x = jnp.ones((1, 4, 4, 2))
    for layer in (
        Conv(3, 3, use_bias=False, kernel_init=nn.initializers.ones, dtype=jnp.bfloat16),
        ConvTranspose(3, 4, 2, use_bias=False, kernel_init=nn.initializers.ones, dtype=jnp.bfloat16),
    ):
        variables = layer.init(jax.random.key(0), x)
        assert list(variables["params"]) == ["kernel"]
        assert variables["params"]["kernel"].dtype == jnp.float32
        assert (variables["params"]["kernel"] == 1).all()
        assert layer.apply(variables, x).dtype == jnp.bfloat16
    biased = Conv(3, 1, bias_init=nn.initializers.constant(5.0), kernel_init=nn.initializers.zeros)
    assert (biased.apply(biased.init(jax.random.key(0), x), x) == 5).all()


def test_paddings_that_do_not_exist():
    x = jnp.zeros((1, 4, 4, 1))
    for layer, message in (
        (Conv(1, 3, padding="VALID"), "a number or 'SAME', found 'VALID'"),
        (ConvTranspose(1, 4, 1), "an odd one for a stride of 1, found a kernel of 4 with a stride of 1"),
        (ConvTranspose(1, 2, 3), "at least as large as the stride.*found a kernel of 2 with a stride of 3"),
        (ConvTranspose(1, 4, 2, 1, 2), r"output_padding must be in \[0, stride\), found 2 with a stride of 2"),
    ):
        with pytest.raises(ValueError, match=message):
            layer.init(jax.random.key(0), x)


def test_spectral_norm_sees_the_outputs_of_either_layer():
    """Its vector has an entry for each output channel."""
    for layer in (Conv(4, 3), ConvTranspose(4, 3)):
        wrapped = networks.SpectralNorm(layer)
        variables = jax.eval_shape(wrapped.init, jax.random.key(0), jnp.zeros((1, 5, 5, 2)))
        assert [leaf.shape for leaf in jax.tree.leaves(variables["spectral"])] == [(4,)]


# --------------------------------------------------------------------------------------------------------- normalisation


def bits(x):
    return np.asarray(x, np.float64)


def test_batch_norm_is_its_definition():
    layer = BatchNorm(momentum=0.75)
    params, x = filled(layer, 4, 3, 2, 5)
    x = 3 * x + 2
    variables = {"params": params, "batch_stats": {"mean": np.full(5, 0.5, np.float32), "var": np.full(5, 2, np.float32)}}
    y, changed = jax.jit(functools.partial(layer.apply, train=True, mutable=["batch_stats"]))(variables, x)
    np.testing.assert_allclose(y, oracle.batch_norm(bits(x), oracle.f64(params)), rtol=1e-4, atol=1e-4)
    stats = changed["batch_stats"]
    np.testing.assert_allclose(stats["mean"], 0.75 * 0.5 + 0.25 * bits(x).mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(stats["var"], 0.75 * 2 + 0.25 * bits(x).var((0, 1, 2)), rtol=1e-4)
    evaluated = (bits(x) - 0.5) / np.sqrt(2 + 1e-5) * params["scale"] + params["bias"]
    np.testing.assert_allclose(layer.apply(variables, x), evaluated, rtol=1e-4, atol=1e-4)


def test_batch_norm_has_the_gradient_of_flax():
    params, x = filled(BatchNorm(), 4, 2, 2, 3)
    variables = {"params": params, "batch_stats": {"mean": np.zeros(3, np.float32), "var": np.ones(3, np.float32)}}
    ours = lambda x: BatchNorm().apply(variables, x, train=True, mutable=["batch_stats"])[0]  # noqa: E731
    flax = lambda x: nn.BatchNorm(use_running_average=False).apply(variables, x, mutable=["batch_stats"])[0]  # noqa: E731
    np.testing.assert_allclose(gradients(ours, x)[0], gradients(flax, x)[0], rtol=1e-5, atol=1e-6)


def test_batch_norm_on_devices_is_that_of_the_whole_batch():
    layer = BatchNorm()
    x = jax.random.normal(jax.random.key(0), (8, 3))
    variables = layer.init(jax.random.key(0), x)
    whole, after = layer.apply(variables, x, train=True, mutable=["batch_stats"])
    step = functools.partial(layer.apply, train=True, axis_name="devices", mutable=["batch_stats"])
    parts, states = jax.pmap(step, in_axes=(None, 0), axis_name="devices")(variables, x.reshape(4, 2, 3))
    np.testing.assert_allclose(parts.reshape(8, 3), whole, rtol=1e-4, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, np.stack([b] * 4), rtol=1e-4, atol=1e-6), states, after)


def test_options_of_batch_norm():
    x = jnp.ones((2, 3), jnp.bfloat16)
    layer = BatchNorm(use_scale=False, use_bias=False, dtype=jnp.bfloat16)
    variables = layer.init(jax.random.key(0), x)
    assert list(variables) == ["batch_stats"]
    y, changed = layer.apply(variables, x, train=True, mutable=["batch_stats"])
    assert y.dtype == jnp.bfloat16
    assert changed["batch_stats"]["mean"].dtype == jnp.float32
    layer = BatchNorm(scale_init=nn.initializers.constant(3.0), bias_init=nn.initializers.constant(4.0), epsilon=1.0)
    params = layer.init(jax.random.key(0), x)["params"]
    assert (params["scale"] == 3).all()
    assert (params["bias"] == 4).all()
    values = jnp.array([[0.0], [2.0]])
    y, _ = layer.apply(layer.init(jax.random.key(0), values), values, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y.ravel(), [4 - 3 / 2**0.5, 4 + 3 / 2**0.5], rtol=1e-6)


def test_instance_norm_is_its_definition():
    x = 3 * np.random.default_rng(0).normal(size=(2, 4, 3, 5)).astype(np.float32) + 10
    np.testing.assert_allclose(InstanceNorm().apply({}, x), oracle.instance_norm(bits(x)), rtol=1e-4, atol=1e-5)
    flax = nn.InstanceNorm(epsilon=1e-5, use_bias=False, use_scale=False)
    found, expected = (gradients(lambda x, m=m: m.apply({}, x), x)[0] for m in (InstanceNorm(), flax))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert InstanceNorm(dtype=jnp.bfloat16).apply({}, jnp.bfloat16(x)).dtype == jnp.bfloat16
