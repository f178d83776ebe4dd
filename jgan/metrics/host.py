"""The scatter matrix of features in float64 on the host, by BLAS's symmetric rank-k update, which computes one triangle."""

import math

import numpy as np
from jaxtyping import Float64, Real
from scipy.linalg import blas

from jgan.metrics import checks

MIRRORED = 256
"""Block size for mirroring the triangle: mirroring it in one piece takes as long as 500 samples."""


def moments(
    features: Real[np.ndarray, "n d"], batch_size: int
) -> tuple[int, Float64[np.ndarray, " d"], Float64[np.ndarray, "d d"]]:
    """The count, mean and scatter matrix of samples.

    Args:
      features: `[N, d]` of any real type.
      batch_size: the number of samples converted to float64 at once.

    Returns:
      `(count, mean, scatter)`: N, `[d]` float64 and `[d, d]` float64, the sum of (x - mean)(x - mean)^T.

    Raises:
      ValueError: if a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import host
      >>> host.moments(np.array([[1.0], [3.0]], np.float32), 2)
      (2, array([2.]), array([[2.]]))
    """
    features = checks.real_numbers("features", features)
    dim = features.shape[1]
    count, mean, triangle = 0, np.zeros(dim), np.zeros((dim, dim), order="F")
    buffer = np.empty((batch_size + 1, dim))
    for first in range(0, len(features), batch_size):
        part = features[first : first + batch_size]
        size, rows = len(part), buffer[: len(part) + 1]
        rows[:size] = part
        batch_mean = rows[:size].mean(axis=0)
        if not np.isfinite(batch_mean).all():
            checks.features("features", features, 1)
        rows[:size] -= batch_mean
        # Chan's correction is an outer product, so it is one more row of the same matrix product.
        delta, share = batch_mean - mean, size / (count + size)
        rows[size] = math.sqrt(count * share) * delta
        count, mean = count + size, mean + share * delta
        triangle = blas.dsyrk(1.0, rows.T, beta=1.0, c=triangle, lower=1, overwrite_c=1)
    for j in range(0, dim, MIRRORED):
        square = triangle[j : j + MIRRORED, j : j + MIRRORED]
        square += np.tril(square, -1).T
        triangle[j : j + MIRRORED, j + MIRRORED :] = triangle[j + MIRRORED :, j : j + MIRRORED].T
    return count, mean, triangle
