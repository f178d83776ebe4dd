"""SAGAN (Zhang et al., 2019), https://arxiv.org/abs/1805.08318: self-attention, spectral normalisation of both players.

For grey or colour images whose sides are 4 to 7 times a power of two: 28x28, 32x32, 64x64, 128x128, the 8x8 digits. The
networks are SN-GAN's residual ones with spectral normalisation in the generator too, and one layer of self-attention in each:
for 128x128 at maps of 32x32, as in the authors' code, for 32x32 where mimicry has it. Each player has its own learning rate.
`architecture="plain"` has the networks of the most used PyTorch code (heykeetae/Self-Attention-GAN): DCGAN's with
self-attention after the last two hidden layers of each player; in that code with `pooled=False`, for 64x64 images.

The published model has class labels; this one has none. The paper's b2 of Adam is 0.9, that of the authors' code 0.999
(`--model.optimizer.b2 0.999`), which keeps both rates constant. The authors' discriminator makes one power iteration a step,
this one makes one in each pass. Users of the authors' code report that without labels 1:1 updates collapse and 5:1 do not:
`--model.rule.n-critic 5`. The average of the generator's weights is ours: `--model.ema.decay 0` trains without.
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import Training, play
from jgan.models.model import Model, Preset
from jgan.networks import (
    AttentionDCGANDiscriminator,
    AttentionDCGANGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
    dcgan,
    from_module,
    pyramid,
    resnet,
)
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    architecture: Literal["residual", "plain"] = "residual"
    """the networks: the authors' residual ones, or plain, DCGAN's with attention after the last two hidden layers"""
    width: int = 64
    """unit of the channels: for 32x32 4 width in G and 2 width in D, for larger images and DCGAN's from width upwards"""
    g_attention: int = 0
    """smaller side of G's residual maps with self-attention; 0: as published (16 for 32x32, 32 for 128x128)"""
    d_attention: int = 0
    """smaller side of D's residual maps with self-attention; 0: as published (8 for 32x32, 32 for 128x128)"""
    pooled: bool = True
    """keys and values of the attention are pooled 2x2"""
    loss: str = "hinge"
    """a name in jgan.losses.LOSSES"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-4, d_learning_rate=4e-4, b1=0.0, b2=0.9)
    """the optimiser of both players"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters, spectral norms, the attention's softmax and losses are float32"""


def places(image_shape: tuple[int, ...]) -> tuple[int, int]:
    """The smaller sides of the maps of both networks with self-attention, as published.

    Args:
      image_shape: `(height, width, channels)`.

    Returns:
      `(generator's, discriminator's)`: of images above 56x56 a quarter of their side in both, of smaller ones half in the
      generator and a quarter in the discriminator, but no map below 4x4 if there is another.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.models import sagan
      >>> sagan.places((128, 128, 3)), sagan.places((32, 32, 3)), sagan.places((28, 28, 1)), sagan.places((8, 8, 1))
      ((32, 32), (16, 8), (14, 7), (4, 4))
    """
    count, _ = dcgan.stages(image_shape, "SAGAN")
    side = min(image_shape[:2])
    if count == 1:
        return side, side // 2
    return side // (4 if count > 3 else 2), side // (4 if side >= 16 else 2)


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    dcgan.stages(spec.shape, "SAGAN")


def _residual(config: Config, spec: DataSpec) -> tuple[ResidualGenerator, ResidualDiscriminator]:
    g_channels, d_channels = resnet.channels(spec.shape, config.width)
    g_place, d_place = places(spec.shape)
    dtype = jnp.dtype(config.dtype)
    generator = ResidualGenerator(
        spec.shape, g_channels, spectral=True, attention=config.g_attention or g_place, pooled=config.pooled, dtype=dtype
    )
    discriminator = ResidualDiscriminator(
        d_channels,
        resnet.halvings(spec.shape, len(d_channels)),
        wide=True,
        attention=config.d_attention or d_place,
        pooled=config.pooled,
        dtype=dtype,
    )
    return generator, discriminator


def _dcgan(config: Config, spec: DataSpec) -> tuple[AttentionDCGANGenerator, AttentionDCGANDiscriminator]:
    if config.g_attention or config.d_attention:
        raise ValueError(
            "DCGAN's networks have attention after their last two hidden layers: leave out g_attention, d_attention"
        )
    dtype = jnp.dtype(config.dtype)
    generator = AttentionDCGANGenerator(spec.shape, config.width, config.pooled, dtype)
    return generator, AttentionDCGANDiscriminator(config.width, config.pooled, dtype)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a SAGAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the sides of the images do not fit, the networks have no maps of the sides asked for, or an option is out
        of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import sagan
      >>> gan = sagan.make(sagan.Config(width=2), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> jax.eval_shape(lambda key: gan.sample(key, gan.init(key), 2), key).shape
      (2, 8, 8, 1)
    """
    generator, discriminator = (_dcgan if config.architecture == "plain" else _residual)(config, spec)
    networks = from_module(generator, (config.latent_size,)), from_module(discriminator, spec.shape)
    return play(config, spec, LOSSES[config.loss], networks)


PRESETS = {
    "sagan": Preset(
        description="self-attention GAN on scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=64,
        steps=5_000,
        config=Config(width=16),
    ),
    "sagan_mnist": Preset(
        description="self-attention GAN on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=64,
        steps=15_000,
        config=Config(width=16),
    ),
    "sagan_fashion_mnist": Preset(
        description="self-attention GAN on Fashion-MNIST, 28x28 articles of clothing",
        dataset="fashion_mnist",
        batch_size=64,
        steps=15_000,
        config=Config(width=16),
    ),
    "sagan_cifar10": Preset(
        description="self-attention GAN on CIFAR-10, 32x32 photographs: mimicry's networks without labels",
        dataset="cifar10",
        batch_size=64,
        steps=100_000,
        config=Config(),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    sgd = options.Optimizer("sgd", learning_rate=0.01)
    return dataclasses.replace(config, latent_size=6, width=1, optimizer=sgd, ema=options.EMA(0.9))


MODEL = Model(Config, make, PRESETS, check, small, DataSpec.images((8, 8, 1), steps_per_epoch=2), nearest=pyramid.nearest)
