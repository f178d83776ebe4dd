"""Images along straight lines in latent space."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.plots.sheets import grid
from jgan.utils.checks import same_shape


def interpolate(start: Any, end: Any, steps: int) -> jax.Array:
    """Points on the straight line from one latent vector to another: `(1 - t) start + t end`, t from 0 to 1.

    Args:
      start: `[..., latent_size]` float, the start of each line.
      end: the same shape, the end of each line.
      steps: the number of points per line, including both ends.

    Returns:
      `[..., steps, latent_size]`; the first point is exactly `start` and the last exactly `end`.

    Raises:
      ValueError: if the shapes differ, or `steps` is below 2.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import plots
      >>> print(plots.interpolate(jnp.array([0.0, 1.0]), jnp.array([1.0, 1.0]), 3))
      [[0.  1. ]
       [0.5 1. ]
       [1.  1. ]]

    References:
      Goodfellow et al. (2014), figure 3, https://arxiv.org/abs/1406.2661
    """
    same_shape("start", start, "end", end)
    if steps < 2:
        raise ValueError(f"steps must be at least 2, the two ends, found {steps}")
    start, end = jnp.asarray(start)[..., None, :], jnp.asarray(end)[..., None, :]
    t = jnp.linspace(0, 1, steps, dtype=start.dtype).reshape((1,) * (start.ndim - 2) + (steps, 1))
    return (1 - t) * start + t * end


def interpolation_sheet(
    generate: Callable[[jax.Array], Any], start: jax.Array, end: jax.Array, *, steps: int = 8, scale: int | None = None
) -> np.ndarray:
    """The paper's figure 3: rows of images whose latents lie on straight lines.

    Args:
      generate: a function from latents `[N, latent_size]` to images `[N, height, width, channels]` in [0, 1].
      start: `[rows, latent_size]`, the latents of the first column.
      end: `[rows, latent_size]`, the latents of the last column.
      steps: the number of images per row.
      scale: see `grid`.

    Returns:
      The picture, uint8 `[height, width, channels]`.

    Raises:
      ValueError: see `interpolate` and `grid`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import plots
      >>> brightness = lambda z: jnp.broadcast_to(z[:, None, None, :], (len(z), 8, 8, 1))
      >>> sheet = plots.interpolation_sheet(brightness, jnp.zeros((1, 1)), jnp.ones((1, 1)), steps=3)
      >>> print(sheet[25, 25::50, 0])  # the centres of the three images
      [  0 128 255]

    References:
      Goodfellow et al. (2014), figure 3, https://arxiv.org/abs/1406.2661
    """
    latents = interpolate(start, end, steps)
    return grid(generate(latents.reshape(-1, latents.shape[-1])), columns=steps, scale=scale)
