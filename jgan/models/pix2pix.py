"""pix2pix (Isola et al., 2017), https://arxiv.org/abs/1611.07004: an image is made from another one, learnt from pairs.

The generator, a U-Net, maps a source image to a target image. The discriminator, a PatchGAN, sees the source and the target
joined by channel, and calls each patch real or fake. The generator minimises the adversarial loss and `l1_weight |G(c) - x|`,
the mean absolute difference from the true target; the discriminator's loss is halved, and it is updated first. The defaults are
the authors' for 256x256 images, in batches of one.

The only noise is dropout, which stays on for samples: the authors found that a generator ignores a noise vector. Its masks
follow from one number for each example, the latents of this model. `g_dropouts` puts it into networks of fewer than 6 levels,
where the published rule gives none; without dropout the model has no latents.

In samples too, batch normalisation uses the statistics of the images that are asked for. The authors sample one image at a
time, so that each image has its own statistics (`statistics="image"`). A generator trained in larger batches needs
`statistics="average"`, the moving averages of training.
"""

import dataclasses
import math
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jgan import games, rng, terms
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.assembly import assemble, unit_interval
from jgan.models.model import Model, Preset
from jgan.networks import PatchDiscriminator, UNetGenerator, from_module
from jgan.types import GAN, Batch, DataSpec, Field, Key, Network, PyTree, Whole
from jgan.utils.registry import unknown


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    g_width: int = 64
    """channels of the U-Net's outermost level"""
    g_levels: int = 0
    """halvings of the image's sides; 0: down to one pixel of the smaller side, at most 8"""
    g_dropouts: int = -1
    """levels with dropout on the way up, from the second innermost on; -1: the published levels - 5"""
    keep: float = 0.5
    """probability that dropout keeps a number"""
    norm: Literal["batch", "instance"] = "batch"
    """normalisation of both networks"""
    d_width: int = 64
    """channels of the discriminator after its first convolution"""
    d_layers: int = 3
    """convolutions of stride 2 of the discriminator: 3 for patches of 70x70, 2 for 34x34, 1 for 16x16, 0 for single pixels"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    adversarial_weight: float = 1.0
    """weight of the generator's adversarial loss; 0: trained by the L1 distance alone"""
    l1_weight: float = 100.0
    """weight of the mean absolute difference of images in [-1, 1] from their targets"""
    statistics: Literal["image", "batch", "average"] = "image"
    """batch norm's statistics in samples: of each image, of all images asked for, or the averages of training"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.5)
    """the optimiser of both players"""
    epochs: options.EpochDecay = options.EpochDecay()
    """the decay of both learning rates"""
    ema: options.EMA = options.EMA()
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters, statistics of normalisation and losses are float32"""


def levels(config: Config, shape: tuple[int, ...]) -> int:
    """The levels of the U-Net.

    Args:
      config: the options of the model.
      shape: `(height, width, channels)` of an image.

    Returns:
      `g_levels`; if it is 0, as many as leave one pixel of the smaller side, from 2 to 8.

    Example:
      >>> from jgan.models import pix2pix
      >>> [pix2pix.levels(pix2pix.Config(), (side, 300, 3)) for side in (8, 28, 32, 256, 512)]
      [3, 5, 5, 8, 8]
    """
    return config.g_levels or min(max(math.ceil(math.log2(min(shape[:2]))), 2), 8)


def dropouts(config: Config, shape: tuple[int, ...]) -> int:
    """The levels of the U-Net with dropout.

    Args:
      config: the options of the model.
      shape: `(height, width, channels)` of an image.

    Returns:
      Their number; 0 also if dropout keeps everything.

    Example:
      >>> from jgan.models import pix2pix
      >>> pix2pix.dropouts(pix2pix.Config(), (256, 256, 3)), pix2pix.dropouts(pix2pix.Config(), (32, 32, 3))
      (3, 0)
    """
    if config.keep == 1:
        return 0
    return max(levels(config, shape) - 5, 0) if config.g_dropouts == -1 else config.g_dropouts


