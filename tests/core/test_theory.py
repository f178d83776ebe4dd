"""The theory of section 4 of Goodfellow et al. (2014), by quadrature in one dimension and on a finite set."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from jgan import Batch, GANState, Network, PlayerState, games, losses, steps

GAUSSIANS = [(stats.norm(0, 1), stats.norm(1.5, 0.7)), (stats.norm(0, 1), stats.norm(-2, 2)), (stats.norm(1, 0.5),) * 2]
X = np.linspace(-15, 15, 1501)


def discriminator_loss(p_data, p_g, logit):
    """E over x ~ p_data and y ~ p_g of the library's loss at D = sigmoid(logit): the trapezoid rule on the plane of pairs."""
    t = np.asarray(logit, np.float32)
    pairs = losses.cross_entropy_discriminator(*np.broadcast_arrays(t[:, None], t[None, :]))
    inner = integrate.trapezoid(np.asarray(pairs, np.float64) * p_g.pdf(X)[None, :], X, axis=1)
    return integrate.trapezoid(inner * p_data.pdf(X), X)


def jensen_shannon(p, q):
    """JSD(p || q) in nats, by adaptive quadrature of the definition."""

    def relative_entropy(a, b):
        """KL(a || (a + b) / 2) = E_a log 2 - log(1 + b/a)."""
        return integrate.quad(
            lambda x: a.pdf(x) * (np.log(2) - np.logaddexp(0, b.logpdf(x) - a.logpdf(x))), -15, 15, points=(-1, 0, 1), limit=200
        )[0]

    return (relative_entropy(p, q) + relative_entropy(q, p)) / 2


@pytest.mark.parametrize(("p_data", "p_g"), GAUSSIANS)
def test_at_the_best_discriminator_the_loss_is_log_4_less_twice_the_divergence(p_data, p_g):
    """Theorem 1: D* = p_data / (p_data + p_g), whose logit is log p_data - log p_g, and C(G) = -log 4 + 2 JSD."""
    found = discriminator_loss(p_data, p_g, p_data.logpdf(X) - p_g.logpdf(X))
    assert found == pytest.approx(np.log(4) - 2 * jensen_shannon(p_data, p_g), rel=1e-5)


def test_where_the_generator_has_won_the_value_function_is_minus_log_4():
    p_data = stats.norm(0.3, 1.2)
    assert -discriminator_loss(p_data, p_data, np.zeros_like(X)) == pytest.approx(-np.log(4), rel=1e-6)
    fakes = np.asarray(losses.saturating_generator(None, np.zeros(1, np.float32)))
    assert fakes == pytest.approx(-np.log(2), rel=1e-6)  # G's half of it: E log(1 - D(G(z)))


@pytest.mark.parametrize(("p_data", "p_g"), GAUSSIANS)
@given(amplitude=st.floats(-3, 3), frequency=st.floats(0.1, 3), phase=st.floats(0, 6))
def test_no_other_discriminator_does_better(p_data, p_g, amplitude, frequency, phase):
    """Proposition 1: D* minimises D's loss, pointwise; so any detour from its logit costs something or nothing."""
    best = p_data.logpdf(X) - p_g.logpdf(X)

    def separable(logit):  # the loss is a sum of a term in x and a term in y: cheaper than the plane of pairs
        one = lambda t: np.asarray(losses.cross_entropy_discriminator(*t), np.float64)  # noqa: E731
        t, zero = np.asarray(logit, np.float32), np.zeros(X.shape, np.float32)
        on_real, on_fake = one((t, zero)) - np.log(2), one((zero, t)) - np.log(2)
        return integrate.trapezoid(on_real * p_data.pdf(X) + on_fake * p_g.pdf(X), X)

    assert separable(best + amplitude * np.sin(frequency * X + phase)) >= separable(best) - 1e-6


def test_a_discriminator_trained_alone_reaches_the_best_one():
    """On five points: a table of logits as the discriminator, batches whose frequencies are p_data and p_g exactly."""
    data, fake = np.repeat(np.arange(5), [10, 20, 30, 25, 15]), np.repeat(np.arange(5), [30, 10, 20, 15, 25])
    optimizers = steps.Optimizers(optax.identity(), optax.sgd(8.0))  # the rate below 2 / curvature = 2 / (0.55 / 4)
    game = games.Adversarial(
        generator=Network(lambda key: ({}, {}), lambda params, model_state, z, **_: (z, model_state)),
        discriminator=Network(lambda key: (jnp.zeros(5), {}), lambda params, model_state, x, **_: (params[x], model_state)),
        latents=lambda key, n, axis_name: jnp.asarray(fake),
        loss=losses.minimax,
    )
    _, d_step = steps.player_steps(game, optimizers)
    init = GANState(jnp.int32(0), PlayerState({}, {}, ()), PlayerState(jnp.zeros(5), {}, optimizers.discriminator.init(0)))

    @jax.jit
    def train(state):
        return jax.lax.scan(lambda s, _: d_step(jax.random.key(0), s, Batch(jnp.asarray(data))), state, length=200)

    state, metrics = train(init)
    p_data, p_g = np.bincount(data) / 100, np.bincount(fake) / 100
    best = p_data / (p_data + p_g)
    np.testing.assert_allclose(jax.nn.sigmoid(state.discriminator.params), best, atol=1e-5)
    minimum = -np.sum(p_data * np.log(best) + p_g * np.log(1 - best))
    assert metrics["d_loss"][-1] == pytest.approx(minimum, rel=1e-6)
    assert metrics["d_loss"][0] == pytest.approx(np.log(4), rel=1e-6)  # D = 1/2 everywhere


def test_against_the_best_discriminator_a_generator_that_owns_its_density_moves_to_the_data():
    """Theorem 1's other half: over densities on a finite set, the gradient of C(G) is log(1 - D*), and it vanishes at p_data.

    The generator is a density (a softmax of free logits), the expectation over it is exact, and the loss is the library's.
    """
    p_data = np.array([0.1, 0.2, 0.3, 0.4], np.float32)

    def cost(free):
        p_g = jax.nn.softmax(free)
        best = jax.lax.stop_gradient(jnp.log(p_data) - jnp.log(p_g))  # D is held while G moves
        return jnp.sum(p_g * losses.saturating_generator(None, best))

    descend = lambda free, _: (free - 5.0 * jax.grad(cost)(free), None)  # noqa: E731
    free, _ = jax.jit(lambda free: jax.lax.scan(descend, free, length=300))(jnp.zeros(4))
    np.testing.assert_allclose(jax.nn.softmax(free), p_data, atol=1e-5)
    assert cost(free) == pytest.approx(-np.log(2), abs=1e-6)
