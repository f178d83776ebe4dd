"""Clipped weights and orthogonal columns, against NumPy in float64; the max column norm has a file of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import constraints

SHAPES = st.sampled_from([(3, 4), (4, 2), (1, 1), (2, 2, 3, 5)])


def apply(transformation, updates, params):
    return transformation.update(updates, transformation.init(params), params)[0]


# ------------------------------------------------------------------------------------------------------------- clipping


@given(limit=st.floats(0.01, 2), scale=st.floats(0, 5), seed=st.integers(0, 99))
def test_every_parameter_is_clipped_and_what_is_inside_moves_freely(limit, scale, seed):
    generator = np.random.default_rng(seed)
    draw = lambda *shape: (scale * generator.normal(size=shape)).astype(np.float32)  # noqa: E731
    params, updates = ({"dense": {"kernel": draw(3, 4), "bias": draw(4)}, "norm": {"scale": draw(4)}} for _ in range(2))
    new = optax.apply_updates(params, apply(constraints.clip_weights(limit), updates, params))
    expected = jax.tree.map(lambda p, u: np.clip(p.astype(np.float64) + u, -limit, limit), params, updates)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6 * max(1, scale)), new, expected)


def test_momentum_does_not_hear_of_the_clipping():
    """Algorithm 1 of the Wasserstein GAN: the optimiser's step, then the clip. Its own state is as without."""
    params, grads = {"bias": jnp.zeros(2)}, {"bias": jnp.array([-1.0, 0.001])}
    plain = optax.sgd(1.0, momentum=0.5)
    clipped = optax.chain(plain, constraints.clip_weights(0.01))
    free, state = plain.init(params), clipped.init(params)
    for _ in range(3):
        _, free = plain.update(grads, free, params)
        updates, state = clipped.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(params["bias"], [0.01, -0.001 * (3 + 2 * 0.5 + 0.25)], rtol=1e-5)
    traces = [optax.tree_utils.tree_get(found, "trace")["bias"] for found in (free, state)]
    np.testing.assert_array_equal(*traces)


# -------------------------------------------------------------------------------------------------------- orthogonality


def off_diagonal(kernel):
    """`|W'W o (1 - I)|^2`: twice the sum over all pairs of columns of their squared inner products."""
    columns = kernel.reshape(-1, kernel.shape[-1]).T
    return sum(float(a @ b) ** 2 for i, a in enumerate(columns) for j, b in enumerate(columns) if i != j)


def numeric(function, x, step=1e-5):
    """Central differences: of a polynomial of degree four, in float64."""
    moves = [step * np.eye(x.size)[i].reshape(x.shape) for i in range(x.size)]
    return np.array([(function(x + move) - function(x - move)) / (2 * step) for move in moves]).reshape(x.shape)


@given(shape=SHAPES, weight=st.floats(0, 2), seed=st.integers(0, 99))
def test_the_gradient_of_the_stated_function_is_added(shape, weight, seed):
    generator = np.random.default_rng(seed)
    kernel, grads = generator.normal(size=shape), generator.normal(size=shape)
    found = apply(
        constraints.orthogonal_regularization(weight), {"kernel": jnp.float32(grads)}, {"kernel": jnp.float32(kernel)}
    )
    expected = grads + weight * numeric(off_diagonal, kernel)
    np.testing.assert_allclose(found["kernel"], expected, rtol=1e-4, atol=1e-4)


def test_orthogonal_columns_of_any_length_and_whatever_is_no_kernel_are_let_alone():
    params = {"kernel": jnp.array([[3.0, 0.0], [0.0, 0.1]]), "bias": jnp.ones(2), "scale": jnp.ones((2, 2))}
    grads = jax.tree.map(jnp.ones_like, params)
    jax.tree.map(np.testing.assert_array_equal, apply(constraints.orthogonal_regularization(1.0), grads, params), grads)


def test_descent_makes_columns_orthogonal_and_keeps_their_lengths_apart_from_0():
    params = {"kernel": jnp.array([[1.0, 0.8], [0.0, 0.6]])}
    optimizer = optax.chain(constraints.orthogonal_regularization(0.1), optax.sgd(1.0))
    state = optimizer.init(params)
    for _ in range(100):
        updates, state = optimizer.update({"kernel": jnp.zeros((2, 2))}, state, params)
        params = optax.apply_updates(params, updates)
    kernel = np.asarray(params["kernel"])
    assert abs(kernel[:, 0] @ kernel[:, 1]) < 1e-6
    assert np.linalg.norm(kernel, axis=0).min() > 0.5


# ----------------------------------------------------------------------------------------------------------- the errors


def test_a_limit_that_is_not_positive_and_missing_parameters_are_refused():
    for limit in (0, -0.01):
        with pytest.raises(ValueError, match=f"the limit of a weight must be above 0, found {limit}"):
            constraints.clip_weights(limit)
    for constraint in (constraints.clip_weights(1.0), constraints.orthogonal_regularization()):
        with pytest.raises(ValueError, match="needs the parameters"):
            constraint.update({"kernel": jnp.zeros((1, 1))}, optax.EmptyState())
