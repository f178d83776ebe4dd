"""Image resizing exactly as in the reference implementations of metrics and of super-resolution, on which the results depend.

Each method is linear and separable: one small matrix mixes the columns of an image, another its rows. The matrices are computed
in NumPy from the sizes while a function is traced. Parmar et al., "On aliased resizing and surprising subtleties in GAN
evaluation" (2022), https://arxiv.org/abs/2104.11222, measure the effect on FID.
"""

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

Matrix = Callable[[int, int], np.ndarray]
"""`(inputs, outputs) -> [outputs, inputs]` float64, the weights along one axis."""


def tf1_bilinear(images: jax.Array | np.ndarray, size: tuple[int, int]) -> jax.Array:
    """TensorFlow 1's bilinear resizing without aligned corners, as in the 2015 Inception graph and torch-fidelity.

    Output i samples position `i * inputs / outputs`, as if pixels were points at their upper left corners. No antialiasing.

    Args:
      images: `[B, height, width, C]`, uint8 or float.
      size: `(height', width')`.

    Returns:
      `[B, height', width', C]` float32, in the range of the input.

    Raises:
      ValueError: if the images are not `[B, height, width, C]`, are empty, or a side is below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import resize
      >>> resize.tf1_bilinear(jnp.array([0.0, 8.0]).reshape(1, 1, 2, 1), (1, 4))[0, 0, :, 0].tolist()
      [0.0, 4.0, 8.0, 8.0]

    References:
      `interpolate_bilinear_2d_like_tensorflow1x` in torch-fidelity, with `align_corners=False`.
    """
    return _resized(images, size, lambda inputs, outputs: _linear(_positions(inputs, outputs, 0.0), inputs))


def torch_bilinear(images: jax.Array | np.ndarray, size: tuple[int, int]) -> jax.Array:
    """PyTorch's bilinear resizing without aligned corners and without antialiasing, as in pytorch-fid.

    Output i samples position `(i + 1/2) * inputs / outputs - 1/2` (pixel centres); positions outside repeat the border.

    Args:
      images: `[B, height, width, C]`, uint8 or float.
      size: `(height', width')`.

    Returns:
      `[B, height', width', C]` float32, in the range of the input.

    Raises:
      ValueError: if the images are not `[B, height, width, C]`, are empty, or a side is below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import resize
      >>> resize.torch_bilinear(jnp.array([0.0, 8.0]).reshape(1, 1, 2, 1), (1, 4))[0, 0, :, 0].tolist()
      [0.0, 2.0, 6.0, 8.0]

    References:
      `torch.nn.functional.interpolate` with `mode="bilinear", align_corners=False`.
    """
    return _resized(images, size, lambda inputs, outputs: _linear(_positions(inputs, outputs, 0.5), inputs))


def pil_bicubic(images: jax.Array | np.ndarray, size: tuple[int, int]) -> jax.Array:
    """Pillow's bicubic resizing of floats: Keys' kernel with a = -1/2, widened for antialiasing when the image shrinks.

    Args:
      images: `[B, height, width, C]`, uint8 or float.
      size: `(height', width')`.

    Returns:
      `[B, height', width', C]` float32; near edges, values can leave the range of the input.

    Raises:
      ValueError: if the images are not `[B, height, width, C]`, are empty, or a side is below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import resize
      >>> resize.pil_bicubic(jnp.array([0.0, 8.0]).reshape(1, 1, 2, 1), (1, 5))[0, 0, :, 0].round(1)
      Array([-0.8,  0.5,  4. ,  7.5,  8.8], dtype=float32)

    References:
      `PIL.Image.resize` of an image in mode F; Keys, "Cubic convolution interpolation for digital image processing" (1981).
    """
    return _resized(images, size, bicubic_matrix)


def clean_bicubic(images: jax.Array | np.ndarray, size: tuple[int, int]) -> jax.Array:
    """clean-fid's resizing: Pillow's bicubic resizing, clipped to 0 ... 255 and not rounded.

    Args:
      images: `[B, height, width, C]`, uint8 or float in 0 ... 255.
      size: `(height', width')`.

    Returns:
      `[B, height', width', C]` float32 in 0 ... 255.

    Raises:
      ValueError: if the images are not `[B, height, width, C]`, are empty, or a side is below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import resize
      >>> resize.clean_bicubic(jnp.array([0.0, 8.0]).reshape(1, 1, 2, 1), (1, 5))[0, 0, :, 0].round(1)
      Array([0. , 0.5, 4. , 7.5, 8.8], dtype=float32)

    References:
      `cleanfid.resize.build_resizer("clean")`.
    """
    return jnp.clip(pil_bicubic(images, size), 0, 255)


