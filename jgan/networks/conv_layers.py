"""Convolution and transposed convolution as layers, with the fast gradients of `jgan.networks.convolution`."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.networks.convolution import conv, conv_transpose


class Conv(nn.Module):
    """A 2-D convolution with square kernels: the values of `flax.linen.Conv`, faster gradients on CPU.

    Attributes:
      features: the number of output channels.
      kernel_size: the side k of the kernels.
      stride: the step of the window.
      padding: zeros added on each of the four sides; `"SAME"` for `(kernel_size - 1) // 2`, which with odd kernels makes the
        output's sides `ceil(side / stride)`. The padding is symmetric, as in PyTorch; the `"SAME"` of TensorFlow and of Flax
        adds more zeros at the lower and right sides if the stride is 2.
      use_bias: whether to add a bias to each channel.
      kernel_init: the initialiser of the kernel, `[k, k, inputs, features]`.
      bias_init: the initialiser of the bias, `[features]`.
      dtype: the dtype of the computation and of the output; the parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer = networks.Conv(8, kernel_size=3, stride=2)
      >>> images = jnp.zeros((1, 10, 10, 3))
      >>> variables = layer.init(jax.random.key(0), images)
      >>> jax.tree.map(jnp.shape, variables["params"])
      {'bias': (8,), 'kernel': (3, 3, 3, 8)}
      >>> layer.apply(variables, images).shape
      (1, 5, 5, 8)
    """

    features: int
    kernel_size: int
    stride: int = 1
    padding: int | str = "SAME"
    use_bias: bool = True
    kernel_init: Callable[..., jax.Array] = nn.initializers.lecun_normal()
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, inputs]` to `[B, height', width', features]`."""
        kernel = self.param("kernel", self.kernel_init, (self.kernel_size, self.kernel_size, x.shape[-1], self.features))
        padding = (self.kernel_size - 1) // 2 if _is_same(self.padding) else int(self.padding)
        y = conv(x.astype(self.dtype), kernel.astype(self.dtype), stride=self.stride, padding=padding)
        return _add_bias(self, y)


class ConvTranspose(nn.Module):
    """A 2-D transposed convolution with square kernels, which enlarges an image by `stride`.

    It is the transpose of `Conv` as a linear map, as in PyTorch; `flax.linen.ConvTranspose` flips its kernel.

    Attributes:
      features: the number of output channels.
      kernel_size: the side k of the kernels.
      stride: the distance in the output between the kernels of neighbouring inputs.
      padding: rows and columns cut off on each of the four sides; `"SAME"` for an output of exactly `stride` times the input's
        sides.
      output_padding: rows and columns added at the lower and right sides, fewer than `stride`; `"SAME"` sets it itself.
      use_bias: whether to add a bias to each channel.
      kernel_init: the initialiser of the kernel, `[k, k, inputs, features]`.
      bias_init: the initialiser of the bias, `[features]`.
      dtype: the dtype of the computation and of the output; the parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer = networks.ConvTranspose(8, kernel_size=4, stride=2)
      >>> codes = jnp.zeros((1, 5, 5, 3))
      >>> layer.apply(layer.init(jax.random.key(0), codes), codes).shape
      (1, 10, 10, 8)
    """

    features: int
    kernel_size: int
    stride: int = 1
    padding: int | str = "SAME"
    output_padding: int = 0
    use_bias: bool = True
    kernel_init: Callable[..., jax.Array] = nn.initializers.lecun_normal()
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, inputs]` to `[B, height', width', features]`."""
        # The outputs are the last axis, as in every layer: constraints and spectral normalisation rely on it.
        kernel = self.param("kernel", self.kernel_init, (self.kernel_size, self.kernel_size, x.shape[-1], self.features))
        padding, output_padding = self._padding()
        y = conv_transpose(
            x.astype(self.dtype),
            kernel.astype(self.dtype).swapaxes(2, 3),
            stride=self.stride,
            padding=padding,
            output_padding=output_padding,
        )
        return _add_bias(self, y)

    def _padding(self) -> tuple[int, int]:
        """`(padding, output_padding)`."""
        if not _is_same(self.padding):
            return int(self.padding), self.output_padding
        excess = self.kernel_size - self.stride
        if excess < 0 or excess % 2 >= self.stride:
            raise ValueError(
                "padding 'SAME' needs a kernel at least as large as the stride, and an odd one for a stride of 1, "
                f"found a kernel of {self.kernel_size} with a stride of {self.stride}"
            )
        return (excess + 1) // 2, excess % 2


def _is_same(padding: int | str) -> bool:
    if isinstance(padding, str) and padding != "SAME":
        raise ValueError(f"padding must be a number or 'SAME', found {padding!r}")
    return padding == "SAME"


def _add_bias(layer: Conv | ConvTranspose, y: jax.Array) -> jax.Array:
    if not layer.use_bias:
        return y
    return y + layer.param("bias", layer.bias_init, (layer.features,)).astype(layer.dtype).reshape(1, 1, 1, -1)
