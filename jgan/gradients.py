"""What the players of a game would descend: the gradients of their objectives, on as few forward passes as there can be.

Nothing here moves a player; `jgan.steps` and `jgan.rules` do.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan.types import Game, GANState, Key, Metrics, PyTree

Gradients = Callable[[Key, GANState, Any], tuple[PyTree, GANState, Metrics]]
"""`(key, state, batch) -> (gradients, state, metrics)`: what the players would descend, and the state with what their passes
changed beside the parameters (batch statistics, the game's memory). `key` is the step's own."""


def discriminator_gradients(game: Game, axis_name: str | None = None) -> Gradients:
    """The gradient of what the discriminator minimises.

    Args:
      game: what the players minimise.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The `Gradients`, of this device's share of the batch.

    Example:
      See `jgan.rules`.
    """

    def gradients(key: Key, state: GANState, batch: Any):
        fakes, _ = game.fakes(key, state.generator.params, state, batch, axis_name)
        return d_gradients(game, key, state, batch, fakes, axis_name)

    return gradients


def generator_gradients(game: Game, axis_name: str | None = None) -> Gradients:
    """The gradient of what the generator minimises.

    Args:
      game: what the players minimise.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The `Gradients`, of this device's share of the batch.

    Example:
      See `jgan.rules`.
    """

    def gradients(key: Key, state: GANState, batch: Any):
        fakes, pull_back, extra = forward(game, key, state, batch, axis_name)
        grads, metrics = g_gradients(game, key, state, batch, fakes, pull_back, axis_name)
        return grads, state._replace(generator=state.generator._replace(extra=extra)), metrics

    return gradients


def both_gradients(game: Game, axis_name: str | None = None) -> Gradients:
    """Both players' gradients at one point: the vector field of the game, on one forward pass of each network.

    Args:
      game: what the players minimise.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The `Gradients`; they are a pair `(discriminator's, generator's)`.

    Example:
      See `jgan.rules`.
    """

    def gradients(key: Key, state: GANState, batch: Any):
        fakes, pull_fakes, g_model_state = forward(game, key, state, batch, axis_name)
        if game.both is None:
            d_grads, after, d_metrics = d_gradients(game, key, state, batch, fakes, axis_name)
            g_grads, g_metrics = g_gradients(game, key, state, batch, fakes, pull_fakes, axis_name)
            metrics = d_metrics | g_metrics
        else:
            d_grads, g_grads, after, metrics = _at_once(game, key, state, batch, fakes, pull_fakes, axis_name)
        return (d_grads, g_grads), after._replace(generator=after.generator._replace(extra=g_model_state)), metrics

    return gradients


def forward(game: Game, key, state: GANState, batch, axis_name):
    """The generator's forward pass and its transpose.

    Args:
      game: what the players minimise.
      key: the step's own key.
      state: the state.
      batch: the minibatch.
      axis_name: the mapped axis over which it is spread, if any.

    Returns:
      `(fakes, pull_back, new_model_state)`; `pull_back` carries a gradient on the fakes to one on the generator's parameters.
    """
    return jax.vjp(lambda p: game.fakes(key, p, state, batch, axis_name), state.generator.params, has_aux=True)


def d_gradients(game: Game, key, state: GANState, batch, fakes, axis_name):
    """The discriminator's gradient, given the fakes.

    Args:
      game: what the players minimise.
      key: the step's own key.
      state: the state.
      batch: the minibatch.
      fakes: what the generator made.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `(gradient, state, metrics)`, as of `Gradients`.
    """
    gradient = jax.grad(game.discriminator, argnums=1, has_aux=True)
    grads, (extra, memory, metrics) = gradient(key, state.discriminator.params, state, batch, fakes, axis_name)
    return grads, state._replace(discriminator=state.discriminator._replace(extra=extra), memory=memory), metrics


def g_gradients(game: Game, key, state: GANState, batch, fakes, pull_back, axis_name):
    """The generator's gradient, given its forward pass.

    Args:
      game: what the players minimise.
      key: the step's own key.
      state: the state.
      batch: the minibatch.
      fakes: what the generator made.
      pull_back: as `forward` returns it.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `(gradient, metrics)`.
    """
    gradient = jax.grad(game.generator, argnums=(1, 4), has_aux=True)
    (direct, on_fakes), metrics = gradient(key, state.generator.params, state, batch, fakes, axis_name)
    return jax.tree.map(jnp.add, direct, *pull_back(on_fakes)), metrics


def _at_once(game: Game, key, state: GANState, batch, fakes, pull_fakes, axis_name):
    """Both gradients on one forward pass of the discriminator: the two losses are pulled back apart through one graph.

    XLA drops what neither pull needs: the discriminator's gradient of the generator's loss, and the reverse.
    """

    def both(d_params: PyTree, g_params: PyTree, fakes: PyTree) -> Any:
        assert game.both is not None
        return game.both(key, d_params, g_params, state, batch, fakes, axis_name)

    losses, pull_losses, (extra, memory, metrics) = jax.vjp(
        both,
        state.discriminator.params,
        state.generator.params,
        fakes,
        has_aux=True,
    )
    one, zero = (jnp.full_like(losses[0], value) for value in (1, 0))
    d_grads, _, _ = pull_losses((one, zero))
    _, direct, on_fakes = pull_losses((zero, one))
    g_grads = jax.tree.map(jnp.add, direct, *pull_fakes(on_fakes))
    after = state._replace(discriminator=state.discriminator._replace(extra=extra), memory=memory)
    return d_grads, g_grads, after, metrics


def accumulated(gradients: Gradients, micro_batches: int) -> Gradients:
    """The mean of the gradients over the parts of a batch, one after the other: the memory of one part.

    Args:
      gradients: of a batch.
      micro_batches: how many parts m, each of every m-th example; 1 leaves the gradients as they are.

    Returns:
      The `Gradients`, as of the whole batch, but that each part draws from a key of its own, and sees the batch statistics
      and the memory that the part before it left.

    Raises:
      ValueError: if `micro_batches` is below 1; while tracing, if the batch is not a multiple of it.

    Example:
      See `alternating`.
    """
    if micro_batches < 1:
        raise ValueError(f"micro_batches must be at least 1, found {micro_batches}")
    if micro_batches == 1:
        return gradients

    def cut(leaf: jax.Array) -> jax.Array:
        if len(leaf) % micro_batches:
            raise ValueError(
                f"the batch (on each device) must be a multiple of {micro_batches} micro-batches, found {len(leaf)}"
            )
        # Every m-th example, not a run of neighbours: then a part is a part of every device's share, and the global part holds
        # the same examples, in the same order, on any number of devices.
        return jnp.moveaxis(leaf.reshape(len(leaf) // micro_batches, micro_batches, *leaf.shape[1:]), 1, 0)

    def over_parts(key: Key, state: GANState, batch: Any):
        def part(carry, numbered):
            state, total = carry
            index, micro_batch = numbered
            grads, state, metrics = gradients(jax.random.fold_in(key, index), state, micro_batch)
            return (state, jax.tree.map(lambda sum, new: sum + new / micro_batches, total, (grads, metrics))), None

        parts = jax.tree.map(cut, batch)
        shapes = jax.eval_shape(gradients, key, state, jax.tree.map(lambda leaf: leaf[0], parts))
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), (shapes[0], shapes[2]))
        (state, (grads, metrics)), _ = jax.lax.scan(part, (state, zeros), (jnp.arange(micro_batches), parts))
        return grads, state, metrics

    return over_parts
