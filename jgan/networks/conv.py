"""The convolutional generator and discriminator of the 2014 paper, for CIFAR-10."""

import functools
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.convolution import conv, conv_transpose, max_pool
from jgan.networks.layers import Dropout, symmetric_uniform
from jgan.networks.mlp import MLPDiscriminator, MLPGenerator


class MaxoutConv(nn.Module):
    """A maxout convolution: `channels * pieces` kernels, the maximum over each channel's pieces, then max pooling.

    Channel c has the kernels `c * pieces ... (c + 1) * pieces - 1`, and each kernel has one bias.

    Attributes:
      channels: the number of output channels.
      pieces: affine functions a unit.
      kernel_size: the side of the kernels.
      padding: zeros added on each side of the image.
      pool: the side of the pooling windows.
      pool_stride: the distance between them.
      irange: kernels ~ U(-irange, irange); biases start at 0.
      dtype: the dtype of the computation and of the output.

    References:
      Goodfellow et al., "Maxout Networks" (2013), section 5, https://arxiv.org/abs/1302.4389
    """

    channels: int
    pieces: int
    kernel_size: int
    padding: int
    pool: int
    pool_stride: int
    irange: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b h_out w_out channels"]:
        """Maps `[B, height, width, inputs]` to `[B, height', width', channels]`."""
        outputs = self.channels * self.pieces
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], outputs)
        kernel = self.param("kernel", symmetric_uniform(self.irange), shape)
        bias = self.param("bias", nn.initializers.zeros, (outputs,))
        z = conv(x.astype(self.dtype), kernel.astype(self.dtype), padding=self.padding)
        z = z + bias.astype(self.dtype).reshape(1, 1, 1, outputs)
        units = functools.reduce(jnp.maximum, [z[..., piece :: self.pieces] for piece in range(self.pieces)])
        return max_pool(units, window=self.pool, stride=self.pool_stride)


class Deconv(nn.Module):
    """A transposed convolution with a separate bias for each pixel and channel of the output ("untied" biases).

    Attributes:
      channels: the number of output channels.
      kernel_size: the side of the kernels.
      stride: the distance in the output between the kernels of neighbouring inputs.
      irange: kernels ~ U(-irange, irange); biases start at 0.
      dtype: the dtype of the computation and of the output.
    """

    channels: int
    kernel_size: int
    stride: int
    irange: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b h_out w_out channels"]:
        """Maps `[B, h, w, inputs]` to `[B, stride (h - 1) + kernel_size, ..., channels]`."""
        shape = (self.kernel_size, self.kernel_size, self.channels, x.shape[-1])
        kernel = self.param("kernel", symmetric_uniform(self.irange), shape)
        image = conv_transpose(x.astype(self.dtype), kernel.astype(self.dtype), stride=self.stride)
        bias = self.param("bias", nn.initializers.zeros, image.shape[1:])
        return image + bias.astype(self.dtype)[None]


class ConvGenerator(nn.Module):
    """Maps latents to an image: fully connected layers make a small image of sigmoid codes, a deconvolution enlarges it.

    Attributes:
      image_shape: `(height, width, channels)` of the output; height and width must be `kernel_size` plus a multiple of
        `stride`.
      units: the size of each hidden layer before the codes.
      activations: the name of each hidden layer's activation.
      channels: the channels of the codes.
      kernel_size: the side of the deconvolution's kernels.
      stride: its stride.
      irange: every W ~ U(-irange, irange).
      dtype: the dtype of the computation; the output is float32.

    References:
      Goodfellow et al. (2014), section 5, https://arxiv.org/abs/1406.2661
    """

    image_shape: Sequence[int]
    units: Sequence[int] = (8000,)
    activations: Sequence[str] = ("relu",)
    channels: int = 80
    kernel_size: int = 5
    stride: int = 3
    irange: float = 0.05
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32."""
        *sides, channels = self.image_shape
        kernel_size, stride = self.kernel_size, self.stride
        if any(side < kernel_size or (side - kernel_size) % stride for side in sides):
            raise ValueError(
                f"a deconvolution of {kernel_size}x{kernel_size} with stride {stride} makes images whose sides are "
                f"{kernel_size} plus a multiple of {stride}, found {sides[0]}x{sides[1]}"
            )
        codes = MLPGenerator(
            image_shape=(*((side - kernel_size) // stride + 1 for side in sides), self.channels),
            units=self.units,
            activations=self.activations,
            output="sigmoid",
            irange=self.irange,
            dtype=self.dtype,
            name="codes",
        )(z, train=train, axis_name=axis_name)
        image = Deconv(channels, kernel_size, stride, self.irange, self.dtype, name="deconv")(codes)
        return image.astype(jnp.float32)


class ConvDiscriminator(nn.Module):
    """Maps an image to one logit through maxout convolutions and maxout layers, with dropout on the input of every layer.

    Attributes:
      channels: the channels of each maxout convolution.
      kernel_sizes: the side of each one's kernels.
      paddings: the zeros added on each side of its input.
      pools: the side of its pooling windows.
      pool_stride: the distance between pooling windows.
      conv_pieces: the pieces of a unit of the convolutions.
      units: the number of units of each maxout layer after them.
      pieces: the pieces of such a unit.
      irange: every W ~ U(-irange, irange).
      input_keep: the probability that a pixel is kept.
      hidden_keep: the probability that an input of a later layer, the last included, is kept.
      dtype: the dtype of the computation; the logits are float32.

    References:
      Goodfellow et al. (2014), section 5, https://arxiv.org/abs/1406.2661
    """

    channels: Sequence[int] = (32, 32, 192)
    kernel_sizes: Sequence[int] = (8, 8, 5)
    paddings: Sequence[int] = (4, 3, 3)
    pools: Sequence[int] = (4, 4, 2)
    pool_stride: int = 2
    conv_pieces: int = 2
    units: Sequence[int] = (500,)
    pieces: int = 5
    irange: float = 0.005
    input_keep: float = 0.8
    hidden_keep: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits."""
        h, keep = x, self.input_keep
        layers = zip(self.channels, self.kernel_sizes, self.paddings, self.pools, strict=True)
        for index, (channels, kernel_size, padding, pool) in enumerate(layers):
            h = Dropout(keep, name=f"dropout_{index}")(h, train=train, axis_name=axis_name)
            layer = MaxoutConv(
                channels,
                self.conv_pieces,
                kernel_size,
                padding,
                pool,
                self.pool_stride,
                self.irange,
                self.dtype,
                name=f"maxout_{index}",
            )
            h, keep = layer(h), self.hidden_keep
        head = MLPDiscriminator(self.units, self.pieces, self.irange, keep, self.hidden_keep, self.dtype, name="head")
        return head(h, train=train, axis_name=axis_name)
