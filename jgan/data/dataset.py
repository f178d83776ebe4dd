"""`Dataset`, the result of every data source, its completion by missing parts, and its description for models."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan.data import kinds, lazy
from jgan.data.division import hold_out
from jgan.data.kinds import label_of, length, sets_of
from jgan.ragged import is_ragged
from jgan.types import Batch, DataSpec, Field
from jgan.utils import text

PARTS = ("train", "validation", "test")
"""The names of the parts, in folders, files and `Dataset`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """A whole data set in memory, checked on construction.

    Each part is a `Batch` of NumPy arrays of one length, or a dict of named `Batch`es, which may differ in length; the names
    are the same in all parts. Images are uint8, or float32 in [0, 1]; photographs of different sizes are a
    `jgan.ragged.Ragged`, whose `images()` are the whole ones. Images that are read when they are needed are a
    `jgan.data.lazy.Lazy`, of which an index gives an array.

    Attributes:
      name: the name under which it was loaded.
      train: the training examples.
      validation: examples for choosing a width, a checkpoint or an option; never trained on.
      test: examples for the final measurement only.
      fields: the kinds of the arrays, a `Batch` of `Field`s or a dict of such; inferred where None, see `jgan.data.kinds`.
        The number of classes is then the largest label of all parts plus one.
      truth: exact knowledge about a synthetic set: the `Mixture` of a toy set; the function from `x` to `c` of a set of pairs;
        the translation between two domains, a function, or a dict of functions by direction ("ab"); or None.
      view: `view(key, batch, axis_name=None) -> batch`, by which training changes each minibatch, or None; see
        `jgan.data.degraded`.
      note: what was done to the data and should be said, in a few words; "" for nothing.
      classes: the names of the classes in the order of their labels; `()` if they have none.

    Raises:
      ValueError: if arrays differ in length, the parts differ in shape, values are out of range, or a class has no name while
        others have one.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch, data
      >>> part = Batch(np.zeros((6, 2), np.float32), np.arange(6))
      >>> data.Dataset("six", part, part, part).fields.y.size
      6
    """

    name: str
    train: Any
    validation: Any
    test: Any
    fields: Any = None
    truth: Any = None
    view: Any = None
    note: Any = ""
    classes: Any = ()

    def __post_init__(self) -> None:
        check_alike(self.name, self.parts)
        parts = {part: sets_of(batches) for part, batches in self.parts.items()}
        if self.fields is None:
            found = {}
            for name, train in parts["train"].items():
                inferred = kinds.infer(train, label_of(f"{self.name}, train", name))
                where = label_of(self.name, name)
                found[name] = kinds.with_sizes(inferred, [batches[name] for batches in parts.values()], where)
            object.__setattr__(self, "fields", found.get("", found))
        declared = sets_of(self.fields)
        if declared.keys() != parts["train"].keys():
            raise ValueError(f"{self.name}: expected fields of {_names(parts['train'])}, found fields of {_names(declared)}")
        for part, batches in parts.items():
            for name, batch in batches.items():
                kinds.check(declared[name], batch, label_of(f"{self.name}, {part}", name))
        if self.classes:
            count = max(batch.y.size for batch in declared.values())
            if count > len(self.classes):
                raise ValueError(f"{self.name}: expected the names of {count} classes, found {text.listed(self.classes)}")

    @property
    def parts(self) -> dict[str, Any]:
        """The three parts by name."""
        return {part: getattr(self, part) for part in PARTS}


def _names(sets: dict[str, Any]) -> str:
    return "one set" if "" in sets else f"the sets {', '.join(sets)}"


def spec(dataset: Dataset, batch_size: int) -> DataSpec:
    """Describes a data set for a model.

    Args:
      dataset: the data set.
      batch_size: examples in a minibatch (of each set), over all devices.

    Returns:
      The `DataSpec`. Its mean is float64, over the training set only, with images scaled to [0, 1]. It is None for
      tokens, and a dict by set if there are several. An epoch is one pass over the largest set.

    Raises:
      ValueError: if the batch size is not from 1 to the number of examples (of the smallest set).

    Example:
      >>> from jgan import data
      >>> about = data.spec(data.load("digits"), batch_size=100)
      >>> about.shape, about.n_classes, about.steps_per_epoch, round(float(about.mean.mean()), 2)
      ((8, 8, 1), 10, 12, 0.31)
    """
    sets = sets_of(dataset.train)
    for name, batch in sets.items():
        if not 1 <= batch_size <= length(batch):
            raise ValueError(
                f"the batch size must be from 1 to the {length(batch)} training examples of {label_of(dataset.name, name)}, "
                f"found {batch_size}: choose a smaller batch or a larger set"
            )
    fields = sets_of(dataset.fields)
    means = {name: jax.tree.map(_mean, fields[name].x, batch.x, is_leaf=kinds.is_field) for name, batch in sets.items()}
    steps = max(map(length, sets.values())) // batch_size
    return DataSpec(dataset.fields, steps, means.get("", means), batch_size)


def _mean(field: Field, x: Any) -> Any:
    if field.kind not in ("image", "points"):
        return None
    mean = x.summary.total / len(x) if lazy.is_lazy(x) else np.mean(x, axis=0, dtype=np.float64)
    return mean / 255 if x.dtype == np.uint8 else mean


