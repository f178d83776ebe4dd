"""The two-stage model of faces of Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661: a generator that grows downwards.

The first stage trains a generator of three layers. The second stacks two new layers *under* all of it: they take the noise and
make what the old generator took for noise. The discriminator begins afresh. The defaults are the authors' `pretrain.yaml` and
`train.yaml` for the Toronto Face Database, 48x48 grey images; all kernels are kept under a maximal column norm.
"""

import dataclasses

import jax
import jax.numpy as jnp
import optax

from jgan import constraints, optim
from jgan.models import Preset
from jgan.models.paper2014 import Activation, Training, marginal_bias, optimizer, per_layer, play
from jgan.networks import MLP, GrownGenerator, MLPDiscriminator, MLPGenerator, from_module
from jgan.networks.layers import sparse_normal
from jgan.rng import Noise
from jgan.types import GAN, DataSpec, GANState, Network, PyTree


@dataclasses.dataclass(frozen=True)
class Config(Training):
    """The options of the model; the defaults are the authors' first stage, `pretrain.yaml`."""

    noise: Noise = "gaussian"
    """distribution of z, of unit variance"""
    learning_rate: float = 0.05
    """learning rate of the first update"""
    under_units: tuple[int, ...] = ()
    """second stage: the new layers under the old generator; the last is as large as its latent space was"""
    under_activations: tuple[Activation, ...] = ("relu", "sigmoid")
    """their activations"""
    under_biases: tuple[float, ...] = (0.0, -2.0)
    """where their biases start"""
    pretrained: str = ""
    """second stage: the folder of the finished first one; without it the old layers too begin at random"""
    g_units: tuple[int, ...] = (8000, 8000)
    """hidden layers of the generator"""
    g_activations: tuple[Activation, ...] = ("relu", "sigmoid")
    """their activations"""
    g_biases: tuple[float, ...] = (0.0, -2.0)
    """where their biases start"""
    g_irange: float = 0.05
    """generator weights start in U(-irange, irange), but for those of the last layer"""
    g_sparse: int = 100
    """weights of each output pixel that do not start at 0 but in N(0, 1)"""
    d_units: tuple[int, ...] = (1200, 1200)
    """maxout layers of the discriminator"""
    d_pieces: int = 5
    """affine pieces of a maxout unit"""
    d_irange: float = 0.005
    """discriminator weights start in U(-irange, irange)"""
    max_column_norm: float = 1.9365
    """greatest norm of the weights of a unit, or of a maxout unit's piece"""


def networks(config: Config, spec: DataSpec) -> tuple[Network, Network]:
    """The two players; the generator is the grown one if there are layers under it.

    Args:
      config: the options of the model.
      spec: the shape and the mean of the images.

    Returns:
      `(generator, discriminator)`.

    Raises:
      ValueError: if the options contradict each other.

    Example:
      >>> from jgan.models import gan2014_faces
      >>> from jgan.types import DataSpec
      >>> generator, discriminator = gan2014_faces.networks(gan2014_faces.Config(), DataSpec((48, 48, 1), 1000))
    """
    if config.pretrained and not config.under_units:
        raise ValueError("a pretrained generator is for the second stage, whose new layers are under_units; found none")
    dtype = jnp.dtype(config.dtype)
    upper = MLPGenerator(
        image_shape=spec.image_shape,
        units=config.g_units,
        activations=per_layer("g_activations", config.g_activations, config.g_units),
        biases=per_layer("g_biases", config.g_biases, config.g_units),
        irange=config.g_irange,
        output_kernel_init=sparse_normal(config.g_sparse),
        output_bias_init=marginal_bias(spec),
        dtype=dtype,
    )
    generator: MLPGenerator | GrownGenerator = upper
    if config.under_units:
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
    return from_module(generator, (config.latent_size,)), from_module(discriminator, spec.image_shape)


def grow(state: GANState, pretrained_params: PyTree) -> GANState:
    """Puts a trained generator into the grown one, above its new layers.

    Args:
      state: the second stage before its first step, as `make(...).init(key)` gives it.
      pretrained_params: the parameters of the first stage's generator, e.g. `optim.ema_params(first.generator)`.

    Returns:
      The state with those parameters, and with the average, if there is one, begun from them; all else as it was.

    Raises:
      ValueError: if the state has no grown generator, or its old part is not of these names and shapes.

    Example:
      >>> import jax
      >>> from jgan.models import gan2014_faces
      >>> from jgan.types import DataSpec
      >>> small = {"latent_size": 6, "g_units": (8, 8), "g_sparse": 3, "d_units": (4,)}
      >>> spec = DataSpec((4, 4, 1), steps_per_epoch=10)
      >>> first = gan2014_faces.make(gan2014_faces.Config(**small), spec).init(jax.random.key(0))
      >>> second = gan2014_faces.make(gan2014_faces.Config(under_units=(8, 6), **small), spec).init(jax.random.key(1))
      >>> grown = gan2014_faces.grow(second, first.generator.params)
      >>> bool((grown.generator.params["pretrained"]["output"]["affine"]["kernel"]
      ...       == first.generator.params["output"]["affine"]["kernel"]).all())
      True
    """
    params = state.generator.params
    if "pretrained" not in params:
        raise ValueError("only a generator of the second stage, with under_units, can take up a pretrained one")

    def shapes(tree: PyTree) -> dict[str, tuple[int, ...]]:
        return {jax.tree_util.keystr(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}

    expected, found = shapes(params["pretrained"]), shapes(pretrained_params)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"the pretrained generator does not fit: expected {name} of the shape {expected.get(name)}, "
                f"found {found.get(name)}; give the second stage the options of the first"
            )
    params = params | {"pretrained": jax.tree.map(jnp.array, pretrained_params)}
    opt_state = optim.restart_average(state.generator.opt_state, params)
    return state._replace(generator=state.generator._replace(params=params, opt_state=opt_state))


def make(config: Config, spec: DataSpec) -> GAN:
    """One stage of the model of faces.

    Args:
      config: the options of the model; `pretrained` is for whoever initialises the run, who calls `grow`.
      spec: what it must know of the data: image shape, steps in an epoch, mean image.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if an option is out of its range.

    Example:
      See `grow`.
    """
    sgd = optax.chain(optimizer(config, spec.steps_per_epoch), constraints.max_column_norm(config.max_column_norm))
    return play(config, *networks(config, spec), sgd)


PRESETS = {
    "faces48_pretrain": Preset(
        description="the authors' configuration for 48x48 faces, first stage: for a GPU",
        dataset="olivetti",
        batch_size=100,
        steps=50 * 1000,
        model=Config(ema_decay=0.9998),
    ),
    "faces48": Preset(
        description="second stage, two layers under the generator of a faces48_pretrain run: --model.pretrained RUN",
        dataset="olivetti",
        batch_size=100,
        steps=22 * 1000,
        model=Config(ema_decay=0.9998, under_units=(8000, 100)),
    ),
}
"""The authors trained for 50 and 22 epochs of the Toronto Face Database, which is not freely available: the lengths here are as
many epochs of a thousand updates each. The averaged generator is an addition, `--model.ema-decay 0` the original."""
