"""Training of the models of Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661.

As in the authors' code, both players are updated *simultaneously*, with the same noise and dropout masks. The generator
minimises the non-saturating loss, the discriminator half of its loss, each with momentum SGD whose rate decays at every update
and whose momentum grows with the epochs. Algorithm 1 as printed is `rule=Rule("alternating", fresh_latents=True)`,
`loss="minimax"`, `discriminator_weight=1`.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import optax

from jgan import games, optim, rng, steps
from jgan.data.transforms import contrast_to_unit, global_contrast_normalize
from jgan.losses import LOSSES
from jgan.models.assembly import assemble, unit_interval
from jgan.models.options import EMA, Penalty, Rule
from jgan.types import GAN, Batch, DataSpec, Field, Network

Activation = Literal["relu", "sigmoid", "linear"]


@dataclasses.dataclass(frozen=True)
class MomentumSGD:
    """The authors' optimiser: the rate is divided by a constant at every update, the momentum rises every epoch."""

    learning_rate: float = 0.1
    """learning rate of the first update"""
    decay: float = 1.000004
    """factor by which each update divides the learning rate"""
    min_learning_rate: float = 1e-6
    """minimum learning rate"""
    momentum: float = 0.5
    """momentum in the first epoch"""
    final_momentum: float = 0.7
    """momentum after the ramp"""
    momentum_epochs: int = 250
    """length of the momentum ramp in epochs"""

    def transformation(self, steps_per_epoch: int) -> optax.GradientTransformation:
        """The optimiser.

        Args:
          steps_per_epoch: the number of updates in an epoch.

        Returns:
          The gradient transformation.

        Example:
          >>> from jgan.models import paper2014
          >>> transformation = paper2014.MomentumSGD().transformation(steps_per_epoch=500)
        """
        rate = optim.exponential_decay(self.learning_rate, self.decay, self.min_learning_rate)
        momentum = optim.epoch_ramp(self.momentum, self.final_momentum, self.momentum_epochs, steps_per_epoch)
        return optim.momentum_sgd(rate, momentum)


@dataclasses.dataclass(frozen=True)
class Training:
    """The options that all models of the paper share."""

    latent_size: int = 100
    """dimension of the noise z"""
    noise: rng.Noise = "uniform"
    """distribution of z, of unit variance: uniform or gaussian"""
    input_keep: float = 0.8
    """probability that dropout keeps a pixel"""
    hidden_keep: float = 0.5
    """probability that dropout keeps a hidden unit"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    discriminator_weight: float = 0.5
    """factor on the discriminator's loss"""
    rule: Rule = Rule("simultaneous")
    """the update rule"""
    optimizer: MomentumSGD = MomentumSGD()
    """the optimiser of both players"""
    penalty: Penalty = Penalty()
    """penalty of the discriminator"""
    ema: EMA = EMA()
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""


def play(
    config: Training,
    spec: DataSpec,
    generator: Network,
    discriminator: Network,
    *,
    constraint: optax.GradientTransformation | None = None,
    contrast_normalized: bool = False,
    labels: bool = False,
) -> GAN:
    """Builds the paper's game between two networks.

    Args:
      config: the options of the training.
      spec: the data.
      generator: maps latents to images: in [0, 1], or contrast-normalised.
      discriminator: maps images to logits.
      constraint: a projection of both players' weights, applied after the optimiser.
      contrast_normalized: whether real images are contrast-normalised for the discriminator, and the generator produces such
        images. `generate` then sets brightness and contrast to the defaults of `jgan.data.transforms.contrast_to_unit`.
      labels: whether both networks take the class label as their second input.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of range.

    Example:
      See `jgan.models.gan2014.make`.
    """
    descent = config.optimizer.transformation(spec.steps_per_epoch)
    descent = config.rule.optimistic(descent)
    descent = descent if constraint is None else optax.chain(descent, constraint)
    optimizers = steps.Optimizers(descent, descent, config.ema.average(spec))
    game = games.Adversarial(
        generator,
        discriminator,
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, config.noise, axis_name),
        LOSSES[config.loss],
        discriminator_weight=config.discriminator_weight,
        penalties=config.penalty.penalties(),
        real=normalized if contrast_normalized else games.whole,
        condition=games.labels if labels else games.unconditional,
    )
    output = contrast_to_unit if contrast_normalized else unit_interval
    made = config.rule.steps(game, optimizers)
    condition = Field((), "label", spec.n_classes) if labels else ()
    return assemble(game, made, optimizers, condition=condition, output=output, n_critic=config.rule.n_critic)


def normalized(batch: Batch) -> Batch:
    """The minibatch with its images under global contrast normalisation."""
    return batch._replace(x=global_contrast_normalize(batch.x))


def real_view(images: jax.Array) -> jax.Array:
    """Real images with the standard brightness and contrast that a contrast-normalised model gives to its samples.

    Args:
      images: `[B, height, width, channels]` in [0, 1].

    Returns:
      The same shape, in [0, 1].
    """
    return contrast_to_unit(global_contrast_normalize(images))


def marginal_bias(spec: DataSpec) -> Callable[..., jax.Array]:
    """The initialiser of the output bias for which a sigmoid layer with zero input returns the mean training image.

    Args:
      spec: the description of the data.

    Returns:
      `init(key, shape, dtype) -> array`: the logit of the mean image clipped to [1e-7, 1 - 1e-7], or 0 if the mean is unknown.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.models import paper2014
      >>> from jgan.types import DataSpec
      >>> init = paper2014.marginal_bias(DataSpec.images((1, 2, 1), 1, mean=jnp.array([0.5, 0.8]).reshape(1, 2, 1)))
      >>> print(jax.nn.sigmoid(init(jax.random.key(0), (2,))))
      [0.5 0.8]
    """
    if spec.mean is None:
        return jax.nn.initializers.zeros
    logit = jax.scipy.special.logit(jnp.clip(jnp.ravel(jnp.asarray(spec.mean, jnp.float32)), 1e-7, 1 - 1e-7))
    # A copy: the parameters' buffers are donated to the first step.
    return lambda key, shape, dtype=jnp.float32: jnp.array(logit, dtype).reshape(shape)


def per_layer(name: str, values: tuple, units: tuple[int, ...]) -> tuple:
    """Expands an option with one value per layer, or one for all layers.

    Args:
      name: the name of the option in error messages.
      values: its values.
      units: the sizes of the layers.

    Returns:
      One value per layer.

    Raises:
      ValueError: if the number of values is neither one nor the number of layers.

    Example:
      >>> from jgan.models import paper2014
      >>> paper2014.per_layer("g_activations", ("relu",), (8, 8))
      ('relu', 'relu')
    """
    if len(values) not in (1, len(units)):
        raise ValueError(f"{name} must have one value, or one for each of the {len(units)} layers, found {len(values)}")
    return values * len(units) if len(values) == 1 else values
