"""SSIM, MS-SSIM, and the diversity of generated images that is measured with it.

With the mean, variance and covariance of two images x, y under a Gaussian window at every place,

  l = (2 mu_x mu_y + c1) / (mu_x^2 + mu_y^2 + c1),      c1 = (0.01 L)^2,
  cs = (2 sigma_xy + c2) / (sigma_x^2 + sigma_y^2 + c2),  c2 = (0.03 L)^2,

SSIM is the mean of l cs over the places, L being the range of the values. MS-SSIM halves the images again and again, and takes
the product of the mean cs at each scale, and of the mean l cs at the last, each to the power of a weight. Pairs of generated
images that are alike have high values: a generator that collapses has a higher mean than the real images have. It says nothing
of quality.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics import checks, filters
from jgan.metrics.parzen import Images
from jgan.types import Key

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""of the scales, the finest first; their sum is 1.0001, as published"""

WINDOW = 11
"""pixels on the side of the Gaussian window"""

SIGMA = 1.5
"""its standard deviation, pixels"""


class Diversity(NamedTuple):
    """The mean MS-SSIM of pairs of images, and the protocol.

    Attributes:
      mean: over the pairs: 1 if all images are one, low if they are diverse. Compare it with that of real images.
      standard_error: the standard deviation over the pairs divided by the root of their number.
      pairs: their number.
      scales: of MS-SSIM.
      n: the number of images that they were drawn from.
      within_classes: whether both of a pair are of one class.
    """

    mean: float
    standard_error: float
    pairs: int
    scales: int
    n: int
    within_classes: bool


def ssim(first: Images, second: Images, *, data_range: float | None = None) -> jax.Array:
    """The structural similarity of images, pair by pair, by an 11 by 11 Gaussian window that stays inside.

    Args:
      first: `[N, H, W, C]` uint8 or float, of at least 11 by 11 pixels.
      second: `[N, H, W, C]`.
      data_range: the greatest value less the least that the images may have; by default 255 for uint8 and 1 for floats, which
        are then from 0 to 1.

    Returns:
      `[N]` float32, from -1 to 1, the mean over places and channels.

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


def ms_ssim(first: Images, second: Images, *, data_range: float | None = None, scales: int = 5) -> jax.Array:
    """The multi-scale structural similarity of images, pair by pair.

    The mean at each scale is over places and channels together, as in the code by which AC-GAN and ProGAN were measured; for
    colours, some other libraries take the product over the scales for each channel. Where a side is odd, halving leaves its
    last pixel out.

    Args:
      first: `[N, H, W, C]` uint8 or float, whose sides are at least `least_size(scales)`: 176 pixels for five scales. (ProGAN's
        code shrinks the window where it does not fit.)
      second: `[N, H, W, C]`.
      data_range: as for `ssim`.
      scales: how many, 5 as published. For fewer, the first weights, enlarged alike to the sum of all five; 1 is plain SSIM.

    Returns:
      `[N]` float32, up to 1. With more than one scale, a negative mean counts as 0.

    Raises:
      ValueError: if the shapes differ, the images are too small, or there are no weights for so many scales.

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
        raise ValueError(f"expected two images a pair, of one shape, found the shapes {np.shape(first)} and {np.shape(second)}")
    first, second = jnp.asarray(first), jnp.asarray(second)
    if first.dtype != second.dtype:
        raise ValueError(f"expected images of one type, found {first.dtype} and {second.dtype}")
    if data_range is None:
        data_range = 255.0 if first.dtype == jnp.uint8 else 1.0
    return _ms_ssim(first, second, float(data_range), scales)


def least_size(scales: int) -> int:
    """The least side of images that have so many scales: the window must fit after each halving.

    Args:
      scales: how many.

    Returns:
      Pixels.

    Example:
      >>> from jgan.metrics import msssim
      >>> msssim.least_size(5), msssim.least_size(1)
      (176, 11)
    """
    return WINDOW * 2 ** (scales - 1)


