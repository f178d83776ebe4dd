"""What the models with DCGAN's networks share; they differ in losses and penalties."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from jgan.models import accepts, images
from jgan.models.images import Training
from jgan.models.model import Preset
from jgan.networks import DCGANDiscriminator, DCGANGenerator, dcgan, from_module, pyramid
from jgan.types import DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Options(Training):
    """The options of the networks and of the training."""

    kernel_size: int = 4
    """side of the kernels"""
    g_units: int = 0
    """units of one more linear layer at the start of the generator; 0: none"""
    unit_norm: bool = False
    """batch normalisation of the generator's first layer for each unit, rather than for each channel"""
    d_units: int = 0
    """units of a hidden linear layer at the end of the discriminator; 0: none"""
    g_activation: str = "relu"
    """activation of the generator: relu or gelu"""
    d_activation: str = "leaky_relu"
    """activation of the discriminator: leaky_relu (slope 0.2) or gelu"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    dcgan.stages(spec.shape)


nearest = pyramid.nearest


def networks(config: Options, spec: DataSpec, *, batch_norm: bool = True) -> tuple[Network, Network]:
    """Builds DCGAN's networks.

    Args:
      config: the options of the model.
      spec: the shape of the images.
      batch_norm: whether the discriminator has batch normalisation.

    Returns:
      The generator and the discriminator.

    Raises:
      ValueError: while tracing, if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import dcgan_options
      >>> spec = DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> generator, discriminator = dcgan_options.networks(dcgan_options.Options(width=4), spec)
    """
    shared: dict[str, Any] = {"kernel_size": config.kernel_size, "dtype": jnp.dtype(config.dtype)}
    generator = DCGANGenerator(
        spec.shape, config.width, config.g_activation, units=config.g_units, unit_norm=config.unit_norm, **shared
    )
    discriminator = DCGANDiscriminator(config.width, config.d_activation, batch_norm=batch_norm, units=config.d_units, **shared)
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.shape)


def presets(
    name: str, words: str, config: Any, *, rates: tuple[float, float] | None = None, batch_size: int = 64
) -> dict[str, Preset]:
    """The presets of a model with DCGAN's networks; for MNIST and Fashion-MNIST both networks have one more linear layer.

    The images of 28x28 pixels grow in two stages only, from 7x7. One linear layer would make these 49 places from the latents,
    each place by itself, and another judge them so. The authors' networks for MNIST, and InfoGAN's, have one more, of 1,024
    units, at the start of the generator and at the end of the discriminator, and batch normalisation for each unit: with the
    statistics of whole channels the generator makes a single image. On MNIST, with equal numbers of operations, the FID in a
    classifier's features was 132 without these layers, 47 with that of the generator and a faster rate, 4.4 with the other too.

    Args:
      name: the name of the model, which is that of its first preset.
      words: what it is, for the descriptions.
      config: its options.
      rates: the learning rates of the generator and of the discriminator for 28x28 images, if they differ. InfoGAN has 1e-3 and
        2e-4 on MNIST: at equal rates a discriminator with batch normalisation tells nearly all fakes.
      batch_size: examples in a minibatch.

    Returns:
      The presets by name.

    Example:
      >>> from jgan.models import dcgan_options
      >>> mnist = dcgan_options.presets("mygan", "my GAN", dcgan_options.Options())["mygan_mnist"].config
      >>> mnist.g_units, mnist.unit_norm, mnist.d_units
      (1024, True, 1024)
    """
    optimizer = config.optimizer
    if rates is not None:
        optimizer = dataclasses.replace(optimizer, learning_rate=rates[0], d_learning_rate=rates[1])
    mnist = dataclasses.replace(config, g_units=1024, unit_norm=True, d_units=1024, optimizer=optimizer)
    return images.presets(name, words, config, mnist=mnist, batch_size=batch_size)


def small(config: Any) -> Any:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(images.small(config), g_units=min(config.g_units, 6), d_units=min(config.d_units, 6))
