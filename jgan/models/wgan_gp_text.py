"""WGAN-GP on characters (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028, section 5.2.

The generator maps noise to all characters of a line at once, and its softmax goes straight to the critic: no likelihood
pre-training, no sampling, no temperature. A sample is the likeliest character at each place. The authors' width is 512, for a
GPU; the presets have 64.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jgan import games, optim, penalties, rng
from jgan.losses import wasserstein
from jgan.models import accepts, options
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.models.options import Optimizer, Rule
from jgan.models.sequences import SMALL_SPEC
from jgan.networks import TextCritic, TextGenerator, from_module
from jgan.networks.sequences import alive, one_hot
from jgan.types import GAN, Batch, DataSpec, GANState, Inputs


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    width: int = 512
    """channels of all layers"""
    penalty: float = 10.0
    """weight of the gradient penalty"""
    rule: Rule = Rule(n_critic=10, fresh_latents=True)
    """the update rule"""
    optimizer: Optimizer = Optimizer("adam", learning_rate=1e-4, b1=0.5, b2=0.9)
    """the optimiser of both players"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds the model.

    Args:
      config: the options of the model.
      spec: the sequences.

    Returns:
      The `GAN`; its samples are tokens, the likeliest at each place.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import wgan_gp_text
      >>> gan = wgan_gp_text.make(wgan_gp_text.Config(width=4), DataSpec.tokens(6, 9, steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.n_critic, gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (10, (2, 6))
    """
    (length,), field = spec.shape, spec.one.x
    generator = from_module(TextGenerator(length, field.size, config.width), (config.latent_size,))
    critic = from_module(TextCritic(config.width), (length, field.size))
    game = games.Adversarial(
        generator,
        critic,
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, axis_name=axis_name),
        wasserstein,
        penalties=(penalties.gradient_penalty(config.penalty),),
        real=lambda batch: Batch(one_hot(batch.x, field.size)),
    )
    optimizers = options.optimizers(config.optimizer, config.rule)
    made = assemble(game, config.rule.steps(game, optimizers), optimizers, n_critic=config.rule.n_critic)

    def generate(state: GANState, given: Inputs, ema: bool = True) -> jax.Array:
        found, _ = generator.apply(*optim.ema_weights(state.generator, ema), given.z)
        tokens = jnp.argmax(found, axis=-1).astype(jnp.int32)
        return jnp.where(alive(tokens, field.end), tokens, field.end)

    def logits(state: GANState, x: jax.Array, c: tuple[()] = ()) -> jax.Array:
        return critic.apply(state.discriminator.params, state.discriminator.model_state, one_hot(x, field.size))[0]

    return made._replace(generate=generate, logits=logits)


PRESETS = {
    "wgan_gp_text": Preset(
        description="Wasserstein GAN (gradient penalty) of characters on lines of a small grammar",
        dataset="arithmetic",
        batch_size=64,
        steps=1_500,
        config=Config(width=32),
        sample_every=500,
    ),
    "wgan_gp_text_lines": Preset(
        description="Wasserstein GAN (gradient penalty) of characters on lines of a text: --data-dir FILE",
        dataset="lines:characters:32:cut",
        batch_size=64,
        steps=4_000,
        config=Config(width=64),
        sample_every=500,
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    rule = dataclasses.replace(config.rule, n_critic=min(config.rule.n_critic, 2))
    fast = Optimizer("adam", learning_rate=1e-2, b1=0.5, b2=0.9)
    return dataclasses.replace(config, latent_size=6, width=4, rule=rule, optimizer=fast)


MODEL = Model(Config, make, PRESETS, accepts.tokens, small, SMALL_SPEC, evaluator="text")
