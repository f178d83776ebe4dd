"""Generative adversarial networks in JAX: pure training steps, explicit keys, measured results.

The types are here; they and the subpackages (`jgan.losses`, `jgan.models`, `jgan.networks` ...) are imported when first used.
"""

import importlib
import pkgutil
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jgan.types import GAN, Batch, DataSpec, Field, Game, GANState, Inputs, Network, Phase, PlayerState

__all__ = ["GAN", "Batch", "DataSpec", "Field", "GANState", "Game", "Inputs", "Network", "Phase", "PlayerState"]

try:
    __version__ = metadata.version("jgan")
except metadata.PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"

_SUBMODULES = frozenset(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str) -> Any:
    if name in __all__:  # not at once, because JAX takes a second to import, in which commands could not answer a Ctrl-C
        return getattr(importlib.import_module("jgan.types"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"jgan.{name}")
    raise AttributeError(f"module 'jgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})
