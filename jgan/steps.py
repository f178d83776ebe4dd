"""Training steps as pure functions, built from a game, optimisers and a schedule.

Algorithm 1 of Goodfellow et al. (2014), for each training iteration: update the discriminator by descending its stochastic
gradient, `n_critic` times; then update the generator by descending its own. `d_step` is the first, `g_step` the second, and
a schedule (`alternating`, `simultaneous`) composes them into `step`. `one_player` trains one network alone.

Randomness: `key` is the *run's* root key, the same at every call; a step folds `state.step` into it. So a seed and a state
determine the rest of the run, and a run resumes from its state alone. The two players of one step see the same folded key,
hence the same latents and the same dropout masks. Therefore `step` runs the generator forward once for both, and
`step(key, state, batch)` equals `g_step(key, d_step(key, state, batch), batch)`.

References:
  Goodfellow et al., "Generative Adversarial Nets" (2014), https://arxiv.org/abs/1406.2661
"""

import importlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import collectives, ragged
from jgan.gradients import (
    accumulated,
    both_gradients,
    d_gradients,
    discriminator_gradients,
    forward,
    g_gradients,
    generator_gradients,
)
from jgan.optim import EMA
from jgan.rng import step_key, stream_key, stream_keys
from jgan.types import Game, GANState, Key, Metrics, Network, PlayerState, PyTree, Step
from jgan.utils.registry import Registry


class Optimizers(NamedTuple):
    """The optimisers of a game.

    Attributes:
      generator: the generator's, an optax gradient transformation.
      discriminator: the discriminator's.
      ema: the moving average of the generator's weights; None to keep none.
      d_ema: that of the discriminator's weights, for discriminators that are used after training, as classifiers.
    """

    generator: optax.GradientTransformation
    discriminator: optax.GradientTransformation
    ema: EMA | None = None
    d_ema: EMA | None = None


class Steps(NamedTuple):
    """The three steps of a model: see `jgan.types.GAN`."""

    g_step: Step
    d_step: Step
    step: Step


RULES: Registry[Callable[..., Steps]] = Registry("rule", lambda: importlib.import_module("jgan.rules"))
"""The update rules by name, functions `(game, optimizers, options) -> Steps` of a `jgan.models.options.Rule`; those of
`jgan.rules` are registered there."""


def init_state(
    key: Key, generator: Network, discriminator: Network, optimizers: Optimizers, game: Game | None = None
) -> GANState:
    """The state before the first step.

    Args:
      key: the key of the initial parameters.
      generator: the generator network.
      discriminator: the discriminator network.
      optimizers: their optimisers.
      game: the game; required if it has memory, that is augmentation, penalties or terms.

    Returns:
      The `GANState` at step 0.
    """

    def player(key: Key, network: Network, optimizer: optax.GradientTransformation, ema: EMA | None) -> PlayerState:
        params, model_state = network.init(key)
        average = () if ema is None else ema.init(params, model_state)
        return PlayerState(params, model_state, optimizer.init(params), average)

    g_key, d_key = jax.random.split(key)
    return GANState(
        step=jnp.zeros((), jnp.int32),
        generator=player(g_key, generator, optimizers.generator, optimizers.ema),
        discriminator=player(d_key, discriminator, optimizers.discriminator, optimizers.d_ema),
        memory=game.memory() if game else (),
    )


# ---- the two updates


def update(
    player: PlayerState,
    optimizer: optax.GradientTransformation,
    grads: PyTree,
    axis_name: str | None = None,
    ema: EMA | None = None,
) -> PlayerState:
    """One descent step of one player: averages the gradient over the devices, applies the optimiser, updates the EMA.

    Args:
      player: the player, with its `model_state` already updated.
      optimizer: its optimiser.
      grads: the gradient on this device.
      axis_name: the mapped axis over which the batch is spread, if any.
      ema: the moving average of its weights, if one is kept.

    Returns:
      The player.
    """
    grads, model_state = collectives.mean((grads, player.model_state), axis_name)
    updates, opt_state = optimizer.update(collectives.whole(grads), player.opt_state, player.params)
    params = optax.apply_updates(player.params, updates)
    average = player.ema if ema is None else ema.update(player.ema, params, model_state)
    return PlayerState(params, model_state, opt_state, average)


