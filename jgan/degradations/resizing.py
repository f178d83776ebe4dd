"""Resizing to a size that is known only when the program runs, as PyTorch's `interpolate` does it.

Each method is linear and separable: one matrix mixes the rows of an image, another its columns. The matrices have the shape of
the buffers, and their entries follow from the true sizes. Of the methods only `area` and `antialiased` average over the pixels
that a smaller image no longer shows; `bilinear` and `bicubic` look at the two or four nearest ones, however few are left, as
the published pipelines do.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp

from jgan.degradations.sized import Sized

Method = Literal["area", "bilinear", "bicubic", "antialiased"]


def area(n: jax.Array, m: jax.Array, ratio: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """The mean of all pixels that an output touches: PyTorch's `area`, adaptive average pooling.

    Args:
      n: int32 scalar, the number of inputs.
      m: int32 scalar, the number of outputs.
      ratio: inputs to one output; not used, since whole pixels are averaged.
      shape: `(outputs, inputs)` of the buffers.

    Returns:
      The `[outputs, inputs]` matrix. Columns from `n` on are zero; rows from `m` on have no meaning.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import resizing
      >>> resizing.area(jnp.int32(4), jnp.int32(2), jnp.float32(2), (2, 4)).tolist()
      [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    del ratio
    outputs, inputs = _indices(shape)
    outputs = jnp.minimum(outputs, m - 1)
    first, last = outputs * n // m, ((outputs + 1) * n + m - 1) // m
    return jnp.where((inputs >= first) & (inputs < last), 1.0 / (last - first).astype(jnp.float32), 0.0)


def bilinear(n: jax.Array, m: jax.Array, ratio: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Linear interpolation between the two nearest pixels, without antialiasing: PyTorch's `bilinear`.

    Args:
      n: int32 scalar, the number of inputs.
      m: int32 scalar, the number of outputs; not used, since `ratio` says where they lie.
      ratio: float32 scalar, inputs to one output.
      shape: `(outputs, inputs)` of the buffers.

    Returns:
      The `[outputs, inputs]` matrix, as for `area`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import resizing
      >>> resizing.bilinear(jnp.int32(2), jnp.int32(4), jnp.float32(0.5), (4, 2)).tolist()
      [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    del m
    outputs, inputs = _indices(shape)
    place = jnp.clip(_centres(outputs, ratio), 0.0, (n - 1).astype(jnp.float32))
    return jnp.maximum(1.0 - jnp.abs(inputs.astype(jnp.float32) - place), 0.0)


def bicubic(n: jax.Array, m: jax.Array, ratio: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Cubic interpolation with a = -3/4 between the four nearest pixels, without antialiasing: PyTorch's `bicubic`.

    Pixels beyond the border repeat it.

    Args:
      n: int32 scalar, the number of inputs.
      m: int32 scalar, the number of outputs; not used, since `ratio` says where they lie.
      ratio: float32 scalar, inputs to one output.
      shape: `(outputs, inputs)` of the buffers.

    Returns:
      The `[outputs, inputs]` matrix, as for `area`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import resizing
      >>> resizing.bicubic(jnp.int32(4), jnp.int32(2), jnp.float32(2), (2, 4))[0].tolist()
      [0.5, 0.59375, -0.09375, 0.0]
    """
    del m
    outputs, inputs = _indices(shape)
    place = _centres(outputs, ratio)
    nearest = jnp.floor(place).astype(jnp.int32)
    share = place - nearest.astype(jnp.float32)
    taps = [
        jnp.where(inputs == jnp.clip(nearest + offset, 0, n - 1), _keys(share - offset, -0.75), 0.0) for offset in (-1, 0, 1, 2)
    ]
    return sum(taps[1:], taps[0])


def antialiased(n: jax.Array, m: jax.Array, ratio: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Keys' kernel with a = -1/2, widened when the image shrinks: PyTorch's `bicubic` with `antialias=True`, and Pillow's.

    Pixels beyond the border are left out.

    Args:
      n: int32 scalar, the number of inputs.
      m: int32 scalar, the number of outputs; not used, since `ratio` says where they lie.
      ratio: float32 scalar, inputs to one output.
      shape: `(outputs, inputs)` of the buffers.

    Returns:
      The `[outputs, inputs]` matrix, as for `area`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import resizing
      >>> resizing.antialiased(jnp.int32(1), jnp.int32(1), jnp.float32(1), (1, 2)).tolist()
      [[1.0, 0.0]]
    """
    outputs, inputs = _indices(shape)
    outputs = jnp.minimum(outputs, m - 1)
    weights = _keys((inputs.astype(jnp.float32) - _centres(outputs, ratio)) / jnp.maximum(ratio, 1.0), -0.5)
    weights = jnp.where(inputs < n, weights, 0.0)
    return weights / jnp.sum(weights, axis=1, keepdims=True)


MATRICES: dict[Method, Callable[..., jax.Array]] = {
    "area": area,
    "bilinear": bilinear,
    "bicubic": bicubic,
    "antialiased": antialiased,
}
"""The methods by name."""


def resized(
    image: Sized,
    size: jax.Array,
    shape: tuple[int, int],
    methods: tuple[Method, ...],
    chosen: jax.Array | int = 0,
    factor: jax.Array | None = None,
) -> Sized:
    """Resizes an image.

    Args:
      image: the image.
      size: `[2]` int32, its new height and width, at least 1 and at most `shape`.
      shape: the rows and columns of the new buffer.
      methods: names in `MATRICES`.
      chosen: int32 scalar, the index of the method among them.
      factor: float32 scalar, the enlargement from which `size` was rounded down, if pixels are to lie where it puts them
        (`scale_factor` of PyTorch's `interpolate`); None for the quotient of the sizes (`size`).

    Returns:
      The resized image, not clipped.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.degradations import resizing, sized
      >>> row = sized.whole(jnp.array([0.0, 1.0, 4.0, 5.0]).reshape(1, 4, 1))
      >>> smaller = resizing.resized(row, jnp.array([1, 2]), (1, 3), ("area", "bilinear"))
      >>> smaller.pixels[0, :2, 0].tolist(), smaller.size.tolist()
      ([0.5, 4.5], [1, 2])
    """
    size = jnp.asarray(size, jnp.int32)

    def matrix(axis: int) -> jax.Array:
        n, m = image.size[axis], size[axis]
        ratio = n.astype(jnp.float32) / m.astype(jnp.float32) if factor is None else 1.0 / factor
        made = [
            lambda method=method: MATRICES[method](n, m, ratio, (shape[axis], image.pixels.shape[axis])) for method in methods
        ]
        return jax.lax.switch(chosen, made) if len(made) > 1 else made[0]()

    rows = jnp.einsum("oh,hwc->owc", matrix(0), image.pixels, precision=jax.lax.Precision.HIGHEST)
    return Sized(jnp.einsum("pw,owc->opc", matrix(1), rows, precision=jax.lax.Precision.HIGHEST), size)


def _indices(shape: tuple[int, int]) -> tuple[jax.Array, jax.Array]:
    return jnp.arange(shape[0])[:, None], jnp.arange(shape[1])[None, :]


def _centres(outputs: jax.Array, ratio: jax.Array) -> jax.Array:
    """Where the centre of each output lies among those of the inputs."""
    return (outputs.astype(jnp.float32) + 0.5) * ratio - 0.5


def _keys(x: jax.Array, a: float) -> jax.Array:
    """The cubic convolution kernel: 1 at 0, 0 at the other integers, with support [-2, 2]."""
    x = jnp.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return jnp.where(x < 1, near, jnp.where(x < 2, far, 0.0))
