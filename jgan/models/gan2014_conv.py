"""The convolutional GAN of Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661, for CIFAR-10.

The defaults are the authors' `cifar10_convolutional.yaml`: a generator whose second hidden layer is a 10x10 image of 80 sigmoid
channels, followed by one deconvolution; a discriminator of three maxout convolutions and a maxout layer.
"""

import dataclasses

import jax.numpy as jnp

from jgan.models import accepts
from jgan.models.model import Model, Preset
from jgan.models.options import EMA
from jgan.models.paper2014 import Activation, MomentumSGD, Training, per_layer, play, real_view
from jgan.networks import ConvDiscriminator, ConvGenerator, from_module
from jgan.rng import Noise
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model; the defaults are the authors' `cifar10_convolutional.yaml`."""

    noise: Noise = "gaussian"
    """distribution of z, of unit variance"""
    optimizer: MomentumSGD = MomentumSGD(learning_rate=0.004)
    """the optimiser of both players"""
    g_units: tuple[int, ...] = (8000,)
    """hidden layers of the generator, before the codes"""
    g_activations: tuple[Activation, ...] = ("relu",)
    """activations of the hidden layers: one per layer, or one for all"""
    g_channels: int = 80
    """sigmoid channels of the codes, a 10x10 image for 32x32 outputs"""
    g_kernel: int = 5
    """side of the deconvolution's kernels"""
    g_stride: int = 3
    """stride of the deconvolution"""
    g_irange: float = 0.05
    """generator weights start in U(-irange, irange)"""
    d_channels: tuple[int, ...] = (32, 32, 192)
    """channels of the discriminator's maxout convolutions"""
    d_kernels: tuple[int, ...] = (8, 8, 5)
    """kernel sizes of the convolutions"""
    d_paddings: tuple[int, ...] = (4, 3, 3)
    """zero padding of the convolutions"""
    d_pools: tuple[int, ...] = (4, 4, 2)
    """pooling window sizes of the convolutions"""
    d_pool_stride: int = 2
    """pooling strides"""
    d_conv_pieces: int = 2
    """affine pieces of a unit of the convolutions"""
    d_units: tuple[int, ...] = (500,)
    """maxout layers after the convolutions"""
    d_pieces: int = 5
    """affine pieces of a unit of the maxout layers"""
    d_irange: float = 0.005
    """discriminator weights start in U(-irange, irange)"""


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The two players.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the options contradict each other.

    Example:
      >>> from jgan.models import gan2014_conv
      >>> from jgan.types import DataSpec
      >>> generator, discriminator = gan2014_conv.networks(gan2014_conv.Config(), DataSpec.images((32, 32, 3), 312))
    """
    lists = {name: getattr(config, name) for name in ("d_channels", "d_kernels", "d_paddings", "d_pools")}
    if len(set(map(len, lists.values()))) > 1:
        found = ", ".join(f"{len(value)} {name}" for name, value in lists.items())
        raise ValueError(f"every convolution needs channels, a kernel, a padding and a pooling window, found {found}")
    generator = ConvGenerator(
        image_shape=spec.shape,
        units=config.g_units,
        activations=per_layer("g_activations", config.g_activations, config.g_units),
        channels=config.g_channels,
        kernel_size=config.g_kernel,
        stride=config.g_stride,
        irange=config.g_irange,
        dtype=jnp.dtype(config.dtype),
    )
    discriminator = ConvDiscriminator(
        channels=config.d_channels,
        kernel_sizes=config.d_kernels,
        paddings=config.d_paddings,
        pools=config.d_pools,
        pool_stride=config.d_pool_stride,
        conv_pieces=config.d_conv_pieces,
        units=config.d_units,
        pieces=config.d_pieces,
        irange=config.d_irange,
        input_keep=config.input_keep,
        hidden_keep=config.hidden_keep,
        dtype=jnp.dtype(config.dtype),
    )
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds the convolutional GAN of 2014, on contrast-normalised images.

    Args:
      config: the options of the model.
      spec: the image shape and the steps per epoch.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of range, or the generator cannot produce images of that shape.

    Example:
      >>> import jax
      >>> from jgan.models import gan2014_conv
      >>> from jgan.types import DataSpec
      >>> config = gan2014_conv.Config(g_units=(8,), g_channels=4, d_channels=(2, 2, 2), d_units=(4,))
      >>> gan = gan2014_conv.make(config, DataSpec.images((14, 14, 3), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 14, 14, 3)
    """
    return play(config, spec, *networks(config, spec), contrast_normalized=True)


PRESETS = {
    "cifar10_conv": Preset(
        description="the authors' convolutional CIFAR-10 configuration: for a GPU",
        dataset="cifar10",
        batch_size=128,
        steps=312 * 250,
        config=Config(ema=EMA(0.9998)),
    ),
}
"""The length, 250 epochs, is that of the momentum ramp, because the authors' run had no stopping rule. The averaged generator
is an addition; `--model.ema.decay 0` gives the original."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(
        config,
        latent_size=6,
        g_units=(6,),
        g_channels=6,
        d_channels=(6, 6, 6),
        d_kernels=(3, 3, 3),
        d_paddings=(1, 1, 1),
        d_pools=(2, 2, 2),
        d_units=(6,),
        d_irange=0.3,
        ema=EMA(0.9),
    )


MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.images,
    small,
    DataSpec.images((14, 14, 3), steps_per_epoch=2),
    real_view=lambda config: real_view,
)
