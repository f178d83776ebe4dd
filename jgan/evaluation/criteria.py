"""Criteria for image runs during training: one value per set of samples, by which the best checkpoint is selected.

Each criterion is registered in `CRITERIA` by the file of its metric in `jgan.evaluation.measures`.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jgan.data import Dataset, lazy
from jgan.evaluation import sets
from jgan.evaluation.extract import extract
from jgan.features import Extractor
from jgan.utils.registry import Registry, import_all

VALIDATION_IMAGES = 1_000
"""validation images of the log-likelihood, as in the 2014 authors' code"""


class Criterion(NamedTuple):
    """A value computed from samples.

    Attributes:
      column: its name in `metrics.jsonl`.
      larger: whether larger values are better.
      phrase: its name in messages.
      of: `of(samples) -> float`; samples are float `[N, height, width, channels]` in [0, 1].
    """

    column: str
    larger: bool
    phrase: str
    of: Callable[[np.ndarray], float]


class RealImages:
    """The real images that samples are compared with, loaded on first use.

    Args:
      load: `load() -> Dataset`, a single set of images.
      view: preprocesses real images for the model, see `jgan.models.Model.real_view`; None for no change.

    Example:
      >>> from jgan import data
      >>> from jgan.evaluation.criteria import RealImages
      >>> RealImages(lambda: data.load("digits")).part("test", 2).shape
      (2, 8, 8, 1)
    """

    def __init__(self, load: Callable[[], Dataset], view: Callable[[Any], Any] | None = None, block: int = 1000) -> None:
        self._load, self._view, self._block = load, view, block

    def part(self, name: str, first: int | None = None) -> np.ndarray:
        """The images of a part of the data set.

        Args:
          name: `"train"`, `"validation"` or `"test"`.
          first: the number of images; None for all. Which ones: `jgan.data.lazy.some`.

        Returns:
          `[N, height, width, channels]` float32 in [0, 1].
        """
        images = getattr(self._load(), name).x
        x = images[lazy.some(images, first)]
        if self._view is None:
            return unit(x)
        blocks = [np.asarray(self._view(unit(x[at : at + self._block]))) for at in range(0, len(x), self._block)]
        return np.concatenate(blocks)

    def image_set(self, name: str) -> sets.ImageSet:
        """A part of the data set as an `ImageSet`, preprocessed by `view`."""
        found = sets.of_dataset(self._load(), name)
        return found if self._view is None else found._replace(images=sets.to_uint8(name, self.part(name)))


def features_of(extractor: Extractor, images: np.ndarray) -> np.ndarray:
    """Features of images; both sets are first rounded to 8 bits, as in image files."""
    return np.asarray(extract(extractor, sets.to_uint8("images", images)).features)


CRITERIA: Registry[Callable[[RealImages, Extractor], Criterion]] = Registry(
    "metric",
    lambda: import_all("jgan.evaluation.measures", importlib.import_module("jgan.evaluation.measures").__path__),
)
"""All criteria, by their names in `--metric`: functions of the real images and an extractor."""


def unit(x: np.ndarray) -> np.ndarray:
    """Converts images to float32 in [0, 1].

    Args:
      x: uint8, or float in [0, 1], of any shape.

    Returns:
      float32 in [0, 1], of the same shape.
    """
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
