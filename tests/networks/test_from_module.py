"""`from_module` against the same module called by Flax itself."""

import functools

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jgan import networks

KEY = jax.random.key(3)


class Noisy(nn.Module):
    """Draws from two streams and returns both draws."""

    @nn.compact
    def __call__(self, x, train=False):
        dropped = nn.Dropout(0.5, deterministic=not train)(x)
        return dropped, jax.random.normal(self.make_rng("noise"), x.shape) if train else x


class Normed(nn.Module):
    """Batch statistics and dropout, with all keywords."""

    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        h = networks.BatchNorm(momentum=0.5)(nn.Dense(4)(x), train=train, axis_name=axis_name)
        return nn.Dropout(0.5, deterministic=not train)(h)


class Unaware(nn.Module):
    """The same without `axis_name`, and dropout apart."""

    @nn.compact
    def __call__(self, x, *, train=False):
        h = nn.BatchNorm(use_running_average=not train, momentum=0.5)(x)
        return h, nn.Dropout(0.5, deterministic=not train)(jnp.ones_like(x))


class Many(nn.Module):
    """A tree, labels and a scalar."""

    @nn.compact
    def __call__(self, images, labels, progress):
        h = nn.Dense(3)(images["low"]) + nn.Dense(3)(images["high"])
        return (1 - progress) * h + progress * nn.Embed(5, 3)(labels)


class Coder(nn.Module):
    """Two methods."""

    def setup(self):
        self.dense = nn.Dense(2)

    def __call__(self, x):
        return self.dense(x).sum()

    def encode(self, x, train=False):
        return self.dense(x) * (2 if train else 1)


same = chex.assert_trees_all_equal


@functools.cache
def normed():
    network = networks.from_module(Normed(), (3,))
    return network, *jax.jit(network.init)(jax.random.key(0))


X = jnp.arange(12.0).reshape(4, 3) / 7


def test_parameters_and_state_are_the_modules_own():
    _, params, model_state = normed()
    variables = Normed().init(jax.random.key(0), jnp.zeros((1, 3)))
    same({"params": params, **model_state}, variables)


def test_a_training_pass_is_the_modules_with_the_key_for_dropout():
    """Bit for bit: the stream `dropout` gets the key itself."""
    network, params, model_state = normed()
    variables = {"params": params, **model_state}
    native = Normed().apply(variables, X, train=True, rngs={"dropout": KEY}, mutable=["batch_stats"])
    same(network.apply(params, model_state, X, key=KEY, train=True), native)
    assert not np.allclose(native[1]["batch_stats"]["BatchNorm_0"]["mean"], 0)


def test_an_evaluation_leaves_the_state_alone():
    network, params, model_state = normed()
    output, after = network.apply(params, model_state, X, key=KEY)
    assert after is model_state
    np.testing.assert_array_equal(output, Normed().apply({"params": params, **model_state}, X))


def test_under_jit_vmap_scan_and_grad():
    network, params, model_state = normed()
    train = functools.partial(network.apply, key=KEY, train=True)
    apply = functools.partial(Normed().apply, train=True, rngs={"dropout": KEY}, mutable=["batch_stats"])

    def passes(train):
        """The output, the state after two passes, the outputs of two sets of parameters, and a gradient."""
        final, _ = jax.lax.scan(lambda state, _: (train(params, state)[1], None), model_state, length=2)
        scaled = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), params)
        outputs, _ = jax.vmap(train, in_axes=(0, None))(scaled, model_state)
        gradient = jax.grad(lambda params: jnp.sum(jnp.sin(train(params, model_state)[0])))(params)
        return train(params, model_state)[0], final, outputs, gradient

    found = jax.jit(lambda: passes(lambda params, state: train(params, state, X)))()
    expected = jax.jit(lambda: passes(lambda params, state: apply({"params": params, **state}, X)))()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


def test_several_streams():
    """`dropout` draws as before, `noise` from another key, and a further stream changes neither."""
    x = jnp.ones((2, 5))
    two, three = (
        networks.from_module(Noisy(), (5,), rngs=names) for names in (("dropout", "noise"), ("other", "noise", "dropout"))
    )
    params, model_state = jax.jit(two.init)(jax.random.key(0))
    (dropped, noise), _ = two.apply(params, model_state, x, key=KEY, train=True)
    expected, same_key = Noisy().apply({}, x, train=True, rngs={"dropout": KEY, "noise": KEY})
    np.testing.assert_array_equal(dropped, expected)
    assert not np.allclose(noise, same_key), "two streams must not share a key"
    same(three.apply(params, model_state, x, key=KEY, train=True)[0], (dropped, noise))
    assert not np.allclose(two.apply(params, model_state, x, key=jax.random.key(4), train=True)[0][1], noise)


