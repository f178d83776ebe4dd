"""KID and MMD^2: kernel distances of features (Binkowski et al., 2018; Gretton et al., 2012)."""

import functools
from typing import NamedTuple

import numpy as np

from jgan.evaluation.criteria import CRITERIA, Criterion, RealImages, features_of
from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, one
from jgan.features import Extractor
from jgan.metrics import kernel

SUBSET = 1_000
"""number of features in a subset of KID"""


class MMD(NamedTuple):
    """The unbiased squared MMD by a Gaussian kernel, and the kernel's width: the median distance."""

    value: float
    width: float


def _kid(sides: Sides, options: Options) -> kernel.KID:
    real, fake = sides.features()
    size = min(SUBSET, len(real), len(fake))
    return kernel.kid(real, fake, subset_size=size, seed=options.seed, progress=options.progress)


def _mmd(sides: Sides, options: Options) -> MMD:
    real, fake = sides.features()
    width = kernel.median_width(real, fake, seed=options.seed)
    return MMD(kernel.mmd2(real, fake, kernel=kernel.Gaussian((width,)), progress=options.progress), width)


def criterion(real: RealImages, extractor: Extractor) -> Criterion:
    """The kernel distance to the training images, unbiased.

    Args:
      real: the real images.
      extractor: the feature network.

    Returns:
      The `Criterion`.

    References:
      Binkowski et al., "Demystifying MMD GANs" (2018), https://arxiv.org/abs/1801.01401
    """

    @functools.cache
    def reference() -> np.ndarray:
        return features_of(extractor, real.part("train"))

    def of(samples: np.ndarray) -> float:
        features = features_of(extractor, samples)
        size = min(SUBSET, len(features), len(reference()))
        return float(kernel.kid(reference(), features, subset_size=size, seed=0).mean)

    return Criterion("kid", False, f"KID ({extractor.name})", of)


MEASURES.register("kid", Measure("features", _kid, one("KID", "lower", "mean", "std"), "kernel distance, unbiased"))
MEASURES.register("mmd", Measure("features", _mmd, one("MMD^2", "lower"), "squared kernel distance, Gaussian kernel"))
CRITERIA.register("kid", criterion)
