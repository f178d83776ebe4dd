"""Models of one player, which the steps of a GAN train too: autoencoders, likelihoods, diffusion."""

from collections.abc import Callable
from typing import Any

import jax

from jgan import games, steps, views
from jgan.models.assembly import assemble, unchanged
from jgan.networks import from_functions
from jgan.types import GAN, Network

NOBODY = from_functions(lambda key: {}, lambda params, x: x)
"""The other player: a network without parameters."""


def alone(
    generator: Network,
    loss: steps.PlayerLoss,
    optimizers: steps.Optimizers,
    latents: Callable[..., jax.Array] | None,
    *,
    condition: Any = (),
    output: Callable[[Any], Any] = unchanged,
    view: views.View | None = None,
) -> GAN:
    """Builds a model of a generator that is trained by a loss of its own, with no discriminator.

    Args:
      generator: the network that samples; its parameters are those that the loss trains.
      loss: `(key, params, state, batch, axis_name) -> (loss, (new_model_state, metrics))`: see `jgan.steps.one_player`.
      optimizers: the optimisers; only the generator's is used.
      latents: `latents(key, n, axis_name=None) -> [n, ...]`; None for a generator without noise.
      condition: the generator's condition, a tree of `jgan.types.Field`; `()` if it is unconditional.
      output: `output(x) -> examples`, maps the generator's output to the units of the data.
      view: the random view of each minibatch that the loss sees, see `jgan.views`; None for the minibatch itself.

    Returns:
      The `GAN`; its discriminator has no parameters, and `logits` is None.

    Example:
      See `jgan.models.vae`.
    """

    def nothing(*args: Any) -> Any:
        raise NotImplementedError("a model of one player has no game")

    made = steps.one_player(loss, optimizers)
    gan = assemble(
        games.Functions(nothing, nothing, nothing),
        made if view is None else views.viewed(made, view),
        optimizers,
        generator=generator,
        discriminator=NOBODY,
        latents=latents,
        condition=condition,
        output=output,
    )
    return gan._replace(logits=None)
