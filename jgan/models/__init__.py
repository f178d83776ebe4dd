"""Models: one file for each published GAN, imported automatically.

A file of this package, or a module named in another package's entry-point group `jgan.models`, defines `MODEL`, a `Model`: its
`Config`, `make(config, spec)`, presets, accepted data and evaluator. No other file needs a change.
"""

import dataclasses
import importlib
import typing
from importlib import metadata
from typing import Any

import dacite

from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.phases import place
from jgan.types import GAN, DataSpec, Phase
from jgan.utils import registry

__all__ = [
    "MODELS",
    "Model",
    "Preset",
    "assemble",
    "built",
    "find",
    "from_dict",
    "make",
    "model_of",
    "name_of",
    "phases",
    "phases_of",
    "presets",
    "register",
    "to_dict",
]


def _fill() -> None:
    for name in registry.import_all(__name__, __path__):
        model = getattr(importlib.import_module(f"{__name__}.{name}"), "MODEL", None)
        if model is not None:
            MODELS.register(name, model)
    for point in metadata.entry_points(group="jgan.models"):
        MODELS.register(point.name, _loaded(point))


def _loaded(point: metadata.EntryPoint) -> Model:
    where = f"the entry point {point.name} = {point.value} of the group jgan.models"
    try:
        model = point.load()
    except Exception as error:  # whatever the module of another package raises while it is imported
        raise ValueError(
            f"{where} cannot be loaded ({type(error).__name__}: {error}): correct or uninstall its package"
        ) from error
    if not isinstance(model, Model):
        raise ValueError(f"{where}: expected a jgan.models.Model, found {type(model).__name__}")
    return model


MODELS: registry.Registry[Model] = registry.Registry("model", _fill)
"""Every model by name, which is that of its file or entry point."""


def register(name: str, model: Model) -> Model:
    """Registers a model in this process; an entry point registers one permanently.

    Args:
      name: the model's name.
      model: the model.

    Returns:
      The model.

    Raises:
      ValueError: if another model has this name.
    """
    len(MODELS)  # load the models of the files first
    return MODELS.register(name, model)


def presets() -> dict[str, Preset]:
    """All presets of all models, by name.

    Returns:
      The presets, model by model.

    Example:
      >>> from jgan import models
      >>> models.presets()["mnist"].dataset
      'mnist'
    """
    return {name: preset for model in MODELS.values() for name, preset in model.presets.items()}


def model_of(preset: str) -> str:
    """The name of the model that a preset belongs to.

    Args:
      preset: the preset's name.

    Returns:
      A key of `MODELS`.

    Raises:
      ValueError: if there is no such preset.

    Example:
      >>> from jgan import models
      >>> models.model_of("mnist")
      'gan2014'
    """
    for name, model in MODELS.items():
        if preset in model.presets:
            return name
    raise ValueError(registry.unknown("preset", preset, presets()))


def name_of(config: Any) -> str:
    """The name of the model that a configuration belongs to.

    Args:
      config: the `Config` of one of the models.

    Returns:
      A key of `MODELS`.

    Raises:
      ValueError: if it belongs to no model.
    """
    for name, model in MODELS.items():
        if type(config) is model.Config:
            return name
    raise ValueError(f"expected the Config of one of the models {', '.join(MODELS)}, found {type(config).__name__}")


def find(config: Any) -> Model:
    """The model that a configuration belongs to.

    Args:
      config: the `Config` of one of the models.

    Returns:
      The `Model`.

    Raises:
      ValueError: if it belongs to no model.
    """
    return MODELS[name_of(config)]


