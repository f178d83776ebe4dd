"""Convolution, transposed convolution and max pooling, written for the fast paths of XLA on CPU as well as for a GPU.

`conv` and `conv_transpose` are linear in the image and in the kernel, so each of their gradients is a convolution again. XLA on
CPU is fast only for some of the ways to write such a convolution, so both functions define their own gradients; and where XLA's
convolution itself is slow there, `cpu_convolution` has others. On two cores,
the kernel gradient of the 2014 deconvolution (5x5, stride 3, 80 to 3 channels) takes 1/7 of the time of the one that JAX
derives, that of a 4x4 stride 2 deconvolution of 256 to 128 channels 1/30, and that of the first maxout convolution (8x8,
padding 4) 1/15. Their second derivatives, which gradient penalties need, are the same functions again: an update of the critic
of WGAN-GP (32x32x3, width 32) takes 0.73 of the time with them.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.networks.cpu_convolution import FEW, few_outputs, has_sub_pixels, plain, shifts, transposed, turned


def conv(
    image: Float[jax.Array, "b h w inputs"],
    kernel: Float[jax.Array, "k k inputs outputs"],
    *,
    stride: int = 1,
    padding: int = 0,
) -> Float[jax.Array, "b h_out w_out outputs"]:
    """Cross-correlates images with a kernel: `jax.lax.conv_general_dilated` with other gradients of the same value.

    A 1x1 kernel is applied as one matrix product: with its gradients, half the time of a convolution on CPU.

    Args:
      image: `[B, height, width, inputs]` float.
      kernel: `[k, k, inputs, outputs]`, of the same dtype.
      stride: the step of the window.
      padding: zeros added on each of the four sides.

    Returns:
      `[B, (height + 2 padding - k) // stride + 1, ..., outputs]`; it is differentiable in reverse mode, any number of times.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import convolution
      >>> convolution.conv(jnp.ones((1, 3, 3, 1)), jnp.ones((2, 2, 1, 1)))[0, :, :, 0].tolist()
      [[4.0, 4.0], [4.0, 4.0]]
    """
    if kernel.shape[:2] == (1, 1) and stride == 1 and padding == 0:
        b, h, w, inputs = image.shape
        return jnp.matmul(image.reshape(b * h * w, inputs), kernel[0, 0]).reshape(b, h, w, -1)
    return _conv(image, kernel, stride, padding)


def conv_transpose(
    code: Float[jax.Array, "b h w inputs"],
    kernel: Float[jax.Array, "k_h k_w outputs inputs"],
    *,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
) -> Float[jax.Array, "b h_out w_out outputs"]:
    """The transpose of `conv` as a linear map of its image, also called deconvolution: a sum of kernels scaled by the codes.

    Args:
      code: `[B, h, w, inputs]` float.
      kernel: `[k, k, outputs, inputs]`: the kernel of the convolution from images to codes which this is the transpose of.
      stride: the distance in the image between the kernels of neighbouring codes.
      padding: rows and columns cut off on each of the four sides.
      output_padding: rows and columns added at the lower and right side, fewer than `stride`: images of several sizes have
        codes of one size, and this chooses among them.

    Returns:
      The images, `[B, stride (h - 1) + k - 2 padding + output_padding, ..., outputs]`; differentiable as `conv` is.

    Raises:
      ValueError: if `output_padding` is not in [0, stride).

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import convolution
      >>> convolution.conv_transpose(jnp.ones((1, 1, 2, 1)), jnp.ones((1, 3, 1, 1)), stride=2)[0, :, :, 0].tolist()
      [[1.0, 1.0, 2.0, 1.0, 1.0]]

    References:
      Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), https://arxiv.org/abs/1603.07285
    """
    if not 0 <= output_padding < stride:
        raise ValueError(f"output_padding must be in [0, stride), found {output_padding} with a stride of {stride}")
    margin = output_padding - 2 * padding
    sides = tuple(stride * (n - 1) + k + margin for n, k in zip(code.shape[1:3], kernel.shape[:2], strict=True))
    return _conv_transpose(code, kernel, stride, padding, sides)


def max_pool(x: Float[jax.Array, "b h w c"], *, window: int, stride: int) -> Float[jax.Array, "b h_out w_out c"]:
    """The maximum over square windows that cover the whole image; the last ones may extend past its lower and right edges.

    Args:
      x: `[B, height, width, channels]` float.
      window: the side of a window.
      stride: the distance between windows, at most `window`.

    Returns:
      `[B, ceil((height - window) / stride) + 1, ..., channels]`.

    Raises:
      ValueError: if the window is larger than the image, or the stride than the window.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import convolution
      >>> convolution.max_pool(jnp.arange(25.0).reshape(1, 5, 5, 1), window=2, stride=2)[0, :, :, 0].tolist()
      [[6.0, 8.0, 9.0], [16.0, 18.0, 19.0], [21.0, 23.0, 24.0]]
    """
    if min(x.shape[1:3]) < window:
        raise ValueError(f"the pooling window must fit into the image, found a window of {window} on {x.shape[1]}x{x.shape[2]}")
    if stride > window:
        raise ValueError(f"the pooling windows must leave no gaps, found a window of {window} and a stride of {stride}")
    # Shifted slices, rows then columns: on CPU twice as fast as `reduce_window`, whose gradient scatters one by one.
    for axis in (1, 2):
        count = -(-(x.shape[axis] - window) // stride) + 1
        reach = stride * (count - 1) + 1
        margins = [(0, 0)] * 4
        margins[axis] = (0, reach - 1 + window - x.shape[axis])
        padded = jnp.pad(x, margins, constant_values=-jnp.inf)
        shifted = [jax.lax.slice_in_dim(padded, first, first + reach, stride, axis) for first in range(window)]
        x = functools.reduce(jnp.maximum, shifted)
    return x


# ------------------------------------------------------------------------------- three maps, each the gradient of the others
#
# T(image, kernel, code) = <conv(image, kernel), code> is linear in each of the three. `_conv`, `_conv_transpose` and
# `_kernel_gradient` are its gradients with respect to code, image and kernel; so their own gradients, of any order, are these
# three again.


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(image, kernel, stride, padding):
    if _on_cpu() and few_outputs(kernel, stride):
        return shifts(image, kernel, padding)
    return plain(image, kernel, stride, padding)


def _conv_backward(stride, padding, residuals, code):
    image, kernel = residuals
    return (
        _conv_transpose(code, kernel, stride, padding, image.shape[1:3]),
        _kernel_gradient(image, code, stride, padding, kernel.shape[:2]),
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _conv_transpose(code, kernel, stride, padding, sides):
    if _on_cpu() and has_sub_pixels(kernel, stride):
        return transposed(code, kernel, stride, padding, sides)
    if _on_cpu() and few_outputs(turned(kernel), stride):
        return shifts(code, turned(kernel), kernel.shape[0] - 1 - padding)
    struct = jax.ShapeDtypeStruct((code.shape[0], *sides, kernel.shape[2]), code.dtype)
    (image,) = jax.linear_transpose(lambda x: plain(x, kernel, stride, padding), struct)(code)
    return image


def _conv_transpose_backward(stride, padding, sides, residuals, image):
    code, kernel = residuals
    return _conv(image, kernel, stride, padding), _kernel_gradient(image, code, stride, padding, kernel.shape[:2])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _kernel_gradient(image, code, stride, padding, window):
    inputs, outputs, last = image.shape[3], code.shape[3], window[0] - 1
    if _on_cpu() and stride == 1 and outputs <= FEW < inputs and window[1] - 1 == last >= padding:
        return turned(_kernel_gradient_of_xla(code, image, 1, last - padding, window))
    return _kernel_gradient_of_xla(image, code, stride, padding, window)


def _kernel_gradient_of_xla(image, code, stride, padding, window):
    # XLA on CPU leaves its fast path if the window, here the code, is larger than the image before padding: the zeros are then
    # added first.
    if any((n - 1) * stride + 1 > side for n, side in zip(code.shape[1:3], image.shape[1:3], strict=True)):
        image, padding = jnp.pad(image, ((0, 0), (padding, padding), (padding, padding), (0, 0))), 0
    struct = jax.ShapeDtypeStruct((*window, image.shape[3], code.shape[3]), code.dtype)
    (kernel,) = jax.linear_transpose(lambda w: plain(image, w, stride, padding), struct)(code)
    return kernel


def _kernel_gradient_backward(stride, padding, window, residuals, kernel):
    image, code = residuals
    return _conv_transpose(code, kernel, stride, padding, image.shape[1:3]), _conv(image, kernel, stride, padding)


def _with_residuals(function):
    """The forward pass of a map of two arrays, whose gradient needs both."""
    return lambda first, second, *options: (function(first, second, *options), (first, second))


_conv.defvjp(_with_residuals(_conv), _conv_backward)
_conv_transpose.defvjp(_with_residuals(_conv_transpose), _conv_transpose_backward)
_kernel_gradient.defvjp(_with_residuals(_kernel_gradient), _kernel_gradient_backward)
