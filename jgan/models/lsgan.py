"""LSGAN (Mao et al., 2017), https://arxiv.org/abs/1611.04076: least squares in place of cross-entropies.

The discriminator's targets are b for real images and a for fakes, the generator's is c; a, b, c = 0, 1, 1 as in the authors'
code, and `-1, 1, 0` is the paper's other choice, for which the generator minimises a Pearson divergence. The authors' loss is
the sum over the minibatch, here as everywhere the mean; Adam's steps do not depend on the factor.

The networks are those of DCGAN, with its rate of 2e-4, or with `architecture="vgg"` those of the authors' code for scenes of
112x112 pixels, which has latents of 1,024 uniform numbers and a rate of 1e-3: the preset `lsgan_112`.
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from jgan.losses import least_squares
from jgan.models import dcgan_options, options
from jgan.models.dcgan_options import Options, check, nearest, presets
from jgan.models.images import SMALL_SPEC, play
from jgan.models.model import Model, Preset
from jgan.networks import FourStageDiscriminator, LSGANGenerator, from_module
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """The options of the model."""

    fake_target: float = 0.0
    """a: the discriminator's target for fakes"""
    real_target: float = 1.0
    """b: the discriminator's target for real images"""
    generator_target: float = 1.0
    """c: the generator's target for the discriminator's output on fakes"""
    architecture: Literal["cnn", "vgg"] = "cnn"
    """the networks: DCGAN's (cnn), or the authors' for 112x112 (vgg), without kernel_size, unit_norm and activations"""


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The generator and the discriminator of an architecture.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: while tracing, if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import lsgan
      >>> spec = DataSpec.images((112, 112, 3), steps_per_epoch=10)
      >>> generator, discriminator = lsgan.networks(lsgan.Config(architecture="vgg"), spec)
    """
    if config.architecture == "cnn":
        return dcgan_options.networks(config, spec)
    dtype = jnp.dtype(config.dtype)
    generator = from_module(LSGANGenerator(spec.shape, config.width, dtype), (config.latent_size,))
    return generator, from_module(FourStageDiscriminator(config.width, dtype), spec.shape)


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


PRESETS = presets("lsgan", "GAN of least squares", Config(), rates=(1e-3, 2e-4)) | {
    "lsgan_112": Preset(
        description="GAN of least squares on a folder of 112x112 images, the authors' networks: for a GPU",
        dataset="folder",
        batch_size=64,
        steps=1_000_000,
        config=Config(
            latent_size=1024,
            noise="uniform",
            architecture="vgg",
            optimizer=options.Optimizer("adam", learning_rate=1e-3, b1=0.5),
        ),
    )
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    if config.architecture == "cnn":
        return dcgan_options.small(config)
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    return dataclasses.replace(dcgan_options.small(config), optimizer=options.Optimizer("sgd", learning_rate=0.01))


MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=nearest)
