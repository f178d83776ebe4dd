"""The environment of a result (versions, commit, device), and atomic JSON files."""

import datetime
import json
import os
import platform
import subprocess
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
    device = jax.devices()[0]
    return {
        "python": platform.python_version(),
        "packages": versions,
        "git_commit": _git_commit(),
        "device": f"{device.platform}: {_processor() if device.platform == 'cpu' else device.device_kind}",
        "device_count": jax.device_count(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


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
    return f"{platform.machine()}, {cores} cores"
