"""`Degradation`, what all pipelines are: a pure function of a key and an image; and fixed degraded sets for measurements."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from jgan import rng
from jgan.types import Key
from jgan.utils import xla

BATCH = 32
"""Images in one program of `degraded`."""


class Degradation:
    """A pipeline: a frozen dataclass of its options, and a pure function `(key, images) -> images`.

    Each image has a key of its own, so what becomes of it does not depend on the rest of the batch or on devices. The published
    code draws some of its random numbers once for a whole batch (the factors of resizes, the kinds of noise), and Real-ESRGAN's
    mixes batches through a pool of 180 pairs to undo that. Here nothing is to be undone, and there is no pool.
    """

    def one(self, key: Key, image: jax.Array) -> jax.Array:
        """Degrades one image.

        Args:
          key: its key.
          image: `[height, width, 1 or 3]` float in [0, 1].

        Returns:
          `[*self.size(height, width), channels]`, in [0, 1].
        """
        raise NotImplementedError

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The size of the degraded image.

        Args:
          height: of the image.
          width: of the image.

        Returns:
          `(height, width)`, by default the same.
        """
        return height, width

    def __call__(self, key: Key, images: jax.Array, axis_name: str | None = None) -> jax.Array:
        """Degrades a batch.

        Args:
          key: the key of the whole batch.
          images: `[B, height, width, 1 or 3]` float in [0, 1].
          axis_name: the mapped axis over which the batch is spread, if any.

        Returns:
          `[B, *self.size(height, width), channels]`, in [0, 1].

        Raises:
          ValueError: if `images` have another shape or are not floats.
        """
        if images.ndim != 4 or images.shape[3] not in (1, 3) or not jnp.issubdtype(images.dtype, jnp.floating):
            raise ValueError(
                "images to degrade must be floats of the shape [batch, height, width, 1 or 3], "
                f"found {images.dtype} of the shape {images.shape}"
            )
        return jax.vmap(self.one)(rng.example_keys(key, len(images), axis_name), images)


def degraded(images: np.ndarray, seed: int, degradation: Degradation) -> np.ndarray:
    """A fixed degraded set: the same for the same images and seed, in whatever order or part of the set they are asked for.

    Args:
      images: `[N, height, width, 1 or 3]`, uint8 or float in [0, 1].
      seed: of all random numbers; image `i` has the key folded from it and `i`.
      degradation: the pipeline.

    Returns:
      `[N, height', width', channels]`, of the same dtype; uint8 is rounded.

    Example:
      >>> import numpy as np
      >>> from jgan import degradations
      >>> images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), np.uint8)
      >>> found = degradations.degraded(images, 0, degradations.Bicubic(4, noise=10.0))
      >>> found.dtype, bool((degradations.degraded(images[:2], 0, degradations.Bicubic(4, noise=10.0)) == found[:2]).all())
      (dtype('uint8'), True)
    """
    stored = images.dtype
    run = _program(degradation)
    key = jax.random.key(seed)
    parts = []
    for first in range(0, len(images), BATCH):
        part = images[first : first + BATCH]
        part = np.pad(part, [(0, min(BATCH, 2 ** math.ceil(math.log2(len(images)))) - len(part)), *[(0, 0)] * 3], mode="edge")
        unit = part.astype(np.float32) / (255 if stored == np.uint8 else 1)
        parts.append(np.asarray(run(key, first + jnp.arange(len(part)), unit)))
    found = np.concatenate(parts)[: len(images)]
    return np.rint(255 * found).astype(np.uint8) if stored == np.uint8 else found.astype(stored)


@functools.lru_cache(maxsize=8)
def _program(degradation: Degradation):
    def run(key: Key, indices: jax.Array, images: jax.Array) -> jax.Array:
        keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, indices)
        return jax.vmap(degradation.one)(keys, images)

    return xla.jit(run)
