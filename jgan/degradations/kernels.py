"""Blur kernels: Gaussian, generalised Gaussian and plateau, isotropic or not, and the sinc of a circular low-pass filter.

A kernel of a random odd size lies in the middle of an array of one fixed size, the support, and is zero outside its own size.
All sum to 1.

References:
  Liu et al., "Estimating Generalized Gaussian Blur Kernels for Out-of-Focus Image Deblurring" (2021): the two generalised shapes
  Wang et al., "Real-ESRGAN" (2021), section 3, https://arxiv.org/abs/2107.10833
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

BESSEL_NODES = 64
_SINE = np.sin((np.arange(BESSEL_NODES) + 0.5) * (0.5 * np.pi / BESSEL_NODES)).astype(np.float32)


def bessel_j1(x: jax.Array) -> jax.Array:
    """The Bessel function of the first kind of order 1.

    By its integral `2 / pi` times that of `sin(x sin t) sin t` over `[0, pi / 2]`. The integrand is smooth and periodic, so the
    midpoint rule with N points is exact but for terms of the size of `J_{4N-1}(x)`, which vanish in float32 for |x| < 3 N.

    Args:
      x: float32 of any shape, of absolute value below 150.

    Returns:
      The same shape, with an absolute error below 2e-6 that comes from rounding `x sin t`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import kernels
      >>> [round(float(value), 5) for value in kernels.bessel_j1(jnp.array([0.0, 1.0, 3.8317]))]
      [0.0, 0.44005, 0.0]
    """
    sine = jnp.asarray(_SINE).reshape(*[1] * x.ndim, BESSEL_NODES)
    return jnp.mean(jnp.sin(x[..., None] * sine) * sine, axis=-1)


def _offsets(support: int) -> tuple[np.ndarray, np.ndarray]:
    """`(x, y)`, each `[support, support]`: the distance from the middle to the right, and downwards."""
    line = np.arange(support, dtype=np.float32) - support // 2
    return np.broadcast_to(line, (support, support)), np.broadcast_to(line[:, None], (support, support))


def _normalised(values: jax.Array, size: jax.Array | int) -> jax.Array:
    """A kernel cut to its own size, with the sum 1."""
    x, y = _offsets(values.shape[0])
    kept = jnp.where(np.maximum(abs(x), abs(y)) <= jnp.asarray(size // 2, jnp.float32), values, 0.0)
    return kept / jnp.sum(kept)


def quadratic(support: int, sigma: jax.Array, angle: jax.Array | float) -> jax.Array:
    """The squared distance from the middle, in units of the deviations along two axes at right angles.

    Args:
      support: the side of the array, odd.
      sigma: `[2]` float, the two deviations in pixels.
      angle: the direction of the first axis, in radians from the right downwards.

    Returns:
      `[support, support]` float32, `d^T S^-1 d` with the covariance S.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import kernels
      >>> kernels.quadratic(3, jnp.array([1.0, 0.5]), 0.0)[1].tolist(), kernels.quadratic(3, jnp.array([1.0, 0.5]), 0.0)[0, 1].item()
      ([1.0, 0.0, 1.0], 4.0)
    """
    x, y = _offsets(support)
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    return jnp.square((cosine * x + sine * y) / sigma[0]) + jnp.square((cosine * y - sine * x) / sigma[1])


def generalised_gaussian(distance: jax.Array, beta: jax.Array | float, size: jax.Array | int) -> jax.Array:
    """`exp(-distance^beta / 2)`; with beta = 1 the Gaussian.

    Args:
      distance: `[support, support]`, from `quadratic`.
      beta: the shape: below 1 a sharp peak with long tails, above 1 a flat top.
      size: the odd side of the kernel in pixels.

    Returns:
      `[support, support]`, of sum 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import kernels
      >>> kernel = kernels.generalised_gaussian(kernels.quadratic(5, jnp.array([1.0, 1.0]), 0.0), 1.0, 3)
      >>> [round(float(value), 4) for value in kernel[2]]  # exp(-1/2) = 0.6065
      [0.0, 0.1238, 0.2042, 0.1238, 0.0]
    """
    return _normalised(jnp.exp(-0.5 * distance**beta), size)


def plateau(distance: jax.Array, beta: jax.Array | float, size: jax.Array | int) -> jax.Array:
    """`1 / (1 + distance^beta)`.

    Args:
      distance: `[support, support]`, from `quadratic`.
      beta: the shape: the larger, the flatter the top.
      size: the odd side of the kernel in pixels.

    Returns:
      `[support, support]`, of sum 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import kernels
      >>> kernel = kernels.plateau(kernels.quadratic(3, jnp.array([1.0, 1.0]), 0.0), 1.0, 3)
      >>> round(float(kernel[1, 1] / kernel[1, 0]), 4), round(float(kernel[1, 1] / kernel[0, 0]), 4)
      (2.0, 3.0)
    """
    return _normalised(1.0 / (1.0 + distance**beta), size)


def sinc(support: int, cutoff: jax.Array | float, size: jax.Array | int) -> jax.Array:
    """The circular low-pass filter `cutoff J1(cutoff r) / (2 pi r)`, cut to its size: it rings, as sharpened pictures do.

    Args:
      support: the side of the array, odd.
      cutoff: the cut-off in radians for a pixel, up to pi.
      size: the odd side of the kernel in pixels.

    Returns:
      `[support, support]`, of sum 1.

    Example:
      >>> from jgan.degradations import kernels
      >>> kernel = kernels.sinc(21, 1.0, 21)
      >>> bool(kernel[10, 10] > 0), bool(kernel.min() < 0), round(float(kernel.sum()), 5)
      (True, True, 1.0)
    """
    x, y = _offsets(support)
    radius = np.hypot(x, y)
    middle = radius == 0
    values = cutoff * bessel_j1(cutoff * np.where(middle, 1, radius)) / (2 * math.pi * np.where(middle, 1, radius))
    return _normalised(jnp.where(middle, jnp.square(cutoff) / (4 * math.pi), values), size)


def impulse(support: int) -> jax.Array:
    """The kernel that changes nothing.

    Args:
      support: the side of the array, odd.

    Returns:
      `[support, support]`.

    Example:
      >>> from jgan.degradations import kernels
      >>> kernels.impulse(3).tolist()
      [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return jnp.zeros((support, support)).at[support // 2, support // 2].set(1.0)
