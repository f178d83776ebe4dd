"""Denoising diffusion (Ho et al., 2020), https://arxiv.org/abs/2006.11239, sampled as by DDIM: slow samples beside the GAN.

An image x_0 in [-1, 1] is mixed with noise, a_t falling from nearly 1 to nearly 0 over `times` steps, and a U-Net predicts the
noise from the mixture and t:

  x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e,        minimise E |e - unet(x_t, t)|^2,        a_t = prod_s (1 - beta_s)

beta rises linearly from 1e-4 to 0.02. `denoise` makes samples in `sample_steps` passes of the U-Net (Song et al., 2021,
https://arxiv.org/abs/2010.02502): deterministic for eta 0, so that a sample is a function of the noise it begins with, as that
of a GAN is; with eta 1 and all times it is the published ancestral sampling with the smaller of its two variances. Images are
clipped to [-1, 1] at each step, as in the code of Ho et al.

On a CPU, sample in few steps: a network that is applied in a loop runs on one core there.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import optim, rng, steps, views
from jgan.models import accepts, options
from jgan.models.alone import alone
from jgan.models.images import SMALL_SPEC
from jgan.models.model import Model, Preset
from jgan.networks import UNet, from_module, unet
from jgan.rng import Stream, stream
from jgan.types import GAN, Batch, DataSpec, GANState, Key, Network, PlayerState, PyTree


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    width: int = 128
    """channels of the U-Net's first level"""
    multiples: tuple[int, ...] = (1, 2, 2, 2)
    """channels of its levels, in units of width"""
    blocks: int = 2
    """residual blocks of a level"""
    attention: int = 16
    """smaller side of the maps with self-attention; 0, or a side that no map has: only in the middle"""
    keep: float = 0.9
    """probability that dropout keeps a number"""
    flip: bool = False
    """mirror half of the training images left and right, as the authors do on CIFAR-10"""
    times: int = 1000
    """steps T of the diffusion"""
    sample_steps: int = 50
    """passes of the U-Net for a sample"""
    spacing: Literal["uniform", "quadratic"] = "uniform"
    """spacing of the times of these passes; the published CIFAR-10 figures of DDIM have the quadratic one"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.9)
    """the optimiser"""
    clip_gradient: float = 1.0
    """maximum norm of the gradient"""
    warmup_steps: int = 5000
    """steps over which the learning rate rises from 0"""
    ema: options.EMA = options.EMA(0.9999)
    """the average of the weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the network's arithmetic; parameters, normalisation statistics, softmax and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images."""
    accepts.images(spec)


def kept(times: int) -> np.ndarray:
    """`a_t`, the share of the image's variance that is left at each time.

    Args:
      times: T, the number of steps.

    Returns:
      `[T]` float32, for t = 1 ... T.

    Example:
      >>> from jgan.models import ddpm
      >>> [round(float(value), 6) for value in ddpm.kept(1000)[[0, 499, 999]]]
      [0.9999, 0.078587, 4e-05]
    """
    return np.cumprod(1 - np.linspace(1e-4, 0.02, times)).astype(np.float32)


def chosen_times(times: int, count: int, spacing: str) -> np.ndarray:
    """The times at which the U-Net is applied, as indices of `kept`.

    Args:
      times: T.
      count: their number S, from 1 to T.
      spacing: `"uniform"`, multiples of T / S, or `"quadratic"`, squares of a uniform grid up to 0.8 T.

    Returns:
      `[S]` int, ascending, from 0 on.

    Raises:
      ValueError: if there are too many or none, or the spacing is unknown.

    Example:
      >>> from jgan.models import ddpm
      >>> ddpm.chosen_times(1000, 4, "uniform").tolist(), ddpm.chosen_times(1000, 4, "quadratic").tolist()
      ([0, 250, 500, 750], [0, 88, 355, 800])
    """
    if not 1 <= count <= times:
        raise ValueError(f"sample_steps must be from 1 to times, {times}, found {count}")
    if spacing == "uniform":
        return np.arange(count) * times // count
    if spacing == "quadratic":
        return (np.linspace(0, np.sqrt(0.8 * times), count) ** 2).astype(int)
    raise ValueError(f"spacing must be 'uniform' or 'quadratic', found {spacing!r}")


