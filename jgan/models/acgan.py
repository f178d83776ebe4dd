"""AC-GAN (Odena et al., 2017), https://arxiv.org/abs/1610.09585: the discriminator also says which class an image is of.

For grey or colour images with class labels, whose sides are 4 to 7 times a power of two: 28x28, 32x32 (the paper's CIFAR-10
networks), 64x64, the 8x8 digits. The generator takes latents and the one-hot label. Both players minimise the cross-entropy of
the class of the fakes, the discriminator also that of the real images:

  D: L_S + class_weight (-log P(c | real) - log P(c | fake))        G: -log P(real | fake) - class_weight log P(c | fake)

The labels of the fakes are those of the minibatch. The paper's initial weights are N(0, 0.02) and its rate is one of 1e-4,
2e-4 and 3e-4; the average of the generator's weights is ours (`--model.ema.decay 0`).
"""

import dataclasses

import jax.numpy as jnp

from jgan import terms
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import SMALL_CLASSES, Training, play, players, presets
from jgan.models.images import small as smaller
from jgan.models.model import Model
from jgan.networks import ACGANDiscriminator, ACGANGenerator, acgan, pyramid
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    width: int = 96
    """channels of G before its last layer; deeper layers have 2, 4 ... times as many"""
    d_width: int = 16
    """channels of D's first convolution; each later one has twice as many"""
    keep: float = 0.5
    """probability that D's dropout keeps a number"""
    class_weight: float = 1.0
    """weight of the cross-entropy of the class"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with class labels, with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec, labels=True)
    acgan.pairs(spec.shape)


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """Builds the generator and the discriminator.

    Args:
      config: the options of the model.
      spec: the shape and the classes of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the sides of the images do not fit.
    """
    dtype = jnp.dtype(config.dtype)
    generator = ACGANGenerator(spec.shape, spec.n_classes, config.width, dtype)
    discriminator = ACGANDiscriminator(spec.n_classes, config.d_width, config.keep, dtype)
    return players(generator, discriminator, config.latent_size, spec)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds an AC-GAN.

    Args:
      config: the options of the model.
      spec: the shape and the classes of the images.

    Returns:
      The `GAN`, conditioned on labels.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import acgan
      >>> gan = acgan.make(acgan.Config(width=4, d_width=2), DataSpec.images((8, 8, 1), 10, n_classes=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2, labels=[3, 7]).shape
      (2, 8, 8, 1)
    """
    weight = config.class_weight
    both = terms.class_loss(real=weight, fake=weight)
    return play(config, spec, LOSSES[config.loss], networks(config, spec), terms=both, labels=True)


PRESETS = presets("acgan", "auxiliary classifier GAN", Config(), digits_width=48, labels=True)


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    return dataclasses.replace(smaller(config), d_width=2, optimizer=options.Optimizer("sgd", learning_rate=1e-4))


MODEL = Model(Config, make, PRESETS, check, small, SMALL_CLASSES, nearest=pyramid.nearest)
