"""StyleGAN2 (Karras et al., 2020), https://arxiv.org/abs/1912.04958, with its successor's configurations and the option of ADA.

Mapping network, modulated convolutions with noise, skip generator, residual discriminator; R1 and the path length are computed
at every 16th and every 4th step. Sides are 4 to 7 times a power of two: 28x28 images start from a constant of 7x7. `CONFIGS`
has the configurations of https://github.com/NVlabs/stylegan2-ada-pytorch without labels, by the authors' names; `labels` adds
them as there, to the latents of the mapping network and to the logit.

Weights of penalties are the authors', for their images in [-1, 1], where a gradient is half of that in this library's images.
The authors give each regulariser an update of its own, and correct Adam for it: the rate is multiplied by c = r / (r + 1),
where r is the interval, and b1 and b2 are raised to the power c. Here the regularisers join the update of their step, with the
same Adam.
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from jgan import games, penalties, rng, steps, terms
from jgan.losses import non_saturating
from jgan.models import accepts, options
from jgan.models.assembly import assemble, unit_interval
from jgan.models.images import network_of
from jgan.models.model import Model, Preset
from jgan.networks import StyleGAN2Discriminator, StyleGAN2Generator, from_module, pyramid, stylegan2
from jgan.types import GAN, DataSpec, Field, Network


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model; the defaults are the authors' configuration `paper256`."""

    latent_size: int = 512
    """dimension of the noise z; the network scales it to a mean square of 1"""
    style_size: int = 512
    """dimension of a style w"""
    mapping_layers: int = 8
    """layers of the mapping network"""
    channel_base: int = 16384
    """channels of a level: this number divided by its side (the base counts as 4)"""
    channel_max: int = 512
    """largest number of channels"""
    mixing: float = 0.9
    """probability that an example has the styles of two latents, in training"""
    residual: bool = True
    """whether the discriminator has shortcuts"""
    group: int = 8
    """examples in a group of the minibatch standard deviation; 0: the whole batch"""
    r1: float = 1.0
    """gamma of R1, gamma/2 |grad D|^2; 0: none"""
    r1_every: int = 16
    """apply R1 every N steps, scaled by N"""
    path_length: float = 2.0
    """weight of the path length regularisation; 0: none"""
    path_length_every: int = 4
    """apply the path length regularisation every N steps, scaled by N"""
    labels: bool = False
    """whether both networks are given the class label"""
    bilinear: bool = False
    """whether the generator enlarges bilinearly, before its convolutions, instead of by filters behind them"""
    augment: options.Augment = options.Augment()
    """changes to the discriminator's images"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2.5e-3, b1=0.0, b2=0.99)
    """the optimiser of both players, before the correction for lazy regularisation"""
    ema: options.EMA = options.EMA(half_life=20_000, ramp=0.0, statistics="latest")
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the convolutions; parameters, styles, images and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    pyramid.levels(spec.shape, stylegan2.OWNER)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a StyleGAN2.

    Args:
      config: the options of the model.
      spec: the shape of the images, and the batch size for the average of the weights.

    Returns:
      The `GAN`; `gan.sample(..., truncation=psi)` draws with the truncation trick.

    Raises:
      ValueError: if the sides of the images do not fit, an option is out of range, or labels are asked for and there are none.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import stylegan2
      >>> config = stylegan2.small(stylegan2.Config())
      >>> gan = stylegan2.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10, batch_size=4))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2, truncation=0.7).shape
      (2, 8, 8, 1)
    """
    n_classes = accepts.classes(spec, config.labels)
    module = generator_of(config, spec, n_classes)

    def generator(module: StyleGAN2Generator, method: str | None = None) -> Network:
        return network_of(module, (config.latent_size,), config.labels, rngs=RANDOM, method=method)

    pictures = from_module(module, (module.layers, config.style_size), method="images", rngs=RANDOM)
    path_length = terms.path_length(generator(module, "styles"), pictures, config.path_length)
    game = games.Adversarial(
        generator(module),
        network_of(discriminator_of(config, n_classes), spec.shape, config.labels),
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, axis_name=axis_name),
        non_saturating,
        penalties=r1(config),
        terms=(terms.lazily(path_length, config.path_length_every),) if config.path_length else (),
        augment=config.augment.augmentation(),
        condition=games.labels if config.labels else games.unconditional,
    )
    optimizers = corrected(config, spec)
    return assemble(
        game,
        config.rule.steps(game, optimizers),
        optimizers,
        condition=Field((), "label", n_classes) if config.labels else (),
        output=unit_interval,
        n_critic=config.rule.n_critic,
        truncated=lambda psi: generator(module.clone(truncation=psi)),
    )


RANDOM = ("noise", "mixing")
"""The random streams of the generator."""


def generator_of(config: Config, spec: DataSpec, n_classes: int = 0) -> StyleGAN2Generator:
    """The generator's module.

    Args:
      config: the options of the model.
      spec: the shape of the images.
      n_classes: the classes that it is told of; 0 without labels.

    Returns:
      The module.
    """
    return StyleGAN2Generator(
        spec.shape,
        config.style_size,
        config.mapping_layers,
        config.channel_base,
        config.channel_max,
        config.mixing,
        dtype=jnp.dtype(config.dtype),
        n_classes=n_classes,
        bilinear=config.bilinear,
    )


def discriminator_of(config: Config, n_classes: int = 0) -> StyleGAN2Discriminator:
    """The discriminator's module; the arguments are those of `generator_of`."""
    sizes = config.channel_base, config.channel_max, config.residual, config.group
    return StyleGAN2Discriminator(*sizes, jnp.dtype(config.dtype), n_classes)


