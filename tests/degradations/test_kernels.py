"""Blur kernels against float64 formulas, SciPy's Bessel function, and the distribution of what is drawn."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from jgan.degradations import kernels, stages


def test_the_bessel_function_is_scipys():
    x = np.linspace(-150, 150, 30_001, dtype=np.float32)
    np.testing.assert_allclose(kernels.bessel_j1(jnp.asarray(x)), special.j1(x.astype(np.float64)), rtol=0, atol=4e-6)
    small = np.linspace(0, 45, 9001, dtype=np.float32)  # the largest argument of a kernel: pi times the diagonal
    np.testing.assert_allclose(kernels.bessel_j1(jnp.asarray(small)), special.j1(small.astype(np.float64)), rtol=0, atol=1e-6)


def by_loop(support, size, shape):
    """A kernel from a function of the distance to the right and downwards, entry by entry."""
    found = np.zeros((support, support))
    for row in range(support):
        for column in range(support):
            x, y = column - support // 2, row - support // 2
            if max(abs(x), abs(y)) <= size // 2:
                found[row, column] = shape(x, y)
    return found / found.sum()


@pytest.mark.parametrize(("sigma", "angle", "beta"), [((2.5, 0.8), 0.7, 1.0), ((1.0, 3.0), -2.0, 3.5), ((0.3, 0.3), 0.0, 0.6)])
@pytest.mark.parametrize("name", ["generalised_gaussian", "plateau"])
def test_a_kernel_is_its_formula(name, sigma, angle, beta):
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag(np.square(sigma)) @ turn.T)

    def shape(x, y):
        power = (np.array([x, y]) @ inverse @ np.array([x, y])) ** beta
        return math.exp(-power / 2) if name == "generalised_gaussian" else 1 / (1 + power)

    distance = kernels.quadratic(21, jnp.array(sigma), angle)
    found = getattr(kernels, name)(distance, beta, 13)
    np.testing.assert_allclose(found, by_loop(21, 13, shape), rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("cutoff", [math.pi / 5, 1.3, math.pi])
def test_the_sinc_is_its_formula(cutoff):
    def shape(x, y):
        radius = math.hypot(x, y)
        return cutoff * special.j1(cutoff * radius) / (2 * math.pi * radius) if radius else cutoff**2 / (4 * math.pi)

    np.testing.assert_allclose(kernels.sinc(21, cutoff, 17), by_loop(21, 17, shape), rtol=0, atol=1e-6)


def test_the_sizes_are_all_odd_ones_alike_and_the_rest_is_zero():
    keys = jax.random.split(jax.random.key(0), 2000)
    kernel = stages.Blur(kinds=(0, 0, 0, 0, 1, 0), sinc=0.0).kernel  # a plateau is nowhere zero
    found = np.asarray(jax.jit(jax.vmap(kernel))(keys))
    np.testing.assert_allclose(found.sum((1, 2)), 1, rtol=1e-5)
    sides = (found[:, 10] > 0).sum(1)
    values, counts = np.unique(sides, return_counts=True)
    assert values.tolist() == [7, 9, 11, 13, 15, 17, 19, 21]
    assert stats.chisquare(counts).pvalue > 0.001
    assert ((found > 0).sum((1, 2)) == sides**2).all()
    np.testing.assert_allclose(found, found[:, ::-1, ::-1], rtol=1e-5)


@pytest.mark.slow
def test_kinds_are_drawn_with_their_probabilities():
    """Isotropic kernels are equal to their transpose; sinc ones are negative somewhere; an impulse is 1 in the middle."""
    keys = jax.random.split(jax.random.key(1), 4000)
    found = np.asarray(jax.vmap(stages.Blur(probability=0.8).kernel)(keys))
    impulse = found[:, 10, 10] == 1
    ringing = (found.min((1, 2)) < -1e-6) & ~impulse
    isotropic = np.isclose(found, found.transpose(0, 2, 1), rtol=1e-3, atol=1e-6).all((1, 2)) & ~ringing & ~impulse
    for share, wanted in ((impulse, 0.2), (ringing, 0.8 * 0.1), (isotropic, 0.8 * 0.9 * 0.69)):
        assert abs(share.mean() - wanted) < 0.03


def test_choices_have_their_probabilities():
    u = np.arange(1000, dtype=np.float32) / 1000
    found = jax.vmap(lambda u: stages.choice(u, stages.Blur().kinds))(jnp.asarray(u))
    np.testing.assert_allclose(np.bincount(found) / 1000, stages.Blur().kinds, atol=0.0021)


def test_bad_options_are_said():
    with pytest.raises(ValueError, match="expected the probabilities of 6 kinds"):
        stages.Blur(kinds=(0.5, 0.5))
    with pytest.raises(ValueError, match="expected odd sizes of kernels"):
        stages.Blur(sizes=(6, 21))
    with pytest.raises(ValueError, match="expected methods of area"):
        stages.Resize(methods=("cubic",))
    with pytest.raises(ValueError, match="from 1 to 100"):
        stages.Jpeg(quality=(0, 95))
