"""Models: one small file for each published GAN, with its networks, its optimisers, its schedule and its presets.

To add one, write a file with a frozen dataclass `Config`, a function `make(config, spec) -> GAN` and a dict `PRESETS`, and
name its module in `MODULES` below.
"""

import dataclasses
import importlib
from types import ModuleType
from typing import Any, Literal, NamedTuple

from jgan.types import GAN, DataSpec, GANState, PyTree

MODULES = ("gan2014", "gan2014_conv", "gan2014_faces", "pattern1010", "mixture", "dirac", "bilinear")


class Preset(NamedTuple):
    """One named configuration: what `python -m jgan.train NAME` runs.

    Attributes:
      description: one line for the help text.
      dataset: a name that `jgan.data.load` knows.
      batch_size: examples in a minibatch.
      steps: generator updates in the whole run.
      model: the model's `Config`.
      display: how a run is shown and judged: see `jgan.training.evaluators`.
      sample_every: steps between two pictures.
    """

    description: str
    dataset: str
    batch_size: int
    steps: int
    model: Any
    display: Literal["images", "points", "density", "trajectory"] = "images"
    sample_every: int = 1000


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


def _module_of(config: Any) -> ModuleType:
    for module in _modules():
        if type(config) is module.Config:
            return module
    raise ValueError(f"expected the Config of one of {', '.join(MODULES)}, found {type(config).__name__}")


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
    return _module_of(config).make(config, spec)


def grow(config: Any, state: GANState, pretrained_params: PyTree) -> GANState:
    """Begins a model of several stages from the generator of the stage before, by the model's own function of this name.

    Args:
      config: the `Config` of such a model.
      state: the state before its first step.
      pretrained_params: the parameters of the earlier generator.

    Returns:
      The state that has taken them up.

    Raises:
      ValueError: if the parameters do not fit.
    """
    return _module_of(config).grow(state, pretrained_params)


def to_dict(config: Any) -> dict[str, Any]:
    """A model's configuration as plain data, for JSON.

    Args:
      config: the `Config` of one of the models.

    Returns:
      Its fields, and the model's name as `model`.

    Example:
      >>> from jgan import models
      >>> fields = models.to_dict(models.presets()["mnist"].model)
      >>> fields["model"], models.from_dict(fields) == models.presets()["mnist"].model
      ('gan2014', True)
    """
    return {"model": type(config).__module__.rpartition(".")[2], **dataclasses.asdict(config)}


def from_dict(fields: dict[str, Any]) -> Any:
    """The inverse of `to_dict`, from what JSON makes of it.

    Args:
      fields: the fields, and the model's name as `model`.

    Returns:
      The `Config`.

    Raises:
      ValueError: if the model or one of the fields is unknown.
    """
    fields = dict(fields)
    name = fields.pop("model")
    if name not in MODULES:
        raise ValueError(f"expected a model among {', '.join(MODULES)}, found {name!r}")
    config_type = importlib.import_module(f"jgan.models.{name}").Config
    unknown = fields.keys() - {field.name for field in dataclasses.fields(config_type)}
    if unknown:
        raise ValueError(f"the model {name} has no option {', '.join(sorted(unknown))}")
    return config_type(**{key: _tuples(value) for key, value in fields.items()})


def _tuples(value: Any) -> Any:
    """JSON has lists where a frozen configuration has tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