def r1(config: Config) -> tuple[penalties.Penalty, ...]:
    """The penalty of the options, none or one: that of images in [-1, 1], where a gradient is half of that in [0, 1]."""
    return (penalties.lazily(penalties.r1(config.r1 / 4), config.r1_every),) if config.r1 else ()


def corrected(config: Config, spec: DataSpec) -> steps.Optimizers:
    """The optimisers, corrected for lazy regularisation; as in the authors' code also where the weight of a regulariser is 0.

    Args:
      config: the options of the model.
      spec: the data.

    Returns:
      The `Optimizers`.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import stylegan2
      >>> made = stylegan2.corrected(stylegan2.Config(), DataSpec.images((8, 8, 1), 10, batch_size=4))
    """

    def player(every: int, rate: float) -> options.Optimizer:
        share = every / (every + 1)
        first = config.optimizer
        return dataclasses.replace(
            first, learning_rate=rate * share, d_learning_rate=0.0, b1=first.b1**share, b2=first.b2**share
        )

    rate = config.optimizer.learning_rate
    generator = options.optimizers(player(config.path_length_every, rate), config.rule, config.ema.average(spec))
    d_rate = config.optimizer.d_learning_rate or rate
    return generator._replace(discriminator=options.optimizers(player(config.r1_every, d_rate), config.rule).discriminator)


def _adam(rate: float) -> options.Optimizer:
    return options.Optimizer("adam", learning_rate=rate, b1=0.0, b2=0.99)


CONFIGS = {
    "cifar": Config(
        mapping_layers=2,
        channel_base=32768,
        mixing=0.0,
        residual=False,
        group=32,
        r1=0.01,
        path_length=0.0,
        ema=options.EMA(half_life=500_000, statistics="latest"),
    ),
    "auto": Config(  # for 64x64, batches of 64
        mapping_layers=2,
        group=4,
        r1=0.0128,
        ema=options.EMA(half_life=20_000, statistics="latest"),
    ),
    "paper256": Config(),
    "stylegan2": Config(
        channel_base=32768,
        group=4,
        r1=10.0,
        optimizer=_adam(2e-3),
        ema=options.EMA(half_life=10_000, ramp=0.0, statistics="latest"),
    ),
}
"""The authors' configurations by their names, without labels and without augmentation."""

# As in the authors' configuration for 32x32 images without path lengths and mixed styles. With their gamma of 0.01 the samples
# of the 8x8 digits soon vary a third as much as the data, with 1 they do not.
_SMALL_IMAGES = Config(
    latent_size=128,
    style_size=128,
    mapping_layers=2,
    channel_base=1024,
    channel_max=128,
    mixing=0.0,
    group=4,
    r1=1.0,
    path_length=0.0,
    optimizer=_adam(2e-3),
    ema=options.EMA(half_life=20_000, statistics="latest"),
)

PRESETS = {
    "stylegan2": Preset(
        description="style-based GAN on scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=32,
        steps=8_000,
        config=dataclasses.replace(_SMALL_IMAGES, channel_max=64),
    ),
    "stylegan2_mnist": Preset(
        description="style-based GAN on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=32,
        steps=30_000,
        config=_SMALL_IMAGES,
    ),
    "stylegan2_fashion_mnist": Preset(
        description="style-based GAN on Fashion-MNIST, 28x28 articles of clothing",
        dataset="fashion_mnist",
        batch_size=32,
        steps=30_000,
        config=_SMALL_IMAGES,
    ),
    "stylegan2_cifar10": Preset(
        description="style-based GAN of 128 channels on CIFAR-10, 32x32 photographs",
        dataset="cifar10",
        batch_size=64,
        steps=100_000,
        config=dataclasses.replace(CONFIGS["cifar"], channel_max=128),
    ),
    "stylegan2_labels": Preset(
        description="style-based GAN on scikit-learn's 8x8 digits by class; or --dataset folder, a folder a class",
        dataset="digits",
        batch_size=32,
        steps=8_000,
        config=dataclasses.replace(_SMALL_IMAGES, channel_max=64, labels=True),
    ),
    "stylegan2_cifar10_labels": Preset(
        description="style-based GAN of 128 channels on CIFAR-10 by class",
        dataset="cifar10",
        batch_size=64,
        steps=100_000,
        config=dataclasses.replace(CONFIGS["cifar"], channel_max=128, labels=True),
    ),
    "stylegan2_cifar10_large": Preset(
        description="style-based GAN on CIFAR-10 with ADA, the authors' configuration cifar: for a GPU",
        dataset="cifar10",
        batch_size=64,
        steps=1_562_500,
        config=dataclasses.replace(CONFIGS["cifar"], augment=options.Augment("ada")),
    ),
    "stylegan2_64": Preset(
        description="style-based GAN on a folder of 64x64 images with ADA, the authors' configuration auto: for a GPU",
        dataset="folder",
        batch_size=64,
        steps=390_625,
        config=dataclasses.replace(CONFIGS["auto"], augment=options.Augment("ada")),
    ),
    "stylegan2_256": Preset(
        description="style-based GAN on a folder of 256x256 images with ADA, the authors' paper256: for a GPU",
        dataset="folder",
        batch_size=64,
        steps=390_625,
        config=dataclasses.replace(CONFIGS["paper256"], augment=options.Augment("ada")),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(
        config,
        latent_size=6,
        style_size=6,
        mapping_layers=2,
        channel_base=64,
        channel_max=8,
        group=4,
        r1=1.0,
        optimizer=_adam(2e-3),
        ema=options.EMA(0.9, statistics="latest"),
    )


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    DataSpec.images((8, 8, 1), steps_per_epoch=2, n_classes=3, batch_size=4),
    nearest=pyramid.nearest,
)
