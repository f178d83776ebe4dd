"""Models: one small file for each published GAN, with its networks, its optimisers, its schedule and its presets.

To add one, write a file with a frozen dataclass `Config`, a function `make(config, spec) -> GAN` and a dict `PRESETS`, and
name its module in `MODULES` below.
"""

import importlib
from types import ModuleType
from typing import Any, NamedTuple

from jgan.types import GAN, DataSpec

MODULES = ("gan2014",)


class Preset(NamedTuple):
    """One named configuration: what `python -m jgan.train NAME` runs.

    Attributes:
      description: one line for the help text.
      dataset: a name that `jgan.data.load` knows.
      batch_size: examples in a minibatch.
      steps: generator updates in the whole run.
      model: the model's `Config`.
    """

    description: str
    dataset: str
    batch_size: int
    steps: int
    model: Any


def _modules() -> list[ModuleType]:
    return [importlib.import_module(f"jgan.models.{name}") for name in MODULES]


def presets() -> dict[str, Preset]:
    """Every preset of every model, by its name.

    Returns:
      The presets, in the order of the models' files.

    Example:
      >>> from jgan import models
      >>> models.presets()["mnist"].dataset
      'mnist'
    """
    return {name: preset for module in _modules() for name, preset in module.PRESETS.items()}


def make(config: Any, spec: DataSpec) -> GAN:
    """Makes the GAN that a configuration describes.

    Args:
      config: the `Config` of one of the models.
      spec: what the model must know of the data.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the configuration belongs to no model.

    Example:
      >>> from jgan import models
      >>> from jgan.types import DataSpec
      >>> gan = models.make(models.presets()["mnist"].model, DataSpec((28, 28, 1), steps_per_epoch=500))
    """
    for module in _modules():
        if type(config) is module.Config:
            return module.make(config, spec)
    raise ValueError(f"expected the Config of one of {', '.join(MODULES)}, found {type(config).__name__}")
