"""Two unpaired domains made from pairs: the source images of one half, and the target images of the other half.

`unpaired:PAIRS` takes any set of pairs, such as `edges:mnist`. Domain "a" holds the sources (`c`) of half of the training
pairs, domain "b" the targets (`x`) of the other half, so that no pair is left; the halves are those of `jgan.data.inverted`.

In the validation and the test part both domains hold all images: row i of "a" and row i of "b" are a pair.
"""

from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import pairs, sources
from jgan.data.dataset import Dataset
from jgan.data.inverted import domains
from jgan.data.kinds import converted
from jgan.types import Batch, Field


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set of pairs as two domains.

    Args:
      name: `unpaired:PAIRS`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset` of the sets "a" and "b"; its `truth` is a dict of the known translations: the source's own from "b" to "a"
      and, if it is also that from "a" to "b" (negatives), both.

    Raises:
      ValueError: if the source is not a set of pairs of images.

    Example:
      >>> from jgan import data
      >>> dataset = data.load("unpaired:edges:digits")
      >>> len(dataset.train["a"].x), len(dataset.train["b"].x), len(dataset.test["b"].x), sorted(dataset.truth)
      (604, 600, 296, ['ba'])
    """
    source = pairs.pairs_of(name, "unpaired:edges:mnist", data_dir, held_out)
    parts = domains(source, lambda a: _only(a, a.c), lambda b: _only(b, b.x))
    fields = {"a": _only(source.fields, source.fields.c), "b": _only(source.fields, source.fields.x)}
    return Dataset(name, **parts, fields=fields, truth=_known(source))


def _only(batch: Any, images: Any) -> Batch:
    return Batch(images, batch.y)


def _known(source: Dataset) -> dict[str, Any]:
    """The truth by direction; that from "a" to "b" is tried on the first validation pairs."""
    if not callable(source.truth):
        return {}
    x, c = (_first(field, part) for field, part in zip(source.fields[::2], source.validation[::2], strict=True))
    tried = np.asarray(source.truth(c))
    both = tried.shape == x.shape and np.allclose(tried, x, atol=1e-6)
    return {"ba": source.truth} | ({"ab": source.truth} if both else {})


def _first(field: Field, images: np.ndarray) -> np.ndarray:
    return np.asarray(converted(field, images[:100]))


sources.register(
    "unpaired",
    load,
    "two unpaired domains for CycleGAN: of PAIRS, such as edges:mnist, c of one half of the pairs and x of the other half",
    usage="unpaired:PAIRS",
    holds_out=True,
)
