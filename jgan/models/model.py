"""What a model is: its configuration, how it is made, its presets, what data it accepts and how its runs are judged."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jgan.types import GAN, DataSpec, Phase


class Preset(NamedTuple):
    """A named configuration: what `python -m jgan.train NAME` runs.

    Attributes:
      description: one line for the help text.
      dataset: a name that `jgan.data.load` knows.
      batch_size: examples in a minibatch.
      steps: generator updates in the whole run.
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


class Model(NamedTuple):
    """A model, as each file of `jgan.models` defines one under the name `MODEL`.

    Attributes:
      Config: a frozen dataclass; each field is a flag of the command line, groups of options are nested frozen dataclasses.
      make: `make(config, spec) -> GAN`, or a tuple of `Phase`s.
      presets: the presets by name.
      accepts: `accepts(spec)` raises a `ValueError` that names the data which the model accepts, if `spec` describes others:
        see `jgan.models.accepts`.
      small: `small(config) -> config`, the same configuration with networks small enough for a test.
      small_spec: the data for which the contract tests make the small model.
      evaluator: how its runs are judged and drawn: a name in `jgan.training.evaluators.EVALUATORS`, or a function of the run
        that returns a name or an `Evaluator`.
      real_view: `real_view(config)` returns what brings real images into the form of the model's pictures before the two are
        compared, `(images in [0, 1]) -> images in [0, 1]`, or None if they are compared unchanged.
    """

    Config: type
    make: Callable[[Any, DataSpec], GAN | tuple[Phase, ...]]
    presets: dict[str, Preset]
    accepts: Callable[[DataSpec], None]
    small: Callable[[Any], Any]
    small_spec: DataSpec
    evaluator: Any = "images"
    real_view: Callable[[Any], Callable[[Any], Any] | None] = _unchanged
