"""The Parzen-window log-likelihood of the 2014 paper.

From m samples mu_j of a generator, the density at x is estimated with a Gaussian kernel of width sigma:

  log p(x) = log (1/m sum_j exp(-|x - mu_j|^2 / 2 sigma^2)) - d log(sigma sqrt(2 pi))

sigma is chosen on validation images; the result is the mean over the test images. Theis et al., "A note on the evaluation of
generative models" (2015), https://arxiv.org/abs/1511.01844, show its limits: k-means centroids score higher than real training
images. jgan therefore reports both next to it (`jgan.metrics.anchors`).
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float64

from jgan.metrics import checks
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

SIGMAS = np.logspace(-1, 0, 10)
"""The authors' candidate widths."""


class Parzen(NamedTuple):
    """A Parzen-window log-likelihood.

    Attributes:
      mean: the mean log-likelihood of the test images, in nats per image.
      standard_error: the standard deviation over test images divided by the square root of their number; NaN for one image.
      sigma: the chosen width of the kernel, in units of a pixel.
      validation: the mean log-likelihood of the validation images at that width.
    """

    mean: float
    standard_error: float
    sigma: float
    validation: float


@jax.jit
def _kernel_sums(x: jax.Array, samples: jax.Array, sigmas: jax.Array) -> jax.Array:
    """`[sigma, image]` log of the mean kernel; the distances are computed once for all sigmas."""
    # Centred first: |a - b|^2 = |a|^2 + |b|^2 - 2 a.b loses digits in proportion to the norms.
    centre = jnp.mean(samples, axis=0, keepdims=True)
    x, samples = x - centre, samples - centre
    cross = jnp.matmul(x, samples.T, precision=jax.lax.Precision.HIGHEST)
    squared = jnp.sum(x**2, 1)[:, None] + jnp.sum(samples**2, 1)[None, :] - 2 * cross
    squared = jnp.maximum(squared, 0)
    one = lambda sigma: jax.nn.logsumexp(-squared / (2 * sigma**2), axis=1)  # noqa: E731
    return jax.lax.map(one, sigmas) - math.log(samples.shape[0])


def log_likelihoods(
    x: Float[AnyArray, " n *shape"], samples: Float[AnyArray, " m *shape"], sigmas: Float[AnyArray, " s"], *, block: int = 500
) -> Float64[np.ndarray, "s n"]:
    """The log-density of each image under the Parzen window of some samples, for several widths.

    Args:
      x: `[N, ...]` float, the images.
      samples: `[M, ...]` float, the generator's samples, of the same example shape.
      sigmas: `[S]` float, the widths.
      block: the number of images processed at once. Memory: `block * M` float32.

    Returns:
      `[S, N]` float64, in nats per image.

    Raises:
      ValueError: if the examples of `x` and of `samples` differ in shape, there are none, a value is not finite, or a width is
        not positive.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import parzen
      >>> one_point = parzen.log_likelihoods(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1))
      >>> round(float(one_point[0, 0]), 4)  # -log sqrt(2 pi)
      -0.9189

    References:
      Goodfellow et al. (2014), section 5, and the authors' `parzen_ll.py`, https://arxiv.org/abs/1406.2661
    """
    if np.shape(x)[1:] != np.shape(samples)[1:]:
        raise ValueError(f"images and samples must have one shape, found {np.shape(x)[1:]} and {np.shape(samples)[1:]}")
    block = whole("block", block, 1)
    if np.ndim(sigmas) != 1 or not np.size(sigmas) or not (np.asarray(sigmas) > 0).all() or not np.isfinite(sigmas).all():
        raise ValueError(f"sigmas: expected positive widths [S], at least one, found {sigmas}")
    flat = [np.reshape(checks.real_numbers(name, some), (len(some), -1)) for name, some in (("x", x), ("samples", samples))]
    images, held = (checks.features(name, some, 1) for name, some in zip(("x", "samples"), flat, strict=True))
    images, samples = images.astype(np.float32), jnp.asarray(held, jnp.float32)
    sigmas = jnp.asarray(sigmas, jnp.float32)
    sums = np.empty((len(sigmas), len(images)))
    for first in range(0, len(images), block):
        part = images[first : first + block]
        padded = np.pad(part, ((0, min(block, len(images)) - len(part)), (0, 0)))  # all blocks have one shape, to compile once
        sums[:, first : first + block] = np.asarray(_kernel_sums(padded, samples, sigmas))[:, : len(part)]
    normaliser = images.shape[1] * np.log(np.asarray(sigmas, np.float64) * math.sqrt(2 * math.pi))
    return sums - normaliser[:, None]


def evaluate(
    samples: Float[AnyArray, " m *shape"],
    validation: Float[AnyArray, " v *shape"],
    test: Float[AnyArray, " n *shape"],
    *,
    sigmas: Float[AnyArray, " s"] | None = None,
    block: int = 500,
) -> Parzen:
    """The paper's figure: sigma is chosen on validation images, then the log-likelihood is averaged over the test images.

    Args:
      samples: `[M, ...]` float in [0, 1]; the paper uses 10,000.
      validation: `[V, ...]` float; the authors use the first 1,000 images of the validation set.
      test: `[N, ...]` float.
      sigmas: the candidate widths; by default `SIGMAS`, the authors' ten from 0.1 to 1.
      block: the number of images processed at once.

    Returns:
      The `Parzen` result.

    Raises:
      ValueError: if the shapes disagree.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import parzen
      >>> images = np.random.default_rng(0).uniform(size=(50, 4))
      >>> result = parzen.evaluate(images, images[:10], images)
      >>> 0.1 <= result.sigma <= 1
      True

    References:
      Goodfellow et al. (2014), Table 1, https://arxiv.org/abs/1406.2661
    """
    widths = SIGMAS if sigmas is None else np.asarray(sigmas, np.float64)
    choice = log_likelihoods(validation, samples, widths, block=block).mean(axis=1)
    best = int(choice.argmax())
    values = log_likelihoods(test, samples, widths[best : best + 1], block=block)[0]
    return Parzen(
        mean=float(values.mean()),
        standard_error=float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan,
        sigma=float(widths[best]),
        validation=float(choice[best]),
    )
