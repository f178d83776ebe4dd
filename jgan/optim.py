"""Additions to optax: pylearn2's schedules and momentum, moving averages of network weights."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jgan.types import Average, Inputs, Key, Network, PlayerState, PyTree


def exponential_decay(initial: float, factor: float, floor: float) -> optax.Schedule:
    """The learning rate `max(initial / factor^t, floor)` at update t, as in pylearn2's `ExponentialDecay`.

    Args:
      initial: the learning rate of the first update.
      factor: the divisor of the learning rate at each update, above 1.
      floor: the minimum learning rate.

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
    """A value that changes linearly, once per epoch: `initial + (final - initial) min(epoch / (epochs - 1), 1)`.

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


def cosine(initial: float, final: float, steps: int) -> optax.Schedule:
    """A value that changes from one number to another along half a period of a cosine, and then stays.

    `optax.cosine_decay_schedule` is this for values that fall.

    Args:
      initial: the value at update 0.
      final: the value from update `steps` on.
      steps: the number of updates in between, above 0.

    Returns:
      The schedule, a function of the number of updates made so far.

    Raises:
      ValueError: if `steps` is not above 0.

    Example:
      >>> from jgan import optim
      >>> growing = optim.cosine(0.0, 8.0, 100)
      >>> [round(float(growing(step)), 4) for step in (0, 50, 100, 1000)]
      [0.0, 4.0, 8.0, 8.0]
    """
    if steps <= 0:
        raise ValueError(f"steps must be above 0, found {steps}")

    def schedule(count: jax.Array) -> jax.Array:
        progress = jnp.minimum(jnp.asarray(count, jnp.float32) / steps, 1.0)
        return final + (initial - final) * (1 + jnp.cos(math.pi * progress)) / 2

    return schedule


def momentum_sgd(learning_rate: optax.ScalarOrSchedule, momentum: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Classical momentum with the learning rate inside the velocity: `v = m v - lr g`, `p += v`.

    `optax.sgd` has the rate outside (`v = m v + g`, `p -= lr v`). The two are equal for constants and differ when the rate or
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


# ------------------------------------------------------------------------------------------------------ weight averages


def under_standard_promotion(optimizer: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """The same optimiser, which can be used under `jax.numpy_dtype_promotion("strict")`.

    Optax's Adam and schedules mix the int32 count of their updates with Python floats, which strict promotion refuses.

    Args:
      optimizer: the optimiser.

    Returns:
      The optimiser, with the same state and updates; within its two functions promotion is standard.

    Example:
      >>> import jax, jax.numpy as jnp, optax
      >>> from jgan import optim
      >>> adam = optim.under_standard_promotion(optax.adam(1e-3))
      >>> with jax.numpy_dtype_promotion("strict"):
      ...     updates, _ = adam.update(jnp.ones(1), adam.init(jnp.zeros(1)))
      >>> round(float(updates[0]), 6)
      -0.001
    """
    inner = optax.with_extra_args_support(optimizer)

    def init(params: PyTree) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return inner.init(params)

    def update(gradient: PyTree, state: Any, params: PyTree | None = None, **extra: Any) -> tuple[PyTree, Any]:
        with jax.numpy_dtype_promotion("standard"):
            return inner.update(gradient, state, params, **extra)

    return optax.GradientTransformationExtraArgs(init, update)


def warmed_up(decay: float) -> optax.Schedule:
    """The decay `min(decay, (1 + t) / (10 + t))` at update t, so that the initial weights are forgotten quickly.

    Args:
      decay: the decay after the warm-up, in [0, 1).

    Returns:
      The schedule.

    Raises:
      ValueError: if `decay` is not in [0, 1).

    Example:
      >>> from jgan import optim
      >>> decay = optim.warmed_up(0.999)
      >>> float(decay(0)), round(float(decay(10**6)), 4)
      (0.10000000149011612, 0.999)

    References:
      The warm-up of TensorFlow's `ExponentialMovingAverage(num_updates=...)`.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be in [0, 1), found {decay}")
    return lambda count: jnp.minimum(decay, (1 + count) / (10 + count))


def half_life(images: float, batch_size: int, *, ramp: float | None = 0.05, growth_steps: int = 0) -> optax.Schedule:
    """The decay of an average whose half-life is counted in training images.

    Args:
      images: the half-life, in training images.
      batch_size: images in a minibatch.
      ramp: the half-life is at most this share of the images seen so far; None for no limit.
      growth_steps: the number of updates over which the half-life grows from 0 to `images`, along a cosine; 0 for a constant.

    Returns:
      The schedule `0.5^(batch_size / min(images, ramp * seen))`, a function of the number of updates made so far; 0 before
      any image was seen.

    Raises:
      ValueError: if an argument is not above 0.

    Example:
      >>> from jgan import optim
      >>> round(float(optim.half_life(5e6, 512, ramp=None)(0)), 6), float(optim.half_life(5e6, 512)(20))
      (0.999929, 0.5)

    References:
      Karras et al., "Training Generative Adversarial Networks with Limited Data" (2020), whose code has this average
      and ramp (`ema_kimg`, `ema_rampup`), https://arxiv.org/abs/2006.06676; the growth along a cosine is R3GAN's.
    """
    if images <= 0 or batch_size <= 0 or (ramp is not None and ramp <= 0):
        raise ValueError(f"a half-life, batch size and ramp must be above 0, found {images}, {batch_size} and {ramp}")

    length_of = cosine(0.0, images, growth_steps) if growth_steps else optax.constant_schedule(images)

    def schedule(count: jax.Array) -> jax.Array:
        length = jnp.asarray(length_of(count), jnp.float32)
        if ramp is not None:
            length = jnp.minimum(length, ramp * batch_size * jnp.asarray(count, jnp.float32))
        return jnp.where(length > 0, 0.5 ** (batch_size / jnp.maximum(length, 1e-8)), 0)

    return schedule


