"""ADA's geometry: eight transformations of an image as one 3x3 matrix, applied by a single warp.

Positions are `(x, y)` in pixels from the centre of the image, x to the right and y down; angles are clockwise on the screen.
"""

from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates


class Geometry(NamedTuple):
    """The parameters of one image's transformations, in the order in which they are applied; the defaults change nothing.

    The first three are the paper's pixel blitting: pixels move and keep their values (if height and width are both even or
    both odd; otherwise a quarter turn moves pixels to positions between pixels). The others interpolate.

    Attributes:
      flip: 1.0 for a horizontal flip, else 0.0.
      turns: the number of quarter turns, an int32 scalar in 0 ... 3.
      shift: `[2]` x and y, whole pixels.
      scale: the factor on both axes, above 0.
      before: the angle of the rotation before the stretch, in radians.
      stretch: the factor on x, whose inverse is the factor on y, above 0.
      after: the angle of the rotation after the stretch, in radians.
      drift: `[2]` x and y, in pixels.
    """

    flip: Any = 0.0
    turns: Any = 0
    shift: Any = (0.0, 0.0)
    scale: Any = 1.0
    before: Any = 0.0
    stretch: Any = 1.0
    after: Any = 0.0
    drift: Any = (0.0, 0.0)


def _rotation(cosine: Any, sine: Any) -> jax.Array:
    return jnp.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _scaling(x: Any, y: Any) -> jax.Array:
    return jnp.array([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, 1.0]])


def _translation(x: Any, y: Any) -> jax.Array:
    return jnp.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def inverse_matrix(geometry: Geometry) -> jax.Array:
    """The matrix from positions in the result to positions in the image.

    The transformation is `drift after stretch before scale shift turns flip`, the rightmost first; its inverse is the
    product of their inverses in the opposite order.

    Args:
      geometry: the parameters of one image.

    Returns:
      `[3, 3]` float32, on homogeneous `(x, y, 1)`. Exact if only blitting parameters are set.

    Example:
      >>> from jgan.augment import affine
      >>> print(affine.inverse_matrix(affine.Geometry(scale=2.0, drift=(3.0, 0.0))))
      [[ 0.5  0.  -1.5]
       [ 0.   0.5  0. ]
       [ 0.   0.   1. ]]

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    g = geometry
    quarter_cosine, quarter_sine = jnp.array([1.0, 0.0, -1.0, 0.0])[g.turns], jnp.array([0.0, 1.0, 0.0, -1.0])[g.turns]
    inverses = (
        _scaling(1.0 - 2.0 * g.flip, 1.0),
        _rotation(quarter_cosine, -quarter_sine),
        _translation(-g.shift[0], -g.shift[1]),
        _scaling(1.0 / g.scale, 1.0 / g.scale),
        _rotation(jnp.cos(g.before), -jnp.sin(g.before)),
        _scaling(1.0 / g.stretch, g.stretch),
        _rotation(jnp.cos(g.after), -jnp.sin(g.after)),
        _translation(-g.drift[0], -g.drift[1]),
    )
    # HIGHEST precision: accelerators otherwise round the factors to bfloat16 or TF32.
    return reduce(lambda a, b: jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST), inverses)


def warp(image: jax.Array, inverse: jax.Array) -> jax.Array:
    """Warps an image with bilinear interpolation and reflection at the edges.

    Reflection is about the centres of the edge pixels, which are not repeated, and continues beyond the mirrored image.
    The paper's resampling is more elaborate: it upsamples the image by 2 with a wavelet filter (sym6), interpolates, and
    filters again when downsampling. This preserves detail that bilinear interpolation blurs, and avoids aliasing when images
    shrink. We leave it out on purpose: a gather of four neighbours is one operation with an exact and cheap transpose, it
    leaves blitted pixels unchanged, and real and generated images are blurred alike. For large photographs, where the last
    points of FID matter, consider the difference.

    Args:
      image: `[height, width, channels]` float.
      inverse: `[3, 3]` float, from positions in the result to positions in the image: see `inverse_matrix`.

    Returns:
      The same shape. Linear in `image`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.augment import affine
      >>> image = jnp.array([[[1.0], [2.0], [3.0]]])
      >>> print(affine.warp(image, affine.inverse_matrix(affine.Geometry(drift=(1.5, 0.0))))[0, :, 0])
      [2.5 1.5 1.5]

    References:
      Karras et al. (2020), appendix B, https://arxiv.org/abs/2006.06676
    """
    height, width, _ = image.shape
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    columns, rows = jnp.arange(width, dtype=jnp.float32), jnp.arange(height, dtype=jnp.float32)
    x, y = jnp.meshgrid(columns - middle_x, rows - middle_y)
    source_x = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] + middle_x
    source_y = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] + middle_y
    sample = lambda channel: map_coordinates(channel, [source_y, source_x], order=1, mode="mirror")  # noqa: E731
    return jax.vmap(sample, in_axes=-1, out_axes=-1)(image)
