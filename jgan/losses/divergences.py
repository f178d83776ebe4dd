"""f-GAN: a loss for each f-divergence, from its variational bound.

For a convex f with f(1) = 0, the divergence is `D_f(P || Q) = E_Q f(p / q)`. With its conjugate `f*(t) = sup_u (u t - f(u))`,

  D_f(P || Q)  >=  E_P T(x) - E_Q f*(T(x))        for any T with values in the domain of f*;  equality at T = f'(p / q).

The discriminator maximises the right side with T = g(v), where v is its logit and the increasing activation g maps the real
line into the domain. The generator, whose distribution is Q, minimises it.

The paper's g and f*(g) are exponentials for three of the divergences, and overflow. The bound holds for any T, so we may
change g: beyond c = 10, a density ratio of exp(10) = 22,026, we replace e^v by its tangent at c,

  E(v) = e^v for v <= c,  e^c (1 + v - c) for v > c;   for KL, T = log E(v) = c + log(1 + v - c), so that f*(T) = E(v) / e,

The new g is once differentiable, increasing and has the same range, so the optimal discriminator still attains the bound.
`Divergence.of_activation` computes f*(g(v)) in one formula: composing f* and g would lose all digits where g saturates.

References:
  Nowozin, Cseke and Tomioka, "f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization" (2016),
  https://arxiv.org/abs/1606.00709
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import xlog1py, xlogy
from jaxtyping import Float

from jgan.losses.loss import LOSSES, Logits, Loss, Values, global_mean
from jgan.utils.checks import same_shape

LIMIT = 10.0
"""c: the logit above which the exponential is replaced by its tangent."""

Elementwise = Callable[[Logits], Values]


class Divergence(NamedTuple):
    """An f-divergence `D_f(P || Q) = E_Q f(p / q)` and the functions of its loss, all elementwise.

    Attributes:
      f: the convex function, on u >= 0, with f(1) = 0 (except for the GAN divergence).
      conjugate: f*, on the range of the activation.
      activation: g, increasing, from the real line onto the domain of f*; the paper's, with the change above.
      of_activation: f*(g(v)) as a function of the logit v, without the rounding of g.
      threshold: f'(1), the value of T where p = q; values above it mean "real".
      boundary: the logit at which the activation equals the threshold.
    """

    f: Elementwise
    conjugate: Elementwise
    activation: Elementwise
    of_activation: Elementwise
    threshold: float
    boundary: float = 0.0


def _exp(v: jax.Array) -> jax.Array:
    """E(v): the exponential up to the limit, its tangent above."""
    return jnp.exp(jnp.minimum(v, LIMIT)) * (1 + jnp.maximum(v - LIMIT, 0))


def _log_exp(v: jax.Array) -> jax.Array:
    """log E(v)."""
    return jnp.minimum(v, LIMIT) + jnp.log1p(jnp.maximum(v - LIMIT, 0))


def _exp_both(v: jax.Array) -> jax.Array:
    """E(v) for v > 0 and 1 / E(-v) for v < 0; one of the two factors is always 1."""
    return _exp(jnp.maximum(v, 0)) / _exp(jnp.maximum(-v, 0))


DIVERGENCES: dict[str, Divergence] = {
    # E_P log(p / q).
    "kl": Divergence(
        f=lambda u: xlogy(u, u),
        conjugate=lambda t: jnp.exp(t - 1),
        activation=_log_exp,
        of_activation=lambda v: math.exp(-1) * _exp(v),
        threshold=1.0,
        boundary=1.0,
    ),
    # E_Q log(q / p).
    "reverse_kl": Divergence(
        f=lambda u: -jnp.log(u),
        conjugate=lambda t: -1 - jnp.log(-t),
        activation=lambda v: -_exp(-v),
        of_activation=lambda v: -1 - _log_exp(-v),
        threshold=-1.0,
    ),
    # The integral of (p - q)^2 / q. The conjugate is that of the parabola on the whole real line: restricted to u >= 0, f*
    # would be the constant -1 for t < -2, which no f'(p / q) reaches.
    "pearson": Divergence(
        f=lambda u: jnp.square(u - 1),
        conjugate=lambda t: 0.25 * jnp.square(t) + t,
        activation=lambda v: v,
        of_activation=lambda v: 0.25 * jnp.square(v) + v,
        threshold=0.0,
    ),
    # The integral of (sqrt p - sqrt q)^2.
    "squared_hellinger": Divergence(
        f=lambda u: jnp.square(jnp.sqrt(u) - 1),
        conjugate=lambda t: t / (1 - t),
        activation=lambda v: 1 - _exp_both(-v),
        of_activation=lambda v: _exp_both(v) - 1,
        threshold=0.0,
    ),
    # KL(P || M) + KL(Q || M) with M = (P + Q) / 2: *twice* the usual JSD, as in the paper.
    "jensen_shannon": Divergence(
        f=lambda u: xlogy(u, u) - (u + 1) * jnp.log((u + 1) / 2),
        conjugate=lambda t: -jnp.log(2 - jnp.exp(t)),
        activation=lambda v: math.log(2) - jax.nn.softplus(-v),
        of_activation=lambda v: jax.nn.softplus(v) - math.log(2),
        threshold=0.0,
    ),
    # 2 JSD - log 4, the value of the original GAN's game; f(1) = -log 4.
    "gan": Divergence(
        f=lambda u: -xlog1py(u, 1 / u) - jnp.log1p(u),  # u log u - (u + 1) log (u + 1), whose terms cancel
        conjugate=lambda t: -jnp.log(-jnp.expm1(t)),
        activation=lambda v: -jax.nn.softplus(-v),
        of_activation=jax.nn.softplus,
        threshold=-math.log(2),
    ),
    # Half the integral of |p - q|. f has a kink at 1 with slopes from -1/2 to 1/2; the threshold is their midpoint.
    "total_variation": Divergence(
        f=lambda u: 0.5 * jnp.abs(u - 1),
        conjugate=lambda t: t,
        activation=lambda v: 0.5 * jnp.tanh(v),
        of_activation=lambda v: 0.5 * jnp.tanh(v),
        threshold=0.0,
    ),
}
"""The divergences in the paper's tables, by name."""


