"""Separable filters of images, as matrices.

A filter along one axis is a band matrix, and an image is filtered by `rows @ image @ columns.T`. This takes more arithmetic
than a sum over the taps but is faster, since devices are optimised for matrix products.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32


def inside(size: int, taps: Float[np.ndarray, " t"], dtype: Any = np.float32) -> Float[np.ndarray, "{size}-t+1 {size}"]:
    """The matrix of a filter without padding ("valid").

    Args:
      size: the size of the axis, at least the number of taps.
      taps: `[t]`, symmetric.
      dtype: of the matrix.

    Returns:
      `[size - t + 1, size]` of that dtype.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import filters
      >>> filters.inside(3, np.array([0.5, 0.5])).tolist()
      [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """
    places = np.arange(size - len(taps) + 1)
    matrix = np.zeros((len(places), size), dtype)
    matrix[places[:, None], places[:, None] + np.arange(len(taps))] = taps
    return matrix


def mirrored(size: int, taps: Float[np.ndarray, " t"]) -> Float32[np.ndarray, "{size} {size}"]:
    """The matrix of a filter with reflect padding: `c b | a b c | b a`.

    Args:
      size: the size of the axis.
      taps: `[t]`, symmetric, t odd.

    Returns:
      `[size, size]` float32.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import filters
      >>> filters.mirrored(3, np.array([0.25, 0.5, 0.25])).tolist()
      [[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]]
    """
    radius = len(taps) // 2
    seen = np.pad(np.eye(size, dtype=np.float32), ((radius, radius), (0, 0)), mode="reflect")  # source pixel of each padded one
    return inside(size + 2 * radius, taps) @ seen


def apply(
    images: Float32[jax.Array, "n h w c"], rows: Float32[np.ndarray, "h_out h"], columns: Float32[np.ndarray, "w_out w"]
) -> Float32[jax.Array, "n h_out w_out c"]:
    """Applies a separable filter to images.

    Args:
      images: `[N, H, W, C]` float32.
      rows: `[h, H]` float32, along the height.
      columns: `[w, W]` float32, along the width.

    Returns:
      `[N, h, w, C]` float32.

    Example:
      >>> import jax.numpy as jnp
      >>> import numpy as np
      >>> from jgan.metrics import filters
      >>> mean = filters.inside(2, np.array([0.5, 0.5]))
      >>> filters.apply(jnp.arange(4.0).reshape(1, 2, 2, 1), mean, mean).item()
      1.5
    """
    return jnp.einsum("hi,nijc,wj->nhwc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)
