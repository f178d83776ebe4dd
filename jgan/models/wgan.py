"""WGAN (Arjovsky et al., 2017), https://arxiv.org/abs/1701.07875: a critic with clipped weights estimates a distance.

Algorithm 1: five updates of the critic for one of the generator, RMSprop with a rate of 5e-5, and after each update of the
critic all its weights, those of batch normalisation included, are clipped to [-0.01, 0.01]. The networks are those of DCGAN.
Both players minimise: the critic f - r, the generator -f; the authors' code has the opposite signs for both.

The authors' code clips before each update rather than after it, which differs only in what the generator sees, and makes 100
updates of the critic in the first 25 generator steps and in every 500th. That is not built: the number of minibatches of a
step is fixed when it is compiled. `--model.rule.n-critic` sets it for all steps.
"""

import dataclasses

from jgan.losses import wasserstein
from jgan.models.dcgan_options import Options, check, nearest, networks, presets, small
from jgan.models.images import SMALL_SPEC, play
from jgan.models.model import Model
from jgan.models.options import Optimizer, Rule
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """The options of the model."""

    rule: Rule = Rule(n_critic=5)
    """the update rule"""
    optimizer: Optimizer = Optimizer("rmsprop", learning_rate=5e-5, b2=0.99, weight_clip=0.01)
    """the optimiser of both players"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a Wasserstein GAN with weight clipping.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`; its batches hold `n_critic` minibatches.

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
    return play(config, spec, wasserstein, networks(config, spec))


PRESETS = presets("wgan", "Wasserstein GAN (weight clipping)", Config())

MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=nearest)
