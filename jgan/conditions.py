"""Functions that select the condition, or the real examples, of a game from a minibatch."""

from typing import Any

from jgan.types import Batch


def labels(batch: Batch) -> Any:
    """The condition of a class-conditional game: the labels of the examples."""
    return batch.y


def source(batch: Batch) -> Any:
    """The condition of an image-to-image game: the source images of the examples; a `ValueError` if there are none."""
    if isinstance(batch.c, tuple) and not batch.c:
        raise ValueError("this game is conditioned on source images, and batch.c has none: give a data set of pairs")
    return batch.c


def unconditional(batch: Batch) -> Any:
    """The condition of an unconditional game: none."""
    return ()


def whole(batch: Any) -> Any:
    """The real examples of a data set with a single set: the minibatch itself."""
    return batch
