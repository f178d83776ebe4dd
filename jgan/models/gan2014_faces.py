"""The two-stage face model of Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661, with a growing generator.

The first phase trains a generator of three layers. The second stacks two new layers *under* it: they map
noise to the latents of the trained generator. The discriminator restarts from random weights. The defaults are the authors'
`pretrain.yaml` and `train.yaml` for the Toronto Face Database, 48x48 grey images; all kernels are kept under a maximal column
norm.
"""

import dataclasses

import jax.numpy as jnp

from jgan import constraints, optim, phases
from jgan.models import accepts
from jgan.models.model import Model, Preset
from jgan.models.options import EMA
from jgan.models.paper2014 import Activation, MomentumSGD, Training, marginal_bias, per_layer, play
from jgan.networks import MLP, GrownGenerator, MLPDiscriminator, MLPGenerator, from_module
from jgan.networks.layers import sparse_normal
from jgan.rng import Noise
from jgan.types import GAN, DataSpec, GANState, Key, Network, Phase


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model; the defaults are the authors' `pretrain.yaml` and `train.yaml`."""

    noise: Noise = "gaussian"
    """distribution of z, of unit variance: uniform or gaussian"""
    optimizer: MomentumSGD = MomentumSGD(learning_rate=0.05)
    """the optimiser of both players"""
    pretrain_steps: int = 50_000
    """generator updates of the first phase, which trains the upper layers; 0: all layers start at random"""
    under_units: tuple[int, ...] = (8000, 100)
    """layers that the second phase adds under the trained generator, the last as large as its latents; empty: one phase"""
    under_activations: tuple[Activation, ...] = ("relu", "sigmoid")
    """their activations"""
    under_biases: tuple[float, ...] = (0.0, -2.0)
    """initial biases of these layers"""
    g_units: tuple[int, ...] = (8000, 8000)
    """hidden layers of the first phase's generator"""
    g_activations: tuple[Activation, ...] = ("relu", "sigmoid")
    """their activations"""
    g_biases: tuple[float, ...] = (0.0, -2.0)
    """initial biases of these layers"""
    g_irange: float = 0.05
    """generator weights start in U(-irange, irange), except those of the last layer"""
    g_sparse: int = 100
    """weights of each output pixel that start in N(0, 1); the others start at 0"""
    d_units: tuple[int, ...] = (1200, 1200)
    """maxout layers of the discriminator"""
    d_pieces: int = 5
    """affine pieces of a maxout unit"""
    d_irange: float = 0.005
    """discriminator weights start in U(-irange, irange)"""
    max_column_norm: float = 1.9365
    """maximum norm of the weights of a unit, or of a maxout piece"""


def networks(config: Config, spec: DataSpec, *, grown: bool = True) -> tuple[Network, Network]:
    """The two players of one phase.

    Args:
      config: the options of the model.
      spec: the shape and the mean of the images.
      grown: whether the generator has the layers of the second phase.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the options contradict each other.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import gan2014_faces
      >>> generator, discriminator = gan2014_faces.networks(gan2014_faces.Config(), DataSpec.images((48, 48, 1), 1000))
    """
    dtype = jnp.dtype(config.dtype)
    upper = MLPGenerator(
        image_shape=spec.shape,
        units=config.g_units,
        activations=per_layer("g_activations", config.g_activations, config.g_units),
        biases=per_layer("g_biases", config.g_biases, config.g_units),
        irange=config.g_irange,
        output_kernel_init=sparse_normal(config.g_sparse),
        output_bias_init=marginal_bias(spec),
        dtype=dtype,
    )
    generator: MLPGenerator | GrownGenerator = upper
    if grown:
        activations = per_layer("under_activations", config.under_activations, config.under_units)
        biases = per_layer("under_biases", config.under_biases, config.under_units)
        generator = GrownGenerator(MLP(config.under_units, activations, biases, config.g_irange, dtype), upper)
    discriminator = MLPDiscriminator(
        units=config.d_units,
        pieces=config.d_pieces,
        irange=config.d_irange,
        input_keep=config.input_keep,
        hidden_keep=config.hidden_keep,
        dtype=dtype,
    )
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.shape)


def grow(grown: GANState, first: GANState) -> GANState:
    """Copies the trained generator of the first phase into the grown generator, above its new layers.

    Args:
      grown: the state of the second phase before its first step, as `init(key)` returns it.
      first: the final state of the first phase; its averaged generator is used, if it has one.

    Returns:
      The state with these parameters and an average restarted from them; the rest is unchanged.

    Raises:
      ValueError: if the names or shapes of the parameters differ.

    Example:
      See `make`.
    """
    params = phases.graft(grown.generator.params, optim.ema_params(first.generator), "pretrained")
    player = grown.generator._replace(params=params)
    if player.ema != ():
        average = player.ema._replace(params=phases.graft(player.ema.params, params))
        player = player._replace(ema=average)
    return grown._replace(generator=player)


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds the face model: two phases, or one if `pretrain_steps` or `under_units` is empty.

    Args:
      config: the options of the model.
      spec: the image shape, the steps per epoch and the mean image.

    Returns:
      The `Phase`s.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import gan2014_faces
      >>> config = gan2014_faces.small(gan2014_faces.Config())
      >>> first, second = gan2014_faces.make(config, DataSpec.images((4, 4, 1), steps_per_epoch=10))
      >>> trained = first.gan.init(jax.random.key(0))
      >>> grown = second.enter(jax.random.key(1), trained)
      >>> bool((grown.generator.params["pretrained"]["output"]["affine"]["kernel"]
      ...       == trained.generator.params["output"]["affine"]["kernel"]).all())
      True
    """

    def gan(grown: bool) -> GAN:
        constraint = constraints.max_column_norm(config.max_column_norm)
        return play(config, spec, *networks(config, spec, grown=grown), constraint=constraint)

    if not config.under_units:
        return (Phase(gan(grown=False)),)
    second = gan(grown=True)
    if not config.pretrain_steps:
        return (Phase(second),)

    def enter(key: Key, first: GANState) -> GANState:
        return grow(second.init(key), first)

    return (
        Phase(gan(grown=False), steps=config.pretrain_steps, name="pretraining"),
        Phase(second, enter=enter, name="grown generator"),
    )


PRESETS = {
    "faces48": Preset(
        description="the authors' two phases for 48x48 faces, layers added under a trained generator: for a GPU",
        dataset="olivetti",
        batch_size=100,
        steps=72 * 1000,
        config=Config(ema=EMA(0.9998)),
    ),
    "faces48_pretrain": Preset(
        description="only the first phase of faces48",
        dataset="olivetti",
        batch_size=100,
        steps=50 * 1000,
        config=Config(under_units=(), ema=EMA(0.9998)),
    ),
}
"""The authors trained for 50 and 22 epochs of the Toronto Face Database, which is not freely available. These presets have
as many epochs of a thousand updates each. The averaged generator is an addition; `--model.ema.decay 0` gives the original."""


def small(config: Config) -> Config:
    """The configuration with small networks and a short first phase, for tests."""
    return dataclasses.replace(
        config,
        latent_size=6,
        pretrain_steps=min(config.pretrain_steps, 3),
        under_units=(6, 6) if config.under_units else (),
        g_units=(6, 6),
        g_sparse=3,
        d_units=(6, 6),
        d_irange=0.3,
        ema=EMA(0.9) if config.ema.decay else config.ema,
    )


MODEL = Model(Config, make, PRESETS, accepts.images, small, DataSpec.images((8, 8, 1), steps_per_epoch=2))
