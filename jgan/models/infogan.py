"""InfoGAN (Chen et al., 2016), https://arxiv.org/abs/1606.03657: latent codes that can be read off the images.

For grey or colour images without labels, whose sides are 4 to 7 times a power of two: 28x28 (the authors' MNIST networks),
32x32, 64x64, the 8x8 digits. The latents are noise, categorical codes and continuous ones (`jgan.codes`). A network Q, on the
discriminator's trunk, predicts the codes of the fakes; both players minimise

  -information_weight E log Q(codes | G(noise, codes)),

a bound of minus the mutual information between codes and images, so that each code must change the image in its own way: of
MNIST, the categorical code takes up the digits. As in the authors' code, Q has the discriminator's optimiser and the generator
five times its rate, and the continuous codes have the variance 1 under Q. The picture of a run has a row for each value of the
first categorical code, then one for each continuous code from -2 to 2. Where the data have labels, the share of test images
whose digit the categorical code misses is measured too.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan import terms
from jgan.codes import Codes
from jgan.losses import LOSSES
from jgan.models import accepts, options
from jgan.models.images import SMALL_SPEC, Training, play, presets
from jgan.models.images import small as smaller
from jgan.models.model import Model
from jgan.networks import InfoGANDiscriminator, InfoGANGenerator, dcgan, from_module, pyramid
from jgan.types import GAN, DataSpec, Network, PlayerState


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model."""

    latent_size: int = 62
    """number of latents that are noise, U(-1, 1)"""
    categories: tuple[int, ...] = (10,)
    """number of values of each categorical code"""
    continuous: int = 2
    """number of continuous codes, U(-1, 1)"""
    information_weight: float = 1.0
    """weight of the bound of the mutual information (the paper's lambda)"""
    units: int = 1024
    """units of the linear layers"""
    code_units: int = 128
    """hidden units of Q"""
    slope: float = 0.01
    """slope of D's leaky ReLU; 0.1 in the paper"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-3, d_learning_rate=2e-4, b1=0.5)
    """the optimiser of both players"""


def codes(config: Config) -> Codes:
    """The latent codes of a configuration.

    Args:
      config: the options of the model.

    Returns:
      The `Codes`.

    Raises:
      ValueError: if there is no code, or a categorical one with fewer than two values.

    Example:
      >>> from jgan.models import infogan
      >>> infogan.codes(infogan.Config()).size
      74
    """
    if any(values < 2 for values in config.categories) or config.continuous < 0:
        raise ValueError(
            "categories must have at least two values each and continuous must be at least 0, "
            f"found {config.categories} and {config.continuous}"
        )
    if not config.categories and not config.continuous:
        raise ValueError("InfoGAN needs a code: give categories or continuous")
    return Codes(config.latent_size, tuple(config.categories), config.continuous)


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    dcgan.stages(spec.shape, "InfoGAN")


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """Builds the generator, and the discriminator with Q as its second output.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the sides of the images do not fit, or there is no code.
    """
    of, dtype = codes(config), jnp.dtype(config.dtype)
    generator = InfoGANGenerator(spec.shape, config.width, config.units, dtype)
    discriminator = InfoGANDiscriminator(of.outputs, config.width, config.units, config.code_units, config.slope, dtype)
    return from_module(generator, (of.size,)), from_module(discriminator, spec.shape)


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds an InfoGAN.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `GAN`; its latents are `[n, codes(config).size]`.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import infogan
      >>> config = infogan.Config(width=4, units=8)
      >>> gan = infogan.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> z = infogan.codes(config).with_category(gan.inputs(key, 2).z, code=0, value=7)
      >>> gan.generate(jax.jit(gan.init)(key), gan.inputs(key, 2)._replace(z=z)).shape
      (2, 8, 8, 1)
    """
    of = codes(config)
    information = terms.information(of.log_likelihood, config.information_weight)
    return play(config, spec, LOSSES[config.loss], networks(config, spec), terms=(information,), latents=of.draw)


PRESETS = presets("infogan", "InfoGAN", Config(), batch_size=128)
"""MNIST as published, but for the length (the authors made 5,000 updates) and the average of the generator's weights."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests."""
    # Biases before a batch normalisation have gradients of rounding errors only, which Adam would enlarge.
    sgd = options.Optimizer("sgd", learning_rate=0.001)
    sizes: dict[str, Any] = {"categories": (3,), "continuous": 1, "units": 6, "code_units": 4}
    return dataclasses.replace(smaller(config), optimizer=sgd, **sizes)


def reader(config: Config, spec: DataSpec) -> Callable[[PlayerState, jax.Array], jax.Array]:
    """The network Q as a function of images.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      `read(state.discriminator, images) -> [N, codes(config).outputs]` of images in [0, 1]; it can be jitted.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import infogan
      >>> config, spec = infogan.small(infogan.Config()), DataSpec.images((8, 8, 1), steps_per_epoch=10)
      >>> state = infogan.make(config, spec).init(jax.random.key(0))
      >>> infogan.reader(config, spec)(state.discriminator, jax.numpy.zeros((2, 8, 8, 1))).shape
      (2, 4)
    """
    _, network = networks(config, spec)

    def read(player: PlayerState, images: jax.Array) -> jax.Array:
        return network.apply(player.params, player.model_state, images)[0][1]

    return read


MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    SMALL_SPEC,
    evaluator="codes",
    nearest=pyramid.nearest,
    tools=lambda config, spec: {"codes": codes(config), "read": reader(config, spec)},
)
