"""Spectral normalisation, against the singular values of NumPy and power iterations in NumPy."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import networks
from jgan.networks import SpectralNorm

LAYERS = {
    "dense": (lambda: SpectralNorm(nn.Dense(4)), (5,)),
    "convolution": (lambda: SpectralNorm(nn.Conv(4, (3, 3), padding="VALID")), (3, 3, 2)),
}


@functools.cache
def made(name):
    """`(variables, apply)`: a layer whose kernel has the singular values 5, 2, 1 and 1/2, and its pass, compiled."""
    make, shape = LAYERS[name]
    layer = make()
    variables = jax.jit(functools.partial(layer.init, train=False))(jax.random.key(0), jnp.zeros((1, *shape)))
    kernel = next(leaf for leaf in jax.tree.leaves(variables["params"]) if leaf.ndim > 1)
    u, _, v = np.linalg.svd(np.random.default_rng(0).normal(size=(kernel.size // 4, 4)), full_matrices=False)
    scaled = jnp.float32(u * [5.0, 2.0, 1.0, 0.5] @ v).reshape(kernel.shape)
    params = jax.tree.map(lambda leaf: scaled if leaf.ndim > 1 else leaf, variables["params"])
    train = jax.jit(functools.partial(layer.apply, train=True, mutable=["spectral"]))
    return {"params": params, "spectral": variables["spectral"]}, train, jax.jit(functools.partial(layer.apply, train=False))


def the_kernel(variables):
    leaf = next(leaf for leaf in jax.tree.leaves(variables["params"]) if leaf.ndim > 1)
    return np.asarray(leaf, np.float64).reshape(-1, leaf.shape[-1])


def the_vector(spectral):
    return next(np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(spectral) if leaf.ndim > 0).reshape(-1)


def normalised(name, apply, variables):
    """The kernel that the layer really has: its answers to the unit vectors, without its bias."""
    _, shape = LAYERS[name]
    size = int(np.prod(shape))
    answer = lambda x: np.asarray(apply(variables, jnp.float32(x.reshape(-1, *shape)))).reshape(len(x), 4)  # noqa: E731
    return answer(np.eye(size)) - answer(np.zeros((1, size)))


def unit(x):
    return x / np.linalg.norm(x)


@pytest.mark.parametrize("name", LAYERS)
def test_after_many_passes_the_largest_singular_value_is_one(name):
    """And the others are in their old proportions to it: nothing but the scale has changed."""
    variables, train, evaluate = made(name)
    x = jnp.ones((1, *LAYERS[name][1]))
    for _ in range(20):
        _, changed = train(variables, x)
        variables = {**variables, **changed}
    found = np.linalg.svd(normalised(name, evaluate, variables), compute_uv=False)
    np.testing.assert_allclose(found, [1, 0.4, 0.2, 0.1], atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_a_pass_is_one_power_iteration(name):
    variables, train, _ = made(name)
    kernel, u = the_kernel(variables), the_vector(variables["spectral"])
    x = np.random.default_rng(1).normal(size=(2, *LAYERS[name][1]))
    for _ in range(3):  # the first two are still far from the singular vector
        output, changed = train(variables, jnp.float32(x))
        v = unit(kernel @ u)
        u = unit(v @ kernel)
        sigma = v @ kernel @ u
        np.testing.assert_allclose(the_vector(changed["spectral"]), u, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(output.reshape(2, 4), x.reshape(2, -1) @ kernel / sigma, rtol=1e-4, atol=1e-5)
        variables = {**variables, **changed}


@pytest.mark.parametrize("name", LAYERS)
def test_evaluation_carries_nothing_on(name):
    """The vectors are in the network's `model_state`, which an evaluation returns unchanged and a training pass updates."""
    make, shape = LAYERS[name]

    class Module(nn.Module):
        @nn.compact
        def __call__(self, x, *, train=False, axis_name=None):
            return make()(x, train=train).reshape(len(x), -1)[:, 0]

    network = networks.from_module(Module(), shape)
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    assert set(model_state) == {"spectral"}
    x = jnp.ones((2, *shape))
    _, after = network.apply(params, model_state, x, train=False)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.array_equal(a, b)), after, model_state))
    _, after = network.apply(params, model_state, x, train=True)
    assert jax.tree.structure(after) == jax.tree.structure(model_state)
    assert not np.allclose(the_vector(after), the_vector(model_state))


@pytest.mark.parametrize("name", LAYERS)
def test_the_vector_starts_as_a_row_of_the_kernel(name):
    make, shape = LAYERS[name]
    variables = make().init(jax.random.key(3), jnp.zeros((1, *shape)), train=False)
    np.testing.assert_allclose(the_vector(variables["spectral"]), unit(the_kernel(variables)[0]), rtol=1e-6)
    zeros = SpectralNorm(nn.Dense(3, kernel_init=nn.initializers.zeros)).init(jax.random.key(0), jnp.zeros((1, 2)))
    assert (the_vector(zeros["spectral"]) == 1).all()


def test_no_gradient_flows_through_the_vectors():
    """d sigma / dW = v u' with the vectors held: of the sum of outputs at x, by the quotient rule in NumPy."""
    variables, train, _ = made("dense")
    kernel, u = the_kernel(variables), the_vector(variables["spectral"])
    v = unit(kernel @ u)
    u = unit(v @ kernel)
    sigma, x = v @ kernel @ u, np.arange(1.0, 6.0)
    expected = np.outer(x, np.ones(4)) / sigma - (x @ kernel).sum() / sigma**2 * np.outer(v, u)
    gradient = jax.grad(lambda params: jnp.sum(train({**variables, "params": params}, jnp.float32(x)[None])[0]))(
        variables["params"]
    )
    np.testing.assert_allclose(the_kernel({"params": gradient}), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-9])
def test_the_layer_recovers_from_a_kernel_of_zeros_or_nearly(name, scale):
    """A vector that cannot be refined stays; with the old kernel back, the largest singular value is one again."""
    variables, train, evaluate = made(name)
    x = jnp.ones((1, *LAYERS[name][1]))
    tiny = {**variables, "params": jax.tree.map(lambda leaf: scale * leaf, variables["params"])}
    for _ in range(3):
        output, changed = train(tiny, x)
        assert np.isfinite(output).all()
        if scale < 1e-12:
            np.testing.assert_array_equal(the_vector(changed["spectral"]), the_vector(variables["spectral"]))
        tiny = {**tiny, **changed}
    back = {**tiny, "params": variables["params"]}
    for _ in range(20):
        _, changed = train(back, x)
        back = {**back, **changed}
    found = np.linalg.svd(normalised(name, evaluate, back), compute_uv=False)
    np.testing.assert_allclose(found, [1, 0.4, 0.2, 0.1], atol=1e-4)
