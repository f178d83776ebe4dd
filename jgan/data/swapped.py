"""Pairs of images in the other direction: what was the condition becomes the image to be made, and the reverse.

`swapped:PAIRS` takes any set of pairs: `swapped:edges:mnist` asks for the edges of a digit.
"""

from pathlib import Path

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.types import Batch, Key


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Pairs with `x` and `c` exchanged.

    Args:
      name: `swapped:PAIRS`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset`, without `truth`; a `view` of the source is kept.

    Raises:
      ValueError: if the source is not a set of pairs of images.

    Example:
      >>> from jgan import data
      >>> edges, swapped = data.load("edges:digits"), data.load("swapped:edges:digits")
      >>> bool((swapped.test.x == edges.test.c).all())
      True
    """
    source = pairs.pairs_of(name, "swapped:edges:mnist", data_dir, held_out)
    swap = lambda batch: batch._replace(x=batch.c, c=batch.x)  # noqa: E731

    def view(key: Key, batch: Batch, axis_name: str | None = None) -> Batch:
        return swap(source.view(key, swap(batch), axis_name=axis_name))

    return pairs.made(name, source, lambda batch, _: swap(batch), view=view if source.view else None)


sources.register(
    "swapped",
    load,
    "pairs in the other direction: of PAIRS, such as edges:mnist, x becomes c and c becomes x",
    usage="swapped:PAIRS",
    holds_out=True,
)
