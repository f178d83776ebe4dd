"""The convolutional networks of the semi-supervised GAN: their layers in NumPy float64, weights that are set by the data."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan import networks, rng
from jgan.networks import SGANConvDiscriminator, SGANConvGenerator, WeightNormConv

KEY, RNG = jax.random.key(0), np.random.default_rng(0)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def moved(tree):
    """Biases and lengths, which start at 0 and 1, elsewhere."""
    leaves, structure = jax.tree.flatten(tree)
    random = np.random.default_rng(1)
    return structure.unflatten([leaf + jnp.float32(0.3 * random.normal(size=leaf.shape)) for leaf in leaves])


def kernel(p, start):
    """Directions of length 1 times the lengths, those of the data included."""
    v = p["direction"]
    unit = v / np.sqrt((v**2).sum(tuple(range(v.ndim - 1)), keepdims=True))
    return unit * p.get("length", 1.0) * start["length"], start["shift"] + p["bias"]


@pytest.mark.parametrize(
    ("options", "shape"),
    [({"stride": 2}, (3, 3)), ({"padded": False}, (4, 3)), ({"kernel_size": 5, "stride": 2, "transposed": True}, (12, 10))],
    ids=["strided", "valid", "transposed"],
)
def test_the_first_training_pass_sets_mean_and_deviation_of_each_channel(options, shape):
    layer = WeightNormConv(4, learn_length=True, initial_deviation=0.1, **options)
    first, second = RNG.normal(3, 2, (2, 20, 6, 5, 3)).astype(np.float32)
    variables = jit(layer.init)(KEY, first)
    y, changed = jit(functools.partial(layer.apply, train=True, mutable=["data_init"]))(variables, first)
    assert y.shape == (20, *shape, 4)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1, 2)), 0.1, rtol=1e-4)
    params = moved(variables["params"])
    made, shift = kernel(oracle.f64(params), oracle.f64(changed["data_init"]))
    if options.get("transposed"):
        expected = oracle.conv_transpose(second, made, shift, stride=2, padding=2, output_padding=1)
    else:
        expected = oracle.conv(second, made, shift, stride=options.get("stride", 1), padding=options.get("padded", True))
    found = jit(layer.apply)({"params": params, **changed}, second)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_generator_layer_by_layer():
    """In the first training pass, which sets the last layer's deviation to 0.1 before its own lengths and biases."""
    network = networks.from_module(SGANConvGenerator((16, 16, 2), width=3), (5,))
    params, model_state = jit(network.init)(KEY)
    params = moved(params)
    z, p = RNG.normal(size=(4, 5)), oracle.f64(params)

    def hidden(h, name):
        return oracle.relu(oracle.normalised(h, tuple(range(h.ndim - 1)), 1e-6) + p[name]["bias"])

    h = hidden(z @ p["project"]["kernel"], "norm_0").reshape(4, 4, 4, 6)
    h = hidden(oracle.conv_transpose(h, p["up_1"]["kernel"], stride=2, padding=2, output_padding=1), "norm_1")
    last = dict(p["output"])
    length, bias = last.pop("length"), last["bias"]
    unit, _ = kernel(last, {"length": 1.0, "shift": 0.0})
    product = oracle.conv_transpose(h, unit, stride=2, padding=2, output_padding=1)
    fitting = 0.1 / product.std((0, 1, 2))
    expected = oracle.to_unit(product * fitting * length - product.mean((0, 1, 2)) * fitting + bias)
    found, _ = jit(functools.partial(network.apply, train=True))(params, model_state, jnp.float32(z))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("side", [8, 16])
def test_the_discriminator_layer_by_layer(side):
    """Of 8x8 images the last maps are 2x2, and the convolution that has no padding otherwise has one."""
    network = networks.from_module(SGANConvDiscriminator(3, width=2), (side, side, 1))
    params, model_state = jit(network.init)(KEY)
    params, model_state = moved(params), moved(model_state)
    x, p, start = RNG.random((3, side, side, 1)), oracle.f64(params), oracle.f64(model_state["data_init"])
    h = 2 * x - 1
    for name, stride, padding in (
        ("conv_0_0", 1, 1),
        ("conv_0_1", 1, 1),
        ("conv_0_2", 2, 1),
        ("conv_1_0", 1, 1),
        ("conv_1_1", 1, 1),
        ("conv_1_2", 2, 1),
        ("conv_2_0", 1, int(side == 8)),
        ("conv_2_1", 1, 0),
        ("conv_2_2", 1, 0),
    ):
        h = oracle.leaky(oracle.conv(h, *kernel(p[name], start[name]), stride=stride, padding=padding))
    mean = h.mean((1, 2))
    made, shift = kernel(p["output"], start["output"])
    expected = mean @ made + shift
    (logits, (classes, features)), _ = jit(network.apply)(params, model_state, jnp.float32(x))
    np.testing.assert_allclose(features, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(classes, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, np.log(np.exp(expected).sum(1)), rtol=1e-4, atol=1e-5)


def test_dropout_is_on_the_image_and_on_both_groups(monkeypatch):
    kept = []
    monkeypatch.setattr(
        rng, "bernoulli_mask", lambda key, keep, shape, _: kept.append((keep, shape[1:])) or jnp.ones(shape, bool)
    )
    network = networks.from_module(SGANConvDiscriminator(3, width=2, input_keep=0.75, hidden_keep=0.5), (16, 16, 1))
    params, model_state = jax.eval_shape(network.init, KEY)
    run = functools.partial(network.apply, train=True)
    kept.clear()
    jax.eval_shape(lambda *state: run(*state, jnp.zeros((2, 16, 16, 1)), key=KEY), params, model_state)
    assert kept == [(0.75, (16, 16, 1)), (0.5, (8, 8, 2)), (0.5, (4, 4, 4))]
