"""PixelCNN++ (Salimans et al., 2017), https://arxiv.org/abs/1701.05517: an exact likelihood of colour images too.

A pixel's distribution, given the pixels before it, is a mixture of discretised logistics (`jgan.networks.logistic_mixture`), in
which levels near one another have similar probabilities; all channels of a pixel come from one pass of the network. The preset
`pixelcnn_pp_cifar10` has the authors' configuration (openai/pixel-cnn), 53,659,080 parameters. Three details differ: the
initialisation from the data is part of the first step, on its minibatch; the lengths of the weights are learnt as factors of
those that it sets; and samples are rounded to levels, so that they have the distribution that `nats` measures.

A sample needs one pass of the network for each pixel, and is a function of `1 + channels` uniform numbers for each, which the
model has as its latents. `nats` is the negative log-likelihood of images.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jgan import optim, rng
from jgan.models import accepts, options
from jgan.models.alone import alone
from jgan.models.images import SMALL_SPEC
from jgan.models.model import Model, Preset
from jgan.models.pixelcnn import as_images, in_reading_order, quantised
from jgan.networks import PixelCNNPP, from_module, logistic_mixture
from jgan.networks.pixelcnn_pp import check_sides, nearest
from jgan.rng import Stream, stream
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Network, PlayerState, PyTree


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    levels: int = 256
    """number of values of a channel of a pixel"""
    filters: int = 160
    """channels of the two streams"""
    blocks: int = 5
    """number of gated residual blocks of each of the three scales"""
    mixtures: int = 10
    """number of logistics of a pixel's distribution"""
    keep: float = 0.5
    """probability that dropout inside the blocks keeps a number; 1: no dropout"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-3, b1=0.95, b2=0.9995)
    """the optimiser"""
    rate_decay: float = 0.999995
    """factor of the learning rate at each step"""
    ema: options.EMA = options.EMA(0.9995, statistics="latest")
    """the average of the weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the network's arithmetic; parameters and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images whose sides are multiples of 4.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data.
    """
    accepts.images(spec)
    check_sides(spec.shape)


def network(config: Config, spec: DataSpec) -> Network:
    """Builds the network.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `Network`: images of levels in [0, 1] to the parameters of each pixel's mixture, `[B, height, width, outputs]`.

    Raises:
      ValueError: if an option is out of range, or the sides of the images do not fit.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import pixelcnn_pp
      >>> made = pixelcnn_pp.network(pixelcnn_pp.Config(), DataSpec.images((32, 32, 3), steps_per_epoch=10))
      >>> params, _ = jax.eval_shape(made.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      53659080
    """
    check_sides(spec.shape)
    if config.levels < 2 or min(config.filters, config.blocks, config.mixtures) < 1:
        raise ValueError(
            "PixelCNN++ needs at least 2 levels and at least 1 filter, block and mixture, "
            f"found {config.levels}, {config.filters}, {config.blocks} and {config.mixtures}"
        )
    if not 0 < config.keep <= 1:
        raise ValueError(f"keep is a probability above 0, found {config.keep}")
    return from_module(
        PixelCNNPP(config.filters, config.blocks, config.mixtures, config.keep, jnp.dtype(config.dtype)), spec.shape
    )


def nats(config: Config, spec: DataSpec) -> Callable[[Key, PlayerState, Any], jax.Array]:
    """The negative log-likelihood of images.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `nats(key, state.generator, x) -> [B]`, by the averaged weights, of images x in [0, 1]; the key draws binary pixels.

    Raises:
      ValueError: as `network`.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import pixelcnn_pp
      >>> config, spec = pixelcnn_pp.small(pixelcnn_pp.Config()), DataSpec.images((4, 4, 1), steps_per_epoch=10)
      >>> player = pixelcnn_pp.make(config, spec).init(jax.random.key(0)).generator
      >>> jax.jit(pixelcnn_pp.nats(config, spec))(jax.random.key(1), player, jax.numpy.zeros((3, 4, 4, 1))).shape
      (3,)
    """
    net = network(config, spec)

    def of(key: Key, player: PlayerState, x: Any) -> jax.Array:
        chosen = quantised(key, jnp.asarray(x), config.levels)
        parameters, _ = net.apply(*optim.ema_weights(player, True), as_images(chosen, config.levels))
        return -jnp.sum(logistic_mixture.log_likelihood(chosen, parameters, config.levels), axis=(1, 2))

    return of


def drawn(net: Network, params: PyTree, model_state: PyTree, uniform: jax.Array, levels: int) -> jax.Array:
    """Samples, pixel after pixel, in one pass of the network each.

    Args:
      net: the network.
      params: its parameters.
      model_state: its other variables.
      uniform: `[n, height, width, 1 + channels]` numbers in [0, 1): see `jgan.networks.logistic_mixture.drawn`.
      levels: the number of levels.

    Returns:
      `[n, height, width, channels]` in [0, 1].

    Example:
      See `make`.
    """

    def pixel(x: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
        parameters, _ = net.apply(params, model_state, x)
        return logistic_mixture.drawn(uniform[:, row, column], parameters[:, row, column], levels)

    return in_reading_order(pixel, (*uniform.shape[:3], uniform.shape[3] - 1), levels)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a PixelCNN++.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN` of one player; its latents are uniform numbers, `1 + channels` for each pixel.

    Raises:
      ValueError: if an option is out of range, or the sides of the images do not fit.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import pixelcnn_pp
      >>> gan = pixelcnn_pp.make(pixelcnn_pp.small(pixelcnn_pp.Config()), DataSpec.images((4, 4, 3), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> jax.jit(gan.sample, static_argnums=2)(key, gan.init(key), 2).shape
      (2, 4, 4, 3)
    """
    if not 0 < config.rate_decay <= 1:
        raise ValueError(f"rate_decay is above 0 and at most 1, found {config.rate_decay}")
    net = network(config, spec)
    height, width, channels = spec.shape

    def loss(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        chosen = quantised(stream(key, Stream.AUGMENT_REAL), batch.x, config.levels, axis_name)
        parameters, model_state = net.apply(
            params,
            state.generator.model_state,
            as_images(chosen, config.levels),
            key=stream(key, Stream.GENERATOR),
            train=True,
            axis_name=axis_name,
        )
        each = -jnp.sum(logistic_mixture.log_likelihood(chosen, parameters, config.levels), axis=(1, 2))
        value = jnp.mean(each)
        bits = value / (math.log(2) * math.prod(spec.shape))
        return value, (model_state, {"likelihood_loss": value, "bits_per_dim": bits})

    def apply(params: PyTree, model_state: PyTree, *inputs: jax.Array, **_: Any) -> tuple[jax.Array, PyTree]:
        return drawn(net, params, model_state, inputs[0], config.levels), model_state

    def uniform(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.one_each(key, n, lambda k: jax.random.uniform(k, (height, width, 1 + channels)), axis_name)

    def factor(step: jax.typing.ArrayLike) -> jax.Array:
        return jnp.exp(math.log(config.rate_decay) * jnp.asarray(step, jnp.float32))

    optimizers = options.optimizers(config.optimizer, options.Rule(), config.ema.average(spec), factor)
    return alone(Network(net.init, apply), loss, optimizers, uniform)


PRESETS = {
    "pixelcnn_pp": Preset(
        description="PixelCNN++ on scikit-learn's 8x8 digits of 16 levels; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=64,
        steps=1_500,
        config=Config(levels=16, filters=24, blocks=1, mixtures=5),
    ),
    "pixelcnn_pp_mnist": Preset(
        description="PixelCNN++ on MNIST of 256 levels, 28x28",
        dataset="mnist",
        batch_size=64,
        steps=10_000,
        config=Config(filters=32, blocks=1, mixtures=5),
    ),
    "pixelcnn_pp_cifar10": Preset(
        description="PixelCNN++ on CIFAR-10, the authors' configuration (3.0 bits after 10 hours on 8 GPUs): for a GPU",
        dataset="cifar10",
        batch_size=128,
        steps=200_000,
        config=Config(),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    sizes: dict[str, Any] = {"levels": 4, "filters": 3, "blocks": 1, "mixtures": 2}
    # A rate at which one step changes samples, which have few values.
    fast = options.Optimizer("adam", learning_rate=0.1)
    return dataclasses.replace(config, optimizer=fast, ema=options.EMA(0.9, statistics="latest"), **sizes)


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    SMALL_SPEC,
    evaluator="likelihood",
    nearest=nearest,
    tools=lambda config, spec: {"nats": nats(config, spec), "levels": config.levels},
)