@dataclasses.dataclass(frozen=True)
class EMA:
    """An exponential moving average of a network's weights: `average = decay average + (1 - decay) new`.

    The average includes the other variables: a network with batch normalisation that combines averaged kernels with the
    batch statistics of the latest kernels generates wrong samples.

    Attributes:
      decay: a schedule of the number of updates made so far: see `warmed_up` and `half_life`.
      model_state: `"average"` averages the floating-point variables (batch statistics) like the parameters, `"latest"` keeps
        the latest ones.

    Raises:
      TypeError: if `decay` is no schedule.
      ValueError: if `model_state` is neither.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import optim
      >>> ema = optim.EMA(lambda count: 0.5)
      >>> average = ema.update(ema.init(jnp.array(0.0), {}), jnp.array(2.0), {})
      >>> float(average.params), int(average.count)
      (1.0, 1)

    References:
      Yazici et al., "The Unusual Effectiveness of Averaging in GAN Training" (2018), https://arxiv.org/abs/1806.04498
    """

    decay: optax.Schedule
    model_state: str = "average"

    def __post_init__(self) -> None:
        if self.model_state not in ("average", "latest"):
            raise ValueError(f"model_state must be 'average' or 'latest', found {self.model_state!r}")
        if not callable(self.decay):
            raise TypeError(f"decay must be a schedule, such as optim.warmed_up(0.999), found {self.decay!r}")

    def init(self, params: PyTree, model_state: PyTree) -> Average:
        """The average before the first update: copies, since the originals' buffers are donated to the step."""
        return Average(jnp.zeros((), jnp.int32), *jax.tree.map(jnp.array, (params, model_state)))

    def update(self, average: Average, params: PyTree, model_state: PyTree) -> Average:
        """The average after an update to new weights."""
        share = 1 - self.decay(average.count)

        def towards(old: jax.Array, new: jax.Array) -> jax.Array:
            return optax.incremental_update(new, old, share) if jnp.issubdtype(new.dtype, jnp.floating) else new

        others = model_state
        if self.model_state == "average":
            others = jax.tree.map(towards, average.model_state, model_state)
        return Average(average.count + 1, jax.tree.map(towards, average.params, params), others)


def ema_weights(player: PlayerState, ema: bool = True) -> tuple[PyTree, PyTree]:
    """The weights to generate with: the averaged weights if `ema` is true and the player keeps an average.

    Args:
      player: the player's state.
      ema: whether to use the average.

    Returns:
      `(params, model_state)`.

    Example:
      See `jgan.models.assembly.assemble`.
    """
    if ema and isinstance(player.ema, Average):
        return player.ema.params, player.ema.model_state
    return player.params, player.model_state


def ema_params(player: PlayerState) -> PyTree:
    """The averaged parameters of a player, or the parameters themselves if it keeps no average.

    Args:
      player: the player's state.

    Returns:
      A tree like `player.params`.
    """
    return ema_weights(player)[0]


def standing_statistics(
    network: Network, weights: tuple[PyTree, PyTree], inputs: Callable[[Key], Inputs], *, passes: int = 32
) -> PyTree:
    """Recomputes batch statistics for given parameters by forward passes in training mode on new inputs.

    Args:
      network: the generator.
      weights: `(params, model_state)`; the statistics start from those of `model_state`.
      inputs: `inputs(key) -> Inputs`, a batch of generator inputs.
      passes: the number of forward passes. With momentum m, the old statistics keep a weight of m^passes.

    Returns:
      The new model state.

    Example:
      >>> import jax
      >>> from jgan import networks, optim, rng
      >>> from jgan.types import Inputs
      >>> network = networks.from_module(networks.PointGenerator(2), (3,))
      >>> draw = lambda key: Inputs(rng.latents(key, 8, 3))
      >>> optim.standing_statistics(network, network.init(jax.random.key(0)), draw)  # no batch statistics
      {}

    References:
      Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), section 3 ("standing
      statistics"), https://arxiv.org/abs/1809.11096
    """
    params, model_state = weights

    def one(model_state: PyTree, index: jax.Array) -> tuple[PyTree, None]:
        key = jax.random.fold_in(jax.random.key(0), index)
        return network.apply(params, model_state, *inputs(key).args(), key=key, train=True)[1], None

    return jax.lax.scan(one, model_state, jnp.arange(passes))[0]
