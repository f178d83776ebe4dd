"""What the models of images share: options of the training, the game with or without labels, presets.

The averaged generator is an addition of this library to the published models; `--model.ema.decay 0` leaves it out.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import games, rng
from jgan.augment import dequantised
from jgan.losses import Loss
from jgan.models import options
from jgan.models.assembly import assemble, unit_interval
from jgan.models.model import Preset
from jgan.networks import from_module
from jgan.penalties import Penalty
from jgan.terms import Term
from jgan.types import GAN, Augmentation, DataSpec, Field, Network


@dataclasses.dataclass(frozen=True)
class Training:
    """The options that all of these models share."""

    latent_size: int = 100
    """dimension of the noise z"""
    noise: rng.Noise = "gaussian"
    """distribution of z, of unit variance: gaussian or uniform"""
    width: int = 64
    """channels of the layers with the largest images; deeper layers have 2, 4, 8 ... times as many"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.5)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(0.999)
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""
    dequantise: bool = False
    """uniform noise of one grey level on the real images, which are 8-bit ones"""


def play(
    config: Training,
    spec: DataSpec,
    loss: Loss,
    networks: tuple[Network, Network],
    *,
    penalties: tuple[Penalty, ...] = (),
    terms: tuple[Term, ...] = (),
    augment: Augmentation | None = None,
    labels: bool = False,
    latents: Callable[..., jax.Array] | None = None,
    truncated: Callable[[float], Network] | None = None,
    g_gradient: optax.GradientTransformation | None = None,
) -> GAN:
    """Builds the game between two networks.

    Args:
      config: the options of the training.
      spec: the data.
      loss: the losses of both players.
      networks: the generator and the discriminator.
      penalties: the penalties of the discriminator.
      terms: the terms of either player.
      augment: random changes to all images that the discriminator sees.
      labels: whether both networks take the class label as their second input.
      latents: `latents(key, n, axis_name=None) -> [n, ...]`; by default `latent_size` numbers of the chosen noise.
      truncated: the generator with the truncation trick, as a function of psi.
      g_gradient: a change of the generator's gradient, before its optimiser.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of range.

    Example:
      See `jgan.models.dcgan`.
    """
    game = games.Adversarial(
        *networks,
        latents or (lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, config.noise, axis_name)),
        loss,
        penalties=penalties,
        terms=terms,
        augment=augment,
        condition=games.labels if labels else games.unconditional,
        dequantise=dequantised if config.dequantise else None,
    )
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec))
    if g_gradient is not None:
        optimizers = optimizers._replace(generator=optax.chain(g_gradient, optimizers.generator))
    made = config.rule.steps(game, optimizers)
    standing = 32 if config.ema.statistics == "standing" else 0
    condition = Field((), "label", spec.n_classes) if labels else ()
    return assemble(
        game,
        made,
        optimizers,
        condition=condition,
        output=unit_interval,
        n_critic=config.rule.n_critic,
        standing=standing,
        truncated=truncated,
    )


def network_of(module: Any, shape: Sequence[int], labels: bool, **options: Any) -> Network:
    """The network of a module, which may take the class label as its second input.

    Args:
      module: a module of one input, and of labels `[B]`.
      shape: the shape of an example of the first input.
      labels: whether it takes labels.
      **options: those of `jgan.networks.from_module`.

    Returns:
      The `Network`.

    Example:
      See `jgan.models.stylegan2`.
    """
    second, dtypes = (((),), (jnp.float32, jnp.int32)) if labels else ((), (jnp.float32,))
    return from_module(module, tuple(shape), *second, input_dtypes=dtypes, **options)


def players(
    generator: Any, discriminator: Any, latent_size: int, spec: DataSpec, labels: bool = True
) -> tuple[Network, Network]:
    """The networks of two modules, which may take the class label as their second input.

    Args:
      generator: a module of latents `[B, latent_size]`, and of labels `[B]`.
      discriminator: a module of images, and of labels.
      latent_size: the dimension of the noise z.
      spec: the shape of the images.
      labels: whether they take labels.

    Returns:
      `(generator, discriminator)`.

    Example:
      See `jgan.models.cdcgan`.
    """
    return network_of(generator, (latent_size,), labels), network_of(discriminator, spec.shape, labels)


def presets(
    name: str,
    words: str,
    config: Any,
    *,
    digits_width: int = 32,
    batch_size: int = 64,
    mnist: Any = None,
    photographs: Any = None,
    labels: bool = False,
) -> dict[str, Preset]:
    """The presets of a model of small images: the embedded 8x8 digits first, then the 28x28 sets and CIFAR-10.

    Args:
      name: the name of the model, which is that of its first preset.
      words: what it is, for the descriptions.
      config: its options.
      digits_width: the width of the networks for the 8x8 digits.
      batch_size: examples in a minibatch.
      mnist: its options for 28x28 images, if they differ.
      photographs: its options for CIFAR-10, if they differ.
      labels: whether the model needs labels, which a folder of images has if each class is a folder.

    Returns:
      The presets by name.

    Example:
      >>> from jgan.models import images
      >>> list(images.presets("mygan", "my GAN", images.Training()))
      ['mygan', 'mygan_mnist', 'mygan_fashion_mnist', 'mygan_cifar10']
    """
    digits = dataclasses.replace(config, width=digits_width)
    others = "or --dataset folder, a folder a class" if labels else "any images: --dataset folder --data-dir PATH"
    sets = {
        "": (f"scikit-learn's 8x8 digits; {others}", "digits", 5_000, digits),
        "_mnist": ("MNIST, 28x28 digits", "mnist", 15_000, mnist or config),
        "_fashion_mnist": ("Fashion-MNIST, 28x28 articles of clothing", "fashion_mnist", 15_000, mnist or config),
        "_cifar10": ("CIFAR-10, 32x32 photographs", "cifar10", 50_000, photographs or config),
    }
    return {
        name + suffix: Preset(f"{words} on {data}", dataset, batch_size, steps, options)
        for suffix, (data, dataset, steps, options) in sets.items()
    }


def small(config: Any) -> Any:
    """The configuration with small networks and at most two updates of the discriminator in a step, for tests."""
    rule = dataclasses.replace(config.rule, n_critic=min(config.rule.n_critic, 2))
    return dataclasses.replace(config, latent_size=6, width=4, rule=rule, ema=options.EMA(0.9))


SMALL_SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=2)
"""The data of the small models."""

SMALL_CLASSES = DataSpec.images((8, 8, 1), steps_per_epoch=2, n_classes=3)
"""The data of the small models with labels."""
