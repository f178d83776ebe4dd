"""Checksums of arrays and of JSON records."""

import hashlib
import json
from typing import Any

import jax
import numpy as np

from jgan.types import PyTree

SEAL = "sha256"


def seal(record: dict[str, Any]) -> dict[str, Any]:
    """Adds a record's own checksum.

    Args:
      record: what JSON can hold.

    Returns:
      The record as it is after a round trip through JSON, and its SHA-256 as `sha256`.

    Example:
      >>> from jgan.training import integrity
      >>> sealed = integrity.seal({"step": 3})
      >>> integrity.is_sealed(sealed), integrity.is_sealed(sealed | {"step": 4})
      (True, False)
    """
    text = json.dumps(record, sort_keys=True)
    return json.loads(text) | {SEAL: hashlib.sha256(text.encode()).hexdigest()}


def is_sealed(record: dict[str, Any]) -> bool:
    """Whether a record is as `seal` returned it.

    Args:
      record: the record.

    Returns:
      False if anything in it was changed.
    """
    return seal({name: value for name, value in record.items() if name != SEAL})[SEAL] == record.get(SEAL)


def checksums(tree: PyTree) -> dict[str, str]:
    """The SHA-256 of each leaf of a tree: of its dtype, shape and bytes.

    Args:
      tree: a tree of NumPy arrays.

    Returns:
      The checksums by the leaf's path.

    Example:
      >>> import numpy as np
      >>> from jgan.training import integrity
      >>> one, other = (integrity.checksums({"w": np.float32([1, x])})["['w']"] for x in (0.0, -0.0))
      >>> one == other
      False
    """
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.ascontiguousarray(leaf)
        digest = hashlib.sha256(f"{array.dtype.name} {np.shape(leaf)}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
        found[jax.tree_util.keystr(path)] = digest.hexdigest()
    return found
