"""The maximal column norm, against closed forms and against pylearn2's rule in NumPy float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import constraints, networks, optim


def projected(array, limit):
    """pylearn2's `max_col_norm` and `max_kernel_norm`: W clip(norm, 0, limit) / norm, the norm over all axes but the last."""
    norm = np.sqrt((array.astype(np.float64) ** 2).sum(axis=tuple(range(array.ndim - 1)), keepdims=True))
    return array * np.clip(norm, 0, limit) / np.maximum(norm, 1e-30)


@given(
    shape=st.sampled_from([(3, 4), (1, 2), (2, 2, 3, 5), (7,)]),
    limit=st.floats(0.1, 10),
    scale=st.floats(0, 20),
    seed=st.integers(0, 99),
)
def test_what_is_outside_is_projected_and_what_is_inside_is_let_alone(shape, limit, scale, seed):
    generator = np.random.default_rng(seed)
    params, updates = ({"kernel": (scale * generator.normal(size=shape)).astype(np.float32)} for _ in range(2))
    constraint = constraints.max_column_norm(limit)
    found, _ = constraint.update(updates, constraint.init(params), params)
    new = params["kernel"] + updates["kernel"]
    expected = projected(new, limit)
    np.testing.assert_allclose(params["kernel"] + found["kernel"], expected, atol=1e-5 * max(1, scale))
    inside = np.broadcast_to(expected == new, shape)
    np.testing.assert_array_equal(np.asarray(found["kernel"])[inside], updates["kernel"][inside])


def test_columns_of_a_3_4_5_triangle():
    params = {"kernel": jnp.zeros((2, 3)), "bias": jnp.zeros(3)}
    updates = {"kernel": jnp.array([[6.0, 0.3, 0.0], [8.0, 0.4, 0.0]]), "bias": jnp.full(3, 100.0)}
    constraint = constraints.max_column_norm(5.0)
    found, _ = constraint.update(updates, constraint.init(params), params)
    np.testing.assert_allclose(found["kernel"], [[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]], rtol=1e-6)  # norms 10, 1/2 and 0
    np.testing.assert_array_equal(found["bias"], updates["bias"])


def test_in_a_maxout_layer_each_piece_is_limited_and_in_a_convolution_each_filter():
    """On the real parameter trees: a norm of 0.1 for every piece, not for the 2 pieces of a unit together."""
    modules = networks.MLPDiscriminator((3,), pieces=2, irange=1.0), networks.MaxoutConv(3, 2, 3, 1, 2, 2, irange=1.0)
    for module, shape in zip(modules, [(1, 2, 2, 1), (1, 4, 4, 2)], strict=True):
        params = module.init(jax.random.key(0), jnp.zeros(shape))["params"]
        constraint = constraints.max_column_norm(0.1)
        updates, _ = constraint.update(optax.tree.zeros_like(params), constraint.init(params), params)
        kernels = 0
        for path, leaf in jax.tree_util.tree_leaves_with_path(optax.apply_updates(params, updates)):
            if path[-1].key == "kernel":
                norms = np.sqrt((np.asarray(leaf) ** 2).sum(axis=tuple(range(leaf.ndim - 1))))
                np.testing.assert_allclose(norms, 0.1, rtol=1e-5)  # irange 1: all began above
                kernels += 1
        assert kernels >= 1


def test_the_momentum_does_not_hear_of_it():
    """As in pylearn2, where only the parameter is rescaled: the velocity is that of the same gradients without a limit."""
    params, grads = {"kernel": jnp.ones((2, 2))}, {"kernel": jnp.full((2, 2), -3.0)}
    sgd = optim.momentum_sgd(0.1, 0.5)
    limited = optax.chain(sgd, constraints.max_column_norm(1.0))
    free_state, state = sgd.init(params), limited.init(params)
    for _ in range(3):
        _, free_state = sgd.update(grads, free_state, params)
        updates, state = limited.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    found, expected = (optax.tree_utils.tree_get(s, "trace") for s in (state, free_state))
    np.testing.assert_array_equal(found["kernel"], expected["kernel"])
    np.testing.assert_allclose(np.linalg.norm(params["kernel"], axis=0), 1.0, rtol=1e-6)


def test_gradients_through_a_column_of_zeros_are_finite():
    params = {"kernel": jnp.zeros((2, 1))}
    constraint = constraints.max_column_norm(1.0)
    gradient = jax.grad(lambda p: jnp.sum(constraint.update(p, optax.EmptyState(), params)[0]["kernel"]))(params)
    np.testing.assert_array_equal(gradient["kernel"], 1.0)


def test_a_limit_that_is_not_positive_and_missing_parameters_are_refused():
    with pytest.raises(ValueError, match=r"above 0, found 0"):
        constraints.max_column_norm(0)
    with pytest.raises(ValueError, match=r"needs the parameters"):
        constraints.max_column_norm(1.0).update({"kernel": jnp.zeros((1, 1))}, optax.EmptyState())
