"""The Inception-v3 of the Frechet Inception Distance: the graph that TensorFlow's authors published on 5 December 2015.

It differs from the Inception-v3 of other libraries: its average pools exclude the padding from their means, its last block
has a max pool instead, it has 1008 classes, and its batch norms divide by sqrt(variance + 0.001). FIDs can be compared only if
all of these agree. The layers have the names of the graph's port to PyTorch, which is how the weights are distributed.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from jgan.networks.convolution import max_pool
from jgan.types import PyTree

SIZE = 299
"""The side of the input images."""

CLASSES = 1008


@dataclasses.dataclass(frozen=True)
class Conv:
    """A line of the tables below: a convolution without a bias, then batch normalisation and a ReLU."""

    name: str
    channels: int
    kernel: tuple[int, int]
    stride: int = 1
    padding: str = "SAME"


def halve(x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h_out w_out c"]:
    """The maxima of 3x3 windows, two pixels apart, that lie in the image."""
    return max_pool(x, window=3, stride=2)


def maxima(x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
    """The maximum of the 3x3 window about each pixel, as far as it lies in the image."""
    return max_pool(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-jnp.inf), window=3, stride=1)


def means(x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
    """The mean of the 3x3 window about each pixel, as far as it lies in the image: rows, then columns.

    Shifted slices, as in `max_pool`: on CPU eight times as fast as `nn.avg_pool`.
    """
    for axis in (1, 2):
        side = x.shape[axis]
        margins = [(0, 0)] * 4
        margins[axis] = (1, 1)
        padded = jnp.pad(x, margins)
        before, here, after = (jax.lax.slice_in_dim(padded, first, first + side, axis=axis) for first in range(3))
        counts = np.convolve(np.ones(side, np.float32), np.ones(3, np.float32), "same")  # 2 3 3 ... 3 2
        x = (before + here + after) / counts.reshape((side, 1, 1) if axis == 1 else (1, side, 1))[None]
    return x


Step = Conv | Callable[[jax.Array], jax.Array] | tuple[Conv, ...]
"""a convolution, a pool, or several convolutions of the same input side by side"""

Branch = tuple[Step, ...]
"""steps one after the other"""


def _a(pooled: int) -> tuple[Branch, ...]:
    return (
        (Conv("branch1x1", 64, (1, 1)),),
        (Conv("branch5x5_1", 48, (1, 1)), Conv("branch5x5_2", 64, (5, 5))),
        (Conv("branch3x3dbl_1", 64, (1, 1)), Conv("branch3x3dbl_2", 96, (3, 3)), Conv("branch3x3dbl_3", 96, (3, 3))),
        (means, Conv("branch_pool", pooled, (1, 1))),
    )


def _b() -> tuple[Branch, ...]:
    return (
        (Conv("branch3x3", 384, (3, 3), 2, "VALID"),),
        (
            Conv("branch3x3dbl_1", 64, (1, 1)),
            Conv("branch3x3dbl_2", 96, (3, 3)),
            Conv("branch3x3dbl_3", 96, (3, 3), 2, "VALID"),
        ),
        (halve,),
    )


def _c(inner: int) -> tuple[Branch, ...]:
    return (
        (Conv("branch1x1", 192, (1, 1)),),
        (Conv("branch7x7_1", inner, (1, 1)), Conv("branch7x7_2", inner, (1, 7)), Conv("branch7x7_3", 192, (7, 1))),
        (
            Conv("branch7x7dbl_1", inner, (1, 1)),
            Conv("branch7x7dbl_2", inner, (7, 1)),
            Conv("branch7x7dbl_3", inner, (1, 7)),
            Conv("branch7x7dbl_4", inner, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ),
        (means, Conv("branch_pool", 192, (1, 1))),
    )


def _d() -> tuple[Branch, ...]:
    return (
        (Conv("branch3x3_1", 192, (1, 1)), Conv("branch3x3_2", 320, (3, 3), 2, "VALID")),
        (
            Conv("branch7x7x3_1", 192, (1, 1)),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, (3, 3), 2, "VALID"),
        ),
        (halve,),
    )


def _e(pool: Callable[[jax.Array], jax.Array]) -> tuple[Branch, ...]:
    return (
        (Conv("branch1x1", 320, (1, 1)),),
        (Conv("branch3x3_1", 384, (1, 1)), (Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1)))),
        (
            Conv("branch3x3dbl_1", 448, (1, 1)),
            Conv("branch3x3dbl_2", 384, (3, 3)),
            (Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
        ),
        (pool, Conv("branch_pool", 192, (1, 1))),
    )


STEM: Branch = (  # 299 x 299 x 3
    Conv("Conv2d_1a_3x3", 32, (3, 3), 2, "VALID"),
    Conv("Conv2d_2a_3x3", 32, (3, 3), 1, "VALID"),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    halve,  # 73 x 73 x 64
    Conv("Conv2d_3b_1x1", 80, (1, 1)),
    Conv("Conv2d_4a_3x3", 192, (3, 3), 1, "VALID"),
    halve,  # 35 x 35 x 192
)

BLOCKS: dict[str, tuple[Branch, ...]] = {
    "Mixed_5b": _a(32),
    "Mixed_5c": _a(64),
    "Mixed_5d": _a(64),  # 35 x 35 x 288
    "Mixed_6a": _b(),
    "Mixed_6b": _c(128),
    "Mixed_6c": _c(160),
    "Mixed_6d": _c(160),
    "Mixed_6e": _c(192),  # 17 x 17 x 768
    "Mixed_7a": _d(),
    "Mixed_7b": _e(means),
    "Mixed_7c": _e(maxima),  # 8 x 8 x 2048; the maximum seems to be a slip of 2015, and belongs to it now
}


class Outputs(NamedTuple):
    """The outputs of the network for a batch.

    Attributes:
      features: `[B, 2048]` float32, the means over the last layer's pixels ("pool3").
      logits_unbiased: `[B, 1008]` float32, the logits without the bias of the last layer, which the Inception Score takes.
      logits: `[B, 1008]` float32, with it.
    """

    features: Float32[jax.Array, "b 2048"]
    logits_unbiased: Float32[jax.Array, "b 1008"]
    logits: Float32[jax.Array, "b 1008"]


class _NormalizedConv(nn.Module):
    """A line of a table."""

    line: Conv

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        line = self.line
        x = nn.Conv(
            line.channels,
            line.kernel,
            line.stride,
            line.padding,
            use_bias=False,
            precision=jax.lax.Precision.HIGHEST,  # float32 on every device
            kernel_init=nn.initializers.zeros,  # never drawn: the weights come from a file
            name="conv",
        )(x)
        return nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")(x))


def _through(branch: Branch, x: jax.Array) -> jax.Array:
    """The steps of a branch, one after the other, as children of the calling module."""
    for step in branch:
        if isinstance(step, Conv):
            x = _NormalizedConv(step, name=step.name)(x)
        elif isinstance(step, tuple):
            x = jnp.concatenate([_NormalizedConv(conv, name=conv.name)(x) for conv in step], axis=-1)
        else:
            x = step(x)
    return x


class _Block(nn.Module):
    """The branches of a block, side by side."""

    branches: tuple[Branch, ...]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.concatenate([_through(branch, x) for branch in self.branches], axis=-1)


class _Classifier(nn.Module):
    """The last layer, without its bias and with it."""

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        kernel = self.param("kernel", nn.initializers.zeros, (x.shape[-1], CLASSES))
        bias = self.param("bias", nn.initializers.zeros, (CLASSES,))
        unbiased = jnp.matmul(x, kernel, precision=jax.lax.Precision.HIGHEST)
        return unbiased, unbiased + bias[None]


class Inception(nn.Module):
    """The network, for inference only.

    Example:
      >>> import jax
      >>> from jgan.networks import inception
      >>> images = jax.ShapeDtypeStruct((5, 299, 299, 3), "float32")
      >>> outputs, variables = jax.eval_shape(inception.Inception().init_with_output, jax.random.key(0), images)
      >>> outputs.features.shape, sum(leaf.size for leaf in jax.tree.leaves(variables))
      ((5, 2048), 23885392)

    References:
      Szegedy et al., "Rethinking the Inception architecture for computer vision" (2015), https://arxiv.org/abs/1512.00567;
      Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (2017),
      https://arxiv.org/abs/1706.08500, who measured with this graph; its ports in pytorch-fid and torch-fidelity.
    """

    @nn.compact
    def __call__(self, x: Float32[jax.Array, "b 299 299 3"]) -> Outputs:
        """Maps images `[B, 299, 299, 3]` float32 in [-1, 1] to `Outputs`."""
        x = _through(STEM, x)
        for name, branches in BLOCKS.items():
            x = _Block(branches, name=name)(x)
        features = jnp.mean(x, axis=(1, 2))
        return Outputs(features, *_Classifier(name="fc")(features))


# --------------------------------------------------------------------------------------------- the names of its weights

_LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def _published(path: tuple[Any, ...]) -> str:
    """`params.Mixed_5b.branch1x1.conv.kernel` is published as `Mixed_5b.branch1x1.conv.weight`."""
    _, *modules, leaf = (part.key for part in path)
    return ".".join((*modules, _LEAVES[leaf]))


@functools.cache
def _variables() -> PyTree:
    """Shapes and dtypes of the network's variables."""
    return jax.eval_shape(Inception().init, jax.random.key(0), jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32))


