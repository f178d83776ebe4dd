"""The modulated convolution against one kernel for each example, in NumPy float64; noise inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan import rng
from jgan.networks import ModulatedConv, NoiseInjection
from jgan.networks.modulated import modulated_conv
from jgan.networks.noise import fixed_noise

TAPS = np.array([1, 3, 3, 1])


def filtered(x, kernel):
    """Every channel by itself, without padding."""
    channels = x.shape[-1]
    whole = kernel[:, :, None, None] * np.eye(channels)
    return oracle.conv(x, whole)


def one_kernel_each(x, kernel, style, *, demodulate, up):
    """The definition: example by example, with zeros between the pixels if the sides double."""
    k, images = kernel.shape[0], []
    for image, factors in zip(np.float64(x), np.float64(style), strict=True):
        own = np.float64(kernel) * factors[None, None, :, None]
        if demodulate:
            own = own / np.sqrt(np.sum(own**2, axis=(0, 1, 2)) + 1e-8)
        if not up:
            images.append(oracle.conv(image[None], own, padding=k // 2)[0])
            continue
        h, w, c = image.shape
        spread = np.zeros((1, 2 * h, 2 * w, c))
        spread[0, ::2, ::2] = image
        # The padding of `upfirdn2d` before a filter of 4 taps, (2, 1), and k // 2 for the convolution; its kernel is flipped.
        spread = np.pad(spread, ((0, 0), (2 + k // 2, 1 + k // 2), (2 + k // 2, 1 + k // 2), (0, 0)))
        low = filtered(spread, 4 * np.outer(TAPS, TAPS) / 64)
        images.append(oracle.conv(low, own[::-1, ::-1])[0])
    return np.stack(images)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_it_is_a_kernel_for_each_example(up, demodulate, k):
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(3, 4, 5, 6)).astype(np.float32), random.normal(size=(k, k, 6, 7)).astype(np.float32)
    style = random.normal(1, 1, size=(3, 6)).astype(np.float32)
    found = jax.jit(lambda *args: modulated_conv(*args, demodulate=demodulate, up=up))(x, kernel, style)
    expected = one_kernel_each(x, kernel, style, demodulate=demodulate, up=up)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_demodulated_outputs_have_unit_variance_whatever_the_style():
    random = np.random.default_rng(1)
    x, style = random.normal(size=(4, 16, 16, 32)).astype(np.float32), np.exp(random.normal(size=(4, 32))).astype(np.float32)
    kernel = random.normal(size=(3, 3, 32, 24)).astype(np.float32)
    inside = modulated_conv(x, kernel, style)[:, 1:-1, 1:-1]  # at the edge there are zeros
    np.testing.assert_allclose(np.std(inside, axis=(1, 2, 3)), 1, rtol=0.1)


def test_without_demodulation_the_style_is_scaled_to_the_fan_in():
    layer, x, w = (
        ModulatedConv(200, 1, demodulate=False),
        jax.random.normal(jax.random.key(0), (8, 4, 4, 100)),
        jnp.zeros((8, 5)),
    )
    y = layer.apply(layer.init(jax.random.key(1), x, w), x, w)  # the style is 1, the initial bias
    assert np.std(y) == pytest.approx(1, rel=0.1)


@pytest.mark.slow
def test_in_bfloat16_only_the_convolution_is_rounded():
    layer, x, w = ModulatedConv(8, dtype=jnp.bfloat16), jax.random.normal(jax.random.key(0), (2, 4, 4, 16)), jnp.ones((2, 5))
    variables = layer.init(jax.random.key(1), x, w)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    found = layer.apply(variables, x, w)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float32(found), layer.clone(dtype=jnp.float32).apply(variables, x, w), atol=0.06)


# ------------------------------------------------------------------------------------------------------------------- noise


def noisy(x, **options):
    return NoiseInjection(options.pop("outside", True)).apply({"params": {"strength": jnp.float32(0.5)}}, x, **options)


def test_noise_is_one_number_a_pixel_and_differs_between_examples_in_training():
    x, key = jnp.zeros((3, 4, 5, 2)), jax.random.key(0)
    noise = noisy(x, train=True, rngs={"noise": key})
    np.testing.assert_array_equal(noise[..., 0], noise[..., 1])
    assert len(np.unique(noise[..., 0])) == 3 * 4 * 5
    assert (noisy(x, train=True, rngs={"noise": jax.random.key(1)}) != noise).all()


def test_noise_does_not_depend_on_the_number_of_devices():
    x, key = jnp.zeros((4, 3, 3, 1)), jax.random.key(0)
    share = lambda x: noisy(x, train=True, axis_name="data", rngs={"noise": key})  # noqa: E731
    shares = jax.vmap(share, axis_name="data")(x.reshape(2, 2, 3, 3, 1))
    np.testing.assert_array_equal(shares.reshape(x.shape), noisy(x, train=True, rngs={"noise": key}))


def test_outside_training_the_noise_is_fixed_or_absent():
    x = jnp.zeros((2, 4, 5, 2))
    fixed = noisy(x)
    np.testing.assert_array_equal(fixed, 0.5 * jnp.broadcast_to(fixed_noise("", 4, 5)[None], x.shape))
    np.testing.assert_array_equal(noisy(x, outside=False), x)
    assert (fixed_noise("a", 4, 5) != fixed_noise("b", 4, 5)).all()
    variables = NoiseInjection().init(jax.random.key(0), x)
    assert variables["params"]["strength"] == 0


def test_the_keys_are_those_of_the_examples():
    """Each example's noise depends on its place in the batch alone."""
    key = jax.random.key(0)
    longer, shorter = (noisy(jnp.zeros((n, 2, 2, 1)), train=True, rngs={"noise": key}) for n in (5, 3))
    np.testing.assert_array_equal(longer[:3], shorter)
    assert rng.example_keys(key, 2).shape == (2,)
