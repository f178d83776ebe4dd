"""LSGAN (Mao et al., 2017), https://arxiv.org/abs/1611.04076: least squares in place of cross-entropies.

The discriminator's targets are b for real images and a for fakes, the generator's is c; a, b, c = 0, 1, 1 as in the authors'
code, and `-1, 1, 0` is the paper's other choice, for which the generator minimises a Pearson divergence. The authors' loss is
the sum over the minibatch, here as everywhere the mean; Adam's steps do not depend on the factor.

The networks are those of DCGAN, with its rate of 2e-4. The authors' code has others for scenes of 112x112 pixels (a VGG-like
generator of 15.6 million parameters, latents of 1,024 numbers, a rate of 1e-3), which are not built.
"""

import dataclasses

from jgan.losses import least_squares
from jgan.models.dcgan_options import Options, check, nearest, networks, presets
from jgan.models.images import SMALL_SPEC, play, small
from jgan.models.model import Model
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """The options of the model."""

    fake_target: float = 0.0
    """a: the discriminator's target for fakes"""
    real_target: float = 1.0
    """b: the discriminator's target for real images"""
    generator_target: float = 1.0
    """c: the generator's target for the discriminator's output on fakes"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a least-squares GAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import lsgan
      >>> gan = lsgan.make(lsgan.Config(width=4), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """
    loss = least_squares(config.fake_target, config.real_target, config.generator_target)
    return play(config, spec, loss, networks(config, spec))


PRESETS = presets("lsgan", "GAN of least squares", Config(), g_rate=5)

MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=nearest)