def generator(config: Config, spec: DataSpec) -> Network:
    """Builds the generator.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs.

    Returns:
      The `Network`, whose inputs are the seeds `[B]` of dropout, if there is dropout, and the source images; outside training
      it normalises as `config.statistics` says.

    Raises:
      ValueError: if an option is unknown.
    """
    if config.statistics not in ("image", "batch", "average"):
        raise ValueError(unknown("statistics", config.statistics, ("image", "batch", "average")))
    target, source = spec.one.x.shape, spec.one.c.shape
    sizes: dict[str, Any] = {"width": config.g_width, "levels": levels(config, target), "dropouts": dropouts(config, target)}
    module = UNetGenerator(config.norm, jnp.dtype(config.dtype), channels=target[-1], keep=config.keep, **sizes)
    seeded = ((), jnp.uint32), (source, jnp.float32)
    declared = seeded if sizes["dropouts"] else seeded[1:]
    shapes, dtypes = zip(*reversed(declared), strict=True)
    network = from_module(module, *shapes, input_dtypes=dtypes, any_sides=True)

    def sampled(params: PyTree, model_state: PyTree, *inputs: jax.Array) -> jax.Array:
        return network.apply(params, model_state, *reversed(inputs), train=config.statistics != "average")[0]

    def apply(
        params: PyTree,
        model_state: PyTree,
        *inputs: jax.Array,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[jax.Array, PyTree]:
        if train:
            return network.apply(params, model_state, *reversed(inputs), key=key, train=True, axis_name=axis_name)
        if config.statistics != "image":
            return sampled(params, model_state, *inputs), model_state
        alone = lambda *example: sampled(params, model_state, *(x[None] for x in example))[0]  # noqa: E731
        return jax.vmap(alone)(*inputs), model_state

    return Network(network.init, apply)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a pix2pix model.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs: targets `x` and sources `c`.

    Returns:
      The `GAN`, conditioned on images: `gan.sample(key, state, n, images=sources)` returns targets.

    Raises:
      ValueError: if the images are too small for the networks, or an option is out of range.

    Example:
      >>> import jax, numpy as np
      >>> from jgan import data
      >>> from jgan.models import pix2pix
      >>> spec = data.spec(data.load("negatives:digits"), batch_size=4)
      >>> gan = pix2pix.make(pix2pix.small(pix2pix.Config()), spec)
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2, images=np.zeros((2, 8, 8, 1))).shape
      (2, 8, 8, 1)
    """
    target, source = spec.one.x, spec.one.c
    critic = PatchDiscriminator(config.norm, jnp.dtype(config.dtype), width=config.d_width, layers=config.d_layers)
    loss = LOSSES[config.loss]

    def weighted(*logits: Any, **devices: Any) -> jax.Array:
        return config.adversarial_weight * loss.generator(*logits, **devices)

    def seeds(key: Key, n: int, axis_name: str | None = None) -> jax.Array:
        return rng.one_each(key, n, lambda k: jax.random.bits(k, (), "uint32"), axis_name)

    game = games.Adversarial(
        generator(config, spec),
        from_module(critic, target.shape, source.shape),
        seeds if dropouts(config, target.shape) else None,
        loss._replace(generator=weighted),
        discriminator_weight=0.5,
        terms=(terms.l1_to_target(2 * config.l1_weight),),  # images are in [0, 1] here
        condition=games.source,
    )
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec), config.epochs.factor(spec))
    made = config.rule.steps(game, optimizers)
    gan = assemble(game, made, optimizers, condition=source, output=unit_interval, n_critic=config.rule.n_critic)
    return gan._replace(whole=Whole(smallest=2 ** (levels(config, target.shape) - 1) + 1))


_SMALL_IMAGES: dict[str, Any] = {"g_width": 32, "d_width": 32, "d_layers": 2, "g_dropouts": 2, "statistics": "average"}
_TWO_EPOCHS = options.EpochDecay(1, 1, "steps")

PRESETS = {
    "pix2pix": Preset(
        description="translation learnt from pairs, on scikit-learn's 8x8 digits: white on black to black on white",
        dataset="negatives:digits",
        batch_size=16,
        steps=3_000,
        config=Config(
            g_width=16, d_width=16, d_layers=1, g_dropouts=1, statistics="average", epochs=options.EpochDecay(20, 20)
        ),
    ),
    "pix2pix_mnist": Preset(
        description="translation learnt from pairs, on MNIST, 28x28: digits to their edges",
        dataset="swapped:edges:mnist",
        batch_size=16,
        steps=6_250,
        config=Config(**_SMALL_IMAGES, epochs=_TWO_EPOCHS),
    ),
    "pix2pix_fashion_mnist": Preset(
        description="translation learnt from pairs, on Fashion-MNIST, 28x28: edges to articles of clothing",
        dataset="edges:fashion_mnist",
        batch_size=16,
        steps=12_500,
        config=Config(**_SMALL_IMAGES, epochs=options.EpochDecay(2, 2, "steps")),
    ),
    "pix2pix_cifar10": Preset(
        description="translation learnt from pairs, on CIFAR-10, 32x32: grey photographs to colour",
        dataset="grey:cifar10",
        batch_size=16,
        steps=25_000,
        config=Config(**_SMALL_IMAGES, epochs=options.EpochDecay(5, 5, "steps")),
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    sizes: dict[str, Any] = {"g_width": 4, "d_width": 2, "d_layers": 1, "g_levels": 3, "g_dropouts": 1}
    return dataclasses.replace(config, **sizes, epochs=options.EpochDecay(1, 1), ema=options.EMA(0.9), statistics="image")


MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.pairs,
    small,
    DataSpec(Batch(Field((8, 8, 1)), None, Field((8, 8, 1))), steps_per_epoch=2),
    evaluator="pairs",
)
