"""The networks of CycleGAN and pix2pix: published parameter counts, the layers in NumPy float64, the sizes that fit."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle
import pytest

from jgan import networks, rng
from jgan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator

COUNTS = [
    (ResNetGenerator(), (256, 256, 3), 11_378_179),
    (ResNetGenerator(norm="batch"), (256, 256, 3), 11_383_427),
    (ResNetGenerator(blocks=6), (128, 128, 3), 7_837_699),
    (ResNetGenerator(blocks=6, width=32, channels=1), (32, 32, 1), 1_958_785),
    (ResNetGenerator(blocks=4, width=32), (32, 32, 3), 1_374_723),
    (UNetGenerator(), (256, 256, 3), 54_413_955),
    (UNetGenerator(norm="instance"), (256, 256, 3), 54_409_603),
    (UNetGenerator(levels=7), (128, 128, 3), 41_828_995),
    (UNetGenerator(levels=5, width=32, channels=1), (32, 32, 1), 4_164_929),
    (PatchDiscriminator(), (256, 256, 3), 2_764_737),
    (PatchDiscriminator(norm="batch"), (256, 256, 6), 2_768_705),
    (PatchDiscriminator(layers=2, width=32), (32, 32, 3), 167_649),
    (PatchDiscriminator(layers=0, norm="batch"), (256, 256, 6), 9_024),
]


@pytest.mark.parametrize(("module", "shape", "expected"), COUNTS, ids=lambda value: "" if not isinstance(value, int) else value)
def test_the_parameter_counts_of_the_published_networks(module, shape, expected):
    """The rows of 32x32 images are the published networks, rebuilt smaller in PyTorch."""
    output, variables = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((1, *shape))))
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"])) == expected
    if not isinstance(module, PatchDiscriminator):
        assert output.shape == (1, *shape[:2], module.channels)


@pytest.mark.parametrize(("side", "layers", "out"), [(256, 3, 30), (256, 0, 256), (32, 2, 6), (16, 1, 6), (24, 3, 1)])
def test_the_map_of_a_patch_discriminator(side, layers, out):
    module = PatchDiscriminator(width=2, layers=layers)
    logits = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((2, side, side, 1)))[0])
    assert logits.shape == (2, out, out)


@pytest.mark.parametrize(("layers", "field"), [(0, 1), (1, 16), (2, 34), pytest.param(3, 70, marks=pytest.mark.slow)])
def test_the_field_that_a_logit_sees(layers, field):
    """The pixels that move one logit in the middle; of batch norm at rest, so that pixels act through convolutions only."""
    network = networks.from_module(PatchDiscriminator(norm="batch", width=1, layers=layers), (96, 96, 1))
    params, model_state = jax.eval_shape(network.init, jax.random.key(0))
    positive, at_rest = (jax.tree.map(lambda leaf: jnp.ones(leaf.shape) / leaf.size, tree) for tree in (params, model_state))

    def middle(x):
        logits = network.apply(positive, at_rest, x)[0][0]
        return logits[len(logits) // 2, len(logits) // 2]

    seen = np.asarray(jax.jit(jax.grad(middle))(jnp.full((1, 96, 96, 1), 0.7)))[0, :, :, 0] > 0
    assert seen.any(1).sum() == seen.any(0).sum() == field


@functools.cache
def made(module, *shape):
    network = networks.from_module(module, shape)
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    generator = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: jnp.float32(generator.normal(size=leaf.shape) / np.sqrt(leaf[..., 0].size)), params)
    apply = jax.jit(network.apply, static_argnames="train")
    return apply, params, model_state, oracle.f64(params)


def layer(p, kind, index, x, **options):
    weights = p[f"{kind}_{index}"]
    return getattr(oracle, {"Conv": "conv", "ConvTranspose": "conv_transpose"}[kind])(
        x, weights["kernel"], weights.get("bias"), **options
    )


def test_the_residual_generator_layer_by_layer():
    apply, params, model_state, p = made(ResNetGenerator(channels=3, width=2, blocks=2, downsamplings=1), 8, 12, 1)
    x = np.random.default_rng(1).uniform(size=(2, 8, 12, 1))
    norm, relu, reflect = oracle.instance_norm, oracle.relu, oracle.reflect
    h = relu(norm(layer(p, "Conv", 0, reflect(2 * x - 1, 3))))
    h = relu(norm(layer(p, "Conv", 1, h, stride=2, padding=1)))
    for block in range(2):
        inner = relu(norm(layer(p, "Conv", 2 + 2 * block, reflect(h, 1))))
        h = h + norm(layer(p, "Conv", 3 + 2 * block, reflect(inner, 1)))
    h = relu(norm(layer(p, "ConvTranspose", 0, h, stride=2, padding=1, output_padding=1)))
    expected = oracle.to_unit(layer(p, "Conv", 6, reflect(h, 3)))
    found, _ = apply(params, model_state, jnp.float32(x))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_u_net_layer_by_layer():
    apply, params, model_state, p = made(UNetGenerator(channels=2, width=2, levels=3), 8, 16, 1)
    x = np.random.default_rng(1).uniform(size=(2, 8, 16, 1))
    norm = lambda h, index: oracle.batch_norm(h, p[f"BatchNorm_{index}"])  # noqa: E731
    down = functools.partial(layer, p, "Conv", stride=2, padding=1)
    up = functools.partial(layer, p, "ConvTranspose", stride=2, padding=1)
    first = down(0, 2 * x - 1)
    second = norm(down(1, oracle.leaky(first)), 0)
    third = down(2, oracle.leaky(second))
    h = np.concatenate([second, norm(up(0, oracle.relu(third)), 1)], -1)
    h = np.concatenate([first, norm(up(1, oracle.relu(h)), 2)], -1)
    expected = oracle.to_unit(up(2, oracle.relu(h)))
    found, _ = apply(params, model_state, jnp.float32(x), train=True, key=jax.random.key(0))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("levels", "dropouts", "expected"), [(4, None, 0), (6, None, 1), (8, None, 3), (3, 1, 1)])
def test_the_u_nets_dropout_stands_in_the_middle_levels(levels, dropouts, expected):
    module, side = UNetGenerator(width=1, levels=levels, dropouts=dropouts), 2**levels
    x, seeds = jax.ShapeDtypeStruct((2, side, side, 3), jnp.float32), jax.ShapeDtypeStruct((2,), jnp.uint32)
    variables = jax.eval_shape(module.init, jax.random.key(0), x)
    drops = lambda *inputs: str(jax.make_jaxpr(module.apply)(variables, *inputs)).count("random_bits")  # noqa: E731
    assert drops(x, seeds) == expected
    assert drops(x) == 0


def test_dropout_follows_from_each_examples_seed_alone():
    """The same network in NumPy with the masks of `rng`, which do not depend on the place in the batch."""
    module = UNetGenerator(norm="instance", channels=1, width=2, levels=3, dropouts=1)
    network = networks.from_module(module, (8, 8, 1), (), input_dtypes=(jnp.float32, jnp.uint32))
    params, _ = jax.jit(network.init)(jax.random.key(0))
    p = oracle.f64(params)
    x, seeds = np.random.default_rng(1).uniform(size=(3, 8, 8, 1)), np.array([5, 5, 9], np.uint32)
    down = functools.partial(layer, p, "Conv", stride=2, padding=1)
    up = functools.partial(layer, p, "ConvTranspose", stride=2, padding=1)
    first = down(0, 2 * x - 1)
    second = oracle.instance_norm(down(1, oracle.leaky(first)))
    h = np.concatenate([second, oracle.instance_norm(up(0, oracle.relu(down(2, oracle.leaky(second)))))], -1)
    h = oracle.instance_norm(up(1, oracle.relu(h)))
    keys = [jax.random.fold_in(jax.random.key(int(seed)), 1) for seed in seeds]
    masks = np.asarray(rng.bernoulli_masks(jnp.stack(keys), 0.5, h.shape[1:]))
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])
    expected = oracle.to_unit(up(2, oracle.relu(np.concatenate([first, 2 * h * masks], -1))))
    found, _ = jax.jit(network.apply)(params, {}, jnp.float32(x), seeds)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "module",
    [UNetGenerator(channels=2, width=2, levels=3), ResNetGenerator(channels=2, width=2, blocks=1, downsamplings=3)],
    ids=["u_net", "resnet"],
)
def test_other_sides_are_reflected_and_cropped(module):
    """A 13x14 image, of a network declared for 16x16: the output is that of the 16x16 that NumPy continues, cropped."""
    network = networks.from_module(module, (16, 16, 1), any_sides=True)
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    x = np.random.default_rng(1).uniform(size=(2, 13, 14, 1)).astype(np.float32)
    whole = np.pad(x, ((0, 0), (1, 2), (1, 1), (0, 0)), mode="reflect")
    expected, found = (jax.jit(network.apply)(params, model_state, images)[0] for images in (whole, x))
    assert found.shape == (2, 13, 14, 2)
    np.testing.assert_allclose(found, expected[:, 1:14, 1:15], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"must have the shape \[batch, 13, 14, 1\], found \(2, 13, 14, 2\)"):
        network.apply(params, model_state, found)
    declared = networks.from_module(module, (16, 16, 1))
    with pytest.raises(ValueError, match=r"must have the shape \[batch, 16, 16, 1\], found \(2, 13, 14, 1\)"):
        declared.apply(params, model_state, x)


def test_the_patch_discriminator_layer_by_layer():
    apply, params, model_state, p = made(PatchDiscriminator(width=2, layers=2), 12, 16, 2)
    x = np.random.default_rng(1).uniform(size=(2, 12, 16, 2))
    h = oracle.leaky(layer(p, "Conv", 0, 2 * x - 1, stride=2, padding=1))
    h = oracle.leaky(oracle.instance_norm(layer(p, "Conv", 1, h, stride=2, padding=1)))
    h = oracle.leaky(oracle.instance_norm(layer(p, "Conv", 2, h, padding=1)))
    expected = layer(p, "Conv", 3, h, padding=1)[..., 0]
    found, _ = apply(params, model_state, jnp.float32(x))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_patch_discriminator_joins_its_images():
    module = PatchDiscriminator(width=2, layers=1)
    network = networks.from_module(module, (8, 8, 1), (8, 8, 2))
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    a, b = jnp.ones((2, 8, 8, 1)), jax.random.uniform(jax.random.key(1), (2, 8, 8, 2))
    found, _ = jax.jit(network.apply)(params, model_state, a, b)
    expected = jax.jit(module.apply)({"params": params}, jnp.concatenate([a, b], -1))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_dropout_in_the_residual_blocks():
    apply, params, model_state, _ = made(ResNetGenerator(width=2, blocks=1, downsamplings=1, keep=0.5), 8, 8, 1)
    x = jnp.ones((1, 8, 8, 1)) * jnp.linspace(0, 1, 8).reshape(1, 8, 1, 1)
    one, two = (apply(params, model_state, x, train=True, key=jax.random.key(seed))[0] for seed in (0, 1))
    assert not np.allclose(one, two)


def test_errors():
    key = jax.random.key(0)
    for module, shape, message in (
        (ResNetGenerator(), (4, 32, 1), "at least 5, found 4x32"),
        (UNetGenerator(levels=5), (16, 32, 1), "of 5 levels takes images whose sides are at least 17, found 16x32"),
        (UNetGenerator(levels=1), (16, 32, 1), "at least 2 levels, found 1"),
        (UNetGenerator(levels=4, dropouts=3), (16, 32, 1), "dropouts must be from 0 to levels - 2, 2, found 3"),
        (PatchDiscriminator(), (16, 64, 1), "at least 24, found 16x64"),
        (ResNetGenerator(norm="btach"), (8, 8, 1), "unknown norm 'btach', did you mean 'batch'"),
    ):
        with pytest.raises(ValueError, match=message):
            jax.eval_shape(lambda m=module, s=shape: m.init(key, jnp.zeros((1, *s))))
