"""SSIM, MS-SSIM, and the diversity of generated images by MS-SSIM.

From the means, variances and covariance of two images x, y under a Gaussian window at each position,

  l = (2 mu_x mu_y + c1) / (mu_x^2 + mu_y^2 + c1),      c1 = (0.01 L)^2,
  cs = (2 sigma_xy + c2) / (sigma_x^2 + sigma_y^2 + c2),  c2 = (0.03 L)^2,

SSIM is the mean of l cs over positions, where L is the range of the values. MS-SSIM repeatedly downsamples the images by 2 and
multiplies the mean cs of each scale, and the mean l cs of the last, each raised to a weight. Similar images have a high
MS-SSIM: a generator that has collapsed has a higher mean over pairs than real images have. MS-SSIM does not measure quality.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, Int, Int64, Real

from jgan.metrics import checks, filters
from jgan.types import Key
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first; their sum is 1.0001, as published."""

WINDOW = 11
"""Side of the Gaussian window, in pixels."""

SIGMA = 1.5
"""Standard deviation of the Gaussian window, in pixels."""


class Diversity(NamedTuple):
    """The mean MS-SSIM of pairs of images, and how it was computed.

    Attributes:
      mean: the mean over pairs: 1 if all images are equal, low if they are diverse. Compare it with that of real images.
      standard_error: the standard deviation over pairs divided by the square root of their number.
      pairs: the number of pairs.
      scales: the number of scales of MS-SSIM.
      n: the number of images from which pairs are drawn.
      within_classes: whether both images of a pair have the same class.
      caution: why the standard error says little, or "".
    """

    mean: float
    standard_error: float
    pairs: int
    scales: int
    n: int
    within_classes: bool
    caution: str = ""


def ssim(
    first: Real[AnyArray, "n h w c"], second: Real[AnyArray, "n h w c"], *, data_range: float | None = None
) -> Float32[jax.Array, " n"]:
    """SSIM of pairs of images, with an 11 by 11 Gaussian window and no padding.

    Args:
      first: `[N, H, W, C]` uint8 or float, of at least 11 by 11 pixels.
      second: `[N, H, W, C]`.
      data_range: the maximum minus the minimum possible value; by default 255 for uint8 and 1 for floats, which must then be
        from 0 to 1.

    Returns:
      `[N]` float32, from -1 to 1, the mean over positions and channels.

    Raises:
      ValueError: if the shapes differ, or the images are too small.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import msssim
      >>> black, white = np.zeros((1, 16, 16, 1)), np.ones((1, 16, 16, 1))
      >>> round(float(msssim.ssim(black, white)[0]), 6)  # c1 / (1 + c1)
      0.0001

    References:
      Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004)
    """
    return ms_ssim(first, second, data_range=data_range, scales=1)


def ms_ssim(
    first: Real[AnyArray, "n h w c"], second: Real[AnyArray, "n h w c"], *, data_range: float | None = None, scales: int = 5
) -> Float32[jax.Array, " n"]:
    """MS-SSIM of pairs of images.

    The mean at each scale is over positions and channels together, as in the code used for AC-GAN and ProGAN. For colour images
    some libraries instead compute the product over scales for each channel. Downsampling drops the last pixel of an odd side.

    Args:
      first: `[N, H, W, C]` uint8 or float, whose sides are at least `least_size(scales)`: 176 pixels for five scales. (ProGAN's
        code shrinks the window where it does not fit.)
      second: `[N, H, W, C]`.
      data_range: as for `ssim`.
      scales: the number of scales, by default the published 5. Fewer scales use the first weights, rescaled to the same sum; 1
        is plain SSIM.

    Returns:
      `[N]` float32, at most 1. With more than one scale, a negative mean is replaced by 0.

    Raises:
      ValueError: if the shapes differ, the images are too small, or there are more scales than weights.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import msssim
      >>> images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
      >>> msssim.ms_ssim(images, images, scales=3).tolist()
      [1.0, 1.0]

    References:
      Wang et al., "Multi-scale structural similarity for image quality assessment" (2003), equation 7 and section 3.2
    """
    _check_scales(np.shape(first), scales)
    if np.shape(first) != np.shape(second):
        raise ValueError(f"expected pairs of images of one shape, found the shapes {np.shape(first)} and {np.shape(second)}")
    first, second = jnp.asarray(first), jnp.asarray(second)
    if first.dtype != second.dtype:
        raise ValueError(f"expected images of one dtype, found {first.dtype} and {second.dtype}")
    if data_range is None:
        data_range = 255.0 if first.dtype == jnp.uint8 else 1.0
        for name, images in (("first", first), ("second", second)):
            if not isinstance(images, jax.core.Tracer):
                checks.images(name, images)
    if not data_range > 0:
        raise ValueError(f"data_range must be positive, found {data_range}")
    return _ms_ssim(first, second, float(data_range), scales)


