"""Paths, directions, sums and projections in latent space, against NumPy in float64 and generators whose answers are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jgan import latents

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_paths_begin_and_end_where_they_are_told(path):
    start, end = RNG.normal(size=(2, 3, 5)).astype(np.float32)
    found = latents.interpolate(start, end, 4, path)
    assert found.shape == (3, 4, 5)
    np.testing.assert_allclose(found[:, 0], start, rtol=1e-6)
    np.testing.assert_allclose(found[:, -1], end, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 9))
def test_the_spherical_path_turns_evenly_and_keeps_the_length(seed, steps):
    start, end = np.random.default_rng(seed).normal(size=(2, 6))
    end *= np.linalg.norm(start) / np.linalg.norm(end)
    path = jax.jit(latents.interpolate, static_argnums=(2, 3))
    found = np.asarray(path(jnp.asarray(start, jnp.float32), jnp.asarray(end, jnp.float32), steps, "spherical"))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(start), rtol=1e-4)
    cosines = (found[1:] * found[:-1]).sum(1) / np.linalg.norm(start) ** 2
    np.testing.assert_allclose(cosines, cosines[0], atol=1e-4)


def test_the_spherical_path_between_parallel_vectors_is_the_straight_line():
    z = jnp.array([[1.0, 2.0], [0.0, 0.0]])
    np.testing.assert_allclose(
        latents.interpolate(z, 2 * z, 3, "spherical"), latents.interpolate(z, 2 * z, 3, "linear"), atol=1e-6
    )


def test_directions_are_those_of_a_linear_generator():
    """Features A z of Gaussian latents: the components of A Cov A^T, carried back by least squares."""
    z = RNG.normal(size=(4000, 4))
    matrix = RNG.normal(size=(4, 7)) * np.array([5, 3, 1, 0.2])[:, None]
    features = z @ matrix
    found = np.asarray(latents.principal_directions(jnp.asarray(z, jnp.float32), jnp.asarray(features, jnp.float32), 3))
    centred, around = features - features.mean(0), z - z.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    for row, component in zip(found, vectors.T[::-1], strict=False):
        coordinates = centred @ component
        expected = np.linalg.lstsq(coordinates[:, None], around, rcond=None)[0][0] * coordinates.std(ddof=1)
        expected *= np.sign(expected[np.abs(expected).argmax()])
        np.testing.assert_allclose(row, expected, atol=2e-4)


def test_a_row_of_a_traversal_goes_through_its_middle():
    z, directions = jnp.array([1.0, 2.0]), jnp.array([[1.0, 0.0], [0.0, 0.5]])
    found = latents.traversal(z, directions, 3, reach=2.0)
    np.testing.assert_allclose(found, [[[-1, 2], [1, 2], [3, 2]], [[1, 1], [1, 2], [1, 3]]])


def test_the_mean_of_latents_plus_a_difference():
    z = RNG.normal(size=(6, 3)).astype(np.float32)
    found = latents.combined(z, [(1, [0, 1, 2]), (-1, [3]), (1, [4, 5])])
    np.testing.assert_allclose(found, z[:3].mean(0) - z[3] + z[4:].mean(0), atol=1e-6)


def test_projection_finds_the_latents_of_a_generated_image():
    """The best of several starts: from some of them the descent ends in another minimum, which two latents have."""
    weights = jnp.asarray(RNG.normal(size=(3, 16)), jnp.float32)

    def generate(z):
        return jnp.sin(2 * z @ weights).reshape(-1, 4, 4, 1)

    true = jnp.asarray(RNG.normal(size=(2, 3)), jnp.float32)
    starts = jnp.concatenate([true[:, None] + 0.1, jnp.asarray(RNG.normal(size=(2, 3, 3)), jnp.float32)], axis=1)
    found = latents.project(generate, generate(true), starts, steps=300)
    np.testing.assert_allclose(found.z, true, atol=1e-2)
    np.testing.assert_allclose(found.error, jnp.mean((generate(found.z) - generate(true)) ** 2, (1, 2, 3)), atol=1e-6)


def test_senseless_arguments_are_refused():
    z = jnp.zeros((4, 2))
    for call, message in (
        (lambda: latents.interpolate(z, z, 1), "steps must be at least 2"),
        (lambda: latents.interpolate(z, z, 3, "round"), "path must be linear or spherical, found 'round'"),
        (lambda: latents.principal_directions(z, jnp.zeros((3, 2)), 1), "found 3 and 4"),
        (lambda: latents.principal_directions(z, jnp.zeros((4, 9)), 3), "must be from 1 to 2, found 3"),
        (lambda: latents.combined(z, [(1, [0, 4])]), "from 0 to 3, found 4"),
        (lambda: latents.combined(z, [(1, [])]), "at least one number"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_gradients_pass_through_every_path():
    gradient = jax.grad(lambda end: latents.interpolate(jnp.ones(2), end, 3, "spherical").sum())
    assert np.isfinite(jax.jit(gradient)(jnp.array([2.0, -1.0]))).all()
