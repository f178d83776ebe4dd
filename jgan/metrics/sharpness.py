"""Sharpness of images: the variance of their Laplacian, a measure of focus.

Blurred edges have small second differences. A set of samples is compared with real images by the ratio of their means: below 1
the samples are blurred, as means over several possible images are; above 1 they are noisy. It says nothing about content.
"""

import numpy as np
from jaxtyping import Float

from jgan.utils.shapes import AnyArray


def sharpness(images: Float[AnyArray, "n h w c"]) -> Float[np.ndarray, " n"]:
    """The variance of the Laplacian of each image, over its pixels and channels.

    The Laplacian of a pixel is the sum of its four neighbours minus four times itself, at the inner pixels.

    Args:
      images: `[N, height, width, channels]` floats, with sides of at least 3.

    Returns:
      `[N]` float64.

    Raises:
      ValueError: if the images are of another rank or too small.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.sharpness import sharpness
      >>> board = np.indices((8, 8)).sum(axis=0)[None, :, :, None] % 2.0
      >>> float(sharpness(board)[0]), float(sharpness(0.5 * board)[0])
      (16.0, 4.0)

    References:
      Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy" (2000), https://doi.org/10.1109/ICPR.2000.903548
    """
    x = np.asarray(images, np.float64)
    if x.ndim != 4 or min(x.shape[1:3], default=0) < 3:
        raise ValueError(f"images must be [N, height, width, channels] with sides of at least 3, found the shape {x.shape}")
    inner = x[:, 1:-1, 1:-1]
    laplacian = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:] - 4 * inner
    return laplacian.reshape(len(x), -1).var(axis=1)
