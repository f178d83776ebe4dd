"""VGG19's convolutions, for perceptual losses: maps of named layers, with the published weights or others."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jgan.networks.convolution import conv, max_pool
from jgan.types import PyTree

STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""The channels and the number of convolutions between two poolings, of VGG19."""

Stages = Sequence[tuple[int, int]]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""The means and the standard deviations of red, green and blue by which the published network normalises images in [0, 1]."""


def names(stages: Stages = STAGES) -> tuple[str, ...]:
    """The names of the convolutions: `conv1_1`, `conv1_2`, `conv2_1` ...

    Args:
      stages: the channels and the number of convolutions of each stage.

    Returns:
      The names, in order.

    Example:
      >>> from jgan.networks import vgg
      >>> vgg.names()[-1], len(vgg.names())
      ('conv5_4', 16)
    """
    return tuple(f"conv{stage}_{index}" for stage, (_, count) in enumerate(stages, 1) for index in range(1, count + 1))


class VGG(nn.Module):
    """The convolutions of a VGG network: 3x3 kernels, ReLU after each, and 2x2 maximum pooling between stages.

    Up to `conv5_4`, VGG19 has 20,024,384 parameters.

    Attributes:
      stages: the channels and the number of convolutions of each stage.

    Example:
      >>> import jax
      >>> from jgan.networks import vgg
      >>> image = jax.ShapeDtypeStruct((1, 128, 128, 3), "float32")
      >>> maps, _ = jax.eval_shape(vgg.VGG().init_with_output, jax.random.key(0), image)
      >>> maps["conv5_4"].shape
      (1, 8, 8, 512)

    References:
      Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015),
      https://arxiv.org/abs/1409.1556
    """

    stages: Stages = STAGES

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w 3"]) -> dict[str, Float[jax.Array, "b h_out w_out c"]]:
        """Maps images in [0, 1] to the output of every convolution before its ReLU, by name."""
        h = (x - jnp.asarray(MEAN, x.dtype)[None, None, None]) / jnp.asarray(DEVIATION, x.dtype)[None, None, None]
        maps: dict[str, jax.Array] = {}
        for name in names(self.stages):
            stage, index = (int(part) for part in name.removeprefix("conv").split("_"))
            if index == 1 and stage > 1:
                even = h[:, : h.shape[1] // 2 * 2, : h.shape[2] // 2 * 2]  # PyTorch's pooling leaves an odd last row out
                h = max_pool(even, window=2, stride=2)
            kernel = self.param(f"{name}_kernel", nn.initializers.he_normal(), (3, 3, h.shape[-1], self.stages[stage - 1][0]))
            bias = self.param(f"{name}_bias", nn.initializers.zeros, kernel.shape[-1:])
            maps[name] = conv(h, kernel, padding=1) + bias[None, None, None]
            h = nn.relu(maps[name])
        return maps


def layout() -> dict[str, tuple[int, ...]]:
    """The names and shapes of the convolutions in the published file, `vgg19-dcbb9e9d.pth`.

    Returns:
      `{name: shape}`; kernels are `[outputs, inputs, 3, 3]`.

    Example:
      >>> from jgan.networks import vgg
      >>> vgg.layout()["features.34.weight"]
      (512, 512, 3, 3)
    """
    found: dict[str, tuple[int, ...]] = {}
    place, inputs = 0, 3
    for channels, count in STAGES:
        for _ in range(count):
            found[f"features.{place}.weight"] = (channels, inputs, 3, 3)
            found[f"features.{place}.bias"] = (channels,)
            place, inputs = place + 2, channels  # its ReLU has a number too
        place += 1  # the pooling
    return found


def from_published(arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Makes the variables of `VGG()` of the published weights.

    Args:
      arrays: by the names and in the shapes of `layout()`.

    Returns:
      The tree for `VGG().apply`.

    Raises:
      KeyError: if an array is missing.

    Example:
      >>> import numpy as np
      >>> from jgan.networks import vgg
      >>> weights = {name: np.zeros(shape, np.float32) for name, shape in vgg.layout().items()}
      >>> vgg.from_published(weights)["params"]["conv5_4_kernel"].shape
      (3, 3, 512, 512)
    """
    places = [name.removesuffix(".weight") for name in layout() if name.endswith(".weight")]
    params: dict[str, Any] = {}
    for name, place in zip(names(), places, strict=True):
        params[f"{name}_kernel"] = jnp.asarray(np.transpose(arrays[f"{place}.weight"], (2, 3, 1, 0)))
        params[f"{name}_bias"] = jnp.asarray(arrays[f"{place}.bias"])
    return {"params": params}
