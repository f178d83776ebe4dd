"""Functions that select the condition, or the real examples, of a game from a minibatch."""

from typing import Any

from jgan.types import Batch


def labels(batch: Batch) -> Any:
    """The condition of a class-conditional game: the labels of the examples.

    Args:
      batch: the examples.

    Returns:
      `batch.y`, `[B]` int32.

    Example:
      >>> from jgan import conditions
      >>> from jgan.types import Batch
      >>> conditions.labels(Batch(x=[0.5], y=[3]))
      [3]
    """
    return batch.y


def source(batch: Batch) -> Any:
    """The condition of an image-to-image game: the source images of the examples.

    Args:
      batch: the examples.

    Returns:
      `batch.c`, a tree of `[B, height, width, channels]` images.

    Raises:
      ValueError: if the batch has no source images.

    Example:
      >>> from jgan import conditions
      >>> from jgan.types import Batch
      >>> conditions.source(Batch(x=[0.5]))
      Traceback (most recent call last):
      ValueError: this game is conditioned on source images, and batch.c has none: give a data set of pairs
    """
    if isinstance(batch.c, tuple) and not batch.c:
        raise ValueError("this game is conditioned on source images, and batch.c has none: give a data set of pairs")
    return batch.c


def unconditional(batch: Batch) -> Any:
    """The condition of an unconditional game.

    Args:
      batch: the examples.

    Returns:
      `()`.
    """
    return ()


def whole(batch: Any) -> Any:
    """The real examples of a data set with a single set.

    Args:
      batch: the minibatch.

    Returns:
      The minibatch itself.
    """
    return batch
