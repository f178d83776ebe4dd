"""Checks of shapes at tracing time, and of counts and seeds: each error names what was expected and what was found."""

import operator
from collections.abc import Sequence
from typing import Any

import jax
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


LARGEST_SEED = 2**32 - 1
"""The largest seed: NumPy's `RandomState` takes no larger one, and JAX silently drops the higher bits unless x64 is enabled."""


def whole(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Checks that a value is a whole number in a range.

    Args:
      name: the name of the value in the message.
      value: an integer of Python or NumPy; a bool or a float is none, even if it has no fraction.
      least: the minimum, or None.
      most: the maximum, or None.

    Returns:
      The value as Python's `int`.

    Raises:
      ValueError: if it is anything else.

    Example:
      >>> from jgan.utils import checks
      >>> checks.whole("subsets", 0, 1)
      Traceback (most recent call last):
      ValueError: subsets must be at least 1, found 0
      >>> checks.whole("k", 3.0, 1)
      Traceback (most recent call last):
      ValueError: k must be a whole number, found 3.0
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be a whole number, found {value!r}")
    if least is not None and most is not None and not least <= number <= most:
        raise ValueError(f"{name} must be from {least} to {most}, found {_short(number)}")
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, found {_short(number)}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be at most {most}, found {_short(number)}")
    return number


def seed(value: Any, name: str = "seed") -> int:
    """Checks a seed: from 0 to 2^32 - 1, in which every seed differs from all others for NumPy and for JAX.

    Args:
      value: the seed.
      name: its name in the message.

    Returns:
      The seed as Python's `int`.

    Raises:
      ValueError: if it is out of range or not a whole number.

    Example:
      >>> from jgan.utils import checks
      >>> checks.seed(2**32)
      Traceback (most recent call last):
      ValueError: seed must be from 0 to 4294967295, found 4294967296
    """
    return whole(name, value, 0, LARGEST_SEED)


def _short(number: int) -> str:
    """The number, or its size if it has many digits, which Python may even refuse to print."""
    return str(number) if abs(number) < 10**30 else f"a number of {number.bit_length()} bits"


def condition_of(spec: Any, n: int, *, labels: Any = None, images: Any = None, condition: Any = None) -> Any:
    """The condition that a model is to generate from, checked before anything is compiled.

    Args:
      spec: the model's condition, a tree of `jgan.types.Field`; `()` for an unconditional model.
      n: the number of examples to generate.
      labels: `[n]` integers, for a model conditioned on labels.
      images: `[n, height, width, channels]` in [0, 1], for a model conditioned on images; for a model of several image
        conditions a dict of some of them.
      condition: a tree like `spec`, for any conditional model: tokens `[n, length]`, several conditions at once.

    Returns:
      The condition as arrays: int32 labels and tokens, float32 images and points; `()`.

    Raises:
      ValueError: if the condition is missing, is not one that the model takes, has another length or shape, or a value is out
        of range.

    Example:
      >>> from jgan.types import Field
      >>> from jgan.utils import checks
      >>> checks.condition_of(Field((), "label", 10), 2, labels=[3, 10])
      Traceback (most recent call last):
      ValueError: labels must be integers from 0 to 9, found 10
    """
    all_given = {"labels": labels, "images": images, "condition": condition}
    given = {name: value for name, value in all_given.items() if value is not None}
    accepted = _names(spec)
    for name in given:
        if name not in accepted:
            what = f"is conditioned on {_words(spec)}" if accepted else "is unconditional"
            raise ValueError(f"this model {what}: leave {name} out")
    if not accepted:
        return ()
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        raise ValueError(f"this model is conditioned on {_words(spec)}: give {accepted[0]} for {n} examples, found {found}")
    ((name, value),) = given.items()
    return _checked(name, spec, n, value)


def _is_field(node: Any) -> bool:
    return hasattr(node, "kind")


def _names(spec: Any) -> tuple[str, ...]:
    """The arguments that a model takes its condition from; the first is the usual one."""
    kinds = {field.kind for field in jax.tree.leaves(spec, is_leaf=_is_field)}
    if not kinds:
        return ()
    if kinds == {"label"} and _is_field(spec):
        return ("labels", "condition")
    return ("images", "condition") if kinds == {"image"} else ("condition",)


def _words(spec: Any) -> str:
    """The condition in words, for messages."""
    words = {"label": "labels", "image": "images"}
    return " and ".join(dict.fromkeys(words.get(field.kind, field.kind) for field in jax.tree.leaves(spec, is_leaf=_is_field)))


def _checked(name: str, spec: Any, n: int, value: Any) -> Any:
    """The arrays of a condition, each checked by its `Field`; of a dict of images some may be left out."""
    if _is_field(spec):
        return _integers(name, spec, n, value) if spec.kind in ("label", "tokens") else _floats(name, spec, n, value)
    if isinstance(spec, dict):
        some = _names(spec)[0] == "images"
        fits = isinstance(value, dict) and value and (set(value) <= set(spec) if some else set(value) == set(spec))
        if not fits:
            found = ", ".join(map(str, value)) if isinstance(value, dict) else type(value).__name__
            raise ValueError(f"{name} must be a dict with the keys {', '.join(spec)}, found {found}")
        return {key: _checked(f"{name}[{key!r}]", spec[key], n, value[key]) for key in value}
    if not isinstance(value, tuple | list) or len(value) != len(spec):
        raise ValueError(f"{name} must be a tuple of {len(spec)} conditions, found {type(value).__name__}")
    return tuple(
        _checked(f"{name}[{index}]", part, n, given) for index, (part, given) in enumerate(zip(spec, value, strict=True))
    )


def _integers(name: str, field: Any, n: int, given: Any) -> Any:
    values = np.asarray(given)
    if values.shape != (n, *field.shape) or values.dtype.kind not in "iu":
        hint = "; of one-hot rows, give the argmax" if field.kind == "label" and values.ndim == 2 else ""
        found = f"{values.dtype} of {values.shape}{hint}"
        raise ValueError(f"{name} must be integers of the shape {(n, *field.shape)}, found {found}")
    wrong = values[(values < 0) | (values >= field.size)]
    if wrong.size:
        raise ValueError(f"{name} must be integers from 0 to {field.size - 1}, found {wrong.flat[0]}")
    return values.astype(np.int32)


def _floats(name: str, field: Any, n: int, given: Any) -> Any:
    values = np.asarray(given)
    if values.shape != (n, *field.shape) or values.dtype.kind != "f":
        raise ValueError(f"{name} must be floats of the shape {(n, *field.shape)}, found {values.dtype} of {values.shape}")
    if field.kind == "image" and not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):  # also of NaN
        raise ValueError(f"{name} must be images in [0, 1], found values from {values.min()} to {values.max()}")
    return values.astype(np.float32)
