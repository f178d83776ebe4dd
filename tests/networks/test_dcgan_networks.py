"""The DCGAN networks: published parameter counts, the layers in NumPy float64, the sizes that fit."""

import contextlib
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan import networks
from jgan.networks import DCGANDiscriminator, DCGANGenerator, dcgan, pyramid


def count(module, *shape):
    params = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, *shape)))["params"]
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize(("side", "generator", "discriminator"), [(64, 3_576_704, 2_765_568), (32, 1_068_928, 663_296)])
def test_the_parameter_counts_of_pytorchs_example(side, generator, discriminator):
    assert count(DCGANGenerator((side, side, 3)), 100) == generator
    assert count(DCGANDiscriminator(), side, side, 3) == discriminator


def test_the_parameter_counts_of_the_authors_code():
    """Newmu/dcgan_code, faces/train_uncond_dcgan.py."""
    assert count(DCGANGenerator((64, 64, 3), 128, kernel_size=5, unit_norm=True), 100) == 18_885_760
    assert count(DCGANDiscriminator(128, kernel_size=5), 64, 64, 3) == 17_232_768


@pytest.mark.parametrize("size", [2, 3, 5, 6])
def test_kernels_of_other_sizes_make_the_same_images(size):
    images = jax.eval_shape(
        lambda: DCGANGenerator((12, 20, 1), 2, kernel_size=size).init_with_output(jax.random.key(0), jnp.zeros((3, 5)))[0]
    )
    assert images.shape == (3, 12, 20, 1)
    params = jax.eval_shape(DCGANDiscriminator(2, kernel_size=size).init, jax.random.key(0), images)["params"]
    assert params["down_0"]["kernel"].shape == (size, size, 1, 2)
    assert params["output"]["kernel"].shape == (3 * 5 * 4, 1)
    with pytest.raises(ValueError, match="kernel_size must be at least 2, found 1"):
        jax.eval_shape(lambda: DCGANDiscriminator(2, kernel_size=1).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1))))


def test_a_discriminator_without_batch_norm_has_biases_and_judges_each_image_alone():
    network = networks.from_module(DCGANDiscriminator(2, batch_norm=False, units=3), (8, 8, 1))
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    assert {name: set(layer) for name, layer in params.items()} == {
        "down_0": {"kernel", "bias"},
        "down_1": {"kernel", "bias"},
        "linear": {"kernel", "bias"},
        "output": {"kernel"},
    }
    assert not jax.tree.leaves(model_state)
    wide = DCGANDiscriminator(32, batch_norm=False, units=50)
    wide = jax.jit(wide.init)(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))["params"]
    for name, inputs in (("down_0", 4 * 4 * 1), ("down_1", 4 * 4 * 32), ("linear", 4 * 4 * 64)):
        assert np.std(wide[name]["kernel"]) == pytest.approx(math.sqrt(2 / inputs), rel=0.1)
    x = jnp.asarray(np.random.default_rng(0).random((4, 8, 8, 1), np.float32))
    together = network.apply(params, model_state, x, train=True)[0]
    np.testing.assert_allclose(together[:1], network.apply(params, model_state, x[:1], train=True)[0], rtol=1e-5)


