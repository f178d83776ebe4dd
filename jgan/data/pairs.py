"""What sources of pairs share: sets whose examples are an image `x` and the source image `c` that it is to be made from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jgan.data import sources
from jgan.data.dataset import Dataset
from jgan.types import Batch, Field


def images_of(name: str, example: str, data_dir: Path | None, held_out: int | None, *, channels: int | None = None) -> Dataset:
    """The set of images that a set of pairs is made from.

    Args:
      name: the name of the set of pairs, such as `edges:mnist`.
      example: a valid name, for the error message.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`.
      channels: the channels that the images must have, 1 or 3; None for either.

    Returns:
      The source's `Dataset`.

    Raises:
      ValueError: if the source is not one set of such images, or already has conditions.

    Example:
      >>> from jgan.data import pairs
      >>> pairs.images_of("edges:digits", "edges:mnist", None, None).name
      'digits'
    """
    source = sources.load(sources.inner(name, example), data_dir, held_out=held_out)
    fields = source.fields
    image = isinstance(fields, Batch) and isinstance(fields.x, Field) and fields.x.kind == "image" and fields.c == ()
    if not image or channels not in (None, fields.x.shape[-1]):
        kind = {None: "images", 1: "grey images", 3: "colour images"}[channels]
        raise ValueError(
            f"{name}: expected one set of {kind} without conditions after the colon, found {source.name}: choose another set"
        )
    return source


def pairs_of(name: str, example: str, data_dir: Path | None, held_out: int | None) -> Dataset:
    """The set of pairs that another set is made from.

    Args:
      name: the name of the set, such as `swapped:edges:mnist`.
      example: a valid name, for the error message.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`.

    Returns:
      The source's `Dataset`.

    Raises:
      ValueError: if the source is not a set of pairs of images.

    Example:
      >>> from jgan.data import pairs
      >>> pairs.pairs_of("swapped:edges:digits", "swapped:edges:mnist", None, None).name
      'edges:digits'
    """
    source = sources.load(sources.inner(name, example), data_dir, held_out=held_out)
    fields = source.fields
    if not isinstance(fields, Batch) or any(getattr(part, "kind", "") != "image" for part in (fields.x, fields.c)):
        raise ValueError(f"{name}: expected a set of pairs of images after the colon, found {source.name}: choose another set")
    return source


def made(name: str, source: Dataset, pair: Callable[[Batch, int], Batch], *, truth: Any = None, view: Any = None) -> Dataset:
    """The set of pairs made from another set, part by part.

    Args:
      name: its name.
      source: the other set.
      pair: `pair(batch, number) -> batch` with the images `x` and `c`, of the parts 0, 1 and 2.
      truth: see `Dataset`.
      view: see `Dataset`.

    Returns:
      The `Dataset`.

    Example:
      >>> from jgan import data
      >>> from jgan.data import pairs
      >>> digits = data.load("digits")
      >>> pairs.made("same", digits, lambda batch, _: batch._replace(c=batch.x)).fields.c.shape
      (8, 8, 1)
    """
    parts = {part: pair(batch, number) for number, (part, batch) in enumerate(source.parts.items())}
    images = {key: Field(getattr(parts["train"], key).shape[1:]) for key in ("x", "c")}
    return Dataset(name, **parts, fields=source.fields._replace(**images), truth=truth, view=view)
