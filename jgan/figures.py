"""Pictures: sheets of samples, interpolations in the latent space, nearest training images, curves of a run.

Images go in as uint8, or as float in [0, 1], `[N, height, width, channels]`; a picture comes out as uint8
`[height, width, channels]`, a figure as matplotlib's `Figure`. Only `save_png` touches a file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.checks import same_shape
from jgan.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGIBLE = 48
"""pixels below which the longer side of a tile is scaled up, unless a scale is given"""

BACKGROUND = 128
"""grey of the frames: told apart from the black of digits and from the white of photographs"""

YELLOW = (255, 210, 0)
"""frame of the training images in `nearest_sheet`, as in the paper"""

# ---------------------------------------------------------------------------------------------------------------- sheets


def to_uint8(images: Any) -> np.ndarray:
    """Brings images to 8 bits: floats are clipped to [0, 1] and rounded to the nearest of 256 levels.

    Args:
      images: uint8, or float in [0, 1], of any shape; values beyond are clipped.

    Returns:
      uint8 of the same shape.

    Raises:
      ValueError: if a value is not finite, or the dtype is another.

    Example:
      >>> import numpy as np
      >>> from jgan import figures
      >>> print(figures.to_uint8(np.array([-0.1, 0.0, 0.5, 1.0])))
      [  0   0 128 255]
    """
    array = np.asarray(images)
    if array.dtype == np.uint8:
        return array
    return np.rint(np.clip(_unit(array), 0, 1) * 255).astype(np.uint8)


def grid(images: Any, *, columns: int | None = None, padding: int = 1, scale: int | None = None) -> np.ndarray:
    """Lays images out in rows, each in a grey frame.

    Args:
      images: `[N, height, width, channels]` uint8 or float in [0, 1], of 1 or 3 channels.
      columns: images in a row; by default as near to a square as N allows. The last row may be short.
      padding: width of each image's frame in pixels of the picture.
      scale: integer factor by which images are enlarged, each pixel becoming a square; by default such that the longer
        side has 48 pixels at least.

    Returns:
      uint8 `[rows * (height * scale + 2 * padding), columns * (width * scale + 2 * padding), channels]`.

    Raises:
      ValueError: if the shape, the dtype or an option is not as told, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan import figures
      >>> figures.grid(np.zeros((64, 8, 8, 1))).shape  # 8 rows of 8, enlarged 6 times
      (400, 400, 1)
    """
    tiles = _tiles(images, scale)
    if columns is None:
        columns = math.ceil(math.sqrt(len(tiles)))
    return _sheet(tiles, columns, padding, np.full((len(tiles), tiles.shape[-1]), BACKGROUND, np.uint8))


def _tiles(images: Any, scale: int | None) -> np.ndarray:
    """The images in 8 bits, enlarged."""
    shape = np.shape(images)
    if len(shape) != 4 or 0 in shape or shape[-1] not in (1, 3):
        raise ValueError(f"expected images of the shape [N, height, width, 1 or 3], at least one, found {shape}")
    if scale is None:
        scale = max(1, math.ceil(LEGIBLE / max(shape[1:3])))
    if scale < 1:
        raise ValueError(f"scale must be at least 1, found {scale}")
    return to_uint8(images).repeat(scale, axis=1).repeat(scale, axis=2)


def _sheet(tiles: np.ndarray, columns: int, padding: int, frames: np.ndarray) -> np.ndarray:
    """Lays tiles out in rows; `frames` is the colour of each one's frame, `[N, channels]`."""
    if columns < 1 or padding < 0:
        raise ValueError(f"columns must be at least 1 and padding at least 0, found {columns} and {padding}")
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    cells = np.full((rows * columns, height + 2 * padding, width + 2 * padding, channels), BACKGROUND, np.uint8)
    cells[:n] = frames[:, None, None, :]
    cells[:n, padding : padding + height, padding : padding + width] = tiles
    rows_of_cells = cells.reshape(rows, columns, *cells.shape[1:])
    return rows_of_cells.swapaxes(1, 2).reshape(rows * cells.shape[1], columns * cells.shape[2], channels)


def save_png(path: str | Path, array: np.ndarray) -> None:
    """Writes a picture as a PNG file, in one piece.

    Args:
      path: the file; its folder must be there. A picture that is there is replaced.
      array: uint8 `[height, width, channels]`, of 1 or 3 channels, as the functions of this module make it.

    Raises:
      ValueError: if it is no such array.
      OSError: if the file cannot be written; one that was there is kept.

    Example:
      >>> import tempfile, numpy as np
      >>> from pathlib import Path
      >>> from jgan import figures
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     figures.save_png(Path(folder) / "black.png", np.zeros((4, 4, 1), np.uint8))
    """
    from PIL import Image

    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] not in (1, 3):
        raise ValueError(f"expected a uint8 picture [height, width, 1 or 3], found {array.dtype} {array.shape}")
    with replacing(path) as temporary:
        Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(temporary, format="PNG")


