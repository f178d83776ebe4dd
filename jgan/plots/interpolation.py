"""Images along straight lines in latent space."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jgan.latents import interpolate
from jgan.plots.sheets import grid


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
