"""`Measure`, a measure of two sets of images, and its registry `MEASURES`, filled by `jgan.evaluation.measures`."""

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax
import numpy as np

from jgan.evaluation.sets import ImageSet
from jgan.features import Extracted
from jgan.metrics.blocks import Progress
from jgan.utils.registry import Registry, import_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Sides(NamedTuple):
    """The two sets to compare, and their features.

    Attributes:
      real: the real images.
      fake: the generated images.
      real_features: features of the real images, if a measure needs them.
      fake_features: features of the generated images, if a measure needs them.
      held_out: features of real images of another split than `real`, for the copying test; None if not given.
    """

    real: ImageSet
    fake: ImageSet
    real_features: Extracted | None = None
    fake_features: Extracted | None = None
    held_out: Extracted | None = None

    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """The features of both sides, `[N, d]` of the real and `[M, d]` of the generated images."""
        assert self.real_features is not None
        assert self.fake_features is not None
        return np.asarray(self.real_features.features), np.asarray(self.fake_features.features)

    def of_class(self, label: int) -> "Sides":
        """The images of one class, of sets with labels, and their features; without `held_out`, which has no labels."""
        real, fake = (np.asarray(side.labels) == label for side in (self.real, self.fake))
        found = Sides(self.real.where(real), self.fake.where(fake))
        return found._replace(real_features=_where(self.real_features, real), fake_features=_where(self.fake_features, fake))


def _where(found: Extracted | None, chosen: np.ndarray) -> Extracted | None:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], found)


class Context(NamedTuple):
    """What all measures are given besides the sets and their own options.

    Attributes:
      seed: seed of all random numbers in a measure.
      progress: called repeatedly by slow measures.
    """

    seed: int = 0
    progress: Progress | None = None


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """The options of a measure that has none."""


class Row(NamedTuple):
    """One row of the table.

    Attributes:
      name: the name of the value.
      value: the value.
      spread: its standard error or standard deviation, or None.
      better: `"lower"`, `"higher"`, or the value that it should be near.
      caution: why the value says little, or "".
    """

    name: str
    value: float
    spread: float | None
    better: str
    caution: str = ""


class Measure(NamedTuple):
    """A measure of two sets of images.

    Attributes:
      needs: `"features"`, `"logits"`, `"images"`, `"held_out"` or `"labels"`.
      compute: `compute(sides, options, context) -> result`, a `NamedTuple`. A field `caution` of the result says why a value
        that is right by its formula says little; it is shown with the value.
      rows: `rows(result) -> lines of the table`.
      about: one line for the help text.
      options: the type of its options, a frozen dataclass with defaults that checks its values. Each field, followed by one
        line of help, is the flag `--MEASURE.FIELD`; `metadata={"flag": ...}` gives it a second, shorter name.
      picture: `picture(result) -> Figure` for `--pictures`, or None.
      least_size: the minimum height and width of the images.
      within_class: whether it also says something about the images of one class alone; it must not need `held_out`.
    """

    needs: Literal["features", "logits", "images", "held_out", "labels"]
    compute: Callable[[Sides, Any, Context], Any]
    rows: Callable[[Any], list[Row]]
    about: str
    options: type = NoOptions
    picture: Callable[[Any], "Figure"] | None = None
    least_size: int = 1
    within_class: bool = False


MEASURES: Registry[Measure] = Registry(
    "metric",
    lambda: import_all("jgan.evaluation.measures", importlib.import_module("jgan.evaluation.measures").__path__),
)
"""All measures, by their names in `--metrics`."""


def one(name: str, better: str, value: str = "value", spread: str = "") -> Callable[[Any], list[Row]]:
    """Formats a result with one value.

    Args:
      name: the name of the value.
      better: as in `Row`.
      value: the field of the result that holds the value.
      spread: the field that holds its spread, or "".

    Returns:
      `rows(result)`.
    """

    def rows(found: Any) -> list[Row]:
        known = getattr(found, spread) if spread else None
        return [Row(name, getattr(found, value), None if known is None or math.isnan(known) else known, better)]

    return rows


def several(better: str, **names: str) -> Callable[[Any], list[Row]]:
    """Formats a result with several values.

    Args:
      better: as in `Row`, for all values.
      **names: the name of the value in each field.

    Returns:
      `rows(result)`.
    """
    return lambda found: [Row(name, getattr(found, field), None, better) for field, name in names.items()]


def equal_sizes(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first elements of both arrays, equally many of each, for measures that need equal sizes."""
    n = min(len(first), len(second))
    return first[:n], second[:n]


def result_for_json(found: Any) -> dict[str, Any]:
    """A result for a JSON file: its fields, without long sequences such as curves.

    Args:
      found: a `NamedTuple`.

    Returns:
      The numbers, texts and short sequences among its fields; None for NaN, which JSON does not know.
    """
    fields: Mapping[str, Any] = found._asdict()
    kept = {name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value for name, value in fields.items()}
    short = {name: value for name, value in kept.items() if not (isinstance(value, list) and len(value) > 100)}
    return {name: _known(value) for name, value in short.items()}


def _known(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
