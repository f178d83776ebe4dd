"""Gated PixelCNN: each pixel's distribution depends on all pixels above and to the left, with no blind spot."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.ranges import to_signed


def _down(x: jax.Array) -> jax.Array:
    """The image moved down by one row; the first row is 0."""
    return jnp.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]


def _right(x: jax.Array) -> jax.Array:
    """The image moved right by one column; the first column is 0."""
    return jnp.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]


def _gated(x: jax.Array) -> jax.Array:
    """`tanh(a) sigmoid(b)` of the two halves of the channels."""
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.tanh(a) * nn.sigmoid(b)


class GatedBlock(nn.Module):
    """A layer of two stacks: the vertical one sees the rows up to its own, the horizontal one its own row up to its own column.

    The horizontal stack is given the vertical one moved down by a row, that is all rows above. In the first layer both are the
    image, and the horizontal stack is moved right by a column, so that it does not see its own pixel. Each is a convolution to
    twice the features and the gate `tanh(a) sigmoid(b)`; the horizontal stack has a residual 1x1 convolution.

    Attributes:
      features: the channels of both stacks.
      kernel_size: the width of the convolutions, odd; they are half as high, rounded up.
      first: whether this is the first layer.
      dtype: the dtype of the computation and of the outputs.

    References:
      van den Oord et al., "Conditional Image Generation with PixelCNN Decoders" (2016), figure 2,
      https://arxiv.org/abs/1606.05328
    """

    features: int
    kernel_size: int = 5
    first: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, v: Float[jax.Array, "b h w c"], h: Float[jax.Array, "b h w d"]
    ) -> tuple[Float[jax.Array, "b h w features"], Float[jax.Array, "b h w features"]]:
        """Maps both stacks to both stacks."""
        half = self.kernel_size // 2
        shared: dict[str, Any] = {"dtype": self.dtype}

        def convolution(name: str, window: tuple[int, int], sides: tuple[int, int]) -> nn.Conv:
            padding = ((window[0] - 1, 0), sides)
            return nn.Conv(2 * self.features, window, padding=padding, name=name, **shared)

        v = convolution("vertical", (half + 1, self.kernel_size), (half, half))(v)
        seen = _right(h) if self.first else h
        row = convolution("horizontal", (1, half + 1), (half, 0))(seen)
        row = _gated(row + nn.Conv(2 * self.features, (1, 1), name="from_above", **shared)(_down(v)))
        row = nn.Conv(self.features, (1, 1), name="residual", **shared)(row)
        return _gated(v), row if self.first else row + h


class PixelCNN(nn.Module):
    """Maps grey images of few levels to the logits of each pixel's level, given the pixels before it in reading order.

    Attributes:
      levels: the number of levels; an input pixel is its level divided by `levels - 1`.
      features: the channels of the stacks.
      layers: the number of gated layers.
      kernel_size: the width of their convolutions.
      head: the channels of the 1x1 convolution before the output.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.PixelCNN(levels=4, features=8, layers=2), (6, 6, 1))
      >>> params, _ = network.init(jax.random.key(0))
      >>> network.apply(params, {}, jnp.zeros((3, 6, 6, 1)))[0].shape
      (3, 6, 6, 4)

    References:
      van den Oord et al. (2016), https://arxiv.org/abs/1606.05328
    """

    levels: int = 2
    features: int = 32
    layers: int = 5
    kernel_size: int = 5
    head: int = 32
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w 1"]) -> Float32[jax.Array, "b h w levels"]:
        """Maps `[B, height, width, 1]` in [0, 1] to logits `[B, height, width, levels]`."""
        v = h = to_signed(x, self.dtype)
        for index in range(self.layers):
            v, h = GatedBlock(self.features, self.kernel_size, index == 0, self.dtype, name=f"layer_{index}")(v, h)
        h = nn.relu(nn.Conv(self.head, (1, 1), dtype=self.dtype, name="head")(nn.relu(h)))
        return nn.Conv(self.levels, (1, 1), dtype=self.dtype, name="output")(h).astype(jnp.float32)
