"""The conditional GAN of Mirza and Osindero (2014), https://arxiv.org/abs/1411.1784: both players are given the class label.

The defaults follow the paper's MNIST model: uniform latents, the networks of section 4.1, stochastic gradient descent with a
rate divided by 1.00004 at every update and a momentum that rises from 0.5 to 0.7, in batches of 100. The labels of the fakes
are those of the minibatch. Three things differ from the paper or are not given there:

- Dropout of 0.5 acts on the discriminator only. The paper applies it to the generator too (`g_keep=0.5`); the samples of a
  class then differ little, since the generator learns to vary by its dropout masks instead of its latents.
- The paper does not say how the weights start. With one small range for all, the generator of MNIST learns the labels too
  slowly, because a one-hot vector has the norm 1 and the latents have the norm 10: the discriminator rejects its images by
  their labels, wins within ten epochs, and the generator falls to one image. So the generator's one-hot labels are multiplied
  by 3, which makes gradient descent on their weights 9 times as fast. The 8x8 digits do not need it.
- Both players are updated simultaneously, as in the code of the 2014 GAN on which it builds.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jgan.models import accepts
from jgan.models.images import players
from jgan.models.model import Model, Preset
from jgan.models.options import EMA
from jgan.models.paper2014 import MomentumSGD, Training, marginal_bias, play
from jgan.networks import CGANDiscriminator, CGANGenerator
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model; the defaults follow the paper (see the head of this file)."""

    latent_units: int = 200
    """generator: hidden units for the latents"""
    label_units: int = 1000
    """generator: hidden units for the label"""
    joint_units: int = 1200
    """generator: joint hidden units"""
    g_irange: float = 0.05
    """generator weights start in U(-irange, irange)"""
    g_latent_irange: float = 0.12
    """the same for the weights of the latents"""
    g_label_irange: float = 0.1
    """the same for the weights of the label"""
    g_label_scale: float = 3.0
    """generator: factor on the one-hot label"""
    g_keep: float = 1.0
    """generator: probability that dropout keeps a hidden unit; 1: no dropout"""
    marginal_bias: bool = True
    """start the output bias at the logit of the mean training image"""
    d_image_units: int = 240
    """discriminator: maxout units for the image"""
    d_label_units: int = 50
    """discriminator: maxout units for the label"""
    d_joint_units: int = 240
    """discriminator: joint maxout units"""
    d_irange: float = 0.005
    """discriminator weights start in U(-irange, irange)"""
    d_label_irange: float = 0.05
    """the same for the weights of the label"""
    optimizer: MomentumSGD = MomentumSGD(learning_rate=0.1, decay=1.00004)
    """the optimiser of both players"""
    ema: EMA = EMA(0.9998)
    """the average of the generator's weights"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with class labels; raises a `ValueError` for anything else."""
    accepts.images(spec, labels=True)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a conditional GAN.

    Args:
      config: the options of the model.
      spec: the shape, the classes and the mean of the images, the steps in an epoch.

    Returns:
      The `GAN`, conditioned on labels.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import cgan
      >>> spec = DataSpec.images((8, 8, 1), steps_per_epoch=10, n_classes=10)
      >>> gan = cgan.make(cgan.small(cgan.Config()), spec)
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 3, labels=[0, 1, 9]).shape
      (3, 8, 8, 1)
    """
    generator = CGANGenerator(
        spec.shape,
        spec.n_classes,
        config.latent_units,
        config.label_units,
        config.joint_units,
        irange=config.g_irange,
        latent_irange=config.g_latent_irange,
        label_irange=config.g_label_irange,
        label_scale=config.g_label_scale,
        hidden_keep=config.g_keep,
        output_bias_init=marginal_bias(spec) if config.marginal_bias else jax.nn.initializers.zeros,
        dtype=jnp.dtype(config.dtype),
    )
    discriminator = CGANDiscriminator(
        spec.n_classes,
        config.d_image_units,
        config.d_label_units,
        config.d_joint_units,
        irange=config.d_irange,
        label_irange=config.d_label_irange,
        input_keep=config.input_keep,
        hidden_keep=config.hidden_keep,
        dtype=jnp.dtype(config.dtype),
    )
    networks = players(generator, discriminator, config.latent_size, spec)
    return play(config, spec, *networks, labels=True)


PRESETS = {
    "cgan": Preset(
        description="GAN conditioned on the class label, on scikit-learn's 8x8 digits: a row of samples for each digit",
        dataset="digits",
        batch_size=100,
        steps=12_000,
        config=Config(
            latent_units=128,
            label_units=128,
            joint_units=256,
            d_image_units=128,
            d_joint_units=128,
            d_irange=0.05,
            g_latent_irange=0.05,
            g_label_irange=0.05,
            g_label_scale=1.0,
            optimizer=MomentumSGD(),
            ema=EMA(0.999),
        ),
    ),
    "cgan_mnist": Preset(
        description="GAN conditioned on the class label, on MNIST, after the paper's model",
        dataset="mnist",
        batch_size=100,
        steps=500 * 100,
        config=Config(),
    ),
}
"""The averaged generator is an addition; `--model.ema.decay 0` gives the original. The 8x8 preset has smaller networks."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(
        config,
        latent_size=6,
        latent_units=6,
        label_units=6,
        joint_units=6,
        d_image_units=6,
        d_label_units=6,
        d_joint_units=6,
        d_irange=0.3,
        ema=EMA(0.9),
    )


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    DataSpec.images((8, 8, 1), steps_per_epoch=2, n_classes=3, mean=np.full((8, 8, 1), 0.3, np.float32)),
)
