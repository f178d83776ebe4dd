"""The conditional networks of 2014: their layers in NumPy float64, their sizes, their dropout."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import oracle_layers as oracle

from jgan import networks
from jgan.networks import CGANDiscriminator, CGANGenerator

INTS = (jnp.float32, jnp.int32)
LABELS = np.array([0, 3, 2])


@functools.cache
def generator(**options):
    module = CGANGenerator((2, 3, 1), 4, latent_units=3, label_units=4, joint_units=40, irange=1.0, **options)
    network = networks.from_module(module, (5,), (), input_dtypes=INTS)
    return network, *jax.jit(network.init)(jax.random.key(0))


@functools.cache
def discriminator(**options):
    module = CGANDiscriminator(4, image_units=3, label_units=2, joint_units=4, pieces=(5, 3, 2), irange=1.0, **options)
    network = networks.from_module(module, (2, 3, 1), (), input_dtypes=INTS)
    return network, *jax.jit(network.init)(jax.random.key(0))


def affine(layer, x):
    return x @ layer["kernel"] + layer["bias"]


def maxout(layer, x, pieces):
    z = affine(layer["pieces"]["affine"], x)
    return z.reshape(len(x), -1, pieces).max(-1)


def test_the_generator_layer_by_layer():
    network, params, model_state = generator()
    params = jax.tree.map(lambda leaf: leaf if leaf.ndim > 1 else leaf + 0.1, params)
    z, p = np.random.default_rng(0).normal(size=(3, 5)), oracle.f64(params)
    of_z, of_y = oracle.relu(affine(p["latent"]["affine"], z)), oracle.relu(affine(p["label"]["affine"], np.eye(4)[LABELS]))
    h = oracle.relu(affine(p["joint"]["affine"], np.concatenate([of_z, of_y], -1)))
    expected = oracle.sigmoid(affine(p["output"]["affine"], h)).reshape(3, 2, 3, 1)
    found, _ = jax.jit(network.apply)(params, model_state, jnp.float32(z), jnp.int32(LABELS))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_discriminator_layer_by_layer():
    network, params, model_state = discriminator()
    params = jax.tree.map(lambda leaf: leaf if leaf.ndim > 1 else leaf + 0.1, params)
    x, p = np.random.default_rng(0).uniform(size=(3, 2, 3, 1)), oracle.f64(params)
    h = np.concatenate([maxout(p["image"], x.reshape(3, 6), 5), maxout(p["label"], np.eye(4)[LABELS], 3)], -1)
    expected = affine(p["output"]["affine"], maxout(p["joint"], h, 2))[:, 0]
    found, _ = jax.jit(network.apply)(params, model_state, jnp.float32(x), jnp.int32(LABELS))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def trained(network, params, model_state):
    return jax.jit(lambda x, labels, key: network.apply(params, model_state, x, labels, key=key, train=True)[0])


def test_dropout_on_both_in_training_mode():
    for make, x in ((generator, jnp.ones((3, 5))), (discriminator, jnp.ones((3, 2, 3, 1)))):
        draw = trained(*make())
        one, again, another = (draw(x, jnp.int32(LABELS), jax.random.key(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(one, again)
        assert not np.allclose(one, another)


def test_no_dropout_where_none_is_wanted():
    """Without a key: a pass that draws would raise."""
    for made, x in (
        (generator(hidden_keep=1.0), jnp.ones((3, 5))),
        (discriminator(hidden_keep=1.0, input_keep=1.0), jnp.ones((3, 2, 3, 1))),
    ):
        network, params, model_state = made
        found = trained(*made)(x, jnp.int32(LABELS), None)
        expected, _ = jax.jit(network.apply)(params, model_state, x, jnp.int32(LABELS))
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_discriminator_always_sees_its_label():
    """With all pixels dropped (by this key), the logit depends on the label and not on the image."""
    run = trained(*discriminator(hidden_keep=1.0, input_keep=1 / 256))
    images = jnp.stack([jnp.ones((2, 3, 1)), jnp.zeros((2, 3, 1)), jnp.ones((2, 3, 1))])
    one, two = run(images, jnp.array([1, 1, 1]), jax.random.key(0)), run(images, jnp.array([2, 2, 2]), jax.random.key(0))
    np.testing.assert_array_equal(one, one[0])
    assert not np.allclose(one, two)


def test_the_sizes_of_the_paper():
    """Z 100 -> 200, y -> 1000, joined -> 1200 -> 784; 784 -> 240 x 5, y -> 50 x 5, joined -> 240 x 4 -> 1."""

    def shapes(module, *inputs):
        params = jax.eval_shape(module.init, jax.random.key(0), *inputs)["params"]
        return {path[0].key: leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(params) if len(leaf.shape) > 1}

    y = jnp.zeros(1, jnp.int32)
    assert shapes(CGANGenerator((28, 28, 1), 10), jnp.zeros((1, 100)), y) == {
        "latent": (100, 200),
        "label": (10, 1000),
        "joint": (1200, 1200),
        "output": (1200, 784),
    }
    assert shapes(CGANDiscriminator(10), jnp.zeros((1, 28, 28, 1)), y) == {
        "image": (784, 1200),
        "label": (10, 250),
        "joint": (290, 960),
        "output": (240, 1),
    }


def test_packed_labels():
    """The labels of two packed examples stand beside each other."""
    module = CGANDiscriminator(4, image_units=3, label_units=2, joint_units=4)
    labels = jnp.array([[1, 2], [3, 0]])
    logits, variables = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((2, 2, 3, 2)), labels))
    assert logits.shape == (2,)
    assert variables["params"]["label"]["pieces"]["affine"]["kernel"].shape[0] == 2 * 4
