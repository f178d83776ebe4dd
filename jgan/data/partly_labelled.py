"""Data for semi-supervised models: a few labelled images, and many without labels.

`partly_labelled:SOURCE:N` keeps the labels of N training examples of each class (default 10), evenly spaced within the class;
`partly_labelled:SOURCE:N@CHOICE` those of N at random, others for each number CHOICE, as papers do for a mean over choices. The
set "unlabelled" is the whole training set without its labels, as is usual in semi-supervised learning, so it includes the
labelled examples. Evaluation needs labels: the validation and test parts have all examples in both sets.

A number at the end is always N: if the source has an option, write both, as in `partly_labelled:olivetti:32:5`.
"""

from pathlib import Path

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset
from jgan.data.division import take
from jgan.types import Batch

PER_CLASS = 10
"""Labelled examples of each class if the name has no number."""


def choose(labels: np.ndarray, per_class: int, choice: int | None = None) -> np.ndarray:
    """Selects examples of each class, evenly spaced within the class or at random.

    Args:
      labels: int `[N]`.
      per_class: the number of examples of each class.
      choice: the seed of a random choice; None for evenly spaced ones.

    Returns:
      Indices, int64 `[classes * per_class]`, ascending.

    Raises:
      ValueError: if a class has fewer examples.

    Example:
      >>> import numpy as np
      >>> from jgan.data import partly_labelled
      >>> partly_labelled.choose(np.array([0, 0, 0, 0, 1, 1]), 2).tolist()
      [0, 2, 4, 5]
    """
    chosen = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < per_class:
            raise ValueError(
                f"expected at least {per_class} examples of each class, found {len(members)} of class {label}: lower N"
            )
        if choice is None:
            chosen.append(members[np.arange(per_class) * len(members) // per_class])
        else:
            chosen.append(np.random.default_rng((choice, int(label))).choice(members, per_class, replace=False))
    return np.sort(np.concatenate(chosen))


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads a set in which few examples have labels.

    Args:
      name: `partly_labelled:SOURCE`, `partly_labelled:SOURCE:N` or `partly_labelled:SOURCE:N@CHOICE`.
      data_dir: the data folder of the source.
      held_out: as in `jgan.data.load`, for the source.

    Returns:
      The `Dataset` of the sets "labelled", `Batch(x, y)`, and "unlabelled", `Batch(x)`.

    Raises:
      ValueError: if the source is not one set with labels, or a class has fewer than N training examples.

    Example:
      >>> from jgan import data
      >>> dataset = data.load("partly_labelled:digits:5")
      >>> dataset.train["labelled"].x.shape, dataset.train["unlabelled"].x.shape
      ((50, 8, 8, 1), (1204, 8, 8, 1))
    """
    rest = sources.inner(name, "partly_labelled:mnist:10")
    base, _, last = rest.rpartition(":")
    number, at, seed = last.partition("@")
    if not (base and number.isdecimal()):
        inner, per_class, choice = rest, PER_CLASS, None
    elif at and not seed.isdecimal():
        raise ValueError(f"{name}: expected the number of a choice after @, found {seed!r}")
    else:
        inner, per_class, choice = base, int(number), int(seed) if at else None
    source = sources.load(inner, data_dir, held_out=held_out)
    if not isinstance(source.fields, Batch) or source.fields.y is None:
        raise ValueError(f"{name}: expected one set with class labels, found {source.name}: choose another set")
    if per_class < 1:
        raise ValueError(f"{name}: expected at least 1 labelled example of each class, found {per_class}")
    parts = {part: {"labelled": batch, "unlabelled": batch._replace(y=None)} for part, batch in source.parts.items()}
    parts["train"]["labelled"] = take(source.train, choose(source.train.y, per_class, choice))
    fields = {"labelled": source.fields, "unlabelled": source.fields._replace(y=None)}
    return Dataset(name, **parts, fields=fields, truth=source.truth)


sources.register(
    "partly_labelled",
    load,
    f"for semi-supervised models: N labelled examples of each class of SOURCE ({PER_CLASS} by default), and all without labels",
    usage="partly_labelled:SOURCE:N",
    holds_out=True,
)
