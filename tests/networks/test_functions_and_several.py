"""Networks of plain functions, and several networks in one."""

import functools
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import networks

KEY = jax.random.key(3)
X = jnp.arange(6.0).reshape(2, 3)


def test_plain_functions_get_the_keywords_that_they_name():
    init = lambda key: {"kernel": jax.random.normal(key, (3, 2))}  # noqa: E731
    plain = networks.from_functions(init, lambda params, x, y: x @ params["kernel"] + y)
    params, model_state = jax.jit(plain.init)(KEY)
    np.testing.assert_array_equal(params["kernel"], jax.random.normal(KEY, (3, 2)))
    output, after = plain.apply(params, model_state, X, 1.0, key=KEY, train=True, axis_name="devices")
    np.testing.assert_array_equal(output, X @ params["kernel"] + 1)
    assert after == model_state == {}
    every = networks.from_functions(init, lambda params, x, *, key, train, axis_name: (key, train, axis_name))
    (key, train, axis_name), _ = every.apply(params, {}, X, key=KEY, train=True, axis_name="devices")
    assert key is KEY
    assert (train, axis_name) == (True, "devices")
    some = networks.from_functions(init, lambda params, x, train: train)
    assert [some.apply(params, {}, X, train=train)[0] for train in (False, True)] == [False, True]


def test_plain_functions_that_do_not_know_of_devices_get_another_key_on_each():
    noise = networks.from_functions(lambda key: {}, lambda params, x, key: jax.random.normal(key, x.shape))
    step = lambda x: noise.apply({}, {}, x, key=KEY, axis_name="devices")[0]  # noqa: E731
    draws = jax.pmap(step, axis_name="devices")(jnp.zeros((4, 5)))
    assert len(np.unique(draws)) == 20


def test_gradients_and_jit():
    network = networks.from_functions(lambda key: jnp.ones(3), lambda params, x: jnp.sum(x * params[None]))
    gradient = jax.jit(jax.grad(lambda params: network.apply(params, {}, X)[0]))(jnp.ones(3))
    np.testing.assert_array_equal(gradient, X.sum(0))


class Part(nn.Module):
    """Batch statistics and dropout; up to two inputs."""

    size: int

    @nn.compact
    def __call__(self, x, other=None, *, train=False, axis_name=None):
        h = networks.BatchNorm()(nn.Dense(self.size)(x), train=train, axis_name=axis_name)
        h = nn.Dropout(0.5, deterministic=not train)(h)
        return h if other is None else h + other


@functools.cache
def pair():
    ab, ba = networks.from_module(Part(4), (3,)), networks.from_module(Part(3), (4,), (3,))
    both = networks.several(ab=ab, ba=ba)
    return ab, ba, both, *jax.jit(both.init)(KEY)


def test_one_owner_of_several():
    ab, ba, both, params, model_state = pair()
    assert set(params) == set(model_state) == {"ab", "ba"}
    y, z = jnp.ones((2, 4)), jnp.ones((2, 3))
    outputs, after = both.apply(params, model_state, {"ba": (y, z), "ab": X})
    np.testing.assert_array_equal(outputs["ab"], ab.apply(params["ab"], model_state["ab"], X)[0])
    np.testing.assert_array_equal(outputs["ba"], ba.apply(params["ba"], model_state["ba"], y, z)[0])
    assert jax.tree.structure(after) == jax.tree.structure(model_state)


def test_networks_that_are_not_called_keep_their_state():
    _, _, both, params, model_state = pair()
    train = jax.jit(functools.partial(both.apply, train=True))
    outputs, after = train(params, model_state, {"ab": X}, key=KEY)
    assert set(outputs) == {"ab"}
    jax.tree.map(np.testing.assert_array_equal, after["ba"], model_state["ba"])
    assert not np.allclose(after["ab"]["batch_stats"]["BatchNorm_0"]["mean"], 0)
    gradient = jax.grad(lambda p: jnp.sum(both.apply(p, model_state, {"ab": X}, key=KEY, train=True)[0]["ab"]))(params)
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradient["ba"]))
    assert any(leaf.any() for leaf in jax.tree.leaves(gradient["ab"]))


def test_keys_go_by_name():
    """Two equal networks differ; a third changes nothing for them; dropout differs too."""
    part = networks.from_module(Part(64), (3,))
    two, three = networks.several(a=part, b=part), networks.several(c=part, b=part, a=part)
    params, state = jax.jit(two.init)(KEY)
    more, more_state = jax.jit(three.init)(KEY)
    jax.tree.map(np.testing.assert_array_equal, {name: more[name] for name in "ab"}, params)
    assert not np.array_equal(params["a"]["Dense_0"]["kernel"], params["b"]["Dense_0"]["kernel"])
    same = dict.fromkeys("ab", params["a"])
    outputs, _ = two.apply(same, state, {"a": X, "b": X}, key=KEY, train=True)
    assert not np.array_equal(outputs["a"], outputs["b"])
    alone, _ = three.apply({**same, "c": params["a"]}, more_state, {"b": X}, key=KEY, train=True)
    np.testing.assert_array_equal(alone["b"], outputs["b"])


def test_on_devices():
    _, _, both, params, model_state = pair()
    step = lambda x: both.apply(params, model_state, {"ab": x}, key=KEY, train=True, axis_name="devices")[1]  # noqa: E731
    x = jax.random.normal(KEY, (4, 2, 3))
    found = jax.pmap(step, axis_name="devices")(x)["ab"]["batch_stats"]["BatchNorm_0"]["mean"]
    _, expected = both.apply(params, model_state, {"ab": x.reshape(8, 3)}, key=KEY, train=True)
    np.testing.assert_allclose(found[2], expected["ab"]["batch_stats"]["BatchNorm_0"]["mean"], rtol=1e-4, atol=1e-6)


def test_a_named_tuple_is_one_input():
    class Two(NamedTuple):
        x: jax.Array
        y: jax.Array

    total = networks.from_functions(lambda key: {}, lambda params, two: two.x + two.y)
    outputs, _ = networks.several(total=total).apply({"total": {}}, {"total": {}}, {"total": Two(X, X)})
    np.testing.assert_array_equal(outputs["total"], 2 * X)


def test_errors():
    _, _, both, params, model_state = pair()
    with pytest.raises(ValueError, match=r"one dict of inputs by name \(ab, ba\), found ArrayImpl"):
        both.apply(params, model_state, X)
    with pytest.raises(ValueError, match=r"one dict .*, found dict, dict"):
        both.apply(params, model_state, {"ab": X}, {"ba": X})
    with pytest.raises(ValueError, match=r"unknown network 'cd'.* known are ab, ba"):
        both.apply(params, model_state, {"cd": X})
    with pytest.raises(ValueError, match="at least one network"):
        networks.several()
