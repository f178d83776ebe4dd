"""Checks of shapes at tracing time: each error names the expected and the found shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def same_shape(first_name: str, first: Any, second_name: str, second: Any) -> None:
    """Checks that two arrays have the same shape: `[B]` and `[B, 1]` would silently broadcast to `[B, B]`.

    Args:
      first_name: the name of the first array in the message.
      first: the first array.
      second_name: the name of the second array.
      second: the second array.

    Raises:
      ValueError: if the shapes differ.

    Example:
      >>> import numpy as np
      >>> from jgan.utils import checks
      >>> checks.same_shape("real_logits", np.zeros(3), "fake_logits", np.zeros((3, 1)))
      Traceback (most recent call last):
      ValueError: real_logits and fake_logits must have the same shape, found (3,) and (3, 1)
    """
    if np.shape(first) != np.shape(second):
        raise ValueError(
            f"{first_name} and {second_name} must have the same shape, found {np.shape(first)} and {np.shape(second)}"
        )


def example_shape(name: str, array: Any, expected: Sequence[int]) -> None:
    """Checks that a batch holds examples of a given shape.

    Args:
      name: the name of the array in the message.
      array: `[B, *expected]`.
      expected: the shape of one example.

    Raises:
      ValueError: if the shape differs.

    Example:
      >>> import numpy as np
      >>> from jgan.utils import checks
      >>> checks.example_shape("images", np.zeros((5, 8, 8)), (8, 8, 1))
      Traceback (most recent call last):
      ValueError: images must have the shape [batch, 8, 8, 1], found (5, 8, 8)
    """
    if np.shape(array)[1:] != tuple(expected) or np.ndim(array) == 0:
        raise ValueError(f"{name} must have the shape [{', '.join(map(str, ('batch', *expected)))}], found {np.shape(array)}")


def divisible(batch_size: int, devices: int) -> int:
    """Checks that a batch can be split into equal parts, one per device.

    Args:
      batch_size: the number of examples in the global batch.
      devices: the number of devices.

    Returns:
      The number of examples for each device.

    Raises:
      ValueError: if the batch size is not a multiple of the number of devices.

    Example:
      >>> from jgan.utils import checks
      >>> checks.divisible(100, 4)
      25
    """
    if batch_size % devices:
        raise ValueError(
            f"the batch size must be a multiple of the number of devices, found a batch of {batch_size} on {devices} devices"
        )
    return batch_size // devices


def condition_of(condition: Any, n: int, *, labels: Any = None, images: Any = None) -> Any:
    """Checks the condition that a model generates from, before anything is compiled.

    Args:
      condition: the condition that the model takes, a tree of `jgan.types.Field`; `()` for an unconditional model.
      n: the number of examples to generate.
      labels: `[n]` integers, or None.
      images: `[n, height, width, channels]`, or None; for a model of several image conditions a dict of a subset of them.

    Returns:
      The condition as arrays: int32 labels, float32 images, or `()`.

    Raises:
      ValueError: if the condition is missing, is not one that the model takes, has another length or shape, or a label is out
        of range.

    Example:
      >>> from jgan.types import Field
      >>> from jgan.utils import checks
      >>> checks.condition_of(Field((), "label", 10), 2, labels=[3, 10])
      Traceback (most recent call last):
      ValueError: labels must be integers from 0 to 9, found 10
    """
    kind = getattr(condition, "kind", None) or ("image" if condition != () else None)
    given = {name: value for name, value in (("labels", labels), ("images", images)) if value is not None}
    expected = {None: None, "label": "labels", "image": "images"}.get(kind, kind)
    for name in given:
        if name != expected:
            what = "is unconditional" if expected is None else f"is conditioned on {expected}"
            raise ValueError(f"this model {what}: leave {name} out")
    if expected is None:
        return ()
    if expected not in given:
        hint = f"from 0 to {condition.size - 1}" if kind == "label" else "to translate"
        raise ValueError(f"this model is conditioned on {expected}: give {n} {expected}, {hint}")
    return _labels(condition, n, labels) if kind == "label" else _images(condition, n, images)


def _labels(field: Any, n: int, labels: Any) -> Any:
    values = np.asarray(labels)
    if values.shape != (n,) or values.dtype.kind not in "iu":
        raise ValueError(f"labels must be {n} integers, one per example, found {values.dtype} of the shape {values.shape}")
    wrong = values[(values < 0) | (values >= field.size)]
    if len(wrong):
        raise ValueError(f"labels must be integers from 0 to {field.size - 1}, found {wrong[0]}")
    return values.astype(np.int32)


def _images(condition: Any, n: int, images: Any) -> Any:
    if isinstance(condition, dict):
        known = isinstance(images, dict) and images and set(images) <= set(condition)
        if not known:
            found = ", ".join(map(str, images)) if isinstance(images, dict) else type(images).__name__
            raise ValueError(f"images must be a dict with keys among {', '.join(condition)}, found {found}")
        return {name: _images(condition[name], n, value) for name, value in images.items()}
    values = np.asarray(images)
    if len(values) != n or values.dtype.kind != "f":
        raise ValueError(f"images must be {n} float images in [0, 1], found {len(values)} of {values.dtype}")
    example_shape("images", values, condition.shape)
    return values.astype(np.float32)
