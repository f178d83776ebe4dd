"""Convolutions together with nearest-neighbour upsampling or mean pooling, as residual networks use them."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.networks.convolution import conv, conv_transpose
from jgan.networks.layers import glorot_uniform
from jgan.networks.resample import check_even


class UpsampleConv(nn.Module):
    """Nearest-neighbour upsampling followed by a convolution: images of twice the sides.

    It is computed as one transposed convolution of the small image by a kernel of side k + 1, which costs 4/9 of the
    multiplications for k = 3 and gives the same result up to rounding, at the borders too.

    Attributes:
      features: the number of output channels.
      kernel_size: the side k of the kernels, odd.
      use_bias: whether to add a bias to each channel.
      kernel_init: the initialiser of the kernel, `[k, k, inputs, features]`.
      dtype: the dtype of the computation and of the output; the parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.UpsampleConv(8, 3), jnp.zeros((1, 4, 4, 2))
      >>> variables = layer.init(jax.random.key(0), x)
      >>> layer.apply(variables, x).shape, variables["params"]["kernel"].shape
      ((1, 8, 8, 8), (3, 3, 2, 8))

    References:
      The layer of the WGAN-GP residual network: Gulrajani et al., "Improved Training of Wasserstein GANs" (2017),
      https://arxiv.org/abs/1704.00028
    """

    features: int
    kernel_size: int = 3
    use_bias: bool = True
    kernel_init: Callable[..., jax.Array] = glorot_uniform()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b 2*h 2*w features"]:
        """Maps `[B, height, width, inputs]` to `[B, 2 height, 2 width, features]`."""
        kernel = _kernel(self, x)
        wide = _with_neighbours(kernel[::-1, ::-1]).astype(self.dtype).swapaxes(2, 3)
        y = conv_transpose(x.astype(self.dtype), wide, stride=2, padding=(self.kernel_size - 1) // 2)
        return _with_bias(self, y)


class ConvMeanPool(nn.Module):
    """A convolution followed by 2x2 mean pooling: images of half the sides.

    It is computed as one convolution of stride 2 by a kernel of side k + 1, which costs 4/9 of the multiplications for k = 3
    and gives the same result up to rounding.

    Attributes:
      features: the number of output channels.
      kernel_size: the side k of the kernels, odd.
      use_bias: whether to add a bias to each channel.
      kernel_init: the initialiser of the kernel, `[k, k, inputs, features]`.
      dtype: the dtype of the computation and of the output; the parameters are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.ConvMeanPool(8, 3), jnp.zeros((1, 4, 4, 2))
      >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
      (1, 2, 2, 8)

    References:
      The layer of the WGAN-GP residual network: Gulrajani et al., "Improved Training of Wasserstein GANs" (2017),
      https://arxiv.org/abs/1704.00028
    """

    features: int
    kernel_size: int = 3
    use_bias: bool = True
    kernel_init: Callable[..., jax.Array] = glorot_uniform()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w inputs"]) -> Float[jax.Array, "b h/2 w/2 features"]:
        """Maps `[B, height, width, inputs]` to `[B, height / 2, width / 2, features]`; odd sides are a `ValueError`."""
        check_even(x)
        wide = (_with_neighbours(_kernel(self, x)) / 4).astype(self.dtype)
        y = conv(x.astype(self.dtype), wide, stride=2, padding=(self.kernel_size - 1) // 2)
        return _with_bias(self, y)


def _kernel(layer: UpsampleConv | ConvMeanPool, x: jax.Array) -> jax.Array:
    if layer.kernel_size % 2 == 0:
        raise ValueError(f"{type(layer).__name__} needs kernels with an odd side, found {layer.kernel_size}")
    return layer.param("kernel", layer.kernel_init, (layer.kernel_size, layer.kernel_size, x.shape[-1], layer.features))


def _with_bias(layer: UpsampleConv | ConvMeanPool, y: jax.Array) -> jax.Array:
    if not layer.use_bias:
        return y
    return y + layer.param("bias", nn.initializers.zeros, (layer.features,)).astype(layer.dtype).reshape(1, 1, 1, -1)


def _with_neighbours(kernel: jax.Array) -> jax.Array:
    """The kernel `[k, k, inputs, features]` plus itself moved by one row, by one column and by both: `[k + 1, k + 1, ...]`."""
    none, zero = (0, 0, 0), jnp.zeros((), kernel.dtype)
    for before, after in ((((1, 0, 0), none), ((0, 1, 0), none)), ((none, (1, 0, 0)), (none, (0, 1, 0)))):
        kernel = jax.lax.pad(kernel, zero, (*before, none, none)) + jax.lax.pad(kernel, zero, (*after, none, none))
    return kernel
