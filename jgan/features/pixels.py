"""Raw pixels as features: no network and no download; suitable for small, aligned images."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.features.extractor import Extracted, Extractor


def pixels() -> Extractor:
    """The images as vectors of values in [0, 1].

    Returns:
      The `Extractor`: features `[B, height * width * channels]`, no logits.

    Example:
      >>> import numpy as np
      >>> from jgan import features
      >>> features.pixels().apply(np.full((2, 4, 4, 1), 255, np.uint8)).features.shape
      (2, 16)
    """

    def apply(images: jax.Array | np.ndarray) -> Extracted:
        flat = jnp.asarray(images).astype(jnp.float32).reshape(len(images), -1)
        return Extracted(flat / 255)

    return Extractor("pixels", "", "none", apply)