def layout() -> dict[str, tuple[int, ...]]:
    """The names and shapes of the published weights.

    Returns:
      `{name: shape}` of 472 float arrays; kernels are `[outputs, inputs, height, width]`, as PyTorch has them.

    Example:
      >>> from jgan.networks import inception
      >>> inception.layout()["Mixed_6b.branch7x7_2.conv.weight"]
      (128, 128, 1, 7)
    """
    shapes = {_published(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(_variables())}
    return {name: shape if len(shape) == 1 else (*shape[:-3:-1], *shape[:-2]) for name, shape in shapes.items()}


def from_published(arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Makes the variables of `Inception` of the published weights.

    Args:
      arrays: by the names and in the shapes of `layout()`, float32; what else is there is not used.

    Returns:
      The tree for `Inception().apply`: nested dictionaries of float32 arrays of JAX.

    Raises:
      KeyError: if an array is missing.

    Example:
      >>> import numpy as np
      >>> from jgan.networks import inception
      >>> weights = {name: np.zeros(shape, np.float32) for name, shape in inception.layout().items()}
      >>> inception.from_published(weights)["params"]["Mixed_6b"]["branch7x7_2"]["conv"]["kernel"].shape
      (1, 7, 128, 128)
    """

    def placed(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> jax.Array:
        array = arrays[_published(path)]
        return jnp.asarray(array if array.ndim == 1 else np.moveaxis(array, (0, 1), (-1, -2)), leaf.dtype)

    return jax.tree_util.tree_map_with_path(placed, _variables())
