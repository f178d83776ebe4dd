"""Further update rules: the generator first, extragradient, consensus optimisation, unrolled discriminator.

Each takes a game and its optimisers and returns `Steps`, as `jgan.steps.alternating` does. On the two games with closed-form
solutions (`jgan.models.bilinear`, `jgan.models.dirac`) they are tested to rounding. For optimistic descent use
`jgan.steps.simultaneous` with an optimistic optimiser.
"""

from typing import Any

import jax

from jgan import collectives
from jgan.gradients import both_gradients
from jgan.rng import step_key, stream_key
from jgan.steps import RULES, Optimizers, Steps, descend, player_steps, simultaneous, update
from jgan.types import Game, GANState, Key, Metrics, PyTree


def generator_first(game: Game, optimizers: Optimizers) -> Steps:
    """Alternating updates in the other order: the generator against the old discriminator, then the discriminator.

    The discriminator sees the fakes of the new generator. In the authors' code of CycleGAN the generators are updated first
    too, but the discriminators see the fakes from before that update: that is `jgan.steps.simultaneous`.

    Args:
      game: the game.
      optimizers: one per player.

    Returns:
      The `Steps`. Both updates use the same minibatch, latents and dropout masks; the generator runs forward twice.

    Example:
      >>> import optax
      >>> from jgan import rules, steps
      >>> from jgan.models import bilinear
      >>> made = rules.generator_first(bilinear.game(), steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1)))
    """
    g_step, d_step = player_steps(game, optimizers)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        after, g_metrics = g_step(key, state, batch, axis_name=axis_name)
        after, d_metrics = d_step(key, after._replace(step=state.step), batch, axis_name=axis_name)
        return after._replace(step=state.step + 1), d_metrics | g_metrics

    return Steps(g_step, d_step, step)


def extragradient(game: Game, optimizers: Optimizers) -> Steps:
    """Extragradient: an update with the gradients evaluated after a look-ahead step.

    `w' = w - eta F(w)`, `w <- w - eta F(w')`, where F is the gradients of both players and the optimisers' updates replace the
    plain step `eta F`. The look-ahead step changes neither the optimiser states nor the batch statistics.

    Args:
      game: the game.
      optimizers: one per player, used in the look-ahead step and in the real update.

    Returns:
      The `Steps`. Both evaluations use the same minibatch, latents and dropout masks.

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
    """Consensus optimisation: simultaneous descent with the regulariser `gamma |F|^2 / 2`, F the gradients of both players.

    Args:
      game: the game.
      optimizers: one per player.
      gamma: the weight of the regulariser.

    Returns:
      The `Steps`. The regulariser is computed on the minibatch, as in the paper's code: it is a biased estimate of the squared
      norm of the expected gradient.

    Raises:
      ValueError: if `gamma` is negative.

    Example:
      >>> import optax
      >>> from jgan import rules, steps
      >>> from jgan.models import bilinear
      >>> sgd = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
      >>> made = rules.consensus(bilinear.game(), sgd, gamma=1.0)

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
        # The gradient of |F|^2 / 2 is the transposed Jacobian of F times F. F is averaged over the devices here; `descend`
        # averages the product with the Jacobian, as it does the gradients.
        (regularizer,) = pull(collectives.mean(grads, axis_name))
        total = jax.tree.map(lambda own, other: own + gamma * other, grads, regularizer)
        return descend(after, optimizers, total, axis_name), collectives.mean(metrics, axis_name)

    return Steps(g_step, d_step, step)


def unrolled(game: Game, optimizers: Optimizers, *, unroll: int = 5) -> Steps:
    """Unrolled GAN: alternating updates in which the generator sees the discriminator after `unroll` further updates.

    The gradient of the generator's loss flows through these updates, which depend on the generator's parameters.

    Args:
      game: the game.
      optimizers: one per player. The discriminator's optimiser is differentiated: give Adam an `eps_root` above 0, since
        otherwise its derivative at a gradient of 0 is not finite.
      unroll: the number of further discriminator updates; 0 gives `jgan.steps.alternating`.

    Returns:
      The `Steps`. The further updates use the minibatch of the step and latents of their own, and are then discarded.

    Raises:
      ValueError: if `unroll` is negative.

    Example:
      >>> import optax
      >>> from jgan import rules, steps
      >>> from jgan.models import bilinear
      >>> sgd = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
      >>> made = rules.unrolled(bilinear.game(), sgd, unroll=5)

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
            # What the updates ahead remember is discarded with them; what this loss remembers is kept.
            here = ahead._replace(memory=state.memory)
            value, (memory, metrics) = game.g_loss(own, params, here, batch, fakes, axis_name)
            return value, (model_state, memory, metrics)

        grads, (model_state, memory, metrics) = jax.grad(objective, has_aux=True)(state.generator.params)
        generator = state.generator._replace(model_state=model_state)
        player = update(generator, optimizers.generator, grads, axis_name, optimizers.ema)
        return state._replace(step=state.step + 1, generator=player, memory=memory), collectives.mean(metrics, axis_name)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        state, d_metrics = d_step(key, state, batch, axis_name=axis_name)
        state, g_metrics = g_step(key, state, batch, axis_name=axis_name)
        return state, d_metrics | g_metrics

    return Steps(g_step, d_step, step)


RULES.register("generator_first", lambda game, optimizers, options: generator_first(game, optimizers))
RULES.register("extragradient", lambda game, optimizers, options: extragradient(game, optimizers))
RULES.register("consensus", lambda game, optimizers, options: consensus(game, optimizers, gamma=options.consensus))
RULES.register("unrolled", lambda game, optimizers, options: unrolled(game, optimizers, unroll=options.unroll))
# Simultaneous descent with the optimistic optimisers that `jgan.models.options.optimizers` makes for this rule.
RULES.register("optimistic", lambda game, optimizers, options: simultaneous(game, optimizers))
