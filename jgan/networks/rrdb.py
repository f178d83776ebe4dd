"""RRDBNet, the generator of ESRGAN and Real-ESRGAN: residual-in-residual dense blocks."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.resample import nearest
from jgan.networks.srresnet import kaiming, torch_uniform
from jgan.networks.subpixel import pixel_unshuffle

UNSHUFFLED = {4: 1, 2: 2, 1: 4}
"""By scale, the factor by which the input is first shrunk into channels; the network then enlarges by 4."""


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each of all maps before it; the last, without an activation, is scaled and added to the input.

    With 64 channels and 32 more after each convolution it has 239,808 parameters. The kernels start at a tenth of Kaiming's.

    Attributes:
      growth: the channels that each of the first four convolutions adds.
      residual_scale: the factor of the sum of the last.
      dtype: the dtype of the computation.
    """

    growth: int = 32
    residual_scale: float = 0.2
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` to the same shape."""
        conv = lambda features, name: Conv(  # noqa: E731
            features, 3, kernel_init=kaiming(0.1), dtype=self.dtype, name=name
        )
        h = x
        for index in range(4):
            h = jnp.concatenate([h, nn.leaky_relu(conv(self.growth, f"conv_{index}")(h), 0.2)], axis=-1)
        return x + self.residual_scale * conv(x.shape[-1], "conv_4")(h)


class RRDBNet(nn.Module):
    """Maps small images to large ones: residual-in-residual dense blocks at the small size, then two nearest doublings.

    A 3x3 convolution; `blocks` times three dense blocks whose output is scaled and added to the input; a 3x3 convolution added
    to the input of the first; twice nearest-neighbour doubling with a 3x3 convolution and leaky ReLU of slope 0.2; two 3x3
    convolutions with leaky ReLU between them. No normalisation, and no bounds of the output. Models of scale 2 and 1 first
    move squares of 2x2 or 4x4 pixels into channels. With the defaults it has 16,697,987 parameters.

    Attributes:
      scale: the enlargement: 4, 2 or 1.
      channels: those of the output.
      width: the channels of the blocks.
      growth: the channels that a convolution of a dense block adds.
      blocks: the number of blocks of three dense blocks.
      residual_scale: the factor of every residual sum in the blocks.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.RRDBNet(width=4, growth=2, blocks=1), (6, 5, 3))
      >>> params, _ = network.init(jax.random.key(0))
      >>> network.apply(params, {}, jnp.zeros((2, 6, 5, 3)))[0].shape
      (2, 24, 20, 3)

    References:
      Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks" (2018), section 3.1,
      https://arxiv.org/abs/1809.00219; `RRDBNet` in https://github.com/XPixelGroup/BasicSR
    """

    scale: int = 4
    channels: int = 3
    width: int = 64
    growth: int = 32
    blocks: int = 23
    residual_scale: float = 0.2
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float32[jax.Array, "b h_out w_out c"]:
        """Maps `[B, height, width, inputs]` in [0, 1] to `[B, scale height, scale width, channels]` float32.

        The sides must be multiples of 2 for a scale of 2, and of 4 for a scale of 1.
        """
        if self.scale not in UNSHUFFLED:
            raise ValueError(f"the scale of RRDBNet must be 4, 2 or 1, found {self.scale}")
        conv = lambda features, name: Conv(  # noqa: E731
            features, 3, kernel_init=torch_uniform, dtype=self.dtype, name=name
        )
        activated = lambda h: nn.leaky_relu(h, 0.2)  # noqa: E731
        h = first = conv(self.width, "first")(pixel_unshuffle(x.astype(self.dtype), UNSHUFFLED[self.scale]))
        for block in range(self.blocks):
            inner = h
            for index in range(3):
                name = f"block_{block}_{index}"
                inner = DenseBlock(self.growth, self.residual_scale, self.dtype, name=name)(inner)
            h = h + self.residual_scale * inner
        h = first + conv(self.width, "body")(h)
        for index in range(2):
            h = activated(conv(self.width, f"up_{index}")(nearest(h)))
        h = activated(conv(self.width, "high")(h))
        return conv(self.channels, "last")(h).astype(jnp.float32)
