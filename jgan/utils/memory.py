"""The memory that is available, so that a request that cannot be met is refused before anything is computed."""

import ctypes
import math
import platform
from pathlib import Path
from typing import Any

import jax

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB", "EB")


def available() -> int | None:
    """The bytes of memory that this process may still take: the least of the machine's, its container's and its own limit.

    Returns:
      The number of bytes, or None if the system does not tell.

    Example:
      >>> from jgan.utils import memory
      >>> found = memory.available()
      >>> found is None or found > 0
      True
    """
    found = [limit for limit in (_of_the_machine(), _of_the_container(), _of_the_process()) if limit is not None]
    return max(1, min(found)) if found else None


def require(what: str, size: int) -> None:
    """Checks that an amount of memory is available.

    Args:
      what: what takes the memory, with the remedy after a colon, for the message.
      size: the number of bytes.

    Raises:
      ValueError: if it is more than what is available.

    Example:
      >>> from jgan.utils import memory
      >>> memory.require("a small array", 8)
    """
    room = available()
    if room is not None and size > room:
        raise ValueError(f"{what}: about {in_words(size)} of memory are needed, and {in_words(room)} are available")


def keep_freed() -> bool:
    """Has the allocator keep what is freed, for a process that trains on CPU; a command may do so, a library may not.

    XLA allocates the temporary arrays of a step anew at each step. By default glibc gives large ones back to the system, which
    hands them out again one zeroed page at a time: about 8 % of a convolutional step. With these settings they stay in the
    process, and one heap serves all threads.

    Returns:
      Whether the allocator is glibc's and took the settings; otherwise nothing changes.

    Example:
      >>> from jgan.utils import memory
      >>> kept = memory.keep_freed()  # at the start of a script
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    trim_threshold, top_pad, mmap_max, arena_max = -1, -2, -4, -8  # the numbers of malloc.h
    settings = {mmap_max: 0, trim_threshold: 2**31 - 1, top_pad: 256 << 20, arena_max: 1}
    return min(mallopt(option, value) for option, value in settings.items()) == 1


def bytes_of(tree: Any) -> int:
    """The bytes of the arrays of a tree.

    Args:
      tree: arrays, or anything with a shape and a dtype.

    Returns:
      The number of bytes.

    Example:
      >>> import numpy as np
      >>> from jgan.utils import memory
      >>> memory.bytes_of({"a": np.zeros((2, 3), np.float32), "b": np.zeros(5, np.int8)})
      29
    """
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def in_words(size: int) -> str:
    """A number of bytes with its unit, to two digits.

    Args:
      size: the number of bytes.

    Returns:
      The text.

    Example:
      >>> from jgan.utils import memory
      >>> memory.in_words(1_500_000_000_000), memory.in_words(12)
      ('1.5 TB', '12 bytes')
    """
    power = min((len(str(size)) - 1) // 3, len(_UNITS) - 1)
    value = size / 1000**power if power else size
    return f"{value:.2g} {_UNITS[power]}" if value < 100 else f"{value:.0f} {_UNITS[power]}"


def _of_the_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, ValueError, StopIteration):  # not Linux
        return None


def _of_the_container() -> int | None:
    """What a control group of version 2 leaves; "max", an unlimited one, is not a number."""
    group = Path("/sys/fs/cgroup")
    try:
        return int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return None


def _of_the_process() -> int | None:
    """What a limit of the address space (`ulimit -v`) leaves."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):  # not Linux
        return None
    return None if limit == resource.RLIM_INFINITY else limit - taken
