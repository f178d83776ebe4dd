"""Variational autoencoder (Kingma and Welling, 2014), https://arxiv.org/abs/1312.6114: a likelihood beside the GAN.

An encoder gives a Gaussian q(z | x) for each image, a decoder the probabilities of the pixels. Both maximise the evidence lower
bound, in nats per image,

  log p(x) >= E_q log p(x | z) - KL(q(z | x), N(0, I)),        KL = -1/2 sum(1 + log v - m^2 - v),

the first term by one sample of z = m + sqrt(v) e. Pixels are binary: at each use a pixel is drawn with its grey value as the
probability (`pixels="binary"`, dynamic binarisation). With `pixels="grey"` the grey values stand in the cross-entropy, as in
the examples of PyTorch and Flax; the result is then no likelihood. `bounds` computes the bound and the tighter
importance-weighted one. The default networks are those of the examples; `units=(500,), activation="tanh"` are the paper's. The
average of the weights is ours (`--model.ema.decay 0`).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import optim, rng
from jgan.models import accepts, options
from jgan.models.alone import alone
from jgan.models.images import SMALL_SPEC
from jgan.models.model import Model, Preset
from jgan.networks import VAE, from_module
from jgan.rng import Stream, stream
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Network, PlayerState, PyTree


@dataclasses.dataclass(frozen=True)
class Training:
    """The options that all autoencoders share."""

    latent_size: int = 20
    """dimension of the latents z, the code of an image"""
    units: tuple[int, ...] = (400,)
    """hidden layers of the encoder; the decoder's are the reverse"""
    activation: str = "relu"
    """activation of the hidden layers: relu or tanh"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-3, b1=0.9)
    """the optimiser"""
    ema: options.EMA = options.EMA(0.999)
    """the average of the weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    pixels: Literal["binary", "grey"] = "binary"
    """what pixels are: binary, drawn anew at each use, or grey"""
    kl_weight: float = 1.0
    """weight of the KL divergence (beta)"""


class Networks(NamedTuple):
    """The parts of one set of parameters.

    Attributes:
      encoder: images to `(means, log variances)`.
      decoder: latents to logits of pixels; its `init` makes the parameters of both.
    """

    encoder: Network
    decoder: Network


def check(spec: DataSpec) -> None:
    """Accepts one set of images."""
    accepts.images(spec)


def networks(config: Config, spec: DataSpec) -> Networks:
    """Builds the encoder and the decoder.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `Networks`.
    """
    module = VAE(spec.shape, config.latent_size, config.units, config.activation, jnp.dtype(config.dtype))
    whole = from_module(module, spec.shape, (config.latent_size,))
    decoder = from_module(module, (config.latent_size,), method="decode")
    return Networks(from_module(module, spec.shape, method="encode"), Network(whole.init, decoder.apply))