def reads_no_files(name: str, data_dir: Path | None, *, kind: str = "synthetic") -> None:
    """Checks that no data folder is given for a synthetic set.

    Args:
      name: the name of the set.
      data_dir: must be None.
      kind: the kind of set, for the error message.

    Raises:
      ValueError: if a folder is given; if there is one, the message names the set that reads it.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import dataset
      >>> dataset.reads_no_files("ring8", Path("here"))
      Traceback (most recent call last):
      ValueError: ring8 is synthetic and reads no files, found the data folder here: leave it out
    """
    if data_dir is not None:
        from jgan.data import survey  # it imports this module

        other = f", or train on it with --dataset {survey.source_of(data_dir)}" if data_dir.exists() else ""
        raise ValueError(f"{name} is {kind} and reads no files, found the data folder {data_dir}: leave it out{other}")


def complete(
    name: str,
    parts: dict[str, Any],
    *,
    held_out: int | None = None,
    fields: Any = None,
    truth: Any = None,
    note: str = "",
    classes: Sequence[str] = (),
) -> Dataset:
    """Builds a data set from the given parts; a missing part is held out from the training examples of each class.

    Args:
      name: the name of the result.
      parts: `"train"`, and `"validation"` and `"test"` if they exist. If one of the two is missing it gets a fifth of the
        training examples, if both are missing each gets a sixth: see `hold_out`.
      held_out: another share of each missing part, one of this many examples; 0 to hold out none, and use the training examples
        in place of the missing parts.
      fields: as in `Dataset`.
      truth: as in `Dataset`.
      note: as in `Dataset`.
      classes: as in `Dataset`.

    Returns:
      The `Dataset`.

    Raises:
      ValueError: if the parts differ in the shapes of their examples, only some have labels, there are too few examples, or
        nothing would be left for training.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import dataset
      >>> given = {"train": Batch(np.zeros((12, 1)))}
      >>> [[len(part.x) for part in dataset.complete("a", given, held_out=n).parts.values()] for n in (None, 12, 0)]
      [[8, 2, 2], [10, 1, 1], [12, 12, 12]]
    """
    check_alike(name, parts)
    train = parts["train"]
    missing = [part for part in PARTS if part not in parts]
    if missing and held_out is not None and held_out != 0 and held_out <= len(missing):
        raise ValueError(
            f"{name}: expected to hold out one of more than {len(missing)} examples for each missing part, or 0 for none, "
            f"found one of {held_out}"
        )
    if not missing or held_out == 0:
        rest, *held = [train] * (1 + len(missing))
    else:
        rest, *held = hold_out(train, every=held_out or 4 + len(missing), parts=len(missing))
    whole = {**parts, "train": rest, **dict(zip(missing, held, strict=True))}
    return Dataset(name, **whole, fields=fields, truth=truth, note=note, classes=tuple(classes))


def class_names(names: Sequence[Any]) -> tuple[str, ...]:
    """The names of classes, as `Dataset` has them.

    Args:
      names: the names that another library gives, in the order of the labels.

    Returns:
      The names; `()` if they are the labels themselves.

    Example:
      >>> from jgan.data import dataset
      >>> dataset.class_names(["cat", "dog"]), dataset.class_names(["0", "1"])
      (('cat', 'dog'), ())
    """
    found = tuple(map(str, names))
    return () if found == tuple(map(str, range(len(found)))) else found


def check_alike(name: str, parts: dict[str, Any]) -> None:
    """Checks that all parts have the sets, the arrays and the shapes of the training part.

    Args:
      name: the name of the data set, for error messages.
      parts: the parts by name, including `"train"`.

    Raises:
      ValueError: if the parts differ.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import dataset
      >>> dataset.check_alike("a", {"train": Batch(np.zeros((9, 2))), "test": Batch(np.zeros((9, 3)))})  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      ValueError: a: expected examples of one shape, all with labels or all without, found 2 without labels in train and ...
    """
    train = sets_of(parts["train"])
    for part, batches in parts.items():
        sets = sets_of(batches)
        if sets.keys() != train.keys():
            raise ValueError(
                f"{name}: expected the same sets in all parts, found {_names(train)} in train and {_names(sets)} in {part}"
            )
        for set_name, batch in sets.items():
            if _shapes(batch) != _shapes(train[set_name]):
                raise ValueError(
                    f"{label_of(name, set_name)}: expected examples of one shape, all with labels or all without, found "
                    f"{_describe(train[set_name])} in train and {_describe(batch)} in {part}"
                )


def _shapes(batch: Batch) -> Any:
    return jax.tree.structure(batch), [np.shape(leaf)[1:] for leaf in jax.tree.leaves(batch)]


def _describe(batch: Batch) -> str:
    def words(leaf: Any) -> str:
        return f"photographs of {leaf.pixels.shape[-1]} channels" if is_ragged(leaf) else "x".join(map(str, np.shape(leaf)[1:]))

    x, c = (", ".join(map(words, jax.tree.leaves(tree, is_leaf=is_ragged))) for tree in (batch.x, batch.c))
    return f"{x} {'without' if batch.y is None else 'with'} labels{' and c ' + c if c else ''}"