def player_steps(game: Game, optimizers: Optimizers, *, micro_batches: int = 1, generator_batch: int = 1) -> tuple[Step, Step]:
    """The two updates as separate steps.

    Args:
      game: the losses.
      optimizers: the optimisers.
      micro_batches: parts of the batch over which the gradient is accumulated, to save memory.
      generator_batch: fakes of a generator update for each example of the minibatch. The generator's update is then that of a
        minibatch in which each example, with its condition, stands so many times.

    Returns:
      `(g_step, d_step)`, each `(key, state, batch, *, axis_name=None) -> (state, metrics)`. `g_step` returns the
      discriminator's state unchanged, and `d_step` the generator's; `g_step` adds one to `state.step`.

    Raises:
      ValueError: if `micro_batches` or `generator_batch` is below 1; while tracing, if the batch is not a multiple of
        `micro_batches`.

    References:
      Goodfellow et al. (2014), the two gradient steps of Algorithm 1, https://arxiv.org/abs/1406.2661
    """
    if generator_batch < 1:
        raise ValueError(f"generator_batch must be at least 1, found {generator_batch}")

    def g_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        if generator_batch > 1:
            # The copies stand beside each other: so each device has the same examples as where there is one device.
            batch = jax.tree.map(lambda leaf: jnp.repeat(leaf, generator_batch, axis=0), batch)
        gradients = accumulated(generator_gradients(game, axis_name), micro_batches)
        grads, state, metrics = gradients(step_key(key, state.step), state, batch)
        player = update(state.generator, optimizers.generator, grads, axis_name, optimizers.ema)
        return state._replace(step=state.step + 1, generator=player), collectives.mean(metrics, axis_name)

    def d_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        gradients = accumulated(discriminator_gradients(game, axis_name), micro_batches)
        grads, state, metrics = gradients(step_key(key, state.step), state, batch)
        player = update(state.discriminator, optimizers.discriminator, grads, axis_name, optimizers.d_ema)
        return state._replace(discriminator=player), collectives.mean(metrics, axis_name)

    accumulated(discriminator_gradients(game), micro_batches)  # checks micro_batches
    return g_step, d_step


# -------------------------------------------------------------------------------------------------------- the schedules


def minibatch(batch: Any, index: int, n_critic: int) -> Any:
    """One minibatch of a step's batch.

    Args:
      batch: the batch of one `step`; above one minibatch, every leaf has a leading axis of length `n_critic`.
      index: the number of the minibatch.
      n_critic: the number of minibatches.

    Returns:
      The minibatch.

    Raises:
      ValueError: if a leaf has no such axis.

    Example:
      >>> import numpy as np
      >>> from jgan import steps
      >>> steps.minibatch(np.zeros((2, 5)), 1, n_critic=2).shape, steps.minibatch(np.zeros(5), 0, n_critic=1).shape
      ((5,), (5,))
    """
    if n_critic == 1:
        return batch
    for leaf in map(ragged.rows, jax.tree.leaves(batch, is_leaf=ragged.is_ragged)):
        if leaf.shape[:1] != (n_critic,):
            raise ValueError(f"the batch needs a leading axis of length n_critic = {n_critic}, found {leaf.shape}")
    return ragged.per_example(lambda leaf: leaf[index], batch)


