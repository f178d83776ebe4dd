"""EfficientNet-Lite 0 and 1, for features of photographs: inference with the published ImageNet weights.

The Lite variants have no squeeze-and-excitation, and ReLU6 instead of swish. The layers have the names of the port to PyTorch
in which pip distributes the weights, without its leading underscores.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from jgan.networks.convolution import conv
from jgan.networks.depthwise import depthwise_conv, same_padding
from jgan.types import PyTree

Variant = Literal["lite0", "lite1"]

CLASSES = 1000
"""The classes of ImageNet."""


class Stage(NamedTuple):
    """Blocks of one kind; the first has the stride, and changes the number of channels.

    Attributes:
      kernel_size: the side of the depthwise kernels.
      stride: the stride of the first block.
      expansion: the channels inside a block, as a multiple of those at its input.
      channels: the channels of the output.
      blocks: the number of blocks.
    """

    kernel_size: int
    stride: int
    expansion: int
    channels: int
    blocks: int


def _stages(*blocks: int) -> tuple[Stage, ...]:
    kernels = ((3, 1, 1, 16), (3, 2, 6, 24), (5, 2, 6, 40), (3, 2, 6, 80), (5, 1, 6, 112), (5, 2, 6, 192), (3, 1, 6, 320))
    return tuple(Stage(*kernel, count) for kernel, count in zip(kernels, blocks, strict=True))


STAGES: dict[Variant, tuple[Stage, ...]] = {"lite0": _stages(1, 2, 2, 3, 3, 4, 1), "lite1": _stages(1, 3, 3, 4, 4, 5, 1)}
"""The stages of each variant."""

SIZES: dict[Variant, int] = {"lite0": 224, "lite1": 240}
"""The side of the images that each variant was trained on."""


class Outputs(NamedTuple):
    """The outputs of the network for a batch.

    Attributes:
      levels: the images after the last block of each resolution from 1/4 of the input's on: with 24, 40, 112 and 320 channels.
      features: `[B, 1280]` float32, the means over the pixels of the last hidden layer.
      logits: `[B, 1000]` float32, of the classes of ImageNet.
      stages: the images after each stage.
    """

    levels: tuple[jax.Array, ...]
    features: Float32[jax.Array, "b features"]
    logits: Float32[jax.Array, "b classes"]
    stages: tuple[jax.Array, ...] = ()


class _Conv(nn.Module):
    """A convolution without a bias, padded as TensorFlow does."""

    features: int
    kernel_size: int = 1
    stride: int = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        margins = [same_padding(side, self.kernel_size, self.stride) for side in x.shape[1:3]]
        x = jnp.pad(x, ((0, 0), *margins, (0, 0)))
        return conv(x, kernel.astype(x.dtype), stride=self.stride)


class _DepthwiseConv(nn.Module):
    """The same, with one kernel per channel."""

    kernel_size: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        init = nn.initializers.variance_scaling(2.0, "fan_in", "normal", in_axis=(0, 1), out_axis=())
        kernel = self.param("kernel", init, (self.kernel_size, self.kernel_size, x.shape[-1]))
        return depthwise_conv(x, kernel.astype(x.dtype), stride=self.stride, padding="SAME")


class _Norm(nn.Module):
    """Batch normalisation by fixed statistics, folded into one scale and one shift per channel."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, channels)
        shift = self.param("bias", nn.initializers.zeros, channels)
        mean = self.param("mean", nn.initializers.zeros, channels)
        variance = self.param("var", nn.initializers.ones, channels)
        gain = scale * jax.lax.rsqrt(variance + 1e-3)
        rows = (1,) * (x.ndim - 1)
        return x * gain.astype(x.dtype).reshape(*rows, -1) + (shift - mean * gain).astype(x.dtype).reshape(*rows, -1)


class _Block(nn.Module):
    """Expansion, depthwise convolution and projection, added to the input if the shapes allow it."""

    kernel_size: int
    stride: int
    expansion: int
    channels: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = x
        if self.expansion > 1:
            h = nn.relu6(_Norm(name="bn0")(_Conv(self.expansion * x.shape[-1], name="expand_conv")(h)))
        h = nn.relu6(_Norm(name="bn1")(_DepthwiseConv(self.kernel_size, self.stride, name="depthwise_conv")(h)))
        h = _Norm(name="bn2")(_Conv(self.channels, name="project_conv")(h))
        return x + h if self.stride == 1 and x.shape[-1] == self.channels else h


