"""The first PixelCNN, and a plain one: a stack of masked convolutions, in which each pixel sees pixels before it."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from jgan.networks.ranges import to_signed


def mask(kernel_size: int, own: bool) -> Float32[np.ndarray, "k k 1 1"]:
    """The mask of a convolution that sees no pixel after its own in reading order.

    Args:
      kernel_size: the side of the kernels, odd.
      own: whether it sees its own pixel: the mask B of later layers; the first layer's, A, does not.

    Returns:
      1 for the weights that count, otherwise 0: all rows above the middle one, and the middle one up to its middle.

    Example:
      >>> from jgan.networks import masked_pixelcnn
      >>> masked_pixelcnn.mask(3, own=False)[..., 0, 0].astype(int).tolist()
      [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    """
    before = np.arange(kernel_size**2) < kernel_size**2 // 2 + own
    return before.astype(np.float32).reshape(kernel_size, kernel_size, 1, 1)


def _masked(h: jax.Array, features: int, size: int, own: bool, dtype: jnp.dtype, name: str) -> jax.Array:
    """A convolution with a mask; inside a compact method."""
    shape = (size, size, h.shape[-1], features)
    masked = None if size == 1 else jnp.broadcast_to(mask(size, own), shape)
    return nn.Conv(features, (size, size), mask=masked, dtype=dtype, name=name)(h)


def _of_two(logits: jax.Array, levels: int) -> jax.Array:
    """Of two levels the logits of both, from that of the second."""
    return jnp.concatenate([jnp.zeros_like(logits), logits], axis=-1) if levels == 2 else logits


class MaskedPixelCNN(nn.Module):
    """Maps grey images of few levels to the logits of each pixel's level, given the pixels before it in reading order.

    A convolution with mask A, then residual blocks of a 1x1 convolution to half the channels, a 3x3 one with mask B and a 1x1
    one back, each after a ReLU; two 1x1 convolutions and the output, each after a ReLU. A pixel does not see some of those
    above it to the right (the blind spot), which `PixelCNN` sees. Of two levels the output has one logit, that of the second.
    With 7 layers, a first kernel of 7x7, and 32 channels throughout it has 27,489 parameters, masked weights included; with 64,
    105,665.

    Attributes:
      levels: the number of levels; an input pixel is its level divided by `levels - 1`.
      features: the channels between the blocks, even.
      layers: the number of residual blocks.
      kernel_size: the side of the first layer's kernels, odd.
      head: the channels of the two 1x1 convolutions before the output.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.MaskedPixelCNN(levels=4, features=8, layers=2), (6, 6, 1))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 6, 6, 1)))[0], jax.random.key(0)).shape
      (3, 6, 6, 4)

    References:
      van den Oord et al., "Pixel Recurrent Neural Networks" (2016), section 3.5 and table 1, https://arxiv.org/abs/1601.06759
    """

    levels: int = 2
    features: int = 32
    layers: int = 7
    kernel_size: int = 7
    head: int = 32
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w 1"]) -> Float32[jax.Array, "b h w levels"]:
        """Maps `[B, height, width, 1]` in [0, 1] to logits `[B, height, width, levels]`."""

        def layer(h: jax.Array, features: int, size: int, name: str, own: bool = True) -> jax.Array:
            return _masked(h, features, size, own, self.dtype, name)

        h = layer(to_signed(x, self.dtype), self.features, self.kernel_size, "input", own=False)
        for index in range(self.layers):
            inside = layer(nn.relu(h), self.features // 2, 1, f"narrow_{index}")
            inside = layer(nn.relu(inside), self.features // 2, 3, f"masked_{index}")
            h = h + layer(nn.relu(inside), self.features, 1, f"widen_{index}")
        for index in range(2):
            h = layer(nn.relu(h), self.head, 1, f"head_{index}")
        logits = layer(nn.relu(h), 1 if self.levels == 2 else self.levels, 1, "output").astype(jnp.float32)
        return _of_two(logits, self.levels)


class PlainPixelCNN(nn.Module):
    """Maps grey images of few levels to the logits of each pixel's level, by masked convolutions alone.

    A convolution with mask A, `layers` with mask B, each followed by a ReLU, and one with mask B to the logits; all kernels
    have one size. A pixel does not see some of those above it to the right (the blind spot), which `PixelCNN` sees. Of two
    levels the output has one logit, that of the second. With 4 layers, kernels of 7x7, 32 channels and 256 levels it has
    604,096 parameters, masked weights included.

    Attributes:
      levels: the number of levels; an input pixel is its level divided by `levels - 1`.
      features: the channels between the layers.
      layers: the number of layers with mask B before the output.
      kernel_size: the side of the kernels, odd.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.PlainPixelCNN(levels=4, features=8, layers=2), (6, 6, 1))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 6, 6, 1)))[0], jax.random.key(0)).shape
      (3, 6, 6, 4)

    References:
      van den Oord et al. (2016), https://arxiv.org/abs/1601.06759, as simplified in jzbontar/pixelcnn-pytorch on GitHub.
    """

    levels: int = 256
    features: int = 32
    layers: int = 4
    kernel_size: int = 7
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w 1"]) -> Float32[jax.Array, "b h w levels"]:
        """Maps `[B, height, width, 1]` in [0, 1] to logits `[B, height, width, levels]`."""
        h = _masked(x.astype(self.dtype), self.features, self.kernel_size, False, self.dtype, "input")
        for index in range(self.layers):
            h = _masked(nn.relu(h), self.features, self.kernel_size, True, self.dtype, f"masked_{index}")
        outputs = 1 if self.levels == 2 else self.levels
        logits = _masked(nn.relu(h), outputs, self.kernel_size, True, self.dtype, "output")
        return _of_two(logits.astype(jnp.float32), self.levels)
