"""WGAN-GP (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028: the critic's gradient has norm 1 between data and fakes.

The two convolutional networks of the authors' code, for images of any size from 5x5:

  MNIST      no normalisation, sigmoid, batches of 50 (`batch_norm=False, symmetric=False`)
  CIFAR-10   batch normalisation in the generator alone, tanh, width 128 or 64; its comment says that 128 overfits

Both: five updates of the critic for one of the generator, Adam with the rate 1e-4, b1 0.5 and b2 0.9, 200,000 steps, and the
penalty 10 (|grad D(x)| - 1)^2 at one random point between each image and a fake. Its gradient is that in the images that the
networks work on: in [-1, 1] for CIFAR-10, where a gradient is half of that in this library's images, in [0, 1] for MNIST.
"""

import dataclasses

import jax.numpy as jnp

from jgan import penalties
from jgan.losses import wasserstein
from jgan.models import accepts
from jgan.models.images import SMALL_SPEC, Training, play, presets, small
from jgan.models.model import Model
from jgan.models.options import Optimizer, Rule
from jgan.networks import WGANGPCritic, WGANGPGenerator, from_module, wgan_gp
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    batch_norm: bool = True
    """batch normalisation in the generator"""
    symmetric: bool = True
    """whether the networks work on images in [-1, 1] (tanh) rather than in [0, 1] (sigmoid)"""
    penalty: float = 10.0
    """weight of the gradient penalty"""
    rule: Rule = Rule(n_critic=5)
    """the update rule"""
    optimizer: Optimizer = Optimizer("adam", learning_rate=1e-4, b1=0.5, b2=0.9)
    """the optimiser of both players"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images, not smaller than a kernel; raises a `ValueError` for anything else."""
    accepts.images(spec)
    wgan_gp.sizes(spec.shape)


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The generator and the critic."""
    dtype = jnp.dtype(config.dtype)
    generator = WGANGPGenerator(spec.shape, config.width, config.batch_norm, config.symmetric, dtype)
    critic = WGANGPCritic(config.width, config.symmetric, dtype)
    return from_module(generator, (config.latent_size,)), from_module(critic, spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a WGAN-GP.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`; its batches hold `n_critic` minibatches.

    Raises:
      ValueError: if the images are too small, or an option is out of range.

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
    return play(config, spec, wasserstein, networks(config, spec), penalties=(penalty,))


PRESETS = presets(
    "wgan_gp",
    "Wasserstein GAN (gradient penalty)",
    Config(batch_norm=False, symmetric=False),
    batch_size=50,
    photographs=Config(),
)


MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, nearest=wgan_gp.nearest)
