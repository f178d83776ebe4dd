"""Data sets in device memory: shuffled (`jgan.data.order`) and cut into minibatches inside the compiled step.

If there are several sets, each has its own order and its own epoch length. Sets that are too large for the device are in
`jgan.data.streamed`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Int

from jgan import ragged, rng
from jgan.data import kinds
from jgan.data.kinds import label_of, length, sets_of
from jgan.data.order import batch_indices
from jgan.types import Batch, Key, Step


def cut(data: Batch, indices: Int[jax.Array, "..."], example: Batch | None = None) -> Batch:
    """Gathers examples and converts each array to its dtype in a step, by its kind.

    Args:
      data: one whole set, arrays of one length.
      indices: int32 of any shape, in [0, N).
      example: the kinds of the arrays, a `Batch` of `Field`s; None to infer them, see `jgan.data.kinds`.

    Returns:
      The `Batch` of those examples: uint8 images become float32 in [0, 1], labels and tokens int32. Of photographs the buffer
      stays whole.

    Raises:
      ValueError: if the arrays differ in length, or are not those of `example`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.data import resident
      >>> images = jnp.array([0, 255], jnp.uint8).reshape(2, 1, 1, 1)
      >>> print(resident.cut(Batch(images), jnp.array([1])).x.ravel())
      [1.]
    """
    length(data, "the data")
    fields = kinds.infer(data, "the data") if example is None else example
    kinds.check_shapes(fields, data, "the data")

    chosen = ragged.per_example(lambda leaf: leaf[indices], data)
    return jax.tree.map(kinds.converted, fields, chosen, is_leaf=kinds.is_field)


def _length(data: Batch, name: str, batch_size: int) -> int:
    """The number of examples of a set; raises a `ValueError` if the batch is larger."""
    n = length(data, label_of("the data", name))
    if batch_size > n:
        of_set = f" of the set {name!r}" if name else ""
        raise ValueError(
            f"the batch must not be larger than the set, found a batch of {batch_size} from {n} examples{of_set}: choose a "
            "smaller batch or a larger set"
        )
    return n


def on_resident_data(step: Step, batch_size: int, n_critic: int = 1, *, example: Any = None, view: Any = None) -> Step:
    """Converts a step over batches into a step over a whole data set in device memory.

    If there are several sets, each gives a minibatch of `batch_size` examples. The sets are numbered in the order of their
    names; the number selects the random stream, and the first set has the same order as a single set.

    Args:
      step: `(key, state, batch, *, axis_name=None) -> (state, metrics)`.
      batch_size: the size of the global batch.
      n_critic: minibatches per step; above 1, the arrays of the step's batch have a leading axis of that length.
      example: the kinds of the arrays, as in `DataSpec.example`; None to infer them, see `jgan.data.kinds`.
      view: `view(key, batch, axis_name=None) -> batch`, applied to each minibatch: `Dataset.view`; None for none.

    Returns:
      `(key, state, data, *, axis_name=None) -> (state, metrics)`, where `data` is a `Batch` or a dict of named `Batch`es; the
      minibatch follows from `key` and `state.step`. While it is traced, before anything compiles, it raises a `ValueError` if
      the arrays of a set differ in length, are not those of `example`, or are fewer than the batch.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch, GANState
      >>> from jgan.data import resident
      >>> data = {"a": Batch(jnp.arange(6.0)), "b": Batch(jnp.arange(9.0))}
      >>> step = resident.on_resident_data(lambda key, state, batch, axis_name=None: (state, batch), batch_size=2)
      >>> _, batch = jax.jit(step)(jax.random.key(0), GANState(jnp.int32(0), None, None), data)
      >>> batch["a"].x.shape, batch["b"].x.shape
      ((2,), (2,))
    """
    examples = None if example is None else sets_of(example)

    def resident_step(key: Key, state: Any, data: Any, *, axis_name: str | None = None):
        sets = sets_of(data)
        if examples is not None and examples.keys() != sets.keys():
            raise ValueError(f"expected the sets {', '.join(map(repr, examples))}, found {', '.join(map(repr, sets))}")

        def minibatch(stream: int, name: str) -> Batch:
            n = _length(sets[name], name, batch_size)

            def of(index: jax.Array | int) -> jax.Array:
                return batch_indices(key, state.step * n_critic + index, n, batch_size, axis_name, stream=stream)

            indices = of(0) if n_critic == 1 else jax.lax.map(of, jnp.arange(n_critic, dtype=state.step.dtype))
            return cut(sets[name], indices, None if examples is None else examples[name])

        batches = {name: minibatch(stream, name) for stream, name in enumerate(sets)}
        batch = seen(view, key, state.step, batches.get("", batches), n_critic, axis_name)
        return step(key, state, batch, axis_name=axis_name)

    return resident_step


def seen(view: Any, key: Key, step: jax.Array, batch: Any, n_critic: int = 1, axis_name: str | None = None) -> Any:
    """A step's batch, through the view of its data set.

    Args:
      view: `Dataset.view`, or None for no change.
      key: the run's root key.
      step: the number of earlier steps.
      batch: the step's batch; above one minibatch per step, its arrays have a leading axis of that length.
      n_critic: minibatches per step; each is seen with a key of its own.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      The batch.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.data import resident
      >>> double = lambda key, batch, axis_name=None: batch * 2
      >>> resident.seen(double, jax.random.key(0), jnp.int32(0), jnp.ones((2, 3)), n_critic=2).shape
      (2, 3)
    """
    if view is None:
        return batch
    key = rng.stream(rng.step_key(key, step), rng.Stream.DATA_VIEW)
    if n_critic == 1:
        return view(key, batch, axis_name=axis_name)
    each = [
        view(jax.random.fold_in(key, index), jax.tree.map(lambda leaf, index=index: leaf[index], batch), axis_name=axis_name)
        for index in range(n_critic)
    ]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
