"""Several processes that train one run: process 0 leads, and the others follow its orders.

The leader runs the loop of `jgan.training.loop` and is the only one that reads or writes the run's folder, measures and draws.
Before each call of a compiled step it orders the same call from the followers (`jgan.training.follower`), over a connection to
each. So all make the same calls, whatever ends the run: a signal to any of them, the time limit, a value that is not finite.
While the leader writes or measures, the others wait for an order, not inside a collective, which would give up after a while.

A connection also ends with its process, however that ends. A run cannot go on without a part of each batch, and a collective
may wait for the lost process for ever: who sees a connection end says so in one line and ends, with status 1. JAX's service
ends with process 0 too, and JAX may print lines of its own about that before ours.
"""

import contextlib
import ctypes
import os
import queue
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, NamedTuple, NoReturn

import jax
import numpy as np

from jgan.training import shares, stopping
from jgan.training.config import RunConfig
from jgan.types import GANState
from jgan.utils import output, text

WAIT, LOST, POLL = 300.0, 3.0, 0.2
"""seconds in which all processes must have come; in which a lost one is noticed before an error of a collective counts; between
two looks for a signal"""


class Same(NamedTuple):
    """What must be the same in all processes: the leader's values, by the names of the options."""

    values: dict[str, Any]


class Phase(NamedTuple):
    """The order to begin a phase, or to begin it again.

    Attributes:
      end: the step of the whole run at which it ends.
      first: the next step, counted within the phase.
      last: the number of its last step, plus one.
      length: steps in the longer of the two programs.
      rollbacks: the number of the run's rollbacks.
      state: the leaves of the state.
    """

    end: int
    first: int
    last: int
    length: int
    rollbacks: int
    state: list[np.ndarray]


class Left(NamedTuple):
    """The order to end: the run is finished, or saved and stopped; with the exit status."""

    status: int


class Failed(NamedTuple):
    """A process has ended with an error."""

    message: str


class Asked(NamedTuple):
    """A follower was asked to leave, by a signal."""

    signal: int


class Alone:
    """The team of a process that trains alone: there is nobody to tell."""

    def attend(self, requests: stopping.Requests, note: Callable[[str], None], values: Callable[[], dict[str, Any]]) -> None:
        """Begins the run: see `Leader.attend`."""

    def begin(self, state: GANState, **phase: int) -> None:
        """Begins a phase: see `Leader.begin`."""

    def call(self, size: int) -> None:
        """Orders a call of the program of `size` steps."""

    def own(self, state: GANState) -> GANState:
        """The copy of the state that this process measures and saves."""
        return state


class Leader(Alone):
    """Process 0's side.

    Args:
      followers: the connections, by the number of their process.
    """

    def __init__(self, followers: Mapping[int, Connection]) -> None:
        self._followers, self._sending, self._ending = followers, threading.Lock(), False
        self._signal: int | None = None
        self._requests: stopping.Requests | None = None
        self._note: Callable[[str], None] | None = None
        for process, connection in followers.items():
            threading.Thread(target=self._listen, args=(process, connection), daemon=True).start()

    def attend(self, requests: stopping.Requests, note: Callable[[str], None], values: Callable[[], dict[str, Any]]) -> None:
        """Begins the run.

        Args:
          requests: gets the signals that other processes receive.
          note: writes a line to the run's log.
          values: gives what must be the same in all processes, by the names of the options.
        """
        self._requests, self._note = requests, note
        if self._signal is not None:
            requests.ask(self._signal)
        self._send(Same(values()))

    def begin(self, state: GANState, **phase: int) -> None:
        """Begins a phase.

        Args:
          state: the state from which all go on.
          **phase: the other fields of `Phase`.
        """
        self._send(Phase(**phase, state=jax.tree.leaves(jax.device_get(state))))

    def call(self, size: int) -> None:
        """Orders a call of the program of `size` steps."""
        self._send(size)

    def own(self, state: GANState) -> GANState:
        """The copy of the state on the first of this process's devices."""
        return shares.own(state)

    def end(self, order: Left | Failed) -> None:
        """Ends the others."""
        self._ending = True
        self._send(order)

    def _send(self, order: Any) -> None:
        with self._sending:
            for connection in self._followers.values():
                with contextlib.suppress(OSError):  # of a lost one, which `_listen` sees
                    connection.send(order)

    def _listen(self, process: int, connection: Connection) -> None:
        try:
            while isinstance(found := connection.recv(), Asked):
                self._signal = found.signal
                if self._requests is not None:
                    self._requests.ask(found.signal)
            self._give_up(f"process {process}: {found.message}")
        except (EOFError, OSError):
            self._give_up(f"process {process} was lost")

    def _give_up(self, what: str) -> None:
        if self._ending:
            return
        if self._note is not None:
            with contextlib.suppress(OSError):
                self._note(f"error: {what}")
        # Not in this thread: the main one may hold the lock for ever, sending to a process that does not read.
        threading.Thread(target=self._send, args=(Failed(what),), daemon=True).start()
        time.sleep(0.1)
        _end(f"{what}; --resume goes on from the last checkpoint, with any number of processes")


