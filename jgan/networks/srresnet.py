"""SRResNet, the generator of SRGAN, and MSRResNet, the variant without normalisation."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit
from jgan.networks.resample import bilinear
from jgan.networks.subpixel import pixel_shuffle
from jgan.utils.registry import unknown

STEPS = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
"""The factors of the enlargements, one after the other, by scale."""

torch_uniform = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""PyTorch's initialiser of kernels: U(-a, a), a being one over the square root of the number of inputs."""


def kaiming(scale: float = 1.0) -> Callable[..., jax.Array]:
    """Kaiming's initialiser of layers before a ReLU, times a factor.

    Args:
      scale: the factor; the residual networks of super-resolution have 0.1.

    Returns:
      `init(key, shape, dtype) -> array`, of the variance `2 scale^2 / inputs`, the shape being `[..., inputs, outputs]`.

    Example:
      >>> import jax
      >>> from jgan.networks import srresnet
      >>> round(float(srresnet.kaiming(0.1)(jax.random.key(0), (3, 3, 50, 50)).std() * (9 * 50 / 2) ** 0.5), 2)
      0.1
    """

    def init(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
        inputs = 1
        for side in shape[:-1]:
            inputs *= side
        return normal(scale * (2 / inputs) ** 0.5)(key, shape, dtype)

    return init


def check_scale(scale: int) -> None:
    """Raises a `ValueError` if images cannot be enlarged by a scale."""
    if scale not in STEPS:
        raise ValueError(f"the scale of super-resolution must be among {', '.join(map(str, STEPS))}, found {scale}")


class PReLU(nn.Module):
    """`max(x, 0) + slope min(x, 0)` with one learnt slope for all channels, which starts at 0.25."""

    @nn.compact
    def __call__(self, x: Float[jax.Array, "*shape"]) -> Float[jax.Array, "*shape"]:
        """Maps an array of any shape to the same shape."""
        slope = self.param("slope", nn.initializers.constant(0.25), ())
        return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)


class SRResNet(nn.Module):
    """Maps small images to large ones through residual blocks at the small size and sub-pixel convolutions, as in SRGAN.

    A 9x9 convolution and PReLU; `blocks` residual blocks of two 3x3 convolutions with batch normalisation and PReLU between
    them; a 3x3 convolution with batch normalisation, added to the input of the first block; for each factor 2 of the scale a
    3x3 convolution to four times the channels, pixel shuffle and PReLU; a 9x9 convolution. For a scale of 4 it has 1,549,462
    parameters, with 5 blocks 734,219. The network maps [0, 1] to [-1, 1]; here the output is `(x + 1) / 2`.

    Attributes:
      scale: the enlargement: 1, 2, 3, 4 or 8.
      channels: those of the output.
      width: the channels of the residual blocks.
      blocks: the number of residual blocks.
      output: `"linear"` as in the paper, or `"tanh"` for outputs inside [0, 1].
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SRResNet(scale=4, width=4, blocks=1), (6, 5, 3))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 6, 5, 3)))[0].shape
      (2, 24, 20, 3)

    References:
      Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network" (2017), figure 4,
      https://arxiv.org/abs/1609.04802
    """

    scale: int = 4
    channels: int = 3
    width: int = 64
    blocks: int = 16
    output: str = "linear"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w inputs"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h_out w_out c"]:
        """Maps `[B, height, width, inputs]` in [0, 1] to `[B, scale height, scale width, channels]` float32."""
        check_scale(self.scale)
        if self.output not in ("linear", "tanh"):
            raise ValueError(unknown("output", self.output, ("linear", "tanh")))
        conv = lambda features, size, name: Conv(  # noqa: E731
            features, size, kernel_init=torch_uniform, dtype=self.dtype, name=name
        )

        def normed(h: jax.Array, name: str) -> jax.Array:
            h = conv(self.width, 3, f"{name}_conv")(h)
            return BatchNorm(dtype=self.dtype, name=f"{name}_norm")(h, train=train, axis_name=axis_name)

        h = first = PReLU(name="first_prelu")(conv(self.width, 9, "first")(x.astype(self.dtype)))
        for index in range(self.blocks):
            inner = PReLU(name=f"block_{index}_prelu")(normed(h, f"block_{index}_1"))
            h = h + normed(inner, f"block_{index}_2")
        h = first + normed(h, "body")
        for index, factor in enumerate(STEPS[self.scale]):
            h = pixel_shuffle(conv(self.width * factor**2, 3, f"up_{index}")(h), factor)
            h = PReLU(name=f"up_{index}_prelu")(h)
        y = conv(self.channels, 9, "last")(h)
        return tanh_to_unit(y) if self.output == "tanh" else (y.astype(jnp.float32) + 1) / 2


class MSRResNet(nn.Module):
    """SRResNet without normalisation and without the long skip of features; it adds to the linearly enlarged input.

    3x3 convolutions throughout, ReLU inside the residual blocks, leaky ReLU of slope 0.1 elsewhere, one more convolution before
    the last. For a scale of 4 it has 1,517,571 parameters. Images are in [0, 1] inside too.

    Attributes:
      scale: the enlargement: 1, 2, 3, 4 or 8; the published code has 2, 3 and 4.
      channels: those of the output, and of the input.
      width: the channels of the residual blocks.
      blocks: the number of residual blocks.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.MSRResNet(scale=2, width=4, blocks=1), (6, 5, 3))
      >>> params, _ = network.init(jax.random.key(0))
      >>> network.apply(params, {}, jnp.zeros((2, 6, 5, 3)))[0].shape
      (2, 12, 10, 3)

    References:
      `MSRResNet` in https://github.com/XPixelGroup/BasicSR
    """

    scale: int = 4
    channels: int = 3
    width: int = 64
    blocks: int = 16
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float32[jax.Array, "b h_out w_out c"]:
        """Maps `[B, height, width, channels]` in [0, 1] to `[B, scale height, scale width, channels]` float32."""
        check_scale(self.scale)
        conv = lambda features, name: Conv(  # noqa: E731
            features, 3, kernel_init=kaiming(0.1), dtype=self.dtype, name=name
        )
        activated = lambda h: nn.leaky_relu(h, 0.1)  # noqa: E731
        h = activated(conv(self.width, "first")(x.astype(self.dtype)))
        for index in range(self.blocks):
            inner = nn.relu(conv(self.width, f"block_{index}_1")(h))
            h = h + conv(self.width, f"block_{index}_2")(inner)
        for index, factor in enumerate(STEPS[self.scale]):
            h = activated(pixel_shuffle(conv(self.width * factor**2, f"up_{index}")(h), factor))
        y = conv(self.channels, "last")(activated(conv(self.width, "high")(h)))
        return y.astype(jnp.float32) + bilinear(x.astype(jnp.float32), self.scale)
