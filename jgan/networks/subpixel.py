"""Sub-pixel resampling: channels become pixels and pixels channels, without arithmetic, in PyTorch's order of channels."""

import jax
from jaxtyping import Shaped


def pixel_shuffle(x: Shaped[jax.Array, "b h w c"], factor: int) -> Shaped[jax.Array, "b h_out w_out c_out"]:
    """Enlarges images by moving channels into space, as `torch.nn.PixelShuffle`.

    Channel `c factor^2 + i factor + j` becomes channel c of the pixel in row i and column j of each square.

    Args:
      x: `[B, h, w, c factor^2]`.
      factor: the side of a square.

    Returns:
      `[B, factor h, factor w, c]`.

    Raises:
      ValueError: if the channels are not a multiple of `factor^2`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import subpixel
      >>> subpixel.pixel_shuffle(jnp.arange(8).reshape(1, 1, 1, 8), 2)[0, :, :, 1].tolist()
      [[4, 5], [6, 7]]

    References:
      Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network"
      (2016), https://arxiv.org/abs/1609.05158
    """
    b, h, w, channels = x.shape
    if channels % factor**2:
        raise ValueError(f"pixel_shuffle by {factor} needs channels that are multiples of {factor**2}, found {channels}")
    parts = x.reshape(b, h, w, channels // factor**2, factor, factor)
    return parts.transpose(0, 1, 4, 2, 5, 3).reshape(b, factor * h, factor * w, -1)


def pixel_unshuffle(x: Shaped[jax.Array, "b h w c"], factor: int) -> Shaped[jax.Array, "b h_out w_out c_out"]:
    """The inverse of `pixel_shuffle`: shrinks images by moving each square of pixels into channels.

    Args:
      x: `[B, h, w, c]`.
      factor: the side of a square.

    Returns:
      `[B, h / factor, w / factor, c factor^2]`.

    Raises:
      ValueError: if a side is not a multiple of `factor`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import subpixel
      >>> subpixel.pixel_unshuffle(jnp.arange(4).reshape(1, 2, 2, 1), 2).ravel().tolist()
      [0, 1, 2, 3]
    """
    b, h, w, channels = x.shape
    if h % factor or w % factor:
        raise ValueError(f"pixel_unshuffle by {factor} needs sides that are multiples of {factor}, found {h}x{w}")
    parts = x.reshape(b, h // factor, factor, w // factor, factor, channels)
    return parts.transpose(0, 1, 3, 5, 2, 4).reshape(b, h // factor, w // factor, -1)