@pytest.mark.parametrize("units", [0, 7])
def test_unit_norm_has_a_gain_for_each_unit_of_the_first_layers(units):
    """Each unit, over the minibatch alone, has mean 0 and variance 1 before the gain."""
    network = networks.from_module(DCGANGenerator((8, 8, 1), 3, units=units, unit_norm=True), (5,))
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    assert params["norm_0"]["scale"].shape == (2 * 2 * 6,)
    z = np.random.default_rng(0).normal(size=(4, 5))
    p = oracle.f64(params)
    h = oracle.relu(oracle.batch_norm(z @ p["linear"]["kernel"], p["norm_linear"])) if units else z
    h = oracle.relu(oracle.batch_norm(h @ p["project"]["kernel"], p["norm_0"])).reshape(4, 2, 2, 6)
    h = oracle.relu(oracle.batch_norm(oracle.conv_transpose(h, p["up_1"]["kernel"], stride=2, padding=1), p["norm_1"]))
    expected = oracle.to_unit(oracle.conv_transpose(h, p["output"]["kernel"], stride=2, padding=1))
    found, _ = network.apply(params, model_state, jnp.float32(z), train=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8, 8, 1), (2, (2, 2))),
        ((12, 12, 1), (2, (3, 3))),
        ((28, 28, 1), (2, (7, 7))),
        ((32, 32, 3), (3, (4, 4))),
        ((48, 48, 1), (3, (6, 6))),
        ((40, 40, 3), (3, (5, 5))),
        ((64, 128, 3), (4, (4, 8))),
        ((56, 32, 3), (3, (7, 4))),
    ],
)
def test_sizes_that_fit(shape, expected):
    assert dcgan.stages(shape) == expected
    images = jax.eval_shape(lambda: DCGANGenerator(shape, width=2).init_with_output(jax.random.key(0), jnp.zeros((3, 5)))[0])
    assert images.shape == (3, *shape)
    logits = jax.eval_shape(lambda: DCGANDiscriminator(width=2).init_with_output(jax.random.key(0), jnp.zeros((3, *shape)))[0])
    assert logits.shape == (3,)


@pytest.mark.parametrize(
    ("shape", "nearest"),
    [
        ((30, 30, 1), "28x28 and 32x32"),
        ((7, 7, 1), "8x8"),
        ((44, 44, 3), "40x40 and 48x48"),
        ((64, 72, 3), "56x56 and 80x80"),
        ((225, 225, 3), "224x224 and 256x256"),
    ],
)
def test_sizes_that_do_not_fit(shape, nearest):
    message = rf"found {shape[0]}x{shape[1]}; the nearest squares are {nearest}(\n|$)"
    with pytest.raises(ValueError, match=message):
        DCGANGenerator(shape).init(jax.random.key(0), jnp.zeros((1, 5)))
    with pytest.raises(ValueError, match=message):
        DCGANDiscriminator().init(jax.random.key(0), jnp.zeros((1, *shape)))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((28, 28), (28, 28)),
        ((30, 30), (32, 32)),
        ((29, 29), (28, 28)),
        ((1, 1), (8, 8)),
        ((100, 130), (96, 128)),
        ((130, 100), (128, 96)),
        ((64, 85), (64, 80)),
        ((8, 11), (8, 12)),
        ((8, 13), (8, 14)),
        ((500, 500), (512, 512)),
    ],
)
def test_the_nearest_size(asked, expected):
    assert pyramid.nearest(asked) == expected
    dcgan.stages((*expected, 1))


def test_no_size_that_fits_is_nearer():
    """Against all sizes, tried one by one."""
    fits = set()
    for size in np.ndindex(80, 80):
        with contextlib.suppress(ValueError):
            dcgan.stages((*size, 1))
            fits.add(size)
    distance = lambda size, asked: sum(abs(math.log(a / b)) for a, b in zip(size, asked, strict=True))  # noqa: E731
    for asked in ((11, 9), (23, 52), (37, 37), (50, 41), (20, 61), (8, 13)):
        least = min(distance(size, asked) for size in fits)
        assert distance(pyramid.nearest(asked), asked) == pytest.approx(least)


@functools.cache
def generator():
    network = networks.from_module(DCGANGenerator((16, 16, 2), width=3), (5,))
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    return network, jax.tree.map(lambda leaf: 10 * leaf if leaf.ndim > 1 else leaf, params), model_state


