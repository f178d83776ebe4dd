"""What the loop gives the compiled step as its data: a set that lies on the devices, or a window of examples for each call."""

import importlib.util
import time
from collections.abc import Callable
from typing import Any, Protocol

import jax

from jgan import parallel
from jgan.data import loader, streamed
from jgan.ragged import any_ragged
from jgan.training import shares
from jgan.training.config import ARRAYS, devices
from jgan.training.log import Log
from jgan.training.run import Run
from jgan.types import Key
from jgan.utils import memory

WINDOW = 1 << 27
"""The most bytes of a window of several steps."""

LONG, CALLS, SHARE = 0.001, 100, 0.2
"""The log names the loader as the bottleneck if the device idles for so many seconds in more than a share of so many calls."""


class Feed(Protocol):
    """The data of a run's steps."""

    def begin(self, run: Run, key: Key, first: int, end: int) -> None:
        """Prepares for the steps of a phase.

        Args:
          run: the run in that phase.
          key: the root key of the steps.
          first: the next step, counted within the phase.
          end: the number of the last one, plus one.
        """

    def take(self, size: int) -> Any:
        """The data for a call of the compiled step that makes `size` steps."""

    def running(self, metrics: Any) -> None:
        """Is told what the call will return, perhaps before it is computed."""

    def close(self) -> None:
        """Ends what reads ahead."""


class Resident:
    """The whole set, copied to the devices once."""

    def __init__(self, run: Run) -> None:
        self._data = parallel.replicate(run.dataset.train, devices(run.config))

    def begin(self, run: Run, key: Key, first: int, end: int) -> None:
        """Nothing: the step selects its examples."""

    def take(self, size: int) -> Any:
        """The whole set."""
        return self._data

    def running(self, metrics: Any) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Streamed:
    """Windows of the examples of the coming steps; what happens to them is written to the log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._broken: set[str] = set()
        self._source: loader.Stream | None = None
        self._open: Callable[[int], loader.Stream] | None = None
        self._latest: Any = None
        self._together: Callable[[Any], Any] = lambda window: window
        self._taken, self._waits, self._warned = 0, 0, False

    def begin(self, run: Run, key: Key, first: int, end: int) -> None:
        """Starts to read; whatever was read ahead for another phase is dropped."""
        config, data, n_critic = run.config, run.dataset.train, run.gan.n_critic
        where = devices(config)
        rows = shares.rows(where, run.batch_size)
        if rows is not None:
            self._together = lambda window: shares.together(window, where, axis=1 if n_critic == 1 else 2)
        options: dict[str, Any] = {"end": end, "n_critic": n_critic, "skip": config.on_bad_image == "skip", "rows": rows}

        def opened(first: int) -> loader.Stream:
            steps = loader.Steps(data, key, run.batch_size, first=first, **options)
            return loader.Stream(steps, first, config.loader_workers)

        self.close()
        self._open, self._source = opened, opened(first)

    def take(self, size: int) -> Any:
        """The window of the next steps, on the host: it is copied to the devices while they compute the step before.

        In one of several processes, arrays of all devices, whose other rows the other processes read.
        """
        assert self._source is not None, "begin comes first"
        first, began = self._source.step, time.perf_counter()
        loaded = [self._next() for _ in range(size)]
        self._count(time.perf_counter() - began)
        for message in (message for each in loaded for message in each.broken):
            self._tell(message)
        return self._together(streamed.window([each.data for each in loaded], first))

    def _tell(self, message: str) -> None:
        """Names an image that cannot be read, the first time that it is met."""
        if message not in self._broken:
            self._broken.add(message)
            count = len(self._broken)
            self._log.say(f"warning: another image is taken in place of one that cannot be read ({count} so far): {message}")

    def _next(self) -> loader.Loaded:
        assert self._source is not None
        assert self._open is not None
        if (step := self._source.step) == len(self._source.steps):  # after some hundred epochs: `loader.MOST_EPOCHS`
            self.close()
            self._source = self._open(step)
        found = next(self._source)
        for message in self._source.restarts:
            self._log.say(f"warning: {message}")
        self._source.restarts.clear()
        return found

    def running(self, metrics: Any) -> None:
        """Keeps an array that shows whether the devices still compute."""
        self._latest = next(iter(jax.tree.leaves(metrics)), None)

    def _count(self, seconds: float) -> None:
        """Warns once if the devices are often done before the next examples are there."""
        if self._latest is None:
            return
        self._taken += 1
        self._waits += seconds > LONG and self._latest.is_ready()
        if self._taken == CALLS:
            if self._waits > SHARE * CALLS and not self._warned:
                self._warned = True
                self._log.say(
                    f"warning: the device waited for the loader before {self._waits} of {CALLS} calls: reading the data takes "
                    "longer than the steps; try more --loader-workers, smaller files, or --loader resident"
                )
            self._taken = self._waits = 0

    def close(self) -> None:
        """Ends the threads and workers."""
        if self._source is not None:
            self._source.close()
            self._source = None


def of(run: Run, log: Log) -> Feed:
    """The data of a run's steps.

    Args:
      run: the run.
      log: its log.

    Returns:
      The `Feed`: see `is_streamed`.
    """
    return Streamed(log) if is_streamed(run) else Resident(run)


def is_streamed(run: Run) -> bool:
    """Whether a run's data are read while it trains; otherwise they lie on the devices.

    Args:
      run: the run.

    Returns:
      What `--loader` says; where it leaves the choice, whether the images are read when they are needed, or would take more
      than half of the memory of a device that tells how much it has.
    """
    if run.config.loader != "auto":
        return run.config.loader == "streamed"
    train = run.dataset.train
    if loader.any_lazy(train):
        return True
    if any_ragged(train) or importlib.util.find_spec("grain") is None:
        return False
    here = next(device for device in devices(run.config) if device.process_index == jax.process_index())
    room = (here.memory_stats() or {}).get("bytes_limit")
    return room is not None and memory.bytes_of(train) > room // 2


def sentence(run: Run) -> str:
    """How a run's data reach its devices, for the log.

    Args:
      run: the run.

    Returns:
      The text.
    """
    size = memory.in_words(memory.bytes_of(run.dataset.train))
    if not is_streamed(run):
        return f"data: {size}, on the device"
    if not loader.any_lazy(run.dataset.train):
        return f"data: {size}, from the host's memory by threads while the device computes"
    workers = run.config.loader_workers
    by = f"{workers} worker process{'es' * (workers > 1)}" if workers else "threads"
    source = "when they are needed" if run.config.dataset.startswith(ARRAYS) else "from the files"
    return f"data: {size}, read {source} by {by} while the device computes"


def check(run: Run) -> None:
    """Checks that a run's data can be given to its devices as asked.

    Args:
      run: the run.

    Raises:
      ValueError: if they are to be streamed and Grain is not installed, or they are photographs of several sizes.
    """
    if is_streamed(run):
        loader.check()
        loader.one_size(run.dataset.train)


def longest(run: Run) -> int:
    """The most steps of a program for which a window is not too large.

    Args:
      run: the run in its current phase.

    Returns:
      At least 1.
    """
    return max(1, WINDOW // loader.bytes_of_step(run.dataset.train, run.batch_size, run.gan.n_critic))
