"""The values of the arrays of a data set: how labels and numbers are checked, and converted without changing any."""

from typing import Any

import numpy as np

from jgan import ragged
from jgan.ragged import Ragged
from jgan.types import Field

LARGEST = 2**31 - 1
"""The largest int32, as which a step receives labels and tokens."""


def integers(values: Any, where: str, *, classes: int | None = None) -> np.ndarray:
    """Converts labels or tokens to int32, without changing any: the one conversion of all readers.

    Args:
      values: integers or booleans, of any shape.
      where: their name in error messages.
      classes: the number of classes if it is known.

    Returns:
      int32 of the same shape.

    Raises:
      ValueError: if they are not integers, one is negative, or is not below `classes` or 2^31.

    Example:
      >>> from jgan.data import values
      >>> values.integers([3, 2**40], "a.npz, y")
      Traceback (most recent call last):
      ValueError: a.npz, y: expected labels from 0 to 2147483647, found 1099511627776
      >>> values.integers([0.5], "a.npz, y")
      Traceback (most recent call last):
      ValueError: a.npz, y: expected integer labels, found float64
    """
    found = np.asarray(values)
    if found.dtype.kind not in "iub":
        raise ValueError(f"{where}: expected integer labels, found {found.dtype}")
    most = LARGEST if classes is None else classes - 1
    for value in (int(np.min(found, initial=0)), int(np.max(found, initial=0))):
        if not 0 <= value <= most:
            raise ValueError(f"{where}: expected labels from 0 to {most}, found {value}")
    return found.astype(np.int32)


def class_labels(values: Any, n: int, where: str) -> np.ndarray:
    """Checks and converts the class labels of examples in memory.

    Args:
      values: what should be `[n]` integers or booleans.
      n: the number of examples.
      where: their name in error messages.

    Returns:
      int32 `[n]`.

    Raises:
      ValueError: if they are anything else, such as one-hot rows, or one is negative.

    Example:
      >>> import numpy as np
      >>> from jgan.data import values
      >>> values.class_labels(np.eye(3)[[0, 2]], 2, "y")
      Traceback (most recent call last):
      ValueError: y: expected 2 integer class labels, one per example, found float64 (2, 3): of one-hot rows, give the argmax
    """
    try:
        found = np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{where}: expected {n} integer class labels, one per example, found rows of several lengths"
        ) from None
    if found.shape != (n,) or found.dtype.kind not in "iub":
        hint = ": of one-hot rows, give the argmax" if found.ndim == 2 and found.shape[1] > 1 else ""
        kind = f"{found.dtype} {found.shape}"
        raise ValueError(f"{where}: expected {n} integer class labels, one per example, found {kind}{hint}")
    return integers(found, where)


def floats(values: np.ndarray, where: str, kind: str) -> np.ndarray:
    """Converts images or points to float32, without changing the range of any: the one conversion of all readers.

    Args:
      values: floats of any shape.
      where: their name in error messages.
      kind: `"image"`, for values from 0 to 1, or `"points"`, for finite ones.

    Returns:
      float32 of the same shape, rounded.

    Raises:
      ValueError: if a value is out of range or not a number.

    Example:
      >>> import numpy as np
      >>> from jgan.data import values
      >>> values.floats(np.array([0.5, 1e300]), "a.npz, x", "points")
      Traceback (most recent call last):
      ValueError: a.npz, x: expected finite points, found values from 0.0 to 1e+300
    """
    check(Field(np.shape(values)[1:], "image" if kind == "image" else "points"), values, where)
    return values.astype(np.float32, copy=False)


def check(field: Field, leaf: np.ndarray | Ragged, where: str) -> None:
    """Checks that the values of an array are what its field says.

    Args:
      field: the description of one example.
      leaf: any number of examples.
      where: the name of the array in error messages.

    Raises:
      ValueError: if a value is out of range or not a number; if photographs do not lie in their buffer, or one is smaller than
        the field says.

    Example:
      >>> import numpy as np
      >>> from jgan.data import values
      >>> from jgan.types import Field
      >>> values.check(Field((), "label", 3), np.array([0, 3]), "y")
      Traceback (most recent call last):
      ValueError: y: expected label values from 0 to 2, found values from 0 to 3
    """
    if isinstance(leaf, Ragged):
        ragged.check(leaf, where)
        height, width = np.min(leaf.sizes, axis=0).tolist()
        if height < field.shape[0] or width < field.shape[1]:
            sides = "x".join(map(str, field.shape[:2]))
            raise ValueError(f"{where}: expected photographs of at least {sides}, found sides down to {height}x{width}")
        return
    if field.kind == "image" and leaf.dtype == np.uint8:
        return
    low, high = np.min(leaf, initial=0), np.max(leaf, initial=0)  # both NaN if any value is
    if field.kind == "points":
        most = np.finfo(np.float32).max  # a step computes in float32
        if not (-most <= low and high <= most):  # also catches NaN
            raise ValueError(f"{where}: expected finite points, found values from {low} to {high}")
        return
    largest = 1 if field.kind == "image" else min(field.size - 1, LARGEST)
    if not (low >= 0 and high <= largest):
        raise ValueError(f"{where}: expected {field.kind} values from 0 to {largest}, found values from {low} to {high}")
