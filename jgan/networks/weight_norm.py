"""Weight normalisation, with an initialisation that depends on the data."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.losses import global_mean
from jgan.networks.convolution import conv, conv_transpose
from jgan.networks.layers import normal

COLLECTION = "data_init"


class _WeightNorm(nn.Module):
    """What the layers share: the directions, lengths and shifts of the outputs, the last axis of the kernel."""

    features: int
    learn_length: bool = False
    data_init: bool = True
    dtype: jnp.dtype = jnp.float32
    direction_scale: float = 0.1
    initial_deviation: float = 1.0

    def _applied(
        self, linear: Callable[[jax.Array], jax.Array], shape: tuple[int, ...], train: bool, axis_name: str | None
    ) -> jax.Array:
        """`linear(kernel of unit columns)` times the lengths, plus the shifts; inside a compact method."""
        direction = self.param("direction", normal(self.direction_scale), (*shape, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        squares = jnp.sum(jnp.square(direction), axis=tuple(range(len(shape))), keepdims=True)
        product = linear((direction * jax.lax.rsqrt(squares + 1e-12)).astype(self.dtype)).astype(jnp.float32)
        length, shift = jnp.ones_like(bias), jnp.zeros_like(bias)
        if self.data_init:
            length, shift = self._start(product, train, axis_name)
        if self.learn_length:
            length = length * self.param("length", nn.initializers.ones, (self.features,))
        each = (1,) * (product.ndim - 1)
        return (product * length.reshape(*each, -1) + (shift + bias).reshape(*each, -1)).astype(self.dtype)

    def _start(self, product: jax.Array, train: bool, axis_name: str | None) -> tuple[jax.Array, jax.Array]:
        """`(lengths, shifts)`: those of this batch in the first training pass, from then on the same."""
        length = self.variable(COLLECTION, "length", jnp.ones, (self.features,))
        shift = self.variable(COLLECTION, "shift", jnp.zeros, (self.features,))
        known = self.variable(COLLECTION, "known", jnp.zeros, ())
        if train:
            held = jax.lax.stop_gradient(product).reshape(-1, self.features)
            mean = global_mean(held, axis=0, axis_name=axis_name)
            variance = global_mean(jnp.square(held - mean[None]), axis=0, axis_name=axis_name)
            fitting = self.initial_deviation * jax.lax.rsqrt(variance + 1e-8)
            length.value = jnp.where(known.value > 0, length.value, fitting)
            shift.value = jnp.where(known.value > 0, shift.value, -mean * fitting)
            known.value = jnp.ones(())
        return length.value, shift.value


class WeightNormDense(_WeightNorm):
    """A linear layer `x W + b` whose columns of W have a direction and a length of their own.

    With `data_init`, the first training pass sets lengths and shifts so that each output has mean 0 and a given deviation, 1 by
    default, on its batch (over all devices); they are in the collection `data_init` of `model_state` and stay as they are. What
    is learnt are the directions, the biases, and the lengths if `learn_length`.

    Attributes:
      features: the number of outputs.
      learn_length: whether the lengths are learnt.
      data_init: whether the first training pass sets lengths and shifts; otherwise they start at 1 and 0.
      dtype: the dtype of the product and of the output.
      direction_scale: the standard deviation of the initial directions, whose entries Adam changes by steps of one size.
      initial_deviation: the standard deviation of the outputs that the first training pass sets.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.WeightNormDense(2), jax.random.normal(jax.random.key(1), (100, 3)) * 5 + 7
      >>> variables = layer.init(jax.random.key(0), x)
      >>> y, changed = layer.apply(variables, x, train=True, mutable=["data_init"])
      >>> [abs(round(float(value), 3)) for value in (y.mean(), y.std())]
      [0.0, 1.0]

    References:
      Salimans and Kingma, "Weight Normalization" (2016), https://arxiv.org/abs/1602.07868
    """

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b inputs"], *, train: bool = False, axis_name: str | None = None
    ) -> Float[jax.Array, "b features"]:
        """Maps `[B, inputs]` to `[B, features]`."""
        x = x.astype(self.dtype)
        return self._applied(lambda kernel: x @ kernel, x.shape[-1:], train, axis_name)


class WeightNormConv(_WeightNorm):
    """A convolution, or a transposed one, whose kernels have a length of their own for each output channel.

    Means and deviations of the initialisation from the data are those over the batch and all pixels.

    Attributes:
      features: the number of output channels.
      learn_length: as that of `WeightNormDense`.
      data_init: as that of `WeightNormDense`.
      dtype: the dtype of the convolution and of the output.
      direction_scale: as that of `WeightNormDense`.
      initial_deviation: as that of `WeightNormDense`.
      kernel_size: the side of the kernels, odd unless `margins` are given; or their height and width.
      stride: the step of the window, or how many times larger the sides become if transposed.
      padded: whether the image is padded with zeros, so that a stride of 1 keeps its sides.
      transposed: whether the convolution is transposed, to images of exactly `stride` times the sides.
      margins: rows of zeros `(above, below)` and columns `(left, right)` around the image, in place of `padded`; of a
        transposed convolution, the rows and columns that are cut off its output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.WeightNormConv(8, kernel_size=3, stride=2), jnp.ones((2, 6, 6, 3))
      >>> variables = layer.init(jax.random.key(0), x)
      >>> layer.apply(variables, x).shape, variables["params"]["direction"].shape
      ((2, 3, 3, 8), (3, 3, 3, 8))

    References:
      Salimans and Kingma (2016), https://arxiv.org/abs/1602.07868
    """

    kernel_size: int | tuple[int, int] = 3
    stride: int = 1
    padded: bool = True
    transposed: bool = False
    margins: tuple[tuple[int, int], tuple[int, int]] | None = None

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w inputs"], *, train: bool = False, axis_name: str | None = None
    ) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, inputs]` to `[B, height', width', features]`."""
        size = (self.kernel_size, self.kernel_size) if isinstance(self.kernel_size, int) else self.kernel_size
        linear = self._within_margins if self.margins is not None else self._padded
        return self._applied(functools.partial(linear, x.astype(self.dtype)), (*size, x.shape[-1]), train, axis_name)

    def _padded(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        padding = len(kernel) // 2 if self.padded else 0
        if not self.transposed:
            return conv(x, kernel, stride=self.stride, padding=padding)
        more = self.stride - 1
        return conv_transpose(x, kernel.swapaxes(2, 3), stride=self.stride, padding=padding, output_padding=more)

    def _within_margins(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        assert self.margins is not None
        (above, below), (left, right) = self.margins
        if not self.transposed:
            return conv(jnp.pad(x, ((0, 0), *self.margins, (0, 0))), kernel, stride=self.stride)
        made = conv_transpose(x, kernel.swapaxes(2, 3), stride=self.stride)
        return made[:, above : made.shape[1] - below, left : made.shape[2] - right]