def test_trees_labels_and_scalars():
    network = networks.from_module(
        Many(), {"low": (2,), "high": (4,)}, (), None, input_dtypes=(jnp.float32, jnp.int32, jnp.float32)
    )
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    images, labels = {"low": jnp.ones((3, 2)), "high": jnp.ones((3, 4))}, jnp.array([0, 4, 2])
    for progress in (0.25, jnp.float32(1)):
        found, _ = network.apply(params, model_state, images, labels, progress)
        np.testing.assert_array_equal(found, Many().apply({"params": params}, images, labels, progress))
    with pytest.raises(ValueError, match=r"input 1 of Many must hold integers.*found float32"):
        network.apply(params, model_state, images, jnp.zeros(3), 0.0)
    with pytest.raises(ValueError, match=r"input 0 of Many must be a tree .*'high'.*, found .*'low'"):
        network.apply(params, model_state, {"low": images["low"]}, labels, 0.0)
    with pytest.raises(ValueError, match=r"input 0 of Many must have the shape \[batch, 4\], found \(3, 5\)"):
        network.apply(params, model_state, {**images, "high": jnp.ones((3, 5))}, labels, 0.0)
    with pytest.raises(ValueError, match=r"Many takes 3 inputs as declared, found 2"):
        network.apply(params, model_state, images, labels)


def test_a_dtype_for_each_leaf_of_a_tree():
    class Tokens(nn.Module):
        @nn.compact
        def __call__(self, inputs):
            return nn.Embed(5, 2)(inputs["tokens"]).sum(1) + inputs["shift"]

    network = networks.from_module(
        Tokens(), {"tokens": (7,), "shift": (2,)}, input_dtypes=({"tokens": jnp.int32, "shift": jnp.float32},)
    )
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    inputs = {"tokens": jnp.ones((3, 7), jnp.int32), "shift": jnp.ones((3, 2))}
    np.testing.assert_allclose(
        network.apply(params, model_state, inputs)[0],
        np.tile(7 * params["Embed_0"]["embedding"][1] + 1, (3, 1)),
        rtol=1e-5,
    )


@pytest.mark.parametrize("method", ["encode", Coder.encode])
def test_another_method(method):
    network = networks.from_module(Coder(), (3,), method=method)
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    for train in (False, True):
        expected = Coder().apply({"params": params}, X, train=train, method="encode")
        np.testing.assert_array_equal(network.apply(params, model_state, X, train=train)[0], expected)


def test_modules_without_our_keywords():
    for module in (nn.Dense(2), nn.Sequential([nn.Dense(2), nn.relu])):
        network = networks.from_module(module, (3,))
        params, model_state = jax.jit(network.init)(jax.random.key(0))
        output, _ = network.apply(params, model_state, X, key=KEY, train=True)
        np.testing.assert_array_equal(output, module.apply({"params": params}, X))


def test_a_module_that_does_not_know_of_devices():
    """Each device normalises its part; the running statistics are the mean over the devices; no two devices drop alike."""
    network = networks.from_module(Unaware(), (3,))
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (4, 5, 3))
    step = lambda x: network.apply(params, model_state, x, key=KEY, train=True, axis_name="devices")  # noqa: E731
    (normalised, mask), after = jax.pmap(step, axis_name="devices")(x)
    wide = np.asarray(x, np.float64)
    expected = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(normalised, expected, rtol=1e-4, atol=1e-5)
    for name, value in (("mean", 0.5 * wide.mean(1).mean(0)), ("var", 0.5 + 0.5 * wide.var(1).mean(0))):
        found = after["batch_stats"]["BatchNorm_0"][name]
        np.testing.assert_allclose(found, np.tile(value, (4, 1)), rtol=1e-4, atol=1e-5)
    assert len({mask[device].tobytes() for device in range(4)}) == 4


def test_a_module_that_knows_of_devices():
    """The statistics are those of the whole batch."""
    network, params, model_state = normed()
    x = jax.random.normal(jax.random.key(1), (8, 3))
    step = lambda x: network.apply(params, model_state, x, key=KEY, train=True, axis_name="devices")[1]  # noqa: E731
    found = jax.pmap(step, axis_name="devices")(x.reshape(4, 2, 3))
    _, expected = network.apply(params, model_state, x, key=KEY, train=True)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, np.stack([b] * 4), rtol=1e-4, atol=1e-6), found, expected)


def test_errors():
    network, params, model_state = normed()
    with pytest.raises(ValueError, match=r"the input of Normed must have the shape \[batch, 3\], found \(4, 2\)"):
        network.apply(params, model_state, X[:, :2])
    with pytest.raises(TypeError, match=r"a module of flax.linen, found Linear.*from_nnx"):
        networks.from_module(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), (3,))
    short = networks.from_module(Many(), (2,), (), None, input_dtypes=(jnp.float32,))
    with pytest.raises(ValueError, match=r"input_dtypes of Many must have one entry for each of 3 inputs, found 1"):
        short.init(KEY)
