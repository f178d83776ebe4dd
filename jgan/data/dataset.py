"""What every source of data returns, and how a set that comes undivided is divided: the same files, the same sets."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.types import Batch, DataSpec

PARTS = ("train", "validation", "test")
"""The sets of a data set, by their names in folders and files."""


class Dataset(NamedTuple):
    """A whole data set in the machine's memory.

    Attributes:
      name: what it was loaded by.
      train: the training examples: `x` uint8 images `[N, height, width, channels]` (of synthetic sets float32 in [0, 1]) or
        float32 points `[N, d]`, `y` int32 `[N]` class numbers or None, all NumPy arrays.
      validation: images for choosing by: a width, a checkpoint, an option. Never trained on.
      test: images for the final measure alone.
    """

    name: str
    train: Batch
    validation: Batch
    test: Batch


def spec(dataset: Dataset, batch_size: int) -> DataSpec:
    """What a model must know of a data set.

    Args:
      dataset: the data set.
      batch_size: examples in a minibatch, over all devices.

    Returns:
      The `DataSpec`; its mean image (or mean point) is float64, over the training set only.

    Raises:
      ValueError: if the batch size is not in 1 ... N.

    Example:
      >>> from jgan import data
      >>> about = data.spec(data.load("digits"), batch_size=100)
      >>> about.image_shape, about.steps_per_epoch, round(float(about.pixel_mean.mean()), 2)
      ((8, 8, 1), 12, 0.31)
    """
    x = dataset.train.x
    if not 1 <= batch_size <= len(x):
        raise ValueError(
            f"the batch size must be from 1 to the {len(x)} training images of {dataset.name}, found {batch_size}: "
            "choose a smaller batch or a larger set"
        )
    mean = np.mean(x, axis=0, dtype=np.float64)
    return DataSpec(x.shape[1:], len(x) // batch_size, mean / 255 if x.dtype == np.uint8 else mean)


def reads_no_files(name: str, data_dir: Path | None, *, kind: str = "synthetic") -> None:
    """Insists that no folder is given for a set that has no files.

    Args:
      name: of the set.
      data_dir: must be None.
      kind: what the set is instead.

    Raises:
      ValueError: if a folder is given.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import dataset
      >>> dataset.reads_no_files("ring8", Path("here"))
      Traceback (most recent call last):
      ValueError: ring8 is synthetic and reads no files, found the data folder here: leave it out
    """
    if data_dir is not None:
        raise ValueError(f"{name} is {kind} and reads no files, found the data folder {data_dir}: leave it out")


def take(batch: Batch, index: slice | np.ndarray) -> Batch:
    """Some examples of a batch, labels included.

    Args:
      batch: NumPy arrays.
      index: what NumPy takes as an index of the first axis.

    Returns:
      The `Batch` of those examples.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import dataset
      >>> dataset.take(Batch(np.arange(4)), slice(2)).x.tolist()
      [0, 1]
    """
    return Batch(batch.x[index], None if batch.y is None else batch.y[index])


def hold_out(batch: Batch, *, every: int, parts: int = 1) -> tuple[Batch, ...]:
    """Divides a set class by class: in each class's own order, the last `parts` of each `every` images go to one part each.

    So every part holds the classes in equal shares, and images from all over the set: neighbours in a file often come from one
    hand or one scene.

    Args:
      batch: the set; without labels it is one class.
      every: the length of the round.
      parts: how many images of a round are held out, each for a part of its own; below `every`.

    Returns:
      `(rest, part, ...)`, with `parts` parts, each in the set's order.

    Raises:
      ValueError: if a part would be empty.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import dataset
      >>> [part.x.tolist() for part in dataset.hold_out(Batch(np.arange(7)), every=3, parts=2)]
      [[0, 3, 6], [1, 4], [2, 5]]
    """
    labels = np.zeros(len(batch.x), np.int32) if batch.y is None else batch.y
    place = np.empty(len(labels), np.int64)  # of each image within its class, modulo the round
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = np.arange(len(members)) % every
    groups = [place < every - parts, *(place == every - parts + part for part in range(parts))]
    if not all(group.any() for group in groups):
        raise ValueError(
            f"expected at least {every} images of some class, to hold out {parts} in {every} of each, found {len(labels)} "
            f"images of {len(np.unique(labels))} classes: give more images"
        )
    return tuple(take(batch, group) for group in groups)


def complete(name: str, sets: dict[str, Batch]) -> Dataset:
    """Makes a data set of the sets that there are: one that is missing is held out of the training images of each class.

    Args:
      name: the name of the result.
      sets: `"train"`, and `"validation"` and `"test"` if there are such. If one of these is missing it gets a fifth of the
        training images, if both are missing each gets a sixth: see `hold_out`.

    Returns:
      The `Dataset`.

    Raises:
      ValueError: if the sets have images of different shapes, or not all of them labels, or too few.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import dataset
      >>> [part.x.tolist() for part in dataset.complete("numbers", {"train": Batch(np.arange(6))})[1:]]
      [[0, 1, 2, 3], [4], [5]]
    """
    train = sets["train"]
    for part, batch in sets.items():
        if batch.x.shape[1:] != train.x.shape[1:] or (batch.y is None) != (train.y is None):
            raise ValueError(
                f"{name}: expected images of one shape, all with labels or all without, found {_describe(train)} in train and "
                f"{_describe(batch)} in {part}"
            )
    missing = [part for part in PARTS if part not in sets]
    rest, *held = hold_out(train, every=4 + len(missing), parts=len(missing)) if missing else (train,)
    return Dataset(name, **{**sets, "train": rest, **dict(zip(missing, held, strict=True))})


def _describe(batch: Batch) -> str:
    return f"{'x'.join(map(str, batch.x.shape[1:]))} {'without' if batch.y is None else 'with'} labels"


def hold_out_tail(train: Batch, test_size: int) -> tuple[Batch, Batch]:
    """Divides a training set in file order: its last images, as many as the test has, but at most a fifth, for validation.

    This gives the divisions of the 2014 paper's authors: MNIST [0, 50000) and [50000, 60000), CIFAR-10 [0, 40000) and
    [40000, 50000). It wants a set whose order is not by class.

    Args:
      train: the whole training set.
      test_size: the number of test images.

    Returns:
      `(train, validation)`.

    Raises:
      ValueError: if there are fewer than five training images, or no test images.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import dataset
      >>> [part.x.tolist() for part in dataset.hold_out_tail(Batch(np.arange(6)), test_size=1)]
      [[0, 1, 2, 3, 4], [5]]
    """
    size = min(test_size, len(train.x) // 5)
    if size < 1:
        raise ValueError(
            f"expected at least 5 training images and 1 test image, found {len(train.x)} and {test_size}: give a larger set"
        )
    return take(train, slice(len(train.x) - size)), take(train, slice(len(train.x) - size, None))
