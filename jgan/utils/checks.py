"""Checks of shapes, made while a function is traced: each failure names what was expected and what was found."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def same_shape(first_name: str, first: Any, second_name: str, second: Any) -> None:
    """Insists that two arrays have one shape: `[B]` beside `[B, 1]` would silently broadcast to `[B, B]`.

    Args:
      first_name: what to call the first array in the message.
      first: an array.
      second_name: what to call the second.
      second: an array.

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
    """Insists that a batch holds examples of a given shape.

    Args:
      name: what to call the array in the message.
      array: `[B, *expected]`.
      expected: the shape of one example.

    Raises:
      ValueError: if it is another.

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
    """Insists that a batch can be cut into equal parts, one a device.

    Args:
      batch_size: the number of examples in the global batch.
      devices: the number of devices.

    Returns:
      The number of examples for each device.

    Raises:
      ValueError: if the one is not a multiple of the other.

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
