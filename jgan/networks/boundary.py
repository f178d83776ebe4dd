"""What the makers of a `Network` share: checks of inputs, optional keywords, random streams, several devices."""

import inspect
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.types import Key, PyTree
from jgan.utils.checks import example_shape


def keywords(function: Callable, *names: str) -> frozenset[str]:
    """The keywords that a function accepts by name.

    Args:
      function: the function; `**kwargs` in its signature do not count.
      *names: the keywords of interest.

    Returns:
      Those of `names` that are parameters of the function.

    Example:
      >>> from jgan.networks import boundary
      >>> sorted(boundary.keywords(lambda x, train=False, **rest: x, "train", "axis_name"))
      ['train']
    """
    return frozenset(names) & frozenset(inspect.signature(function).parameters)


def stream_keys(key: Key | None, names: Iterable[str]) -> dict[str, Key]:
    """One key for each named random stream.

    Args:
      key: the key of the pass, or None.
      names: the names of the streams.

    Returns:
      The stream `dropout` gets `key` itself; each other stream gets `key` folded with a checksum of its name, so that adding a
      stream changes no other one. `{}` if `key` is None.

    Example:
      >>> import jax
      >>> from jgan.networks import boundary
      >>> sorted(boundary.stream_keys(jax.random.key(0), ("dropout", "noise")))
      ['dropout', 'noise']
    """
    return {} if key is None else {name: key if name == "dropout" else fold_name(key, name) for name in names}


def fold_name(key: Key, name: str) -> Key:
    """`key` folded with a checksum of a name: the same numbers in every process and version."""
    return jax.random.fold_in(key, np.uint32(zlib.crc32(name.encode())))


def device_key(key: Key | None, axis_name: str | None) -> Key | None:
    """A key that differs from device to device, for networks that do not know that the batch is spread over an axis."""
    if key is None or axis_name is None:
        return key
    return jax.random.fold_in(key, jax.lax.axis_index(axis_name))


def equal_on_devices(state: PyTree, axis_name: str | None) -> PyTree:
    """The mean over the mapped axis of each floating-point array; the other leaves as they are."""
    if axis_name is None:
        return state
    mean = lambda x: jax.lax.pmean(x, axis_name) if jnp.issubdtype(x.dtype, jnp.inexact) else x  # noqa: E731
    return jax.tree.map(mean, state)


class InputSpec(NamedTuple):
    """The declared inputs of a network.

    Attributes:
      owner: the network's name, for messages.
      shapes: one entry for each input: the shape of one example (without the batch), a tree of such shapes, or None for an
        input without a batch axis (a scalar), which is not checked.
      dtypes: one entry for each input: a dtype, or a tree of the same structure as the shapes; None for float32 throughout.
      any_sides: whether images `[height, width, channels]` of other heights and widths than those declared are taken too.
    """

    owner: str
    shapes: tuple[Any, ...]
    dtypes: tuple[Any, ...] | None = None
    any_sides: bool = False

    def examples(self) -> list[PyTree]:
        """Inputs of zeros: a batch of one example; a scalar 0 where the shape is None."""
        zeros = lambda shape, dtype: jnp.zeros(() if shape is None else (1, *shape), dtype)  # noqa: E731
        return [
            jax.tree.map(zeros, shape, dtype, is_leaf=_is_shape)
            for shape, dtype in zip(self.shapes, self._dtype_trees(), strict=True)
        ]

    def check(self, inputs: Sequence[PyTree]) -> None:
        """Raises a `ValueError` if the inputs are not as declared."""
        if len(inputs) != len(self.shapes):
            raise ValueError(f"{self.owner} takes {len(self.shapes)} inputs as declared, found {len(inputs)}")
        for index, (found, shape, dtype) in enumerate(zip(inputs, self.shapes, self._dtype_trees(), strict=True)):
            name = f"the input of {self.owner}" if len(inputs) == 1 else f"input {index} of {self.owner}"
            declared = jax.tree.leaves(shape, is_leaf=_is_shape)
            structure: Any = jax.tree.structure(shape, is_leaf=_is_shape)
            # A lone array is compared as it is; only a tree has a structure to check.
            if not _is_shape(shape) and jax.tree.structure(found) != structure:
                raise ValueError(f"{name} must be a tree {structure}, found {jax.tree.structure(found)}")
            leaves = [found] if _is_shape(shape) else jax.tree.leaves(found)
            for leaf, leaf_shape, leaf_dtype in zip(leaves, declared, jax.tree.leaves(dtype), strict=True):
                free = self.any_sides and leaf_shape is not None and len(leaf_shape) == 3 and np.ndim(leaf) == 4
                _check_leaf(name, leaf, (*np.shape(leaf)[1:3], leaf_shape[2]) if free else leaf_shape, leaf_dtype)

    def _dtype_trees(self) -> list[PyTree]:
        """For each input a tree of dtypes of the same structure as its shapes."""
        dtypes = self.dtypes if self.dtypes is not None else (jnp.float32,) * len(self.shapes)
        if len(dtypes) != len(self.shapes):
            raise ValueError(
                f"input_dtypes of {self.owner} must have one entry for each of {len(self.shapes)} inputs, found {len(dtypes)}"
            )
        broadcast = lambda shape, dtype: (  # noqa: E731
            dtype if _is_tree(dtype) else jax.tree.map(lambda _: jnp.dtype(dtype), shape, is_leaf=_is_shape)
        )
        return [broadcast(shape, dtype) for shape, dtype in zip(self.shapes, dtypes, strict=True)]


def _is_shape(x: Any) -> bool:
    return x is None or (isinstance(x, tuple | list) and all(isinstance(side, int | np.integer) for side in x))


def _is_tree(x: Any) -> bool:
    return isinstance(x, dict | tuple | list)


def _check_leaf(name: str, leaf: Any, shape: Any, dtype: Any) -> None:
    if shape is not None:
        example_shape(name, leaf, shape)
    if jnp.issubdtype(dtype, jnp.integer) and not jnp.issubdtype(jnp.result_type(leaf), jnp.integer):
        raise ValueError(f"{name} must hold integers, as declared in input_dtypes, found {jnp.result_type(leaf)}")
