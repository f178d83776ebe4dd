"""Resampling of images: separable FIR filters as in StyleGAN2, nearest neighbours, average pooling.

A filter is given by its taps along one axis, such as `(1, 3, 3, 1)`; they are divided by their sum. The filters are sums of
shifted slices, rows then columns, because XLA's depthwise convolutions are slow on CPU: of 16 images of 32x32 with
64 channels, upsampling and its gradient take 2.4 ms on two cores this way, and 840 ms as a depthwise convolution.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

BILINEAR = (1, 3, 3, 1)
"""StyleGAN2's filter."""

Taps = Sequence[float]


def filtered(
    x: Float[jax.Array, "b h w c"],
    taps: Taps = BILINEAR,
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int] = (0, 0),
    gain: float = 1.0,
) -> Float[jax.Array, "b h_out w_out c"]:
    """Inserts zeros between the pixels, pads with zeros, convolves with a separable filter, and drops pixels.

    Args:
      x: `[B, h, w, c]` float.
      taps: the filter along each axis, k numbers; they are divided by their sum.
      up: every pixel is followed by `up - 1` zeros, in both directions.
      down: every `down`-th pixel of the result is kept, from the first.
      padding: zeros added before and after, in both directions, after the zeros are inserted; negative numbers crop.
      gain: a factor on the result.

    Returns:
      `[B, (h up + sum(padding) - k) // down + 1, ..., c]`, of the dtype of `x`.

    Raises:
      ValueError: if the filter is larger than the padded image.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> x = jnp.ones((1, 4, 4, 1))
      >>> resample.filtered(x, (1, 2, 1))[0, :, :, 0].tolist()
      [[1.0, 1.0], [1.0, 1.0]]

    References:
      `upfirdn2d` of Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), https://arxiv.org/abs/1912.04958
    """
    h, w = (up * side + sum(padding) - len(taps) + 1 for side in x.shape[1:3])
    if min(h, w) < 1:
        found = f"an image of {x.shape[1]}x{x.shape[2]} with padding {padding}"
        raise ValueError(f"a filter of {len(taps)} taps does not fit on {found}")
    values = np.asarray(taps, np.float64)
    return _filtered(x, tuple((values * (gain**0.5 / values.sum())).tolist()), up, down, padding)