def phases(config: Any, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds the phases of a run from a configuration; most models have one phase.

    Args:
      config: the `Config` of one of the models.
      spec: the description of the data.

    Returns:
      The `Phase`s, at least one.

    Raises:
      ValueError: if the configuration belongs to no model; otherwise as `phases_of`.
    """
    return phases_of(find(config), config, spec)


def phases_of(model: Model, config: Any, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds the phases of a model, registered or not, after a check that it accepts the data.

    Args:
      model: the model.
      config: its options, an instance of `model.Config`.
      spec: the description of the data.

    Returns:
      The `Phase`s, at least one.

    Raises:
      ValueError: if the model does not accept the data, an option is out of range, or an earlier phase has no length.

    Example:
      >>> from jgan import models
      >>> model = models.MODELS["gan2014"]
      >>> len(models.phases_of(model, model.small(model.Config()), model.small_spec))
      1
    """
    model.accepts(spec)
    made = model.make(config, spec)
    found = (Phase(made),) if isinstance(made, GAN) else tuple(made)
    if not found:
        raise ValueError("expected at least one phase, found none")
    place(found, 1, 0)  # all phases except the last need a length
    return found


def make(config: Any, spec: DataSpec) -> GAN:
    """Builds the GAN of a configuration; if it has several phases, that of the last one.

    Args:
      config: the `Config` of one of the models.
      spec: the description of the data.

    Returns:
      The `GAN`.

    Raises:
      ValueError: if the configuration belongs to no model, the model does not accept the data, or an option is out of range.

    Example:
      >>> from jgan import DataSpec, models
      >>> gan = models.make(models.presets()["mnist"].config, DataSpec.images((28, 28, 1), steps_per_epoch=500))
    """
    return phases(config, spec)[-1].gan


# ------------------------------------------------------------------------------------------------- configurations as JSON


def to_dict(config: Any) -> dict[str, Any]:
    """A model's configuration as plain data, for JSON.

    Args:
      config: the `Config` of one of the models.

    Returns:
      The fields, with option groups as nested dicts, and the model's name as `model`.

    Example:
      >>> from jgan import models
      >>> fields = models.to_dict(models.presets()["mnist"].config)
      >>> fields["model"], models.from_dict(fields) == models.presets()["mnist"].config
      ('gan2014', True)
    """
    return {"model": name_of(config), **dataclasses.asdict(config)}


def from_dict(fields: dict[str, Any]) -> Any:
    """The inverse of `to_dict`; also accepts its result after a round trip through JSON.

    Args:
      fields: the fields, and the model's name as `model`.

    Returns:
      The `Config`.

    Raises:
      ValueError: if the model or one of the fields is unknown.

    Example:
      >>> from jgan import models
      >>> models.from_dict({"model": "gan2014", "latent_sise": 3})
      Traceback (most recent call last):
      ValueError: the model gan2014 has no option 'latent_sise', did you mean 'latent_size'?
    """
    fields = dict(fields)
    name = fields.pop("model", "")
    return built(MODELS[name].Config, fields, f"the model {name}")


def built(config_type: type, fields: dict[str, Any], owner: str) -> Any:
    """Builds a configuration from plain data, including nested option groups.

    Args:
      config_type: a frozen dataclass.
      fields: its fields by name, as read from JSON.
      owner: its name in error messages.

    Returns:
      An instance of `config_type`.

    Raises:
      ValueError: if a field is unknown or missing, or its value has another type.

    Example:
      >>> from jgan import models
      >>> from jgan.models import dcgan
      >>> models.built(dcgan.Config, {"latent_size": "100"}, "the model dcgan")
      Traceback (most recent call last):
      ValueError: the model dcgan: latent_size must be int, found '100'
    """
    _check_names(config_type, fields, owner)
    rules = dacite.Config(type_hooks={int: _integer})
    try:
        return dacite.from_dict(config_type, _tuples(fields), rules)
    except dacite.WrongTypeError as error:
        message = f"{error.field_path} must be {_type_name(error.field_type)}, found {error.value!r}"
        raise ValueError(f"{owner}: {message}") from error
    except dacite.DaciteError as error:
        raise ValueError(f"{owner}: {error}") from error


def _check_names(config_type: type, fields: dict[str, Any], owner: str) -> None:
    known = {field.name for field in dataclasses.fields(config_type)}
    hints = typing.get_type_hints(config_type)
    for name, value in fields.items():
        if name not in known:
            hint = registry.unknown("option", name, known).split(", did you mean ")[1:]
            close = f", did you mean {hint[0].split('?')[0]}?" if hint else ""
            raise ValueError(f"{owner} has no option {name!r}{close}")
        if isinstance(value, dict) and dataclasses.is_dataclass(hints[name]):
            _check_names(typing.cast(type, hints[name]), value, f"{owner}, in the group {name},")


def _tuples(value: Any) -> Any:
    """JSON has lists where a frozen configuration has tuples."""
    if isinstance(value, dict):
        return {name: _tuples(field) for name, field in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _integer(value: Any) -> Any:
    """Refuses booleans, which Python counts as integers."""
    return repr(value) if isinstance(value, bool) else value


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")
