"""BigGAN (Brock et al., 2019), https://arxiv.org/abs/1809.11096: SAGAN's networks with labels, wider, in larger batches.

For grey or colour images with class labels, whose sides are 4 to 7 times a power of two. Up to 56x56 the networks are those of
BigGAN-PyTorch's CIFAR-10 script: residual, four blocks of equal width in the discriminator, for each class gains and shifts in
the generator and a vector in the projection discriminator, spectral normalisation of both players. For larger images, or with
`shared=True`, they are those of ImageNet: a shared vector of the class and a part of the latents condition every block; larger
images have self-attention at half their sides. With `deep=True` they are those of BigGAN-deep: `depth` narrow blocks of four
convolutions at each resolution, each conditioned on the vector of the class and on all latents.

`init` starts all kernels orthogonal or in N(0, 0.02); `orthogonal` adds the gradient of the paper's orthogonal regularisation
to the generator's. `gan.sample(truncation=psi)` for psi below 1 maps each latent to psi times a normal one cut off at -2 and 2,
as the authors' published generators do; with `--model.ema.statistics standing` the batch statistics are recomputed for
sampling. The CIFAR-10 script's average starts after 1,000 steps; ours is warmed up instead.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
from jax.scipy.special import ndtr, ndtri

from jgan import constraints
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import SMALL_CLASSES, Training, play, players
from jgan.models.model import Model, Preset
from jgan.networks import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
    BigGANGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
    biggan,
    dcgan,
    pyramid,
    resnet,
)
from jgan.types import GAN, DataSpec, Network, PyTree

INITIALISERS = {"normal": jax.nn.initializers.normal(0.02), "orthogonal": jax.nn.initializers.orthogonal()}

CUT = 2.0
"""where the normal distribution of truncated latents is cut off"""


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    latent_size: int = 128
    """dimension of the noise z"""
    width: int = 64
    """unit of the channels: for 32x32 4 width in both players, for larger images width to 16 width (published: 96)"""
    shared: bool = False
    """a shared vector of the class and parts of z condition every block, as for ImageNet"""
    class_size: int = 128
    """size of that vector"""
    deep: bool = False
    """the networks of BigGAN-deep, for images of any size (published: width 128)"""
    depth: int = 2
    """blocks of BigGAN-deep at each resolution"""
    init: Literal["normal", "orthogonal"] = "normal"
    """initial kernels: normal, N(0, 0.02), or orthogonal"""
    orthogonal: float = 0.0
    """weight of the orthogonal regularisation of the generator; 1e-4 in the paper"""
    loss: str = "hinge"
    """a name in jgan.losses.LOSSES"""
    rule: options.Rule = options.Rule(n_critic=4)
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.0)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(0.9999)
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters, spectral norms, the attention's softmax and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with class labels, with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec, labels=True)
    dcgan.stages(spec.shape, "BigGAN")


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """Builds the generator and the discriminator.

    Args:
      config: the options of the model.
      spec: the shape and the classes of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the sides of the images do not fit, or the latents cannot be cut into equal parts, or `depth` is below 1.
    """
    count, _ = dcgan.stages(spec.shape, "BigGAN")
    if config.depth < 1:
        raise ValueError(f"depth must be at least 1, found {config.depth}")
    side, classes, dtype = min(spec.shape[:2]), spec.n_classes, jnp.dtype(config.dtype)
    attention = side // 2 if count > 3 else 0
    multiples = [min(2**index, 16) for index in range(count)] if count > 3 else [4] * count
    up = tuple(config.width * multiple for multiple in [multiples[-1], *reversed(multiples)])
    if config.deep:
        sizes = config.class_size, config.depth, attention, dtype
        return _started(
            config,
            spec,
            BigGANDeepGenerator(spec.shape, up, classes, *sizes),
            BigGANDeepDiscriminator(up[::-1], classes, *sizes[1:]),
        )
    generator: Any
    if count > 3 or config.shared:
        generator = BigGANGenerator(spec.shape, up, classes, config.class_size, attention, dtype)
    else:
        generator = ResidualGenerator(spec.shape, up, spectral=True, n_classes=classes, dtype=dtype)
    # Of images below 16x16 the last two blocks of the four would see a few pixels only.
    blocks = tuple(reversed(up[1:])) if count > 3 else (4 * config.width,) * (4 if side >= 16 else 2)
    down = (*blocks, blocks[-1]) if count > 3 else blocks
    discriminator = ResidualDiscriminator(
        down,
        len(blocks) if count > 3 else resnet.halvings(spec.shape, len(down)),
        wide=True,
        attention=attention,
        n_classes=classes,
        dtype=dtype,
    )
    return _started(config, spec, generator, discriminator)


def _started(config: Config, spec: DataSpec, generator: Any, discriminator: Any) -> tuple[Network, Network]:
    """The networks of two modules, with the initial kernels of the configuration."""
    start = INITIALISERS[config.init]
    both = players(generator, discriminator, config.latent_size, spec)
    return biggan.started(both[0], start), biggan.started(both[1], start)


def truncated(generator: Network, psi: float) -> Network:
    """The generator with the truncation trick.

    Args:
      generator: the generator.
      psi: from 0 to 1.

    Returns:
      The `Network` of the same parameters: a latent z becomes psi times the value with the same rank under a normal
      distribution cut off at -2 and 2.

    Example:
      See `make`.
    """
    low, high = ndtr(jnp.float32(-CUT)), ndtr(jnp.float32(CUT))

    def apply(params: PyTree, model_state: PyTree, *inputs: jax.Array, **given: Any) -> tuple[Any, PyTree]:
        z = psi * ndtri(low + (high - low) * ndtr(inputs[0]))
        return generator.apply(params, model_state, z, *inputs[1:], **given)

    return Network(generator.init, apply)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a BigGAN.

    Args:
      config: the options of the model.
      spec: the shape and the classes of the images.

    Returns:
      The `GAN`, conditioned on labels; `gan.sample(..., truncation=psi)` draws with the truncation trick.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import biggan
      >>> gan = biggan.make(biggan.Config(width=2), DataSpec.images((8, 8, 1), 10, n_classes=10))
      >>> key = jax.random.key(0)
      >>> labels = jax.numpy.array([3, 7])
      >>> draw = lambda key: gan.generate(gan.init(key), gan.inputs(key, 2, labels), truncation=0.5)
      >>> jax.eval_shape(draw, key).shape
      (2, 8, 8, 1)
    """
    players = networks(config, spec)
    regular = constraints.orthogonal_regularization(config.orthogonal) if config.orthogonal else optax.identity()
    return play(
        config,
        spec,
        LOSSES[config.loss],
        players,
        labels=True,
        truncated=lambda psi: truncated(players[0], psi),
        g_gradient=regular,
    )


