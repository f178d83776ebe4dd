"""Reads the examples of the coming steps while the device computes, with Grain (extra `stream`).

By default the examples are read in threads of the process, as decoding releases Python's lock; worker processes help where many
cores decode small files. A worker that is killed is replaced, from the step that it was at.
"""

import contextlib
import gc
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan.data import workers
from jgan.data.kinds import length, sets_of
from jgan.data.lazy import Lazy
from jgan.data.order import HostOrder
from jgan.ragged import any_ragged
from jgan.types import Batch, Key
from jgan.utils import text

THREADS = 16
"""The most batches that are read at a time."""

AHEAD = 1 << 28
"""The most bytes that are read ahead of the device."""

MOST_EPOCHS = 256
"""The most epochs of one object `Steps`, of each of which it holds a key: every worker gets a copy."""

MOST_RESTARTS = 3
"""How often workers are started anew without a batch in between."""

MOST_BROKEN = 100
"""The most examples in a row that are left out."""


class Loaded(NamedTuple):
    """The examples of a step.

    Attributes:
      data: a `Batch`, or a dict of named `Batch`es, of NumPy arrays.
      broken: a message for each example that could not be read and was replaced by the next one of the set.
      fault: the message of the error on which reading ended; then there are no data.
    """

    data: Any
    broken: Sequence[str]
    fault: str = ""


