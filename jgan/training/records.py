"""`config.json`: writes and reads the configuration of a run, its model and the description of its data.

A model of the library is recorded by name, a user-defined model by the import path of its `Model` (`"package.module:NAME"`). A
model without an import path (defined in a notebook, or built from functions) must be passed again when the run is opened.
"""

import dataclasses
import importlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from jgan import models
from jgan.models import Model
from jgan.training.config import RunConfig
from jgan.training.environment import environment, write_json
from jgan.types import Batch, DataSpec, Field

CONFIG = "config.json"
VERSION = 2
"""version of the format of `config.json`; version 1, of jgan 0.1, lacks the description of the data"""


class Record(NamedTuple):
    """The content of `config.json`.

    Attributes:
      config: the configuration.
      spec: the description of the data, without its mean.
      model: the model.
    """

    config: RunConfig
    spec: DataSpec
    model: Model


def write(workdir: Path, config: RunConfig, spec: DataSpec, model: Model) -> None:
    """Writes `config.json`, with the versions and the commit of the code.

    Args:
      workdir: the folder of the run.
      config: the configuration.
      spec: the description of the data; the mean is left out.
      model: the model.
    """
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    fields |= {"model": model_to_dict(model, config.model), "workdir": str(workdir), "resume": False, "dry_run": False}
    write_json(
        workdir / CONFIG,
        {"version": VERSION, "config": fields, "spec": spec_to_dict(spec), "environment": environment()},
    )


def read(workdir: Path, model: Model | None = None) -> Record:
    """Reads `config.json`.

    Args:
      workdir: the folder of the run.
      model: the run's model, if the record does not identify it.

    Returns:
      The `Record`; `config.workdir` is the current folder.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if it is not a configuration of this version, or its model cannot be found.
    """
    path = Path(workdir) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{workdir} holds no {CONFIG}: it is not the folder of a run; python -m jgan.train makes one")
    try:
        record = json.loads(path.read_text())
        version = record.get("version", 1)
        if version != VERSION:
            writer = "jgan 0.1" if version == 1 else "a later jgan"
            raise ValueError(f"expected version {VERSION}, found {version}, of {writer}: open it with {writer}")
        found, options = model_from_dict(record["config"]["model"], model)
        fields = record["config"] | {"model": options, "workdir": str(workdir)}
        for name in ("workdir", "data_dir", "weights"):
            fields[name] = Path(fields[name]) if fields.get(name) is not None else None
        return Record(RunConfig(**fields), spec_from_dict(record["spec"]), found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = str(error) if isinstance(error, ValueError) else repr(error)
        raise ValueError(f"{path} is not the configuration of a run of this version of jgan ({message})") from error


# ------------------------------------------------------------------------------------------------------------- the model


def model_to_dict(model: Model, config: Any) -> dict[str, Any]:
    """Converts a model and its options to plain data, for JSON.

    Args:
      model: the model.
      config: its options, an instance of `model.Config`.

    Returns:
      The options, with the model's name or import path as `model`; None if it has neither.

    Example:
      >>> from jgan import models
      >>> from jgan.training import records
      >>> config = models.presets()["mnist"].config
      >>> records.model_to_dict(models.find(config), config)["model"]
      'gan2014'
    """
    name = next((name for name, known in models.MODELS.items() if known is model), None)
    return {"model": name or _place(model), **dataclasses.asdict(config)}


def _place(model: Model) -> str | None:
    """`"module:NAME"` of a model in a module that another process can import."""
    name = model.Config.__module__
    module = sys.modules.get(name)
    if module is None or name == "__main__" or getattr(module, "__spec__", None) is None:
        return None
    return next((f"{name}:{key}" for key, value in vars(module).items() if value is model), None)


def model_from_dict(fields: dict[str, Any], model: Model | None = None) -> tuple[Model, Any]:
    """The inverse of `model_to_dict`.

    Args:
      fields: as `model_to_dict` makes them.
      model: the model, if known.

    Returns:
      `(model, config)`.

    Raises:
      ValueError: if the model cannot be found, or has no such options.
    """
    fields = dict(fields)
    name = fields.pop("model")
    if model is None:
        model = _found(name)
    return model, models.built(model.Config, fields, f"the model {name or model.Config.__name__}")


def _found(name: str | None) -> Model:
    if name is None:
        raise ValueError("the run's model has no name and no module: give it, open_run(workdir, model=...)")
    module, _, attribute = name.partition(":")
    if not attribute:
        return models.MODELS[name]
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"the run's model is {attribute} in the module {module}, which cannot be imported here ({error}): make the module "
            "importable, or give the model, open_run(workdir, model=...)"
        ) from error


# -------------------------------------------------------------------------------------------------------------- the data


def spec_to_dict(spec: DataSpec) -> dict[str, Any]:
    """Converts the description of the data to plain data, for JSON.

    Args:
      spec: the description.

    Returns:
      Its fields without the mean, which is needed only at the start of a run.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.training import records
      >>> spec = DataSpec.images((28, 28, 1), steps_per_epoch=500, n_classes=10)
      >>> records.spec_from_dict(records.spec_to_dict(spec)) == spec
      True
    """
    return {**spec._asdict(), "example": _to_json(spec.example), "mean": None}


def spec_from_dict(fields: dict[str, Any]) -> DataSpec:
    """The inverse of `spec_to_dict`.

    Args:
      fields: as `spec_to_dict` makes them.

    Returns:
      The `DataSpec`; its mean is None.
    """
    return DataSpec(**fields | {"example": _from_json(fields["example"])})


def _to_json(tree: Any) -> Any:
    """A tree of `Field`s: named tuples under their type's name, a dict under "dict", other sequences as lists."""
    if isinstance(tree, Field):
        return {"field": {"shape": list(tree.shape), "kind": tree.kind, "size": tree.size}}
    if isinstance(tree, Batch):
        return {"batch": {name: _to_json(value) for name, value in tree._asdict().items()}}
    if isinstance(tree, dict):
        return {"dict": {name: _to_json(value) for name, value in tree.items()}}
    return None if tree is None else [_to_json(value) for value in tree]


def _from_json(value: Any) -> Any:
    if value is None or isinstance(value, list):
        return None if value is None else tuple(map(_from_json, value))
    ((kind, fields),) = value.items()
    if kind == "field":
        return Field(tuple(fields["shape"]), fields["kind"], int(fields["size"]))
    parts = {name: _from_json(part) for name, part in fields.items()}
    return Batch(**parts) if kind == "batch" else parts
