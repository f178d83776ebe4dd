"""The fingerprint of a data set: by which a run recognises its data."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from jgan.data.dataset import Dataset
from jgan.data.lazy import is_lazy

CHUNK = 1 << 24
"""Bytes that are hashed at a time, so that no array is copied as a whole."""


def fingerprint(dataset: Dataset) -> dict[str, dict[str, Any]]:
    """Describes the data of a set so that other data are recognised: two sets are equal if their fingerprints are.

    It does not depend on the process, the machine, the byte order or the layout of the arrays in memory. It takes about a
    second for a gigabyte.

    Args:
      dataset: the data set, of one or several sets.

    Returns:
      For each array of each part, by a name such as `train.x`, `test.y`, `train.c.source` or, of several sets, `train.a.x`, a
      dict of strings, integers and lists, for JSON: `count`, the number of examples; `shape`, that of one example; `dtype`;
      `sha256` of the values, little-endian and in row-major order, in hexadecimal digits.

    Example:
      >>> from jgan import data
      >>> found = data.fingerprint(data.load("digits"))
      >>> list(found)
      ['train.x', 'train.y', 'validation.x', 'validation.y', 'test.x', 'test.y']
      >>> found["test.y"]["count"], found["test.x"]["shape"], found["test.x"]["dtype"], len(found["test.x"]["sha256"])
      (296, [8, 8, 1], 'uint8', 64)
    """
    arrays = {
        ".".join((part, jax.tree_util.keystr(path, simple=True, separator="."))): leaf if is_lazy(leaf) else np.asarray(leaf)
        for part, batches in dataset.parts.items()
        for path, leaf in jax.tree.leaves_with_path(batches)
    }
    with ThreadPoolExecutor(min(len(arrays), os.cpu_count() or 1)) as threads:  # hashing releases Python's lock
        digests = list(threads.map(_digest, arrays.values()))
    return {
        name: {"count": len(array), "shape": list(array.shape[1:]), "dtype": array.dtype.name, "sha256": digest}
        for (name, array), digest in zip(arrays.items(), digests, strict=True)
    }


def _digest(array: Any) -> str:
    """SHA-256 of the values, without the shape and the dtype."""
    if is_lazy(array):
        return array.summary.sha256
    found, little = hashlib.sha256(), array.dtype.newbyteorder("<")
    rows = max(1, CHUNK // max(1, array[:1].nbytes))
    for first in range(0, len(array), rows):
        chunk = np.ascontiguousarray(array[first : first + rows], little)
        found.update(chunk.reshape(-1).view(np.uint8).data)  # as bytes: a buffer cannot hold bfloat16
    return found.hexdigest()
