"""SRGAN (Ledig et al., 2017), https://arxiv.org/abs/1609.04802: super-resolution, after a phase of mean squared error.

The first phase trains the generator, SRResNet, by the mean squared error. The second adds 1/1000 of the adversarial loss to a
perceptual one, the mean squared difference of VGG19's maps (`--model.perceptual.features vgg19:FILE`; by default those of
EfficientNet-Lite0 from `jgan[pretrained]`). The paper's steps are 1,000,000, then 100,000 at the rate 1e-4 and 100,000 at 1e-5.
`--model.generator msrresnet` is BasicSR's generator without batch normalisation, `--model.g-blocks 5 --model.output tanh
--model.d-head pool` the networks of leftthomas/SRGAN.
"""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp

from jgan.models import options, super_resolution
from jgan.models.model import Model, Preset
from jgan.models.super_resolution import Crop, Perceptual, Schedule
from jgan.networks import MSRResNet, SRGANDiscriminator, SRResNet, from_module
from jgan.types import Batch, DataSpec, Field, Network, Phase, Whole
from jgan.utils.registry import unknown

VGG54 = {"conv5_4": 1 / 12.75**2}
"""The paper's layer; its code divides the features by 12.75."""


@dataclasses.dataclass(frozen=True)
class Config(super_resolution.Training):
    """The options of the model; the defaults are the paper's."""

    generator: Literal["srresnet", "msrresnet"] = "srresnet"
    """srresnet, or msrresnet: without normalisation, added to the linearly enlarged image"""
    g_width: int = 64
    """channels of the generator"""
    g_blocks: int = 16
    """residual blocks of the generator"""
    output: Literal["linear", "tanh"] = "linear"
    """the last layer of srresnet"""
    d_width: int = 64
    """channels of the discriminator's first level"""
    d_levels: int = 4
    """halvings of the image in the discriminator"""
    d_head: Literal["dense", "pool"] = "dense"
    """dense layers on all pixels of the last map, or on its mean over the image"""
    crop: Crop = Crop(side=24, flip=False, turn=False)
    """the random view of each pair"""
    pretrain_steps: int = 1_000_000
    """generator steps of the first phase, which trains by a distance alone; 0: no such phase"""
    pretrain: options.Optimizer = options.Optimizer("adam", learning_rate=1e-4, b1=0.9)
    """the optimiser of the first phase"""
    pixel: super_resolution.Distance = "mse"
    """the distance of the first phase"""
    pixel_weight: float = 0.0
    """weight of the mean absolute difference in the second phase"""
    adversarial_weight: float = 1e-3
    """weight of the generator's adversarial loss"""
    perceptual: Perceptual = Perceptual(distance="mse", relu=True)
    """the perceptual loss of the second phase"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-4, b1=0.9)
    """the optimiser of both players in the second phase"""
    schedule: Schedule = Schedule(falls=(100_000,), fall=0.1)
    """its learning rates"""
    ema: options.EMA = options.EMA()
    """the average of the generator's weights"""


def generator(config: Config, spec: DataSpec) -> tuple[Network, Whole]:
    """Builds the generator.

    Args:
      config: the options of the model.
      spec: the description of the pairs.

    Returns:
      The `Network`, which takes images of any size, and what pictures it takes.

    Raises:
      ValueError: if an option is unknown.
    """
    scale, (_, small) = super_resolution.scale_of(spec), super_resolution.shapes(config.crop, spec)
    common: dict[str, Any] = {"scale": scale, "channels": small[-1], "width": config.g_width, "blocks": config.g_blocks}
    dtype = jnp.dtype(config.dtype)
    if config.generator == "msrresnet":
        return from_module(MSRResNet(**common, dtype=dtype), small, any_sides=True), Whole(1, scale, 2 * config.g_blocks + 5)
    if config.generator != "srresnet":
        raise ValueError(unknown("generator", config.generator, ("srresnet", "msrresnet")))
    module = SRResNet(**common, output=config.output, dtype=dtype)
    return from_module(module, small, any_sides=True), Whole(1, scale, 2 * config.g_blocks + 11)


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds an SRGAN: two phases, or one if `pretrain_steps` is 0.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs: large images `x` and small ones `c`.

    Returns:
      The `Phase`s. Their models are conditioned on images: `gan.sample(key, state, n, images=small)` returns large ones.

    Raises:
      ValueError: if the images do not fit, or an option is out of range.

    Example:
      >>> import jax, numpy as np
      >>> from jgan.models import srgan
      >>> first, second = srgan.make(srgan.small(srgan.Config()), srgan.MODEL.small_spec)
      >>> trained = first.gan.init(jax.random.key(0))
      >>> state = second.enter(jax.random.key(1), trained)
      >>> second.gan.sample(jax.random.key(2), state, 2, images=np.zeros((2, 4, 4, 3))).shape
      (2, 16, 16, 3)
    """
    large, _ = super_resolution.shapes(config.crop, spec)
    judge = SRGANDiscriminator(config.d_width, config.d_levels, config.d_head, jnp.dtype(config.dtype))
    return super_resolution.make(config, spec, generator(config, spec), from_module(judge, large), VGG54)


_SCENES = Config(
    g_width=24,
    g_blocks=4,
    d_width=16,
    d_levels=3,
    crop=Crop(12),
    pretrain_steps=1_500,
    pretrain=options.Optimizer("adam", learning_rate=1e-3, b1=0.9),
    perceptual=Perceptual("random:0", distance="mse"),
    schedule=Schedule(),
)
PRESETS = {
    "srgan": Preset(
        description="x4 super-resolution on two photographs of scikit-learn, 96x96 pieces: SRResNet, then SRGAN",
        dataset="x4:scenes",
        batch_size=16,
        steps=2_000,
        config=_SCENES,
        sample_every=500,
    ),
    "srgan_photographs": Preset(
        description="x4 super-resolution on a folder of photographs (jgan[pretrained]): --data-dir PATH",
        dataset="photographs:x4",
        batch_size=16,
        steps=16_000,
        config=dataclasses.replace(
            _SCENES,
            g_width=32,
            g_blocks=8,
            d_width=32,
            d_levels=4,
            d_head="pool",
            crop=Crop(24),
            pretrain_steps=10_000,
            pretrain=options.Optimizer("adam", learning_rate=5e-4, b1=0.9),
            pretrain_schedule=Schedule(period=10_000),
            perceptual=Perceptual(distance="mse"),
            # at the paper's 0 and 0.001 these maps are all that counts, and G draws a grid of 4 pixels for them
            pixel_weight=1.0,
            adversarial_weight=0.01,
            ema=options.EMA(0.999),
        ),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks and a short first phase, for tests."""
    sizes: dict[str, Any] = {"g_width": 4, "g_blocks": 1, "d_width": 2, "d_levels": 2}
    return dataclasses.replace(super_resolution.small(config), **sizes)


SMALL_SPEC = DataSpec(Batch(Field((16, 16, 3)), None, Field((4, 4, 3))), steps_per_epoch=2)

MODEL = Model(Config, make, PRESETS, super_resolution.accepts, small, SMALL_SPEC, evaluator="super_resolution")
