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

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.checks import same_shape
from jgan.losses import Loss
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


# ------------------------------------------------------------------------------------------------------------ the game


def adversarial(
    generator: Network,
    discriminator: Network,
    latents: Callable[..., jax.Array],
    loss: Loss,
    *,
    discriminator_weight: float = 1.0,
) -> Game:
    """The usual pair of objectives: the discriminator tells real from fake, the generator fools it.

    The means over the batch of `loss.discriminator(D(x), D(G(z)))` and of `loss.generator(D(x), D(G(z)))`. The generator
    is trained through the discriminator in training mode, with the dropout masks of the discriminator's own pass.

    Args:
      generator: maps `[B, latent_size]` latents to a batch of fakes.
      discriminator: maps a batch of examples to `[B]` logits.
      latents: `latents(key, n, axis_name=...) -> [n, latent_size]`.
      loss: the pair of elementwise losses.
      discriminator_weight: a factor on the discriminator's loss; the authors of the 2014 paper use 0.5.

    Returns:
      The `Game`. Its metrics are `d_loss`, `g_loss`, `d_real_accuracy` and `d_fake_accuracy` (fractions of the batch).

    Raises:
      ValueError: while tracing, if the fakes do not have the shape of the real batch, or the logits not the shape `[B]`.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Goodfellow et al. (2014), equation 1 and section 3, https://arxiv.org/abs/1406.2661
    """

    def logits(key, params, extra, x, axis_name):
        values, extra = discriminator.apply(params, extra, x, key=key, train=True, axis_name=axis_name)
        if values.shape != x.shape[:1]:
            raise ValueError(f"the discriminator must return logits of the shape {x.shape[:1]}, found {values.shape}")
        return values, extra

    def fakes(key, g_params, state, batch, axis_name):
        latent_key, network_key, *_ = jax.random.split(key, 4)
        z = latents(latent_key, batch.x.shape[0], axis_name=axis_name)
        return generator.apply(g_params, state.generator.extra, z, key=network_key, train=True, axis_name=axis_name)

    def d_value(real_logits, fake_logits):
        value = discriminator_weight * jnp.mean(loss.discriminator(real_logits, fake_logits))
        return value, {
            "d_loss": value,
            "d_real_accuracy": jnp.mean(real_logits > loss.boundary, dtype=jnp.float32),
            "d_fake_accuracy": jnp.mean(fake_logits < loss.boundary, dtype=jnp.float32),
        }

    def g_value(real_logits, fake_logits):
        value = jnp.mean(loss.generator(real_logits, fake_logits))
        return value, {"g_loss": value}

    def opinions(key, d_params, state, batch, fake, axis_name):
        same_shape("real images", batch.x, "generated images", fake)
        *_, real_key, fake_key = jax.random.split(key, 4)
        real_logits, extra = logits(real_key, d_params, state.discriminator.extra, batch.x, axis_name)
        fake_logits, extra = logits(fake_key, d_params, extra, fake, axis_name)
        return real_logits, fake_logits, extra

    def d_objective(key, d_params, state, batch, fake, axis_name):
        real_logits, fake_logits, extra = opinions(key, d_params, state, batch, fake, axis_name)
        value, metrics = d_value(real_logits, fake_logits)
        return value, (extra, metrics)

    def g_objective(key, g_params, state, batch, fake, axis_name):
        del g_params  # they act through the fakes alone
        player = state.discriminator
        if loss.relativistic:
            real_logits, fake_logits, _ = opinions(key, player.params, state, batch, fake, axis_name)
            return g_value(real_logits, fake_logits)
        *_, fake_key = jax.random.split(key, 4)
        return g_value(None, logits(fake_key, player.params, player.extra, fake, axis_name)[0])

    def both(key, d_params, g_params, state, batch, fake, axis_name):
        del g_params
        real_logits, fake_logits, extra = opinions(key, d_params, state, batch, fake, axis_name)
        d_loss, d_metrics = d_value(real_logits, fake_logits)
        g_loss, g_metrics = g_value(real_logits if loss.relativistic else None, fake_logits)
        return (d_loss, g_loss), (extra, d_metrics | g_metrics)

    return Game(fakes, d_objective, g_objective, both)