class Steps:
    """The examples of every step of a phase, by its number.

    Args:
      data: the training set, or several by name: arrays, or images that are read when they are needed.
      key: the root key of the steps.
      batch_size: the size of the global batch.
      first: the first step that will be asked for.
      end: the number of the last one, plus one; the steps end earlier if that is after more than `MOST_EPOCHS`.
      n_critic: minibatches per step.
      skip: whether an example that cannot be read is replaced by the next one of its set.
      rows: the places in a minibatch of the examples that are read, where other processes read the others; None for all.

    Raises:
      ValueError: for photographs of several sizes, which are kept on the device.

    Example:
      >>> import jax, numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import loader
      >>> steps = loader.Steps(Batch(np.arange(6.0)), jax.random.key(0), 2, first=0, end=3)
      >>> sorted(steps[0].data.x.tolist() + steps[1].data.x.tolist() + steps[2].data.x.tolist())
      [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """

    def __init__(
        self,
        data: Any,
        key: Key,
        batch_size: int,
        *,
        first: int,
        end: int,
        n_critic: int = 1,
        skip: bool = False,
        rows: np.ndarray | None = None,
    ) -> None:
        self.sets, self.batch_size, self.n_critic, self.skip = sets_of(data), batch_size, n_critic, skip
        self.rows = slice(None) if rows is None else rows
        one_size(self.sets)
        shortest = min(map(length, self.sets.values())) // batch_size  # steps; an order holds a key for each epoch
        self.end = min(end, first + max(1, MOST_EPOCHS * shortest // n_critic))
        span = {"first": first * n_critic, "end": self.end * n_critic}
        self.orders = {
            name: HostOrder(key, length(batch), batch_size, stream=stream, **span)
            for stream, (name, batch) in enumerate(self.sets.items())
        }

    def __len__(self) -> int:
        return self.end

    def __getitem__(self, step: int) -> Loaded:
        broken: list[str] = []
        found = {name: self._of(name, step, broken) for name in self.sets}
        return Loaded(found.get("", found), broken)

    def _of(self, name: str, step: int, broken: list[str]) -> Batch:
        minibatches = [self.orders[name](step * self.n_critic + index)[self.rows] for index in range(self.n_critic)]
        found = [_gathered(self.sets[name], indices, broken if self.skip else None) for indices in minibatches]
        return found[0] if self.n_critic == 1 else jax.tree.map(lambda *leaves: np.stack(leaves), *found)


class _Told:
    """Steps whose errors are told instead of raised: those of another process would come with its traceback."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> Loaded:
        try:
            return self.steps[step]
        except (ValueError, OSError) as error:
            return Loaded((), (), str(error))


def _gathered(batch: Batch, indices: np.ndarray, broken: list[str] | None) -> Batch:
    """The examples at some places; where one cannot be read, the next one if there is a list for its message."""
    leaves, structure = jax.tree.flatten(batch)
    lazy = [leaf for leaf in leaves if isinstance(leaf, Lazy)]
    if lazy:
        rows, used = zip(*(_example(lazy, int(index), broken) for index in indices), strict=True)
        read = iter([np.stack(column) for column in zip(*rows, strict=True)])
        indices = np.array(used)
    return jax.tree.unflatten(structure, [next(read) if isinstance(leaf, Lazy) else leaf[indices] for leaf in leaves])


def _example(lazy: Sequence[Lazy], index: int, broken: list[str] | None) -> tuple[list[np.ndarray], int]:
    """The images of one example, and its place."""
    for offset in range(MOST_BROKEN):
        place = (index + offset) % len(lazy[0])
        try:
            return [images[place] for images in lazy], place
        except (ValueError, OSError) as error:
            if broken is None:
                raise
            broken.append(text.one_line(error))
    raise ValueError(f"{MOST_BROKEN} images in a row cannot be read; the last one: {broken[-1] if broken else ''}")


class Stream:
    """The examples of successive steps, read ahead; a context manager, which ends the threads and workers.

    Args:
      steps: the examples of every step.
      first: the first step.
      workers: worker processes; 0 for threads of this process.

    Raises:
      ValueError: if Grain is not installed.

    Example:
      >>> import jax, numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import loader
      >>> steps = loader.Steps(Batch(np.arange(6.0)), jax.random.key(0), 2, first=0, end=3)
      >>> with loader.Stream(steps, 1) as stream:
      ...     [next(stream).data.x.tolist() == steps[step].data.x.tolist() for step in (1, 2)]
      [True, True]
    """

    def __init__(self, steps: Steps, first: int, workers: int = 0) -> None:
        check()
        self.steps, self.step = steps, first
        self.workers = workers if any_lazy(steps.sets) else 0  # arrays would be copied to every worker
        self.restarts: list[str] = []
        self._tries = 0
        self._iterator = self._started()

    def _started(self) -> Any:
        import grain

        share = max(1, self.workers)  # each worker has threads and examples of its own
        each = bytes_of_step(self.steps.sets, self.steps.batch_size, self.steps.n_critic)
        ahead = int(np.clip(AHEAD // share // each, 2, 64))
        threads = max(1, min(THREADS, os.cpu_count() or 1, ahead) // share)
        found = grain.MapDataset.source(_Told(self.steps))[self.step :].to_iter_dataset(grain.ReadOptions(threads, ahead))
        if self.workers:
            from absl import flags

            if not flags.FLAGS.is_parsed():  # Grain's workers read flags of absl, whose command line this is not
                flags.FLAGS.mark_as_parsed()
            found = found.mp_prefetch(grain.MultiprocessingOptions(self.workers, per_worker_buffer_size=2), workers.begin)
        self._fresh = True
        with self._starting():
            return iter(found)

    def _starting(self) -> contextlib.AbstractContextManager[None]:
        """Until the first examples are there, workers are being started."""
        return workers.signals_later() if self.workers and self._fresh else contextlib.nullcontext()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __next__(self) -> Loaded:
        while True:
            try:
                with self._starting():
                    found = next(self._iterator)
                self._fresh = False
                break
            except RuntimeError as error:
                if not self.workers or "terminated" not in str(error):
                    raise
                if self._tries == MOST_RESTARTS:
                    what = text.one_line(error)
                    raise ValueError(f"the loader's workers cannot go on at step {self.step:,}: {what}") from error
                self._tries += 1
                self.restarts.append(f"a worker of the loader was ended from outside at step {self.step:,}: started anew")
                self.close()
                self._iterator = self._started()
        if found.fault:
            raise ValueError(found.fault)
        self.step, self._tries = self.step + 1, 0
        return found

    def close(self) -> None:
        """Ends the threads and workers."""
        with contextlib.suppress(AttributeError):  # of an iterator that was never asked for an example
            self._iterator.close()
        self._iterator = None
        if self.workers:
            gc.collect()  # its cycles hold examples in memory that is shared with the workers, which nothing else would free
            time.sleep(workers.UNLINKED)


def check() -> None:
    """Checks that Grain is installed.

    Raises:
      ValueError: if it is not.

    Example:
      >>> from jgan.data import loader
      >>> loader.check()
    """
    try:
        import grain  # noqa: F401
    except ImportError as error:
        raise ValueError("data are streamed with Grain, which is not installed: pip install 'jgan[stream]'") from error


def one_size(data: Any) -> None:
    """Checks that data can be streamed.

    Args:
      data: a `Batch`, or a dict of named `Batch`es.

    Raises:
      ValueError: if they hold photographs of several sizes, which are kept on the device.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import loader
      >>> loader.one_size(Batch(np.zeros(3)))
    """
    if any_ragged(data):
        raise ValueError("photographs of several sizes are kept on the device: give --loader resident")


def bytes_of_step(data: Any, batch_size: int, n_critic: int = 1) -> int:
    """The bytes of the examples of one step.

    Args:
      data: a `Batch`, or a dict of named `Batch`es, each of at least one example.
      batch_size: the size of the global batch.
      n_critic: minibatches per step.

    Returns:
      The number, at least 1.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import loader
      >>> loader.bytes_of_step(Batch(np.zeros((5, 3), np.float32)), batch_size=2)
      24
    """
    return max(1, batch_size * n_critic * sum(leaf.nbytes // len(leaf) for leaf in jax.tree.leaves(data)))


def any_lazy(data: Mapping[str, Batch] | Batch) -> bool:
    """Whether any images of a set are read when they are needed.

    Args:
      data: a `Batch`, or a dict of named `Batch`es.

    Returns:
      True if so.

    Example:
      >>> import numpy as np
      >>> from jgan import Batch
      >>> from jgan.data import loader
      >>> loader.any_lazy(Batch(np.zeros(3)))
      False
    """
    return any(isinstance(leaf, Lazy) for leaf in jax.tree.leaves(data))