def upsample(x: Float[jax.Array, "b h w c"], taps: Taps = BILINEAR) -> Float[jax.Array, "b 2*h 2*w c"]:
    """Doubles the sides of images by a separable filter.

    Args:
      x: `[B, h, w, c]` float.
      taps: the filter along each axis, k >= 2 numbers, scaled so that their sum is 2 along each axis.

    Returns:
      `[B, 2 h, 2 w, c]`. Pixels outside the image count as 0.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> resample.upsample(jnp.array([0.0, 4.0, 0.0]).reshape(1, 1, 3, 1), (1, 1))[0, 0, :, 0].tolist()
      [0.0, 0.0, 4.0, 4.0, 0.0, 0.0]
    """
    k = len(taps)
    return filtered(x, taps, up=2, padding=((k + 1) // 2, (k - 2) // 2), gain=4.0)


def downsample(x: Float[jax.Array, "b h w c"], taps: Taps = BILINEAR) -> Float[jax.Array, "b h/2 w/2 c"]:
    """Halves the sides of images by a separable filter.

    Args:
      x: `[B, h, w, c]` float, h and w even.
      taps: the filter along each axis, k >= 2 numbers; they are divided by their sum.

    Returns:
      `[B, h / 2, w / 2, c]`. Pixels outside the image count as 0.

    Raises:
      ValueError: if a side is odd.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> resample.downsample(jnp.ones((1, 6, 6, 1)), (1, 3, 3, 1))[0, 1, :, 0].tolist()  # zeros outside
      [0.875, 1.0, 0.875]
    """
    check_even(x)
    k = len(taps)
    return filtered(x, taps, down=2, padding=((k - 1) // 2, (k - 2) // 2))


def smooth(x: Float[jax.Array, "b h w c"], taps: Taps = BILINEAR) -> Float[jax.Array, "b h w c"]:
    """Filters images without changing their size.

    Args:
      x: `[B, h, w, c]` float.
      taps: the filter along each axis; they are divided by their sum.

    Returns:
      `[B, h, w, c]`. Pixels outside the image count as 0.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> resample.smooth(jnp.ones((1, 4, 4, 1)), (1, 2, 1))[0, 1, :, 0].tolist()
      [0.75, 1.0, 1.0, 0.75]
    """
    k = len(taps)
    return filtered(x, taps, padding=(k // 2, (k - 1) // 2))


def nearest(x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b 2*h 2*w c"]:
    """Doubles the sides of images: each pixel becomes a square of four.

    Args:
      x: `[B, h, w, c]`.

    Returns:
      `[B, 2 h, 2 w, c]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> resample.nearest(jnp.array([[1, 2]]).reshape(1, 1, 2, 1))[0, :, :, 0].tolist()
      [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    b, h, w, c = x.shape
    return jnp.broadcast_to(x[:, :, None, :, None], (b, h, 2, w, 2, c)).reshape(b, 2 * h, 2 * w, c)


def bilinear(x: Float[jax.Array, "b h w c"], factor: int) -> Float[jax.Array, "b h_out w_out c"]:
    """Enlarges images by linear interpolation between pixel centres, as PyTorch does without aligned corners.

    Args:
      x: `[B, h, w, c]` float.
      factor: the enlargement, at least 1.

    Returns:
      `[B, factor h, factor w, c]`; beyond the outermost centres the pixels at the edge are repeated.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> resample.bilinear(jnp.array([0.0, 4.0]).reshape(1, 1, 2, 1), 2)[0, 0, :, 0].tolist()
      [0.0, 1.0, 3.0, 4.0]
    """
    b, h, w, c = x.shape
    return x if factor == 1 else jax.image.resize(x, (b, factor * h, factor * w, c), "bilinear")


def average_pool(x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h/2 w/2 c"]:
    """Halves the sides of images: the mean of each square of four pixels.

    Args:
      x: `[B, h, w, c]` float, h and w even.

    Returns:
      `[B, h / 2, w / 2, c]`.

    Raises:
      ValueError: if a side is odd.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import resample
      >>> resample.average_pool(jnp.array([[1.0, 2.0], [3.0, 6.0]]).reshape(1, 2, 2, 1)).item()
      3.0
    """
    check_even(x)
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def check_even(x: jax.Array) -> None:
    """Raises a `ValueError` if a side of `[B, h, w, c]` images cannot be halved."""
    if x.shape[1] % 2 or x.shape[2] % 2:
        raise ValueError(f"the sides of images that are halved must be even, found {x.shape[1]}x{x.shape[2]}")


# --------------------------------------------------------------------------------------------------------- one filter


def _along(x: jax.Array, axis: int, taps: tuple[float, ...], up: int, down: int, padding: tuple[int, int]) -> jax.Array:
    """Resamples one axis. Between the inserted zeros, output r + up i is a sum of a few shifted inputs, one set for each r."""
    taps = taps[::-1]  # a convolution, not a correlation
    length = up * x.shape[axis] + sum(padding) - len(taps) + 1
    stride = down if up == 1 else 1
    reach = (-(-length // up) - 1) // stride * stride + 1
    phases = []
    for r in range(up):
        shifts = [(r + j - padding[0], tap) for j, tap in enumerate(taps)]
        shifts = [(shift // up, tap) for shift, tap in shifts if shift % up == 0] or [(0, 0.0)]
        first, last = shifts[0][0], shifts[-1][0]
        margins = [(0, 0, 0)] * x.ndim
        margins[axis] = (-first, reach + last - x.shape[axis], 0)
        padded = jax.lax.pad(x, jnp.zeros((), x.dtype), margins)  # negative margins crop
        terms = [
            tap * jax.lax.slice_in_dim(padded, shift - first, shift - first + reach, stride, axis) for shift, tap in shifts
        ]
        phases.append(sum(terms[1:], terms[0]))
    if up == 1:
        return phases[0]
    y = jnp.stack(phases, axis + 1).reshape(*x.shape[:axis], up * reach, *x.shape[axis + 1 :])
    return jax.lax.slice_in_dim(y, 0, length, down, axis)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3, 4))
def _filtered(x: jax.Array, taps: tuple[float, ...], up: int, down: int, padding: tuple[int, int]) -> jax.Array:
    for axis in (1, 2):
        x = _along(x, axis, taps, up, down, padding)
    return x


def _backward(taps, up, down, padding, sides, cotangent):
    """The transpose of a resampling is a resampling: the filter is turned round, `up` and `down` change places."""
    for axis, side in zip((1, 2), sides, strict=True):
        before = len(taps) - 1 - padding[0]
        after = (side - 1) * up + len(taps) - cotangent.shape[axis] * down - before
        cotangent = _along(cotangent, axis, taps[::-1], down, up, (before, after))
    return (cotangent,)


_filtered.defvjp(lambda x, *options: (_filtered(x, *options), x.shape[1:3]), _backward)
