"""R3GAN (Huang et al., 2024), https://arxiv.org/abs/2501.05441: a relativistic loss with R1 and R2, networks without tricks.

For grey or colour images whose sides are 4 to 7 times a power of two. The generator and the discriminator are residual networks
of grouped convolutions without normalisation (see `jgan.networks.r3gan`). Each real image is compared with one fake, and the
gradients at both are penalised in every step. Over `optimizer.decay_steps` generator steps, along cosines,

  the learning rate falls to `optimizer.decay_to` times its initial value      Adam's b2 rises to `optimizer.final_b2`
  gamma falls to `final_gamma`                                                 the half-life of the average grows from 0
  the probability of augmentation grows from 0 to `augment_p`

With `labels` the discriminator's logit is that of the image in its class, and each real image is compared with a fake of its
class. `PUBLISHED` has the configurations of the authors' code, without labels (the paper's CIFAR-10 and ImageNet have them),
each for 2e7 images of these schedules (ImageNet 2e8), of 2.5e8 (CIFAR-10) or more in all. `gamma` is that of the paper, for
images in [-1, 1]. The presets have smaller networks, and the smallest a higher rate.
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from jgan import augment, optim, penalties
from jgan.losses import LOSSES
from jgan.models import accepts, images, options
from jgan.models.model import Model, Preset
from jgan.networks import R3GANDiscriminator, R3GANGenerator, pyramid, r3gan
from jgan.types import GAN, Augmentation, DataSpec
from jgan.utils.registry import unknown

PENALTIES = ("r1_r2", "finite_difference", "r1", "r2", "none")

AUGMENTATIONS = {
    "none": (),
    "ada": ("blit", "geometry", "color", "cutout"),
    "diff_augment": ("color", "translation", "cutout"),
}
"""The transformations of each choice."""


@dataclasses.dataclass(frozen=True)
class Config(images.Training):
    """The options of the model."""

    latent_size: int = 64
    """dimension of the noise z"""
    width: int = 32
    """channels of the resolutions up to `widest`; each doubling beyond halves them"""
    widest: int = 32
    """largest side with the full width"""
    blocks: int = 1
    """residual blocks at each resolution"""
    group_size: int = 16
    """channels in a group of the 3x3 convolutions"""
    loss: str = "relativistic"
    """a name in jgan.losses.LOSSES"""
    penalty: str = "r1_r2"
    """r1_r2, finite_difference (of both, without second derivatives), r1, r2 or none"""
    gamma: float = 0.05
    """weight of the penalty, for images in [-1, 1]"""
    final_gamma: float = 0.005
    """weight after optimizer.decay_steps"""
    optimizer: options.Optimizer = options.Optimizer("adam", 2e-4, b1=0.0, b2=0.9, decay_to=0.25, final_b2=0.99)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(half_life=20_000, ramp=0.05)
    """the average of the generator's weights"""
    augment: Literal["none", "ada", "diff_augment"] = "none"
    """augmentation: none; ada (flips, geometry, colour, cutout with a growing probability); diff_augment (always)"""
    augment_p: float = 0.55
    """probability of each transformation of ada after optimizer.decay_steps; colours have half of it"""
    labels: bool = False
    """whether both networks are given the class label"""
    class_size: int = 64
    """dimension of the generator's vector of a class"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    r3gan.stages(spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds an R3GAN.

    Args:
      config: the options of the model.
      spec: the shape of the images, and the batch size, in which the half-life of the average is counted.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the sides of the images do not fit, an option is out of range, or labels are asked for and there are none.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import r3gan
      >>> config = r3gan.Config(width=4, group_size=4)
      >>> gan = r3gan.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10, batch_size=64))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """
    if config.optimizer.decay_from:
        raise ValueError("the schedules of R3GAN begin at the first step: leave out optimizer.decay_from")
    shared = config.width, config.widest, config.blocks, config.group_size, jnp.dtype(config.dtype)
    n_classes = accepts.classes(spec, config.labels)
    generator = R3GANGenerator(spec.shape, *shared, n_classes, config.class_size)
    networks = images.players(generator, R3GANDiscriminator(*shared, n_classes), config.latent_size, spec, config.labels)
    ema = config.ema
    if ema.half_life and not ema.growth_steps:
        ema = dataclasses.replace(ema, growth_steps=config.optimizer.decay_steps)
    return images.play(
        dataclasses.replace(config, ema=ema),
        spec,
        LOSSES[config.loss],
        networks,
        penalties=_penalties(config),
        augment=_augmentation(config),
        labels=config.labels,
    )


