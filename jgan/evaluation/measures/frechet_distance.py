"""FID and FID-infinity: Frechet distances of features (Heusel et al., 2017; Chong and Forsyth, 2020)."""

import functools

import numpy as np

from jgan.evaluation.criteria import CRITERIA, Criterion, RealImages, features_of
from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, one
from jgan.features import Extractor
from jgan.metrics import frechet, moments


def _fid_infinity(sides: Sides, options: Options) -> frechet.FIDInfinity:
    real, fake = sides.features()
    # Starts at a fifth of the samples, as the authors use 5,000 to 50,000.
    return frechet.fid_infinity(real, fake, seed=options.seed, least=max(2, len(fake) // 5), progress=options.progress)


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
        lambda sides, options: frechet.fid(*sides.features()),
        one("FID", "lower", "fid"),
        "Frechet distance of the features",
    ),
)
MEASURES.register(
    "fid_infinity",
    Measure(
        "features",
        _fid_infinity,
        one("FID-infinity", "lower", "fid", "standard_error"),
        "FID extrapolated to infinitely many samples",
    ),
)
CRITERIA.register("fid", criterion)
