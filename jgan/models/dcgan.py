"""DCGAN (Radford et al., 2016), https://arxiv.org/abs/1511.06434: convolutional networks with batch normalisation.

For grey or colour images whose sides are 4 to 7 times a power of two: 28x28, 32x32, 64x64, the 8x8 digits. Real
images and fakes pass the discriminator separately, each with its own batch statistics. The layers, initial weights and Adam
options are those of the PyTorch example; `d_activation` and `g_activation` offer GELU.

The networks of the authors' own code (https://github.com/Newmu/dcgan_code, faces, 64x64) are `width=128, kernel_size=5,
unit_norm=True`. Their training differs too: uniform noise (`noise="uniform"`), batches of 128, weight decay of 1e-5 and one
minibatch for either player in turn. For 28x28 images the presets have the linear layers of that code's networks for MNIST and a
faster generator: see `jgan.models.dcgan_options.presets`.
"""

import dataclasses

from jgan.losses import LOSSES
from jgan.models.dcgan_options import Options, check, nearest, networks, presets, small
from jgan.models.images import SMALL_SPEC, play
from jgan.models.model import Model
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """The options of the model."""

    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a DCGAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import Batch, DataSpec
      >>> from jgan.models import dcgan
      >>> gan = dcgan.make(dcgan.Config(width=4), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """
    return play(config, spec, LOSSES[config.loss], networks(config, spec))


PRESETS = presets("dcgan", "convolutional GAN", Config(), rates=(1e-3, 2e-4))

MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=nearest)
