"""The f-GAN family: the paper's tables in float64, conjugates by their definition, and bounds on divergences known exactly."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import integrate, optimize, special, stats

from jgan import losses
from jgan.losses import DIVERGENCES

C, INF = 10.0, np.inf


class Row(NamedTuple):
    """A row of the tables of Nowozin et al. (2016), in float64 NumPy."""

    f: callable
    slope: callable  # f'
    conjugate: callable
    activation: callable  # the paper's, before it is continued
    domain: tuple  # of f*
    logit: callable  # of log u: the logit at which the activation is f'(u)
    ratio: callable  # (f*)'(g(v)): the density ratio that the discriminator claims


def beyond(s):
    """The logit whose continued version is s: s as far as C, then the inverse of C + log(1 + v - C)."""
    return np.where(s <= C, s, C + np.expm1(np.maximum(s, C) - C))


def both(s):
    return np.sign(s) * beyond(np.abs(s))


TABLE = {
    "kl": Row(
        lambda u: special.xlogy(u, u),
        lambda u: 1 + np.log(u),
        lambda t: np.exp(t - 1),
        lambda v: v,
        (-INF, INF),
        lambda log_u: beyond(1 + log_u),
        lambda v: np.exp(v - 1),
    ),
    "reverse_kl": Row(
        lambda u: -np.log(u),
        lambda u: -1 / u,
        lambda t: -1 - np.log(-t),
        lambda v: -np.exp(-v),
        (-INF, 0),
        lambda log_u: -beyond(-log_u),
        np.exp,
    ),
    "pearson": Row(
        lambda u: (u - 1) ** 2,
        lambda u: 2 * (u - 1),
        lambda t: t**2 / 4 + t,
        lambda v: v,
        (-INF, INF),
        lambda log_u: 2 * np.expm1(log_u),
        lambda v: 1 + v / 2,
    ),
    "squared_hellinger": Row(
        lambda u: (np.sqrt(u) - 1) ** 2,
        lambda u: 1 - 1 / np.sqrt(u),
        lambda t: t / (1 - t),
        lambda v: 1 - np.exp(-v),
        (-INF, 1),
        lambda log_u: both(log_u / 2),
        lambda v: np.exp(2 * v),
    ),
    "jensen_shannon": Row(
        lambda u: special.xlogy(u, u) - (u + 1) * np.log((1 + u) / 2),
        lambda u: np.log(2 * u / (1 + u)),
        lambda t: -np.log(2 - np.exp(t)),
        lambda v: np.log(2) - np.log1p(np.exp(-v)),
        (-INF, np.log(2)),
        lambda log_u: log_u,
        np.exp,
    ),
    "gan": Row(
        lambda u: special.xlogy(u, u) - special.xlogy(u + 1, u + 1),
        lambda u: np.log(u / (1 + u)),
        lambda t: -np.log(1 - np.exp(t)),
        lambda v: -np.log1p(np.exp(-v)),
        (-INF, 0),
        lambda log_u: log_u,
        np.exp,
    ),
    "total_variation": Row(
        lambda u: np.abs(u - 1) / 2,
        lambda u: np.sign(u - 1) / 2,
        lambda t: t,
        lambda v: np.tanh(v) / 2,
        (-0.5, 0.5),
        lambda log_u: 30 * np.sign(log_u),
        np.ones_like,
    ),
}
names = pytest.mark.parametrize("name", TABLE)
smooth_names = pytest.mark.parametrize("name", [name for name in TABLE if name != "total_variation"])  # its best T is a sign


@functools.cache
def compiled(name):
    """`v -> (g(v), f*(g(v)))` by the library."""
    return jax.jit(lambda v: (DIVERGENCES[name].activation(v), DIVERGENCES[name].of_activation(v)))


def test_every_divergence_has_its_row():
    assert set(TABLE) == set(DIVERGENCES)


# ------------------------------------------------------------------------------------------------------------------- tables


@names
def test_the_functions_are_those_of_the_tables(name):
    row, divergence = TABLE[name], DIVERGENCES[name]
    u, v = np.geomspace(1e-3, 1e3, 41), np.linspace(-9.9, 9.9, 45)  # the paper's activations, where ours are the same
    t = row.activation(v)
    table = jax.jit(lambda u, v: (divergence.f(u), divergence.activation(v), divergence.of_activation(v)))
    for found, expected in zip(table(jnp.float32(u), jnp.float32(v)), (row.f(u), t, row.conjugate(t)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6)
    h = 1e-6
    np.testing.assert_allclose(row.slope(u), (row.f(u * (1 + h)) - row.f(u * (1 - h))) / (2 * h * u), rtol=1e-5, atol=1e-6)


@names
def test_at_the_threshold_the_discriminator_cannot_tell(name):
    """T = f'(1) claims p = q; f(1) = 0, but for the GAN divergence, which is 2 JSD - log 4."""
    divergence = DIVERGENCES[name]
    assert divergence.f(jnp.ones(())) == pytest.approx(-np.log(4) if name == "gan" else 0, abs=1e-6)
    assert divergence.threshold == TABLE[name].slope(1.0)
    assert divergence.activation(jnp.float32(divergence.boundary)) == pytest.approx(divergence.threshold, rel=1e-6)
    assert losses.f_gan(divergence).boundary == divergence.boundary


