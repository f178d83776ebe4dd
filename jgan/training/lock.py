"""The lock of a run's folder: one process at a time trains in it.

The lock itself is the operating system's, on the file `run.lock`, and ends with the process, however it ends. `running.json`
beside it says who holds it, for the message. Some network file systems do not share locks between hosts; there the holder's
sign of life, the time stamp of `running.json`, decides.
"""

import contextlib
import datetime
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jgan.training.environment import write_json
from jgan.utils import output

LOCK, OWNER = "run.lock", "running.json"

SIGN_OF_LIFE = 10.0
"""seconds between two time stamps of a running process"""


class Folder:
    """The folder of a run while it is locked.

    Attributes:
      workdir: the folder.
      token: what this process has written into `running.json`.
    """

    def __init__(self, workdir: Path, token: str) -> None:
        self.workdir, self.token = workdir, token
        self._checked = time.monotonic()

    def check(self) -> None:
        """Checks, at most once a second, that the folder is still there and still this process's.

        Raises:
          OSError: if it was deleted, moved or replaced, or another process has begun to train in it.
        """
        now = time.monotonic()
        if now - self._checked < 1:
            return
        self._checked = now
        try:
            found = json.loads((self.workdir / OWNER).read_text())
        except FileNotFoundError:
            raise OSError(
                f"the run's folder {self.workdir} was removed, moved or replaced while the run was training"
            ) from None
        except (OSError, ValueError):
            return  # a network file system may fail for a moment
        if found.get("token") != self.token:
            raise OSError(f"{self.workdir} is in use twice: {_who(found)}")


@contextlib.contextmanager
def held(workdir: Path) -> Iterator[Folder]:
    """Locks the folder of a run.

    Args:
      workdir: the folder; it must exist.

    Yields:
      The locked `Folder`.

    Raises:
      ValueError: if another process trains in the folder; the message names its host, process and start.
      OSError: if the folder cannot be written.

    Example:
      >>> import tempfile
      >>> from jgan.training import lock
      >>> with tempfile.TemporaryDirectory() as name, lock.held(Path(name)):
      ...     sorted(path.name for path in Path(name).iterdir())
      ['run.lock', 'running.json']
    """
    import filelock

    guard = filelock.FileLock(workdir / LOCK)
    try:
        guard.acquire(blocking=False)
    except filelock.Timeout:
        raise ValueError(f"{workdir} is in use: {_who(owner(workdir))}") from None
    except NotImplementedError:
        pass  # a file system without locks: signs of life decide
    try:
        _refuse_other_host(workdir)
        me = _self()
        write_json(workdir / OWNER, me)
        stop = threading.Event()
        beat = threading.Thread(target=_beat, args=(workdir / OWNER, stop), daemon=True)
        beat.start()
        try:
            yield Folder(workdir, me["token"])
        finally:
            stop.set()
            beat.join()
            if owner(workdir).get("token") == me["token"]:
                with contextlib.suppress(OSError):
                    (workdir / OWNER).unlink(missing_ok=True)
    finally:
        guard.release()  # the file stays: if it were removed, two processes could each lock a file of this name


def owner(workdir: Path) -> dict[str, Any]:
    """Who trains, or was killed while training, in a folder.

    Args:
      workdir: the folder.

    Returns:
      `host`, `process` and `since`; an empty dict if nobody does or it cannot be read.
    """
    try:
        found = json.loads((workdir / OWNER).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_other_host(workdir: Path) -> None:
    """Raises a `ValueError` if a process of another host shows signs of life in spite of the lock obtained here."""
    found = owner(workdir)
    if not found or found.get("host") == socket.gethostname():
        return  # the lock was free: the process of this host has ended
    output.warn(f"{workdir}: waiting for a sign of life of process {found.get('process')} on {found.get('host')} ...")
    before = _stamp(workdir / OWNER)
    end = time.monotonic() + 2 * SIGN_OF_LIFE
    while time.monotonic() < end:
        time.sleep(SIGN_OF_LIFE / 10)
        if _stamp(workdir / OWNER) != before:
            raise ValueError(f"{workdir} is in use: {_who(found)}")


def _beat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(SIGN_OF_LIFE):
        with contextlib.suppress(OSError):
            os.utime(path)


def _self() -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "process": os.getpid(), "since": now, "token": secrets.token_hex(8)}


def _who(found: dict[str, Any]) -> str:
    if not found:
        return "another process trains in it; wait for it, or give another --workdir"
    who = f"process {found.get('process')} on {found.get('host')} trains in it since {found.get('since')}"
    return f"{who}; wait for it, or give another --workdir"


def _stamp(path: Path) -> int:
    with contextlib.suppress(OSError), path.open() as file:  # opened, because NFS keeps what `stat` returns for a minute
        return os.fstat(file.fileno()).st_mtime_ns
    return 0