def network(config: Config, spec: DataSpec) -> Network:
    """Builds the U-Net.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `Network`: mixtures `[B, h, w, c]` and times `[B]` to the noise `[B, h, w, c]`.

    Raises:
      ValueError: if the sides of the images cannot be halved often enough.
    """
    unet.check_sides(spec.shape[:2], len(config.multiples))
    sizes = (config.width, config.multiples, config.blocks, config.attention, config.keep, jnp.dtype(config.dtype))
    return from_module(UNet(*sizes), spec.shape, ())


def mixed(x: jax.Array, noise: jax.Array, share: jax.Array) -> jax.Array:
    """`sqrt(a) x + sqrt(1 - a) e` of images `[B, h, w, c]`, noise of the same shape and shares a `[B]`."""
    a = share.reshape(-1, 1, 1, 1)
    return jnp.sqrt(a) * x + jnp.sqrt(1 - a) * noise


Denoise = Callable[..., jax.Array]


def denoise(config: Config, spec: DataSpec, *, eta: float = 0.0) -> Denoise:
    """Builds the sampler.

    Args:
      config: the options of the model; `sample_steps` and `spacing` say at which times the U-Net is applied.
      spec: the shape of the images.
      eta: the share of noise that is drawn anew at each step; 0 draws none.

    Returns:
      `sample(params, z, key=None) -> [n, h, w, c]` images in [-1, 1] of noise z of the same shape. `key` is needed if eta is
      not 0.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import ddpm
      >>> config, spec = ddpm.small(ddpm.Config()), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> params, _ = ddpm.network(config, spec).init(jax.random.key(0))
      >>> ddpm.denoise(config, spec, eta=1.0)(params, jax.numpy.zeros((2, 8, 8, 1)), jax.random.key(1)).shape
      (2, 8, 8, 1)

    References:
      Song et al., "Denoising Diffusion Implicit Models" (2021), equations 12 and 16, https://arxiv.org/abs/2010.02502
    """
    net, share = network(config, spec), kept(config.times)
    times = chosen_times(config.times, config.sample_steps, config.spacing)
    here = jnp.asarray(share[times])
    before = jnp.concatenate([jnp.ones(1), here[:-1]])  # the last step goes to the image itself

    def sample(params: PyTree, z: jax.Array, key: Key | None = None) -> jax.Array:
        def step(index: jax.Array, x: jax.Array) -> jax.Array:
            place = len(times) - 1 - index
            a, a_next = here[place], before[place]
            t = jnp.full(x.shape[0], jnp.asarray(times, jnp.float32)[place])
            noise, _ = net.apply(params, {}, x, t)
            image = jnp.clip((x - jnp.sqrt(1 - a) * noise) / jnp.sqrt(a), -1, 1)
            noise = (x - jnp.sqrt(a) * image) / jnp.sqrt(1 - a)
            sigma = eta * jnp.sqrt((1 - a / a_next) * (1 - a_next) / (1 - a))
            x = jnp.sqrt(a_next) * image + jnp.sqrt(jnp.maximum(1 - a_next - sigma**2, 0)) * noise
            if eta and key is not None:
                x = x + sigma * jax.random.normal(jax.random.fold_in(key, index), x.shape)
            return x

        if eta and key is None:
            raise ValueError("sampling with eta above 0 draws noise: give a key")
        return jax.lax.fori_loop(0, len(times), step, z)

    return sample


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a diffusion model.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN` of one player; its latents are noise images, its samples those of `denoise` with eta 0.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import ddpm
      >>> gan = ddpm.make(ddpm.small(ddpm.Config()), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2).shape
      (2, 8, 8, 1)
    """
    net, sample, share = network(config, spec), denoise(config, spec), jnp.asarray(kept(config.times))

    def noise_images(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.one_each(key, n, lambda k: jax.random.normal(k, spec.shape), axis_name)

    def loss(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        x, n = 2 * batch.x - 1, len(batch.x)
        times = rng.one_each(stream(key, Stream.CONDITION), n, lambda k: jax.random.randint(k, (), 0, config.times), axis_name)
        noise = noise_images(stream(key, Stream.LATENTS), n, axis_name)
        found, _ = net.apply(
            params,
            {},
            mixed(x, noise, share[times]),
            times.astype(jnp.float32),
            key=stream(key, Stream.GENERATOR),
            train=True,
            axis_name=axis_name,
        )
        value = jnp.mean(jnp.square(found - noise))
        return value, (state.generator.model_state, {"noise_loss": value})

    def apply(params: PyTree, model_state: PyTree, *inputs: jax.Array, **_: Any) -> tuple[jax.Array, PyTree]:
        return (sample(params, *inputs) + 1) / 2, model_state

    view = views.of_images(views.flip()) if config.flip else None
    return alone(Network(net.init, apply), loss, _optimizers(config, spec), noise_images, view=view)


def _optimizers(config: Config, spec: DataSpec) -> steps.Optimizers:
    """Those of the options, after a limit of the gradient's norm, with a rate that rises at first."""
    made = options.optimizers(config.optimizer, options.Rule(), config.ema.average(spec))
    rise = optax.linear_schedule(0.0, 1.0, config.warmup_steps) if config.warmup_steps else optax.constant_schedule(1.0)
    descent = optax.chain(
        optax.clip_by_global_norm(config.clip_gradient), made.generator, optax.scale_by_schedule(lambda count: rise(count + 1))
    )
    return made._replace(generator=optim.under_standard_promotion(descent))


_GREY: dict[str, Any] = {"multiples": (1, 2, 2), "blocks": 1, "keep": 1.0, "warmup_steps": 200, "ema": options.EMA(0.999)}
_RATE = options.Optimizer("adam", learning_rate=1e-3, b1=0.9)

PRESETS = {
    "ddpm": Preset(
        description="denoising diffusion on scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=64,
        steps=3_000,
        config=Config(width=32, attention=4, sample_steps=20, optimizer=_RATE, **_GREY | {"multiples": (1, 2)}),
    ),
    "ddpm_mnist": Preset(
        description="denoising diffusion on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=64,
        steps=10_000,
        config=Config(width=32, attention=7, sample_steps=20, optimizer=_RATE, **_GREY),
    ),
    "ddpm_fashion_mnist": Preset(
        description="denoising diffusion on Fashion-MNIST, 28x28 articles of clothing",
        dataset="fashion_mnist",
        batch_size=64,
        steps=10_000,
        config=Config(width=32, attention=7, sample_steps=20, optimizer=_RATE, **_GREY),
    ),
    "ddpm_cifar10": Preset(
        description="denoising diffusion on CIFAR-10, the authors' configuration (800,000 steps): for a GPU",
        dataset="cifar10",
        batch_size=128,
        steps=800_000,
        config=Config(spacing="quadratic", flip=True),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    sizes: dict[str, Any] = {"width": 4, "multiples": (1,), "blocks": 1, "attention": 0, "sample_steps": 3}
    return dataclasses.replace(config, ema=options.EMA(0.9), warmup_steps=2, **sizes)


def noise_loss(config: Config, spec: DataSpec) -> Callable[[PlayerState, jax.Array, Key], jax.Array]:
    """The loss of images, at times spread evenly over them.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `loss(state.generator, images, key) -> scalar`, by the averaged weights, of images in [0, 1]; the key draws the noise.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import ddpm
      >>> config, spec = ddpm.small(ddpm.Config()), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> player = ddpm.make(config, spec).init(jax.random.key(0)).generator
      >>> ddpm.noise_loss(config, spec)(player, jax.numpy.zeros((4, 8, 8, 1)), jax.random.key(1)).shape
      ()
    """
    net, share = network(config, spec), kept(config.times)

    def loss(player: PlayerState, images: jax.Array, key: Key) -> jax.Array:
        params, _ = optim.ema_weights(player, True)
        times = np.linspace(0, len(share) - 1, len(images)).astype(int)
        noise = jax.random.normal(key, images.shape)
        mixture = mixed(2 * images - 1, noise, jnp.asarray(share[times]))
        found, _ = net.apply(params, {}, mixture, jnp.asarray(times, jnp.float32))
        return jnp.mean(jnp.square(found - noise))

    return loss


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    SMALL_SPEC,
    evaluator="denoising",
    tools=lambda config, spec: {"noise_loss": noise_loss(config, spec)},
)
