"""The convolutional layers against loops in NumPy float64, against JAX's own convolutions, and against PyTorch where it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jgan.networks import ConvDiscriminator, ConvGenerator, Deconv, MaxoutConv, convolution


def maxout_conv(x, kernel, bias, *, pieces, padding, pool, pool_stride):
    """The layer by its definition, one number at a time: pylearn2's `MaxoutConvC01B` with tied biases."""
    n, height, width, _ = x.shape
    k, outputs = kernel.shape[0], kernel.shape[-1]
    padded = np.zeros((n, height + 2 * padding, width + 2 * padding, x.shape[-1]))
    padded[:, padding : padding + height, padding : padding + width] = x
    rows, columns = padded.shape[1] - k + 1, padded.shape[2] - k + 1
    z = np.zeros((n, rows, columns, outputs))
    for i in range(rows):
        for j in range(columns):
            z[:, i, j] = np.einsum("nabc,abco->no", padded[:, i : i + k, j : j + k], kernel) + bias
    units = np.stack([z[..., u * pieces : (u + 1) * pieces].max(-1) for u in range(outputs // pieces)], axis=-1)
    counts = [int(np.ceil((side - pool) / pool_stride)) + 1 for side in (rows, columns)]
    pooled = np.zeros((n, *counts, outputs // pieces))
    for i in range(counts[0]):
        for j in range(counts[1]):
            top, left = i * pool_stride, j * pool_stride
            pooled[:, i, j] = units[:, top : top + pool, left : left + pool].max((1, 2))  # slices stop at the edge
    return pooled


def deconv(code, kernel, bias, *, stride):
    """Each code paints its kernel, times itself, onto the image."""
    n, height, width, _ = code.shape
    k = kernel.shape[0]
    image = np.zeros((n, stride * (height - 1) + k, stride * (width - 1) + k, kernel.shape[2]))
    for i in range(height):
        for j in range(width):
            image[:, i * stride : i * stride + k, j * stride : j * stride + k] += np.einsum(
                "nc,aboc->nabo", code[:, i, j], kernel
            )
    return image + bias


def random_params(module, *shape, seed=0):
    """Parameters of every size, the biases too, and an input."""
    generator = np.random.default_rng(seed)
    params = module.init(jax.random.key(0), jnp.zeros(shape))["params"]
    params = {name: generator.normal(size=leaf.shape).astype(np.float32) for name, leaf in params.items()}
    return params, generator.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("side", "inputs", "pieces", "kernel", "padding", "pool", "pool_stride"),
    [(8, 3, 2, 5, 3, 4, 2), (7, 2, 3, 3, 0, 2, 2), (6, 1, 2, 4, 1, 3, 3), (5, 2, 5, 1, 0, 1, 1)],
)
def test_a_maxout_convolution_is_what_its_definition_says(side, inputs, pieces, kernel, padding, pool, pool_stride):
    module = MaxoutConv(4, pieces, kernel, padding, pool, pool_stride, irange=0.1)
    params, x = random_params(module, 2, side, side, inputs)
    expected = maxout_conv(
        x.astype(np.float64),
        params["kernel"].astype(np.float64),
        params["bias"].astype(np.float64),
        pieces=pieces,
        padding=padding,
        pool=pool,
        pool_stride=pool_stride,
    )
    found = module.apply({"params": params}, x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("side", "kernel", "stride"), [(3, 5, 3), (4, 4, 2), (2, 3, 4), (5, 2, 1)])
def test_a_deconvolution_is_what_its_definition_says(side, kernel, stride):
    module = Deconv(3, kernel, stride, irange=0.1)
    params, x = random_params(module, 2, side, side, 6)
    expected = deconv(
        x.astype(np.float64), params["kernel"].astype(np.float64), params["bias"].astype(np.float64), stride=stride
    )
    assert params["bias"].shape == expected.shape[1:], "one bias for each pixel and channel"
    found = module.apply({"params": params}, x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def plain_conv(image, kernel, stride, padding):
    pads = ((padding, padding), (padding, padding))
    return jax.lax.conv_general_dilated(image, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def plain_conv_transpose(code, kernel, stride, padding):
    k = kernel.shape[0]
    pads = [(k - 1 - padding, k - 1 - padding)] * 2
    return jax.lax.conv_transpose(
        code, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"), transpose_kernel=True
    )


@st.composite
def geometries(draw):
    """`(height, width, kernel, stride, padding, inputs, outputs)` with at least one window; outputs may be larger than inputs.

    With few channels on one side and not on the other, `cpu_convolution` takes other ways.
    """
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, kernel - 1))
    sides = st.integers(max(1, kernel - 2 * padding), 7)
    return draw(sides), draw(sides), kernel, stride, padding, *draw(st.sampled_from([(3, 4), (9, 2), (2, 9), (9, 10)]))


def value_and_gradients(function, x, kernel, *rest):
    """The value, and both gradients of its product with a fixed array."""

    @jax.jit
    def both(x, kernel):
        value, pull = jax.vjp(lambda x, kernel: function(x, kernel, *rest), x, kernel)
        return value, *pull(jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).reshape(value.shape))

    return both(x, kernel)


@settings(max_examples=16)
@given(geometries())
def test_a_convolution_has_the_value_and_gradients_that_jax_derives(geometry):
    height, width, k, stride, padding, inputs, outputs = geometry
    generator = np.random.default_rng(0)
    image, kernel = (generator.normal(size=s).astype(np.float32) for s in ((2, height, width, inputs), (k, k, inputs, outputs)))
    ours = lambda x, w, s, p: convolution.conv(x, w, stride=s, padding=p)  # noqa: E731
    for found, expected in zip(
        value_and_gradients(ours, image, kernel, stride, padding),
        value_and_gradients(plain_conv, image, kernel, stride, padding),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4, strict=True)


@settings(max_examples=16)
@given(geometries())
def test_a_transposed_convolution_has_the_value_and_gradients_that_jax_derives(geometry):
    height, width, k, stride, padding, inputs, outputs = geometry
    if min(stride * (side - 1) + k - 2 * padding for side in (height, width)) < 1:
        return  # all of the image is cut off
    generator = np.random.default_rng(0)
    code, kernel = (generator.normal(size=s).astype(np.float32) for s in ((2, height, width, inputs), (k, k, outputs, inputs)))
    ours = lambda x, w, s, p: convolution.conv_transpose(x, w, stride=s, padding=p)  # noqa: E731
    for found, expected in zip(
        value_and_gradients(ours, code, kernel, stride, padding),
        value_and_gradients(plain_conv_transpose, code, kernel, stride, padding),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4, strict=True)


def test_the_two_are_transposes():
    """<conv(x), y> = <x, conv_transpose(y)>."""
    generator = np.random.default_rng(0)
    x, y, kernel = (generator.normal(size=s).astype(np.float32) for s in ((1, 9, 9, 2), (1, 4, 4, 3), (3, 3, 2, 3)))
    left = jnp.sum(convolution.conv(x, kernel, stride=2) * y)
    right = jnp.sum(x * convolution.conv_transpose(y, kernel, stride=2))
    assert left == pytest.approx(float(right), rel=1e-5)


def test_gradients_of_gradients():
    """A gradient penalty differentiates twice: the norm of the image's gradient of tanh(conv), by the kernel."""
    generator = np.random.default_rng(0)
    image, kernel = (generator.normal(size=s).astype(np.float32) for s in ((2, 5, 5, 2), (3, 3, 2, 3)))

    def penalty(conv, kernel):
        score = lambda x: jnp.sum(jnp.tanh(conv(x, kernel, 1, 2)))  # noqa: E731
        return jnp.sum(jnp.square(jax.grad(score)(image)))

    ours = lambda x, w, s, p: convolution.conv(x, w, stride=s, padding=p)  # noqa: E731
    found, expected = (jax.grad(lambda w, c=c: penalty(c, w))(kernel) for c in (ours, plain_conv))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("side", "window", "stride"), [(33, 4, 2), (15, 4, 2), (9, 2, 2), (5, 3, 1), (7, 7, 2), (6, 1, 1)])
def test_pooling_covers_the_image(side, window, stride):
    """As many windows as cover every pixel, and in each its maximum: cuda-convnet's rule."""
    x = np.random.default_rng(0).normal(size=(2, side, side, 3)).astype(np.float32)
    count = int(np.ceil((side - window) / stride)) + 1
    expected = np.empty((2, count, count, 3), np.float32)
    for i in range(count):
        for j in range(count):
            expected[:, i, j] = x[:, i * stride : i * stride + window, j * stride : j * stride + window].max((1, 2))
    np.testing.assert_array_equal(convolution.max_pool(x, window=window, stride=stride), expected)


def test_windows_that_hang_over_or_leave_gaps_are_refused():
    with pytest.raises(ValueError, match=r"found a window of 4 on 3x5"):
        convolution.max_pool(jnp.zeros((1, 3, 5, 1)), window=4, stride=2)
    with pytest.raises(ValueError, match=r"a window of 1 and a stride of 2"):
        convolution.max_pool(jnp.zeros((1, 6, 6, 1)), window=1, stride=2)


def test_against_pytorch():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    x, kernel = (generator.normal(size=s).astype(np.float32) for s in ((2, 10, 10, 8), (5, 5, 3, 8)))
    code, weight = torch.tensor(x.transpose(0, 3, 1, 2)), torch.tensor(kernel.transpose(3, 2, 0, 1))
    expected = torch.nn.functional.conv_transpose2d(code, weight, stride=3).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(convolution.conv_transpose(x, kernel, stride=3), expected, rtol=1e-5, atol=1e-5)

    module = MaxoutConv(3, 2, 5, 3, 4, 2, irange=0.1)
    params, x = random_params(module, 2, 16, 16, 8)
    image, weight = torch.tensor(x.transpose(0, 3, 1, 2)), torch.tensor(params["kernel"].transpose(3, 2, 0, 1))
    z = torch.nn.functional.conv2d(image, weight, torch.tensor(params["bias"]), padding=3)
    units = z.unflatten(1, (3, 2)).amax(2)
    expected = torch.nn.functional.max_pool2d(units, 4, 2, ceil_mode=True).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(module.apply({"params": params}, x), expected, rtol=1e-4, atol=1e-4)


def test_the_shapes_of_the_authors_cifar_10_networks():
    """32x32 -> 33 -> 16 -> 15 -> 7 -> 9 -> 5: their `partial_sum`s, 33 and 15, are the sides of the first detectors."""
    shapes = lambda module, *shape: jax.tree.map(  # noqa: E731
        lambda leaf: leaf.shape, jax.eval_shape(module.init, jax.random.key(0), jnp.zeros(shape))["params"]
    )
    discriminator = shapes(ConvDiscriminator(), 1, 32, 32, 3)
    assert discriminator["maxout_0"]["kernel"] == (8, 8, 3, 32 * 2)
    assert discriminator["maxout_1"]["kernel"] == (8, 8, 32, 32 * 2)
    assert discriminator["maxout_2"]["kernel"] == (5, 5, 32, 192 * 2)
    assert discriminator["head"]["maxout_0"]["pieces"]["affine"]["kernel"] == (5 * 5 * 192, 500 * 5)
    assert discriminator["head"]["output"]["affine"]["kernel"] == (500, 1)
    generator = shapes(ConvGenerator((32, 32, 3)), 1, 100)
    assert generator["codes"]["output"]["affine"]["kernel"] == (8000, 10 * 10 * 80)
    assert generator["deconv"] == {"kernel": (5, 5, 3, 80), "bias": (32, 32, 3)}


def test_images_that_a_deconvolution_cannot_make_are_refused():
    with pytest.raises(ValueError, match=r"5 plus a multiple of 3, found 28x28"):
        ConvGenerator((28, 28, 1)).init(jax.random.key(0), jnp.zeros((1, 100)))
