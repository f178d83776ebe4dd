"""What a run of images is judged by while it trains, and its best checkpoint kept by: one figure of one set of samples."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jgan.data import Dataset
from jgan.evaluation import sets
from jgan.evaluation.extract import extract
from jgan.features import Extractor
from jgan.metrics import frechet, kernel, moments, parzen

VALIDATION_IMAGES = 1_000
"""of the log-likelihood, as in the 2014 authors' code"""


class Criterion(NamedTuple):
    """A figure of samples.

    Attributes:
      column: its name in `metrics.jsonl`.
      larger: whether the larger is the better.
      phrase: its name in words.
      of: `of(samples) -> float`; samples are float `[N, height, width, channels]` in [0, 1].
    """

    column: str
    larger: bool
    phrase: str
    of: Callable[[np.ndarray], float]


def log_likelihood(dataset: Dataset, extractor: Extractor) -> Criterion:
    """The Parzen-window log-likelihood of the validation images, at the best width (Goodfellow et al., 2014).

    Args:
      dataset: the data.
      extractor: not looked at: this is a measure of pixels.

    Returns:
      The `Criterion`.
    """
    del extractor
    images = unit(dataset.validation.x[:VALIDATION_IMAGES])

    def of(samples: np.ndarray) -> float:
        return float(parzen.log_likelihoods(images, samples, parzen.SIGMAS).mean(axis=1).max())

    return Criterion("validation_log_likelihood", True, "validation log-likelihood", of)


def _features(extractor: Extractor, images: np.ndarray) -> np.ndarray:
    """Of images as they would lie in files, on both sides."""
    return np.asarray(extract(extractor, sets.to_uint8("images", images)).features)


def fid(dataset: Dataset, extractor: Extractor) -> Criterion:
    """The Frechet distance to all training images, on the extractor's features (Heusel et al., 2017).

    Args:
      dataset: the data.
      extractor: the feature network.

    Returns:
      The `Criterion`.
    """

    @functools.cache
    def reference() -> moments.Moments:  # at the first measure: a run that is never measured does not pay for it
        return moments.of(_features(extractor, dataset.train.x))

    def of(samples: np.ndarray) -> float:
        return frechet.distance(reference(), moments.of(_features(extractor, samples)))

    return Criterion("fid", False, f"FID ({extractor.name})", of)


def kid(dataset: Dataset, extractor: Extractor) -> Criterion:
    """The kernel distance to the training images, unbiased (Binkowski et al., 2018).

    Args:
      dataset: the data.
      extractor: the feature network.

    Returns:
      The `Criterion`.
    """

    @functools.cache
    def reference() -> np.ndarray:
        return _features(extractor, dataset.train.x)

    def of(samples: np.ndarray) -> float:
        features = _features(extractor, samples)
        size = min(1_000, len(features), len(reference()))
        return float(kernel.kid(reference(), features, subset_size=size, seed=0).mean)

    return Criterion("kid", False, f"KID ({extractor.name})", of)


CRITERIA: dict[str, Callable[[Dataset, Extractor], Criterion]] = {"log_likelihood": log_likelihood, "fid": fid, "kid": kid}
"""Every criterion, by the name that `--metric` takes."""


def unit(x: np.ndarray) -> np.ndarray:
    """Images as the steps see them.

    Args:
      x: uint8, or float in [0, 1], of any shape.

    Returns:
      float32 in [0, 1], of the same shape.
    """
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
