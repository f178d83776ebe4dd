"""Pairs whose shape is shared and whose colours are free: a grey image as the condition, and the same in random colours.

`coloured:SOURCE` takes any set of grey images, such as digits. The condition is the image stretched to the whole range from 0
to 1. In the coloured image 0 becomes the background's colour and 1 the ink's, with a straight line between them. Each channel
of the background is drawn from 0 ... 0.4 and of the ink from 0.6 ... 1, for each image, the same at every load.

From a coloured image the grey one follows, but not the reverse. A translation there and back therefore cannot keep the colours,
unless the grey image hides them: see `jgan.metrics.hiding`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.types import Batch


def shape_of(images: Any) -> Any:
    """The grey image in a coloured one: each channel stretched to the range 0 ... 1, and their mean.

    Args:
      images: `[..., height, width, channels]` float, of NumPy or of JAX.

    Returns:
      `[..., height, width, 1]` in [0, 1]; a constant channel gives 0.

    Example:
      >>> import numpy as np
      >>> from jgan.data import coloured
      >>> coloured.shape_of(np.array([0.2, 0.5, 0.8]).reshape(1, 3, 1)).ravel().round(3).tolist()
      [0.0, 0.5, 1.0]
    """
    low, high = images.min((-3, -2), keepdims=True), images.max((-3, -2), keepdims=True)
    span = high - low
    return ((images - low) / (span + (span == 0))).mean(-1, keepdims=True)


def paint(batch: Batch, seed: int) -> Batch:
    """Grey images and the same in random colours.

    Args:
      batch: `x` is `[N, height, width, 1]`, uint8 or float in [0, 1].
      seed: of the colours.

    Returns:
      The `Batch`: `c` the stretched images `[N, height, width, 1]`, `x` the coloured ones `[N, height, width, 3]`, of the dtype
      of the given ones.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import coloured
      >>> made = coloured.paint(Batch(np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)), 0)
      >>> made.c.ravel().tolist(), made.x.shape
      ([0, 85, 170, 255], (1, 2, 2, 3))
    """
    stored, generator = batch.x.dtype, np.random.default_rng(seed)
    background, ink = (generator.uniform(low, low + 0.4, (len(batch.x), 1, 1, 3)) for low in (0.0, 0.6))
    shape = shape_of(batch.x.astype(np.float64))
    unit = lambda x: np.rint(255 * x).astype(np.uint8) if stored == np.uint8 else x.astype(stored)  # noqa: E731
    return batch._replace(c=unit(shape), x=unit(background + shape * (ink - background)))


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Grey images with coloured versions.

    Args:
      name: `coloured:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `c` the grey images, `x` the coloured ones, `y` the source's; `truth` is `shape_of`.

    Raises:
      ValueError: if the source is not one set of grey images, or already has conditions.

    Example:
      >>> from jgan import data
      >>> data.load("coloured:digits").train.x.shape
      (1204, 8, 8, 3)
    """
    source = pairs.images_of(name, "coloured:mnist", data_dir, held_out, channels=1)
    return pairs.made(name, source, paint, truth=shape_of)


sources.register(
    "coloured",
    load,
    "pairs of one shape and free colours: the grey images of SOURCE in random colours of ink and background and, as c, grey",
    usage="coloured:SOURCE",
    holds_out=True,
)
