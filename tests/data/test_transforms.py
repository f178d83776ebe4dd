"""Global contrast normalisation against NumPy in float64, on the pixels' own scale of 0 ... 255, as pylearn2 defines it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.data import transforms


def reference(x: np.ndarray, scale: float, min_divisor: float = 1e-8) -> np.ndarray:
    rows = x.astype(np.float64).reshape(len(x), -1)
    rows -= rows.mean(axis=1, keepdims=True)
    divisors = np.sqrt(np.sum(rows**2, axis=1)) / scale
    divisors[divisors < min_divisor] = 1
    return (rows / divisors[:, None]).reshape(x.shape)


@pytest.mark.parametrize("shape", [(8, 32, 32, 3), (3, 5, 7, 1)])
@pytest.mark.parametrize("scale", [55.0, 1.0])
def test_agrees_with_the_definition_on_8_bit_images(shape, scale):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = jax.jit(lambda x: transforms.global_contrast_normalize(x, scale=scale))(pixels.astype(np.float32) / 255)
    np.testing.assert_allclose(found, reference(pixels, scale), rtol=1e-4, atol=1e-6 * scale)
    assert found.dtype == jnp.float32


@pytest.mark.parametrize("grey", [0, 1, 77, 255])
@pytest.mark.parametrize("side", [32, 256])
def test_constant_images_become_zeros_and_one_grey_level_does_not(grey, side):
    pixels = np.full((2, side, side, 3), grey, np.uint8)
    pixels[1, 0, 0, 0] ^= 1  # the smallest contrast that 8 bits can hold
    found = np.asarray(transforms.global_contrast_normalize(jnp.asarray(pixels, jnp.float32) / 255))
    assert np.abs(found[0]).max() < 1e-5
    np.testing.assert_allclose(found[1], reference(pixels, 55.0)[1], rtol=1e-2, atol=1e-2)


def test_gradients_are_finite_at_constant_images():
    x = jnp.full((2, 4, 4, 1), 0.3).at[1, 0, 0, 0].set(0.9)
    grads = jax.grad(lambda x: jnp.sum(jnp.sin(transforms.global_contrast_normalize(x))))(x)
    assert bool(jnp.isfinite(grads).all())
    assert bool(jnp.any(grads[1] != 0))


@pytest.mark.parametrize("x", [np.zeros((2, 4), np.uint8), np.zeros(4, np.float32)])
def test_refuses_integers_and_bare_vectors(x):
    with pytest.raises(ValueError, match=r"expected float images in \[0, 1\].*found (uint8|float32)"):
        transforms.global_contrast_normalize(jnp.asarray(x))


def test_contrast_to_unit_inverts_images_of_its_brightness_and_contrast():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 16, 16, 3))
    x = (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True)
    x = (0.4 + 0.05 * x).astype(np.float32)
    normal = transforms.global_contrast_normalize(jnp.asarray(x), scale=10.0)
    found = transforms.contrast_to_unit(normal, scale=10.0, brightness=0.4, contrast=0.05)
    np.testing.assert_allclose(found, x, atol=1e-6)


def test_contrast_to_unit_clips():
    found = np.asarray(transforms.contrast_to_unit(jnp.array([[-100.0, 100.0]])))
    assert found.tolist() == [[0.0, 1.0]]
