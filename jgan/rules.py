"""Update rules beyond alternating and simultaneous descent: extragradient, consensus, an unrolled discriminator.

Each takes a game and its optimisers and returns `Steps`, as `jgan.steps.alternating` does. What they do to the two games whose
answers are known (`jgan.models.bilinear`, `jgan.models.dirac`) is tested to rounding. Optimistic descent needs no rule of its
own: it is `jgan.steps.simultaneous` with an optimistic optimiser.
"""

from typing import Any

import jax

from jgan import collectives
from jgan.gradients import both_gradients
from jgan.rng import step_key, stream_key
from jgan.steps import RULES, Optimizers, Steps, descend, player_steps, simultaneous, update
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
    g_step, d_step = player_steps(game, optimizers)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        key, gradients = step_key(key, state.step), both_gradients(game, axis_name)
        grads, _, _ = gradients(key, state, batch)
        ahead = descend(state, optimizers, grads, axis_name)
        there = state.with_params(ahead.generator.params, ahead.discriminator.params)
        grads, after, metrics = gradients(key, there, batch)
        here = after.with_params(state.generator.params, state.discriminator.params)
        return descend(here, optimizers, grads, axis_name), collectives.mean(metrics, axis_name)

    return Steps(g_step, d_step, step)


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
    g_step, d_step = player_steps(game, optimizers)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        key, gradients = step_key(key, state.step), both_gradients(game, axis_name)

        def field(params: tuple[PyTree, PyTree]):
            grads, after, metrics = gradients(key, state.with_params(*params), batch)
            return grads, (after, metrics)

        params = state.generator.params, state.discriminator.params
        grads, pull, (after, metrics) = jax.vjp(field, params, has_aux=True)
        # The gradient of |F|^2 / 2 is the transposed Jacobian of F, times F: F that of the whole batch, the Jacobian's mean
        # over the devices taken with that of the gradients.
        (regularizer,) = pull(collectives.mean(grads, axis_name))
        total = jax.tree.map(lambda own, other: own + gamma * other, grads, regularizer)
        return descend(after, optimizers, total, axis_name), collectives.mean(metrics, axis_name)

    return Steps(g_step, d_step, step)


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
    _, d_step = player_steps(game, optimizers)

    def g_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        def objective(params: PyTree):
            ahead = state._replace(generator=state.generator._replace(params=params))
            for index in range(unroll):
                ahead, _ = d_step(stream_key(key, index), ahead, batch, axis_name=axis_name)
            own = step_key(key, state.step)
            fakes, model_state = game.fakes(own, params, ahead, batch, axis_name)
            value, (_, metrics) = game.g_loss(own, params, ahead, batch, fakes, axis_name)
            return value, (model_state, metrics)

        grads, (model_state, metrics) = jax.grad(objective, has_aux=True)(state.generator.params)
        generator = state.generator._replace(model_state=model_state)
        player = update(generator, optimizers.generator, grads, axis_name, optimizers.ema)
        return state._replace(step=state.step + 1, generator=player), collectives.mean(metrics, axis_name)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        state, d_metrics = d_step(key, state, batch, axis_name=axis_name)
        state, g_metrics = g_step(key, state, batch, axis_name=axis_name)
        return state, d_metrics | g_metrics

    return Steps(g_step, d_step, step)


RULES.register("extragradient", lambda game, optimizers, options: extragradient(game, optimizers))
RULES.register("consensus", lambda game, optimizers, options: consensus(game, optimizers, gamma=options.consensus))
RULES.register("unrolled", lambda game, optimizers, options: unrolled(game, optimizers, unroll=options.unroll))
# Optimistic by its optimisers, which `jgan.models.options.optimizers` makes so.
RULES.register("optimistic", lambda game, optimizers, options: simultaneous(game, optimizers))
