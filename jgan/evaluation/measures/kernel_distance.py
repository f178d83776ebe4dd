"""KID and MMD^2: kernel distances of features (Binkowski et al., 2018; Gretton et al., 2012)."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from jgan.evaluation.criteria import CRITERIA, Criterion, RealImages, features_of
from jgan.evaluation.measure import MEASURES, Context, Measure, NoOptions, Sides, one
from jgan.features import Extractor
from jgan.metrics import kernel
from jgan.utils.checks import whole

SUBSET = 1_000
"""number of features in a subset of KID"""


class MMD(NamedTuple):
    """The unbiased squared MMD by a Gaussian kernel, and the kernel's width: the median distance."""

    value: float
    width: float


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of KID."""

    subset_size: int = 0
    """number of images of each set in a subset; 0: 1,000, or the smaller set if that is less"""
    subsets: int = 100
    """number of subsets, over which the mean and the deviation are taken"""

    def __post_init__(self) -> None:
        whole("subsets", self.subsets, 1)
        if self.subset_size:
            whole("subset_size", self.subset_size, 2)


def _kid(sides: Sides, options: Options, context: Context) -> kernel.KID:
    real, fake = sides.features()
    size = options.subset_size or min(SUBSET, len(real), len(fake))
    return kernel.kid(real, fake, subsets=options.subsets, subset_size=size, seed=context.seed, progress=context.progress)


def _mmd(sides: Sides, options: NoOptions, context: Context) -> MMD:
    real, fake = sides.features()
    width = kernel.median_width(real, fake, seed=context.seed)
    return MMD(kernel.mmd2(real, fake, kernel=kernel.Gaussian((width,)), progress=context.progress), width)


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


MEASURES.register(
    "kid",
    Measure("features", _kid, one("KID", "lower", "mean", "std"), "kernel distance, unbiased", Options, within_class=True),
)
MEASURES.register(
    "mmd",
    Measure("features", _mmd, one("MMD^2", "lower"), "squared kernel distance, Gaussian kernel", within_class=True),
)
CRITERIA.register("kid", criterion)
