"""`config.json`: writes and reads the configuration of a run, its model and the description of its data.

A model of the library is recorded by name, a user-defined model by the import path of its `Model` (`"package.module:NAME"`). A
model without an import path (defined in a notebook, or built from functions) must be passed again when the run is opened.
"""

import dataclasses
import importlib
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jgan import models
from jgan.models import Model
from jgan.training import config as configs
from jgan.training.config import RunConfig
from jgan.training.environment import environment, write_json
from jgan.types import Batch, DataSpec, Field
from jgan.utils import checks, registry

CONFIG, SEEDS, SWEEP = "config.json", "seeds.json", "sweep.json"
ONE_START = ("resume", "accept_data", "dry_run", "verify", "time_limit", "coordinator", "processes", "process", "seeds")
"""options of one start of the program, which are not recorded"""

VERSION = 4
"""version of the format of `config.json`; 2, of jgan 0.2.0.dev0, lacks the fingerprint of the data and the command line, and is
still read; 1, of jgan 0.1, lacks the description of the data and is not"""

MAY_CHANGE = frozenset(
    (
        *("steps", "workdir", "data_dir", "weights", "parallel", "devices", "keep_checkpoints", "keep_every", "on_nonfinite"),
        *("compilation_cache", "tensorboard", "resume", "accept_data", "time_limit", "dry_run", "verify"),
        *("loader", "loader_workers", "coordinator", "processes", "process", "seeds"),
    )
)
"""options that may change when a run is continued: how long, where and on what it is run, not what it is"""


class Record(NamedTuple):
    """The content of `config.json`.

    Attributes:
      config: the configuration.
      spec: the description of the data, without its mean.
      model: the model.
      data: the fingerprint of the data (`jgan.data.fingerprint`); empty in a record of an earlier version.
      classes: the names of the classes in the order of their labels; `()` if they have none.
    """

    config: RunConfig
    spec: DataSpec
    model: Model
    data: dict[str, Any]
    classes: tuple[str, ...] = ()


def write(
    workdir: Path,
    config: RunConfig,
    spec: DataSpec,
    model: Model,
    data: dict[str, Any] | None = None,
    classes: Sequence[str] = (),
) -> None:
    """Writes `config.json`, with the command line, the versions and the commit of the code.

    Args:
      workdir: the folder of the run.
      config: the configuration.
      spec: the description of the data; the mean is left out.
      model: the model.
      data: the fingerprint of the data, if it is to be checked when the run is continued.
      classes: the names of the classes, if they have names.
    """
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    fields |= {name: Path(value).absolute() for name in ("data_dir", "weights") if (value := fields[name]) is not None}
    fields |= {"model": model_to_dict(model, config.model), "workdir": str(workdir)}
    once = {field.name: field.default for field in dataclasses.fields(config) if field.name in ONE_START}
    record = {"version": VERSION, "config": fields | once, "spec": spec_to_dict(spec), "data": data or {}}
    record |= {"classes": list(classes)} if classes else {}
    write_json(workdir / CONFIG, record | {"command": command(), "environment": environment()})


def command() -> str:
    """The command line of this process, as it is typed in a shell."""
    program, *rest = sys.argv
    if Path(program).parts[-2:] == ("jgan", "train.py"):  # started by python -m jgan.train
        return shlex.join(["python", "-m", "jgan.train", *rest])
    return shlex.join(sys.argv)