def diversity(
    images: Images, *, key: Key, pairs: int = 10_000, labels: Images | None = None, scales: int = 5, block: int = 32
) -> Diversity:
    """The mean MS-SSIM of random pairs of different images.

    Args:
      images: `[N, H, W, C]` uint8, or float in [0, 1]; at least two.
      key: of the pairs.
      pairs: how many; ProGAN takes 10,000.
      labels: `[N]` int, the classes, to draw both of a pair from one, as AC-GAN does; each that occurs must have two images.
        None to draw them from all.
      scales: of MS-SSIM; `least_size` tells what fits.
      block: pairs at once; it does not change the result.

    Returns:
      The `Diversity`.

    Raises:
      ValueError: if there are fewer than two images, of a class or in all, they are too small, or a value is out of range.

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
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, found {pairs}")
    first, second = draw_pairs(key, len(images), pairs, labels)
    values = np.empty(pairs)
    for start in range(0, pairs, block):
        # A last block that is not full is filled with its first pair: one shape, one compilation.
        chosen = np.minimum(np.arange(start, start + min(block, pairs)), pairs - 1)
        found = ms_ssim(images[first[chosen]], images[second[chosen]], scales=scales)
        values[start : start + block] = np.asarray(found)[: pairs - start]
    error = float(values.std() / np.sqrt(pairs))
    return Diversity(float(values.mean()), error, pairs, scales, len(images), labels is not None)


def draw_pairs(key: Key, n: int, pairs: int, labels: Images | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different images: the first any of all, the second any of the others, or of the others of its class.

    Args:
      key: of the pairs.
      n: the number of images.
      pairs: how many; one may come more than once.
      labels: `[n]` int, the classes, or None.

    Returns:
      Two arrays `[pairs]` int64, of the numbers of images.

    Raises:
      ValueError: if there are not `n` labels, or a class has one image alone.

    Example:
      >>> import jax
      >>> from jgan.metrics import msssim
      >>> first, second = msssim.draw_pairs(jax.random.key(0), 4, 100, [0, 1, 0, 1])
      >>> set((first - second).tolist()) == {-2, 2}
      True
    """
    classes = np.zeros(n, np.int64) if labels is None else np.asarray(labels)
    if classes.shape != (n,):
        raise ValueError(f"expected {n} labels, one an image, found an array of the shape {classes.shape}")
    names, sizes = np.unique(classes, return_counts=True)
    if sizes.min() < 2:
        raise ValueError(f"expected at least two images of each class, found one of class {names[sizes.argmin()]}; draw more")
    # In the order of the classes: image i has its class between `start` and `start + size`.
    order = np.argsort(classes, kind="stable")
    start, size = np.repeat(np.cumsum(sizes) - sizes, sizes), np.repeat(sizes, sizes)
    first_key, step_key = jax.random.split(key)
    i = np.asarray(jax.random.randint(first_key, (pairs,), 0, n))
    step = np.asarray(jax.random.randint(step_key, (pairs,), 1, jnp.asarray(size[i], jnp.int32)))
    j = start[i] + (i - start[i] + step) % size[i]
    return order[i], order[j]


def _check_scales(shape: tuple[int, ...], scales: int) -> None:
    """Insists on images in which so many scales fit."""
    if len(shape) != 4:
        raise ValueError(f"expected images [N, H, W, C], found an array of the shape {shape}")
    if not 1 <= scales <= len(WEIGHTS):
        raise ValueError(f"scales must be from 1 to {len(WEIGHTS)}, as there are weights, found {scales}")
    side = min(shape[1:3])
    if side < least_size(scales):
        fits = sum(least_size(fewer) <= side for fewer in range(1, scales))
        advice = f"scales={fits} fits" if fits else f"the window of {WINDOW} pixels does not fit"
        raise ValueError(
            f"{scales} scales need images of at least {least_size(scales)} pixels a side, found {shape[1]} by {shape[2]}; "
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
    taps = np.exp(-np.square(np.arange(WINDOW) - WINDOW // 2) / (2 * SIGMA**2))
    rows, columns = (filters.inside(side, taps / taps.sum()) for side in x.shape[1:3])
    # Variances are differences of squares: less is lost of them where the values lie round 0.
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
    """The means of 2 by 2 pixels."""
    n, height, width, channels = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    return jnp.mean(even.reshape(n, height // 2, 2, width // 2, 2, channels), axis=(2, 4))
