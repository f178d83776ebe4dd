"""The fully connected GAN of Goodfellow et al. (2014), "Generative Adversarial Nets", https://arxiv.org/abs/1406.2661

The defaults are the authors' MNIST configuration: a ReLU generator with a sigmoid output whose bias starts at the logit of the
mean image, and a maxout discriminator with dropout on every layer's input. Their training is described in `paper2014`.
"""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jgan.models import accepts
from jgan.models.model import Model, Preset
from jgan.models.options import EMA
from jgan.models.paper2014 import Activation, MomentumSGD, Training, marginal_bias, per_layer, play, real_view
from jgan.networks import MLPDiscriminator, MLPGenerator, from_module
from jgan.networks.layers import symmetric_uniform
from jgan.types import GAN, DataSpec, Network


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the fully connected model; the defaults are the authors' `mnist.yaml`."""

    g_units: tuple[int, ...] = (1200, 1200)
    """hidden layers of the generator"""
    g_activations: tuple[Activation, ...] = ("relu",)
    """activations of the hidden layers: one per layer, or one for all"""
    g_irange: float = 0.05
    """generator weights start in U(-irange, irange)"""
    g_output: Literal["sigmoid", "linear"] = "sigmoid"
    """activation of the generator's last layer"""
    g_output_irange: float | None = None
    """range of the last layer's weights; None: same as g_irange"""
    marginal_bias: bool = True
    """start the output bias at the logit of the mean training image"""
    d_units: tuple[int, ...] = (240, 240)
    """maxout layers of the discriminator"""
    d_pieces: int = 5
    """affine pieces of a maxout unit"""
    d_irange: float = 0.005
    """discriminator weights start in U(-irange, irange)"""
    contrast_normalized: bool = False
    """train on images of mean 0 and norm 55 (requires a linear output)"""


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The two players.

    Args:
      config: the options of the model.
      spec: the shape and the mean of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the generator's options contradict each other.

    Example:
      >>> from jgan.models import gan2014
      >>> from jgan.types import DataSpec
      >>> generator, discriminator = gan2014.networks(gan2014.Config(), DataSpec.images((28, 28, 1), 500))
    """
    if config.g_output == "linear" and config.marginal_bias:
        raise ValueError("marginal_bias is a logit, for g_output 'sigmoid'; turn it off for g_output 'linear'")
    if config.g_output == "sigmoid" and config.contrast_normalized:
        raise ValueError("contrast_normalized images have negative values: it needs g_output 'linear', found 'sigmoid'")
    generator = MLPGenerator(
        image_shape=spec.shape,
        units=config.g_units,
        activations=per_layer("g_activations", config.g_activations, config.g_units),
        output=config.g_output,
        irange=config.g_irange,
        output_kernel_init=None if config.g_output_irange is None else symmetric_uniform(config.g_output_irange),
        output_bias_init=marginal_bias(spec) if config.marginal_bias else jax.nn.initializers.zeros,
        dtype=jnp.dtype(config.dtype),
    )
    discriminator = MLPDiscriminator(
        units=config.d_units,
        pieces=config.d_pieces,
        irange=config.d_irange,
        input_keep=config.input_keep,
        hidden_keep=config.hidden_keep,
        dtype=jnp.dtype(config.dtype),
    )
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds the 2014 GAN.

    Args:
      config: the options of the model.
      spec: the image shape, the steps per epoch and the mean image.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import Batch
      >>> from jgan.models import gan2014
      >>> from jgan.types import DataSpec
      >>> gan = gan2014.make(gan2014.Config(g_units=(16,), d_units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> state, metrics = jax.jit(gan.step)(key, gan.init(key), Batch(jax.numpy.zeros((4, 8, 8, 1))))
      >>> sorted(metrics), gan.sample(key, state, 2).shape
      (['d_fake_accuracy', 'd_loss', 'd_real_accuracy', 'g_loss'], (2, 8, 8, 1))
    """
    return play(config, spec, *networks(config, spec), contrast_normalized=config.contrast_normalized)


PRESETS = {
    "digits": Preset(
        description="the 2014 GAN on scikit-learn's 1,797 8x8 digits: a minute on two CPU cores",
        dataset="digits",
        batch_size=100,
        steps=12_000,
        # The authors' range of .005 is for 784 pixels: with 64, both losses would stay at ln 2 for a thousand steps.
        config=Config(g_units=(256, 256), d_units=(128, 128), d_irange=0.05, ema=EMA(0.999)),
    ),
    "mnist": Preset(
        description="the authors' MNIST configuration, 28x28 digits",
        dataset="mnist",
        batch_size=100,
        steps=500 * 250,
        config=Config(ema=EMA(0.99993)),  # a half-life of 20 epochs, the best of benchmarks.mnist_parzen
    ),
    "fashion_mnist": Preset(
        description="the MNIST configuration on Fashion-MNIST",
        dataset="fashion_mnist",
        batch_size=100,
        steps=500 * 250,
        config=Config(ema=EMA(0.99993)),
    ),
    "cifar10_fc": Preset(
        description="the authors' fully connected CIFAR-10 configuration, 127 million parameters: for a GPU",
        dataset="cifar10",
        batch_size=100,
        steps=400 * 250,
        config=Config(
            noise="gaussian",
            g_units=(8000, 8000),
            g_activations=("relu", "sigmoid"),
            g_output="linear",
            g_output_irange=0.5,
            marginal_bias=False,
            d_units=(1600, 1600),
            contrast_normalized=True,
            optimizer=MomentumSGD(learning_rate=0.025),
            ema=EMA(0.9998),
        ),
    ),
}
"""The fully connected models of the paper. The averaged generator is an addition; `--model.ema.decay 0` gives the original. The
length, 250 epochs, is that of the momentum ramp, because the authors' runs had no stopping rule."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    rule = dataclasses.replace(config.rule, n_critic=1)
    g_units, d_units = (6,) * len(config.g_units), (6,) * len(config.d_units)
    ema = EMA(0.9) if config.ema.decay else config.ema
    return dataclasses.replace(config, latent_size=6, g_units=g_units, d_units=d_units, d_irange=0.3, rule=rule, ema=ema)


MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.images,
    small,
    DataSpec.images((8, 8, 1), steps_per_epoch=2, mean=np.full((8, 8, 1), 0.3, np.float32)),
    real_view=lambda config: real_view if config.contrast_normalized else None,
)
