"""The sliced Wasserstein distance: of features, and of image patches at each scale (ProGAN's SWD).

The Wasserstein-1 distance between two sets of N points on a line is the mean distance between the sorted points. In more
dimensions, the sliced distance is its mean over projections on random directions. ProGAN compares small patches of two sets of
images with it, at each level of a Laplacian pyramid; a level holds the details that are visible at one scale but not at the
next coarser one.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Real

from jgan.metrics import checks, filters
from jgan.types import Key
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
"""The smoothing filter between levels."""

PATCH = 7
"""Side of a patch, in pixels."""

LEAST = 16
"""Shorter side of the coarsest level, in pixels."""

FLAT = 1e-3
"""Grey levels, of 255: a channel with a smaller deviation contains only rounding errors."""

IMAGES = 100
"""The number of images from which the patches of two sets of one distribution are alike."""


class SWD(NamedTuple):
    """Sliced Wasserstein distances of image patches, times 1,000, and how they were computed.

    Attributes:
      average: the mean over levels.
      levels: the distance at each level, finest first.
      sizes: the height and width of each level.
      n: the number of real images, and of generated images.
      patches: the number of patches per image and level.
      directions: the number of random directions.
      caution: why the distance says little, or "".
    """

    average: float
    levels: tuple[float, ...]
    sizes: tuple[tuple[int, int], ...]
    n: int
    patches: int
    directions: int
    caution: str = ""


def sliced_wasserstein(
    first: Float[AnyArray, "n d"], second: Float[AnyArray, "n d"], *, key: Key, directions: int = 512, block: int = 16
) -> float:
    """The sliced Wasserstein-1 distance between two sets of features.

    Args:
      first: `[N, d]` float.
      second: `[N, d]` float.
      key: the key of the directions, which are uniform on the sphere.
      directions: the number of directions. ProGAN averages 4 means of 128 each, which equals one mean of 512.
      block: the number of directions processed at once. Memory: `4 * block * N` float32 in addition to the features. The unused
        directions of the last block are drawn and discarded.

    Returns:
      The mean over directions, in units of the features: 0 if the sets are equal.

    Raises:
      ValueError: if the sets differ in size or dimension, or a feature is not finite.

    Example:
      >>> import jax
      >>> import numpy as np
      >>> from jgan.metrics import swd
      >>> points = np.random.default_rng(0).standard_normal((50, 1))
      >>> round(swd.sliced_wasserstein(points, points + 3, key=jax.random.key(0)), 5)  # on a line: the shift
      3.0

    References:
      Rabin et al., "Wasserstein barycenter and its application to texture mixing" (2011); Karras et al., "Progressive growing
      of GANs" (2018), section 5, https://arxiv.org/abs/1710.10196
    """
    first = checks.features("first", first)
    second = checks.features("second", second, like=first)
    if len(first) != len(second):
        raise ValueError(
            f"expected two sets of one size, found {len(first):,} and {len(second):,}; measure the first "
            f"{min(len(first), len(second)):,} of each"
        )
    directions, block = whole("directions", directions, 1), whole("block", block, 1)
    sets = [jnp.asarray(features, jnp.float32) for features in (first, second)]
    total = 0.0
    for start in range(0, directions, block):
        axes = _directions(key, jnp.arange(start, start + block), first.shape[1])
        a, b = (_sorted(_project(features, axes)) for features in sets)
        total += float(np.sum(np.asarray(_gaps(a, b), np.float64)[: directions - start]))
    return total / directions


def evaluate(
    real: Real[AnyArray, "n h w c"],
    fake: Real[AnyArray, "n h w c"],
    *,
    key: Key,
    patches: int = 128,
    directions: int = 512,
    batch: int = 64,
    block: int = 16,
) -> SWD:
    """ProGAN's SWD: the distance between the patches of two sets of images, at each level of a Laplacian pyramid.

    At each level, each channel of a set's patches is normalised to mean 0 and deviation 1. Patches of both sets are cut at the
    same positions, which reduces the variance of the difference; ProGAN's code draws positions for each set.

    Args:
      real: `[N, H, W, C]` uint8, or float in [0, 1].
      fake: `[N, H, W, C]`. ProGAN uses N = 16,384.
      key: the key of the positions and the directions.
      patches: the number of 7 by 7 patches per image and level.
      directions: the number of random directions.
      batch: the number of images processed at once; it does not change the result.
      block: the number of directions processed at once. Memory: `2 * 49 * C` float32 per patch of a set, one level at a time,
        in addition to that of `sliced_wasserstein`.

    Returns:
      The `SWD`.

    Raises:
      ValueError: if the sets differ in size or shape, the images are smaller than a patch, or a value is out of range.

    Example:
      >>> import jax
      >>> from jgan import data
      >>> from jgan.metrics import swd
      >>> digits = data.load("digits").test.x
      >>> found = swd.evaluate(digits[:100], digits[100:200], key=jax.random.key(0), patches=4)
      >>> found.sizes, found.average < swd.evaluate(digits[:100], 255 - digits[:100], key=jax.random.key(0), patches=4).average
      (((8, 8),), True)

    References:
      Karras et al. (2018), section 5, https://arxiv.org/abs/1710.10196
    """
    real = checks.images("real", real)
    fake = checks.images("fake", fake, like=real)
    if len(real) != len(fake) or not len(real):
        raise ValueError(f"expected as many generated images as real ones, found {len(fake):,} and {len(real):,}")
    patches, batch = whole("patches", patches, 1), whole("batch", batch, 1)
    sizes = level_sizes(*real.shape[1:3])
    cut_key, axes_key = jax.random.split(key)
    distances = []
    for level in range(len(sizes)):
        options = {"key": cut_key, "level": level, "patches": patches, "batch": batch}
        found = (_normalised(descriptors(images, **options)) for images in (real, fake))
        key = jax.random.fold_in(axes_key, level)
        distances.append(1e3 * sliced_wasserstein(*found, key=key, directions=directions, block=block))
    why = "patches of so few images differ by chance, also between two sets of real ones"
    caution = checks.few("images of each set", len(real), IMAGES, why)
    return SWD(float(np.mean(distances)), tuple(distances), sizes, len(real), patches, directions, caution)


def level_sizes(height: int, width: int) -> tuple[tuple[int, int], ...]:
    """The sizes of the pyramid's levels: halved, rounding up, while the shorter side is at least 16 pixels.

    For powers of two these are ProGAN's levels. Images smaller than 16 pixels have one level.

    Args:
      height: the height of the images, at least 7.
      width: at least 7.

    Returns:
      `(height, width)` of each level, the finest first.

    Raises:
      ValueError: if the images are smaller than a patch.

    Example:
      >>> from jgan.metrics import swd
      >>> swd.level_sizes(64, 64), swd.level_sizes(75, 50)
      (((64, 64), (32, 32), (16, 16)), ((75, 50), (38, 25)))
    """
    if min(height, width) < PATCH:
        raise ValueError(f"expected images of at least {PATCH} by {PATCH} pixels, as a patch has, found {height} by {width}")
    sizes = [(height, width)]
    while min(half := tuple((side + 1) // 2 for side in sizes[-1])) >= LEAST:
        sizes.append((half[0], half[1]))
    return tuple(sizes)


def pyramid(images: Float32[jax.Array, "n h w c"], levels: int) -> list[Float32[jax.Array, "n _ _ c"]]:
    """The Laplacian pyramid: each level minus the upsampled next coarser level; the coarsest level is unchanged.

    Downsampling smooths with the binomial filter 1 4 6 4 1, with reflect padding, and keeps every second pixel from the first.
    Upsampling inserts zeros and applies the filter, doubled along each axis.

    Args:
      images: `[N, H, W, C]` float32.
      levels: the number of levels.

    Returns:
      `levels` arrays `[N, h, w, C]` float32, the sides halved from each to the next, rounding up.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import swd
      >>> fine, coarse = swd.pyramid(jnp.ones((1, 32, 32, 1)), 2)
      >>> float(abs(fine).max()) < 1e-6, coarse.shape, float(coarse.mean())
      (True, (1, 16, 16, 1), 1.0)

    References:
      Burt and Adelson, "The Laplacian pyramid as a compact image code" (1983)
    """
    found = [images]
    for _ in range(1, levels):
        smooth = [filters.mirrored(side, BINOMIAL) for side in found[-1].shape[1:3]]
        coarse = filters.apply(found[-1], *(matrix[::2] for matrix in smooth))
        found[-1] = found[-1] - filters.apply(coarse, *(2 * matrix[:, ::2] for matrix in smooth))
        found.append(coarse)
    return found


def descriptors(
    images: Real[AnyArray, "n h w c"], *, key: Key, level: int, patches: int = 128, batch: int = 64
) -> Float32[np.ndarray, "n {patches} 7 7 c"]:
    """Patches of 7 by 7 pixels from one level of the pyramid, at random positions.

    Args:
      images: `[N, H, W, C]` uint8, or float in [0, 1].
      key: the key of the positions; those of image i depend only on the key, i and the level.
      level: the level of the pyramid, 0 for the finest.
      patches: the number of patches per image.
      batch: the number of images processed at once.

    Returns:
      `[N, patches, 7, 7, C]` float32, in grey levels from 0 to 255.

    Example:
      >>> import jax
      >>> import numpy as np
      >>> from jgan.metrics import swd
      >>> swd.descriptors(np.zeros((5, 32, 32, 3)), key=jax.random.key(0), level=1, patches=10).shape
      (5, 10, 7, 7, 3)
    """
    images = checks.images("images", images)
    levels = len(level_sizes(*images.shape[1:3]))
    if not 0 <= level < levels:
        raise ValueError(f"expected a level from 0 to {levels - 1}, found {level}")
    found = np.empty((len(images), patches, PATCH, PATCH, images.shape[-1]), np.float32)
    for first in range(0, len(images), batch):
        part = images[first : first + batch]
        size = len(part)
        part = np.pad(part, ((0, min(batch, len(images)) - size), (0, 0), (0, 0), (0, 0)))  # one shape, to compile once
        keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, first + jnp.arange(len(part)))
        found[first : first + size] = _cut(part, keys, level=level, levels=levels, patches=patches)[:size]
    return found


@functools.partial(jax.jit, static_argnames=("level", "levels", "patches"))
def _cut(images: jax.Array, keys: Key, *, level: int, levels: int, patches: int) -> jax.Array:
    """`[B, patches, 7, 7, C]` of images `[B, H, W, C]`."""
    scale = 1.0 if images.dtype == jnp.uint8 else 255.0
    layer = pyramid(images.astype(jnp.float32) * scale, min(level + 2, levels))[level]
    height, width, channels = layer.shape[1:]
    room = jnp.array([height - PATCH + 1, width - PATCH + 1])

    def one(image: jax.Array, key: Key) -> jax.Array:
        places = jax.random.randint(jax.random.fold_in(key, level), (patches, 2), 0, room[None])
        cut = lambda place: jax.lax.dynamic_slice(image, (place[0], place[1], 0), (PATCH, PATCH, channels))  # noqa: E731
        return jax.vmap(cut)(places)

    return jax.vmap(one)(layer, keys)


def _normalised(found: np.ndarray) -> np.ndarray:
    """Normalises each channel to mean 0 and deviation 1 (a flat one to 0), in place; returns `[N * patches, 49 * C]`."""
    flat = found.reshape(-1, found.shape[-1])
    flat -= flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    std = np.sqrt(np.mean(np.square(flat), axis=0, dtype=np.float64))
    flat *= np.divide(1, std, out=np.zeros_like(std), where=std > FLAT).astype(np.float32)
    return found.reshape(found.shape[0] * found.shape[1], -1)


@functools.partial(jax.jit, static_argnames="dimension")
def _directions(key: Key, numbers: jax.Array, dimension: int) -> jax.Array:
    """`[k, dimension]` float32 unit vectors, each from its own key."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, numbers)
    normal = jax.vmap(lambda key: jax.random.normal(key, (dimension,)))(keys)
    return normal / jnp.linalg.norm(normal, axis=1, keepdims=True)


@jax.jit
def _project(features: jax.Array, axes: jax.Array) -> jax.Array:
    """`[k, N]`, one row per direction."""
    return jnp.matmul(axes, features.T, precision=jax.lax.Precision.HIGHEST)


def _sorted(rows: jax.Array) -> AnyArray:
    """Sorts each row. On CPU, XLA's sort takes seven times as long as NumPy's, and sorting dominates the cost."""
    return np.sort(np.asarray(rows)) if jax.default_backend() == "cpu" else jnp.sort(rows)


@jax.jit
def _gaps(a: jax.Array, b: jax.Array) -> jax.Array:
    """`[k]`, the mean distance between sorted rows `[k, N]`."""
    return jnp.mean(jnp.abs(a - b), axis=1)
