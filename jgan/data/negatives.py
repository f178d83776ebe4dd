"""Pairs for image-to-image models with a known answer: an image as the condition, and its negative, `1 - c`.

`negatives:SOURCE` takes any set of images. `inverted:SOURCE` is the same task without pairs.
"""

from pathlib import Path

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.data.inverted import as_stored, invert


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Images with their negatives.

    Args:
      name: `negatives:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`: `c` the images, `x` their negatives, `y` the source's; `truth` is `jgan.data.inverted.invert`.

    Raises:
      ValueError: if the source is not one set of images, or already has conditions.

    Example:
      >>> from jgan import data
      >>> train = data.load("negatives:digits").train
      >>> int(train.x[0, 0, 0, 0]), int(train.c[0, 0, 0, 0])
      (255, 0)
    """
    source = pairs.images_of(name, "negatives:mnist", data_dir, held_out)
    return pairs.made(name, source, lambda batch, _: batch._replace(c=batch.x, x=as_stored(batch.x)), truth=invert)


sources.register(
    "negatives",
    load,
    "pairs for image-to-image models: the inverted (1 - c) images of SOURCE and, as c, the images",
    usage="negatives:SOURCE",
    holds_out=True,
)
