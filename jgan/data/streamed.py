"""Data that are not on the device: each call of a compiled step is given a window, the examples of its steps.

The loader (`jgan.data.loader`) reads the windows in the order of `jgan.data.order`, in which resident data are cut too, so both
ways give a step the same examples. The number of the step is the position in the data: there is no other state.

If a program contains several steps, step `s` is in row `s % size` of its window.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jgan.data import kinds, resident
from jgan.data.kinds import sets_of
from jgan.types import Key, Step


def window(batches: Sequence[Any], first: int) -> Any:
    """Puts the examples of successive steps into one window.

    Args:
      batches: those of each step: a `Batch`, or a dict of named `Batch`es, of NumPy arrays.
      first: the number of the first step.

    Returns:
      The same tree; its arrays have a leading axis of as many rows as there are steps, step `s` in row `s % rows`.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import streamed
      >>> streamed.window([Batch(np.array([step])) for step in (4, 5, 6)], first=4).x.tolist()
      [[6], [4], [5]]
    """
    size = len(batches)
    rows = [batches[(row - first) % size] for row in range(size)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *rows)


def on_windows(step: Step, size: int, n_critic: int = 1, *, example: Any, view: Any = None) -> Step:
    """Converts a step over batches into a step over a window, as `resident.on_resident_data` does for a whole set.

    Args:
      step: `(key, state, batch, *, axis_name=None) -> (state, metrics)`.
      size: the number of steps in a window.
      n_critic: minibatches per step; above 1, the arrays of a step have a further axis of that length.
      example: the kinds of the arrays, as in `DataSpec.example`.
      view: `Dataset.view`, or None.

    Returns:
      `(key, state, window, *, axis_name=None) -> (state, metrics)`; on several devices, each has its share of every batch.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch, GANState
      >>> from jgan.data import kinds, streamed
      >>> window = Batch(jnp.array([[6.0], [4.0], [5.0]]))
      >>> fields = kinds.infer(Batch(window.x[0]))
      >>> step = streamed.on_windows(lambda key, state, batch, axis_name=None: (state, batch.x), 3, example=fields)
      >>> [step(jax.random.key(0), GANState(jnp.int32(at), None, None), window)[1].tolist() for at in (4, 5, 6)]
      [[4.0], [5.0], [6.0]]
    """
    fields = sets_of(example)

    def windowed(key: Key, state: Any, window: Any, *, axis_name: str | None = None):
        here = jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, state.step % size, keepdims=False), window)
        sets = {
            name: jax.tree.map(kinds.converted, fields[name], batch, is_leaf=kinds.is_field)
            for name, batch in sets_of(here).items()
        }
        batch = resident.seen(view, key, state.step, sets.get("", sets), n_critic, axis_name)
        return step(key, state, batch, axis_name=axis_name)

    return windowed
