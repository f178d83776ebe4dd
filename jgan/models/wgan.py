"""WGAN (Arjovsky et al., 2017), https://arxiv.org/abs/1701.07875: a critic with clipped weights estimates a distance.

Algorithm 1: five updates of the critic for one of the generator, RMSprop with a rate of 5e-5, and after each update of the
critic all its weights, those of batch normalisation included, are clipped to [-0.01, 0.01]. The networks are those of DCGAN.
Both players minimise: the critic f - r, the generator -f; the authors' code has the opposite signs for both.

The authors' code clips before each update rather than after it, which differs only in what the generator sees, and makes 100
updates of the critic in each of the first 25 generator steps: `--model.first-critic 100`, a phase of its own. That it does so
in every 500th step too is not built: the number of minibatches of a step is fixed when it is compiled.
"""

import dataclasses

import jax.numpy as jnp

from jgan.losses import wasserstein
from jgan.models.dcgan_options import Options, check, nearest, networks, presets, small
from jgan.models.images import SMALL_SPEC, play
from jgan.models.model import Model
from jgan.models.options import Optimizer, Rule
from jgan.types import GAN, DataSpec, Phase
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """The options of the model."""

    rule: Rule = Rule(n_critic=5)
    """the update rule"""
    first_critic: int = 0
    """updates of the critic in each of the first steps, 100 in the authors' code; 0: as many as in the others"""
    first_steps: int = 25
    """the number of the first steps"""
    optimizer: Optimizer = Optimizer("rmsprop", learning_rate=5e-5, b2=0.99, weight_clip=0.01)
    """the optimiser of both players"""


def make(config: Config, spec: DataSpec) -> GAN | tuple[Phase, ...]:
    """Builds a Wasserstein GAN with weight clipping.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`, whose batches hold `n_critic` minibatches; with `first_critic` two `Phase`s, the second of which goes on with
      the state of the first.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import wgan
      >>> gan = wgan.make(wgan.Config(width=4), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.n_critic, gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (5, (2, 8, 8, 1))
    """
    whole("first_critic", config.first_critic, 0)
    whole("first_steps", config.first_steps, 1)
    gan = play(config, spec, wasserstein, networks(config, spec))
    if not config.first_critic:
        return gan
    rule = dataclasses.replace(config.rule, n_critic=config.first_critic)
    first = play(dataclasses.replace(config, rule=rule), spec, wasserstein, networks(config, spec))
    goes_on = lambda key, before: before._replace(step=jnp.zeros_like(before.step))  # noqa: E731
    return Phase(first, steps=config.first_steps, name="first"), Phase(gan, enter=goes_on, name="last")


PRESETS = presets("wgan", "Wasserstein GAN (weight clipping)", Config())

MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=nearest)
