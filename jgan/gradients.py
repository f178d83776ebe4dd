"""The gradients of both players' losses, with as few forward passes as possible.

These functions do not change parameters; `jgan.steps` and `jgan.rules` do.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan import collectives
from jgan.types import Game, GANState, Key, Metrics, PyTree

Gradients = Callable[[Key, GANState, Any], tuple[PyTree, GANState, Metrics]]
"""`(key, state, batch) -> (gradients, state, metrics)`: the gradients, and the state with everything that the forward passes
changed except the parameters (batch statistics, the game's memory). `key` is the step's own."""


def generator_gradients(game: Game, axis_name: str | None = None) -> Gradients:
    """The gradient of the generator's loss.

    Args:
      game: the losses.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The `Gradients`, of this device's share of the batch.

    Example:
      See `jgan.rules`.
    """

    def gradients(key: Key, state: GANState, batch: Any):
        fakes, pull_back, model_state = forward(game, key, state, batch, axis_name)
        grads, memory, metrics = g_gradients(game, key, state, batch, fakes, pull_back, axis_name)
        generator = state.generator._replace(model_state=model_state)
        return grads, state._replace(generator=generator, memory=memory), metrics

    return gradients


def discriminator_gradients(game: Game, axis_name: str | None = None) -> Gradients:
    """The gradient of the discriminator's loss.

    Args:
      game: the losses.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The `Gradients`, of this device's share of the batch.

    Example:
      See `jgan.rules`.
    """

    def gradients(key: Key, state: GANState, batch: Any):
        state = _gathered(state)
        fakes, _ = game.fakes(key, state.generator.params, state, batch, axis_name)
        return d_gradients(game, key, state, batch, fakes, axis_name)

    return gradients


def both_gradients(game: Game, axis_name: str | None = None) -> Gradients:
    """Both gradients at the same parameters (the vector field of the game), with one forward pass of each network.

    Args:
      game: the losses.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The `Gradients`; they are a pair `(generator's, discriminator's)`.

    Example:
      See `jgan.rules`.
    """

    def gradients(key: Key, state: GANState, batch: Any):
        fakes, pull_back, g_model_state = forward(game, key, state, batch, axis_name)
        if game.both is None:
            d_grads, after, d_metrics = d_gradients(game, key, state, batch, fakes, axis_name)
            # The generator's loss uses the old discriminator but the new memory, because both losses may change the memory.
            before = state._replace(memory=after.memory)
            g_grads, memory, g_metrics = g_gradients(game, key, before, batch, fakes, pull_back, axis_name)
            after, metrics = after._replace(memory=memory), d_metrics | g_metrics
        else:
            (g_grads, d_grads), after, metrics = _in_one_pass(game, key, state, batch, fakes, pull_back, axis_name)
        return (g_grads, d_grads), after._replace(generator=after.generator._replace(model_state=g_model_state)), metrics

    return gradients


# -------------------------------------------------------------------------------------------------------- building blocks


def _gathered(state: GANState) -> GANState:
    """The state with the parameters of both players whole on each device, where they are spread (`jgan.fsdp`)."""
    return state.with_params(*collectives.whole((state.generator.params, state.discriminator.params)))


def _inexact(tree: PyTree) -> PyTree:
    """The tree with its differentiable leaves; None replaces all others (integers, keys)."""
    return jax.tree.map(lambda leaf: leaf if jnp.issubdtype(leaf.dtype, jnp.inexact) else None, tree)


def _merged(inexact: PyTree, tree: PyTree) -> PyTree:
    """The tree with its inexact leaves replaced by those of `inexact`, which is None at all other leaves."""
    return jax.tree.map(lambda new, old: old if new is None else new, inexact, tree, is_leaf=lambda leaf: leaf is None)


def forward(game: Game, key, state: GANState, batch, axis_name):
    """The generator's forward pass and its transpose.

    Args:
      game: the losses.
      key: the step's own key.
      state: the state.
      batch: the minibatch.
      axis_name: the mapped axis over which it is spread, if any.

    Returns:
      `(fakes, pull_back, new_model_state)`; `pull_back` maps the gradient with respect to the inexact leaves of the fakes to
      the gradient with respect to the generator's parameters.
    """

    state = _gathered(state)

    def fakes_of(params: PyTree):
        fakes, model_state = game.fakes(key, params, state, batch, axis_name)
        return _inexact(fakes), (fakes, model_state)

    inexact, pull_back, (fakes, model_state) = jax.vjp(fakes_of, state.generator.params, has_aux=True)
    return _merged(inexact, fakes), pull_back, model_state


def d_gradients(game: Game, key, state: GANState, batch, fakes, axis_name):
    """The discriminator's gradient, given the fakes.

    Args:
      game: the losses.
      key: the step's own key.
      state: the state.
      batch: the minibatch.
      fakes: the generator's output.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `(gradient, state, metrics)`, as `Gradients` return them.
    """
    state = _gathered(state)
    gradient = jax.grad(game.d_loss, argnums=1, has_aux=True)
    grads, (model_state, memory, metrics) = gradient(key, state.discriminator.params, state, batch, fakes, axis_name)
    return grads, state._replace(discriminator=state.discriminator._replace(model_state=model_state), memory=memory), metrics


def g_gradients(game: Game, key, state: GANState, batch, fakes, pull_back, axis_name):
    """The generator's gradient, given its forward pass.

    Args:
      game: the losses.
      key: the step's own key.
      state: the state.
      batch: the minibatch.
      fakes: the generator's output.
      pull_back: as `forward` returns it.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `(gradient, new memory, metrics)`.
    """

    state = _gathered(state)

    def loss(params: PyTree, inexact: PyTree):
        return game.g_loss(key, params, state, batch, _merged(inexact, fakes), axis_name)

    gradient = jax.grad(loss, argnums=(0, 1), has_aux=True)
    (direct, on_fakes), (memory, metrics) = gradient(state.generator.params, _inexact(fakes))
    return jax.tree.map(jnp.add, direct, *pull_back(on_fakes)), memory, metrics


def _in_one_pass(game: Game, key, state: GANState, batch, fakes, pull_back, axis_name):
    """Both gradients with one forward pass of the discriminator.

    The pair of losses is one function of (g_params, d_params, fakes). Its transpose is applied twice, to the cotangents (1, 0)
    and (0, 1): the first gives the gradient of the generator's loss, the second that of the discriminator's. Each call also
    gives gradients that no one uses (of g_loss with respect to d_params, and the reverse), which XLA removes as dead code.
    """

    state = _gathered(state)

    def both(g_params: PyTree, d_params: PyTree, inexact: PyTree) -> Any:
        assert game.both is not None
        return game.both(key, g_params, d_params, state, batch, _merged(inexact, fakes), axis_name)

    params = state.generator.params, state.discriminator.params
    losses, pull_losses, (model_state, memory, metrics) = jax.vjp(both, *params, _inexact(fakes), has_aux=True)
    one, zero = (jnp.full_like(losses[0], value) for value in (1, 0))
    direct, _, on_fakes = pull_losses((one, zero))
    _, d_grads, _ = pull_losses((zero, one))
    g_grads = jax.tree.map(jnp.add, direct, *pull_back(on_fakes))
    after = state._replace(discriminator=state.discriminator._replace(model_state=model_state), memory=memory)
    return (g_grads, d_grads), after, metrics


# ----------------------------------------------------------------------------------------------------------- micro-batches


def accumulated(gradients: Gradients, micro_batches: int) -> Gradients:
    """Gradient accumulation: the mean of the gradients over parts of the batch, computed one after the other to save memory.

    Args:
      gradients: the gradients of a batch.
      micro_batches: the number of parts m; each takes every m-th example. 1 leaves the gradients unchanged.

    Returns:
      The `Gradients` of the whole batch, except that each part has a different key, and continues from the batch statistics
      and the memory of the previous part.

    Raises:
      ValueError: if `micro_batches` is below 1; while tracing, if the batch is not a multiple of it.

    Example:
      See `jgan.steps.alternating`.
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
