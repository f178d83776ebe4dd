"""The kinds of the arrays of a data set: how they are inferred, and how arrays are checked against them.

A `jgan.types.Field` describes one array. If it is not declared, it is inferred from the array:

  uint8 or float [N, height, width, channels]    "image"
  float of any other shape                       "points"
  integers [N]                                   "label"
  integers of any other shape, except uint8      "tokens"
  a `jgan.ragged.Ragged`                         "photographs"

uint8 arrays `[N, d]` and `[N, height, width]` could be images or tokens, so they need a declaration.
"""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import ragged
from jgan.data import values
from jgan.data.lazy import is_lazy
from jgan.ragged import Ragged, is_ragged
from jgan.types import Batch, Field

MOST_CLASSES = 1 << 16
"""Classes that are inferred for a set of fewer examples: a larger label is taken for an error, not for that many classes."""


def sets_of(part: Any) -> dict[str, Batch]:
    """The sets of a part of a data set, or of a tree of fields, by name.

    Args:
      part: a `Batch`, or a dict of named `Batch`es.

    Returns:
      The sets sorted by name, as JAX sorts dicts; a single set has the name ''.

    Raises:
      ValueError: if `part` is neither, or an empty dict.

    Example:
      >>> from jgan import Batch
      >>> from jgan.data import kinds
      >>> list(kinds.sets_of({"b": Batch(2), "a": Batch(1)})), list(kinds.sets_of(Batch(1)))
      (['a', 'b'], [''])
    """
    if isinstance(part, Batch):
        return {"": part}
    if not isinstance(part, dict) or not part or not all(isinstance(batch, Batch) for batch in part.values()):
        raise ValueError(
            f"expected a Batch or a dict of named Batches, found {type(part).__name__}: wrap the arrays in Batch(x)"
        )
    return {name: part[name] for name in sorted(part)}


def label_of(where: str, name: str) -> str:
    """A location for error messages: `where`, and the name of the set if it has one.

    Args:
      where: the data set and its part.
      name: the name of the set; '' for a single set.

    Returns:
      The text.

    Example:
      >>> from jgan.data import kinds
      >>> kinds.label_of("mnist, test", "a"), kinds.label_of("mnist, test", "")
      ("mnist, test, set 'a'", 'mnist, test')
    """
    return f"{where}, set {name!r}" if name else where


def converted(field: Field, array: Any) -> Any:
    """An array in the form of a step, by its declared kind.

    Args:
      field: the description of one example of the array.
      array: any number of examples, of JAX or of NumPy.

    Returns:
      int32 labels and tokens; float32 images in [0, 1]; points, float images and photographs unchanged.

    Example:
      >>> import numpy as np
      >>> from jgan.data import kinds
      >>> from jgan.types import Field
      >>> kinds.converted(Field((1,)), np.array([[255]], np.uint8)).tolist()
      [[1.0]]
    """
    if field.kind in ("label", "tokens"):
        return array.astype(np.int32)
    return array.astype(np.float32) / 255 if field.kind == "image" and array.dtype == np.uint8 else array


def is_field(node: Any) -> bool:
    """`is_leaf` for trees of fields: `jax.tree.map` would descend into a `Field`, which is a tuple."""
    return isinstance(node, Field)


def _named(tree: Any) -> list[tuple[str, Any]]:
    """The leaves of a batch of arrays or of fields, with names such as x, y and c.source."""
    leaves = jax.tree.leaves_with_path(tree, is_leaf=lambda node: is_field(node) or is_ragged(node))
    return [(jax.tree_util.keystr(path, simple=True, separator="."), leaf) for path, leaf in leaves]


