"""Resizes inside a buffer against the kept figures of PyTorch's `interpolate`."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.degradations import resizing
from jgan.degradations.sized import Sized

sys.path.append(str(Path(__file__).parents[1] / "metrics"))
import oracle_interpolate  # noqa: E402
import oracles  # noqa: E402


def buffered(image, rows, columns):
    """The image in a buffer that is full of other numbers."""
    random = np.random.default_rng(1)
    buffer = random.uniform(-9, 9, (rows, columns, image.shape[2])).astype(np.float32)
    buffer[: image.shape[0], : image.shape[1]] = image
    return Sized(jnp.asarray(buffer), jnp.array(image.shape[:2]))


METHODS = tuple(oracle_interpolate.METHODS)


@jax.jit
def by_size(image, size, chosen):
    return resizing.resized(image, size, (24, 24), METHODS, chosen)


@jax.jit
def by_factor(image, size, chosen, factor):
    return resizing.resized(image, size, (24, 24), METHODS, chosen, factor)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_pytorchs(method):
    kept, index = oracles.load("interpolate"), jnp.int32(METHODS.index(method))
    for name, image in oracle_interpolate.inputs().items():
        wanted, within = kept[f"{name}_{method}"], buffered(image, 44, 44)
        size = jnp.array(wanted.shape[:2])
        if name in oracle_interpolate.SIZES:
            found = by_size(within, size, index)
        else:
            found = by_factor(within, size, index, jnp.float32(oracle_interpolate.FACTORS[name][1]))
        assert found.size.tolist() == list(wanted.shape[:2])
        np.testing.assert_allclose(found.pixels[: size[0], : size[1]], wanted, rtol=0, atol=5e-6, err_msg=name)
