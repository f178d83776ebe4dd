"""What the models of Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661, have in common: how they are trained.

The players move *simultaneously*, on the same noise and the same dropout masks, the generator by its non-saturating loss, the
discriminator by half of its own, each by momentum SGD whose rate decays at every update and whose momentum grows with the
epochs. That is the authors' code. Algorithm 1 as it is printed is
`schedule="alternating", fresh_latents=True, loss="minimax", discriminator_weight=1`.
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
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Metrics, Network, Step

Activation = Literal["relu", "sigmoid", "linear"]


@dataclasses.dataclass(frozen=True)
class Training:
    """The options that all models of the paper have in common."""

    latent_size: int = 100
    """dimension of the noise z"""
    noise: rng.Noise = "uniform"
    """its distribution, of unit variance"""
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


def optimizer(config: Training, steps_per_epoch: int) -> optax.GradientTransformation:
    """The authors' SGD: rate divided by a constant at every update, momentum raised at every epoch.

    Args:
      config: the options of the model.
      steps_per_epoch: the number of updates in an epoch.

    Returns:
      The gradient transformation.

    Example:
      >>> from jgan.models import paper2014
      >>> transformation = paper2014.optimizer(paper2014.Training(), steps_per_epoch=500)
    """
    rate = optim.exponential_decay(config.learning_rate, config.learning_rate_decay, config.min_learning_rate)
    momentum = optim.epoch_ramp(config.momentum, config.final_momentum, config.momentum_epochs, steps_per_epoch)
    return optim.momentum_sgd(rate, momentum)


def play(
    config: Training,
    generator: Network,
    discriminator: Network,
    sgd: optax.GradientTransformation,
    *,
    contrast_normalized: bool = False,
) -> GAN:
    """The paper's game between two networks.

    Args:
      config: the options of the training.
      generator: maps latents to images: in [0, 1], or contrast-normalised.
      discriminator: maps images to logits.
      sgd: the optimiser of each of the two.
      contrast_normalized: whether the discriminator sees real images under global contrast normalisation and the
        generator makes such images. They have no brightness and no contrast; as pictures (`generate`) they get those
        that are the defaults of `jgan.data.transforms.contrast_to_unit`.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of its range.

    Example:
      See `jgan.models.gan2014.make`.
    """
    g_sgd = optax.chain(sgd, optim.weight_average(config.ema_decay)) if config.ema_decay else sgd
    optimizers = steps.Optimizers(generator=g_sgd, discriminator=sgd)

    def latents(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.latents(key, n, config.latent_size, config.noise, axis_name)

    game = games.adversarial(
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
    if contrast_normalized:
        made = steps.Steps(*map(_on_normalized, made))

    def generate(state: GANState, z: jax.Array, averaged: bool = True) -> jax.Array:
        player = state.generator
        params = optim.ema_params(player) if averaged else player.params
        images, _ = generator.apply(params, player.model_state, z)
        return contrast_to_unit(images) if contrast_normalized else jnp.clip(images, 0, 1)

    return GAN(
        init=lambda key: steps.init_state(key, generator, discriminator, optimizers),
        d_step=made.d_step,
        g_step=made.g_step,
        step=made.step,
        latents=latents,
        generate=generate,
        n_critic=config.n_critic if config.schedule == "alternating" else 1,
    )


def _on_normalized(step: Step) -> Step:
    """The step on contrast-normalised real images; a leading axis may count minibatches."""

    def normalized_step(key: Key, state: GANState, batch: Batch, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        images = batch.x.reshape(-1, *batch.x.shape[-3:])
        seen = global_contrast_normalize(images).reshape(batch.x.shape)
        return step(key, state, batch._replace(x=seen), axis_name=axis_name)

    return normalized_step


def marginal_bias(spec: DataSpec) -> Callable[..., jax.Array]:
    """The initialiser of the bias with which a sigmoid layer, all else being 0, makes the mean training image.

    Args:
      spec: what the model knows of the data.

    Returns:
      `init(key, shape, dtype) -> array`: the logit of the mean image clipped to [1e-7, 1 - 1e-7], or 0 where it is not known.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.models import paper2014
      >>> from jgan.types import DataSpec
      >>> init = paper2014.marginal_bias(DataSpec((1, 2, 1), 1, pixel_mean=jnp.array([0.5, 0.8]).reshape(1, 2, 1)))
      >>> print(jax.nn.sigmoid(init(jax.random.key(0), (2,))))
      [0.5 0.8]
    """
    if spec.pixel_mean is None:
        return jax.nn.initializers.zeros
    logit = jax.scipy.special.logit(jnp.clip(jnp.ravel(jnp.asarray(spec.pixel_mean, jnp.float32)), 1e-7, 1 - 1e-7))
    # A copy: the parameters' buffers are donated to the first step.
    return lambda key, shape, dtype=jnp.float32: jnp.array(logit, dtype).reshape(shape)


def per_layer(name: str, values: tuple, units: tuple[int, ...]) -> tuple:
    """An option that is given once for each layer, or once for all.

    Args:
      name: what to call it in the message.
      values: its values.
      units: the sizes of the layers.

    Returns:
      As many values as layers.

    Raises:
      ValueError: if there are more or fewer, but not one.

    Example:
      >>> from jgan.models import paper2014
      >>> paper2014.per_layer("g_activations", ("relu",), (8, 8))
      ('relu', 'relu')
    """
    if len(values) not in (1, len(units)):
        raise ValueError(f"{name} must have one value, or one for each of the {len(units)} layers, found {len(values)}")
    return values * len(units) if len(values) == 1 else values
