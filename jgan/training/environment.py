"""The environment of a result (versions, commit, device), and atomic JSON files."""

import datetime
import json
import os
import platform
import subprocess
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from jgan.utils.files import replacing

PACKAGES: Sequence[str] = ("jgan", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scikit-learn")


def environment() -> dict[str, Any]:
    """Versions, commit, device and date, for result files.

    Returns:
      A dict for JSON: `python`, `packages`, `git_commit` (None outside a checkout), `device`, `device_count`, `date` (UTC).

    Example:
      >>> from jgan.training.environment import environment
      >>> sorted(environment())
      ['date', 'device', 'device_count', 'git_commit', 'packages', 'python']
    """
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "python": platform.python_version(),
        "packages": versions,
        "git_commit": _git_commit(),
        "device": device(),
        "device_count": jax.device_count(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


LEAST_SECONDS = 0.05
"""Programs that took less to compile are not kept; JAX's own limit is a second, which the start of a small run is made of."""


def keep_compiled_programs() -> None:
    """Has JAX keep compiled programs in the user's cache folder, so that the next start of the same run does not compile again.

    If JAX has such a folder already (`JAX_COMPILATION_CACHE_DIR`), it is used; if the folder cannot be written, none is.
    """
    import platformdirs

    # A cache that is full or may not be written costs time, not results.
    warnings.filterwarnings("ignore", message="Error (writing|reading) persistent compilation cache")
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
    if getattr(jax.config, "jax_compilation_cache_dir", None) is not None:
        return
    folder = platformdirs.user_cache_path("jgan") / "programs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(folder))


def device() -> str:
    """The kind of the first device, such as `cpu: x86_64, 2 cores` or `gpu: NVIDIA H100`."""
    found = jax.devices()[0]
    return f"{found.platform}: {_processor() if found.platform == 'cpu' else found.device_kind}"


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically.

    Args:
      path: the file.
      value: a value for `json.dumps`; paths are also accepted.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, default=str) + "\n")


def _git_commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()}, {cores} core{'s' * (cores != 1)}"
