"""Update rules beyond alternating and simultaneous descent: extragradient, consensus, an unrolled discriminator.

Each takes a game and its optimisers and returns `Steps`, as `jgan.steps.alternating` does. What they do to the two games whose
answers are known (`jgan.models.bilinear`, `jgan.models.dirac`) is tested to rounding. Optimistic descent needs no rule of its
own: it is `jgan.steps.simultaneous` with an optimistic optimiser.
"""

from typing import Any

import jax

from jgan.gradients import both_gradients
from jgan.steps import Optimizers, Steps, all_mean, descend, player_steps, stream_key, update
from jgan.types import Game, GANState, Key, Metrics, PyTree


def extragradient(game: Game, optimizers: Optimizers) -> Steps:
    """Looks a step ahead, then moves from where it was by the gradients found there.

    `w' = w - eta F(w)`, `w <- w - eta F(w')`, with F both players' gradients at one point, and the optimisers' updates in the
    place of eta. The look ahead leaves nothing behind: neither in the optimisers' states nor in batch statistics.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends, ahead and in earnest.

    Returns:
      The `Steps`; both evaluations are on one minibatch, with the same latents and masks.

    Example:
      >>> import optax
      >>> from jgan import rules, steps
      >>> from jgan.models import bilinear
      >>> made = rules.extragradient(bilinear.game(), steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1)))

    References:
      Korpelevich, "The extragradient method for finding saddle points" (1976); Gidel et al., "A Variational Inequality
      Perspective on Generative Adversarial Networks" (2019), https://arxiv.org/abs/1802.10551
    """
    d_step, g_step = player_steps(game, optimizers)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        key, gradients = jax.random.fold_in(key, state.step), both_gradients(game, axis_name)
        grads, _, _ = gradients(key, state, batch)
        ahead = descend(state, optimizers, grads, axis_name)
        there = state.with_params(ahead.discriminator.params, ahead.generator.params)
        grads, after, metrics = gradients(key, there, batch)
        here = after.with_params(state.discriminator.params, state.generator.params)
        return descend(here, optimizers, grads, axis_name), all_mean(metrics, axis_name)

    return Steps(d_step, g_step, step)


def consensus(game: Game, optimizers: Optimizers, *, gamma: float = 10.0) -> Steps:
    """Simultaneous descent in which both players also descend `gamma L`, `L = |F|^2 / 2`, F both players' gradients.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends.
      gamma: the weight of the regulariser.

    Returns:
      The `Steps`. L is that of the minibatch, as in the paper's code: a biased estimate of the squared gradient of the
      expectation.

    Raises:
      ValueError: if `gamma` is negative.

    Example:
      See `extragradient`.

    References:
      Mescheder et al., "The Numerics of GANs" (2017), section 4, https://arxiv.org/abs/1705.10461
    """
    if gamma < 0:
        raise ValueError(f"gamma must not be negative, found {gamma}")
    d_step, g_step = player_steps(game, optimizers)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        key, gradients = jax.random.fold_in(key, state.step), both_gradients(game, axis_name)

        def field(params: tuple[PyTree, PyTree]):
            grads, after, metrics = gradients(key, state.with_params(*params), batch)
            return grads, (after, metrics)

        params = state.discriminator.params, state.generator.params
        grads, pull, (after, metrics) = jax.vjp(field, params, has_aux=True)
        # The gradient of |F|^2 / 2 is the transposed Jacobian of F, times F: F that of the whole batch, the Jacobian's mean
        # over the devices taken with that of the gradients.
        (regularizer,) = pull(all_mean(grads, axis_name))
        total = jax.tree.map(lambda own, other: own + gamma * other, grads, regularizer)
        return descend(after, optimizers, total, axis_name), all_mean(metrics, axis_name)

    return Steps(d_step, g_step, step)


def unrolled(game: Game, optimizers: Optimizers, *, unroll: int = 5) -> Steps:
    """In turn, but the generator plays against the discriminator as it will be after `unroll` more updates, which follow from
    the generator's own parameters: the gradient goes through them.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends. The discriminator's is differentiated: give Adam an `eps_root` above 0, without
        which its derivative at a gradient of 0 is not finite.
      unroll: updates ahead; 0 is `jgan.steps.alternating`.

    Returns:
      The `Steps`; the updates ahead are on the minibatch of the step, with latents of their own, and are forgotten.

    Raises:
      ValueError: if `unroll` is negative.

    Example:
      See `extragradient`.

    References:
      Metz et al., "Unrolled Generative Adversarial Networks" (2017), equations 8 to 10, https://arxiv.org/abs/1611.02163
    """
    if unroll < 0:
        raise ValueError(f"unroll must not be negative, found {unroll}")
    d_step, _ = player_steps(game, optimizers)

    def g_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        def objective(params: PyTree):
            ahead = state._replace(generator=state.generator._replace(params=params))
            for index in range(unroll):
                ahead, _ = d_step(stream_key(key, index), ahead, batch, axis_name=axis_name)
            own = jax.random.fold_in(key, state.step)
            fakes, extra = game.fakes(own, params, ahead, batch, axis_name)
            value, metrics = game.generator(own, params, ahead, batch, fakes, axis_name)
            return value, (extra, metrics)

        grads, (extra, metrics) = jax.grad(objective, has_aux=True)(state.generator.params)
        player = update(state.generator._replace(extra=extra), optimizers.generator, grads, axis_name)
        return state._replace(step=state.step + 1, generator=player), all_mean(metrics, axis_name)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        state, d_metrics = d_step(key, state, batch, axis_name=axis_name)
        state, g_metrics = g_step(key, state, batch, axis_name=axis_name)
        return state, d_metrics | g_metrics

    return Steps(d_step, g_step, step)
