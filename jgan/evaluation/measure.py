"""`Measure`, a measure of two sets of images, and its registry `MEASURES`, filled by `jgan.evaluation.measures`."""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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


class Options(NamedTuple):
    """The options that measures take.

    Attributes:
      k: number of nearest neighbours in precision, recall, density and coverage.
      seed: seed of all random numbers in a measure.
      progress: called repeatedly by slow measures.
    """

    k: int = 5
    seed: int = 0
    progress: Progress | None = None


class Row(NamedTuple):
    """One row of the table.

    Attributes:
      name: the name of the value.
      value: the value.
      spread: its standard error or standard deviation, or None.
      better: `"lower"`, `"higher"`, or the value that it should be near.
    """

    name: str
    value: float
    spread: float | None
    better: str


class Measure(NamedTuple):
    """A measure of two sets of images.

    Attributes:
      needs: `"features"`, `"logits"`, `"images"`, `"held_out"` or `"labels"`.
      compute: `compute(sides, options) -> result`, a `NamedTuple`.
      rows: `rows(result) -> lines of the table`.
      about: one line for the help text.
      picture: `picture(result) -> Figure` for `--pictures`, or None.
      least_size: the minimum height and width of the images.
    """

    needs: Literal["features", "logits", "images", "held_out", "labels"]
    compute: Callable[[Sides, Options], Any]
    rows: Callable[[Any], list[Row]]
    about: str
    picture: Callable[[Any], "Figure"] | None = None
    least_size: int = 1


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
    return lambda found: [Row(name, getattr(found, value), getattr(found, spread) if spread else None, better)]


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
      The numbers, texts and short sequences among its fields.
    """
    fields: Mapping[str, Any] = found._asdict()
    kept = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}
    return {name: value for name, value in kept.items() if not (isinstance(value, list) and len(value) > 100)}
