"""What JPEG does to one image, without the file: colour transform, chroma at half resolution, DCT, rounding, and back.

It follows the baseline coder of libjpeg at its defaults, which Pillow and OpenCV use: the tables of the standard's annex K, scaled
by the quality; chroma averaged over 2x2 pixels and brought back by linear interpolation; the image continued by its last row
and column to whole blocks. The numbers differ from libjpeg's only where its integer arithmetic rounds in between.

Reference:
  ITU-T T.81 (1992), annexes A and K, https://www.w3.org/Graphics/JPEG/itu-t81.pdf
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jgan.degradations.colour import LUMA, rounded
from jgan.degradations.sized import Sized, repeated

LUMA_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.int32,
)
"""Steps of the coefficients of luma at quality 50: table K.1 of the standard; rows are vertical frequencies."""

CHROMA_TABLE = np.full((8, 8), 99, np.int32)
"""The same for the two chroma channels: table K.2."""
CHROMA_TABLE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

_RED, _GREEN, _BLUE = LUMA
TO_YCBCR = np.array(
    [
        [_RED, _GREEN, _BLUE],
        [-0.5 * _RED / (1 - _BLUE), -0.5 * _GREEN / (1 - _BLUE), 0.5],
        [0.5, -0.5 * _GREEN / (1 - _RED), -0.5 * _BLUE / (1 - _RED)],
    ],
    np.float64,
)
"""From red, green and blue to luma and the two differences of colour, around 0."""


def _dct() -> np.ndarray:
    """The orthonormal DCT-II of 8 numbers, `[frequency, place]`."""
    matrix = np.cos(np.pi / 8 * np.outer(np.arange(8), np.arange(8) + 0.5)) / 2
    matrix[0] /= math.sqrt(2)
    return matrix.astype(np.float32)


DCT = _dct()


def table(base: np.ndarray, quality: jax.Array | int) -> jax.Array:
    """A quantisation table at a quality, by libjpeg's rule.

    Args:
      base: `[8, 8]` int32, the table at quality 50.
      quality: int32 scalar from 1 to 100.

    Returns:
      `[8, 8]` int32, from 1 to 255.

    Example:
      >>> from jgan.degradations import jpeg
      >>> [int(jpeg.table(jpeg.LUMA_TABLE, quality)[0, 0]) for quality in (1, 25, 50, 75, 100)]
      [255, 32, 16, 8, 1]
    """
    quality = jnp.clip(jnp.asarray(quality, jnp.int32), 1, 100)
    percent = jnp.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return jnp.clip((base * percent + 50) // 100, 1, 255)


def jpeg(image: Sized, quality: jax.Array | int, *, subsampled: bool = True) -> Sized:
    """Compresses an image and decompresses it.

    Args:
      image: the image, of 1 or 3 channels.
      quality: int32 scalar from 1 to 100.
      subsampled: whether a colour image keeps its chroma at half resolution (4:2:0), else all of it (4:4:4).

    Returns:
      The decompressed image, of 8 bits.

    Raises:
      ValueError: if the image has neither 1 nor 3 channels.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import sized
      >>> from jgan.degradations.jpeg import jpeg
      >>> image = sized.whole(jnp.linspace(0, 1, 20 * 24).reshape(20, 24, 1))
      >>> error = [float(abs(jpeg(image, quality).pixels - image.pixels).mean()) for quality in (10, 50, 95)]
      >>> error == sorted(error, reverse=True)
      True
    """
    rows, columns, channels = image.pixels.shape
    if channels not in (1, 3):
        raise ValueError(f"JPEG needs images of 1 or 3 channels, found {channels}")
    subsampled = subsampled and channels == 3
    unit = 16 if subsampled else 8
    pixels = 255 * rounded(repeated(image, (rows + -rows % unit, columns + -columns % unit)))
    luma_table = table(LUMA_TABLE, quality)
    if channels == 1:
        return Sized(_unit(_coded(pixels - 128, luma_table) + 128)[:rows, :columns], image.size)
    ycc = _nearest(jnp.einsum("ij,hwj->hwi", TO_YCBCR.astype(np.float32), pixels, precision=jax.lax.Precision.HIGHEST))
    luma, chroma = ycc[..., :1] - 128, jnp.clip(ycc[..., 1:], -128, 127)
    chroma_table = table(CHROMA_TABLE, quality)
    if subsampled:
        chroma = _doubled(Sized(_coded(_halved(chroma), chroma_table), (image.size + 1) // 2))
    else:
        chroma = _coded(chroma, chroma_table)
    ycc = jnp.concatenate([_coded(luma, luma_table) + 128, chroma], axis=-1)
    back = jnp.einsum("ij,hwj->hwi", np.linalg.inv(TO_YCBCR).astype(np.float32), ycc, precision=jax.lax.Precision.HIGHEST)
    return Sized(_unit(back)[:rows, :columns], image.size)


def _unit(levels: jax.Array) -> jax.Array:
    return rounded(levels / 255)


def _coded(channels: jax.Array, steps: jax.Array) -> jax.Array:
    """Channels around 0 after the rounding of the coefficients of their 8x8 blocks, and that of the pixels to -128 ... 127."""
    rows, columns, depth = channels.shape
    steps = steps.astype(jnp.float32)[None, :, None, :, None]
    blocks = channels.reshape(rows // 8, 8, columns // 8, 8, depth)
    exact = jax.lax.Precision.HIGHEST
    coefficients = jnp.einsum("ui,aibjc,vj->aubvc", DCT, blocks, DCT, precision=exact)
    kept = _nearest(coefficients / steps) * steps
    found = jnp.einsum("ui,aubvc,vj->aibjc", DCT, kept, DCT, precision=exact)
    return jnp.clip(_nearest(found), -128, 127).reshape(rows, columns, depth)


def _nearest(x: jax.Array) -> jax.Array:
    """Rounds, halves away from 0, where NumPy and JAX round them to even: halves are frequent in flat areas."""
    return jnp.sign(x) * jnp.floor(jnp.abs(x) + 0.5)


def _halved(chroma: jax.Array) -> jax.Array:
    """The means of 2x2 pixels, halves rounded down and up in turn."""
    rows, columns, depth = chroma.shape
    means = chroma.reshape(rows // 2, 2, columns // 2, 2, depth).mean((1, 3))
    return jnp.floor(means + jnp.where(jnp.arange(columns // 2) % 2 == 0, 0.25, 0.5)[None, :, None])


def _doubled(chroma: Sized) -> jax.Array:
    """Twice as many rows and columns, each 3/4 of the nearest and 1/4 of the next nearest, up to the true border."""
    found = chroma.pixels
    for axis in (0, 1):
        place = jnp.arange(found.shape[axis])
        last = chroma.size[axis] - 1
        before, after = (jnp.take(found, jnp.clip(place + step, 0, last), axis) for step in (-1, 1))
        pair = jnp.stack([0.75 * found + 0.25 * before, 0.75 * found + 0.25 * after], axis + 1)
        found = pair.reshape([length * (2 if index == axis else 1) for index, length in enumerate(found.shape)])
    return jnp.floor(found + jnp.where(jnp.arange(found.shape[1]) % 2 == 0, 8 / 16, 7 / 16)[None, :, None])  # halves in turn