def identity(config: RunConfig, model: Model) -> dict[str, Any]:
    """The options that make a run what it is, as plain data; checkpoints hold them.

    Args:
      config: the options of the run.
      model: its model.

    Returns:
      All options but those of `MAY_CHANGE`.
    """
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    fields = {name: value for name, value in fields.items() if name not in MAY_CHANGE}
    return json.loads(json.dumps(fields | {"model": model_to_dict(model, config.model)}, default=str))


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested dicts by dotted names.

    Args:
      tree: nested dicts.
      prefix: put before each name.

    Returns:
      One dict.

    Example:
      >>> from jgan.training import records
      >>> records.flat({"a": {"b": 1}, "c": 2})
      {'a.b': 1, 'c': 2}
    """
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def same_run(run: Any, saved: Any) -> None:
    """Checks that a checkpoint was written with the options that `config.json` has now.

    Args:
      run: the `jgan.training.run.Run`.
      saved: the `jgan.training.saved.Saved`; one of an earlier version, without options, is not checked.

    Raises:
      ValueError: names the first option that differs.
    """
    held, found = saved.extra.get("config"), identity(run.config, run.model)
    if held is None:
        return
    if held["model"]["model"] is None or found["model"]["model"] is None:  # a model without an import path, given again
        held = held | {"model": held["model"] | {"model": found["model"]["model"]}}
    for name, wanted, value in differences(held, found):
        raise ValueError(
            f"{run.workdir / CONFIG} was changed after the checkpoint of step {saved.step}: expected {name} {wanted!r}, found "
            f"{value!r}; restore it, or start another run"
        )


def differences(held: Any, found: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The differences between two results of `identity`; options that the first, of an earlier version, lacks are left out.

    Args:
      held: the first.
      found: the second.
      name: the name of the group that they are, in the names of the differences.

    Yields:
      The name of an option, as `model.optimizer.learning_rate`, and its two values.
    """
    if isinstance(held, dict) and isinstance(found, dict):
        for key in held:
            yield from differences(held[key], found.get(key), f"{name}.{key}" if name else key)
    elif held != found:
        yield name, held, found


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
    if not path.is_file() and (Path(workdir) / SEEDS).is_file():
        raise FileNotFoundError(f"{workdir} holds the runs of several seeds: give the folder of one of them, {workdir}/seed_N")
    if not path.is_file() and (Path(workdir) / SWEEP).is_file():
        raise FileNotFoundError(f"{workdir} holds a sweep: give the folder of one of its runs")
    if not path.is_file():
        raise FileNotFoundError(f"{workdir} holds no {CONFIG}: it is not the folder of a run; python -m jgan.train makes one")
    try:
        record = json.loads(path.read_text())
        version = record.get("version", 1)
        if version not in (2, 3, VERSION):
            writer = "jgan 0.1" if version == 1 else "a later jgan"
            raise ValueError(f"expected version {VERSION}, found {version!r}, of {writer}: open it with {writer}")
        fields = _migrated(record["config"], version)
        found, options = model_from_dict(fields["model"], model, version)
        paths = {name: Path(value) for name in ("data_dir", "weights") if (value := fields.get(name)) is not None}
        config = models.built(RunConfig, fields | paths | {"model": None, "workdir": Path(workdir)}, "a run")
        config = dataclasses.replace(config, model=options)
        configs.check_values(config)
        names = record.get("classes", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"expected the names of the classes, found {names!r}")
        return Record(config, spec_from_dict(record["spec"]), found, _fingerprint(record.get("data", {})), tuple(names))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        message = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{path} is not the configuration of a run of this version of jgan ({message}); restore it, or start another run"
        ) from error


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


def model_from_dict(fields: dict[str, Any], model: Model | None = None, version: int = VERSION) -> tuple[Model, Any]:
    """The inverse of `model_to_dict`.

    Args:
      fields: as `model_to_dict` makes them.
      model: the model, if known.
      version: the version of the record: `Model.migrated` gives options of an earlier one their present form.

    Returns:
      `(model, config)`.

    Raises:
      ValueError: if the model cannot be found, or has no such options.
    """
    fields = dict(fields)
    name = fields.pop("model")
    if model is None:
        model = _found(name)
    if version != VERSION:
        fields = model.migrated(fields, version)
    return model, models.built(model.Config, fields, f"the model {name or model.Config.__name__}")


def _migrated(fields: dict[str, Any], version: int) -> dict[str, Any]:
    """The options of a run in the form of the present version."""
    if version == 2:
        fields = fields | {"resume": "no"}
    return fields


def _found(name: str | None) -> Model:
    if name is None:
        raise ValueError("the run's model has no name and no module: give it, open_run(workdir, model=...)")
    module, _, attribute = name.partition(":")
    if not attribute:
        if name not in models.MODELS:
            raise ValueError(registry.unknown("model", name, models.MODELS))
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
    spec = DataSpec(**fields | {"example": _from_json(fields["example"])})
    checks.whole("spec.steps_per_epoch", spec.steps_per_epoch, 1)
    return spec


def _fingerprint(found: Any) -> dict[str, Any]:
    """The fingerprint of the data, checked: an error of its form must not come where it is compared."""
    for name, entry in found.items():
        if {key: type(value) for key, value in entry.items()} != {"count": int, "shape": list, "dtype": str, "sha256": str}:
            raise ValueError(f"expected count, shape, dtype and sha256 of the data {name}, found {entry!r}")
    return dict(found)


def _to_json(tree: Any) -> Any:
    """A tree of `Field`s: named tuples under their type's name, a dict under "dict", other sequences as lists."""
    if isinstance(tree, Field):
        return {"field": {"shape": list(tree.shape), "kind": tree.kind, "size": tree.size, "end": tree.end}}
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
        shape = tuple(checks.whole("a size in spec.example", side, 0) for side in fields["shape"])
        end = checks.whole("an end in spec.example", fields.get("end", -1), -1)  # earlier versions have none
        return Field(shape, fields["kind"], checks.whole("a size in spec.example", fields["size"], 0), end)
    parts = {name: _from_json(part) for name, part in fields.items()}
    return Batch(**parts) if kind == "batch" else parts