def length(batch: Batch, where: str = "the batch") -> int:
    """The number of examples of a set, after a check that all arrays have the same length.

    JAX clamps an index that is out of range, so a shorter array would repeat its last element without an error.

    Args:
      batch: arrays, or anything with a shape, each with a leading axis of examples.
      where: the name of the batch in error messages.

    Returns:
      The common length.

    Raises:
      ValueError: if the lengths differ, or there is no array.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import kinds
      >>> kinds.length(Batch(np.zeros((5, 2)), np.zeros(5, np.int32)))
      5
      >>> kinds.length(Batch(np.zeros((5, 2)), np.zeros(4, np.int32)))
      Traceback (most recent call last):
      ValueError: the batch: expected arrays of one length, found x of 5, y of 4: every array needs one entry per example
    """
    arrays = [(name, ragged.rows(leaf)) for name, leaf in _named(batch)]
    lengths = {name: np.shape(leaf)[0] if np.ndim(leaf) else None for name, leaf in arrays}
    if not lengths or None in lengths.values():
        scalars = [name for name, size in lengths.items() if size is None]
        raise ValueError(
            f"{where}: expected arrays with a leading axis of examples, found {', '.join(scalars) or 'no array'}"
            f"{' without one' if scalars else ''}"
        )
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} of {size}" for name, size in lengths.items())
        raise ValueError(f"{where}: expected arrays of one length, found {found}: every array needs one entry per example")
    return next(iter(lengths.values()))  # type: ignore[return-value]  # None is excluded above


def infer(batch: Batch, where: str = "the batch") -> Batch:
    """Infers the fields of undeclared arrays; works inside `jit`, where only shapes and dtypes are known.

    Args:
      batch: arrays.
      where: the name of the batch in error messages.

    Returns:
      A `Batch` of `Field`s with size 0, since the number of classes depends on values, as do the sides of photographs: see
      `with_sizes`.

    Raises:
      ValueError: if an array could be of more than one kind.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import kinds
      >>> kinds.infer(Batch(np.zeros((5, 2), np.float32), np.zeros(5, np.int32))).y
      Field(shape=(), kind='label', size=0, end=-1)
      >>> kinds.infer(Batch(np.zeros((5, 64), np.uint8)))
      Traceback (most recent call last):
      ValueError: the batch, x: cannot tell what uint8 (5, 64) holds: images are [N, height, width, channels]; declare a Field
    """
    leaves = [_infer(leaf, f"{where}, {name}") for name, leaf in _named(batch)]
    return jax.tree.unflatten(jax.tree.structure(batch, is_leaf=is_ragged), leaves)


def _infer(leaf: Any, where: str) -> Field:
    if isinstance(leaf, Ragged):
        return Field((1, 1, leaf.pixels.shape[-1]), "photographs")  # the smallest sides depend on values: see `with_sizes`
    shape = tuple(np.shape(leaf)[1:])
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        return Field(shape, "image" if len(shape) == 3 else "points")
    if leaf.dtype == np.uint8 and len(shape) == 3:
        return Field(shape)
    if not jnp.issubdtype(leaf.dtype, jnp.integer) or (leaf.dtype == np.uint8 and shape):
        raise ValueError(
            f"{where}: cannot tell what {leaf.dtype} {np.shape(leaf)} holds: images are [N, height, width, channels]; "
            "declare a Field"
        )
    return Field(shape, "tokens" if shape else "label")


def with_sizes(fields: Batch, batches: Iterable[Batch], where: str = "the batch") -> Batch:
    """Sets what depends on values: the sizes of fields (numbers of classes, vocabulary sizes), the sides of photographs.

    Args:
      fields: the fields, with any sizes.
      batches: NumPy arrays of these fields: all parts of a data set, so that the parts share one number of classes.
      where: their name in error messages.

    Returns:
      The fields; the size of labels and tokens is one more than the largest value in all batches, the sides of photographs are
      the smallest.

    Raises:
      ValueError: if a label is above both the number of examples and `MOST_CLASSES`.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import kinds
      >>> train, test = Batch(np.array([[0.5], [1.5]]), np.array([0, 1])), Batch(np.array([[2.5]]), np.array([4]))
      >>> kinds.with_sizes(kinds.infer(train), [train, test]).y.size
      5
    """

    def sized(field: Field, *leaves: Any) -> Field:
        if field.kind == "photographs":
            height, width = np.concatenate([leaf.sizes for leaf in leaves]).min(axis=0).tolist()
            return field._replace(shape=(height, width, field.shape[-1]))
        if field.kind not in ("label", "tokens"):
            return field
        size = 1 + max(int(np.max(leaf, initial=0)) for leaf in leaves)
        most = max(MOST_CLASSES, sum(map(len, leaves)))
        if field.kind == "label" and size > most:
            raise ValueError(f"{where}: expected labels from 0 to {most - 1}, found {size - 1}: number the classes from 0")
        return field._replace(size=size)

    return jax.tree.map(sized, fields, *batches, is_leaf=is_field)