def f_gan(divergence: Divergence, *, saturating: bool = False) -> Loss:
    """The loss of an f-divergence: `D: -g(r) + f*(g(f))`, with one of two generator losses.

    The saturating loss, `G: -f*(g(f))`, minimises the bound that D maximises, which for the optimal D is the divergence. The
    default is the paper's practical alternative, `G: -g(f)`: it has the same stationary point p = q, and its gradient does not
    vanish where D is confident. For the GAN divergence the two are `minimax` and `non_saturating`.

    Args:
      divergence: an entry of `DIVERGENCES`, or your own.
      saturating: whether the generator minimises the bound (equation 6) rather than `-E_Q T` (section 3.2).

    Returns:
      The `Loss`. Both functions take and return arrays of one shape `[...]`; values and gradients are finite at any logit.

    Raises:
      ValueError: at the call, if the shapes of the two batches differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> loss = losses.f_gan(losses.DIVERGENCES["kl"])
      >>> print(loss.discriminator(jnp.array([2.0]), jnp.array([1.0])), loss.generator(None, jnp.array([1.0])))
      [-1.] [-1.]

    References:
      Nowozin et al. (2016), sections 2.2 to 3.2, https://arxiv.org/abs/1606.00709
    """

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Values:
        same_shape("real_logits", real_logits, "fake_logits", fake_logits)
        return -divergence.activation(real_logits) + divergence.of_activation(fake_logits)

    def generator(real_logits: Logits | None, fake_logits: Logits) -> Values:
        del real_logits
        return -(divergence.of_activation if saturating else divergence.activation)(fake_logits)

    return Loss(discriminator, generator, boundary=divergence.boundary)


def variational_bound(
    divergence: Divergence,
    real_logits: Float[jax.Array, "b ..."],
    fake_logits: Float[jax.Array, "b_fake ..."],
    *,
    axis_name: str | None = None,
) -> Float[jax.Array, ""]:
    """A lower bound on the divergence of the data from the generator: `mean g(r) - mean f*(g(f))`.

    The discriminator of `f_gan` maximises it. For the optimal logits it equals the divergence of the two samples.

    Args:
      divergence: an entry of `DIVERGENCES`, or your own.
      real_logits: `[B, ...]` float, the logits on real examples.
      fake_logits: `[B', ...]` float, the logits on fakes; B' may differ from B.
      axis_name: the mapped axis over which both batches are sharded, or None.

    Returns:
      A scalar; in nats if the divergence contains a logarithm.

    Example:
      The Pearson divergence of P = (3/4, 1/4) and Q = (1/2, 1/2) is 1/4, attained by T = 2 (p / q - 1) = (1, -1).

      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> pearson = losses.DIVERGENCES["pearson"]
      >>> print(losses.variational_bound(pearson, jnp.array([1.0, 1.0, 1.0, -1.0]), jnp.array([1.0, -1.0])))
      0.25

    References:
      Nowozin et al. (2016), equation 4, https://arxiv.org/abs/1606.00709
    """
    on_real, on_fake = divergence.activation(real_logits), divergence.of_activation(fake_logits)
    return global_mean(on_real, axis_name=axis_name) - global_mean(on_fake, axis_name=axis_name)


for _name, _divergence in DIVERGENCES.items():
    LOSSES.register(f"f_gan_{_name}", f_gan(_divergence))
