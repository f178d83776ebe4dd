"""Colour of one image: grey, rounding to 8 bits, and GFP-GAN's jitter."""

from typing import Any

import jax
import jax.numpy as jnp

from jgan.types import Key

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in grey, of ITU-R BT.601."""


def rounded(image: jax.Array) -> jax.Array:
    """Clips to [0, 1] and rounds to the 256 levels of 8 bits.

    Args:
      image: float of any shape.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> (255 * colour.rounded(jnp.array([-0.1, 0.5, 1.2]))).tolist()
      [0.0, 128.0, 255.0]
    """
    return jnp.round(255 * jnp.clip(image, 0.0, 1.0)) / 255


def luma(images: Any) -> Any:
    """The grey version of images.

    Args:
      images: `[..., 3]` float, of NumPy or of JAX.

    Returns:
      `[..., 1]`, in the range of `images`.

    Example:
      >>> import numpy as np
      >>> from jgan.degradations import colour
      >>> colour.luma(np.array([[1.0, 0.0, 1.0]])).round(3).tolist()
      [[0.413]]
    """
    red, green, blue = (images[..., index : index + 1] * weight for index, weight in enumerate(LUMA))
    return red + green + blue


def grey(image: jax.Array) -> jax.Array:
    """The luma of a colour image in all its channels; a grey image is left as it is.

    Args:
      image: `[..., 1 or 3]` float.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> [round(float(value), 3) for value in colour.grey(jnp.array([1.0, 0.0, 1.0]))]
      [0.413, 0.413, 0.413]
    """
    if image.shape[-1] == 1:
        return image
    return jnp.broadcast_to(luma(image), image.shape)


def shifted(key: Key, image: jax.Array, most: float) -> jax.Array:
    """Adds a constant to each channel, and clips.

    Args:
      key: the key of this image's shift.
      image: `[height, width, channels]` float in [0, 1].
      most: the largest absolute value of a constant, in units of a pixel.

    Returns:
      The same shape.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> bool(abs(colour.shifted(jax.random.key(0), jnp.full((2, 2, 3), 0.5), 0.1) - 0.5).max() <= 0.1)
      True
    """
    return jnp.clip(image + jax.random.uniform(key, (1, 1, image.shape[-1]), minval=-most, maxval=most), 0.0, 1.0)


def brightened(image: jax.Array, factor: jax.Array | float) -> jax.Array:
    """Multiplies by a factor, and clips.

    Args:
      image: `[height, width, channels]` float in [0, 1].
      factor: 1 changes nothing.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> colour.brightened(jnp.array([[[0.25], [0.75]]]), 1.5).ravel().tolist()
      [0.375, 1.0]
    """
    return jnp.clip(factor * image, 0.0, 1.0)


def contrasted(image: jax.Array, factor: jax.Array | float) -> jax.Array:
    """Multiplies the distance from the mean of the image in grey, and clips.

    Args:
      image: `[height, width, channels]` float in [0, 1].
      factor: 1 changes nothing.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> colour.contrasted(jnp.array([[[0.25], [0.75]]]), 0.5).ravel().tolist()
      [0.375, 0.625]
    """
    return jnp.clip(factor * image + (1 - factor) * jnp.mean(grey(image)), 0.0, 1.0)


def saturated(image: jax.Array, factor: jax.Array | float) -> jax.Array:
    """Multiplies the distance of each pixel from its grey, and clips; grey images do not change.

    Args:
      image: `[height, width, channels]` float in [0, 1].
      factor: 0 gives grey, 1 changes nothing.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> colour.saturated(jnp.array([[[1.0, 0.0, 0.0]]]), 0.5).ravel().round(4).tolist()
      [0.6495000123977661, 0.14949999749660492, 0.14949999749660492]
    """
    return jnp.clip(factor * image + (1 - factor) * grey(image), 0.0, 1.0)


def turned(image: jax.Array, hue: jax.Array | float) -> jax.Array:
    """Turns the hue of every pixel, as in HSV; grey images do not change.

    Args:
      image: `[height, width, 1 or 3]` float in [0, 1].
      hue: the turn, 1 for the whole circle.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> colour.turned(jnp.array([[[1.0, 0.25, 0.25]]]), 1 / 3).ravel().round(4).tolist()  # red becomes green
      [0.25, 1.0, 0.25]
    """
    if image.shape[-1] == 1:
        return image
    value, low = jnp.max(image, axis=-1, keepdims=True), jnp.min(image, axis=-1, keepdims=True)
    span = value - low
    red, green, blue = (image[..., index : index + 1] for index in range(3))
    of_red, of_green, of_blue = green - blue, 2 * span + blue - red, 4 * span + red - green
    sixths = jnp.where(value == red, of_red, jnp.where(value == green, of_green, of_blue)) / jnp.where(span > 0, span, 1.0)
    sixths = sixths + 6 * hue
    # A channel is at its highest within one sixth of its own hue and falls to its lowest in the next: red at 0, green at 2 ...
    share = jnp.clip(2 - jnp.abs((sixths - jnp.array([[[0.0, 2.0, 4.0]]]) + 3) % 6 - 3), 0.0, 1.0)
    return low + span * share


def jittered(
    key: Key,
    image: jax.Array,
    brightness: tuple[float, float] = (0.5, 1.5),
    contrast: tuple[float, float] = (0.5, 1.5),
    saturation: tuple[float, float] = (0.0, 1.5),
    hue: tuple[float, float] = (-0.1, 0.1),
) -> jax.Array:
    """Brightness, contrast, saturation and hue, changed by random amounts in a random order.

    Args:
      key: the key of this image's jitter.
      image: `[height, width, 1 or 3]` float in [0, 1].
      brightness: the range of the factor.
      contrast: the range of the factor.
      saturation: the range of the factor.
      hue: the range of the turn, 1 for the whole circle.

    Returns:
      The same shape.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.degradations import colour
      >>> colour.jittered(jax.random.key(0), jnp.full((2, 2, 3), 0.5)).shape
      (2, 2, 3)
    """
    u = jax.random.uniform(key, (8,))
    low, high = jnp.array([brightness, contrast, saturation, hue]).T
    amounts, order = low + u[:4] * (high - low), jnp.argsort(u[4:])
    for index in order:
        image = jax.lax.switch(index, (brightened, contrasted, saturated, turned), image, amounts[index])
    return image