def alternating(
    game: Game,
    optimizers: Optimizers,
    *,
    n_critic: int = 1,
    fresh_latents: bool = False,
    micro_batches: int = 1,
    generator_batch: int = 1,
    scanned: bool = False,
) -> Steps:
    """Algorithm 1: `n_critic` discriminator updates, then one generator update against the new discriminator.

    Args:
      game: the losses.
      optimizers: the optimisers. Different learning rates give the two time-scale update rule.
      n_critic: discriminator updates per step (k in the paper). Above 1, every leaf of the batch has a leading axis
        of that length: one minibatch per update.
      fresh_latents: whether the generator's update draws new latents, as in Algorithm 1, instead of reusing
        the fakes of the last discriminator update, which saves a forward pass.
      micro_batches: parts of each minibatch over which the gradients are accumulated; saves memory, costs a generator pass.
      generator_batch: fakes of the generator's update for each example of a minibatch; above 1 it costs a generator pass.
      scanned: whether the discriminator updates before the last are a `lax.scan`, for many of them: the program then does not
        grow with `n_critic`. The results are those of the loop.

    Returns:
      The `Steps`.

    Raises:
      ValueError: if `n_critic`, `micro_batches` or `generator_batch` is below 1; while tracing, if the batch's leading axis is
        not `n_critic`, or a minibatch not a multiple of `micro_batches`.

    References:
      Goodfellow et al. (2014), Algorithm 1, https://arxiv.org/abs/1406.2661; Heusel et al., "GANs Trained by a Two Time-Scale
      Update Rule Converge to a Local Nash Equilibrium" (2017), https://arxiv.org/abs/1706.08500
    """
    if n_critic < 1:
        raise ValueError(f"n_critic must be at least 1, found {n_critic}")
    g_step, d_step = player_steps(game, optimizers, micro_batches=micro_batches, generator_batch=generator_batch)

    def earlier(key: Key, state: GANState, batch: Any, axis_name: str | None) -> GANState:
        minibatch(batch, 0, n_critic)  # checks the leading axis
        keys = stream_keys(key, n_critic - 1)

        def one(state: GANState, inputs: tuple[Key, Any]) -> tuple[GANState, None]:
            return d_step(*(inputs[0], state, inputs[1]), axis_name=axis_name)[0], None

        return jax.lax.scan(one, state, (keys, jax.tree.map(lambda leaf: leaf[:-1], batch)))[0]

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        if scanned and n_critic > 1:
            state = earlier(key, state, batch, axis_name)
        for index in range(0 if scanned else n_critic - 1):
            state, _ = d_step(stream_key(key, index), state, minibatch(batch, index, n_critic), axis_name=axis_name)
        last = minibatch(batch, n_critic - 1, n_critic)
        if not fresh_latents and micro_batches == generator_batch == 1:
            return _in_turn(game, optimizers, key, state, last, axis_name)
        state, d_metrics = d_step(key, state, last, axis_name=axis_name)
        g_key = stream_key(key, n_critic - 1) if fresh_latents else key
        state, g_metrics = g_step(g_key, state, last, axis_name=axis_name)
        return state, d_metrics | g_metrics

    return Steps(g_step, d_step, step)


def _in_turn(game: Game, optimizers: Optimizers, key, state: GANState, batch, axis_name) -> tuple[GANState, Metrics]:
    """`d_step`, then `g_step`, with one generator forward pass."""
    key = step_key(key, state.step)
    fakes, pull_back, g_model_state = forward(game, key, state, batch, axis_name)
    d_grads, state, d_metrics = d_gradients(game, key, state, batch, fakes, axis_name)
    discriminator = update(state.discriminator, optimizers.discriminator, d_grads, axis_name, optimizers.d_ema)
    state = state._replace(discriminator=discriminator)
    g_grads, memory, g_metrics = g_gradients(game, key, state, batch, fakes, pull_back, axis_name)
    generator = state.generator._replace(model_state=g_model_state)
    generator = update(generator, optimizers.generator, g_grads, axis_name, optimizers.ema)
    state = state._replace(step=state.step + 1, generator=generator, memory=memory)
    return state, collectives.mean(d_metrics | g_metrics, axis_name)


def simultaneous(game: Game, optimizers: Optimizers, *, micro_batches: int = 1) -> Steps:
    """Both players descend simultaneously, from the same old parameters, latents and masks, as in the authors' code of 2014.

    Args:
      game: the losses.
      optimizers: the optimisers. Optimistic gradient descent is this rule with
        `optax.optimistic_gradient_descent` or `optax.optimistic_adam` for each.
      micro_batches: parts of the batch over which the gradients are accumulated, to save memory.

    Returns:
      The `Steps`.

    Raises:
      ValueError: if `micro_batches` is below 1; while tracing, if the batch is not a multiple of it.

    References:
      Daskalakis et al., "Training GANs with Optimism" (2018), https://arxiv.org/abs/1711.00141
    """
    g_step, d_step = player_steps(game, optimizers, micro_batches=micro_batches)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        gradients = accumulated(both_gradients(game, axis_name), micro_batches)
        grads, after, metrics = gradients(step_key(key, state.step), state, batch)
        return descend(after, optimizers, grads, axis_name), collectives.mean(metrics, axis_name)

    return Steps(g_step, d_step, step)


