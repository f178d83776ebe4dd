"""Options that the small models share: which loss, which penalty, which update rule, which optimiser, by name."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Literal

import jax
import optax

from jgan import augment, constraints, games, optim, penalties, rules, steps
from jgan.losses import Loss
from jgan.types import GAN, Game, GANState, Network

Rule = Literal["alternating", "simultaneous", "extragradient", "optimistic", "consensus", "unrolled"]
PenaltyName = Literal[
    "none", "gradient_penalty", "one_sided", "dragan", "r1", "r2", "r1_r2", "finite_difference", "lecam", "drift"
]

PENALTIES: dict[str, Callable[[float], penalties.Penalty]] = {
    "gradient_penalty": penalties.gradient_penalty,
    "one_sided": functools.partial(penalties.gradient_penalty, one_sided=True),
    "dragan": penalties.dragan,
    "r1": penalties.r1,
    "r2": penalties.r2,
    "r1_r2": penalties.r1_r2,
    "finite_difference": penalties.finite_difference,
    "lecam": penalties.lecam,
    "drift": penalties.drift,
}
"""The penalties by their names, functions of their weight."""


@dataclasses.dataclass(frozen=True)
class Play:
    """How a game is played."""

    rule: Rule = "alternating"
    """who moves when, and by which gradient"""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """how a player descends"""
    learning_rate: float = 0.1
    """learning rate"""
    d_learning_rate: float = 0.0
    """that of the discriminator, if another (two time scales); 0 for the same"""
    decay_steps: int = 0
    """steps over which both fall to 0 along a cosine; 0 for no decay"""
    b1: float = 0.5
    """Adam's decay of the mean gradient"""
    b2: float = 0.999
    """Adam's decay of the mean squared gradient"""
    n_critic: int = 1
    """discriminator updates for each of the generator (alternating only)"""
    unroll: int = 5
    """discriminator updates looked ahead (unrolled only)"""
    consensus: float = 1.0
    """weight of the regulariser (consensus only)"""
    penalty: PenaltyName = "none"
    """penalty of the discriminator"""
    penalty_weight: float = 1.0
    """its weight; of R1 and R2, gamma in gamma/2 |grad D|^2"""
    penalty_every: int = 1
    """apply it at one step in so many, so many times as strong"""
    weight_clip: float = 0.0
    """keep the discriminator's weights in [-c, c]; 0 for no clipping"""
    ema_decay: float = 0.0
    """decay of the averaged generator; 0 keeps none"""


def penalties_of(config: Play) -> tuple[penalties.Penalty, ...]:
    """The penalties that a configuration names.

    Args:
      config: the options.

    Returns:
      None, or one.

    Raises:
      ValueError: if `penalty_every` is below 1.

    Example:
      >>> from jgan.models import options
      >>> len(options.penalties_of(options.Play(penalty="r1")))
      1
    """
    if config.penalty == "none":
        return ()
    return (penalties.lazily(PENALTIES[config.penalty](config.penalty_weight), config.penalty_every),)


def optimizers_of(config: Play) -> steps.Optimizers:
    """The optimisers that a configuration names.

    Args:
      config: the options.

    Returns:
      The `Optimizers`.

    Example:
      >>> from jgan.models import options
      >>> optimizers = options.optimizers_of(options.Play(optimizer="adam", d_learning_rate=0.2))
    """

    def descent(learning_rate: float, updates: int = 1) -> list[optax.GradientTransformation]:
        # eps_root keeps Adam differentiable where a gradient is 0, for the unrolled rule; its effect is below rounding.
        adam = [optax.scale_by_adam(config.b1, config.b2, eps_root=1e-16)] if config.optimizer == "adam" else []
        optimistic = [optax.scale_by_optimistic_gradient()] if config.rule == "optimistic" else []
        if not config.decay_steps:
            return [*adam, *optimistic, optax.scale(-learning_rate)]
        schedule = optax.cosine_decay_schedule(learning_rate, config.decay_steps * updates)
        return [*adam, *optimistic, optax.scale_by_learning_rate(schedule)]

    clip = [constraints.clip_weights(config.weight_clip)] if config.weight_clip else []
    average = [optim.weight_average(config.ema_decay)] if config.ema_decay else []
    return steps.Optimizers(
        generator=optax.chain(*descent(config.learning_rate), *average),
        discriminator=optax.chain(*descent(config.d_learning_rate or config.learning_rate, config.n_critic), *clip),
    )


def steps_of(config: Play, game: Game, optimizers: steps.Optimizers) -> steps.Steps:
    """The steps of a game under the rule that a configuration names.

    Args:
      config: the options.
      game: what the players minimise.
      optimizers: how each of them descends.

    Returns:
      The `Steps`.

    Raises:
      ValueError: if several critic updates are asked of a rule that has one.

    Example:
      See `jgan.models.dirac.make`.
    """
    if config.n_critic != 1 and config.rule != "alternating":
        raise ValueError(f"n_critic must be 1 under the {config.rule} rule, found {config.n_critic}: only alternating has more")
    if config.rule == "alternating":
        return steps.alternating(game, optimizers, n_critic=config.n_critic)
    if config.rule == "extragradient":
        return rules.extragradient(game, optimizers)
    if config.rule == "consensus":
        return rules.consensus(game, optimizers, gamma=config.consensus)
    if config.rule == "unrolled":
        return rules.unrolled(game, optimizers, unroll=config.unroll)
    return steps.simultaneous(game, optimizers)  # optimistic: by its optimiser


def play(
    config: Play,
    generator: Network,
    discriminator: Network,
    latents: Callable[..., jax.Array],
    loss: Loss,
    *,
    instance_noise: float = 0.0,
    pack: int = 1,
) -> GAN:
    """The game between two networks that a configuration describes.

    Args:
      config: the options.
      generator: maps latents to examples.
      discriminator: maps examples, or packs of them, to logits.
      latents: `latents(key, n, axis_name=...) -> [n, latent_size]`.
      loss: the pair of elementwise losses.
      instance_noise: the standard deviation of Gaussian noise on all that the discriminator sees.
      pack: examples that the discriminator judges together.

    Returns:
      The `GAN`; it can `judge` where examples are not packed.

    Raises:
      ValueError: if an option is out of its range.

    Example:
      See `jgan.models.dirac.make`.
    """
    optimizers = optimizers_of(config)
    augmentation = augment.instance_noise(instance_noise) if instance_noise else None
    game = games.adversarial(
        generator, discriminator, latents, loss, penalties=penalties_of(config), augment=augmentation, pack=pack
    )

    def generate(state: GANState, z: jax.Array, averaged: bool = True) -> jax.Array:
        player = state.generator
        return generator.apply(optim.ema_params(player) if averaged else player.params, player.model_state, z)[0]

    def judge(state: GANState, x: jax.Array) -> jax.Array:
        return discriminator.apply(state.discriminator.params, state.discriminator.model_state, x)[0]

    return GAN(
        lambda key: steps.init_state(key, generator, discriminator, optimizers, game),
        *steps_of(config, game, optimizers),
        latents,
        generate,
        n_critic=config.n_critic,
        judge=None if pack > 1 else judge,
    )
