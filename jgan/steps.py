"""The heart: a training step is a pure function, made of a game, two optimisers and a schedule. Nothing here knows a paper.

Algorithm 1 of Goodfellow et al. (2014), for each training iteration: update the discriminator by descending its stochastic
gradient, `n_critic` times; then update the generator by descending its own. `d_step` is the one, `g_step` the other, and
a schedule (`alternating`, `simultaneous`) composes them into `step`.

Randomness: `key` is the *run's* root key, the same at every call; a step folds `state.step` into it. So a seed and a state
determine all that follows, and a run resumes from its state alone. The two players of one step see the same folded key,
hence the same latents and the same dropout masks: that is what lets `step` run the generator forward once for both, and
`step(key, state, batch)` equals `g_step(key, d_step(key, state, batch), batch)`.

References:
  Goodfellow et al., "Generative Adversarial Nets" (2014), https://arxiv.org/abs/1406.2661
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.gradients import (
    accumulated,
    both_gradients,
    d_gradients,
    discriminator_gradients,
    forward,
    g_gradients,
    generator_gradients,
)
from jgan.types import Game, GANState, Key, Metrics, Network, PlayerState, PyTree, Step


class Optimizers(NamedTuple):
    """The optimiser of each player, as optax gradient transformations."""

    generator: optax.GradientTransformation
    discriminator: optax.GradientTransformation


class Steps(NamedTuple):
    """The three steps of a model: see `jgan.types.GAN`."""

    d_step: Step
    g_step: Step
    step: Step


def init_state(
    key: Key, generator: Network, discriminator: Network, optimizers: Optimizers, game: Game | None = None
) -> GANState:
    """The state before the first step.

    Args:
      key: the key of the initial parameters.
      generator: the generator network.
      discriminator: the discriminator network.
      optimizers: the optimiser of each.
      game: the game, if it remembers anything: if it has augmentation or penalties.

    Returns:
      The `GANState` at step 0.

    Example:
      See `jgan.models.gan2014.make`.
    """

    def player(key: Key, network: Network, optimizer: optax.GradientTransformation) -> PlayerState:
        params, extra = network.init(key)
        return PlayerState(params, extra, optimizer.init(params))

    g_key, d_key = jax.random.split(key)
    return GANState(
        step=jnp.zeros((), jnp.int32),
        generator=player(g_key, generator, optimizers.generator),
        discriminator=player(d_key, discriminator, optimizers.discriminator),
        memory=game.memory() if game else (),
    )


# ----------------------------------------------------------------------------------------------------- the two updates


def all_mean(tree: PyTree, axis_name: str | None) -> PyTree:
    """The mean over the devices, or the tree itself where there is but one.

    Args:
      tree: a tree of arrays.
      axis_name: the mapped axis, or None.

    Returns:
      A tree like it.
    """
    return tree if axis_name is None else jax.lax.pmean(tree, axis_name)


def update(
    player: PlayerState, optimizer: optax.GradientTransformation, grads: PyTree, axis_name: str | None = None
) -> PlayerState:
    """One descent step of one player: the mean gradient over the devices, optax, the new state.

    Args:
      player: the player, its `extra` already new.
      optimizer: its optimiser.
      grads: the gradient on this device.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The player.
    """
    grads, extra = all_mean((grads, player.model_state), axis_name)
    updates, opt_state = optimizer.update(grads, player.opt_state, player.params)
    return PlayerState(optax.apply_updates(player.params, updates), extra, opt_state)


def player_steps(game: Game, optimizers: Optimizers, *, micro_batches: int = 1) -> tuple[Step, Step]:
    """The two updates, each on its own.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends.
      micro_batches: parts of the batch over which the gradient is accumulated, to save memory.

    Returns:
      `(d_step, g_step)`, each `(key, state, batch, *, axis_name=None) -> (state, metrics)`. `d_step` returns the
      generator's state untouched, and `g_step` the discriminator's; `g_step` adds one to `state.step`.

    Raises:
      ValueError: if `micro_batches` is below 1; while tracing, if the batch is not a multiple of it.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Goodfellow et al. (2014), the two gradient steps of Algorithm 1, https://arxiv.org/abs/1406.2661
    """

    def d_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        gradients = accumulated(discriminator_gradients(game, axis_name), micro_batches)
        grads, state, metrics = gradients(jax.random.fold_in(key, state.step), state, batch)
        player = update(state.discriminator, optimizers.discriminator, grads, axis_name)
        return state._replace(discriminator=player), all_mean(metrics, axis_name)

    def g_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        gradients = accumulated(generator_gradients(game, axis_name), micro_batches)
        grads, state, metrics = gradients(jax.random.fold_in(key, state.step), state, batch)
        player = update(state.generator, optimizers.generator, grads, axis_name)
        return state._replace(step=state.step + 1, generator=player), all_mean(metrics, axis_name)

    accumulated(discriminator_gradients(game), micro_batches)  # for its check
    return d_step, g_step


# -------------------------------------------------------------------------------------------------------- the schedules


def stream_key(key: Key, index: int) -> Key:
    """A root key that shares no descendant with those of any step (which fold in numbers below 2^31).

    Args:
      key: the run's root key.
      index: which.

    Returns:
      The key.
    """
    return jax.random.fold_in(key, 2**31 + index)


def alternating(
    game: Game, optimizers: Optimizers, *, n_critic: int = 1, fresh_latents: bool = False, micro_batches: int = 1
) -> Steps:
    """Algorithm 1: `n_critic` discriminator updates, then one generator update against the new discriminator.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends. A learning rate for each is the two-time-scale rule.
      n_critic: discriminator updates in a step (k in the paper). Above 1, every leaf of the batch carries a leading axis
        of that length: a minibatch for each.
      fresh_latents: whether the generator's update draws latents of its own, as Algorithm 1 is printed, instead of
        the fakes of the last discriminator update, which costs a forward pass less.
      micro_batches: parts of each minibatch over which the gradients are accumulated: less memory, a generator pass more.

    Returns:
      The `Steps`.

    Raises:
      ValueError: if `n_critic` or `micro_batches` is below 1; while tracing, if the batch's leading axis is not `n_critic`, or
        a minibatch not a multiple of `micro_batches`.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Goodfellow et al. (2014), Algorithm 1, https://arxiv.org/abs/1406.2661; Heusel et al., "GANs Trained by a Two Time-Scale
      Update Rule Converge to a Local Nash Equilibrium" (2017), https://arxiv.org/abs/1706.08500
    """
    if n_critic < 1:
        raise ValueError(f"n_critic must be at least 1, found {n_critic}")
    d_step, g_step = player_steps(game, optimizers, micro_batches=micro_batches)

    def minibatch(batch: Any, index: int) -> Any:
        if n_critic == 1:
            return batch
        for leaf in jax.tree.leaves(batch):
            if leaf.shape[:1] != (n_critic,):
                raise ValueError(f"the batch needs a leading axis of length n_critic = {n_critic}, found {leaf.shape}")
        return jax.tree.map(lambda leaf: leaf[index], batch)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        for index in range(n_critic - 1):
            state, _ = d_step(stream_key(key, index), state, minibatch(batch, index), axis_name=axis_name)
        last = minibatch(batch, n_critic - 1)
        if not fresh_latents and micro_batches == 1:
            return _in_turn(game, optimizers, key, state, last, axis_name)
        state, d_metrics = d_step(key, state, last, axis_name=axis_name)
        g_key = stream_key(key, n_critic - 1) if fresh_latents else key
        state, g_metrics = g_step(g_key, state, last, axis_name=axis_name)
        return state, d_metrics | g_metrics

    return Steps(d_step, g_step, step)


def _in_turn(game: Game, optimizers: Optimizers, key, state: GANState, batch, axis_name) -> tuple[GANState, Metrics]:
    """`d_step`, then `g_step`, on one generator forward pass."""
    key = jax.random.fold_in(key, state.step)
    fakes, pull_back, g_model_state = forward(game, key, state, batch, axis_name)
    d_grads, state, d_metrics = d_gradients(game, key, state, batch, fakes, axis_name)
    state = state._replace(discriminator=update(state.discriminator, optimizers.discriminator, d_grads, axis_name))
    g_grads, g_metrics = g_gradients(game, key, state, batch, fakes, pull_back, axis_name)
    generator = update(state.generator._replace(extra=g_model_state), optimizers.generator, g_grads, axis_name)
    return state._replace(step=state.step + 1, generator=generator), all_mean(d_metrics | g_metrics, axis_name)


def simultaneous(game: Game, optimizers: Optimizers, *, micro_batches: int = 1) -> Steps:
    """Both players descend at once, each from the same old parameters, latents and masks: the authors' code of 2014.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends. Optimistic gradient descent is this rule with
        `optax.optimistic_gradient_descent` or `optax.optimistic_adam` for each.
      micro_batches: parts of the batch over which the gradients are accumulated, to save memory.

    Returns:
      The `Steps`.

    Raises:
      ValueError: if `micro_batches` is below 1; while tracing, if the batch is not a multiple of it.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Daskalakis et al., "Training GANs with Optimism" (2018), https://arxiv.org/abs/1711.00141
    """
    d_step, g_step = player_steps(game, optimizers, micro_batches=micro_batches)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        gradients = accumulated(both_gradients(game, axis_name), micro_batches)
        grads, after, metrics = gradients(jax.random.fold_in(key, state.step), state, batch)
        return descend(after, optimizers, grads, axis_name), all_mean(metrics, axis_name)

    return Steps(d_step, g_step, step)


def descend(state: GANState, optimizers: Optimizers, grads: PyTree, axis_name: str | None = None) -> GANState:
    """Both players' updates, and the count of the step.

    Args:
      state: the state, with what the passes changed beside the parameters.
      optimizers: how each of them descends.
      grads: the pair `(discriminator's, generator's)`.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The next state.

    Example:
      See `jgan.rules`.
    """
    d_grads, g_grads = grads
    return state._replace(
        step=state.step + 1,
        discriminator=update(state.discriminator, optimizers.discriminator, d_grads, axis_name),
        generator=update(state.generator, optimizers.generator, g_grads, axis_name),
    )
