"""`assemble` builds a GAN from a game, optimisers and steps. Every model uses it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan import losses, optim, steps
from jgan.games import Adversarial
from jgan.types import GAN, Balance, Field, Game, GANState, Inputs, Key, Network
from jgan.utils import checks


def unit_interval(x: jax.Array) -> jax.Array:
    """Clips to [0, 1], for generators of images."""
    return jnp.clip(x, 0, 1)


def unchanged(x: Any) -> Any:
    """The identity, for generators whose examples have no fixed range."""
    return x


def assemble(
    game: Game,
    made: steps.Steps,
    optimizers: steps.Optimizers,
    *,
    generator: Network | None = None,
    discriminator: Network | None = None,
    latents: Callable[..., jax.Array] | None = None,
    condition: Any = (),
    output: Callable[[Any], Any] = unchanged,
    n_critic: int = 1,
    standing: int = 0,
    truncated: Callable[[float], Network] | None = None,
) -> GAN:
    """Builds a model from its parts.

    Args:
      game: the losses. If it is a `jgan.games.Adversarial`, its networks and latents are the defaults.
      made: the steps of the game.
      optimizers: the optimisers of the steps.
      generator: the generator network, for other games.
      discriminator: the discriminator network, for other games.
      latents: `latents(key, n, axis_name=None) -> [n, ...]`, for other games; None for a generator without noise.
      condition: the generator's condition, a tree of `jgan.types.Field`; `()` if it is unconditional.
      output: `output(x) -> examples`, maps the generator network's output to the units of the data; for images
        `unit_interval`.
      n_critic: discriminator updates in one step.
      standing: forward passes that recompute batch statistics when the averaged generator is sampled; 0 to use the statistics
        of the average. Requires a model that is unconditional or conditioned on labels.
      truncated: `truncated(psi) -> Network`, the generator with the truncation trick, of the same parameters; None if it has
        none.

    Returns:
      The `GAN`; `logits` is None if examples are packed.

    Raises:
      ValueError: if the networks are missing.

    Example:
      >>> import jax, jax.numpy as jnp, optax
      >>> from jgan import Batch, games, losses, networks, rng, steps
      >>> from jgan.models.assembly import assemble
      >>> game = games.Adversarial(
      ...     networks.from_module(networks.PointGenerator(2), (3,)),
      ...     networks.from_module(networks.PointDiscriminator(), (2,)),
      ...     lambda key, n, axis_name=None: rng.latents(key, n, 3, axis_name=axis_name),
      ...     losses.non_saturating,
      ... )
      >>> optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
      >>> gan = assemble(game, steps.alternating(game, optimizers), optimizers)
      >>> key = jax.random.key(0)
      >>> state, metrics = jax.jit(gan.step)(key, gan.init(key), Batch(jnp.zeros((4, 2))))
      >>> sorted(metrics), gan.sample(key, state, 5).shape
      (['d_fake_accuracy', 'd_loss', 'd_real_accuracy', 'g_loss'], (5, 2))
    """
    progress, pack = None, 1
    if isinstance(game, Adversarial):
        generator, discriminator, latents = game.generator, game.discriminator, game.latents
        progress, pack = game.progress, game.pack
    if generator is None or discriminator is None:
        raise ValueError("assemble needs generator= and discriminator= for a game that is not games.Adversarial")
    g_network, d_network = generator, discriminator

    def scalars(state: GANState) -> tuple[jax.Array, ...]:
        return () if progress is None else (progress(state.step),)

    def inputs(key: Key, n: int, c: Any = ()) -> Inputs:
        labelled = isinstance(condition, Field) and condition.kind == "label" and not isinstance(c, tuple)
        if labelled and not isinstance(c, jax.core.Tracer):  # a label that is out of range would be clamped without a word
            c = jnp.asarray(checks.condition_of(condition, n, labels=c))
        return Inputs(() if latents is None else latents(key, n), c)

    def statistics(state: GANState, params: Any, model_state: Any) -> Any:
        def apply(*args: Any, **options: Any) -> Any:
            return g_network.apply(*args, *scalars(state), **options)

        def draw(key: Key) -> Inputs:
            classes = getattr(condition, "size", 0)
            return inputs(key, _STANDING_BATCH, jnp.arange(_STANDING_BATCH) % classes if classes else ())

        return optim.standing_statistics(Network(g_network.init, apply), (params, model_state), draw, passes=standing)

    def generate(state: GANState, given: Inputs, ema: bool = True, truncation: float = 1.0) -> Any:
        network = g_network if truncation == 1 or truncated is None else truncated(truncation)
        params, model_state = optim.ema_weights(state.generator, ema)
        if standing and ema:
            model_state = statistics(state, params, model_state)
        return output(network.apply(params, model_state, *given.args(), *scalars(state))[0])

    def logits(state: GANState, x: Any, c: Any = ()) -> jax.Array:
        player = state.discriminator
        found, _ = d_network.apply(player.params, player.model_state, x, *Inputs((), c).args(), *scalars(state))
        return found[0] if isinstance(found, tuple) else found

    return GAN(
        init=lambda key: steps.init_state(key, g_network, d_network, optimizers, game),
        g_step=made.g_step,
        d_step=made.d_step,
        step=made.step,
        inputs=inputs,
        generate=generate,
        condition=condition,
        n_critic=n_critic,
        logits=None if pack > 1 else logits,
        truncates=truncated is not None,
        balance=functools.partial(_balance, game),
    )


def _balance(game: Game) -> Balance | None:
    """The losses at logits of 0, if the generator's is the logistic one; penalties and terms are not part of these metrics."""
    if not isinstance(game, Adversarial) or game.loss.generator is not losses.non_saturating_generator:
        return None
    half = jnp.zeros(1), jnp.zeros(1)
    return Balance(game.discriminator_weight * game.loss.discriminator(*half).item(), game.loss.generator(*half).item())


_STANDING_BATCH = 64