@names
@given(share=st.floats(0.01, 0.99))
def test_the_conjugate_is_the_legendre_transform(name, share):
    """sup over u of u t - f(u), found by a search in float64; Pearson's f is the parabola on all of the reals."""
    row = TABLE[name]
    low, high = (max(row.domain[0], -6), min(row.domain[1], 6))
    t = np.float64(np.float32(low + share * (high - low)))
    u, ends = ((lambda s: s), (-20, 20)) if name == "pearson" else (np.exp, (-30, 20))
    best = optimize.minimize_scalar(
        lambda s: row.f(u(s)) - u(s) * t, bounds=ends, method="bounded", options={"xatol": 1e-10, "maxiter": 500}
    )
    assert best.success
    assert float(DIVERGENCES[name].conjugate(jnp.float32(t))) == pytest.approx(-best.fun, rel=1e-5, abs=1e-5)


# -------------------------------------------------------------------------------------------------------------- the bound


@names
@given(
    v=hnp.arrays(np.float32, 13, elements=st.floats(-1e4, 1e4, width=32)),
    u=hnp.arrays(np.float64, 13, elements=st.floats(0, 1e6)),
)
def test_at_any_logit_and_any_ratio_the_bound_holds_pointwise(name, v, u):
    """Fenchel and Young: g(v) u - f*(g(v)) <= f(u), continued or not."""
    activation, conjugate = (np.asarray(values, np.float64) for values in compiled(name)(v))
    with np.errstate(divide="ignore"):  # -log 0, of the reverse KL, is infinite
        f = TABLE[name].f(u)
    assert (activation * u - conjugate <= f + 1e-6 * (1 + np.abs(activation * u) + np.abs(conjugate))).all()


@names
def test_the_activation_increases_and_is_once_differentiable(name):
    edges = [edge + nudge for edge in (-C, C) for nudge in (-1e-4, 0, 1e-4)]
    v = np.array([*edges, *np.linspace(-30, 30, 241)], np.float32)
    slopes = jax.jit(jax.vmap(jax.grad(DIVERGENCES[name].activation)))(v)
    assert (slopes >= 0).all()
    assert (slopes[np.abs(v) < 5] > 0).all()
    below, at, above = slopes[:6].reshape(2, 3).T
    np.testing.assert_allclose(below, at, rtol=1e-3)
    np.testing.assert_allclose(above, at, rtol=1e-3)


X = np.linspace(-12, 12, 2401)
GAUSSIANS = [(stats.norm(0, 1), stats.norm(0.7, 1)), (stats.norm(0, 1), stats.norm(-0.5, 1.3))]
pairs = pytest.mark.parametrize(("p", "q"), GAUSSIANS, ids=["shifted", "wider"])


def bound(name, p, q, v):
    """`E_p T - E_q f*(T)` by the trapezoid rule at the logits v on X, and how much float32 may have rounded it by."""
    t, conjugate = (np.asarray(values, np.float64) for values in compiled(name)(v.astype(np.float32)))
    rounding = 1e-6 * integrate.trapezoid(np.abs(t) * p.pdf(X) + np.abs(conjugate) * q.pdf(X), X)
    return integrate.trapezoid(t * p.pdf(X) - conjugate * q.pdf(X), X), rounding


