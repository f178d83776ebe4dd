"""Penalties on the input gradient of the logits: WGAN-GP, DRAGAN, R1, R2, and R1 and R2 by finite differences."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jgan.losses import global_mean
from jgan.penalties.view import PENALTIES, Penalty, View, check_per_example, input_gradients, norms, one_each, squared_norms
from jgan.types import Key


def _scale(values: jax.Array, x: jax.Array) -> jax.Array:
    """Reshapes `[B]` values so that they broadcast against x, one per example."""
    return values.reshape(-1, *[1] * (x.ndim - 1))


def _slope(view: View, x: jax.Array, weight: float, target: float, one_sided: bool) -> jax.Array:
    excess = norms(input_gradients(view, x)) - target
    return weight * jnp.square(jnp.maximum(excess, 0) if one_sided else excess)


def gradient_penalty(weight: float = 10.0, *, target: float = 1.0, one_sided: bool = False) -> Penalty:
    """WGAN-GP: `weight (|grad D(x^)| - target)^2` at a random point x^ between a real example and a fake.

    Args:
      weight: the paper's lambda.
      target: the target norm of the gradient.
      one_sided: whether to penalise only norms above the target.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import games, losses, penalties
      >>> from jgan.models import gan2014
      >>> options = {"penalties": (penalties.gradient_penalty(10.0),)}  # for games.Adversarial(...)

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), equation 3, https://arxiv.org/abs/1704.00028
    """

    def value(view: View) -> jax.Array:
        share = _scale(one_each(view, view.key, jax.random.uniform), view.real)
        return _slope(view, share * view.real + (1 - share) * view.fake, weight, target, one_sided)

    return Penalty(value)


def dragan(weight: float = 10.0, *, scale: float = 0.5, target: float = 1.0) -> Penalty:
    """DRAGAN: `weight (|grad D(x^)| - target)^2` near the real examples.

    `x^ = x + a scale std(x) u`. The noise u is uniform on [0, 1] in each coordinate, the factor a is uniform on [0, 1] for
    each example, and std(x) is the standard deviation over all coordinates of the whole batch, as in the authors' code.

    Args:
      weight: the paper's lambda.
      scale: the size of the neighbourhood, in standard deviations of the batch.
      target: the target norm of the gradient.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.dragan(10.0)

    References:
      Kodali et al., "On Convergence and Stability of GANs" (2017), https://arxiv.org/abs/1705.07215
    """

    def value(view: View) -> jax.Array:
        noise_key, share_key = jax.random.split(view.key)
        x = view.real
        centred = x - global_mean(x, axis_name=view.axis_name)
        deviation = jnp.sqrt(global_mean(jnp.square(centred), axis_name=view.axis_name))
        noise = one_each(view, noise_key, lambda key: jax.random.uniform(key, x.shape[1:]))
        share = _scale(one_each(view, share_key, jax.random.uniform), x)
        return _slope(view, x + share * scale * deviation * noise, weight, target, one_sided=False)

    return Penalty(value)


# ---------------------------------------------------------------------------------------------------- gradients at the data


def r1(gamma: float = 10.0) -> Penalty:
    """R1: `gamma/2 |grad D(x)|^2` at the real examples.

    Args:
      gamma: the weight.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.r1(10.0)

    References:
      Mescheder et al., "Which Training Methods for GANs do actually Converge?" (2018), equation 9, https://arxiv.org/abs/1801.04406
    """

    def value(view: View) -> jax.Array:
        check_per_example(view)
        return gamma / 2 * squared_norms(view.real_gradients())

    return Penalty(value)


def r2(gamma: float = 10.0) -> Penalty:
    """R2: `gamma/2 |grad D(G(z))|^2` at the fakes.

    Args:
      gamma: the weight.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.r2(10.0)

    References:
      Mescheder et al. (2018), equation 10, https://arxiv.org/abs/1801.04406
    """

    def value(view: View) -> jax.Array:
        check_per_example(view)
        return gamma / 2 * squared_norms(view.fake_gradients())

    return Penalty(value)


def r1_r2(gamma: float = 10.0) -> Penalty:
    """R1 + R2, as in R3GAN: `gamma/2 (|grad D(x)|^2 + |grad D(G(z))|^2)`.

    Args:
      gamma: the weight of both.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.r1_r2(0.1)

    References:
      Huang et al., "The GAN is dead; long live the GAN!" (2024), section 3, https://arxiv.org/abs/2501.05441
    """
    real, fake = r1(gamma), r2(gamma)
    return Penalty(lambda view: real.value(view) + fake.value(view))


def finite_difference(gamma: float = 10.0, *, sigma: float = 0.01, real: bool = True, fake: bool = True) -> Penalty:
    """R1 and R2 without a second derivative: `gamma/2 (D(x + sigma e) - D(x))^2 / sigma^2`, e standard normal.

    Its expectation is `gamma/2 |grad D|^2` plus an error of order sigma^2: the mean of `(e . grad D)^2` is `|grad D|^2`, and
    the term of order sigma vanishes because it is odd in e.

    Args:
      gamma: the weight.
      sigma: the size of the step, in units of the data.
      real: whether to penalise at the real examples (R1).
      fake: whether to penalise at the fakes (R2).

    Returns:
      The `Penalty`. D(x) and D(x + sigma e) use the same dropout masks and the same augmentation.

    Raises:
      ValueError: if `sigma` is not above 0.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.finite_difference(10.0, sigma=0.01)

    References:
      Lin et al., "Diffusion Adversarial Post-Training for One-Step Video Generation" (2025), equation 4, https://arxiv.org/abs/2501.08316
    """
    if sigma <= 0:
        raise ValueError(f"sigma must be above 0, found {sigma}")

    def at(view: View, key: Key, critic: Callable[[jax.Array], jax.Array], x: jax.Array, logits: jax.Array) -> jax.Array:
        noise = one_each(view, key, lambda key: jax.random.normal(key, x.shape[1:]))
        return gamma / 2 * jnp.square((critic(x + sigma * noise) - logits) / sigma)

    def value(view: View) -> jax.Array:
        check_per_example(view)
        real_key, fake_key = jax.random.split(view.key)
        total = jnp.zeros_like(view.real_logits)
        if real:
            total = total + at(view, real_key, view.critic, view.real, view.real_logits)
        if fake:
            total = total + at(view, fake_key, view.fake_critic, view.fake, view.fake_logits)
        return total

    return Penalty(value)


PENALTIES.register("gradient_penalty", gradient_penalty)
PENALTIES.register("one_sided", functools.partial(gradient_penalty, one_sided=True))
for _penalty in (dragan, r1, r2, r1_r2, finite_difference):
    PENALTIES.register(_penalty.__name__, _penalty)