def init_state(key: Key, generator: Network, discriminator: Network, optimizers: Optimizers) -> GANState:
    """The state before the first step.

    Args:
      key: the key of the initial parameters.
      generator: the generator network.
      discriminator: the discriminator network.
      optimizers: the optimiser of each.

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
    )


# ----------------------------------------------------------------------------------------------------- the two updates


def _all_mean(tree: PyTree, axis_name: str | None) -> PyTree:
    return tree if axis_name is None else jax.lax.pmean(tree, axis_name)


def _update(
    player: PlayerState,
    optimizer: optax.GradientTransformation,
    grads: PyTree,
    extra: PyTree,
    axis_name: str | None,
) -> PlayerState:
    """One descent step of one player: the mean gradient over the devices, optax, the new state."""
    grads, extra = _all_mean((grads, extra), axis_name)
    updates, opt_state = optimizer.update(grads, player.opt_state, player.params)
    return PlayerState(optax.apply_updates(player.params, updates), extra, opt_state)


def _d_update(game: Game, optimizers: Optimizers, key, state: GANState, batch, fakes, axis_name):
    """The discriminator's new state, given the fakes."""
    gradient = jax.value_and_grad(game.discriminator, argnums=1, has_aux=True)
    (_, (extra, metrics)), grads = gradient(key, state.discriminator.params, state, batch, fakes, axis_name)
    player = _update(state.discriminator, optimizers.discriminator, grads, extra, axis_name)
    return player, _all_mean(metrics, axis_name)


def _g_update(game: Game, optimizers: Optimizers, key, state: GANState, batch, fakes, pull_back, extra, axis_name):
    """The generator's new state, given the fakes and `pull_back`, which carries a gradient on them to its parameters."""
    gradient = jax.value_and_grad(game.generator, argnums=(1, 4), has_aux=True)
    (_, metrics), (direct, on_fakes) = gradient(key, state.generator.params, state, batch, fakes, axis_name)
    grads = jax.tree.map(jnp.add, direct, *pull_back(on_fakes))
    player = _update(state.generator, optimizers.generator, grads, extra, axis_name)
    return player, _all_mean(metrics, axis_name)


def _forward(game: Game, key, state: GANState, batch, axis_name):
    """The generator's forward pass and its transpose: `(fakes, pull_back, new_extra)`."""
    return jax.vjp(lambda p: game.fakes(key, p, state, batch, axis_name), state.generator.params, has_aux=True)


def player_steps(game: Game, optimizers: Optimizers) -> tuple[Step, Step]:
    """The two updates, each on its own.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends.

    Returns:
      `(d_step, g_step)`, each `(key, state, batch, *, axis_name=None) -> (state, metrics)`. `d_step` returns the
      generator's state untouched, and `g_step` the discriminator's; `g_step` adds one to `state.step`.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Goodfellow et al. (2014), the two gradient steps of Algorithm 1, https://arxiv.org/abs/1406.2661
    """

    def d_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        key = jax.random.fold_in(key, state.step)
        fakes, _ = game.fakes(key, state.generator.params, state, batch, axis_name)
        player, metrics = _d_update(game, optimizers, key, state, batch, fakes, axis_name)
        return state._replace(discriminator=player), metrics

    def g_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        key = jax.random.fold_in(key, state.step)
        fakes, pull_back, extra = _forward(game, key, state, batch, axis_name)
        player, metrics = _g_update(game, optimizers, key, state, batch, fakes, pull_back, extra, axis_name)
        return state._replace(step=state.step + 1, generator=player), metrics

    return d_step, g_step


# -------------------------------------------------------------------------------------------------------- the schedules


def _another_root(key: Key, index: int) -> Key:
    """A root key that shares no descendant with those of any step (which fold in numbers below 2^31)."""
    return jax.random.fold_in(key, 2**31 + index)


