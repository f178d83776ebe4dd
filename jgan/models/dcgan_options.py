"""What the models with DCGAN's networks share; they differ in losses and penalties."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from jgan.models import accepts
from jgan.models.images import Training
from jgan.networks import DCGANDiscriminator, DCGANGenerator, dcgan, from_module, pyramid
from jgan.types import DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Options(Training):
    """The options of the networks and of the training."""

    kernel_size: int = 4
    """side of the kernels"""
    unit_norm: bool = False
    """batch normalisation of the generator's first layer for each unit, rather than for each channel"""
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
    generator = DCGANGenerator(spec.shape, config.width, config.g_activation, unit_norm=config.unit_norm, **shared)
    discriminator = DCGANDiscriminator(config.width, config.d_activation, batch_norm=batch_norm, **shared)
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.shape)