def least_size(scales: int) -> int:
    """The minimum side of an image for a number of scales: the window must fit at the coarsest scale.

    Args:
      scales: the number of scales.

    Returns:
      The side, in pixels.

    Example:
      >>> from jgan.metrics import msssim
      >>> msssim.least_size(5), msssim.least_size(1)
      (176, 11)
    """
    return WINDOW * 2 ** (scales - 1)


def window() -> np.ndarray:
    """The Gaussian window along one axis.

    Returns:
      `[11]` float64, of the sum 1.

    Example:
      >>> from jgan.metrics import msssim
      >>> msssim.window().round(3).tolist()[:6]
      [0.001, 0.008, 0.036, 0.109, 0.213, 0.266]
    """
    taps = np.exp(-np.square(np.arange(WINDOW) - WINDOW // 2) / (2 * SIGMA**2))
    return taps / taps.sum()


def diversity(
    images: Real[AnyArray, "n h w c"],
    *,
    key: Key,
    pairs: int = 10_000,
    labels: Int[AnyArray, " n"] | None = None,
    scales: int = 5,
    block: int = 32,
) -> Diversity:
    """The mean MS-SSIM of random pairs of different images.

    Args:
      images: `[N, H, W, C]` uint8, or float in [0, 1]; at least two.
      key: the key of the random pairs.
      pairs: the number of pairs; ProGAN uses 10,000.
      labels: `[N]` int, the classes, to draw both images of a pair from the same class, as AC-GAN does; each class present must
        have at least two images. None to draw from all images.
      scales: the number of scales of MS-SSIM; see `least_size`.
      block: the number of pairs processed at once; it does not change the result.

    Returns:
      The `Diversity`.

    Raises:
      ValueError: if there are fewer than two images, in total or in a class, they are too small, or a value is out of range.

    Example:
      >>> import jax
      >>> from jgan import data
      >>> from jgan.metrics import msssim
      >>> digits = data.load("digits").test.x.repeat(2, axis=1).repeat(2, axis=2)
      >>> everything = msssim.diversity(digits, key=jax.random.key(0), pairs=500, scales=1)
      >>> one = msssim.diversity(digits[:1].repeat(9, axis=0), key=jax.random.key(0), pairs=500, scales=1)
      >>> 0 < everything.mean < 0.3, one.mean
      (True, 1.0)

    References:
      Odena et al., "Conditional image synthesis with auxiliary classifier GANs" (2017), section 4.2,
      https://arxiv.org/abs/1610.09585; Karras et al. (2018), https://arxiv.org/abs/1710.10196
    """
    images = checks.images("images", images, 2)
    _check_scales(images.shape, scales)
    pairs, block = whole("pairs", pairs, 1), whole("block", block, 1)
    first, second = draw_pairs(key, len(images), pairs, labels)
    values = np.empty(pairs)
    for start in range(0, pairs, block):
        # The last block is padded with the last pair, so that all blocks share one compilation.
        chosen = np.minimum(np.arange(start, start + min(block, pairs)), pairs - 1)
        found = ms_ssim(images[first[chosen]], images[second[chosen]], scales=scales)
        values[start : start + block] = np.asarray(found)[: pairs - start]
    error = float(values.std() / np.sqrt(pairs))
    sizes = np.unique(np.zeros(len(images)) if labels is None else np.asarray(labels), return_counts=True)[1].astype(int)
    different = int((sizes * (sizes - 1) // 2).sum())
    why = "pairs repeat, and the standard error is too small"
    caution = checks.few("different pairs of images", different, pairs, why)
    return Diversity(float(values.mean()), error, pairs, scales, len(images), labels is not None, caution)


def draw_pairs(
    key: Key, n: int, pairs: int, labels: Int[AnyArray, " n"] | None = None
) -> tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
    """Random pairs of different images: the first uniform over all images, the second over the others (of its class).

    Args:
      key: the key of the random pairs.
      n: the number of images.
      pairs: the number of pairs; a pair may occur more than once.
      labels: `[n]` int, the classes, or None.

    Returns:
      Two arrays `[pairs]` int64 of image indices.

    Raises:
      ValueError: if there are not `n` labels, or a class has only one image.

    Example:
      >>> import jax
      >>> from jgan.metrics import msssim
      >>> first, second = msssim.draw_pairs(jax.random.key(0), 4, 100, [0, 1, 0, 1])
      >>> set((first - second).tolist()) == {-2, 2}
      True
    """
    classes = np.zeros(n, np.int64) if labels is None else np.asarray(labels)
    if classes.shape != (n,):
        raise ValueError(f"expected {n} labels, one per image, found an array of the shape {classes.shape}")
    names, sizes = np.unique(classes, return_counts=True)
    if sizes.min() < 2:
        raise ValueError(f"expected at least two images of each class, found one of class {names[sizes.argmin()]}; draw more")
    # Sorted by class: the class of image i occupies positions `start` to `start + size`.
    order = np.argsort(classes, kind="stable")
    start, size = np.repeat(np.cumsum(sizes) - sizes, sizes), np.repeat(sizes, sizes)
    first_key, step_key = jax.random.split(key)
    i = np.asarray(jax.random.randint(first_key, (pairs,), 0, n))
    step = np.asarray(jax.random.randint(step_key, (pairs,), 1, jnp.asarray(size[i], jnp.int32)))
    j = start[i] + (i - start[i] + step) % size[i]
    return order[i], order[j]


def _check_scales(shape: tuple[int, ...], scales: int) -> None:
    """Raises ValueError unless the images are large enough for the scales."""
    if len(shape) != 4:
        raise ValueError(f"expected images [N, H, W, C], found an array of the shape {shape}")
    if not 1 <= scales <= len(WEIGHTS):
        raise ValueError(f"scales must be from 1 to {len(WEIGHTS)}, the number of weights, found {scales}")
    side = min(shape[1:3])
    if side < least_size(scales):
        fits = sum(least_size(fewer) <= side for fewer in range(1, scales))
        advice = f"scales={fits} fits" if fits else f"the window of {WINDOW} pixels does not fit"
        raise ValueError(
            f"{scales} scales need images of at least {least_size(scales)} pixels per side, found {shape[1]} by {shape[2]}; "
            f"{advice}"
        )


@functools.partial(jax.jit, static_argnames=("data_range", "scales"))
def _ms_ssim(first: jax.Array, second: jax.Array, data_range: float, scales: int) -> jax.Array:
    x, y = first.astype(jnp.float32), second.astype(jnp.float32)
    if scales == 1:
        return _components(x, y, data_range)[0]
    weights = np.array(WEIGHTS[:scales]) * sum(WEIGHTS) / sum(WEIGHTS[:scales])
    product = jnp.ones(len(x))
    for scale, weight in enumerate(weights):
        similarity, contrast = _components(x, y, data_range)
        mean = similarity if scale == scales - 1 else contrast
        product *= jnp.maximum(mean, 0.0) ** float(weight)
        x, y = _halve(x), _halve(y)
    return product


def _components(x: jax.Array, y: jax.Array, data_range: float) -> tuple[jax.Array, jax.Array]:
    """The means of l cs and of cs, `[N]` each."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    rows, columns = (filters.inside(side, window()) for side in x.shape[1:3])
    # A variance is a difference of squares, which loses fewer digits if the values are centred around 0.
    centre_x, centre_y = (jnp.mean(images, axis=(1, 2), keepdims=True) for images in (x, y))
    a, b = x - centre_x, y - centre_y
    moments = filters.apply(jnp.concatenate([a, b, a * a, b * b, a * b]), rows, columns)
    mean_a, mean_b, aa, bb, ab = jnp.split(moments, 5)
    covariance, variances = ab - mean_a * mean_b, aa - mean_a**2 + bb - mean_b**2
    mean_x, mean_y = mean_a + centre_x, mean_b + centre_y
    cs = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return jnp.mean(luminance * cs, axis=(1, 2, 3)), jnp.mean(cs, axis=(1, 2, 3))


def _halve(images: jax.Array) -> jax.Array:
    """Downsamples by 2, averaging blocks of 2 by 2 pixels."""
    n, height, width, channels = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    return jnp.mean(even.reshape(n, height // 2, 2, width // 2, 2, channels), axis=(2, 4))
