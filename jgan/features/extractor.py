"""What turns images into features, together with what a figure made of them must name: two figures can be compared only if
the network, its weights and the resizing before it are the same."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np


class Extracted(NamedTuple):
    """What an extractor makes of a batch.

    Attributes:
      features: `[B, d]` float32.
      logits: `[B, classes]` float32, or None of an extractor that does not classify.
    """

    features: jax.Array
    logits: jax.Array | None = None


class Extractor(NamedTuple):
    """Images to features.

    Attributes:
      name: of the network.
      digest: `jgan.features.weights.digest` of its weights, "" if it has none.
      resizer: what brings images to the network's size, "none" if nothing does.
      apply: `[B, height, width, channels]` images, uint8 or float in 0 ... 255, to `Extracted`; pure, and fit for `jit`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.features.extractor import Extracted, Extractor
      >>> brightness = Extractor("brightness", "", "none", lambda images: Extracted(jnp.mean(images, axis=(1, 2))))
      >>> brightness.apply(jnp.full((5, 8, 8, 3), 255.0)).features.shape
      (5, 3)
    """

    name: str
    digest: str
    resizer: str
    apply: Callable[[jax.Array | np.ndarray], Extracted]
