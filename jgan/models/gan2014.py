"""The fully connected GAN of Goodfellow et al. (2014), "Generative Adversarial Nets", https://arxiv.org/abs/1406.2661

The defaults are the authors' MNIST configuration: a ReLU generator with a sigmoid output whose bias starts at the logit of the
mean image, a maxout discriminator with dropout on every layer's input, momentum SGD with decaying rate and growing momentum, and
*simultaneous* updates that share noise and masks, with the generator's non-saturating loss and half the discriminator's.
Algorithm 1 as it is printed is `schedule="alternating", fresh_latents=True, loss="minimax", discriminator_weight=1`.
"""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import optax

from jgan import optim, rng, steps
from jgan.losses import LOSSES
from jgan.models import Preset
from jgan.networks import MLPDiscriminator, MLPGenerator, from_module
from jgan.types import GAN, DataSpec, GANState, Key, Network


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model; the defaults are the authors' `mnist.yaml`."""

    latent_size: int = 100
    """dimension of the noise z"""
    noise: rng.Noise = "uniform"
    """its distribution, of unit variance"""
    g_units: tuple[int, ...] = (1200, 1200)
    """hidden layers of the generator"""
    g_irange: float = 0.05
    """generator weights start in U(-irange, irange)"""
    marginal_bias: bool = True
    """start the output bias at the logit of the mean training image"""
    d_units: tuple[int, ...] = (240, 240)
    """maxout layers of the discriminator"""
    d_pieces: int = 5
    """affine pieces of a maxout unit"""
    d_irange: float = 0.005
    """discriminator weights start in U(-irange, irange)"""
    input_keep: float = 0.8
    """probability that dropout keeps a pixel"""
    hidden_keep: float = 0.5
    """probability that dropout keeps a hidden unit"""
    loss: Literal["non_saturating", "minimax", "least_squares"] = "non_saturating"
    """the pair of losses"""
    discriminator_weight: float = 0.5
    """factor on the discriminator's loss"""
    schedule: Literal["simultaneous", "alternating"] = "simultaneous"
    """update both players at once, or in turn as Algorithm 1"""
    n_critic: int = 1
    """discriminator updates a step (alternating only)"""
    fresh_latents: bool = False
    """new noise for the generator's update (alternating only)"""
    learning_rate: float = 0.1
    """learning rate of the first update"""
    learning_rate_decay: float = 1.000004
    """factor by which each update divides it"""
    min_learning_rate: float = 1e-6
    """floor of the learning rate"""
    momentum: float = 0.5
    """momentum in the first epoch"""
    final_momentum: float = 0.7
    """momentum after the ramp"""
    momentum_epochs: int = 250
    """length of the ramp in epochs"""
    ema_decay: float = 0.0
    """decay of the averaged generator; 0 keeps none"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""


def optimizer(config: Config, steps_per_epoch: int) -> optax.GradientTransformation:
    """The authors' SGD: rate divided by a constant at every update, momentum raised at every epoch.

    Args:
      config: the options of the model.
      steps_per_epoch: the number of updates in an epoch.

    Returns:
      The gradient transformation.

    Example:
      >>> from jgan.models import gan2014
      >>> transformation = gan2014.optimizer(gan2014.Config(), steps_per_epoch=500)
    """
    rate = optim.exponential_decay(config.learning_rate, config.learning_rate_decay, config.min_learning_rate)
    momentum = optim.epoch_ramp(config.momentum, config.final_momentum, config.momentum_epochs, steps_per_epoch)
    return optim.momentum_sgd(rate, momentum)


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The two players.

    Args:
      config: the options of the model.
      spec: the shape and the mean of the images.

    Returns:
      `(generator, discriminator)`.

    Example:
      >>> from jgan.models import gan2014
      >>> from jgan.types import DataSpec
      >>> generator, discriminator = gan2014.networks(gan2014.Config(), DataSpec((28, 28, 1), 500))
    """
    bias_init = jax.nn.initializers.zeros
    if config.marginal_bias and spec.pixel_mean is not None:
        logit = jax.scipy.special.logit(jnp.clip(jnp.ravel(spec.pixel_mean), 1e-7, 1 - 1e-7))
        bias_init = lambda key, shape, dtype=jnp.float32: logit.astype(dtype).reshape(shape)  # noqa: E731
    generator = MLPGenerator(
        image_shape=spec.image_shape,
        units=config.g_units,
        activations=("relu",) * len(config.g_units),
        irange=config.g_irange,
        output_bias_init=bias_init,
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
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.image_shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """The 2014 GAN.

    Args:
      config: the options of the model.
      spec: what it must know of the data: image shape, steps in an epoch, mean image.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of its range.

    Example:
      >>> import jax
      >>> from jgan import Batch
      >>> from jgan.models import gan2014
      >>> from jgan.types import DataSpec
      >>> gan = gan2014.make(gan2014.Config(g_units=(16,), d_units=(8,)), DataSpec((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> state, metrics = jax.jit(gan.step)(key, gan.init(key), Batch(jax.numpy.zeros((4, 8, 8, 1))))
      >>> sorted(metrics), gan.sample(key, state, 2).shape
      (['d_fake_accuracy', 'd_loss', 'd_real_accuracy', 'g_loss'], (2, 8, 8, 1))
    """
    generator, discriminator = networks(config, spec)
    sgd = optimizer(config, spec.steps_per_epoch)
    g_sgd = optax.chain(sgd, optim.weight_average(config.ema_decay)) if config.ema_decay else sgd
    optimizers = steps.Optimizers(generator=g_sgd, discriminator=sgd)

    def latents(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.latents(key, n, config.latent_size, config.noise, axis_name)

    game = steps.adversarial(
        generator,
        discriminator,
        latents,
        LOSSES[config.loss],
        discriminator_weight=config.discriminator_weight,
    )
    if config.schedule == "simultaneous":
        made = steps.simultaneous(game, optimizers)
    else:
        made = steps.alternating(game, optimizers, n_critic=config.n_critic, fresh_latents=config.fresh_latents)

    def generate(state: GANState, z: jax.Array, averaged: bool = True) -> jax.Array:
        player = state.generator
        params = optim.averaged_params(player) if averaged else player.params
        images, _ = generator.apply(params, player.extra, z)
        return images

    return GAN(
        init=lambda key: steps.init_state(key, generator, discriminator, optimizers),
        d_step=made.d_step,
        g_step=made.g_step,
        step=made.step,
        latents=latents,
        generate=generate,
        n_critic=config.n_critic if config.schedule == "alternating" else 1,
    )


PRESETS = {
    "digits": Preset(
        description="the 2014 GAN on scikit-learn's 1,797 embedded 8x8 digits: a minute on two cores",
        dataset="digits",
        batch_size=100,
        steps=5000,
        model=Config(g_units=(256, 256), d_units=(128, 128), ema_decay=0.999),
    ),
    "mnist": Preset(
        description="the authors' MNIST configuration, 28x28 digits",
        dataset="mnist",
        batch_size=100,
        steps=500 * 250,
        model=Config(ema_decay=0.9998),
    ),
    "fashion_mnist": Preset(
        description="the MNIST configuration on articles of clothing",
        dataset="fashion_mnist",
        batch_size=100,
        steps=500 * 250,
        model=Config(ema_decay=0.9998),
    ),
}
"""The fully connected models of the paper; the averaged generator is an addition, `--model.ema-decay 0` the original."""