def _penalties(config: Config) -> tuple[penalties.Penalty, ...]:
    if config.penalty not in PENALTIES:
        raise ValueError(unknown("penalty", config.penalty, PENALTIES))
    if config.penalty == "none":
        return ()
    # A step of 1 in [0, 1] is one of 2 in [-1, 1]: the squared gradient is 4 times that of the paper.
    penalty = penalties.PENALTIES[config.penalty](config.gamma / 4)
    steps = config.optimizer.decay_steps
    if not steps or not config.gamma:
        return (penalty,)
    return (penalties.scheduled(penalty, optim.cosine(1.0, config.final_gamma / config.gamma, steps)),)


def _augmentation(config: Config) -> Augmentation | None:
    policy = AUGMENTATIONS[config.augment]
    if config.augment == "diff_augment":
        return augment.diff_augment(policy)
    if config.augment == "none":
        return None
    updates = config.optimizer.decay_steps * config.rule.n_critic
    p = optim.cosine(0.0, config.augment_p, updates) if updates else config.augment_p
    return augment.ada(policy, p=p, target=None, color_share=0.5)


def scheduled(config: Config, steps: int) -> Config:
    """The configuration with schedules of a given length.

    Args:
      config: the options of the model.
      steps: generator steps.

    Returns:
      The options.
    """
    return dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, decay_steps=steps))


def _published(
    batch_size: int,
    gamma: float,
    augment_p: float,
    half_life: float,
    width: int = 768,
    group_size: int = 16,
    images_seen: float = 2e7,
) -> Config:
    config = Config(
        width=width,
        group_size=group_size,
        blocks=2,
        gamma=gamma,
        final_gamma=gamma / 10,
        augment="ada",
        augment_p=augment_p,
        ema=options.EMA(half_life=half_life, ramp=0.0),
    )
    return scheduled(config, round(images_seen / batch_size))


PUBLISHED = {
    "cifar10": _published(512, 0.05, 0.55, 5e6),
    "ffhq64": _published(256, 2.0, 0.3, 5e5),
    "ffhq256": _published(256, 150.0, 0.3, 5e5),
    "imagenet32": _published(4096, 0.5, 0.5, 5e7, width=1536, group_size=32, images_seen=2e8),
}
"""The configurations of the authors' code, for batches of 512 (CIFAR-10), 256 (FFHQ) and 4,096 images."""


_TINY = Config(optimizer=dataclasses.replace(Config().optimizer, learning_rate=1e-3))


def _preset(data: str, dataset: str, steps: int, config: Config = _TINY) -> Preset:
    return Preset(f"relativistic GAN with R1 and R2 on {data}", dataset, 64, steps, scheduled(config, steps))


_LABELS = dataclasses.replace(_TINY, labels=True)

PRESETS = {
    "r3gan": _preset("scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH", "digits", 5_000),
    "r3gan_mnist": _preset("MNIST, 28x28 digits", "mnist", 15_000),
    "r3gan_fashion_mnist": _preset("Fashion-MNIST, 28x28 articles of clothing", "fashion_mnist", 15_000),
    "r3gan_cifar10": _preset("CIFAR-10, 32x32 photographs", "cifar10", 50_000, Config(width=128)),
    "r3gan_labels": _preset(
        "scikit-learn's 8x8 digits by class; or --dataset folder, a folder a class", "digits", 5_000, _LABELS
    ),
    "r3gan_mnist_labels": _preset("MNIST, 28x28 digits, by class", "mnist", 15_000, _LABELS),
    "r3gan_cifar10_labels": _preset("CIFAR-10 by class", "cifar10", 50_000, Config(width=128, labels=True)),
}


def small(config: Config) -> Config:
    """The configuration with small networks and short schedules, for tests."""
    config = dataclasses.replace(config, latent_size=6, width=4, group_size=4, blocks=1, ema=options.EMA(0.9))
    return scheduled(config, 10)


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    DataSpec.images((8, 8, 1), steps_per_epoch=2, n_classes=3, batch_size=4),
    nearest=pyramid.nearest,
)