def alternating(game: Game, optimizers: Optimizers, *, n_critic: int = 1, fresh_latents: bool = False) -> Steps:
    """Algorithm 1: `n_critic` discriminator updates, then one generator update against the new discriminator.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends.
      n_critic: discriminator updates in a step (k in the paper). Above 1, every leaf of the batch carries a leading axis
        of that length: a minibatch for each.
      fresh_latents: whether the generator's update draws latents of its own, as Algorithm 1 is printed, instead of
        the fakes of the last discriminator update, which costs a forward pass less.

    Returns:
      The `Steps`.

    Raises:
      ValueError: if `n_critic` is below 1; while tracing, if the batch's leading axis is not `n_critic`.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Goodfellow et al. (2014), Algorithm 1, https://arxiv.org/abs/1406.2661
    """
    if n_critic < 1:
        raise ValueError(f"n_critic must be at least 1, found {n_critic}")
    d_step, g_step = player_steps(game, optimizers)

    def minibatch(batch: Any, index: int) -> Any:
        if n_critic == 1:
            return batch
        for leaf in jax.tree.leaves(batch):
            if leaf.shape[:1] != (n_critic,):
                raise ValueError(f"the batch needs a leading axis of length n_critic = {n_critic}, found {leaf.shape}")
        return jax.tree.map(lambda leaf: leaf[index], batch)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        for index in range(n_critic - 1):
            state, _ = d_step(_another_root(key, index), state, minibatch(batch, index), axis_name=axis_name)
        last = minibatch(batch, n_critic - 1)
        if fresh_latents:
            state, d_metrics = d_step(key, state, last, axis_name=axis_name)
            state, g_metrics = g_step(_another_root(key, n_critic - 1), state, last, axis_name=axis_name)
            return state, d_metrics | g_metrics
        return _shared(game, optimizers, key, state, last, axis_name, simultaneous=False)

    return Steps(d_step, g_step, step)


def simultaneous(game: Game, optimizers: Optimizers) -> Steps:
    """Both players descend at once, each from the same old parameters, latents and masks: the authors' code of 2014.

    Args:
      game: what the players minimise.
      optimizers: how each of them descends.

    Returns:
      The `Steps`.

    Example:
      See `jgan.models.gan2014.make`.
    """
    d_step, g_step = player_steps(game, optimizers)

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        if game.both is None:
            return _shared(game, optimizers, key, state, batch, axis_name, simultaneous=True)
        return _at_once(game, optimizers, key, state, batch, axis_name)

    return Steps(d_step, g_step, step)


def _shared(game, optimizers, key, state: GANState, batch, axis_name, *, simultaneous) -> tuple[GANState, Metrics]:
    """One update of each player on one generator forward pass."""
    key = jax.random.fold_in(key, state.step)
    fakes, pull_back, extra = _forward(game, key, state, batch, axis_name)
    discriminator, d_metrics = _d_update(game, optimizers, key, state, batch, fakes, axis_name)
    opponent = state if simultaneous else state._replace(discriminator=discriminator)
    generator, g_metrics = _g_update(game, optimizers, key, opponent, batch, fakes, pull_back, extra, axis_name)
    return GANState(state.step + 1, generator, discriminator), d_metrics | g_metrics


def _at_once(game, optimizers, key, state: GANState, batch, axis_name) -> tuple[GANState, Metrics]:
    """One update of each player on one forward pass of each: the two losses are pulled back apart through one graph.

    XLA drops what neither pull needs: the discriminator's gradient of the generator's loss, and the reverse.
    """
    key = jax.random.fold_in(key, state.step)
    g, d = state.generator, state.discriminator
    fakes, pull_fakes, g_extra = _forward(game, key, state, batch, axis_name)
    losses, pull_losses, (d_extra, metrics) = jax.vjp(
        lambda d_params, g_params, fakes: game.both(key, d_params, g_params, state, batch, fakes, axis_name),
        d.params,
        g.params,
        fakes,
        has_aux=True,
    )
    one, zero = (jnp.full_like(losses[0], value) for value in (1, 0))
    d_grads, _, _ = pull_losses((one, zero))
    _, direct, on_fakes = pull_losses((zero, one))
    g_grads = jax.tree.map(jnp.add, direct, *pull_fakes(on_fakes))
    discriminator = _update(d, optimizers.discriminator, d_grads, d_extra, axis_name)
    generator = _update(g, optimizers.generator, g_grads, g_extra, axis_name)
    return GANState(state.step + 1, generator, discriminator), _all_mean(metrics, axis_name)
