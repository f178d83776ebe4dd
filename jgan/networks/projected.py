"""The discriminator of Projected GAN: small networks on randomly mixed features of a frozen network of photographs."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.efficientnet import STAGES, EfficientNetLite, Stage
from jgan.networks.norms import BatchNorm
from jgan.networks.spectral import applied
from jgan.types import PyTree

FROZEN = "frozen"
"""The collection of the weights that are not trained: `backbone`, and the random mixing."""

LEVELS = 4
"""Resolutions of features, each with a discriminator of its own."""

SMALLEST = 64
"""The least side of the images that the frozen network sees: four halvings on, a discriminator sees at least two pixels."""


class _Frozen(nn.Module):
    """A convolution with a bias, of random weights U(-1, 1) / sqrt(fan_in) that are not trained."""

    features: int
    kernel_size: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        limit = 1 / math.sqrt(math.prod(shape[:-1]))

        def draw(shape: tuple[int, ...]) -> jax.Array:
            return jax.random.uniform(self.make_rng("params"), (math.prod(shape),), minval=-limit, maxval=limit).reshape(shape)

        held = {
            "kernel": self.variable(FROZEN, "kernel", draw, shape).value,
            "bias": self.variable(FROZEN, "bias", draw, shape[-1:]).value,
        }
        y: Any = Conv(self.features, self.kernel_size, dtype=x.dtype, parent=None).apply({"params": held}, x)
        return y


def _doubled(x: jax.Array) -> jax.Array:
    """Bilinear interpolation to twice the sides, the corners in place."""
    for axis in (1, 2):
        side = x.shape[axis]
        position = np.arange(2 * side) * (side - 1) / (2 * side - 1)
        weights = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(side)))
        x = jnp.moveaxis(jnp.tensordot(x, jnp.asarray(weights, x.dtype), ((axis,), (1,))), -1, axis)
    return x


class _Judge(nn.Module):
    """Halvings by 4x4 convolutions with batch normalisation, then a map of logits from 4x4 patches.

    The authors' convolutions have biases, which the normalisation after them takes away again: here they have none.
    """

    widths: Sequence[int]
    spectral: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool, axis_name: str | None) -> jax.Array:
        for index, features in enumerate(self.widths):
            layer = Conv(features, 4, stride=2, padding=1, use_bias=False, dtype=self.dtype, name=f"down_{index}")
            x = applied(layer, x, spectral=self.spectral, train=train)
            x = BatchNorm(dtype=self.dtype, name=f"norm_{index}")(x, train=train, axis_name=axis_name)
            x = nn.leaky_relu(x, 0.2)
        output = Conv(1, min(4, x.shape[1]), padding=0, use_bias=False, dtype=self.dtype, name="output")
        return applied(output, x, spectral=self.spectral, train=train)[..., 0]


class ProjectedDiscriminator(nn.Module):
    """Maps an image in [0, 1] to the logits of four discriminators, `[B, 4 m, m]`: of m x m patches each.

    The image, grey or in colour, is resized bilinearly and passed through a frozen EfficientNet-Lite. Its features of four
    resolutions are mixed by frozen random 1x1 convolutions to 1, 2, 4 and 8 times `width` channels (cross-channel mixing);
    then, from the lowest resolution up, doubled in size, convolved at random again, and added to those of the next (cross-scale
    mixing). Each mixture has a discriminator with spectral and batch normalisation. The frozen weights are the collection
    `frozen` of `model_state`: arrays of the state that no optimiser and no average copies.

    Attributes:
      stages: the stages of the frozen network, see `jgan.networks.efficientnet.STAGES`.
      stem: its first channels.
      resolution: the side to which images are resized, a multiple of 32.
      width: the channels of the mixture of the highest resolution.
      depth: the channels of the discriminators before their logits.
      mixing_kernel: the side of the kernels of the cross-scale mixing: 3 in the paper, 1 in the authors' code.
      judges: the number of discriminators, from the highest resolution on.
      spectral: whether their convolutions have spectral normalisation.
      drawn: whether the frozen network starts with random weights; otherwise with zeros, to be replaced.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> from jgan.networks.efficientnet import Stage
      >>> tiny = [Stage(3, 1 if index == 0 else 2, 1, 4, 1) for index in range(5)]
      >>> network = networks.from_module(networks.ProjectedDiscriminator(tiny, 4, 64, width=2, depth=4), (8, 8, 1))
      >>> params, model_state = jax.eval_shape(network.init, jax.random.key(0))
      >>> jax.eval_shape(network.apply, params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3, 4, 1)

    References:
      Sauer et al., "Projected GANs Converge Faster" (2021), https://arxiv.org/abs/2111.01007
    """

    stages: Sequence[Stage] = STAGES["lite1"]
    stem: int = 32
    resolution: int = 224
    width: int = 64
    depth: int = 512
    mixing_kernel: int = 3
    judges: int = LEVELS
    spectral: bool = True
    drawn: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b maps m"]:
        """Maps `[B, height, width, 1 or 3]` to `[B, 4 m, m]` float32 logits."""
        if self.resolution % 32 or self.resolution < SMALLEST:
            raise ValueError(f"resolution must be a multiple of 32, at least {SMALLEST}, found {self.resolution}")
        if not 1 <= self.judges <= LEVELS:
            raise ValueError(f"judges must be 1 to {LEVELS}, found {self.judges}")
        side = self.resolution
        if x.shape[1:3] != (side, side):
            x = jax.image.resize(x, (len(x), side, side, x.shape[-1]), "bilinear", antialias=False)
        x = (255 * jnp.broadcast_to(x, (*x.shape[:3], 3)) - 127) / 128
        logits = [
            _Judge(self._widths(level), self.spectral, self.dtype, name=f"judge_{level}")(
                mixture, train=train, axis_name=axis_name
            )
            for level, mixture in enumerate(self._mixed(self._features(x.astype(self.dtype)))[: self.judges])
        ]
        return jnp.concatenate(logits, axis=1).astype(jnp.float32)

    def _features(self, x: jax.Array) -> Sequence[jax.Array]:
        """The features of the frozen network at four resolutions."""
        network = EfficientNetLite(self.stages, self.stem, 8, 1, parent=None)

        def draw() -> PyTree:
            if self.drawn:
                return network.init(self.make_rng("params"), x[:1])["params"]
            shapes = jax.eval_shape(network.init, jax.random.key(0), x[:1])["params"]
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

        backbone: PyTree = self.variable(FROZEN, "backbone", draw).value
        outputs: Any = network.apply({"params": backbone}, x)
        if len(outputs.levels) != LEVELS:
            raise ValueError(f"the frozen network must have {LEVELS} resolutions, found {len(outputs.levels)}")
        return outputs.levels

    def _mixed(self, levels: Sequence[jax.Array]) -> Sequence[jax.Array]:
        """The random mixtures of these features, of twice their sides."""
        mixtures: list[jax.Array] = []
        for index in reversed(range(LEVELS)):
            h = _Frozen(self.width << index, 1, name=f"channels_{index}")(levels[index])
            if mixtures:
                h = h + mixtures[0]
            features = self.width << max(index - 1, 0)
            mixtures.insert(0, _Frozen(features, self.mixing_kernel, name=f"scales_{index}")(_doubled(h)))
        return mixtures

    def _widths(self, level: int) -> list[int]:
        """The channels after each halving: those of the mixtures of lower resolutions, and `depth` at the end."""
        return [*(self.width << max(index - 1, 0) for index in range(level + 1, LEVELS)), self.depth]
