"""Autoencoder: images through a bottleneck and back; new images are decoded from a Gaussian that is fitted to the codes.

The encoder maps an image to a code of `latent_size` numbers, the decoder a code to the pixels; both are trained to give back
the image. The networks are those of `jgan.models.vae`, but nothing makes the codes follow a known law, as the divergence does
there. So the running mean and covariance of the codes are kept while it trains, and samples are decoded from the Gaussian with
these moments. It also covers regions where no image has its code, and what is decoded there is no image.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jgan import collectives, optim, rng
from jgan.models import accepts, options
from jgan.models.alone import alone
from jgan.models.images import SMALL_SPEC
from jgan.models.model import Model, Preset
from jgan.models.vae import Training, log_probability, small
from jgan.networks import VAE, from_module
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Network, PlayerState, PyTree


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    """error of a reconstruction, summed over the pixels"""
    moments_decay: float = 0.99
    """decay per step of the running mean and covariance of the codes"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images."""
    accepts.images(spec)


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """Builds the autoencoder, and its decoder with the law of the codes.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `(whole, decoder)` with the same parameters. The first maps images to `(codes, logits of the reconstructed pixels)`, the
      second standard normal numbers to logits, by way of codes with the moments in its state.
    """
    module = VAE(spec.shape, config.latent_size, config.units, config.activation, jnp.dtype(config.dtype))
    whole = from_module(module, spec.shape, method="reconstruct")
    decode = from_module(module, (config.latent_size,), method="decode")

    def init(key: Key) -> tuple[PyTree, PyTree]:
        params, _ = whole.init(key)
        return params, {"mean": jnp.zeros(config.latent_size), "covariance": jnp.eye(config.latent_size)}

    def apply(params: PyTree, model_state: PyTree, *inputs: Any, **options: Any) -> tuple[jax.Array, PyTree]:
        # Early moments, of few codes, have directions without variance.
        covariance = model_state["covariance"] + 1e-6 * jnp.eye(config.latent_size)
        (z,) = inputs
        code = model_state["mean"][None] + z @ jnp.linalg.cholesky(covariance).T
        return decode.apply(params, {}, code, **options)[0], model_state

    return whole, Network(init, apply)


def moments(old: PyTree, codes: jax.Array, decay: float, axis_name: str | None = None) -> PyTree:
    """The running moments of codes, with those of a minibatch.

    Args:
      old: `{"mean": [d], "covariance": [d, d]}`.
      codes: `[B, d]`.
      decay: the weight of the old ones.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      Of the same form. The covariance is that of the mixture of the old law and the new codes: positive definite if the old is.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.models import autoencoder
      >>> old = {"mean": jnp.zeros(1), "covariance": jnp.zeros((1, 1))}
      >>> new = autoencoder.moments(old, jnp.array([[1.0], [3.0]]), 0.5)
      >>> new["mean"].tolist(), new["covariance"].tolist()
      ([1.0], [[1.5]])
    """
    mean = collectives.mean(codes.mean(axis=0), axis_name)
    centred = codes - mean[None]
    covariance = collectives.mean(centred.T @ centred / len(codes), axis_name)
    shift = mean - old["mean"]
    return {
        "mean": old["mean"] + (1 - decay) * shift,
        # Between the two means lies variance too.
        "covariance": decay * old["covariance"] + (1 - decay) * covariance + decay * (1 - decay) * jnp.outer(shift, shift),
    }


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds an autoencoder.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN` of one player.

    Raises:
      ValueError: if `moments_decay` is not in [0, 1).

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import autoencoder
      >>> config = autoencoder.Config(units=(8,))
      >>> gan = autoencoder.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 8, 8, 1)
    """
    if not 0 <= config.moments_decay < 1:
        raise ValueError(f"moments_decay must be in [0, 1), found {config.moments_decay}")
    whole, decoder = networks(config, spec)

    def loss(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        (codes, logits), _ = whole.apply(params, {}, batch.x, train=True)
        if config.loss == "cross_entropy":
            error = -jnp.mean(log_probability(logits, batch.x))
        else:
            error = jnp.mean(jnp.sum(jnp.square(jax.nn.sigmoid(logits) - batch.x), axis=(1, 2, 3)))
        kept = moments(state.generator.model_state, jax.lax.stop_gradient(codes), config.moments_decay, axis_name)
        return error, (kept, {"reconstruction_loss": error})

    optimizers = options.optimizers(config.optimizer, options.Rule(), config.ema.average(spec))
    latents = lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, axis_name=axis_name)  # noqa: E731
    return alone(decoder, loss, optimizers, latents, output=jax.nn.sigmoid)


def reconstruction(config: Config, spec: DataSpec) -> Callable[[PlayerState, jax.Array], jax.Array]:
    """What the decoder makes of an image's code.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `back(state.generator, x) -> [B, height, width, channels]`, by the averaged weights, of images x in [0, 1].

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import autoencoder
      >>> config, spec = autoencoder.Config(units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> player = autoencoder.make(config, spec).init(jax.random.key(0)).generator
      >>> autoencoder.reconstruction(config, spec)(player, jax.numpy.zeros((3, 8, 8, 1))).shape
      (3, 8, 8, 1)
    """
    whole, _ = networks(config, spec)

    def back(player: PlayerState, x: jax.Array) -> jax.Array:
        (_, logits), _ = whole.apply(optim.ema_weights(player, True)[0], {}, x)
        return jax.nn.sigmoid(logits)

    return back


def _preset(data: str, dataset: str, batch_size: int, steps: int, **changes: Any) -> Preset:
    return Preset(f"autoencoder on {data}", dataset, batch_size, steps, Config(**changes))


PRESETS = {
    "autoencoder": _preset("scikit-learn's 8x8 digits; any images: --dataset folder", "digits", 64, 5_000),
    "autoencoder_mnist": _preset("MNIST, 28x28 digits", "mnist", 128, 20_000),
    "autoencoder_fashion_mnist": _preset("Fashion-MNIST, 28x28 articles of clothing", "fashion_mnist", 128, 20_000),
}


def tools(config: Config, spec: DataSpec) -> dict[str, Any]:
    """What the evaluator needs: `reconstruct`."""
    return {"reconstruct": reconstruction(config, spec)}


MODEL = Model(Config, make, PRESETS, check, small, SMALL_SPEC, evaluator="reconstructions", tools=tools)
