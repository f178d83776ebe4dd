"""Elementary transformations of one image, with explicit parameters; `diff_augment` and `ada` draw the parameters."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jgan import rng
from jgan.types import Key


def per_example(
    transform: Callable[[Key, jax.Array], jax.Array], key: Key, images: jax.Array, axis_name: str | None = None
) -> jax.Array:
    """Applies a random transformation to every image, with one key per image.

    Args:
      transform: `transform(key, image) -> image`, both `[height, width, channels]`.
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      `[B, height, width, channels]`, the transformed images.

    Raises:
      ValueError: if `images` do not have four axes or are not floats.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.augment import operations
      >>> fade = lambda key, image: image * jax.random.uniform(key)
      >>> operations.per_example(fade, jax.random.key(0), jnp.ones((5, 8, 6, 3))).shape
      (5, 8, 6, 3)
    """
    if images.ndim != 4 or not jnp.issubdtype(images.dtype, jnp.floating):
        raise ValueError(
            "images to augment must be floats of the shape [batch, height, width, channels], "
            f"found {images.dtype} of the shape {images.shape}"
        )
    return jax.vmap(transform)(rng.example_keys(key, images.shape[0], axis_name), images)


def middle_and_half(low: float, high: float) -> tuple[float, float]:
    """The coefficients of `middle + half * value`, which maps the papers' range [-1, 1] to [low, high].

    Args:
      low: the value of black.
      high: the value of white.

    Returns:
      `((low + high) / 2, (high - low) / 2)`.

    Raises:
      ValueError: if `low` is not below `high`.

    Example:
      >>> from jgan.augment import operations
      >>> operations.middle_and_half(0.0, 1.0)
      (0.5, 0.5)
    """
    if not low < high:
        raise ValueError(f"low must be below high, found low = {low} and high = {high}")
    return (low + high) / 2, (high - low) / 2


def brighten(image: jax.Array, amount: jax.Array | float) -> jax.Array:
    """Adds the same amount to every value.

    Args:
      image: `[height, width, channels]` float.
      amount: the value to add, a scalar in units of a pixel.

    Returns:
      The same shape, not clipped.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import operations
      >>> print(operations.brighten(jnp.array([[[0.5], [1.0]]]), 0.25)[0, :, 0])
      [0.75 1.25]
    """
    return image + amount


def saturate(image: jax.Array, factor: jax.Array | float) -> jax.Array:
    """Scales every pixel's distance from its own grey value, the mean of its channels; grey images do not change.

    Args:
      image: `[height, width, channels]` float.
      factor: 0 gives a grey image, 1 the image itself, above 1 more saturation.

    Returns:
      The same shape, not clipped.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import operations
      >>> print(operations.saturate(jnp.array([[[0.0, 0.5, 1.0]]]), 0.5)[0, 0])
      [0.25 0.5  0.75]
    """
    return factor * image + (1 - factor) * jnp.mean(image, axis=-1, keepdims=True)


def contrast(image: jax.Array, factor: jax.Array | float) -> jax.Array:
    """Scales every value's distance from the image's mean over all pixels and channels.

    Args:
      image: `[height, width, channels]` float.
      factor: 0 gives a flat image, 1 the image itself, above 1 more contrast.

    Returns:
      The same shape, not clipped.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import operations
      >>> print(operations.contrast(jnp.array([[[0.0], [1.0]]]), 1.5)[0, :, 0])
      [-0.25  1.25]
    """
    return factor * image + (1 - factor) * jnp.mean(image, keepdims=True)


def translate(image: jax.Array, down: jax.Array | int, right: jax.Array | int, fill: float) -> jax.Array:
    """Translates an image by whole pixels.

    Args:
      image: `[height, width, channels]` float.
      down: the number of rows, an int32 scalar; negative is up.
      right: the number of columns; negative is left.
      fill: the padding value.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import operations
      >>> print(operations.translate(jnp.ones((2, 3, 1)), 0, -1, 0.5)[..., 0])
      [[1.  1.  0.5]
       [1.  1.  0.5]]
    """
    height, width, _ = image.shape
    row, column = jnp.arange(height) - down, jnp.arange(width) - right  # the source of each pixel
    inside = ((row >= 0) & (row < height))[:, None, None] & ((column >= 0) & (column < width))[None, :, None]
    return jnp.where(inside, jnp.roll(image, jnp.array([down, right]), axis=(0, 1)), fill)


def cut_out(image: jax.Array, centre: jax.Array, size: jax.Array, fill: float) -> jax.Array:
    """Fills a rectangle in an image; the part outside the image is ignored.

    Args:
      image: `[height, width, channels]` float.
      centre: `[2]` float, the row and the column of its centre, in pixels from the upper left corner of the image.
      size: `[2]` float, its height and width in pixels. A pixel is filled if its centre lies inside.
      fill: the value of the rectangle.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import operations
      >>> print(operations.cut_out(jnp.ones((3, 4, 1)), jnp.array([1.0, 4.0]), jnp.array([2.0, 2.0]), 0.5)[..., 0])
      [[1.  1.  1.  0.5]
       [1.  1.  1.  0.5]
       [1.  1.  1.  1. ]]
    """
    height, width, _ = image.shape
    rows = jnp.abs(jnp.arange(0.5, height) - centre[0]) < size[0] / 2
    columns = jnp.abs(jnp.arange(0.5, width) - centre[1]) < size[1] / 2
    return jnp.where(rows[:, None, None] & columns[None, :, None], fill, image)