class EfficientNetLite(nn.Module):
    """The network, with fixed batch statistics; all variables are in `params`.

    Attributes:
      stages: see `STAGES`.
      stem: the channels of the first convolution.
      head: the channels of the last convolution, the size of the features.
      classes: the number of classes.

    Example:
      >>> import jax
      >>> from jgan.networks import efficientnet
      >>> images = jax.ShapeDtypeStruct((5, 224, 224, 3), "float32")
      >>> network = efficientnet.EfficientNetLite(efficientnet.STAGES["lite0"])
      >>> outputs = jax.eval_shape(network.init_with_output, jax.random.key(0), images)[0]
      >>> outputs.features.shape, [level.shape[1:] for level in outputs.levels]
      ((5, 1280), [(56, 56, 24), (28, 28, 40), (14, 14, 112), (7, 7, 320)])

    References:
      Tan and Le, "EfficientNet" (2019), https://arxiv.org/abs/1905.11946; the Lite variants:
      https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
    """

    stages: Sequence[Stage] = STAGES["lite0"]
    stem: int = 32
    head: int = 1280
    classes: int = CLASSES

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Outputs:
        """Maps images `[B, height, width, 3]`, with 0 ... 255 scaled by `(x - 127) / 128`, to `Outputs`."""
        x = nn.relu6(_Norm(name="bn0")(_Conv(self.stem, 3, 2, name="conv_stem")(x)))
        levels: list[jax.Array] = []
        stages: list[jax.Array] = []
        index, reduction = 0, 2
        for stage in self.stages:
            for number in range(stage.blocks):
                stride = stage.stride if number == 0 else 1
                reduction *= stride
                x = _Block(stage.kernel_size, stride, stage.expansion, stage.channels, name=f"blocks_{index}")(x)
                index += 1
            # The last stage of each resolution replaces the one before it.
            held = reduction.bit_length() - 3
            levels[held:] = [x] if held >= 0 else []
            stages.append(x)
        x = nn.relu6(_Norm(name="bn1")(_Conv(self.head, name="conv_head")(x)))
        features = jnp.mean(x.astype(jnp.float32), axis=(1, 2))
        logits = nn.Dense(self.classes, name="fc")(features)
        return Outputs(tuple(levels), features, logits, tuple(stages))


# --------------------------------------------------------------------------------------------- the names of its weights

_LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def _published(path: tuple[Any, ...]) -> str:
    """`params.blocks_3.bn1.mean` is published as `_blocks.3._bn1.running_mean`."""
    _, *modules, leaf = (part.key for part in path)
    names = (f"_{name}".replace("blocks_", "blocks.") for name in modules)
    return ".".join((*names, _LEAVES[leaf]))


@functools.cache
def _variables(variant: Variant) -> PyTree:
    """Shapes and dtypes of the network's variables."""
    image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    return jax.eval_shape(EfficientNetLite(STAGES[variant]).init, jax.random.key(0), image)


def layout(variant: Variant) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the published weights.

    Args:
      variant: `"lite0"` or `"lite1"`.

    Returns:
      `{name: shape}`; kernels are `[outputs, inputs, height, width]`, as PyTorch has them.

    Example:
      >>> from jgan.networks import efficientnet
      >>> efficientnet.layout("lite0")["_blocks.1._depthwise_conv.weight"]
      (96, 1, 3, 3)
    """
    leaves = jax.tree_util.tree_leaves_with_path(_variables(variant))
    return {_published(path): _torch_shape(leaf.shape) for path, leaf in leaves}


def _torch_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) == 3:
        return (shape[2], 1, *shape[:2])
    return shape if len(shape) == 1 else (*shape[:-3:-1], *shape[:-2])


def from_published(variant: Variant, arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Makes the variables of `EfficientNetLite` of the published weights.

    Args:
      variant: `"lite0"` or `"lite1"`.
      arrays: by the names and in the shapes of `layout(variant)`, float32.

    Returns:
      The tree for `EfficientNetLite(STAGES[variant]).apply`: nested dictionaries of float32 arrays of JAX.

    Raises:
      KeyError: if an array is missing.

    Example:
      >>> import numpy as np
      >>> from jgan.networks import efficientnet
      >>> weights = {name: np.zeros(shape, np.float32) for name, shape in efficientnet.layout("lite0").items()}
      >>> efficientnet.from_published("lite0", weights)["params"]["blocks_1"]["depthwise_conv"]["kernel"].shape
      (3, 3, 96)
    """

    def placed(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> jax.Array:
        array = arrays[_published(path)]
        if array.ndim > 1:
            array = np.moveaxis(array, (0, 1), (-1, -2))
        return jnp.asarray(array.reshape(leaf.shape), leaf.dtype)

    return jax.tree_util.tree_map_with_path(placed, _variables(variant))
