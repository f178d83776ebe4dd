"""ESRGAN (Wang et al., 2018), https://arxiv.org/abs/1809.00219: dense residual blocks and a relativistic discriminator.

The first phase trains the generator, RRDBNet, by the mean absolute difference, with a rate that falls along a cosine every
250,000 of 1,000,000 steps. The second has 1/100 of that difference, the difference of VGG19's maps before their ReLU
(`--model.perceptual.features vgg19:FILE`; by default those of EfficientNet-Lite0 from `jgan[pretrained]`), and 5/1000 of the
relativistic average loss, for 400,000 steps. The defaults are the authors' for crops of 32x32 to 128x128 in batches of 16;
their options have the decay 0.99 of the squared gradients, the paper 0.999. Both players are updated on one pass of the
generator.
"""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp

from jgan.models import options, super_resolution
from jgan.models.model import Model, Preset
from jgan.models.super_resolution import Crop, Perceptual, Schedule
from jgan.networks import ESRGANDiscriminator, RRDBNet, from_module
from jgan.types import Batch, DataSpec, Field, Network, Phase, Whole

LAYERS = {"conv5_4": 1.0}
"""The authors' layer of VGG19."""


@dataclasses.dataclass(frozen=True)
class Generator(super_resolution.Training):
    """The options of the generator, and those of all models of super-resolution."""

    g_width: int = 64
    """channels of the generator's blocks"""
    g_growth: int = 32
    """channels that a convolution of a dense block adds"""
    g_blocks: int = 23
    """residual-in-residual dense blocks of the generator"""
    pretrain_steps: int = 1_000_000
    """generator steps of the first phase, which trains by a distance alone; 0: no such phase"""


@dataclasses.dataclass(frozen=True)
class Config(Generator):
    """The options of the model; the defaults are the authors'."""

    d_width: int = 64
    """channels of the discriminator's first level"""
    d_levels: int = 5
    """halvings of the image in the discriminator"""
    d_head: Literal["dense", "pool"] = "dense"
    """dense layers on all pixels of the last map, or on its mean over the image"""
    crop: Crop = Crop(side=32)
    """the random view of each pair"""
    pretrain_schedule: Schedule = Schedule(period=250_000)
    """the learning rate of the first phase"""
    loss: str = "relativistic_average_detached"
    """a name in jgan.losses.LOSSES"""
    schedule: Schedule = Schedule(falls=(50_000, 100_000, 200_000, 300_000))
    """the learning rates of the second phase"""


def generator(config: Generator, spec: DataSpec) -> tuple[Network, Whole]:
    """Builds the generator.

    Args:
      config: the options of the model.
      spec: the description of the pairs.

    Returns:
      The `Network`, which takes images of any size, and what pictures it takes.

    Raises:
      ValueError: if the network has no such scale.
    """
    scale, (_, small) = super_resolution.scale_of(spec), super_resolution.shapes(config.crop, spec)
    module = RRDBNet(scale, small[-1], config.g_width, config.g_growth, config.g_blocks, dtype=jnp.dtype(config.dtype))
    reach = (15 * config.g_blocks + 5) * (4 // scale)  # one pixel for each of the convolutions, at the size of the blocks
    return from_module(module, small, any_sides=True), Whole(1, scale, reach)


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds an ESRGAN: two phases, or one if `pretrain_steps` is 0.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs: large images `x` and small ones `c`.

    Returns:
      The `Phase`s. Their models are conditioned on images: `gan.sample(key, state, n, images=small)` returns large ones.

    Raises:
      ValueError: if the images do not fit, or an option is out of range.

    Example:
      >>> from jgan.models import esrgan
      >>> [phase.name for phase in esrgan.make(esrgan.small(esrgan.Config()), esrgan.MODEL.small_spec)]
      ['distance', 'adversarial']
    """
    large, _ = super_resolution.shapes(config.crop, spec)
    judge = ESRGANDiscriminator(config.d_width, config.d_levels, config.d_head, jnp.dtype(config.dtype))
    return super_resolution.make(config, spec, generator(config, spec), from_module(judge, large), LAYERS)


SCENES: dict[str, Any] = {
    "g_width": 24,
    "g_growth": 12,
    "g_blocks": 1,
    "d_width": 16,
    "crop": Crop(12),
    "pretrain_steps": 1_500,
    "pretrain": options.Optimizer("adam", learning_rate=1e-3, b1=0.9, b2=0.99),
    "pretrain_schedule": Schedule(period=1_500),
    "perceptual": Perceptual("random:0"),
}
PHOTOGRAPHS: dict[str, Any] = {
    "g_width": 32,
    "g_growth": 16,
    "g_blocks": 3,
    "d_width": 32,
    "crop": Crop(24),
    "pretrain_steps": 10_000,
    "pretrain": options.Optimizer("adam", learning_rate=5e-4, b1=0.9, b2=0.99),
    "pretrain_schedule": Schedule(period=10_000),
}
PRESETS = {
    "esrgan": Preset(
        description="x4 super-resolution on two photographs of scikit-learn, 96x96 pieces: RRDBNet, then ESRGAN",
        dataset="x4:scenes",
        batch_size=16,
        steps=2_000,
        config=Config(**SCENES, d_levels=3, schedule=Schedule()),
        sample_every=500,
    ),
    "esrgan_photographs": Preset(
        description="x4 super-resolution on a folder of photographs (jgan[pretrained]): --data-dir PATH",
        dataset="photographs:x4",
        batch_size=16,
        steps=16_000,
        config=Config(**PHOTOGRAPHS, d_head="pool", schedule=Schedule(falls=(3_000,))),
    ),
}


def small(config: Any) -> Any:
    """The configuration with small networks and a short first phase, for tests; of Real-ESRGAN too."""
    sizes: dict[str, Any] = {"g_width": 4, "g_growth": 2, "g_blocks": 1, "d_width": 2}
    levels = {"d_levels": 2} if hasattr(config, "d_levels") else {}
    return dataclasses.replace(super_resolution.small(config), **sizes, **levels)


SMALL_SPEC = DataSpec(Batch(Field((16, 16, 3)), None, Field((4, 4, 3))), steps_per_epoch=2)

MODEL = Model(Config, make, PRESETS, super_resolution.accepts, small, SMALL_SPEC, evaluator="super_resolution")
