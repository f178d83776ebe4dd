"""Other ways to compute a convolution and its gradients, where XLA's convolution is slow on CPU; `convolution` chooses.

XLA on CPU computes a convolution as a product whose columns are the output channels, and whose inner dimension is the taps and
the input channels. With few output channels most of a vector register is idle. Three identities put many channels there:

- A convolution with few outputs is one product for all taps at once, and a sum of shifted parts of the result.
- A transposed convolution of stride s is a convolution of stride 1 with s * s times the outputs, one for each position of a
  pixel within a block of s x s, whose output is then arranged as an image ("sub-pixel convolution").
- With stride 1 the kernel's gradient is the same map for an image and a code that have changed places.

Measured on two cores, 32 or 64 images, in ms, XLA's own beside these: 3x3, 64 to 3 channels, 13.7 and 5.6; its kernel gradient
24 and 8.8; the image gradient of 3x3, 3 to 64 channels, 16.8 and 5.0; the kernel gradient of 9x9, 64 to 3 channels (the last
layer of SRResNet), 121 and 11; the transposed 4x4 convolution of stride 2, 128 to 64 channels, 13.3 and 10.0.
"""

import functools

import jax
import jax.numpy as jnp

FEW = 8
"""So many channels or fewer are few."""

MOST_BORDER = 1.35
"""The most blocks that a sub-pixel convolution may compute, those that are partly cut off at the border included, for each
block that is needed. On smaller images the shifts, which compute none too many, are faster."""


def plain(image: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    """XLA's convolution: `[B, height, width, inputs]` and `[k, k, inputs, outputs]` to `[B, height', width', outputs]`."""
    return jax.lax.conv_general_dilated(
        image,
        kernel,
        window_strides=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def few_outputs(kernel: jax.Array, stride: int) -> bool:
    """Whether `shifts` is faster than XLA's convolution with a kernel `[k, k, inputs, outputs]`."""
    rows, columns, inputs, outputs = kernel.shape
    return stride == 1 and outputs <= FEW < inputs and rows == columns


def shifts(image: jax.Array, kernel: jax.Array, padding: int) -> jax.Array:
    """A convolution of stride 1 as one product for all taps, and a sum of shifted parts of it.

    `y[i, j] = sum_ab z[i + a - padding, j + b - padding, a, b]` with `z[m, n, a, b] = kernel[a, b]^T image[m, n]`. The sum is
    over rows first, so that there are 2k shifts rather than k * k; it is in float32.
    """
    k_h, k_w, inputs, outputs = kernel.shape
    b, h, w, _ = image.shape
    taps = kernel.transpose(2, 0, 1, 3).reshape(inputs, k_h * k_w * outputs)
    z = jnp.matmul(image.reshape(b * h * w, inputs), taps, preferred_element_type=jnp.float32)
    z = z.reshape(b, h, w, k_h, k_w, outputs)
    height, width = h + 2 * padding - k_h + 1, w + 2 * padding - k_w + 1
    rows = _total([_shifted(z[:, :, :, a], 1, padding - a, height) for a in range(k_h)])
    return _total([_shifted(rows[:, :, :, b], 2, padding - b, width) for b in range(k_w)]).astype(image.dtype)


def _total(terms: list[jax.Array]) -> jax.Array:
    return functools.reduce(jnp.add, terms)


def _shifted(x: jax.Array, axis: int, by: int, length: int) -> jax.Array:
    """An array moved along an axis, whose new length is given: zeros where nothing comes from."""
    margins = [(0, 0, 0)] * x.ndim
    margins[axis] = (by, length - x.shape[axis] - by, 0)
    return jax.lax.pad(x, jnp.zeros((), x.dtype), margins)


def has_sub_pixels(kernel: jax.Array, stride: int) -> bool:
    """Whether `transposed` takes the place of XLA's transposed convolution: the kernel is made of whole blocks."""
    return stride > 1 and kernel.shape[0] == kernel.shape[1] and kernel.shape[0] % stride == 0


def transposed(code: jax.Array, kernel: jax.Array, stride: int, padding: int, sides: tuple[int, int]) -> jax.Array:
    """A transposed convolution by blocks of stride x stride pixels.

    With `k = q * stride`, block n of the output is the sum of the codes n, n - 1 ... n - q + 1, each times its block of the
    kernel: a convolution of stride 1 and q x q taps.

    Args:
      code: `[B, h, w, inputs]`.
      kernel: `[k, k, outputs, inputs]`.
      stride: the stride.
      padding: rows and columns cut off on each side.
      sides: height and width of the result.

    Returns:
      `[B, *sides, outputs]`.
    """
    k, _, outputs, inputs = kernel.shape
    q = k // stride
    by_block = kernel.reshape(q, stride, q, stride, outputs, inputs)[::-1, :, ::-1]
    by_block = by_block.transpose(0, 2, 5, 1, 3, 4).reshape(q, q, inputs, stride * stride * outputs)
    b, h, w, _ = code.shape
    rows, columns = h + q - 1, w + q - 1
    if few_outputs(by_block, 1) or rows * columns > MOST_BORDER * h * w:
        blocks = shifts(code, by_block, q - 1)
    else:
        blocks = plain(code, by_block, 1, q - 1)
    image = blocks.reshape(b, rows, columns, stride, stride, outputs).transpose(0, 1, 3, 2, 4, 5)
    image = image.reshape(b, rows * stride, columns * stride, outputs)
    short = [max(0, side + padding - have) for side, have in zip(sides, image.shape[1:3], strict=True)]
    image = jnp.pad(image, ((0, 0), (0, short[0]), (0, short[1]), (0, 0)))  # what `output_padding` adds beyond the kernels
    return image[:, padding : padding + sides[0], padding : padding + sides[1]]


def turned(kernel: jax.Array) -> jax.Array:
    """The kernel of the transposed map with stride 1: turned by 180 degrees, inputs and outputs exchanged."""
    return kernel[::-1, ::-1].swapaxes(2, 3)