def descend(state: GANState, optimizers: Optimizers, grads: PyTree, axis_name: str | None = None) -> GANState:
    """Applies both players' updates and counts the step.

    Args:
      state: the state, with everything already updated except the parameters.
      optimizers: the optimisers.
      grads: the pair `(generator's, discriminator's)`.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The next state.

    Example:
      See `jgan.rules`.
    """
    g_grads, d_grads = grads
    return state._replace(
        step=state.step + 1,
        generator=update(state.generator, optimizers.generator, g_grads, axis_name, optimizers.ema),
        discriminator=update(state.discriminator, optimizers.discriminator, d_grads, axis_name, optimizers.d_ema),
    )


PlayerLoss = Callable[..., tuple[jax.Array, tuple[PyTree, Metrics]]]
"""`(key, params, state, batch, axis_name) -> (loss, (new_model_state, metrics))`."""


def one_player(
    loss: PlayerLoss, optimizers: Optimizers, *, player: Literal["generator", "discriminator"] = "generator"
) -> Steps:
    """Trains one player with a separate loss while the other is unchanged: supervised or likelihood pre-training.

    Args:
      loss: `(key, params, state, batch, axis_name) -> (loss, (new_model_state, metrics))`; `params` are the player's.
      optimizers: the optimisers; only the player's is used.
      player: `"generator"` or `"discriminator"`.

    Returns:
      The `Steps`. The update of the other player returns the state unchanged and no metrics; `step` increases `state.step`.

    Raises:
      ValueError: if there is no such player.

    Example:
      >>> import jax, jax.numpy as jnp, optax
      >>> from jgan import Batch, networks, steps
      >>> from jgan.networks import PointDiscriminator, PointGenerator
      >>> generator = networks.from_module(PointGenerator(2), (2,))
      >>> discriminator = networks.from_module(PointDiscriminator(), (2,))
      >>> def squared_error(key, params, state, batch, axis_name):
      ...     x, model_state = generator.apply(params, state.generator.model_state, batch.c, key=key, train=True)
      ...     value = jnp.mean(jnp.square(x - batch.x))
      ...     return value, (model_state, {"squared_error": value})
      >>> optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
      >>> made = steps.one_player(squared_error, optimizers)
      >>> state = steps.init_state(jax.random.key(0), generator, discriminator, optimizers)
      >>> state, metrics = made.step(jax.random.key(1), state, Batch(jnp.zeros((4, 2)), c=jnp.ones((4, 2))))
      >>> sorted(metrics), int(state.step)
      (['squared_error'], 1)
    """
    if player not in ("generator", "discriminator"):
        raise ValueError(f"player must be 'generator' or 'discriminator', found {player!r}")
    ema = optimizers.ema if player == "generator" else optimizers.d_ema

    def waits(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        return state, {}

    def learns(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        own = getattr(state, player)
        gradient = jax.grad(loss, argnums=1, has_aux=True)
        grads, (model_state, metrics) = gradient(step_key(key, state.step), own.params, state, batch, axis_name)
        own = update(own._replace(model_state=model_state), getattr(optimizers, player), grads, axis_name, ema)
        changed = state._replace(generator=own) if player == "generator" else state._replace(discriminator=own)
        return changed, collectives.mean(metrics, axis_name)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        state, metrics = learns(key, state, batch, axis_name=axis_name)
        return state._replace(step=state.step + 1), metrics

    return Steps(step, waits, step) if player == "generator" else Steps(waits, learns, step)


MOST_WRITTEN_OUT = 10
"""The most discriminator updates of a step whose program is written out, by the rule of this name; more are scanned."""

RULES.register(
    "alternating",
    lambda game, optimizers, options: alternating(
        game,
        optimizers,
        n_critic=options.n_critic,
        fresh_latents=options.fresh_latents,
        micro_batches=options.micro_batches,
        generator_batch=options.generator_batch,
        scanned=options.n_critic > MOST_WRITTEN_OUT,
    ),
)
RULES.register(
    "simultaneous",
    lambda game, optimizers, options: simultaneous(game, optimizers, micro_batches=options.micro_batches),
)
