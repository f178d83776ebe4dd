"""WGAN-GP (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028: the critic's gradient has norm 1 between data and fakes.

The two convolutional networks of the authors' code, for images of any size from 5x5:

  MNIST      no normalisation, sigmoid, batches of 50 (`batch_norm=False, symmetric=False`)
  CIFAR-10   batch normalisation in the generator alone, tanh, width 128 or 64; its comment says that 128 overfits

Both: five updates of the critic for one of the generator, Adam with the rate 1e-4, b1 0.5 and b2 0.9, 200,000 steps, and the
penalty 10 (|grad D(x)| - 1)^2 at one random point between each image and a fake. Its gradient is that in the images that the
networks work on: in [-1, 1] for CIFAR-10, where a gradient is half of that in this library's images, in [0, 1] for MNIST.

`architecture="resnet"` has the residual networks of the same code, whose b1 is 0, for images whose sides are 4 to 7 times a
power of two: up to 56x56 those for CIFAR-10, with twice as many fakes for the generator (`rule.generator_batch=2`) and noise of
one grey level on the images (`dequantise`); for larger images those for 64x64. The script for CIFAR-10 ships with `labels`
(`wgan_gp_cifar10_labels`): the class chooses the gains and shifts of the generator's normalisation, and the critic also
predicts the class, as in AC-GAN; its loss has the cross-entropy of real images, the generator's a tenth of that of the fakes.
"""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp

from jgan import penalties, terms
from jgan.losses import wasserstein
from jgan.models import accepts, images
from jgan.models.images import SMALL_CLASSES, Training, play, players, presets
from jgan.models.model import Model, Preset
from jgan.models.options import Optimizer, Rule
from jgan.networks import (
    LayerNormCritic,
    ResidualDiscriminator,
    ResidualGenerator,
    WGANGPCritic,
    WGANGPGenerator,
    dcgan,
    resnet,
    wgan_gp,
    wgan_gp_resnet,
)
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    architecture: Literal["cnn", "resnet"] = "cnn"
    """the networks: the plain cnn, or resnet (with 2 width channels for CIFAR-10, width to 8 width for 64x64)"""
    batch_norm: bool = True
    """batch normalisation in the generator (cnn only)"""
    symmetric: bool = True
    """whether the networks work on images in [-1, 1] (tanh) rather than in [0, 1] (sigmoid; cnn only)"""
    penalty: float = 10.0
    """weight of the gradient penalty"""
    labels: bool = False
    """conditional generator, and a critic that also predicts the class (resnet up to 56x56 only)"""
    class_weight: float = 1.0
    """with labels, weight of the cross-entropy of the class of real images in the critic's loss"""
    g_class_weight: float = 0.1
    """with labels, weight of that of the fakes in the generator's loss"""
    rule: Rule = Rule(n_critic=5)
    """the update rule"""
    optimizer: Optimizer = Optimizer("adam", learning_rate=1e-4, b1=0.5, b2=0.9)
    """the optimiser of both players"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images, not smaller than a kernel; raises a `ValueError` for anything else."""
    accepts.images(spec)
    wgan_gp.sizes(spec.shape)


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The generator and the critic of an architecture; raises a `ValueError` if the images or the options do not fit."""
    dtype, classes = jnp.dtype(config.dtype), accepts.classes(spec, config.labels)
    is_small = config.architecture == "resnet" and dcgan.stages(spec.shape, "the residual WGAN-GP")[0] <= 3
    if classes and not is_small:
        raise ValueError("labels are for the resnet and images of up to 56x56: choose both, or leave the labels out")
    generator: Any
    critic: Any
    if config.architecture == "cnn":
        generator = WGANGPGenerator(spec.shape, config.width, config.batch_norm, config.symmetric, dtype)
        critic = WGANGPCritic(config.width, config.symmetric, dtype)
    elif not (config.batch_norm and config.symmetric):
        raise ValueError("the resnet has batch_norm and symmetric images, found one of these options off: choose the cnn")
    elif is_small:
        up, down = resnet.channels(spec.shape, config.width)
        generator = ResidualGenerator(spec.shape, (2 * config.width,) * len(up), n_classes=classes, dtype=dtype)
        shared: dict[str, Any] = {
            "spectral": False,
            "mean": True,
            "n_classes": classes,
            "auxiliary": config.labels,
            "dtype": dtype,
        }
        critic = ResidualDiscriminator(down, resnet.halvings(spec.shape, len(down)), **shared)
    else:
        widths = wgan_gp_resnet.channels(spec.shape, config.width)
        generator = ResidualGenerator(spec.shape, widths, first_bias=False, dtype=dtype)
        critic = LayerNormCritic(widths[::-1], dtype)
    return players(generator, critic, config.latent_size, spec, config.labels)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a WGAN-GP.

    Args:
      config: the options of the model.
      spec: the shape of the images, and their classes.

    Returns:
      The `GAN`; its batches hold `n_critic` minibatches.

    Raises:
      ValueError: if the images are too small or their sides do not fit, an option is out of range, or labels are asked for and
        there are none.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import wgan_gp
      >>> gan = wgan_gp.make(wgan_gp.Config(width=4), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.n_critic, gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (5, (2, 8, 8, 1))
    """
    unit = 2.0 if config.symmetric else 1.0  # the length, in the networks' images, of a step of 1 in [0, 1]
    penalty = penalties.gradient_penalty(config.penalty / unit**2, target=unit)
    classes = terms.class_loss(real=config.class_weight, fake=0.0, generator=config.g_class_weight) if config.labels else ()
    return play(config, spec, wasserstein, networks(config, spec), penalties=(penalty,), terms=classes, labels=config.labels)


_RESNET = Config(
    architecture="resnet",
    dequantise=True,
    rule=Rule(n_critic=5, fresh_latents=True, generator_batch=2),
    optimizer=Optimizer("adam", learning_rate=2e-4, b1=0.0, b2=0.9, decay_steps=100_000, decay="linear"),
)


def _of_cifar10(labels: bool) -> Preset:
    by_class = ", by class" if labels else ""
    return Preset(
        description=f"Wasserstein GAN (gradient penalty) on CIFAR-10{by_class}, the authors' residual networks: for a GPU",
        dataset="cifar10",
        batch_size=64,
        steps=100_000,
        config=dataclasses.replace(_RESNET, labels=labels),
    )


PRESETS = presets(
    "wgan_gp",
    "Wasserstein GAN (gradient penalty)",
    Config(batch_norm=False, symmetric=False),
    batch_size=50,
    photographs=Config(),
) | {
    "wgan_gp_cifar10_resnet": _of_cifar10(labels=False),
    "wgan_gp_cifar10_labels": _of_cifar10(labels=True),
    "wgan_gp_64": Preset(
        description="Wasserstein GAN (gradient penalty) on a folder of 64x64 images, the authors' residual networks: for a GPU",
        dataset="folder",
        batch_size=64,
        steps=200_000,
        config=Config(architecture="resnet", optimizer=Optimizer("adam", learning_rate=1e-4, b1=0.0, b2=0.9)),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    if config.architecture == "cnn":
        return images.small(config)
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    return dataclasses.replace(images.small(config), optimizer=Optimizer("sgd", learning_rate=0.001))


MODEL = Model(Config, make, PRESETS, check, small, SMALL_CLASSES, nearest=wgan_gp.nearest)
