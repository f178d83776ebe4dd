"""RelGAN (Nie et al., 2019), https://openreview.net/forum?id=rJedV3R5tm: relaxed tokens and a relational memory.

Two phases: maximum likelihood of the generator; the game, with a relativistic loss, in which the discriminator sees
`softmax(beta (logits + Gumbel noise))` in place of a token, so that its gradient reaches the generator. The inverse temperature
beta grows as
`beta_max^(step / beta_steps)`; the authors' runs stop at 2,000 or 3,000 of their 5,000 `beta_steps`, so beta never reaches
beta_max. The published 6.680 on the synthetic data needs beta_max 1, no annealing.

`generator.network=lstm` with `pretrain_steps=0` is the plain Gumbel-softmax GAN (Kusner and Hernandez-Lobato, 2016), with this
discriminator: preset `gumbel_gan`.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jgan import games, losses, steps
from jgan.models import accepts, sequences
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.models.options import Optimizer, Rule
from jgan.models.sequences import SMALL_SPEC, Generator
from jgan.networks import MultiRepresentationCNN, from_module
from jgan.networks.sequences import SequenceNetwork, latent_keys, one_hot, relaxed
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Network, Phase, PyTree


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model; the defaults are the authors'."""

    generator: Generator = Generator("relational", hidden=512)
    """the generator"""
    pretrain_steps: int = 23_400
    """updates of the first phase, maximum likelihood; 0: none"""
    pretrain_learning_rate: float = 1e-2
    """learning rate of the first phase"""
    beta_max: float = 100.0
    """inverse temperature that is reached after beta_steps; 1: no annealing"""
    beta_steps: int = 5_000
    """generator updates until then"""
    straight_through: bool = False
    """show the discriminator the tokens themselves, with the gradient of the relaxed ones"""
    loss: str = "relativistic"
    """the loss: see jgan.losses"""
    rule: Rule = Rule(n_critic=5)
    """the update rule"""
    optimizer: Optimizer = Optimizer("adam", learning_rate=1e-4, b1=0.9)
    """the optimiser of both players"""
    clip: float = 5.0
    """largest norm of either gradient; 0: no clipping"""
    representations: int = 64
    """representations of a sequence in the discriminator, each with a logit of its own"""
    d_embedding: int = 64
    """size of all of them together"""
    d_filters: int = 300
    """number of its filters of each of the widths 2 to 5"""
    d_keep: float = 0.75
    """share of its features that dropout keeps"""


def relaxing(net: SequenceNetwork, straight_through: bool = False) -> Network:
    """The generator as a network of latents and beta: `[n, 2]` to relaxed tokens `[n, L, V]`.

    Args:
      net: the generator.
      straight_through: as in `jgan.networks.sequences.relaxed`.

    Returns:
      The `Network`.

    Example:
      See `make`.
    """

    def apply(params: PyTree, model_state: PyTree, *inputs: Any, **_: Any) -> tuple[jax.Array, PyTree]:
        return relaxed(net, params, *inputs, straight_through=straight_through)[1], model_state

    return Network(lambda key: (net.init(key), {}), apply)


