"""`Extractor`: images to features, with the details a result must report. Two results can be compared only if the network, its
weights and the resizing before it are the same."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np


class Extracted(NamedTuple):
    """The output of an extractor for a batch.

    Attributes:
      features: `[B, d]` float32.
      logits: `[B, classes]` float32, or None if the extractor does not classify.
    """

    features: jax.Array
    logits: jax.Array | None = None


class Extractor(NamedTuple):
    """A function from images to features.

    Attributes:
      name: the name of the network.
      digest: `jgan.features.weights.digest` of its weights, "" if it has none.
      resizer: the resizing to the network's input size, "none" without resizing.
      apply: `[B, height, width, channels]` images, uint8 or float in 0 ... 255, to `Extracted`; pure, can be jitted.

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
