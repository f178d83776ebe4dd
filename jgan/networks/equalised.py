"""Layers with an equalised learning rate: weights of unit variance, scaled to the size of their fan-in in every pass.

Adam's steps do not depend on the size of a gradient. With weights drawn from N(0, 1) and scaled by `gain / sqrt(fan_in)` in the
forward pass, a step of the optimiser changes all layers by the same share, whatever their size.

References:
  Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018), section 4.1,
  https://arxiv.org/abs/1710.10196
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.networks.convolution import conv
from jgan.networks.layers import normal


class EqualisedDense(nn.Module):
    """`x W c + b`, W ~ N(0, 1), `c = gain / sqrt(fan_in)`.

    Attributes:
      features: the number of outputs.
      gain: the factor on the standard deviation of the outputs; sqrt 2 in front of a ReLU.
      rate: a factor on the learning rate of this layer (StyleGAN's mapping network: 0.01). Its parameters start 1 / `rate`
        times as large and are multiplied by `rate` in the forward pass.
      bias: the initial bias.
      use_bias: whether there is a bias.
      dtype: the dtype of the computation and of the output; the parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.EqualisedDense(8), jnp.ones((2, 100))
      >>> y = layer.apply(layer.init(jax.random.key(0), x), x)
      >>> y.shape, bool(abs(y).max() < 4)
      ((2, 8), True)
    """

    features: int
    gain: float = 1.0
    rate: float = 1.0
    bias: float = 0.0
    use_bias: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b inputs"]) -> Float[jax.Array, "b features"]:
        """Maps `[B, inputs]` to `[B, features]`."""
        inputs = x.shape[-1]
        kernel = self.param("kernel", normal(1 / self.rate), (inputs, self.features))
        y = x.astype(self.dtype) @ (kernel * (self.gain * self.rate / math.sqrt(inputs))).astype(self.dtype)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.constant(self.bias / self.rate), (self.features,))
        return add_bias(y, bias * self.rate)


class EqualisedConv(nn.Module):
    """A convolution with square kernels, scaled by `gain / sqrt(k k inputs)`, W ~ N(0, 1).

    Attributes:
      features: the number of output channels.
      kernel_size: the side k of the kernels.
      stride: the step of the window.
      padding: zeros added on each of the four sides; None for `(kernel_size - 1) // 2`.
      gain: the factor on the standard deviation of the outputs; sqrt 2 in front of a ReLU.
      use_bias: whether there is a bias for each channel.
      bias: the initial bias.
      dtype: the dtype of the computation and of the output; the parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.EqualisedConv(8), jnp.ones((1, 5, 5, 3))
      >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
      (1, 5, 5, 8)
    """

    features: int
    kernel_size: int = 3
    stride: int = 1
    padding: int | None = None
    gain: float = 1.0
    use_bias: bool = True
    bias: float = 0.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, inputs]` to `[B, height', width', features]`."""
        k, inputs = self.kernel_size, x.shape[-1]
        kernel = self.param("kernel", normal(1.0), (k, k, inputs, self.features)) * (self.gain / (k * math.sqrt(inputs)))
        padding = (k - 1) // 2 if self.padding is None else self.padding
        y = conv(x.astype(self.dtype), kernel.astype(self.dtype), stride=self.stride, padding=padding)
        if not self.use_bias:
            return y
        return add_bias(y, self.param("bias", nn.initializers.constant(self.bias), (self.features,)))


def add_bias(x: Float[jax.Array, "*shape c"], bias: Float[jax.Array, " c"]) -> Float[jax.Array, "*shape c"]:
    """`x + bias`, the bias of each channel, in the dtype of `x`."""
    return x + bias.astype(x.dtype).reshape(*[1] * (x.ndim - 1), -1)


def leaky(x: Float[jax.Array, " *shape"], gain: float = math.sqrt(2)) -> Float[jax.Array, " *shape"]:
    """A leaky ReLU of slope 0.2, times a gain.

    Args:
      x: `[...]` float.
      gain: the factor; sqrt 2 keeps the size of the signal (StyleGAN2), 1 is for layers that have the gain in their weights.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import equalised
      >>> print(equalised.leaky(jnp.array([-1.0, 1.0]), gain=2.0))
      [-0.4  2. ]
    """
    return nn.leaky_relu(x, 0.2) * gain
