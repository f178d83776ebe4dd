"""Generative adversarial networks in JAX: pure training steps, explicit keys, measured results.

The types are here; the subpackages (`jgan.losses`, `jgan.models`, `jgan.networks` ...) are imported when they are first used.
"""

import importlib
import pkgutil
from importlib import metadata
from typing import Any

from jgan.types import GAN, Batch, DataSpec, Field, Game, GANState, Inputs, Network, Phase, PlayerState

__all__ = ["GAN", "Batch", "DataSpec", "Field", "GANState", "Game", "Inputs", "Network", "Phase", "PlayerState"]

try:
    __version__ = metadata.version("jgan")
except metadata.PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"

_SUBMODULES = frozenset(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"jgan.{name}")
    raise AttributeError(f"module 'jgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
