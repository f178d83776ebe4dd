"""Pairs for image-to-image models: an image, and its edge map as the condition.

`edges:SOURCE` takes any set of images. The edge map is the morphological gradient: the largest value in the 3x3 neighbourhood
of a pixel minus the smallest. For an RGB image it is the maximum over the three channels. At the border, the
neighbourhood is the part of it inside the image.
"""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset


def edge_map(images: Any) -> Any:
    """The morphological gradient of images.

    Args:
      images: `[..., height, width, channels]`, uint8 or float; of NumPy or of JAX.

    Returns:
      `[..., height, width, 1]`, of the dtype and the range of `images`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import edges
      >>> print(edges.edge_map(np.array([0, 0, 0, 9, 9], np.uint8).reshape(1, 5, 1)).ravel())
      [0 0 9 9 0]
    """
    xp = np if isinstance(images, np.ndarray) else jnp
    largest, smallest = (_over_neighbours(_over_neighbours(images, pick, -3), pick, -2) for pick in (xp.maximum, xp.minimum))
    return xp.max(largest - smallest, axis=-1, keepdims=True)


def _over_neighbours(images: Any, pick: Any, axis: int) -> Any:
    """The largest or smallest of each value and its neighbours along an axis."""
    xp = np if isinstance(images, np.ndarray) else jnp
    n = images.shape[axis]
    before, after = np.maximum(np.arange(n) - 1, 0), np.minimum(np.arange(n) + 1, n - 1)
    return pick(pick(xp.take(images, before, axis), images), xp.take(images, after, axis))


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Images with their edge maps.

    Args:
      name: `edges:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `x` the images, `c` their edge maps `[N, height, width, 1]`, `y` the source's; `truth` is `edge_map`.

    Raises:
      ValueError: if the source is not one set of images, or already has conditions.

    Example:
      >>> from jgan import data
      >>> data.load("edges:digits").train.c.shape
      (1204, 8, 8, 1)
    """
    source = pairs.images_of(name, "edges:mnist", data_dir, held_out)
    return pairs.made(name, source, lambda batch, _: batch._replace(c=edge_map(batch.x)), truth=edge_map)


sources.register(
    "edges",
    load,
    "pairs for image-to-image models: the images of SOURCE and, as c, their edge maps",
    usage="edges:SOURCE",
    holds_out=True,
)
