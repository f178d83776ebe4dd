"""Real-ESRGAN (Wang et al., 2021), https://arxiv.org/abs/2107.10833: ESRGAN for photographs of unknown quality.

The small images are made anew at every step from the large ones: blurred, resized, noisy and compressed, twice, at random (see
`jgan.degradations.RealESRGAN`); those of the data set only serve the measures. The first phase trains RRDBNet by the mean
absolute difference, the second with the same, five layers of VGG19 before their ReLU (`--model.perceptual.features vgg19:FILE`;
by default those of EfficientNet-Lite0) and a tenth of the usual adversarial loss of a U-Net that judges each pixel. The first
two are measured against the sharpened image; the discriminator sees the true one. The defaults are the authors' for crops of
64x64 to 256x256, in batches of 48.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jgan.degradations import RealESRGAN, sharpened
from jgan.models import esrgan, super_resolution
from jgan.models.esrgan import Generator
from jgan.models.model import Model, Preset
from jgan.models.super_resolution import Crop
from jgan.networks import UNetDiscriminator, from_module
from jgan.types import Batch, DataSpec, Key, Phase
from jgan.views import View

LAYERS = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}
"""The authors' layers of VGG19."""


@dataclasses.dataclass(frozen=True)
class Config(Generator):
    """The options of the model; the defaults are the authors'."""

    d_width: int = 64
    """channels of the discriminator at the size of the image"""
    crop: Crop = Crop(side=64, turn=False)
    """the random view of each pair"""
    degrade: bool = True
    """make the small images of a step by the random degradation; otherwise they are those of the data"""
    sharpen: bool = True
    """compare the generator's images with sharpened ones, and degrade these"""
    pixel_weight: float = 1.0
    """weight of the mean absolute difference in the second phase"""
    adversarial_weight: float = 0.1
    """weight of the generator's adversarial loss"""


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds a Real-ESRGAN: two phases, or one if `pretrain_steps` is 0.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs: large images `x` and small ones `c`.

    Returns:
      The `Phase`s. Their models are conditioned on images: `gan.sample(key, state, n, images=small)` returns large ones.

    Raises:
      ValueError: if the images do not fit, or an option is out of range.

    Example:
      >>> from jgan.models import realesrgan
      >>> [phase.name for phase in realesrgan.make(esrgan.small(realesrgan.Config()), esrgan.SMALL_SPEC)]
      ['distance', 'adversarial']
    """
    large, _ = super_resolution.shapes(config.crop, spec)
    judge = from_module(UNetDiscriminator(config.d_width, jnp.dtype(config.dtype)), large)
    target = sharpened if config.sharpen else (lambda images: images)
    view = degrading(RealESRGAN(super_resolution.scale_of(spec), sharpen=config.sharpen)) if config.degrade else None
    return super_resolution.make(config, spec, esrgan.generator(config, spec), judge, LAYERS, view=view, target=target)


def degrading(degradation: RealESRGAN) -> View:
    """The view of a minibatch whose small images are made anew from the large ones.

    Args:
      degradation: the pipeline.

    Returns:
      The view.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.degradations import RealESRGAN
      >>> from jgan.models import realesrgan
      >>> seen = jax.eval_shape(realesrgan.degrading(RealESRGAN()), jax.random.key(0), Batch(jnp.zeros((2, 32, 48, 3))))
      >>> seen.c.shape
      (2, 8, 12, 3)
    """

    def view(key: Key, batch: Batch, axis_name: str | None = None) -> Batch:
        return batch._replace(c=jax.lax.stop_gradient(degradation(key, batch.x, axis_name=axis_name)))

    return view


PRESETS = {
    "realesrgan": Preset(
        description="x4 super-resolution of degraded images on two photographs of scikit-learn: RRDBNet, then Real-ESRGAN",
        dataset="x4:scenes",
        batch_size=8,
        steps=2_000,
        config=Config(**esrgan.SCENES),
        sample_every=500,
    ),
    "realesrgan_photographs": Preset(
        description="x4 super-resolution of degraded photographs, of a folder (jgan[pretrained]): --data-dir PATH",
        dataset="photographs:x4",
        batch_size=16,
        steps=16_000,
        config=Config(**esrgan.PHOTOGRAPHS),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks and a short first phase, for tests; the degradation has a test of its own."""
    return dataclasses.replace(esrgan.small(config), degrade=False, sharpen=False)


MODEL = Model(Config, make, PRESETS, super_resolution.accepts, small, esrgan.SMALL_SPEC, evaluator="super_resolution")
