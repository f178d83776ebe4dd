"""`Model`: a configuration, the function that builds it, presets, the data it accepts and the evaluator of its runs."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jgan.types import GAN, DataSpec, Phase


class Preset(NamedTuple):
    """A named configuration for `python -m jgan.train NAME`.

    Attributes:
      description: one line for the help text.
      dataset: a name for `jgan.data.load`.
      batch_size: examples in a minibatch.
      steps: generator updates of the whole run.
      config: the model's `Config`.
      sample_every: steps between two pictures.
    """

    description: str
    dataset: str
    batch_size: int
    steps: int
    config: Any
    sample_every: int = 1000


def _unchanged(config: Any) -> None:
    return None


def _as_asked(size: tuple[int, int]) -> tuple[int, int]:
    return size


def _as_they_are(fields: dict[str, Any], version: int) -> dict[str, Any]:
    return fields


def _no_tools(config: Any, spec: DataSpec) -> dict[str, Any]:
    return {}


class Model(NamedTuple):
    """A model; each file of `jgan.models` defines one as `MODEL`.

    Attributes:
      Config: a frozen dataclass; each field is a flag of the command line, groups of options are nested frozen dataclasses.
      make: `make(config, spec) -> GAN`, or a tuple of `Phase`s.
      presets: the presets by name.
      accepts: `accepts(spec)` raises a `ValueError` that names the accepted data if the model does not accept `spec`:
        see `jgan.models.accepts`.
      small: `small(config) -> config`, the same configuration with small networks, for tests.
      small_spec: the data of the small model in the contract tests.
      evaluator: the evaluator of its runs: a name in `jgan.training.evaluators.EVALUATORS`, or a function of the run
        that returns a name or an `Evaluator`.
      real_view: `real_view(config)` returns a function `(images in [0, 1]) -> images in [0, 1]` that preprocesses real images
        before they are compared with the model's samples, or None if they are compared unchanged.
      nearest: `nearest((height, width)) -> (height, width)`, the size of images nearest to the given one that the model
        accepts; a folder of images is resized to it. The default is the given one.
      migrated: `migrated(fields, version) -> fields`, the options of a run that an earlier version of jgan recorded, with
        the names and the meaning that they have now.
      tools: `tools(config, spec) -> {name: function}`, what the evaluator of its runs calls; each evaluator says what it needs.
    """

    Config: type
    make: Callable[[Any, DataSpec], GAN | tuple[Phase, ...]]
    presets: dict[str, Preset]
    accepts: Callable[[DataSpec], None]
    small: Callable[[Any], Any]
    small_spec: DataSpec
    evaluator: Any = "images"
    real_view: Callable[[Any], Callable[[Any], Any] | None] = _unchanged
    nearest: Callable[[tuple[int, int]], tuple[int, int]] = _as_asked
    migrated: Callable[[dict[str, Any], int], dict[str, Any]] = _as_they_are
    tools: Callable[[Any, DataSpec], dict[str, Any]] = _no_tools
