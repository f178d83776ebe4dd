"""User-defined models: wraps a GAN, or a function that builds one, as a `Model`."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from jgan import models
from jgan.models import Model, Preset
from jgan.training import evaluators
from jgan.types import GAN, DataSpec, Phase
from jgan.utils.registry import unknown


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """The configuration of a model without options."""


def _accepts_all(spec: DataSpec) -> None:
    return None


def of_functions(make: Callable[[DataSpec], GAN | tuple[Phase, ...]]) -> Model:
    """Wraps a function as a model without options.

    Args:
      make: `make(spec) -> GAN`, or a tuple of `Phase`s.

    Returns:
      The `Model`; its evaluator depends on the data, see `jgan.training.evaluators.by_data`.
    """
    return Model(
        Config=NoOptions,
        make=lambda config, spec: make(spec),
        presets={},
        accepts=_accepts_all,
        small=lambda config: config,
        small_spec=DataSpec.images((8, 8, 1), steps_per_epoch=1),
        evaluator=evaluators.by_data,
    )


class Chosen(NamedTuple):
    """A model that was chosen by the caller.

    Attributes:
      name: the name of the preset or of the model, for the run's folder and its messages.
      model: the model.
      config: its options.
      preset: the preset, or None.
    """

    name: str
    model: Model
    config: Any
    preset: Preset | None = None


def choose(model: Any, config: Any = None) -> Chosen:
    """Resolves the `model` argument of `jgan.training.train`.

    Args:
      model: a preset's name, a `Model`, the `Config` of one, a `GAN`, or a function `make(spec)` of one.
      config: the model's options; None for those of the preset, or the defaults.

    Returns:
      The `Chosen`.

    Raises:
      ValueError: if the argument is none of these, or the options belong to another model.

    Example:
      >>> from jgan.training import custom
      >>> custom.choose("mnist").config.latent_size
      100
    """
    chosen = _chosen(model)
    if config is None:
        return chosen
    if type(config) is not chosen.model.Config:
        expected, found = chosen.model.Config, type(config)
        raise ValueError(
            f"expected the options of {chosen.name}, {expected.__module__}.{expected.__qualname__}, "
            f"found {found.__module__}.{found.__qualname__}"
        )
    return chosen._replace(config=config)


def _chosen(model: Any) -> Chosen:
    if isinstance(model, str):
        presets = models.presets()
        if model not in presets:
            raise ValueError(unknown("preset", model, presets))
        return Chosen(model, models.find(presets[model].config), presets[model].config, presets[model])
    if isinstance(model, Model):
        return Chosen(_name(model), model, model.Config())
    if isinstance(model, GAN):
        return Chosen("gan", of_functions(lambda spec: model), NoOptions())
    if dataclasses.is_dataclass(model) and not isinstance(model, type):
        found = _with_config(type(model))
        return Chosen(_name(found), found, model)
    if callable(model) and not isinstance(model, type):
        return Chosen(getattr(model, "__name__", "gan").strip("<>_"), of_functions(model), NoOptions())
    raise ValueError(
        "expected a model: a preset's name, a Model, the Config of one, a GAN, or a function make(spec) that builds one, "
        f"found {model!r}"
    )


def _with_config(config_type: type) -> Model:
    """The model with these options: one of the library, or of the module that defines the options."""
    known = [*models.MODELS.values(), *vars(sys.modules.get(config_type.__module__, sys)).values()]
    for model in known:
        if isinstance(model, Model) and model.Config is config_type:
            return model
    raise ValueError(
        f"expected the Config of a model, found {config_type.__module__}.{config_type.__qualname__}, which no Model has: give "
        "the Model, train(model, config)"
    )


def _name(model: Model) -> str:
    """The registered name, or the name of the module that defines the model's options."""
    registered = next((name for name, known in models.MODELS.items() if known is model), None)
    return registered or model.Config.__module__.rpartition(".")[2].strip("_")


def model_of(model: Any) -> Model:
    """Only the `Model` of `choose`."""
    return model if isinstance(model, Model) else _chosen(model).model