def best_logits(name, p, q):
    """Where T is f'(p / q)."""
    return TABLE[name].logit(p.logpdf(X) - q.logpdf(X))


@functools.cache
def divergence_of(name, index):
    """`E_q f(p / q)` by adaptive quadrature of the definition."""
    p, q = GAUSSIANS[index]
    value = lambda x: q.pdf(x) * TABLE[name].f(np.exp(p.logpdf(x) - q.logpdf(x)))  # noqa: E731
    return integrate.quad(value, -12, 12, points=(-1, 0.35, 1), limit=200)[0]


def closed_form(name, p, q):
    """Of two Gaussians; None where there is none."""
    (m, s), (n, t) = ((d.mean(), d.std()) for d in (p, q))
    kl = lambda m, s, n, t: np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 1 / 2  # noqa: E731
    if name == "kl":
        return kl(m, s, n, t)
    if name == "reverse_kl":
        return kl(n, t, m, s)
    if name == "squared_hellinger":
        return 2 - 2 * np.sqrt(2 * s * t / (s**2 + t**2)) * np.exp(-((m - n) ** 2) / (4 * (s**2 + t**2)))
    if name == "pearson" and s == t:
        return np.expm1((m - n) ** 2 / s**2)
    if name == "total_variation" and s == t:
        return special.erf(abs(m - n) / (2 * np.sqrt(2) * s))
    return None


@names
@pairs
def test_at_the_best_logits_the_bound_is_the_divergence(name, p, q):
    exact = divergence_of(name, GAUSSIANS.index((p, q)))
    best = best_logits(name, p, q)
    found, _ = bound(name, p, q, best)
    # The step of total variation's T falls between two points of the grid.
    assert found == pytest.approx(exact, rel=1e-5, abs=1e-4 if name == "total_variation" else 1e-6)
    if (formula := closed_form(name, p, q)) is not None:
        assert exact == pytest.approx(formula, rel=1e-7)
    worse, _ = bound(name, p, q, 0.5 * np.clip(best, -2, 2) + 0.5 * DIVERGENCES[name].boundary + 0.3)
    assert worse < exact - 1e-3


@names
@given(
    amplitude=st.floats(0, 40),
    frequency=st.floats(0.1, 3),
    phase=st.floats(0, 6),
    offset=st.floats(-20, 20),
    pair=st.integers(0, 1),
)
def test_at_all_others_it_is_no_larger(name, amplitude, frequency, phase, offset, pair):
    """Detours that leave the part of the activation that is the paper's."""
    p, q = GAUSSIANS[pair]
    found, rounding = bound(name, p, q, best_logits(name, p, q) + offset + amplitude * np.sin(frequency * X + phase))
    assert found <= divergence_of(name, pair) + rounding + 1e-6


@smooth_names
@given(weights=hnp.arrays(np.float64, (2, 6), elements=st.floats(0.05, 1)))
def test_the_best_logits_are_where_the_discriminator_rests(name, weights):
    """p dD/dr + q dD/df = 0 at T = f'(p / q), point by point."""
    p, q = weights / weights.sum(axis=1, keepdims=True)
    best = TABLE[name].logit(np.log(p / q)).astype(np.float32)
    on_real, on_fake = slopes_of_d(name)(best, best)
    np.testing.assert_allclose(p * on_real + q * on_fake, 0, atol=2e-6)


@functools.cache
def slopes_of_d(name):
    loss = losses.f_gan(DIVERGENCES[name])
    return jax.jit(jax.grad(lambda r, f: jnp.sum(loss.discriminator(r, f)), argnums=(0, 1)))


@names
def test_the_bound_of_two_samples_is_that_of_their_frequencies(name):
    """100 reals and 50 fakes over four points: E_Q f(p / q), to rounding."""
    real, fake = np.repeat(np.arange(4), [10, 40, 30, 20]), np.repeat(np.arange(4), [20, 15, 5, 10])
    p, q = np.bincount(real) / 100, np.bincount(fake) / 50
    logits = TABLE[name].logit(np.log(p / q)).astype(np.float32)
    found = losses.variational_bound(DIVERGENCES[name], logits[real], logits[fake])
    assert found.shape == ()
    assert float(found) == pytest.approx(np.sum(q * TABLE[name].f(p / q)), rel=1e-5)