# --------------------------------------------------------------------------------------------------------- interpolation


def interpolate(start: Any, end: Any, steps: int) -> jax.Array:
    """Points on the straight line from one latent vector to another: `(1 - t) start + t end`, t from 0 to 1.

    Args:
      start: `[..., latent_size]` float, where each line begins.
      end: the same shape, where it ends.
      steps: points on a line, both ends included.

    Returns:
      `[..., steps, latent_size]`; the first point is exactly `start` and the last exactly `end`.

    Raises:
      ValueError: if the shapes differ, or `steps` is below 2.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import figures
      >>> print(figures.interpolate(jnp.array([0.0, 1.0]), jnp.array([1.0, 1.0]), 3))
      [[0.  1. ]
       [0.5 1. ]
       [1.  1. ]]

    References:
      Goodfellow et al. (2014), figure 3, https://arxiv.org/abs/1406.2661
    """
    same_shape("start", start, "end", end)
    if steps < 2:
        raise ValueError(f"steps must be at least 2, the two ends, found {steps}")
    start, end = jnp.asarray(start)[..., None, :], jnp.asarray(end)[..., None, :]
    t = jnp.linspace(0, 1, steps, dtype=start.dtype).reshape((1,) * (start.ndim - 2) + (steps, 1))
    return (1 - t) * start + t * end


def interpolation_sheet(
    generate: Callable[[jax.Array], Any], start: jax.Array, end: jax.Array, *, steps: int = 8, scale: int | None = None
) -> np.ndarray:
    """The paper's figure 3: rows of images whose latents lie on straight lines.

    Args:
      generate: latents `[N, latent_size]` to images `[N, height, width, channels]` in [0, 1].
      start: `[rows, latent_size]`, the latents of the first column.
      end: `[rows, latent_size]`, those of the last.
      steps: images in a row.
      scale: as in `grid`.

    Returns:
      The picture, uint8 `[height, width, channels]`.

    Raises:
      ValueError: as `interpolate` and `grid`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import figures
      >>> brightness = lambda z: jnp.broadcast_to(z[:, None, None, :], (len(z), 8, 8, 1))
      >>> sheet = figures.interpolation_sheet(brightness, jnp.zeros((1, 1)), jnp.ones((1, 1)), steps=3)
      >>> print(sheet[25, 25::50, 0])  # the middles of the three images
      [  0 128 255]

    References:
      Goodfellow et al. (2014), figure 3, https://arxiv.org/abs/1406.2661
    """
    latents = interpolate(start, end, steps)
    return grid(generate(latents.reshape(-1, latents.shape[-1])), columns=steps, scale=scale)


# ---------------------------------------------------------------------------------------------- nearest training images


