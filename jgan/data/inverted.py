"""Two unpaired domains with a known answer: images, and inverted images (1 - x) of others.

`inverted:SOURCE` takes any set of images. Domain "a" is half of the training images, domain "b" the inverted other half, so no
image occurs in both and a model of the translation, such as CycleGAN, cannot learn from pairs. The true translation is known,
in both directions: 1 - x.

The halves are divided alternately within each class, so that both domains have the same share of each class. They differ in
size, like real unpaired domains: a class with an odd number of images gives "a" one more; if the halves are still equal, the
last image of each class with two or more images in "b" is dropped from "b". The labels `y` are kept for evaluation only.

In the validation and the test part both domains hold all images: row i of "b" is the true translation of row i of "a".
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset
from jgan.data.division import hold_out, place_in_class, take
from jgan.data.kinds import length
from jgan.types import Batch, Field


def invert(images: Any) -> Any:
    """The true translation, in both directions.

    Args:
      images: float in [0, 1].

    Returns:
      `1 - images`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import inverted
      >>> inverted.invert(np.array([0.0, 0.25])).tolist()
      [1.0, 0.75]
    """
    return 1 - images


def as_stored(images: np.ndarray) -> np.ndarray:
    """`invert` of images as a data set holds them.

    Args:
      images: uint8, or float in [0, 1].

    Returns:
      The inverted images, of the same dtype.

    Example:
      >>> import numpy as np
      >>> from jgan.data import inverted
      >>> inverted.as_stored(np.array([0, 255], np.uint8)).tolist()
      [255, 0]
    """
    return 255 - images if images.dtype == np.uint8 else invert(images)


def halves(train: Batch) -> dict[str, Batch]:
    """Splits a set into two domains of different sizes, without common examples.

    Args:
      train: the set.

    Returns:
      `{"a": ..., "b": ...}`; "b" is not inverted yet.

    Raises:
      ValueError: if no class has two examples.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import inverted
      >>> [half.x.tolist() for half in inverted.halves(Batch(np.arange(6))).values()]
      [[0, 2, 4], [1, 3]]
    """
    a, b = hold_out(train, every=2)
    if length(a) == length(b):
        labels = np.zeros(length(b), np.int32) if b.y is None else b.y
        last = place_in_class(b) == np.bincount(labels)[labels] - 1
        b = take(b, ~last | (place_in_class(b) == 0))
    return {"a": a, "b": b}


def domains(source: Dataset, a: Callable[[Batch], Batch], b: Callable[[Batch], Batch]) -> dict[str, dict[str, Batch]]:
    """The parts of a set of two unpaired domains, made from one set.

    Args:
      source: the set.
      a: `a(batch) -> batch`, the images of the domain "a".
      b: the same of "b".

    Returns:
      For each part both domains: of the halves of the training set, and of the whole validation and test set.

    Example:
      >>> from jgan import data
      >>> from jgan.data import inverted
      >>> parts = inverted.domains(data.load("digits"), lambda batch: batch, lambda batch: batch)
      >>> [len(batch.x) for batch in (*parts["train"].values(), *parts["test"].values())]
      [604, 600, 296, 296]
    """
    divided = {part: dict.fromkeys("ab", source.parts[part]) for part in ("validation", "test")}
    divided = {"train": halves(source.train), **divided}
    return {part: {"a": a(sets["a"]), "b": b(sets["b"])} for part, sets in divided.items()}


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set of images as two domains.

    Args:
      name: `inverted:SOURCE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset` of the sets "a" and "b"; its `truth` is `invert`.

    Raises:
      ValueError: if the source is not one set of images.

    Example:
      >>> from jgan import data
      >>> dataset = data.load("inverted:digits")
      >>> len(dataset.train["a"].x), len(dataset.train["b"].x), len(dataset.test["a"].x), len(dataset.test["b"].x)
      (604, 600, 296, 296)
    """
    source = sources.load(sources.inner(name, "inverted:mnist"), data_dir, held_out=held_out)
    if not isinstance(source.fields, Batch) or not isinstance(source.fields.x, Field) or source.fields.x.kind != "image":
        raise ValueError(f"{name}: expected one set of images after the colon, found {source.name}: choose another set")
    parts = domains(source, lambda a: a, lambda b: b._replace(x=as_stored(b.x)))
    return Dataset(name, **parts, fields=dict.fromkeys("ab", source.fields), truth=invert)


sources.register(
    "inverted",
    load,
    "two unpaired domains for CycleGAN: half of the images of SOURCE, and the inverted (1 - x) other half",
    usage="inverted:SOURCE",
    holds_out=True,
)
