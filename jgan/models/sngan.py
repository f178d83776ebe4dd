"""SN-GAN (Miyato et al., 2018), https://arxiv.org/abs/1802.05957: spectral normalisation of the discriminator, hinge loss.

For grey or colour images whose sides are 4 to 7 times a power of two: 28x28 (from 7x7), 32x32, 64x64, the 8x8 digits.
`architecture` is the paper's plain `cnn`, or `resnet`: the authors' residual networks for CIFAR-10 up to 56x56, for larger
images those of mimicry. Each pass of the discriminator in training makes one power iteration.

As in the authors' code (pfnet-research/sngan_projection), `rule.generator_batch=2` draws twice as many fakes for the generator
as for the discriminator, and `dequantise` adds noise of one grey level to the real images; the presets for CIFAR-10 have what
was published. What differs from that code: the generator is updated after the discriminator's last update of a step, not before
it; the average of the generator's weights is ours (`--model.ema.decay 0` trains without). Adam's rates are those of the
residual networks, decaying over a preset's steps.
"""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp

from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import Training, play
from jgan.models.model import Model, Preset
from jgan.networks import (
    ResidualDiscriminator,
    ResidualGenerator,
    SNGANDiscriminator,
    SNGANGenerator,
    dcgan,
    from_module,
    pyramid,
    resnet,
)
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    architecture: Literal["cnn", "resnet"] = "cnn"
    """the networks: the plain cnn, or resnet"""
    width: int = 64
    """unit of the channels: the cnn has width to 8 width for 32x32, the resnet 4 width in G and 2 width in D"""
    d_early: bool = False
    """the cnn's D doubles its channels at stride 2 (pytorch-gan-collections), not in the next layer (the paper)"""
    d_bias: bool = True
    """the last layer of the resnet's D has a bias; the authors' code has none"""
    loss: str = "hinge"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule()
    """the update rule; the published resnet has n_critic 5"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.0, b2=0.9)
    """the optimiser of both players"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters, spectral norms and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    dcgan.stages(spec.shape, "SN-GAN")


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The generator and the discriminator of an architecture.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the sides of the images do not fit.
    """
    dtype = jnp.dtype(config.dtype)
    modules: tuple[Any, Any]
    if config.architecture == "cnn":
        modules = SNGANGenerator(spec.shape, config.width, dtype), SNGANDiscriminator(config.width, config.d_early, dtype)
    else:
        g_channels, d_channels = resnet.channels(spec.shape, config.width)
        halvings = resnet.halvings(spec.shape, len(d_channels))
        modules = (
            ResidualGenerator(spec.shape, g_channels, dtype=dtype),
            ResidualDiscriminator(d_channels, halvings, use_bias=config.d_bias, dtype=dtype),
        )
    return from_module(modules[0], (config.latent_size,)), from_module(modules[1], spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds an SN-GAN.

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
      >>> from jgan.models import sngan
      >>> gan = sngan.make(sngan.Config(width=4), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """
    return play(config, spec, LOSSES[config.loss], networks(config, spec))


def _decaying(steps: int) -> options.Optimizer:
    """The published optimiser, its rate falling to 0 over a run."""
    return options.Optimizer("adam", learning_rate=2e-4, b1=0.0, b2=0.9, decay_steps=steps, decay="linear")


PRESETS = {
    "sngan": Preset(
        description="spectrally normalised GAN on scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=64,
        steps=5_000,
        config=Config(width=16, optimizer=_decaying(5_000)),
    ),
    "sngan_mnist": Preset(
        description="spectrally normalised GAN on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=64,
        steps=15_000,
        config=Config(width=32, optimizer=_decaying(15_000)),
    ),
    "sngan_fashion_mnist": Preset(
        description="spectrally normalised GAN on Fashion-MNIST, 28x28 articles of clothing",
        dataset="fashion_mnist",
        batch_size=64,
        steps=15_000,
        config=Config(width=32, optimizer=_decaying(15_000)),
    ),
    "sngan_cifar10": Preset(
        description="spectrally normalised GAN on CIFAR-10, 32x32 photographs: pytorch-gan-collections' CNN",
        dataset="cifar10",
        batch_size=128,
        steps=100_000,
        config=Config(
            latent_size=100,
            d_early=True,
            rule=options.Rule(fresh_latents=True, generator_batch=2),
            optimizer=_decaying(100_000),
        ),
    ),
    "sngan_cifar10_resnet": Preset(
        description="spectrally normalised GAN on CIFAR-10, 32x32 photographs: the authors' residual networks",
        dataset="cifar10",
        batch_size=64,
        steps=50_000,
        config=Config(
            architecture="resnet",
            d_bias=False,
            dequantise=True,
            rule=options.Rule(n_critic=5, fresh_latents=True, generator_batch=2),
            optimizer=_decaying(50_000),
        ),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    sgd = options.Optimizer("sgd", learning_rate=0.01)
    return dataclasses.replace(config, latent_size=6, width=2, optimizer=sgd, ema=options.EMA(0.9))


MODEL = Model(Config, make, PRESETS, check, small, DataSpec.images((8, 8, 1), steps_per_epoch=2), nearest=pyramid.nearest)
