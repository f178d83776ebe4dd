"""DCGAN (Radford et al., 2016), https://arxiv.org/abs/1511.06434: convolutional networks with batch normalisation.

For grey or colour images whose sides are 4 to 7 times a power of two: 28x28, 32x32, 64x64, the 8x8 digits. Real
images and fakes pass the discriminator separately, each with its own batch statistics. The layers, initial weights and Adam
options are those of the PyTorch example; `d_activation` and `g_activation` offer GELU.
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from jgan import games, rng
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.assembly import assemble, unit_interval
from jgan.models.model import Model, Preset
from jgan.networks import DCGANDiscriminator, DCGANGenerator, dcgan, from_module
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    latent_size: int = 100
    """dimension of the noise z"""
    noise: rng.Noise = "gaussian"
    """distribution of z, of unit variance: gaussian or uniform"""
    width: int = 64
    """channels of the layers with the largest images; deeper layers have 2, 4, 8 ... times as many"""
    g_activation: str = "relu"
    """activation of the generator: relu or gelu"""
    d_activation: str = "leaky_relu"
    """activation of the discriminator: leaky_relu (slope 0.2) or gelu"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.5)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(0.999)
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    dcgan.stages(spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a DCGAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import Batch, DataSpec
      >>> from jgan.models import dcgan
      >>> gan = dcgan.make(dcgan.Config(width=4), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """
    dtype = jnp.dtype(config.dtype)
    game = games.Adversarial(
        from_module(DCGANGenerator(spec.shape, config.width, config.g_activation, dtype), (config.latent_size,)),
        from_module(DCGANDiscriminator(config.width, config.d_activation, dtype=dtype), spec.shape),
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, config.noise, axis_name),
        LOSSES[config.loss],
    )
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec))
    made = config.rule.steps(game, optimizers)
    standing = 32 if config.ema.statistics == "standing" else 0
    return assemble(game, made, optimizers, output=unit_interval, n_critic=config.rule.n_critic, standing=standing)


PRESETS = {
    "dcgan": Preset(
        description="convolutional GAN on scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=64,
        steps=5_000,
        config=Config(width=32),
    ),
    "dcgan_mnist": Preset(
        description="convolutional GAN on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=64,
        steps=15_000,
        config=Config(),
    ),
    "dcgan_fashion_mnist": Preset(
        description="convolutional GAN on Fashion-MNIST, 28x28 articles of clothing",
        dataset="fashion_mnist",
        batch_size=64,
        steps=15_000,
        config=Config(),
    ),
    "dcgan_cifar10": Preset(
        description="convolutional GAN on CIFAR-10, 32x32 photographs",
        dataset="cifar10",
        batch_size=64,
        steps=50_000,
        config=Config(),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(config, latent_size=6, width=4, ema=options.EMA(0.9))


MODEL = Model(Config, make, PRESETS, check, small, DataSpec.images((8, 8, 1), steps_per_epoch=2))
