"""Semi-supervised GAN (Salimans et al., 2016), https://arxiv.org/abs/1606.03498: a classifier learns from unlabelled images.

For the sets "labelled" and "unlabelled" of `--dataset partly_labelled:SOURCE:N`, N labelled images of each class. The
discriminator is a classifier of K classes, whose logits l_k also say whether an image is real:

  D(x) = sum_k exp(l_k) / (1 + sum_k exp(l_k)),        logit D(x) = log sum_k exp(l_k)

It minimises the cross-entropy of the labelled images plus half of the usual loss between unlabelled images and fakes. The
generator only matches the means of the discriminator's last hidden layer. The networks are those of the authors' code for
MNIST: fully connected, weight-normalised with an initialisation from the data, Gaussian noise in the discriminator, whose
averaged weights classify. With `architecture="conv"` they are those for CIFAR-10: convolutions, dropout instead of noise, and
the absolute distances of the means instead of the squared ones. `classifier` is the trained discriminator as a function of
images.

The first training batch sets the initial lengths, where the authors' code takes 500 images. For CIFAR-10 that code lowers the
rate to 0 over the last 400 of 1,200 epochs, as `sgan_cifar10` does.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import games, losses, optim, rng, terms
from jgan.models import accepts, options
from jgan.models.assembly import assemble, unit_interval
from jgan.models.model import Model, Preset
from jgan.networks import (
    SGANConvDiscriminator,
    SGANConvGenerator,
    SGANDiscriminator,
    SGANGenerator,
    dcgan,
    from_module,
)
from jgan.types import GAN, Batch, DataSpec, Field, Network, PlayerState


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    latent_size: int = 100
    """dimension of the noise z"""
    noise: rng.Noise = "uniform"
    """distribution of z, of unit variance: gaussian or uniform"""
    architecture: Literal["dense", "conv"] = "dense"
    """the networks: fully connected (dense), or convolutional (conv)"""
    g_units: tuple[int, ...] = (500, 500)
    """hidden layers of the dense generator"""
    d_units: tuple[int, ...] = (1000, 500, 250, 250, 250)
    """hidden layers of the dense discriminator"""
    input_noise: float = 0.3
    """standard deviation of the noise on the dense D's images"""
    hidden_noise: float = 0.5
    """standard deviation of the noise on the dense D's hidden layers"""
    g_width: int = 128
    """channels of the convolutional G before its last layer; each earlier layer has twice as many"""
    d_width: int = 96
    """channels of the convolutional D's first three layers; later ones have twice as many"""
    input_keep: float = 0.8
    """probability that the convolutional D's dropout keeps a number of its images"""
    hidden_keep: float = 0.5
    """probability that the convolutional D's dropout keeps a number of a hidden layer"""
    unlabelled_weight: float = 1.0
    """weight of the loss of unlabelled images and fakes beside that of labelled images"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=3e-3, b1=0.5)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(0.9999)
    """the average of the weights of both players"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""


NO_LOSS = losses.Loss(losses.cross_entropy_discriminator, lambda real, fake: jnp.zeros_like(fake))
"""The discriminator's usual loss; the generator has none beside the matching of features."""


def labelled(spec: DataSpec) -> Batch:
    """The description of the labelled set."""
    return spec.sets["labelled"]


def check(spec: DataSpec) -> None:
    """Accepts labelled and unlabelled images of one shape.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data.
    """
    accepts.several("labelled", "unlabelled")(spec)
    if not isinstance(labelled(spec).y, Field) or labelled(spec).x.shape != spec.sets["unlabelled"].x.shape:
        expected = "a labelled set with class labels and an unlabelled set of images of the same shape"
        raise ValueError(f"this model is for {expected}, found {accepts.described(spec)}: choose another --dataset")


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """Builds the generator and the discriminator.

    Args:
      config: the options of the model.
      spec: the shape and the classes of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the sides of the images do not fit the convolutional networks.
    """
    shape, classes, dtype = labelled(spec).x.shape, labelled(spec).y.size, jnp.dtype(config.dtype)
    generator: Any
    discriminator: Any
    if config.architecture == "dense":
        generator = SGANGenerator(shape, config.g_units, dtype)
        discriminator = SGANDiscriminator(classes, config.d_units, config.input_noise, config.hidden_noise, dtype)
    else:
        dcgan.stages(shape, "the semi-supervised GAN")
        generator = SGANConvGenerator(shape, config.g_width, dtype)
        discriminator = SGANConvDiscriminator(classes, config.d_width, config.input_keep, config.hidden_keep, dtype)
    return from_module(generator, (config.latent_size,)), from_module(discriminator, shape)


