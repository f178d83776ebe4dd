"""When to leave a run early: signals from the user and from schedulers, and the time limit."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""Ctrl-C, and what terminals and schedulers send before they end a process; those that the system has"""


class Stopped(SystemExit):
    """Raised once the state is saved; `code` is 128 plus the number of the signal, 0 after the time limit."""


class Requests:
    """Requests to leave the run: read once a round, because a signal may arrive at any time.

    Args:
      minutes: the time limit; 0 for none.
      since: the start of the time limit, of the clock `time.monotonic`; None for now.
    """

    def __init__(self, minutes: float = 0.0, since: float | None = None) -> None:
        self.signal: int | None = None
        begun = time.monotonic() if since is None else since
        self._end = begun + 60 * minutes if minutes else None

    def ask(self, number: int) -> None:
        """Asks to leave as if a signal had arrived here, of which another process of the run tells.

        Args:
          number: the signal's.
        """
        self.signal = self.signal or number

    def reason(self) -> str:
        """Why to leave; "" to go on."""
        if self.signal is not None:
            return f"signal {signal.Signals(self.signal).name}"
        return "time limit" if self._end is not None and time.monotonic() >= self._end else ""

    @property
    def code(self) -> int:
        """The exit status."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def requests(minutes: float = 0.0, since: float | None = None) -> Iterator[Requests]:
    """Records signals instead of ending the process; a second one interrupts immediately.

    Args:
      minutes: the time limit; 0 for none.
      since: the start of the time limit, of the clock `time.monotonic`; None for now.

    Yields:
      The `Requests`; outside the main thread, where Python delivers no signals, with the time limit only.

    Example:
      >>> import os, signal
      >>> from jgan.training import stopping
      >>> with stopping.requests() as found:
      ...     os.kill(os.getpid(), signal.SIGTERM)
      ...     found.reason(), found.code
      ('signal SIGTERM', 143)
    """
    found = Requests(minutes, since)

    def handler(signum: int, frame: Any) -> None:
        if found.signal is not None:
            raise KeyboardInterrupt
        found.signal = signum

    numbers = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    before = {}
    try:
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has SIGHUP ignored
                before[number] = signal.signal(number, handler)
    except ValueError:  # not in the main thread
        before = {}
    try:
        yield found
    finally:
        for number, old in before.items():
            signal.signal(number, old)
