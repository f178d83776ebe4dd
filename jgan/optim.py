"""What optax does not have, as gradient transformations: pylearn2's schedules and momentum, weight averages."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.types import PlayerState, PyTree


def exponential_decay(initial: float, factor: float, floor: float) -> optax.Schedule:
    """The learning rate `max(initial / factor^t, floor)` at update t, as pylearn2's `ExponentialDecay` has it.

    Args:
      initial: the learning rate of the first update.
      factor: what it is divided by at each update, above 1.
      floor: the least learning rate.

    Returns:
      The schedule, a function of the number of updates made so far.

    Example:
      >>> from jgan import optim
      >>> rate = optim.exponential_decay(0.1, 1.000004, 1e-6)
      >>> [round(float(rate(500 * epoch)), 4) for epoch in (50, 250, 1000)]  # MNIST: 500 updates an epoch
      [0.0905, 0.0607, 0.0135]
    """

    def schedule(count: jax.Array) -> jax.Array:
        # 1.000004 rounded to float32 and raised to a large power drifts; exp(-t log(factor)) does not.
        return jnp.maximum(initial * jnp.exp(-math.log(factor) * jnp.asarray(count, jnp.float32)), floor)

    return schedule


def epoch_ramp(initial: float, final: float, epochs: int, steps_per_epoch: int) -> optax.Schedule:
    """A value that changes linearly, once an epoch: `initial + (final - initial) min(epoch / (epochs - 1), 1)`.

    pylearn2's `MomentumAdjustor` with `start: 1` and `saturate: epochs`.

    Args:
      initial: the value in epoch 0.
      final: the value from epoch `epochs - 1` on.
      epochs: the length of the ramp in epochs, at least 2.
      steps_per_epoch: the number of updates in an epoch.

    Returns:
      The schedule, a function of the number of updates made so far.

    Example:
      >>> from jgan import optim
      >>> momentum = optim.epoch_ramp(0.5, 0.7, 250, 500)
      >>> [round(float(momentum(step)), 4) for step in (0, 499, 500, 249 * 500, 10**6)]
      [0.5, 0.5, 0.5008, 0.7, 0.7]
    """

    def schedule(count: jax.Array) -> jax.Array:
        progress = (jnp.asarray(count) // steps_per_epoch) / (epochs - 1)
        return initial + (final - initial) * jnp.minimum(progress, 1.0)

    return schedule


def momentum_sgd(learning_rate: optax.ScalarOrSchedule, momentum: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Classical momentum, the learning rate inside the velocity: `v = m v - lr g`, `p += v`.

    `optax.sgd` has the rate outside (`v = m v + g`, `p -= lr v`): the same for constants, another method when the rate or
    the momentum follow a schedule.

    Args:
      learning_rate: lr, a number or a schedule.
      momentum: m, a number or a schedule.

    Returns:
      The gradient transformation.

    Example:
      >>> from jgan import optim
      >>> optimizer = optim.momentum_sgd(0.1, 0.5)
      >>> state = optimizer.init(0.0)
      >>> for _ in range(2):
      ...     update, state = optimizer.update(1.0, state)
      >>> round(float(update), 6)  # -0.1 - 0.5 * 0.1
      -0.15
    """
    schedule = momentum if callable(momentum) else optax.constant_schedule(momentum)
    return optax.chain(
        optax.scale_by_learning_rate(learning_rate),
        optax.inject_hyperparams(optax.trace)(decay=schedule),
    )


def half_life_decay(images: float, batch_size: int) -> float:
    """The decay of a weight average that forgets half of its past in so many images.

    Args:
      images: the half-life, in training images.
      batch_size: images in a minibatch.

    Returns:
      `0.5^(batch_size / images)`, for `weight_average`.

    Raises:
      ValueError: if one of them is not above 0.

    Example:
      >>> from jgan import optim
      >>> round(optim.half_life_decay(5e6, 512), 6)
      0.999929

    References:
      Karras et al., "Alias-Free Generative Adversarial Networks" (2021), whose averages are counted so, https://arxiv.org/abs/2106.12423
    """
    if images <= 0 or batch_size <= 0:
        raise ValueError(f"a half-life and a batch size must be above 0, found {images} and {batch_size}")
    return 0.5 ** (batch_size / images)


class WeightAverageState(NamedTuple):
    """The state of `weight_average`.

    Attributes:
      count: int32 scalar, updates made so far.
      average: the tree of averaged parameters.
    """

    count: jax.Array  # type: ignore[assignment]  # hides tuple.count, as optax's own states do
    average: PyTree


def weight_average(decay: float) -> optax.GradientTransformation:
    """Keeps an exponential moving average of the parameters beside them; passes the updates through.

    The last link of an `optax.chain`. The decay is warmed up as `min(decay, (1 + t) / (10 + t))`, so that the initial
    parameters are forgotten soon.

    Args:
      decay: the share of the old average that each update keeps, in [0, 1).

    Returns:
      The gradient transformation; `ema_params` finds its average in any optimiser state that contains it.

    Raises:
      ValueError: if `decay` is not in [0, 1).

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jgan import optim
      >>> optimizer = optax.chain(optax.sgd(1.0), optim.weight_average(0.0))
      >>> params = jnp.array(3.0)
      >>> _, state = optimizer.update(jnp.array(1.0), optimizer.init(params), params)
      >>> float(state[-1].average)  # without memory: the parameters after the update
      2.0

    References:
      The warm-up is that of TensorFlow's `ExponentialMovingAverage(num_updates=...)`. The average as the generator to
      sample from: Yazici et al., "The Unusual Effectiveness of Averaging in GAN Training" (2018), https://arxiv.org/abs/1806.04498
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be in [0, 1), found {decay}")

    def init(params: PyTree) -> WeightAverageState:
        # A copy, since the parameters' own buffers are donated to the step.
        return WeightAverageState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.array, params))

    def update(updates: PyTree, state: WeightAverageState, params: PyTree | None = None):
        if params is None:
            raise ValueError("weight_average needs the parameters: call update(updates, state, params)")
        keep = jnp.minimum(decay, (1 + state.count) / (10 + state.count))
        new = optax.apply_updates(params, updates)
        average = optax.incremental_update(new, state.average, 1 - keep)
        return updates, WeightAverageState(state.count + 1, average)

    return optax.GradientTransformation(init, update)


def ema_params(player: PlayerState) -> PyTree:
    """The averaged parameters of a player, or the parameters themselves if its optimiser keeps no average.

    Args:
      player: the player's state.

    Returns:
      A tree like `player.params`.

    Example:
      See `jgan.models.gan2014.make`.
    """
    is_average = lambda node: isinstance(node, WeightAverageState)  # noqa: E731
    found = [node for node in jax.tree.leaves(player.opt_state, is_leaf=is_average) if is_average(node)]
    return found[-1].average if found else player.params


def restart_average(opt_state: PyTree, params: PyTree) -> PyTree:
    """Begins the average anew from other parameters; the rest of the optimiser's state stays.

    Args:
      opt_state: the state of an optimiser, with or without a `weight_average`.
      params: the parameters to begin from.

    Returns:
      A tree like `opt_state`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import optim
      >>> state = optim.weight_average(0.9).init(jnp.array(3.0))
      >>> float(optim.restart_average(state, jnp.array(4.0)).average)
      4.0
    """
    is_average = lambda node: isinstance(node, WeightAverageState)  # noqa: E731

    def restart(node: PyTree) -> PyTree:
        return WeightAverageState(jnp.zeros_like(node.count), jax.tree.map(jnp.array, params)) if is_average(node) else node

    return jax.tree.map(restart, opt_state, is_leaf=is_average)