def discriminating(config: Config, spec: DataSpec) -> Network:
    """The discriminator, of relaxed tokens or of tokens; it does not see beta."""
    size = spec.one.x.size
    widths = tuple(width for width in (2, 3, 4, 5) if width <= spec.shape[0])
    if not widths:
        raise ValueError(f"this model is for sequences of at least 2 tokens, found {spec.shape[0]}: choose another --dataset")
    module = MultiRepresentationCNN(
        size, config.representations, config.d_embedding, widths, (config.d_filters,) * len(widths), keep=config.d_keep
    )
    found = from_module(module, (*spec.shape, size))

    def apply(params: PyTree, model_state: PyTree, *inputs: Any, **keywords: Any) -> tuple[Any, PyTree]:
        return found.apply(params, model_state, one_hot(inputs[0], size), **keywords)

    return Network(found.init, apply)


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds RelGAN.

    Args:
      config: the options of the model.
      spec: the sequences.

    Returns:
      The phases: `likelihood`, unless it has no steps, and `adversarial`.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import relgan
      >>> phases = relgan.make(relgan.small(relgan.Config()), DataSpec.tokens(4, 5, steps_per_epoch=2))
      >>> [phase.name for phase in phases]
      ['likelihood', 'adversarial']
    """
    if config.beta_max < 1 or config.beta_steps < 1 or config.pretrain_steps < 0:
        raise ValueError(
            f"beta_max and beta_steps must be at least 1 and pretrain_steps not negative, found {config.beta_max}, "
            f"{config.beta_steps} and {config.pretrain_steps}"
        )
    size, net = spec.one.x.size, sequences.network_of(config.generator, spec)
    generator, discriminator = relaxing(net, config.straight_through), discriminating(config, spec)

    def beta(step: jax.Array) -> jax.Array:
        return jnp.float32(config.beta_max) ** (step.astype(jnp.float32) / config.beta_steps)

    game = games.Adversarial(
        generator,
        discriminator,
        latent_keys,
        losses.LOSSES[config.loss],
        real=lambda batch: Batch(one_hot(batch.x, size)),
        progress=beta,
    )

    def optimizers(rate: float) -> steps.Optimizers:
        d_rate = config.optimizer.d_learning_rate or config.optimizer.learning_rate
        players = (sequences.clipped(config.optimizer, each, config.clip) for each in (rate, d_rate))
        return steps.Optimizers(*players)

    def gan(made: steps.Steps, used: steps.Optimizers, n_critic: int = 1) -> GAN:
        return sequences.sampling(assemble(game, made, used, n_critic=n_critic), net)

    first, second = optimizers(config.pretrain_learning_rate), optimizers(config.optimizer.learning_rate)
    trained = gan(steps.one_player(sequences.likelihood(net), first), first)
    adversarial = gan(config.rule.steps(game, second), second, config.rule.n_critic)
    if not config.pretrain_steps:
        return (Phase(adversarial, name="adversarial"),)

    def enter(key: Key, before: GANState) -> GANState:
        return sequences.entered(adversarial.init(key), second, before)

    return Phase(trained, config.pretrain_steps, name="likelihood"), Phase(adversarial, enter=enter, name="adversarial")


PRESETS = {
    "relgan": Preset(
        description="RelGAN on sequences of a random LSTM, 500 words of which the likelihood is known",
        dataset="oracle:500:20",
        batch_size=64,
        steps=6_000,
        config=Config(Generator("relational", hidden=128), 4_000, 2e-3, beta_max=1.0, representations=4, d_filters=75),
        sample_every=500,
    ),
    "relgan_lines": Preset(
        description="RelGAN on lines of a text, as words: --data-dir FILE",
        dataset="lines:min2",
        batch_size=64,
        steps=10_000,
        config=Config(Generator("relational", hidden=256), 8_000, 2e-3, representations=4, d_filters=75),
        sample_every=500,
    ),
    "gumbel_gan": Preset(
        description="Gumbel-softmax GAN of an LSTM on lines of a small grammar, without pre-training",
        dataset="arithmetic",
        batch_size=64,
        steps=10_000,
        config=Config(
            Generator(),
            0,
            beta_max=5.0,
            beta_steps=10_000,
            rule=Rule(n_critic=1),
            representations=4,
            d_filters=75,
            optimizer=Optimizer("adam", learning_rate=1e-3, d_learning_rate=1e-4, b1=0.5),
        ),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks and a short first phase, for tests."""
    return dataclasses.replace(
        config,
        generator=sequences.small_generator(config.generator),
        pretrain_steps=min(config.pretrain_steps, 3),
        pretrain_learning_rate=0.3,
        beta_steps=10,
        rule=dataclasses.replace(config.rule, n_critic=min(config.rule.n_critic, 2)),
        # A bias of the attention's keys has a gradient of rounding errors only, which Adam would enlarge.
        optimizer=Optimizer("sgd", learning_rate=0.3, d_learning_rate=1e-2),
        representations=2,
        d_embedding=4,
        d_filters=3,
    )


def tools(config: Config, spec: DataSpec) -> dict[str, Any]:
    """What the evaluator needs."""
    return {"log_probability": sequences.log_probability(sequences.network_of(config.generator, spec))}


MODEL = Model(Config, make, PRESETS, accepts.tokens, small, SMALL_SPEC, evaluator="text", tools=tools)
