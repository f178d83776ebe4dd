"""The sliced Wasserstein distance: of features, and of the patches of images at each scale.

The Wasserstein-1 distance of two sets of N points on a line is the mean distance of the sorted points, pair by pair. In more
dimensions, its mean over random directions on which the points are projected is the sliced distance. ProGAN measures with it,
scale by scale, how alike the small patches of two sets of images are: the levels of a Laplacian pyramid hold what is seen at
one scale and not at the next.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics import checks, filters
from jgan.metrics.parzen import Images
from jgan.types import Key

BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
"""the taps by which a level is smoothed"""

PATCH = 7
"""pixels on the side of a patch"""

LEAST = 16
"""pixels on the shorter side of the coarsest level"""

FLAT = 1e-3
"""grey levels, of 255: a channel that spreads less holds nothing but rounding"""


class SWD(NamedTuple):
    """Sliced Wasserstein distances of the patches of images, times 1,000, and the protocol.

    Attributes:
      average: of the levels.
      levels: the distance at each, the finest first.
      sizes: the height and width of each level.
      n: the number of images, real and as many generated.
      patches: cut from each image, at each level.
      directions: on which they were projected.
    """

    average: float
    levels: tuple[float, ...]
    sizes: tuple[tuple[int, int], ...]
    n: int
    patches: int
    directions: int


def sliced_wasserstein(first: Images, second: Images, *, key: Key, directions: int = 512, block: int = 16) -> float:
    """The sliced Wasserstein-1 distance of two sets of features.

    Args:
      first: `[N, d]` float.
      second: `[N, d]` float, as many.
      key: of the directions, which are even on the sphere.
      directions: how many. ProGAN averages 4 means of 128 each, which is one mean of 512.
      block: directions at once; the memory is `4 * block * N` float32 beside the features. Of a last block that is not full the
        directions are drawn, and left out.

    Returns:
      The mean over the directions, in the features' units: 0 if the sets are one.

    Raises:
      ValueError: if the sets differ in size or dimension, or a feature is not finite.

    Example:
      >>> import jax
      >>> import numpy as np
      >>> from jgan.metrics import swd
      >>> points = np.random.default_rng(0).standard_normal((50, 1))
      >>> round(swd.sliced_wasserstein(points, points + 3, key=jax.random.key(0)), 5)  # on a line: how far they were moved
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
    if directions < 1 or block < 1:
        raise ValueError(f"directions and block must be at least 1, found {directions} and {block}")
    sets = [jnp.asarray(features, jnp.float32) for features in (first, second)]
    total = 0.0
    for start in range(0, directions, block):
        axes = _directions(key, jnp.arange(start, start + block), first.shape[1])
        a, b = (_sorted(_project(features, axes)) for features in sets)
        total += float(np.sum(np.asarray(_gaps(a, b), np.float64)[: directions - start]))
    return total / directions


def evaluate(
    real: Images, fake: Images, *, key: Key, patches: int = 128, directions: int = 512, batch: int = 64, block: int = 16
) -> SWD:
    """ProGAN's measure: the distance of the patches of two sets of images, at each level of a Laplacian pyramid.

    The channels of each set's patches are brought to mean 0 and deviation 1, level by level. Both sets are cut at the same
    places, which takes the chance of the places out of the difference; ProGAN's code draws them anew for each set.

    Args:
      real: `[N, H, W, C]` uint8, or float in [0, 1].
      fake: `[N, H, W, C]`, as many. ProGAN takes 16,384.
      key: of the places and of the directions.
      patches: of 7 by 7 pixels, from each image at each level.
      directions: on which they are projected.
      batch: images at once; it does not change the result.
      block: directions at once; the memory is `2 * 49 * C` float32 for each patch of a set of images, one level at a time, and
        that of `sliced_wasserstein`.

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
    sizes = level_sizes(*real.shape[1:3])
    cut_key, axes_key = jax.random.split(key)
    distances = []
    for level in range(len(sizes)):
        options = {"key": cut_key, "level": level, "patches": patches, "batch": batch}
        found = (_normalised(descriptors(images, **options)) for images in (real, fake))
        key = jax.random.fold_in(axes_key, level)
        distances.append(1e3 * sliced_wasserstein(*found, key=key, directions=directions, block=block))
    return SWD(float(np.mean(distances)), tuple(distances), sizes, len(real), patches, directions)


def level_sizes(height: int, width: int) -> tuple[tuple[int, int], ...]:
    """The sizes of the pyramid's levels: halved, rounding up, as long as the shorter side keeps 16 pixels.

    For powers of two these are ProGAN's levels. Images of fewer than 16 pixels have one level, their own.

    Args:
      height: of the images, at least 7.
      width: at least 7.

    Returns:
      `(height, width)` of each level, the finest first.

    Raises:
      ValueError: if a patch does not fit into the images.

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


def pyramid(images: jax.Array, levels: int) -> list[jax.Array]:
    """The Laplacian pyramid: each level less what the next coarser one says of it; the coarsest as it is.

    A level is smoothed by the binomial taps 1 4 6 4 1, mirrored at the edges, and every other pixel kept, the first among them.
    To go back, zeros are put between and the taps applied, twice as large along each axis.

    Args:
      images: `[N, H, W, C]` float32.
      levels: how many.

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


def descriptors(images: Images, *, key: Key, level: int, patches: int = 128, batch: int = 64) -> np.ndarray:
    """Patches of 7 by 7 pixels of one level of the pyramid, at places drawn for each image.

    Args:
      images: `[N, H, W, C]` uint8, or float in [0, 1].
      key: of the places; those of image i depend on the key, i and the level alone.
      level: of the pyramid, 0 for the finest.
      patches: from each image.
      batch: images at once.

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
        part = np.pad(part, ((0, min(batch, len(images)) - size), (0, 0), (0, 0), (0, 0)))  # one shape, one compilation
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
    """`[N * patches, 49 * C]`, in place: each channel of mean 0 and deviation 1, but a flat one 0."""
    flat = found.reshape(-1, found.shape[-1])
    flat -= flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    std = np.sqrt(np.mean(np.square(flat), axis=0, dtype=np.float64))
    flat *= np.divide(1, std, out=np.zeros_like(std), where=std > FLAT).astype(np.float32)
    return found.reshape(found.shape[0] * found.shape[1], -1)


@functools.partial(jax.jit, static_argnames="dimension")
def _directions(key: Key, numbers: jax.Array, dimension: int) -> jax.Array:
    """`[k, dimension]` float32 of length 1, each from a key of its own."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, numbers)
    normal = jax.vmap(lambda key: jax.random.normal(key, (dimension,)))(keys)
    return normal / jnp.linalg.norm(normal, axis=1, keepdims=True)


@jax.jit
def _project(features: jax.Array, axes: jax.Array) -> jax.Array:
    """`[k, N]`: a row for each direction."""
    return jnp.matmul(axes, features.T, precision=jax.lax.Precision.HIGHEST)


def _sorted(rows: jax.Array) -> Images:
    """Each row in order. On a CPU, XLA's sort takes seven times NumPy's, and the sort is nearly all the work."""
    return np.sort(np.asarray(rows)) if jax.default_backend() == "cpu" else jnp.sort(rows)


@jax.jit
def _gaps(a: jax.Array, b: jax.Array) -> jax.Array:
    """`[k]` the mean distance of sorted rows `[k, N]`."""
    return jnp.mean(jnp.abs(a - b), axis=1)
