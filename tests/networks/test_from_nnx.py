"""`from_nnx` against the same module called by Flax NNX itself."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jgan import constraints, networks

KEY = jax.random.key(3)
X = jax.random.normal(jax.random.key(1), (8, 3))


class Normed(nnx.Module):
    """Layers in a list, batch statistics, no random numbers."""

    def __init__(self, *, rngs):
        self.first = nnx.Linear(3, 4, rngs=rngs)
        self.norm = nnx.BatchNorm(4, momentum=0.5, rngs=rngs)
        self.rest = nnx.Sequential(nnx.relu, nnx.Linear(4, 2, rngs=rngs))

    def __call__(self, x):
        return self.rest(self.norm(self.first(x)))


class Dropped(nnx.Module):
    """Two dropout layers, on the input as it is."""

    def __init__(self, rngs):
        self.one, self.two = nnx.Dropout(0.5, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.one(x), self.two(x)


def make(key):
    return Normed(rngs=nnx.Rngs(key))


@functools.cache
def normed():
    network = networks.from_nnx(lambda rngs: Normed(rngs=rngs), (3,))
    return network, *jax.jit(network.init)(jax.random.key(0))


close = functools.partial(chex.assert_trees_all_close, rtol=1e-5, atol=1e-6)


def test_parameters_and_state_are_the_modules_own_as_plain_dicts():
    _, params, model_state = normed()
    module = make(jax.random.key(0))
    close(
        params,
        {
            "first": {"kernel": module.first.kernel[...], "bias": module.first.bias[...]},
            "norm": {"scale": jnp.ones(4), "bias": jnp.zeros(4)},
            "rest": {"layers": {"1": {"kernel": module.rest.layers[1].kernel[...], "bias": jnp.zeros(2)}}},
        },
    )
    close(model_state, {"batch_stats": {"norm": {"mean": jnp.zeros(4), "var": jnp.ones(4)}}})


def test_a_training_pass_and_an_evaluation_are_the_modules():
    network, params, model_state = normed()
    module = make(jax.random.key(0))
    module.train()
    expected = module(X)
    output, after = network.apply(params, model_state, X, train=True)
    close(output, expected)
    close(after, {"batch_stats": {"norm": {"mean": module.norm.mean[...], "var": module.norm.var[...]}}})
    assert not np.allclose(after["batch_stats"]["norm"]["mean"], 0)
    module.eval()
    output, unchanged = network.apply(params, after, X)
    close(output, module(X))
    assert unchanged is after


def test_gradients_are_the_modules():
    network, params, model_state = normed()
    found = jax.grad(lambda p: jnp.sum(jnp.sin(network.apply(p, model_state, X, train=True)[0])))(params)
    module = make(jax.random.key(0))
    module.train()
    expected = nnx.grad(lambda m: jnp.sum(jnp.sin(m(X))))(module)
    np.testing.assert_allclose(found["first"]["kernel"], expected["first"]["kernel"][...], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        found["rest"]["layers"]["1"]["kernel"], expected["rest"]["layers"][1]["kernel"][...], rtol=1e-4, atol=1e-6
    )


@pytest.mark.slow
def test_under_jit_vmap_and_scan():
    network, params, model_state = normed()
    train = functools.partial(network.apply, train=True)
    output, after = train(params, model_state, X)
    close(jax.jit(network.init)(jax.random.key(0)), (params, model_state))
    close(jax.jit(train)(params, model_state, X), (output, after))
    scaled = jax.tree.map(lambda leaf: jnp.stack([2 * leaf, leaf]), params)
    close(jax.vmap(train, in_axes=(0, None, None))(scaled, model_state, X)[0][1], output)
    final, _ = jax.lax.scan(lambda state, _: (train(params, state, X)[1], None), model_state, length=2)
    close(final, train(params, after, X)[1])


def test_batch_statistics_on_four_devices_are_those_of_the_whole_batch():
    network, params, model_state = normed()
    step = lambda x: network.apply(params, model_state, x, train=True, axis_name="devices")  # noqa: E731
    outputs, states = jax.pmap(step, axis_name="devices")(X.reshape(4, 2, 3))
    expected, after = network.apply(params, model_state, X, train=True)
    np.testing.assert_allclose(outputs.reshape(8, 2), expected, rtol=1e-4, atol=1e-5)
    close(states, jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), after))


@functools.cache
def dropped():
    network = networks.from_nnx(Dropped, (64,))
    return network, *jax.jit(network.init)(jax.random.key(0))


def test_dropout_follows_the_key():
    network, params, model_state = dropped()
    assert (params, model_state) == ({}, {}), "the generators are no state of the player's"
    ones = jnp.ones((4, 64))
    draw = jax.jit(lambda key: network.apply(params, model_state, ones, key=key, train=True)[0])
    one, two = draw(KEY)
    assert set(np.unique(one)) == {0.0, 2.0}
    assert abs(float(one.mean()) - 1) < 5 / 16  # five standard errors of 256 coins
    assert not np.array_equal(one, two), "two layers must not share a mask"
    np.testing.assert_array_equal(draw(KEY)[0], one)
    assert not np.array_equal(draw(jax.random.key(4))[0], one)
    np.testing.assert_array_equal(network.apply(params, model_state, ones)[0][0], ones)


def test_dropout_differs_from_device_to_device():
    network, params, model_state = dropped()
    step = lambda x: network.apply(params, model_state, x, key=KEY, train=True, axis_name="devices")[0][0]  # noqa: E731
    masks = jax.pmap(step, axis_name="devices")(jnp.ones((4, 1, 64)))
    assert len({masks[device].tobytes() for device in range(4)}) == 4


def test_random_numbers_without_a_key_are_refused():
    network, params, model_state = dropped()
    for apply in (network.apply, jax.jit(network.apply, static_argnames="train")):
        with pytest.raises(ValueError, match=r"Dropped draws random numbers in this pass: give apply a key"):
            apply(params, model_state, jnp.ones((1, 64)), train=True)


def test_keywords_methods_and_what_a_pass_records():
    class Module(nnx.Module):
        def __init__(self, rngs):
            self.linear = nnx.Linear(2, 2, rngs=rngs)
            self.count = nnx.Variable(jnp.int32(0))

        def __call__(self, x, axis_name=None):
            return x

        def scaled(self, x, factor, *, train=False, axis_name=None):
            self.count[...] = self.count[...] + 1
            self.recorded = nnx.Intermediate(x)
            return factor * x * (2 if train else 1) * (3 if axis_name else 1)

    network = networks.from_nnx(Module, (2,), None, method="scaled")
    params, model_state = jax.jit(network.init)(KEY)
    x = jnp.ones((1, 2))
    output, after = network.apply(params, model_state, x, 0.5, train=True)
    assert float(output[0, 0]) == 1.0
    assert after == {"count": 1}, "counted, and nothing that the pass added"
    output, after = jax.vmap(
        lambda x: network.apply(params, model_state, x, 0.5, train=True, axis_name="devices"), axis_name="devices"
    )(x[None])
    assert float(output[0, 0, 0]) == 3.0
    assert network.apply(params, model_state, x, 0.5)[1] == {"count": 0}


def test_layers_that_were_made_by_vmap():
    """Their random streams have an axis of their own."""

    class Stack(nnx.Module):
        def __init__(self, rngs):
            @nnx.split_rngs(splits=3)
            @nnx.vmap
            def layers(rngs):
                return nnx.Dropout(0.5, rngs=rngs)

            self.layers = layers(rngs)

        def __call__(self, x):
            return nnx.vmap(lambda layer, x: layer(x), in_axes=(0, None))(self.layers, x)

    network = networks.from_nnx(Stack, (64,))
    params, model_state = jax.jit(network.init)(KEY)
    masks, _ = network.apply(params, model_state, jnp.ones((1, 64)), key=KEY, train=True)
    assert masks.shape == (3, 1, 64)
    assert len({mask.tobytes() for mask in np.asarray(masks)}) == 3


def test_constraints_find_the_kernels():
    _, params, _ = normed()
    optimizer = optax.chain(optax.sgd(1.0), constraints.max_column_norm(0.5))
    grads = jax.tree.map(lambda leaf: -10 * jnp.ones_like(leaf), params)
    updates, _ = optimizer.update(grads, optimizer.init(params), params)
    after = optax.apply_updates(params, updates)
    for layer in (after["first"], after["rest"]["layers"]["1"]):
        np.testing.assert_allclose(np.linalg.norm(layer["kernel"], axis=0), 0.5, rtol=1e-5)
        assert (layer["bias"] == 10).all()


def test_errors():
    network, params, model_state = normed()
    with pytest.raises(ValueError, match=r"the input of Normed must have the shape \[batch, 3\], found \(8, 2\)"):
        network.apply(params, model_state, X[:, :2])
    with pytest.raises(TypeError, match=r"must return a flax.nnx.Module, found dict"):
        networks.from_nnx(lambda rngs: {"kernel": jnp.zeros(3)}, (3,)).init(KEY)
