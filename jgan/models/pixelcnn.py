"""Gated PixelCNN (van den Oord et al., 2016), https://arxiv.org/abs/1606.05328: an exact likelihood, one pixel after the other.

For grey images. A pixel has one of `levels` values, and the network gives the probability of each from the pixels above it and
to its left; the log-likelihood of an image is the sum of the logarithms. With two levels each pixel is drawn anew at each use
with its grey value as the probability (dynamic binarisation), as in `vae`; with more, grey values are rounded down.

`architecture="masked"` is the first PixelCNN (https://arxiv.org/abs/1601.06759), in which a pixel does not see all pixels above
it and to the right; its published sizes are `layers=7, kernel_size=7`, 32 features and 32 in the head for MNIST.
`architecture="plain"` has nothing but masked convolutions and ReLUs; with `layers=4, kernel_size=7, levels=256` and 32 features
it is the network of jzbontar/pixelcnn-pytorch. `pixelcnn_pp` is for colour images too.

A sample needs one pass of the network for each pixel, and is a function of one uniform number for each, which the model has as
its latents. `nats` is the negative log-likelihood of images.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import optim, rng
from jgan.models import accepts, options
from jgan.models.alone import alone
from jgan.models.images import SMALL_SPEC
from jgan.models.model import Model, Preset
from jgan.models.vae import binarised
from jgan.networks import MaskedPixelCNN, PixelCNN, PlainPixelCNN, from_module
from jgan.rng import Stream, stream
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Network, PlayerState, PyTree


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    architecture: Literal["gated", "masked", "plain"] = "gated"
    """the network: gated, of two stacks; masked, of residual blocks; or plain, of masked convolutions alone"""
    levels: int = 2
    """number of values of a pixel"""
    features: int = 32
    """channels of the stacks, between the residual blocks, or of the plain layers"""
    layers: int = 5
    """number of gated layers, residual blocks, or plain layers between the first and the last"""
    kernel_size: int = 5
    """width of the gated layers' convolutions, of the masked network's first, or of all plain ones, odd"""
    head: int = 32
    """channels of the 1x1 convolutions before the output, which the plain network does not have"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-3, b1=0.9)
    """the optimiser"""
    ema: options.EMA = options.EMA(0.999)
    """the average of the weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the network's arithmetic; parameters and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of grey images.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data.
    """
    accepts.images(spec)
    if spec.shape[-1] != 1:
        raise ValueError(f"this model is for grey images, found {accepts.described(spec)}: choose another --dataset")


def network(config: Config, spec: DataSpec) -> Network:
    """Builds the network.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `Network`: images of levels in [0, 1] to logits `[B, height, width, levels]`.

    Raises:
      ValueError: if an option is out of range.
    """
    if config.levels < 2 or config.layers < 1 or config.kernel_size < 1 or config.kernel_size % 2 == 0:
        raise ValueError(
            "PixelCNN needs at least 2 levels, at least 1 layer and an odd kernel_size, "
            f"found {config.levels}, {config.layers} and {config.kernel_size}"
        )
    sizes, dtype = (config.levels, config.features, config.layers, config.kernel_size), jnp.dtype(config.dtype)
    if config.architecture == "plain":
        return from_module(PlainPixelCNN(*sizes, dtype), spec.shape)
    return from_module((PixelCNN if config.architecture == "gated" else MaskedPixelCNN)(*sizes, config.head, dtype), spec.shape)


def quantised(key: Key, x: jax.Array, levels: int, axis_name: str | None = None) -> jax.Array:
    """The levels of pixels.

    Args:
      key: the key of the whole batch; used for two levels only.
      x: `[B, height, width, channels]` in [0, 1].
      levels: their number.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      int32 of the same shape, from 0 to levels - 1.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.models import pixelcnn
      >>> pixelcnn.quantised(jax.random.key(0), jnp.array([0.0, 0.3, 1.0]).reshape(1, 1, 3, 1), 4).ravel().tolist()
      [0, 1, 3]
    """
    if levels == 2:
        return binarised(key, x, axis_name).astype(jnp.int32)
    return jnp.minimum(jnp.floor(x * levels), levels - 1).astype(jnp.int32)


def as_images(chosen: jax.Array, levels: int) -> jax.Array:
    """Images of levels.

    Args:
      chosen: int, from 0 to levels - 1.
      levels: their number.

    Returns:
      float32 in [0, 1], of the same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.models import pixelcnn
      >>> pixelcnn.as_images(jnp.arange(3), 3).tolist()
      [0.0, 0.5, 1.0]
    """
    return chosen.astype(jnp.float32) / (levels - 1)


def _nats(net: Network, params: PyTree, chosen: jax.Array, levels: int) -> jax.Array:
    """`[B]`, the negative log-likelihoods of images of levels."""
    logits, _ = net.apply(params, {}, as_images(chosen, levels), train=True)
    each = optax.softmax_cross_entropy_with_integer_labels(logits, chosen[..., 0])
    return jnp.sum(each, axis=(1, 2))