def matlab_bicubic(images: jax.Array | np.ndarray, scale: float) -> Any:
    """MATLAB's bicubic `imresize`, by which the low resolutions of super-resolution are made.

    Keys' kernel with a = -1/2, widened for antialiasing when the image shrinks, as Pillow's; but beyond the edges the image
    goes on in a mirror (half-sample symmetric), where Pillow leaves the outer taps out.

    Args:
      images: `[..., height, width, C]`, uint8 or float.
      scale: the factor on both sides, above 0; the nearest fraction with a denominator of at most 1000 is meant, so that 0.1
        is a tenth.

    Returns:
      `[..., ceil(scale height), ceil(scale width), C]` in the range of the input, not rounded (see `eight_bits`); near edges,
      values can leave the range of the input. Of a NumPy array float64, computed by NumPy; of a JAX array float32.

    Raises:
      ValueError: if the scale is not above 0, or the images are no such array.

    Example:
      >>> import numpy as np
      >>> from jgan import resize
      >>> resize.matlab_bicubic(np.arange(8.0).reshape(1, 8, 1), 0.5).ravel().tolist()
      [0.44921875, 2.48828125, 4.51171875, 6.55078125]

    References:
      `imresize(image, scale, "bicubic")` of MATLAB's Image Processing Toolbox.
    """
    if np.ndim(images) < 3 or 0 in np.shape(images):
        raise ValueError(f"expected images [..., height, width, channels], found the shape {np.shape(images)}")
    rows, columns = (matlab_matrix(length, scale) for length in np.shape(images)[-3:-1])
    if isinstance(images, np.ndarray):
        wide = np.moveaxis(np.tensordot(columns, images.astype(np.float64), (1, -2)), 0, -2)
        return np.moveaxis(np.tensordot(rows, wide, (1, -3)), 0, -3)
    products = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)
    x = products("ow,...hwc->...hoc", jnp.asarray(columns, jnp.float32), images.astype(jnp.float32))
    return products("oh,...hwc->...owc", jnp.asarray(rows, jnp.float32), x)


def matlab_matrix(inputs: int, scale: float) -> np.ndarray:
    """The weights of `matlab_bicubic` along one axis.

    Args:
      inputs: pixels along the axis.
      scale: as for `matlab_bicubic`.

    Returns:
      `[ceil(scale inputs), inputs]` float64; each row has the sum 1.

    Raises:
      ValueError: if the scale is not above 0.

    Example:
      >>> from jgan import resize
      >>> resize.matlab_matrix(30, 0.1).shape
      (3, 30)
    """
    factor = Fraction(scale).limit_denominator(1000)
    if factor <= 0:
        raise ValueError(f"the scale must be above 0, found {scale}")
    outputs, shrinks = math.ceil(factor * inputs), min(float(factor), 1.0)
    reach = math.ceil(2 / shrinks) + 1
    centres = (np.arange(outputs) + 0.5) / float(factor) - 0.5
    taps = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 1)
    weights = _keys(shrinks * (centres[:, None] - taps))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = taps % (2 * inputs)
    mirrored = np.where(mirrored < inputs, mirrored, 2 * inputs - 1 - mirrored)
    matrix = np.zeros((outputs, inputs))
    np.add.at(matrix, (np.arange(outputs)[:, None], mirrored), weights)
    return matrix


def eight_bits(images: Any) -> Any:
    """Rounds to what 8 bits can hold, as when an image is saved: to whole numbers, halves upwards, clipped to 0 ... 255.

    Args:
      images: floats in 0 ... 255 (of images in [0, 1], give 255 times them), of NumPy or of JAX.

    Returns:
      The same shape and dtype.

    Example:
      >>> import numpy as np
      >>> from jgan import resize
      >>> resize.eight_bits(np.array([-3.0, 0.5, 1.49, 300.0])).tolist()
      [0.0, 1.0, 1.0, 255.0]
    """
    numpy = np if isinstance(images, np.ndarray) else jnp
    return numpy.clip(numpy.floor(images + 0.5), 0, 255)


Resizer = Literal["clean", "tf1", "torch"]