def divergence(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """`KL(N(mean, exp(log_variance)), N(0, I))`.

    Args:
      mean: `[B, d]`.
      log_variance: `[B, d]`.

    Returns:
      `[B]`, in nats.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.models import vae
      >>> vae.divergence(jnp.array([[1.0, 0.0]]), jnp.zeros((1, 2))).tolist()
      [0.5]
    """
    return -0.5 * jnp.sum(1 + log_variance - jnp.square(mean) - jnp.exp(log_variance), axis=1)


def log_probability(logits: jax.Array, x: jax.Array) -> jax.Array:
    """The log probability of images of independent Bernoulli pixels.

    Args:
      logits: `[B, height, width, channels]`.
      x: the same shape, 0 or 1 (or grey values between).

    Returns:
      `[B]`, in nats.
    """
    return -jnp.sum(optax.sigmoid_binary_cross_entropy(logits, x), axis=(1, 2, 3))


def binarised(key: Key, x: jax.Array, axis_name: str | None = None) -> jax.Array:
    """Pixels drawn with their grey values as probabilities.

    Args:
      key: the key of the whole batch.
      x: `[B, height, width, channels]` in [0, 1].
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The same shape, 0 and 1.
    """
    return (rng.one_each(key, len(x), lambda k: jax.random.uniform(k, x.shape[1:]), axis_name) < x).astype(x.dtype)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a variational autoencoder.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN` of one player; its samples are the probabilities of the pixels.

    Example:
      >>> import jax
      >>> from jgan import Batch, DataSpec
      >>> from jgan.models import vae
      >>> gan = vae.make(vae.Config(units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 8, 8, 1)
    """
    parts = networks(config, spec)

    def loss(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        x = batch.x if config.pixels == "grey" else binarised(stream(key, Stream.AUGMENT_REAL), batch.x, axis_name)
        (mean, log_variance), _ = parts.encoder.apply(params, {}, x, train=True)
        noise = rng.latents(stream(key, Stream.LATENTS), len(x), config.latent_size, axis_name=axis_name)
        logits, _ = parts.decoder.apply(params, {}, mean + jnp.exp(0.5 * log_variance) * noise, train=True)
        reconstruction, kl = -jnp.mean(log_probability(logits, x)), jnp.mean(divergence(mean, log_variance))
        metrics = {"reconstruction_loss": reconstruction, "kl_loss": kl}
        return reconstruction + config.kl_weight * kl, (state.generator.model_state, metrics)

    optimizers = options.optimizers(config.optimizer, options.Rule(), config.ema.average(spec))
    latents = lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, axis_name=axis_name)  # noqa: E731
    return alone(parts.decoder, loss, optimizers, latents, output=jax.nn.sigmoid)


Bounds = Callable[[Key, PlayerState, Any], tuple[jax.Array, jax.Array]]


def bounds(config: Config, spec: DataSpec, samples: int = 1) -> Bounds:
    """The lower bounds of the log-likelihood of images.

    Args:
      config: the options of the model.
      spec: the shape of the images.
      samples: the number k of samples of z for each image.

    Returns:
      `bounds(key, state.generator, x) -> (elbo [B], importance-weighted bound [B])` in nats, of images x in [0, 1], by the
      averaged weights. Binary pixels are drawn once from the grey values. The second bound is
      `log mean_k p(x, z_k) / q(z_k | x)`, which grows with k towards log p(x); the first is the mean of the logarithms, with
      the divergence in closed form.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import vae
      >>> config, spec = vae.Config(units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> player = vae.make(config, spec).init(jax.random.key(0)).generator
      >>> elbo, tighter = vae.bounds(config, spec, samples=5)(jax.random.key(1), player, jax.numpy.zeros((3, 8, 8, 1)))
      >>> elbo.shape, tighter.shape
      ((3,), (3,))

    References:
      Burda et al., "Importance Weighted Autoencoders" (2016), https://arxiv.org/abs/1509.00519
    """
    parts = networks(config, spec)

    def both(key: Key, player: PlayerState, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        params, _ = optim.ema_weights(player, True)
        pixel_key, noise_key = jax.random.split(key)
        x = x if config.pixels == "grey" else binarised(pixel_key, x)
        (mean, log_variance), _ = parts.encoder.apply(params, {}, x)

        def one(key: Key) -> tuple[jax.Array, jax.Array]:
            noise = jax.random.normal(key, mean.shape)
            z = mean + jnp.exp(0.5 * log_variance) * noise
            given = log_probability(parts.decoder.apply(params, {}, z)[0], x)
            # log N(z; 0, I) - log q(z | x); the constants cancel.
            ratio = 0.5 * jnp.sum(jnp.square(noise) + log_variance - jnp.square(z), axis=1)
            return given, given + ratio

        given, weights = jax.lax.map(one, jax.random.split(noise_key, samples))
        elbo = given.mean(axis=0) - divergence(mean, log_variance)
        return elbo, jax.nn.logsumexp(weights, axis=0) - jnp.log(samples)

    return both


def _preset(data: str, dataset: str, batch_size: int, steps: int, **changes: Any) -> Preset:
    return Preset(f"variational autoencoder on {data}", dataset, batch_size, steps, Config(**changes))


PRESETS = {
    "vae": _preset("scikit-learn's 8x8 digits, grey; any images: --dataset folder", "digits", 64, 5_000, pixels="grey"),
    "vae_mnist": _preset("binarised MNIST, 28x28", "mnist", 128, 20_000),
    "vae_fashion_mnist": _preset("Fashion-MNIST, 28x28, grey", "fashion_mnist", 128, 20_000, pixels="grey"),
}


def small(config: Any) -> Any:
    """The configuration with small networks, for tests."""
    return dataclasses.replace(config, latent_size=3, units=(6,), ema=options.EMA(0.9))


def reconstruction(config: Config, spec: DataSpec) -> Callable[[PlayerState, jax.Array], jax.Array]:
    """What the decoder makes of the mean of an image's latents.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `back(state.generator, x) -> [B, height, width, channels]`, by the averaged weights, of images x in [0, 1].

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import vae
      >>> config, spec = vae.Config(units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> player = vae.make(config, spec).init(jax.random.key(0)).generator
      >>> vae.reconstruction(config, spec)(player, jax.numpy.zeros((3, 8, 8, 1))).shape
      (3, 8, 8, 1)
    """
    parts = networks(config, spec)

    def back(player: PlayerState, x: jax.Array) -> jax.Array:
        params, _ = optim.ema_weights(player, True)
        (mean, _), _ = parts.encoder.apply(params, {}, x)
        return jax.nn.sigmoid(parts.decoder.apply(params, {}, mean)[0])

    return back


def tools(config: Config, spec: DataSpec) -> dict[str, Any]:
    """What the evaluator needs: `bounds` of a number of samples, and `reconstruct`."""
    return {
        "bounds": lambda samples: bounds(config, spec, samples),
        "reconstruct": reconstruction(config, spec),
        "likelihood": config.pixels == "binary",
    }


MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, evaluator="bounds", tools=tools)