def test_the_generator_layer_by_layer():
    network, params, model_state = generator()
    z = np.random.default_rng(0).normal(size=(4, 5))
    p = oracle.f64(params)
    h = (z @ p["project"]["kernel"]).reshape(4, 4, 4, 6)
    h = oracle.relu(oracle.batch_norm(h, p["norm_0"]))
    h = oracle.conv_transpose(h, p["up_1"]["kernel"], stride=2, padding=1)
    h = oracle.relu(oracle.batch_norm(h, p["norm_1"]))
    expected = oracle.to_unit(oracle.conv_transpose(h, p["output"]["kernel"], stride=2, padding=1))
    found, after = jax.jit(functools.partial(network.apply, train=True))(params, model_state, jnp.float32(z))
    assert found.dtype == jnp.float32
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert set(after["batch_stats"]) == {"norm_0", "norm_1"}


@pytest.mark.parametrize("units", [0, 5])
def test_the_discriminator_layer_by_layer(units):
    network = networks.from_module(DCGANDiscriminator(width=3, units=units, features=True), (16, 16, 2))
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    params = jax.tree.map(lambda leaf: 10 * leaf if leaf.ndim > 1 else leaf, params)
    x = np.random.default_rng(0).uniform(size=(4, 16, 16, 2))
    p = oracle.f64(params)
    h = oracle.leaky(oracle.conv(2 * x - 1, p["down_0"]["kernel"], stride=2, padding=1))
    h = oracle.conv(h, p["down_1"]["kernel"], stride=2, padding=1)
    h = oracle.leaky(oracle.batch_norm(h, p["norm_1"]))
    if units:
        h = oracle.leaky(oracle.batch_norm(h.reshape(4, -1) @ p["linear"]["kernel"], p["norm_linear"]))
    expected = (h.reshape(4, -1) @ p["output"]["kernel"])[:, 0]
    (logits, features), _ = jax.jit(functools.partial(network.apply, train=True))(params, model_state, jnp.float32(x))
    np.testing.assert_allclose(features, h, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_initial_weights():
    """N(0, .02) for kernels, N(1, .02) for gains, and no biases but the norms' shifts."""
    for module, shape in ((DCGANGenerator((16, 16, 3), width=32), (100,)), (DCGANDiscriminator(width=32), (16, 16, 3))):
        params = jax.jit(module.init)(jax.random.key(0), jnp.zeros((1, *shape)))["params"]
        for name, layer in params.items():
            if name.startswith("norm"):
                assert not layer["bias"].any()
                assert abs(float(layer["scale"].mean()) - 1) < 0.02
                assert 0.01 < float(layer["scale"].std()) < 0.03
            else:
                assert list(layer) == ["kernel"]
                assert abs(float(layer["kernel"].std()) / 0.02 - 1) < 5 / (2 * layer["kernel"].size) ** 0.5
                assert abs(float(layer["kernel"].mean())) < 5 * 0.02 / layer["kernel"].size ** 0.5


def test_activations():
    network, params, model_state = generator()
    z = jnp.ones((1, 5))
    gelu = networks.from_module(DCGANGenerator((16, 16, 2), width=3, activation="gelu"), (5,))
    found, relu = (jax.jit(n.apply)(params, model_state, z)[0] for n in (gelu, network))
    assert not np.allclose(found, relu)
    with pytest.raises(ValueError, match=r"unknown activation 'gellu', did you mean 'gelu'"):
        jax.eval_shape(lambda: DCGANGenerator((16, 16, 2), activation="gellu").init(jax.random.key(0), z))


def test_the_computation_in_bfloat16():
    """The outputs and the parameters stay float32."""
    for module, shape in (
        (DCGANGenerator((16, 16, 1), width=2, dtype=jnp.bfloat16), (5,)),
        (DCGANDiscriminator(width=2, dtype=jnp.bfloat16), (16, 16, 1)),
    ):
        made = jax.eval_shape(lambda m=module, s=shape: m.init_with_output(jax.random.key(0), jnp.zeros((1, *s))))
        assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype(jnp.float32)}