RESIZERS: dict[Resizer, Callable[[jax.Array | np.ndarray, tuple[int, int]], jax.Array]] = {
    "clean": clean_bicubic,
    "tf1": tf1_bilinear,
    "torch": torch_bilinear,
}
"""The methods by the names that a protocol states."""


def check_name(resizer: str) -> None:
    """Raises ValueError if `resizer` is not a name in `RESIZERS`."""
    if resizer not in RESIZERS:
        raise ValueError(f"expected one of the resizers {', '.join(RESIZERS)}, found {resizer!r}")


def square_rgb(images: jax.Array | np.ndarray, side: int, resizer: Resizer) -> jax.Array:
    """Images in the size and with the channels that a network of photographs takes; grey images have three equal channels.

    Args:
      images: `[B, height, width, 1 or 3]`, uint8 or float in 0 ... 255.
      side: the height and width of the result.
      resizer: the name of the method.

    Returns:
      `[B, side, side, 3]` float32 in 0 ... 255.

    Raises:
      ValueError: if the images have another shape or dtype.

    Example:
      >>> import numpy as np
      >>> from jgan import resize
      >>> resize.square_rgb(np.zeros((5, 32, 32, 1), np.uint8), 224, "clean").shape
      (5, 224, 224, 3)
    """
    numbers = images.dtype == np.uint8 or jnp.issubdtype(images.dtype, jnp.floating)
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not numbers:
        raise ValueError(
            f"expected images [B, height, width, 1 or 3], uint8 or float in 0 ... 255, found {images.dtype} of the shape "
            f"{images.shape}"
        )
    resized = RESIZERS[resizer](images, (side, side))
    return jnp.broadcast_to(resized, (*resized.shape[:3], 3))


def _resized(images: jax.Array | np.ndarray, size: tuple[int, int], matrix: Matrix) -> jax.Array:
    """Resizes columns, then rows, as Pillow does; an axis that already has its size is not changed."""
    if np.ndim(images) != 4 or 0 in np.shape(images) or min(size) < 1:
        raise ValueError(
            f"expected images [B, height, width, channels] and a size above 0, found {np.shape(images)} and {size}"
        )
    x = jnp.asarray(images).astype(jnp.float32)
    for axis, product in ((2, "ow,bhwc->bhoc"), (1, "oh,bhwc->bowc")):
        inputs, outputs = x.shape[axis], size[axis - 1]
        if inputs != outputs:
            weights = jnp.asarray(matrix(inputs, outputs), jnp.float32)
            x = jnp.einsum(product, weights, x, precision=jax.lax.Precision.HIGHEST)
    return x


# ------------------------------------------------------------------------------------------------- weights along an axis


def _positions(inputs: int, outputs: int, centre: float) -> np.ndarray:
    """Positions of the outputs among the inputs, in float32 as in the references, whose rounding matters for large images."""
    scale, half = np.float32(inputs / outputs), np.float32(centre)
    return np.maximum((np.arange(outputs, dtype=np.float32) + half) * scale - half, np.float32(0))


def _linear(positions: np.ndarray, inputs: int) -> np.ndarray:
    """Linear interpolation between the two neighbours of each position; positions past the last input repeat it."""
    lower = np.minimum(positions.astype(np.int64), inputs - 1)
    share = positions.astype(np.float64) - lower
    rows = np.arange(len(positions))
    weights = np.zeros((len(positions), inputs))
    np.add.at(weights, (rows, lower), 1 - share)
    np.add.at(weights, (rows, np.minimum(lower + 1, inputs - 1)), share)
    return weights


def bicubic_matrix(inputs: int, outputs: int) -> np.ndarray:
    """Pillow's weights: Keys' kernel centred at each output, scaled to the larger of the two pixels, cut off at the edges.

    Args:
      inputs: pixels along the axis.
      outputs: pixels after resizing.

    Returns:
      `[outputs, inputs]` float64; each row has the sum 1.

    Example:
      >>> from jgan import resize
      >>> resize.bicubic_matrix(2, 5).shape
      (5, 2)
    """
    scale = inputs / outputs
    centres = (np.arange(outputs)[:, None] + 0.5) * scale
    weights = _keys((np.arange(inputs)[None, :] + 0.5 - centres) / max(scale, 1.0))
    return weights / weights.sum(axis=1, keepdims=True)


def _keys(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    """The cubic convolution kernel: 1 at 0, 0 at the other integers, with support [-2, 2]."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))
