"""Checks of the data that a model accepts: each raises a `ValueError` that names the expected and the found data."""

from collections.abc import Callable

from jgan.types import DataSpec, Field


def described(spec: DataSpec) -> str:
    """Describes the data in words, for messages.

    Args:
      spec: the description of the data.

    Returns:
      The text.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import accepts
      >>> accepts.described(DataSpec.images((8, 8, 1), 10, n_classes=10))
      'images of 8x8x1 with labels of 10 classes'
    """
    parts = []
    for name, batch in spec.sets.items():
        fields: list[Field] = [batch.x] if isinstance(batch.x, Field) else []
        words = ", ".join(f"{_plural(field)} {'x'.join(map(str, field.shape))}" for field in fields) or "a tree of arrays"
        if batch.y is not None:
            words += f" with labels of {batch.y.size} classes"
        if batch.c != ():
            words += " with conditions"
        parts.append(f"{name}: {words}" if name else words)
    return "; ".join(parts)


def _plural(field: Field) -> str:
    return {
        "image": "images of",
        "points": "points of",
        "label": "labels of",
        "tokens": "sequences of tokens of",
        "photographs": "photographs of at least",
    }[field.kind]


def images(spec: DataSpec, *, labels: bool = False) -> None:
    """Accepts one set of images.

    Args:
      spec: the description of the data.
      labels: whether the images must have class labels.

    Raises:
      ValueError: if the data are something else.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import accepts
      >>> accepts.images(DataSpec.points((2,), 10))
      Traceback (most recent call last):
      ValueError: this model is for images, found points of 2: choose another --dataset
    """
    _one(spec, "image", "images")
    if labels and not spec.n_classes:
        raise ValueError(f"this model is for images with class labels, found {described(spec)}: choose another --dataset")


def classes(spec: DataSpec, labels: bool) -> int:
    """The classes that the networks of a model are told of, for a model that can be made with labels or without.

    Args:
      spec: the description of the data.
      labels: whether it is made with labels.

    Returns:
      The number of classes of the data; 0 without labels.

    Raises:
      ValueError: if it is made with labels and the data have none.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import accepts
      >>> accepts.classes(DataSpec.images((8, 8, 1), 10, n_classes=10), True)
      10
    """
    if not labels:
        return 0
    images(spec, labels=True)
    return spec.n_classes


def points(spec: DataSpec) -> None:
    """Accepts one set of points.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: if the data are something else.
    """
    _one(spec, "points", "points")


def pairs(spec: DataSpec) -> None:
    """Accepts one set of images with a source image of the same sides as the condition of each.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: if the data are something else.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import accepts
      >>> accepts.pairs(DataSpec.images((8, 8, 1), 10))
      Traceback (most recent call last):
      ValueError: this model is for pairs of images of equal sides, found images of 8x8x1: choose another --dataset
    """
    batches = list(spec.sets.values())
    x, c = batches[0].x, batches[0].c
    image = all(isinstance(field, Field) and field.kind == "image" for field in (x, c))
    if len(batches) != 1 or not image or x.shape[:2] != c.shape[:2]:
        raise ValueError(f"this model is for pairs of images of equal sides, found {described(spec)}: choose another --dataset")


def several(*names: str, equal_channels: bool = True) -> Callable[[DataSpec], None]:
    """Makes a check for several sets of images.

    Args:
      *names: the names of the sets.
      equal_channels: whether the images of all sets must have equally many channels.

    Returns:
      `accepts(spec)`.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import accepts
      >>> accepts.several("a", "b")(DataSpec.images((8, 8, 1), 10))  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      ValueError: this model is for the sets a and b of images of equal channels, found images of 8x8x1: ...
    """

    def check(spec: DataSpec) -> None:
        kinds = {batch.x.kind if isinstance(batch.x, Field) else "tree" for batch in spec.sets.values()}
        channels = {batch.x.shape[-1] for batch in spec.sets.values() if isinstance(batch.x, Field) and batch.x.shape}
        if set(spec.sets) != set(names) or kinds != {"image"} or (equal_channels and len(channels) != 1):
            expected = f"the sets {' and '.join(names)} of images{' of equal channels' if equal_channels else ''}"
            raise ValueError(f"this model is for {expected}, found {described(spec)}: choose another --dataset")

    return check


def tokens(spec: DataSpec) -> None:
    """Accepts one set of sequences of tokens.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: if the data are something else.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import accepts
      >>> accepts.tokens(DataSpec.points((2,), 10))
      Traceback (most recent call last):
      ValueError: this model is for sequences of tokens, found points of 2: choose another --dataset
    """
    _one(spec, "tokens", "sequences of tokens")


def _one(spec: DataSpec, kind: str, words: str) -> None:
    fields = [batch.x for batch in spec.sets.values()]
    if len(fields) != 1 or not isinstance(fields[0], Field) or fields[0].kind != kind:
        raise ValueError(f"this model is for {words}, found {described(spec)}: choose another --dataset")