class Follower:
    """Another process's side.

    Args:
      connection: that to the leader.
      process: the number of this process.
    """

    def __init__(self, connection: Connection, process: int) -> None:
        self.process = process
        self._connection, self._told, self._ending = connection, False, False
        self._orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self, requests: stopping.Requests) -> Any:
        """Waits for the leader's next order; tells it of a signal that has arrived here.

        Args:
          requests: what has arrived.

        Returns:
          The order: `Same`, `Phase`, a number of steps, or `Left`.
        """
        while True:
            if requests.signal is not None and not self._told:
                self._told = True
                self._tell(Asked(requests.signal))
            with contextlib.suppress(queue.Empty):
                return self._orders.get(timeout=POLL)

    def end(self, why: Left | Failed) -> None:
        """Tells the leader of an error; otherwise it was the leader's order."""
        self._ending = True
        if isinstance(why, Failed):
            self._tell(why)

    def _tell(self, message: Asked | Failed) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(message)

    def _listen(self) -> None:
        """Passes the orders on; ends the process at once if there will be none, as its main thread may wait in a collective."""
        try:
            while not isinstance(found := self._connection.recv(), Failed):
                self._orders.put(found)
                if isinstance(found, Left):
                    return
            why = f"process 0 has stopped: {found.message}"
        except (EOFError, OSError):
            why = "process 0 was lost; --resume goes on from the last checkpoint, with any number of processes"
        if not self._ending:
            _end(why)


def _delay_aborts() -> None:
    """Lets an abort wait for six seconds: the thread that listens says first what happened, and ends the process.

    When process 0 is lost, JAX's client aborts this process, without advice, at about the time when `_listen` sees the end of
    its connection. The handler of SIGABRT gets the signal's number, 6, as its argument: the C library's `sleep(6)`.
    """
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGABRT, ctypes.cast(libc.sleep, ctypes.c_void_p))


def _end(line: str) -> NoReturn:
    output.warn(f"python -m jgan.train: error: {line}")
    os._exit(1)


@contextlib.contextmanager
def team(config: RunConfig) -> Iterator[Alone | Follower]:
    """The place of this process among those that train together; at the end of the block, however it ends, the others are told.

    Args:
      config: the configuration.

    Yields:
      `Alone`, the `Leader`, or a `Follower`. From then on JAX has the devices of all processes.

    Raises:
      ValueError: if the others do not come within `WAIT`.

    Example:
      >>> from jgan import train
      >>> from jgan.training import processes
      >>> with processes.team(train.configuration(["digits"])) as team:
      ...     team.call(1)
    """
    if config.coordinator is None:
        yield Alone()
        return
    mine = _met(config)
    try:
        yield mine
    except stopping.Stopped as stopped:
        mine.end(Left(int(stopped.code or 0)))
        jax.distributed.shutdown()
        raise
    except BaseException as error:
        if isinstance(error, jax.errors.JaxRuntimeError):  # of a collective, perhaps: the thread that listens will know more
            time.sleep(LOST)
        mine.end(Failed(text.one_line(error)))
        raise
    mine.end(Left(0))
    jax.distributed.shutdown()


def _met(config: RunConfig) -> Leader | Follower:
    """Waits for the others, in a thread: a Ctrl-C does not reach JAX's wait, which ends the process if it is too long."""
    found: list[Leader | Follower | Exception] = []

    def meet() -> None:
        try:
            _join(config)
            found.append(Follower(_leader(config), config.process) if config.process else Leader(_followers(config)))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=meet, daemon=True)
    thread.start()
    thread.join(WAIT)
    if not found:
        raise ValueError(
            f"--coordinator {config.coordinator}: the {config.processes} processes have not met in {WAIT:g} seconds"
        )
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _join(config: RunConfig) -> None:
    """Makes the devices of all processes known to each, before JAX has any."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Programs that wait for each other's collectives may take all threads.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    if hasattr(jax.config, "jax_enable_preemption_service"):  # it takes SIGTERM for itself
        jax.config.update("jax_enable_preemption_service", False)
    if config.process and os.name == "posix":
        _delay_aborts()
    try:
        timeout = int(WAIT) + 60  # which ends the process with a trace
        jax.distributed.initialize(config.coordinator, config.processes, config.process, initialization_timeout=timeout)
    except RuntimeError as error:
        message = f"--coordinator {config.coordinator}: the processes cannot be joined: {text.one_line(error)}"
        raise ValueError(message) from error


KEY = 16
"""bytes of the secret with which the processes know each other"""


def _agreed(port: int, key: bytes) -> list[int]:
    """The leader's port and key, in every process."""
    from jax.experimental import multihost_utils

    return multihost_utils.broadcast_one_to_all(np.array([port, *(key or bytes(KEY))], np.int32)).tolist()


def _leader(config: RunConfig) -> Connection:
    """A follower's connection to the leader."""
    host, (port, *key) = str(config.coordinator).rpartition(":")[0], _agreed(0, b"")
    connection = Client((host, port), authkey=bytes(key))
    connection.send(config.process)
    return connection


def _followers(config: RunConfig) -> dict[int, Connection]:
    """Waits for the connections of the others."""
    found: dict[int, Connection] = {}
    key = secrets.token_bytes(KEY)
    with Listener(("", 0), backlog=config.processes, authkey=key) as listener:
        _agreed(listener.address[1], key)
        while len(found) < config.processes - 1:
            with contextlib.suppress(AuthenticationError, EOFError, OSError):
                connection = listener.accept()
                found[connection.recv()] = connection
    return found
