"""Regions of images: boxes cut out and resized by bilinear sampling (RoI-align), and boxes of mirrored images.

A box is `(left, top, right, bottom)` in pixels: the pixel in row r and column c covers the square from `(c, r)` to
`(c + 1, r + 1)`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Float


def align(
    images: Float[jax.Array, "b h w c"], boxes: Float[jax.Array, "b 4"], size: tuple[int, int], *, samples: int = 2
) -> Float[jax.Array, "b rows columns c"]:
    """Cuts a box out of each image and resizes it: RoI-align.

    The box is divided into `size` cells. The value of a cell is the mean of `samples x samples` points, evenly spaced in it,
    each interpolated bilinearly between the centres of the four nearest pixels; beyond the outermost centres images are
    constant. It is differentiable in the images and in the boxes.

    Args:
      images: `[B, height, width, channels]` float.
      boxes: `[B, 4]` float, one box for each image, which may reach beyond it.
      size: `(rows, columns)` of the result.
      samples: points of a cell along each axis; at least the pixels of the box to a cell, or pixels are left out.

    Returns:
      `[B, rows, columns, channels]`.

    Raises:
      ValueError: if `samples` or a side is below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import regions
      >>> image = jnp.arange(16.0).reshape(1, 4, 4, 1)
      >>> regions.align(image, jnp.array([[1.0, 2.0, 3.0, 4.0]]), (2, 2), samples=1)[0, :, :, 0].tolist()
      [[9.0, 10.0], [13.0, 14.0]]

    References:
      He et al., "Mask R-CNN" (2017), section 3, https://arxiv.org/abs/1703.06870; `roi_align` of torchvision with
      `aligned=True`. (GFP-GAN's code has the older convention, which lies half a pixel to the lower right.)
    """
    if samples < 1 or min(size) < 1:
        raise ValueError(f"expected at least one sample and a size of at least 1x1, found {samples} and {size[0]}x{size[1]}")
    _, height, width, _ = images.shape
    rows = _weights(boxes[:, 1], boxes[:, 3], size[0], height, samples)
    columns = _weights(boxes[:, 0], boxes[:, 2], size[1], width, samples)
    return jnp.einsum("brh,bhwc,bkw->brkc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)


def _weights(start: jax.Array, end: jax.Array, cells: int, pixels: int, samples: int) -> jax.Array:
    """The weights of the pixels along one axis, `[B, cells, pixels]`."""
    shares = (jnp.arange(cells * samples, dtype=jnp.float32) + 0.5) / (cells * samples)
    points = start[:, None] + (end - start)[:, None] * shares[None] - 0.5  # in units of the centres of the pixels
    centres = jnp.arange(pixels, dtype=jnp.float32)
    distances = jnp.abs(jnp.clip(points, 0, pixels - 1)[:, :, None] - centres[None, None])
    return jnp.maximum(1 - distances, 0).reshape(len(start), cells, samples, pixels).mean(axis=2)


def mirrored(boxes: Float[jax.Array, "... parts 4"], width: float, pairs: Sequence[int]) -> Float[jax.Array, "... parts 4"]:
    """The boxes of the parts of an image that is mirrored left and right.

    Args:
      boxes: `[..., parts, 4]`.
      width: that of the image.
      pairs: for each part the part of the image that lies in its place in the mirrored one: the eyes change places.

    Returns:
      The boxes, of the same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import regions
      >>> eyes = jnp.array([[1.0, 2.0, 3.0, 4.0], [6.0, 2.0, 7.0, 4.0]])
      >>> regions.mirrored(eyes, 10.0, (1, 0)).tolist()
      [[3.0, 2.0, 4.0, 4.0], [7.0, 2.0, 9.0, 4.0]]
    """
    swapped = boxes[..., jnp.array(pairs), :]
    return jnp.stack([width - swapped[..., 2], swapped[..., 1], width - swapped[..., 0], swapped[..., 3]], axis=-1)
