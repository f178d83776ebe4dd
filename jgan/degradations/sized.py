"""Images of a random size inside a compiled program: a buffer of fixed shape, and the size of the image in its corner.

A resize by a random factor gives an image whose size is known only when the program runs. All images of a pipeline therefore
live in the upper left corner of a buffer as large as the largest of them. Every operation reads only the image, and continues
it beyond its true border as the published code does; the rest of the buffer holds finite numbers without meaning.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Sized(NamedTuple):
    """One image in a buffer.

    Attributes:
      pixels: `[rows, columns, channels]` float32 in [0, 1], the buffer.
      size: `[2]` int32, the height and width of the image in its upper left corner.
    """

    pixels: jax.Array
    size: jax.Array


def whole(image: jax.Array) -> Sized:
    """An image that fills its buffer.

    Args:
      image: `[height, width, channels]` float.

    Returns:
      The `Sized`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import sized
      >>> sized.whole(jnp.zeros((5, 7, 3))).size.tolist()
      [5, 7]
    """
    return Sized(image, jnp.array(image.shape[:2], jnp.int32))


def cropped(image: Sized, size: tuple[int, int]) -> jax.Array:
    """The image without the rest of the buffer, where its size is known after all.

    Args:
      image: the image.
      size: its height and width.

    Returns:
      `[height, width, channels]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import sized
      >>> sized.cropped(sized.Sized(jnp.zeros((9, 9, 3)), jnp.array([5, 7])), (5, 7)).shape
      (5, 7, 3)
    """
    return image.pixels[: size[0], : size[1]]


def inside(image: Sized) -> jax.Array:
    """Which pixels of the buffer belong to the image.

    Args:
      image: the image.

    Returns:
      `[rows, columns, 1]` bool.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import sized
      >>> sized.inside(sized.Sized(jnp.zeros((2, 3, 1)), jnp.array([1, 2])))[..., 0].tolist()
      [[True, True, False], [False, False, False]]
    """
    rows, columns = (jnp.arange(length) < size for length, size in zip(image.pixels.shape[:2], image.size, strict=True))
    return (rows[:, None] & columns[None, :])[..., None]


def reflected(image: Sized, reach: int) -> jax.Array:
    """The image with a border in which it is mirrored about its outermost pixels, repeatedly if it is smaller than the border.

    Args:
      image: the image.
      reach: the width of the border.

    Returns:
      `[rows + 2 reach, columns + 2 reach, channels]`; the image and its borders lie in the upper left corner.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import sized
      >>> row = sized.Sized(jnp.arange(5.0).reshape(1, 5, 1), jnp.array([1, 3]))
      >>> sized.reflected(row, 2)[2, :7, 0].tolist()
      [2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]
    """

    def places(length: int, n: jax.Array) -> jax.Array:
        period = jnp.maximum(2 * n - 2, 1)
        index = jnp.arange(-reach, length + reach) % period
        return jnp.where(n > 1, jnp.minimum(index, period - index), 0)

    return _taken(image.pixels, *(places(length, n) for length, n in zip(image.pixels.shape[:2], image.size, strict=True)))


def repeated(image: Sized, size: tuple[int, int]) -> jax.Array:
    """The image continued to the right and below by its outermost pixels.

    Args:
      image: the image.
      size: the rows and columns of the result.

    Returns:
      `[*size, channels]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import sized
      >>> row = sized.Sized(jnp.arange(5.0).reshape(1, 5, 1), jnp.array([1, 3]))
      >>> sized.repeated(row, (1, 8))[0, :, 0].tolist()
      [0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """
    return _taken(image.pixels, *(jnp.minimum(jnp.arange(length), n - 1) for length, n in zip(size, image.size, strict=True)))


def _taken(pixels: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    return pixels[rows][:, columns]
