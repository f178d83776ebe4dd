"""Divides a set into parts for training, validation and testing: class by class, or at its end."""

from typing import Any

import jax
import numpy as np

from jgan import ragged
from jgan.data import lazy
from jgan.data.kinds import length, sets_of
from jgan.ragged import is_ragged
from jgan.types import Batch


def take(part: Any, index: slice | np.ndarray) -> Any:
    """Selects examples: the same rows of every array.

    Args:
      part: a `Batch` of NumPy arrays, or a dict of `Batch`es or any tree, from each of which the same rows are selected.
      index: a NumPy index of the first axis.

    Returns:
      The same tree with those examples; images that are read when they are needed are not read.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import division
      >>> division.take(Batch(np.arange(4), c=np.arange(4) * 10), slice(2)).c.tolist()
      [0, 10]
    """
    found = ragged.per_example(lambda leaf: leaf.subset(index) if lazy.is_lazy(leaf) else leaf[index], part)
    return jax.tree.map(lambda leaf: leaf.compact() if is_ragged(leaf) else leaf, found, is_leaf=is_ragged)


def hold_out(part: Any, *, every: int, parts: int = 1) -> tuple[Any, ...]:
    """Splits a set class by class: of each `every` successive examples of a class, the last `parts` go to one part each.

    So every part has the same share of each class and examples from the whole set; neighbours in a file often share
    one writer or one scene.

    Args:
      part: the set; without labels, all examples are one class. Each set of a dict is divided separately.
      every: the number of successive examples of a class that are distributed at a time.
      parts: the number of these that are held out, one for each part; less than `every`.

    Returns:
      `(rest, part, ...)`, with `parts` parts, each in the original order.

    Raises:
      ValueError: if a part would be empty.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import division
      >>> [part.x.tolist() for part in division.hold_out(Batch(np.arange(7)), every=3, parts=2)]
      [[0, 3, 6], [1, 4], [2, 5]]
    """
    if not isinstance(part, Batch):
        divided = {name: hold_out(batch, every=every, parts=parts) for name, batch in sets_of(part).items()}
        return tuple({name: groups[index] for name, groups in divided.items()} for index in range(parts + 1))
    place = place_in_class(part) % every
    groups = [place < every - parts, *(place == every - parts + index for index in range(parts))]
    if not all(group.any() for group in groups):
        some, each, classes = "", "", ""
        if part.y is not None:
            some, each, classes = " of some class", " of each", f" examples of {len(np.unique(part.y))} classes"
        raise ValueError(
            f"expected at least {every} examples{some}, to hold out {parts} in {every}{each}, found {len(place)}{classes}: "
            "give more examples"
        )
    return tuple(take(part, group) for group in groups)


def place_in_class(batch: Batch) -> np.ndarray:
    """The position of each example within its class, counted from 0 in the set's order.

    Args:
      batch: the set; without labels, all examples are one class.

    Returns:
      int64 `[N]`.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import division
      >>> division.place_in_class(Batch(np.zeros((5, 1)), np.array([3, 0, 3, 3, 0]))).tolist()
      [0, 0, 1, 2, 1]
    """
    labels = np.zeros(length(batch), np.int32) if batch.y is None else batch.y
    place = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = np.arange(len(members))
    return place


def hold_out_tail(train: Batch, test_size: int) -> tuple[Batch, Batch]:
    """Splits a training set in file order: the last examples validate, as many as the test set has but at most a fifth.

    This gives the divisions of the 2014 paper's authors: MNIST [0, 50000) and [50000, 60000), CIFAR-10 [0, 40000) and
    [40000, 50000). The order of the set must not be by class.

    Args:
      train: the whole training set.
      test_size: the number of test examples.

    Returns:
      `(train, validation)`.

    Raises:
      ValueError: if there are fewer than five training examples, or no test examples.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import division
      >>> [part.x.tolist() for part in division.hold_out_tail(Batch(np.arange(6)), test_size=1)]
      [[0, 1, 2, 3, 4], [5]]
    """
    n = length(train)
    size = min(test_size, n // 5)
    if size < 1:
        raise ValueError(f"expected at least 5 training and 1 test examples, found {n} and {test_size}: give a larger set")
    return take(train, slice(n - size)), take(train, slice(n - size, None))
