"""Stacked images, whose modes can be counted: three grey images of a set become the channels of one colour image.

`stacked:SOURCE` takes any set of grey images with labels. Of MNIST it makes the Stacked MNIST of the literature: 1,000 modes,
one for each triple of digits. A generator is examined by classifying the three channels of its samples apart.

The sets have as many images as the source. The red channels are its images in their order, the green and the blue ones the same
images in two other orders, which are fixed. The label of an image is `(a * K + b) * K + c` for the classes a, b and c of its
channels and K classes of the source.
"""

from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset
from jgan.types import Batch, Field


def stack(batch: Batch, classes: int, seed: int) -> Batch:
    """Stacks the images of a set in three orders.

    Args:
      batch: `[N, h, w, 1]` images and `[N]` labels.
      classes: the number of classes.
      seed: of the second and the third order.

    Returns:
      `[N, h, w, 3]` images and `[N]` int32 labels.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import stacked
      >>> x = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
      >>> made = stacked.stack(Batch(x, np.array([0, 1, 2, 3])), 4, 0)
      >>> made.x[:, 0, 0, 0].tolist(), bool((made.y == made.x.reshape(4, 3) @ [16, 4, 1]).all())
      ([0, 1, 2, 3], True)
    """
    x, y = np.asarray(batch.x), np.asarray(batch.y, np.int32)
    generator = np.random.default_rng(seed)
    orders = [np.arange(len(x)), generator.permutation(len(x)), generator.permutation(len(x))]
    labels = np.zeros(len(x), np.int32)
    for order in orders:
        labels = labels * classes + y[order]
    return Batch(np.concatenate([x[order] for order in orders], axis=-1), labels)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set of grey images as stacked images.

    Args:
      name: `stacked:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`.

    Raises:
      ValueError: if the source is not one set of grey images with labels.

    Example:
      >>> from jgan import data
      >>> dataset = data.load("stacked:digits")
      >>> dataset.train.x.shape, dataset.fields.y.size
      ((1204, 8, 8, 3), 1000)
    """
    source = sources.load(sources.inner(name, "stacked:mnist"), data_dir, held_out=held_out)
    fields = source.fields
    grey = isinstance(fields, Batch) and isinstance(fields.x, Field) and fields.x.kind == "image" and fields.x.shape[-1] == 1
    if not grey or fields.y is None:
        raise ValueError(f"{name}: expected grey images with labels after the colon, found {source.name}: choose another set")
    classes = fields.y.size
    parts = {part: stack(batch, classes, seed) for seed, (part, batch) in enumerate(source.parts.items())}
    image = Field((*fields.x.shape[:-1], 3), "image")
    return Dataset(name, **parts, fields=Batch(image, Field((), "label", classes**3)))


sources.register(
    "stacked",
    load,
    "colour images of three grey ones each, such as Stacked MNIST with its 1,000 modes: the channels are images of SOURCE",
    usage="stacked:SOURCE",
    holds_out=True,
)
