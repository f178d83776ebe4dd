"""StyleGAN2's convolution: the kernel's inputs are scaled by a style, and its outputs back to unit variance.

Each example has a style s of its own, hence a kernel of its own, `s_i w_io d_o` with `d_o = 1 / sqrt(sum_i,k (s_i w_io)^2)`.
A convolution is linear, so scaling the inputs by s, one convolution of the whole batch, and scaling the outputs by d give the
same result as one kernel per example.
"""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.networks import resample
from jgan.networks.convolution import conv, conv_transpose
from jgan.networks.equalised import EqualisedDense
from jgan.networks.layers import normal


def modulated_conv(
    x: Float[jax.Array, "b h w inputs"],
    kernel: Float[jax.Array, "k k inputs outputs"],
    style: Float[jax.Array, "b inputs"],
    *,
    demodulate: bool = True,
    up: bool = False,
    taps: Sequence[float] = resample.BILINEAR,
) -> Float[jax.Array, "b h_out w_out outputs"]:
    """Convolves each image with a kernel that is scaled for it.

    Args:
      x: `[B, h, w, inputs]` float; its dtype is that of the convolution.
      kernel: `[k, k, inputs, outputs]` float32, k odd.
      style: `[B, inputs]` float32, the factors on the inputs.
      demodulate: whether to divide each output by the norm of its scaled kernel (plus 1e-8 inside the root).
      up: whether to double the sides: the convolution is that of the image with zeros between its pixels, low-pass filtered.
      taps: the filter of `up`: see `jgan.networks.resample`.

    Returns:
      `[B, h, w, outputs]`, or `[B, 2 h, 2 w, outputs]`, of the dtype of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks.modulated import modulated_conv
      >>> x, kernel = jnp.ones((2, 1, 1, 3)), jnp.ones((1, 1, 3, 1))
      >>> print(modulated_conv(x, kernel, jnp.array([[1.0, 1, 1], [5, 5, 5]])).ravel().round(4))  # 3 / sqrt 3
      [1.7321 1.7321]

    References:
      Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), section 2.2, https://arxiv.org/abs/1912.04958
    """
    dtype = x.dtype
    y = x * style.astype(dtype)[:, None, None, :]
    if up:
        # Filtering before the result is cut to size, so that no pixel beyond the edge is lost between the two.
        y = conv_transpose(y, kernel.astype(dtype).swapaxes(2, 3), stride=2)
        y = resample.filtered(y, taps, padding=_margins(kernel.shape[0], len(taps)), gain=4.0)
    else:
        y = conv(y, kernel.astype(dtype), padding=kernel.shape[0] // 2)
    if demodulate:
        squares = jnp.square(style) @ jnp.square(kernel).sum((0, 1))
        y = y * jax.lax.rsqrt(squares + 1e-8).astype(dtype)[:, None, None, :]
    return y


def _margins(k: int, taps: int) -> tuple[int, int]:
    """The padding of the filter behind a transposed convolution, so that the sides double exactly (`conv2d_resample`)."""
    return k // 2 + (taps + 1) // 2 - k + 1, k // 2 + (taps - 2) // 2 - k + 2


class ModulatedConv(nn.Module):
    """`modulated_conv` with a style that is an affine function of w, `A w + b`, b initially 1.

    Attributes:
      features: the number of output channels.
      kernel_size: the side of the kernels, odd.
      demodulate: whether the outputs are scaled to unit variance; otherwise the style is divided by sqrt(fan_in).
      up: whether the sides are doubled.
      taps: the filter of `up`.
      dtype: the dtype of the convolution and of the output; styles and parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x, w = networks.ModulatedConv(8, up=True), jnp.ones((2, 4, 4, 3)), jnp.ones((2, 5))
      >>> layer.apply(layer.init(jax.random.key(0), x, w), x, w).shape
      (2, 8, 8, 8)
    """

    features: int
    kernel_size: int = 3
    demodulate: bool = True
    up: bool = False
    taps: Sequence[float] = resample.BILINEAR
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w inputs"], w: Float[jax.Array, "b style"]
    ) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, h, w, inputs]` and `[B, style]` to `[B, h, w, features]`, or to twice the sides."""
        k, inputs = self.kernel_size, x.shape[-1]
        style = EqualisedDense(inputs, bias=1.0, name="style")(w)
        if not self.demodulate:
            style = style / (k * math.sqrt(inputs))
        kernel = self.param("kernel", normal(1.0), (k, k, inputs, self.features))
        return modulated_conv(x.astype(self.dtype), kernel, style, demodulate=self.demodulate, up=self.up, taps=self.taps)
