"""The worker processes of the loader: how many, and how they live with signals."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker

UNLINKED = 0.1
"""Seconds that Grain has to free shared memory, in a thread of its own, before this process may end."""

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def signals_later() -> Iterator[None]:
    """Holds signals back while workers start, in them too, which inherit it.

    Ctrl-C and schedulers send signals to all processes. One that ends a worker before it has read what it is sent would leave
    Grain waiting for it for ever. This process is told by its other threads, or afterwards.

    Yields:
      Nothing.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # if it is started later, with the first worker, it lets the signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(worker: int, workers: int) -> None:
    """What a worker does first: it lets Ctrl-C be, and ends with the process that started it, however that ends.

    Ctrl-C reaches all processes of a terminal, but does not end a worker: the run saves itself, and ends its workers. After a
    SIGKILL nobody would: they would wait for ever.

    Args:
      worker: the number of the worker that begins.
      workers: how many there are.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def most_workers() -> int:
    """The most worker processes that this machine should start: four for each core, or 32 if that is more.

    Returns:
      The number.

    Example:
      >>> from jgan.data import workers
      >>> workers.most_workers() >= 32
      True
    """
    return max(32, 4 * (os.cpu_count() or 1))