def test_the_bound_of_a_batch_spread_over_devices_is_that_of_the_batch():
    real, fake = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    bound_of = functools.partial(losses.variational_bound, DIVERGENCES["kl"])
    spread = jax.pmap(functools.partial(bound_of, axis_name="data"), axis_name="data")(real, fake)
    np.testing.assert_allclose(spread, float(bound_of(real, fake)), rtol=1e-6)


def test_a_divergence_of_ones_own():
    """Neyman's chi-squared, which the library does not have: f(u) = (1 - u)^2 / u, f*(t) = 2 - 2 sqrt(1 - t)."""
    neyman = losses.Divergence(
        f=lambda u: jnp.square(1 - u) / u,
        conjugate=lambda t: 2 - 2 * jnp.sqrt(1 - t),
        activation=lambda v: 1 - jnp.exp(-v),
        of_activation=lambda v: 2 - 2 * jnp.exp(-v / 2),
        threshold=0.0,
    )
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.4, 0.2])
    logits = (2 * np.log(p / q)).astype(np.float32)  # f'(u) = 1 - 1 / u^2
    loss = losses.f_gan(neyman, saturating=True)
    d = loss.discriminator(logits, np.zeros(3, np.float32)), loss.discriminator(np.zeros(3, np.float32), logits)
    assert -np.sum(p * d[0] + q * d[1]) == pytest.approx(np.sum((p - q) ** 2 / p), rel=1e-5)
    np.testing.assert_array_equal(loss.generator(None, logits), -neyman.of_activation(logits))


# --------------------------------------------------------------------------------------------------- the generator's losses


@functools.cache
def generators(name):
    """The saturating and the other, `v -> (values, slopes)`."""

    def compiled(generator):
        return jax.jit(jax.vmap(jax.value_and_grad(lambda v: generator(None, v))))

    return [compiled(losses.f_gan(DIVERGENCES[name], saturating=saturating).generator) for saturating in (True, False)]


@names
def test_the_saturating_gradient_is_the_other_times_the_ratio_that_d_claims(name):
    """d/dv f*(g(v)) = (f*)'(g(v)) g'(v), and (f*)' is the inverse of f': the u at which f'(u) = g(v)."""
    v = np.linspace(-4, 4, 33, dtype=np.float32)
    saturating, other = (generator(v)[1] for generator in generators(name))
    np.testing.assert_allclose(saturating, other * TABLE[name].ratio(v.astype(np.float64)), rtol=1e-5)


@smooth_names
@given(weights=hnp.arrays(np.float64, (2, 6), elements=st.floats(0.05, 1)))
def test_both_generators_rest_where_the_densities_agree(name, weights):
    """Over densities on six points, the gradient by the free logits of q is q (loss - its mean), D held at its best."""
    p, q = weights / weights.sum(axis=1, keepdims=True)
    for generator in generators(name):
        pulls = []
        for other in (p, q):
            values = np.asarray(generator(TABLE[name].logit(np.log(p / other)).astype(np.float32))[0], np.float64)
            pulls.append(other * (values - np.sum(other * values)))
        np.testing.assert_allclose(pulls[0], 0, atol=1e-6)
        excess = np.log(q / p)
        if np.ptp(excess) > 1e-2:
            assert np.sum(pulls[1] * excess) > 0  # to descend is to take from where there is too much


def test_the_gan_divergence_is_the_game_of_2014():
    r, f = np.random.default_rng(0).normal(0, 5, (2, 50)).astype(np.float32)
    for loss, original in (
        (losses.f_gan(DIVERGENCES["gan"], saturating=True), losses.minimax),
        (losses.f_gan(DIVERGENCES["gan"]), losses.non_saturating),
    ):
        np.testing.assert_allclose(loss.discriminator(r, f), original.discriminator(r, f), rtol=1e-6)
        np.testing.assert_allclose(loss.generator(None, f), original.generator(None, f), rtol=1e-6)


def test_by_default_the_generator_does_not_saturate_and_the_registry_has_the_default():
    logits = np.linspace(-3, 3, 7, dtype=np.float32)
    for name, divergence in DIVERGENCES.items():
        found = losses.LOSSES[f"f_gan_{name}"].generator(None, logits)
        np.testing.assert_array_equal(found, -divergence.activation(logits))