def nearest_neighbours(samples: Any, training: Any, *, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """The training image nearest to each sample, in Euclidean distance over pixels.

    Args:
      samples: `[N, ...]` uint8, or float in [0, 1].
      training: `[M, ...]` uint8, or float in [0, 1], of the same example shape.
      block: training images compared at once; the memory is `block * N` float64.

    Returns:
      `(indices, distances)`, int64 and float64 `[N]`; the distances are in units of the pixel range [0, 1].

    Raises:
      ValueError: if the examples differ in shape, there is no training image, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan import figures
      >>> indices, distances = figures.nearest_neighbours(np.array([[0.9]]), np.array([[0.0], [1.0]]))
      >>> int(indices[0]), round(float(distances[0]), 6)
      (1, 0.1)
    """
    if np.shape(samples)[1:] != np.shape(training)[1:] or len(training) == 0:
        raise ValueError(
            f"expected samples and at least one training image of one shape, found {np.shape(samples)} and {np.shape(training)}"
        )
    training, x = np.asarray(training), _flat(np.asarray(samples))
    indices, least = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
    for first in range(0, len(training), block):
        y = _flat(training[first : first + block])
        # |x - y|^2 less |x|^2, which is the same for all candidates; float64, so that rounding decides nothing.
        scores = np.sum(y**2, axis=1) - 2 * (x @ y.T)
        best = scores.argmin(axis=1)
        values = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
        indices = np.where(values < least, first + best, indices)
        least = np.minimum(values, least)
    return indices, np.sqrt(np.sum((x - _flat(training[indices])) ** 2, axis=1))


def nearest_sheet(samples: Any, training: Any, *, columns: int = 5, padding: int = 2, scale: int | None = None) -> np.ndarray:
    """The paper's figure 2: rows of samples, each ending in the training image nearest to its last one, framed in yellow.

    A generator that has learnt its training set by heart would show the same image twice.

    Args:
      samples: `[rows * columns, height, width, channels]` uint8 or float in [0, 1].
      training: `[M, height, width, channels]`, likewise.
      columns: samples in a row.
      padding: width of the frames in pixels of the picture.
      scale: as in `grid`.

    Returns:
      The picture, uint8 `[height, width, 3]`.

    Raises:
      ValueError: if the samples do not fill their rows, or as `grid` and `nearest_neighbours`.

    Example:
      >>> import numpy as np
      >>> from jgan import figures
      >>> figures.nearest_sheet(np.zeros((20, 8, 8, 1)), np.ones((3, 8, 8, 1))).shape  # 4 rows of 5 + 1
      (208, 312, 3)

    References:
      Goodfellow et al. (2014), figure 2, https://arxiv.org/abs/1406.2661
    """
    if columns < 1 or len(samples) % columns:
        raise ValueError(f"expected full rows of {columns} samples, found {len(samples)} samples")

    def coloured(images: Any) -> np.ndarray:
        tiles = _tiles(images, scale)
        return np.broadcast_to(tiles, (*tiles.shape[:3], 3))

    indices, _ = nearest_neighbours(np.asarray(samples)[columns - 1 :: columns], training)
    rows = coloured(samples)
    rows = rows.reshape(-1, columns, *rows.shape[1:])
    tiles = np.concatenate([rows, coloured(np.asarray(training)[indices])[:, None]], axis=1)
    frames = np.full((*tiles.shape[:2], 3), BACKGROUND, np.uint8)
    frames[:, -1] = YELLOW
    return _sheet(tiles.reshape(-1, *tiles.shape[2:]), columns + 1, padding, frames.reshape(-1, 3))


def _flat(images: np.ndarray) -> np.ndarray:
    """`[N, pixels]` float64 in [0, 1]."""
    return _unit(images).reshape(len(images), -1)


def _unit(array: np.ndarray) -> np.ndarray:
    """uint8 or float pixels as float64 in [0, 1]."""
    if array.dtype == np.uint8:
        return array / 255
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"expected images in uint8, or in float between 0 and 1, found {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"expected finite pixels, found {np.count_nonzero(~np.isfinite(array))} that are NaN or infinite")
    return array


# ---------------------------------------------------------------------------------------------------------------- curves


def curves(rows: Sequence[Mapping[str, float]], *, balance: Mapping[str, float] | None = None) -> "Figure":
    """The course of a run: losses, the discriminator's accuracies and, if it was measured, the log-likelihood, over steps.

    Args:
      rows: the lines of `metrics.jsonl`; what a line lacks is not drawn.
      balance: the value of each loss where D = 1/2 everywhere, drawn as a dashed line; by default ln 2 for `d_loss` and
        `g_loss`: the non-saturating game with the discriminator's loss halved.

    Returns:
      The figure; `figure.savefig(path)` writes it.

    Raises:
      ValueError: if no row holds a step and a metric.

    Example:
      >>> from jgan import figures
      >>> rows = [{"step": 100, "d_loss": 0.5, "g_loss": 1.2}, {"step": 200, "d_loss": 0.6, "g_loss": 0.9}]
      >>> len(figures.curves(rows).axes)
      1
    """
    from matplotlib.figure import Figure

    if balance is None:
        balance = {"d_loss": math.log(2), "g_loss": math.log(2)}
    rows = [row for row in rows if "step" in row]
    names = list(dict.fromkeys(name for row in rows for name in row))
    panels = [(label, [name for name in names if name.endswith(end)]) for end, label in _PANELS.items()]
    panels = [(label, members) for label, members in panels if members]
    if not panels:
        raise ValueError("expected rows with a step and a loss, an accuracy or a log-likelihood, found none")
    figure = Figure(figsize=(8, 2.4 * len(panels) + 0.4), layout="constrained")
    axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axis, (label, members) in zip(axes, panels, strict=True):
        for name in members:
            points = [(row["step"], row[name]) for row in rows if name in row]
            axis.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 30 else None)
        for value in sorted({balance[name] for name in members if name in balance}):
            axis.axhline(value, color="grey", linestyle="--", linewidth=1, label=f"{value:.3f}: D = 1/2")
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.legend()
    axes[-1].set_xlabel("step")
    return figure


_PANELS = {"_loss": "loss", "_accuracy": "accuracy", "log_likelihood": "nats an image"}