# From N(0, 0.02), as published for CIFAR-10, 2,000 updates on MNIST made no digits: 21 % were read as the class asked for, and
# from orthogonal kernels 99 % (benchmarks.gallery).
_QUICK: dict[str, Any] = {"init": "orthogonal", "rule": options.Rule(n_critic=2), "ema": options.EMA(0.999)}

_IMAGENET = Config(
    latent_size=120,
    width=96,
    init="orthogonal",
    rule=options.Rule(),
    optimizer=options.Optimizer("adam", learning_rate=1e-4, d_learning_rate=4e-4, b1=0.0),
    ema=options.EMA(0.9999, statistics="standing"),
)

PRESETS = {
    "biggan": Preset(
        description="BigGAN on scikit-learn's 8x8 digits; or --dataset folder, a folder a class",
        dataset="digits",
        batch_size=50,
        steps=5_000,
        config=Config(width=8, **_QUICK),
    ),
    "biggan_mnist": Preset(
        description="BigGAN on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=50,
        steps=15_000,
        config=Config(width=16, **_QUICK),
    ),
    "biggan_cifar10": Preset(
        description="BigGAN on CIFAR-10, 32x32 photographs: the configuration of BigGAN-PyTorch, for a GPU",
        dataset="cifar10",
        batch_size=50,
        steps=125_000,
        config=Config(),
    ),
    "biggan_128": Preset(
        description="BigGAN on a folder a class of 128x128 images, the networks for ImageNet: for many GPUs",
        dataset="folder",
        batch_size=2048,
        steps=150_000,
        config=_IMAGENET,
    ),
    "biggan_deep_128": Preset(
        description="BigGAN-deep on a folder a class of 128x128 images, the networks for ImageNet: for many GPUs",
        dataset="folder",
        batch_size=2048,
        steps=150_000,
        config=dataclasses.replace(_IMAGENET, latent_size=128, width=128, deep=True),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    sgd = options.Optimizer("sgd", learning_rate=0.001)
    rule = dataclasses.replace(config.rule, n_critic=min(config.rule.n_critic, 2))
    ema = dataclasses.replace(config.ema, decay=0.9)
    sizes: dict[str, Any] = {"latent_size": 6, "width": 1, "class_size": 3}
    return dataclasses.replace(config, optimizer=sgd, rule=rule, ema=ema, **sizes)


MODEL = Model(Config, make, PRESETS, check, small, SMALL_CLASSES, nearest=pyramid.nearest)