def classifier(config: Config, spec: DataSpec) -> Callable[[PlayerState, jax.Array], jax.Array]:
    """The discriminator as a classifier.

    Args:
      config: the options of the model.
      spec: the shape and the classes of the images.

    Returns:
      `classify(state.discriminator, images) -> [N, K]` logits of images in [0, 1], by the averaged weights; it can be jitted.

    Example:
      >>> import jax
      >>> from jgan import data
      >>> from jgan.models import sgan
      >>> dataset, config = data.load("partly_labelled:digits"), sgan.small(sgan.Config())
      >>> spec = data.spec(dataset, batch_size=10)
      >>> state = sgan.make(config, spec).init(jax.random.key(0))
      >>> images = dataset.test["labelled"].x[:3] / 255
      >>> sgan.classifier(config, spec)(state.discriminator, images).shape
      (3, 10)
    """
    _, network = networks(config, spec)

    def classify(player: PlayerState, images: jax.Array) -> jax.Array:
        params, model_state = optim.ema_weights(player, True)
        (_, (classes, _)), _ = network.apply(params, model_state, images)
        return classes

    return classify


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a semi-supervised GAN.

    Args:
      config: the options of the model.
      spec: the sets "labelled" and "unlabelled".

    Returns:
      The `GAN`; a minibatch is a dict of two `Batch`es.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import data
      >>> from jgan.models import sgan
      >>> spec = data.spec(data.load("partly_labelled:digits"), batch_size=10)
      >>> gan = sgan.make(sgan.small(sgan.Config()), spec)
      >>> key = jax.random.key(0)
      >>> gan.sample(key, jax.jit(gan.init)(key), 2).shape
      (2, 8, 8, 1)
    """

    def cross_entropy(output, examples: Batch) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(output[0], examples.y)

    game = games.Adversarial(
        *networks(config, spec),
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, config.noise, axis_name),
        NO_LOSS,
        discriminator_weight=0.5 * config.unlabelled_weight,
        terms=(
            terms.supervised(cross_entropy, lambda batch: batch["labelled"]),
            terms.feature_matching(select=lambda output: output[1], absolute=config.architecture == "conv"),
        ),
        real=lambda batch: batch["unlabelled"],
    )
    average = config.ema.average(spec)
    optimizers = options.optimizers(config.optimizer, config.rule, average)._replace(d_ema=average)
    made = config.rule.steps(game, optimizers)
    return assemble(game, made, optimizers, output=unit_interval, n_critic=config.rule.n_critic)


_SMALLER = Config(g_units=(128, 128), d_units=(256, 128, 64), ema=options.EMA(0.999))

PRESETS = {
    "sgan": Preset(
        description="semi-supervised GAN on scikit-learn's 8x8 digits, 10 labels a class: a classifier from few labels",
        dataset="partly_labelled:digits:10",
        batch_size=64,
        steps=5_000,
        config=_SMALLER,
    ),
    "sgan_mnist": Preset(
        description="semi-supervised GAN on MNIST, 10 labels a class, the authors' configuration (300 epochs)",
        dataset="partly_labelled:mnist:10",
        batch_size=100,
        steps=300 * 500,
        config=Config(),
    ),
    "sgan_cifar10": Preset(
        description="semi-supervised GAN on CIFAR-10, 400 labels a class, the authors' networks (1,200 epochs): for a GPU",
        dataset="partly_labelled:cifar10:400",
        batch_size=100,
        steps=1200 * 500,
        config=Config(
            architecture="conv",
            optimizer=options.Optimizer(
                "adam", learning_rate=3e-4, b1=0.5, decay="linear", decay_from=800 * 500, decay_steps=400 * 500
            ),
        ),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    ema = options.EMA(0.9)
    return dataclasses.replace(config, latent_size=6, g_units=(6,), d_units=(6, 5), g_width=2, d_width=2, ema=ema)


_LABELLED = DataSpec.images((8, 8, 1), steps_per_epoch=2, n_classes=3).example
MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    DataSpec({"labelled": _LABELLED, "unlabelled": _LABELLED._replace(y=None)}, steps_per_epoch=2),
    evaluator="classifier",
    tools=lambda config, spec: {"classify": classifier(config, spec)},
)