def check(fields: Batch, batch: Batch, where: str) -> None:
    """Checks that arrays are what their fields say: number, lengths, shapes, dtypes and values.

    Args:
      fields: a `Batch` of `Field`s.
      batch: NumPy arrays.
      where: the name of the batch in error messages.

    Raises:
      ValueError: if they are not. Float images must be in [0, 1], points finite as float32, labels and tokens in [0, size) and
        below 2^31.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import kinds
      >>> from jgan.types import Field
      >>> kinds.check(Batch(Field((2,), "points"), Field((), "label", 3)), Batch(np.zeros((2, 2)), np.array([0, 3])), "here")
      Traceback (most recent call last):
      ValueError: here, y: expected label values from 0 to 2, found values from 0 to 3
    """
    check_shapes(fields, batch, where)
    for (name, field), (_, leaf) in zip(_named(fields), _named(batch), strict=True):
        if not is_lazy(leaf):  # those are uint8 images, of which any value is right
            values.check(field, leaf if is_ragged(leaf) else np.asarray(leaf), f"{where}, {name}")
    if batch.y is not None and getattr(fields.y, "kind", "") != "label":
        raise ValueError(f"{where}, y: expected integer class labels [N], found {fields.y}: put other conditions into c")


def check_shapes(fields: Batch, batch: Batch, where: str) -> None:
    """The checks of `check` that do not need values; they work inside `jit`.

    Args:
      fields: a `Batch` of `Field`s.
      batch: arrays.
      where: the name of the batch in error messages.

    Raises:
      ValueError: if the number, the lengths, the shapes or the dtypes of the arrays are not those of the fields.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import kinds
      >>> from jgan.types import Field
      >>> kinds.check_shapes(Batch(Field((2,), "points")), Batch(np.zeros((5, 3))), "here")
      Traceback (most recent call last):
      ValueError: here, x: expected float points [N, 2], found float64 (5, 3)
    """
    expected_tree: Any = jax.tree.structure(fields, is_leaf=is_field)
    if expected_tree != jax.tree.structure(batch, is_leaf=is_ragged):
        expected, found = (", ".join(name for name, _ in _named(tree)) or "none" for tree in (fields, batch))
        raise ValueError(f"{where}: expected the arrays {expected}, found {found}: give each array one Field")
    length(batch, where)
    for (name, field), (_, leaf) in zip(_named(fields), _named(batch), strict=True):
        _check_dtype(field, leaf, f"{where}, {name}")


def _check_dtype(field: Field, leaf: Any, where: str) -> None:
    if field.kind == "photographs" or isinstance(leaf, Ragged):
        if not isinstance(leaf, Ragged):
            raise ValueError(f"{where}: expected photographs, a Ragged, found {leaf.dtype} {leaf.shape}")
        found = f"{leaf.pixels.dtype} photographs with {leaf.pixels.shape[-1]} channels"
        if field.kind != "photographs" or leaf.pixels.dtype != np.uint8 or leaf.pixels.shape[1:] != field.shape[2:]:
            raise ValueError(f"{where}: expected uint8 {field.kind} with {field.shape[-1]} channels, found {found}")
        return
    wanted = {"image": "uint8 or float", "points": "float"}.get(field.kind, "integer")
    kind = jnp.integer if wanted == "integer" else jnp.floating
    fits = jnp.issubdtype(leaf.dtype, kind) or (field.kind == "image" and leaf.dtype == np.uint8)
    if not fits or leaf.shape[1:] != tuple(field.shape):
        shape = ", ".join(map(str, ("N", *field.shape)))
        raise ValueError(f"{where}: expected {wanted} {field.kind} [{shape}], found {leaf.dtype} {leaf.shape}")
