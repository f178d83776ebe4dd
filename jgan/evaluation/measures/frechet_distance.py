"""FID and FID-infinity: Frechet distances of features (Heusel et al., 2017; Chong and Forsyth, 2020)."""

import dataclasses
import functools

import numpy as np

from jgan.evaluation.criteria import CRITERIA, Criterion, RealImages, features_of
from jgan.evaluation.measure import MEASURES, Context, Measure, Sides, one
from jgan.features import Extractor
from jgan.metrics import frechet, moments
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class InfinityOptions:
    """The options of FID-infinity."""

    points: int = 15
    """number of sample sizes through which the line is fitted"""
    least: int = 0
    """smallest sample size; 0: a fifth of the samples, as the authors use 5,000 to 50,000"""

    def __post_init__(self) -> None:
        whole("points", self.points, 3)
        if self.least:
            whole("least", self.least, frechet.LEAST)


def _fid_infinity(sides: Sides, options: InfinityOptions, context: Context) -> frechet.FIDInfinity:
    real, fake = sides.features()
    least = options.least or max(frechet.LEAST, len(fake) // 5)
    return frechet.fid_infinity(real, fake, seed=context.seed, least=least, points=options.points, progress=context.progress)


def criterion(real: RealImages, extractor: Extractor) -> Criterion:
    """The Frechet distance to all training images, on the extractor's features.

    Args:
      real: the real images.
      extractor: the feature network.

    Returns:
      The `Criterion`.

    References:
      Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (2017), https://arxiv.org/abs/1706.08500
    """

    @functools.cache
    def reference() -> moments.Moments:  # computed at the first measurement only
        return moments.of(features_of(extractor, real.part("train")))

    def of(samples: np.ndarray) -> float:
        return frechet.distance(reference(), moments.of(features_of(extractor, samples)))

    return Criterion("fid", False, f"FID ({extractor.name})", of)


MEASURES.register(
    "fid",
    Measure(
        "features",
        lambda sides, options, context: frechet.fid(*sides.features()),
        one("FID", "lower", "fid"),
        "Frechet distance of the features",
        within_class=True,
    ),
)
MEASURES.register(
    "fid_infinity",
    Measure(
        "features",
        _fid_infinity,
        one("FID-infinity", "lower", "fid", "standard_error"),
        "FID extrapolated to infinitely many samples",
        InfinityOptions,
    ),
)
CRITERIA.register("fid", criterion)