def nats(config: Config, spec: DataSpec) -> Callable[[Key, PlayerState, Any], jax.Array]:
    """The negative log-likelihood of images.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `nats(key, state.generator, x) -> [B]`, by the averaged weights, of images x in [0, 1]; the key draws binary pixels.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import pixelcnn
      >>> config, spec = pixelcnn.small(pixelcnn.Config()), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> player = pixelcnn.make(config, spec).init(jax.random.key(0)).generator
      >>> pixelcnn.nats(config, spec)(jax.random.key(1), player, jax.numpy.zeros((3, 8, 8, 1))).shape
      (3,)
    """
    net = network(config, spec)

    def of(key: Key, player: PlayerState, x: Any) -> jax.Array:
        params, _ = optim.ema_weights(player, True)
        return _nats(net, params, quantised(key, jnp.asarray(x), config.levels), config.levels)

    return of


def in_reading_order(
    pixel: Callable[[jax.Array, jax.Array, jax.Array], jax.Array], shape: tuple[int, ...], levels: int
) -> jax.Array:
    """Images whose pixels are chosen one after the other.

    Args:
      pixel: `(images so far, row, column) -> int [n, channels]`, the levels of a pixel.
      shape: `(n, height, width, channels)`.
      levels: the number of levels.

    Returns:
      float32 of that shape, in [0, 1].

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.models import pixelcnn
      >>> after = lambda x, row, column: (x.sum((1, 2)) * 2).astype(jnp.int32) + 1  # twice the sum so far, and one
      >>> pixelcnn.in_reading_order(after, (1, 1, 2, 1), 3).ravel().tolist()
      [0.5, 1.0]
    """
    _, height, width, _ = shape

    def placed(index: jax.Array, x: jax.Array) -> jax.Array:
        row, column = index // width, index % width
        return x.at[:, row, column].set(as_images(pixel(x, row, column), levels))

    return jax.lax.fori_loop(0, height * width, placed, jnp.zeros(shape, jnp.float32))


def drawn(net: Network, params: PyTree, uniform: jax.Array, levels: int) -> jax.Array:
    """Samples, pixel after pixel, in one pass of the network each.

    Args:
      net: the network.
      params: its parameters.
      uniform: `[n, height, width, 1]` numbers in [0, 1): a pixel has the level at which the cumulative probability passes its
        number.
      levels: the number of levels.

    Returns:
      `[n, height, width, 1]` in [0, 1].

    Example:
      See `make`.
    """

    def pixel(x: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
        logits, _ = net.apply(params, {}, x)
        below = jnp.cumsum(jax.nn.softmax(logits[:, row, column]), axis=-1)[:, :-1]
        return jnp.sum(uniform[:, row, column] >= below, axis=-1)[:, None]

    return in_reading_order(pixel, uniform.shape, levels)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a gated PixelCNN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN` of one player; its latents are uniform numbers, one for each pixel.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import pixelcnn
      >>> gan = pixelcnn.make(pixelcnn.small(pixelcnn.Config()), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> images = gan.sample(key, gan.init(key), 2)
      >>> images.shape, sorted(set(images.ravel().tolist()))
      ((2, 8, 8, 1), [0.0, 1.0])
    """
    net = network(config, spec)

    def loss(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        chosen = quantised(stream(key, Stream.AUGMENT_REAL), batch.x, config.levels, axis_name)
        value = jnp.mean(_nats(net, params, chosen, config.levels))
        return value, (state.generator.model_state, {"likelihood_loss": value})

    def apply(params: PyTree, model_state: PyTree, *inputs: jax.Array, **_: Any) -> tuple[jax.Array, PyTree]:
        return drawn(net, params, inputs[0], config.levels), model_state

    def uniform(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.one_each(key, n, lambda k: jax.random.uniform(k, spec.shape), axis_name)

    optimizers = options.optimizers(config.optimizer, options.Rule(), config.ema.average(spec))
    return alone(Network(net.init, apply), loss, optimizers, uniform)


PRESETS = {
    "pixelcnn": Preset(
        description="gated PixelCNN on scikit-learn's 8x8 digits of 16 levels; other grey images: --dataset folder",
        dataset="digits",
        batch_size=64,
        steps=3_000,
        config=Config(levels=16, kernel_size=3),
    ),
    "pixelcnn_mnist": Preset(
        description="gated PixelCNN on binarised MNIST, 28x28",
        dataset="mnist",
        batch_size=64,
        steps=10_000,
        config=Config(layers=7),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    sizes: dict[str, Any] = {"features": 3, "layers": 2, "kernel_size": 3, "head": 3}
    # A rate at which one step changes samples, which have few values.
    fast = options.Optimizer("adam", learning_rate=0.1)
    return dataclasses.replace(config, optimizer=fast, ema=options.EMA(0.9), **sizes)


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    SMALL_SPEC,
    evaluator="likelihood",
    tools=lambda config, spec: {"nats": nats(config, spec), "levels": config.levels},
)
